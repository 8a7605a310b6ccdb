/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries of a run file, its overlay and its flags count, and which problems come of them:
 * each with its file and line, in the order of the lines. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define PROBLEMS_MAX_WANTED 9

struct entries_case {
	const char *text;    /* f.ini, after CONF_TARGET, which has lines 1 and 2 */
	const char *overlay; /* over.ini; NULL: none */
	const char *flags[4];
	const char *wanted[PROBLEMS_MAX_WANTED]; /* none: a plan is made */
};

static void read_case(struct conf_doc *d, const struct entries_case *c)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), CONF_TARGET "%s", c->text);
	conf_read(d, "f.ini", text);
	if (c->overlay)
		conf_read(d, "over.ini", c->overlay);
	for (size_t i = 0; i < 4 && c->flags[i]; i++) {
		char path[64];
		const char *value = strchr(c->flags[i], '=') + 1;

		(void)snprintf(
			path, sizeof(path), "%.*s", (int)(value - 1 - c->flags[i]), c->flags[i]);
		ck_assert_int_eq(ini_set_path(&d->ini, path, path, value), 0);
	}
}

static void expect_case(const struct entries_case *c)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	read_case(&d, c);
	if (c->wanted[0]) {
		ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
		conf_expect(&d, c->wanted);
	} else {
		p = conf_build(&d, "f", "", NULL, 0);
	}
	plan_free(p);
	conf_fini(&d);
}

static const struct entries_case refused[] = {
	/* Every value is read, also one that a later one overrides. */
	{"[load]\nrate = fast\n", "[load]\nrate = 5\n", {"load.rate=6"}, {"f.ini:4: rate: "}},
	{"[load]\narrivals = even\n", NULL, {"load.arrivals=poisson"}, {"f.ini:4: arrivals: "}},
	{"[load]\nstage = hold\n", "[load]\nstage = hold 5 for 1s\n", {NULL}, {"f.ini:4: stage: "}},
	{"[connections]\nsource = 127.0.0.256\n", "[connections]\nsource = 127.0.0.1\n", {NULL},
		{"f.ini:4: source: "}},
	{"[request a]\nweight = 0\nexpect-status = 99\n[defaults]\nexpect-status = 600\n", NULL,
		{"request.a.weight=2", "request.a.expect-status=200"},
		{"f.ini:4: weight: ", "f.ini:5: expect-status: ", "f.ini:7: expect-status: "}},
	/* Each grammar is told once, with its place. */
	{"[load]\nscale = x0\narrivals = jitter:2\nslice = 3/2\nat = now\n[pacing]\ngap = 1s\n"
	 "[run]\nlabel = none\n",
		NULL, {"target.dns=every 1ms"},
		{"f.ini:4: scale: ", "f.ini:5: arrivals: ", "f.ini:6: slice: ", "f.ini:7: at: ",
			"f.ini:9: gap: ", "f.ini:11: label: ", "target.dns: 'every 1ms'"}},
	{"[defaults]\nmethod = GE T\nheader = a b\nauth = joe\nexpect-size = 2..1\n"
	 "expect-sha256 = x\nexpect-header = a b\n",
		NULL, {"request.x.path=//h/"},
		{"f.ini:4: method: ", "f.ini:5: header: ", "f.ini:6: auth: ",
			"f.ini:7: expect-size: ", "f.ini:8: expect-sha256: ",
			"f.ini:9: expect-header: ", "request.x.path: "}},
	/* In the order of the lines, whatever is asked first. */
	{"[connections]\npipeline = 2\nreuse = no\nexhausted = drop\n[load]\nthink = 1s\n"
	 "model = closed\nslice = 1/2\n[tls]\nverify = no\n",
		NULL, {NULL},
		{"f.ini:5: reuse = no contradicts pipeline = 2 (line 4)",
			"f.ini:6: exhausted has no meaning", "f.ini:10: a closed model has no",
			"f.ini:12: verify is for https"}},
	{"[request a]\nmethod = POST\n[connections]\npipeline = 2\n[load]\nduration = 1s\n"
	 "requests = 5\n[run]\nlabel = x\n",
		NULL, {NULL},
		{"f.ini:6: pipeline = 2: POST", "f.ini:9: requests = 5 contradicts duration = 1s",
			"f.ini:11: label: "}},
	/* A bad value leaves out what would follow from it, and that alone. */
	{"[load]\nmodel = close\nthink = 1s\nduration = 1s\nrequests = 1\nscale = x0.000001\n"
	 "[connections]\nreuse = no\nmax-age = 1s\n",
		NULL, {NULL},
		{"f.ini:4: model: ", "f.ini:11: max-age = 1s contradicts reuse = no (line 10)"}},
	{"[connections]\nreuse = never\nmax-age = 1s\npipeline = 2\nrequests-per-connection = 1\n",
		NULL, {NULL},
		{"f.ini:4: reuse: ", "f.ini:7: requests-per-connection = 1 contradicts pipeline"}},
	/* A key that the place, the model or the target leaves no meaning, written with it or later
	 * than it. */
	{"[load]\nmodel = closed\n", "[load]\narrivals = poisson\n",
		{"connections.queue-max=5", "connections.exhausted=drop"},
		{"over.ini:2: arrivals has no meaning", "connections.exhausted: exhausted has no",
			"connections.queue-max: queue-max has no"}},
	{"dns = every 5s\naddresses = v4\n",
		"[target]\nconnect-to = unix:/s\ndns = every 5s\naddresses = v4\n"
		"[connections]\nsource = 127.0.0.1\nsource = ::1\n",
		{NULL},
		{"over.ini:3: dns is for TCP", "over.ini:4: addresses is for TCP",
			"over.ini:6: source is for TCP", "over.ini:7: source is for TCP"}},
	{"", "[target]\naddresses = v6\n", {"connections.source=::1"},
		{"over.ini:2: addresses = v6, and the target is an IPv4",
			"connections.source: source: the target is loaded over IPv4"}},
	/* The earlier of two that contradict each other is dropped before the next question. */
	{"[load]\nrate = max\nstage = hold 5 for 1s\nmodel = closed\n", NULL, {NULL},
		{"f.ini:5: stage = hold 5 for 1s contradicts rate = max (line 4)",
			"f.ini:6: model = closed contradicts stage = hold 5 for 1s (line 5)"}},
	{"[load]\nstage = hold 5 for 1s\nrate = 5\nduration = 1s\n", NULL, {NULL},
		{"f.ini:5: rate = 5 contradicts stage = hold 5 for 1s (line 4)"}},
	/* A list begins anew with each file, but a line of it that is bad is told. */
	{"[load]\nstage = hold 5 for 1s\nstage = hold 6 for 1s\n",
		"[load]\nstage = hold 7 for 1s\nstage = ramp to 0\n", {NULL},
		{"over.ini:3: stage: "}},
};

START_TEST(problems_of_entries)
{
	expect_case(&refused[_i]);
}
END_TEST

static const struct entries_case taken[] = {
	/* Forgotten where a later file or a flag turned it around. */
	{"[load]\nthink = 1s\nmodel = closed\n", "[load]\nrate = 5\n", {NULL}, {NULL}},
	{"[load]\narrivals = jitter:0.5\n[connections]\nqueue-max = 5\nexhausted = queue\n", NULL,
		{"load.rate=max"}, {NULL}},
	{"[tls]\nverify = no\nca-file = ca.pem\nmin-version = 1.3\nmax-version = 1.2\n", NULL,
		{"target.url=http://127.0.0.1/"}, {NULL}},
	{"addresses = v6\ndns = every 5s\n[connections]\nsource = ::1\n",
		"[target]\nconnect-to = unix:/s\n", {NULL}, {NULL}},
	{"addresses = v6\n", NULL, {"target.connect-to=10.0.0.1:80"}, {NULL}},
	{"[connections]\npipeline = 8\nmax-age = 1s\nrequests-per-connection = 8\n", NULL,
		{"connections.reuse=no"}, {NULL}},
	{"[connections]\nrequests-per-connection = 2\n", "[connections]\npipeline = 8\n", {NULL},
		{NULL}},
	{"[load]\nduration = 5s\n", "[load]\nstage = hold 5 for 1s\nstage = hold 6 for 1s\n",
		{NULL}, {NULL}},
};

START_TEST(forgotten_entries)
{
	expect_case(&taken[_i]);
}
END_TEST

START_TEST(what_is_forgotten_has_its_default)
{
	static const struct entries_case c = {
		"addresses = v6\ndns = every 5s\n"
		"[load]\narrivals = jitter:0.5\n"
		"[connections]\nsource = ::1\nreuse = rotate\nmax-age = 1s\npipeline = 8\n"
		"requests-per-connection = 9\n",
		"[target]\nconnect-to = unix:/s\n", {"load.model=closed", "connections.reuse=no"},
		{NULL}};
	struct conf_doc d = {0};
	struct plan *p;

	read_case(&d, &c);
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_uint_eq(p->addresses, PLAN_ADDRESSES_ALL);
	ck_assert_int_eq(p->dns_ns, 0);
	ck_assert_uint_eq(p->n_sources, 0);
	ck_assert_uint_eq(p->arrivals, PLAN_CONSTANT);
	ck_assert_double_eq(p->jitter, 0);
	ck_assert_uint_eq(p->reuse, PLAN_REUSE_NO);
	ck_assert_int_eq(p->max_age_ns, 0);
	ck_assert_uint_eq(p->pipeline, 1);
	ck_assert_uint_eq(p->requests_per_connection, 0);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* An overlay's value for all requests comes after the request's own of the run file. */
START_TEST(a_request_keeps_its_own)
{
	static const struct entries_case c = {
		"[request a]\nmethod = PUT\nexpect-status = 201\nexpect-size = 5\nchunked = 1KiB\n"
		"body = x\n[request b]\nexpect-sha256 =\n",
		"[defaults]\nmethod = POST\nexpect-status = 404\nexpect-size = 1..2\nchunked = no\n"
		"body = y\n",
		{"defaults.expect-size=7"}, {NULL}};
	struct conf_doc d = {0};
	struct plan *p;

	read_case(&d, &c);
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_uint_eq(p->n_requests, 2);
	ck_assert_str_eq(p->requests[0].method, "PUT");
	ck_assert_str_eq(p->requests[1].method, "POST");
	ck_assert(plan_statuses_has(&p->requests[0].expect_statuses, 201));
	ck_assert(!plan_statuses_has(&p->requests[0].expect_statuses, 404));
	ck_assert(plan_statuses_has(&p->requests[1].expect_statuses, 404));
	ck_assert_uint_eq(p->requests[0].expect_size_min, 5);
	ck_assert_uint_eq(p->requests[1].expect_size_min, 7);
	ck_assert_uint_eq(p->requests[1].expect_size_max, 7);
	ck_assert_uint_eq(p->requests[0].chunk_bytes, 1024);
	ck_assert_uint_eq(p->requests[1].chunk_bytes, 0);
	ck_assert_str_eq(p->requests[0].body, "x");
	ck_assert_str_eq(p->requests[1].body, "y");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("plan_entries");
	TCase *entries = tcase_create("entries");

	tcase_add_loop_test(entries, problems_of_entries, 0, N(refused));
	tcase_add_loop_test(entries, forgotten_entries, 0, N(taken));
	tcase_add_test(entries, what_is_forgotten_has_its_default);
	tcase_add_test(entries, a_request_keeps_its_own);
	suite_add_tcase(s, entries);
	return suite_main(s);
}
