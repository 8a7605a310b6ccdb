/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from text, overlays and flags: what they become, and what they refuse. */
#include "common/plan/plan.h"

#include <check.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

START_TEST(bare_url_is_100_per_second_for_10s)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_set(&d, "URL", "target", "url", "localhost:8000/x?y");
	p = conf_build(&d, NULL, NULL, NULL, 0);
	ck_assert_str_eq(p->name, "localhost");
	ck_assert_str_eq(p->url.path, "/x?y");
	ck_assert_uint_eq(p->url.port, 8000);
	ck_assert_int_eq(p->model, PLAN_OPEN);
	conf_expect_rate(p->rate, 100, 1);
	ck_assert(!p->rate_max);
	ck_assert_uint_eq(p->n_stages, 1);
	ck_assert_int_eq(p->stages[0].kind, PLAN_HOLD);
	conf_expect_rate(p->stages[0].rate, 100, 1);
	ck_assert_int_eq(p->stages[0].duration_ns, 10 * NSEC_PER_SEC);
	ck_assert_str_eq(p->stage_texts[0], "hold 100/s for 10s");
	ck_assert_int_eq(p->duration_ns, 10 * NSEC_PER_SEC);
	ck_assert_uint_eq(p->n_arrivals, 0);
	ck_assert_int_eq(p->warmup_ns, 0);
	ck_assert_int_eq(p->cooldown_ns, 0);
	ck_assert_int_eq(p->think_ns, 0);
	ck_assert_uint_eq(p->seed, 42);
	ck_assert_uint_eq(p->order, PLAN_RANDOM);
	ck_assert_uint_eq(p->workers, 0);
	ck_assert_uint_eq(p->connections, 0);
	ck_assert_uint_eq(plan_connection_limit(p), 1000);
	ck_assert_uint_eq(p->exhausted, PLAN_GROW);
	ck_assert_uint_eq(p->queue_max, 100000);
	conf_expect_rate(p->open_rate, 1000, 1);
	ck_assert_uint_eq(p->reuse, PLAN_REUSE_LIFO);
	ck_assert_int_eq(p->connect_timeout_ns, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(p->request_timeout_ns, 30 * NSEC_PER_SEC);
	ck_assert_int_eq(p->drain_ns, 30 * NSEC_PER_SEC);
	ck_assert_int_eq(p->interval_ns, NSEC_PER_SEC);
	ck_assert_str_eq(p->requests[0].method, "GET");
	ck_assert_uint_eq(p->requests[0].n_headers, 0);
	ck_assert_uint_eq(p->requests[0].body_len, 0);
	ck_assert_ptr_null(plan_free(p));
	ck_assert_ptr_null(plan_free(NULL));
	conf_fini(&d);
}
END_TEST

/* ---- target and name ---- */

START_TEST(bad_targets)
{
	CONF_EXPECT("[load]\nrate = 5\n", "f.ini: [target] url is missing");
	CONF_EXPECT("[load]\nrate = 5\n[target]\n", "f.ini:3: [target] url is missing");
	CONF_EXPECT("", "f.ini: [target] url is missing");
	/* What was refused may have been it: that is told once. */
	CONF_EXPECT("[targt]\nurl = http://x/\n", "f.ini:1: unknown section [targt]");
	CONF_EXPECT(CONF_TARGET "[load]\nduration = 1h30\n",
		"duration: '1h30' has no unit after 30: write");
	CONF_EXPECT("[target]\nulr = http://x/\n", "f.ini:2: unknown key 'ulr' in [target]");
	CONF_EXPECT("[target]\n url = http://x/\n", "f.ini:2: \"url = http://x/\" is indented");
	CONF_EXPECT("[target]\nurl = ftp://x/\n", "f.ini:2: url: ");
	CONF_EXPECT("[target]\nurl =\n", "f.ini:2: url: ");
}
END_TEST

START_TEST(names_of_runs)
{
	static const char *const cases[][2] = {
		{"http://shop.test:8443/cart", "shop.test"},
		{"127.0.0.1", "127.0.0.1"},
		{"http://[::1]:80/", "ip6-1"},
		{"http://[2001:db8::7]/", "ip6-2001-db8-7"},
		{"http://a_b/", "a_b"},
	};
	struct plan *p = NULL;
	struct conf_doc bad = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_doc d = {0};

		conf_set(&d, "URL", "target", "url", cases[i][0]);
		p = conf_build(&d, NULL, NULL, NULL, 0);
		ck_assert_str_eq(p->name, cases[i][1]);
		ck_assert(str_is_name(p->name));
		plan_free(p);
		conf_fini(&d);
	}
	p = NULL;
	conf_read(&bad, "f.ini", CONF_TARGET);
	ck_assert_int_eq(plan_build("a/b", &bad.ini, "", NULL, 0, &p, &bad.problems), -EINVAL);
	conf_expect(&bad, (const char *const[]){"a/b: not a name for a run", NULL});
	conf_fini(&bad);
}
END_TEST

START_TEST(long_host_makes_a_name)
{
	struct conf_doc d = {0};
	char url[128] = "http://";
	struct plan *p;

	memset(url + strlen(url), 'a', 100);
	conf_set(&d, "URL", "target", "url", url);
	p = conf_build(&d, NULL, NULL, NULL, 0);
	ck_assert_uint_eq(strlen(p->name), 64);
	ck_assert(str_is_name(p->name));
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* ---- the request ---- */

START_TEST(headers_are_kept_in_order)
{
	struct plan *p = conf_plan(
		CONF_TARGET "[defaults]\nmethod = POST\nheader = Accept: text/html\n"
			    "header = Cookie:a=b; c\nheader = cookie: d\nheader = X-Empty:\n"
			    "body = some text; and more\n");

	ck_assert_str_eq(p->requests[0].method, "POST");
	ck_assert_uint_eq(p->requests[0].n_headers, 4);
	ck_assert_str_eq(p->requests[0].headers[0].name, "Accept");
	ck_assert_str_eq(p->requests[0].headers[0].value, "text/html");
	ck_assert_str_eq(p->requests[0].headers[1].value, "a=b; c");
	ck_assert_str_eq(p->requests[0].headers[2].value, "d");
	ck_assert_str_eq(p->requests[0].headers[3].value, "");
	ck_assert_ptr_eq(plan_find_header(p->requests, "COOKIE"), &p->requests[0].headers[1]);
	ck_assert_ptr_null(plan_find_header(p->requests, "Host"));
	ck_assert_str_eq(p->requests[0].body, "some text; and more");
	ck_assert_uint_eq(p->requests[0].body_len, strlen("some text; and more"));
	plan_free(p);
}
END_TEST

static const char *const bad_defaults[] = {
	"header = Accept",
	"header = : x",
	"header = Accept : x",
	"header = Acc ept: x",
	"header = Acc(ept: x",
	"header = \303\244: x",
	"header = A: x\x01y",
	"header = A: x\x7fy",
	"header = A: x\ry",
	"header = Transfer-Encoding: chunked",
	"header = Authorization: Bearer cred:a/b",
	"body = cred:",
	"body = text cred:..",
	"body = @cred:token",
	"method = GET /",
	"method =",
	"method = CONNECT",
};

START_TEST(bad_default_is_refused)
{
	char text[256];

	snprintf(text, sizeof(text), CONF_TARGET "[defaults]\n%s\n", bad_defaults[_i]);
	CONF_EXPECT(text, "f.ini:4: ");
}
END_TEST

START_TEST(header_from_a_flag_has_no_line_ends)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", CONF_TARGET);
	conf_set(&d, "-H", "defaults", "header", "A: b\r\nInjected: yes");
	conf_set(&d, "-H", "defaults", "header", "A\r\n: b");
	conf_set(&d, "-X", "defaults", "method", "GET / HTTP/1.1\r\n");
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"-H: header A has a control character", "-H: 'A",
				"-X: 'GET / HTTP/1.1", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(later_header_replaces_by_name)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini",
		CONF_TARGET
		"[defaults]\nheader = Cookie: a\nheader = Cookie: b\nheader = Accept: x\n"
		"header = Host: one\n");
	conf_read(&d, "over.ini", "[defaults]\nheader = COOKIE: c\nheader = Cookie: d\n");
	conf_set(&d, "-H", "defaults", "header", "Host: two");
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_uint_eq(p->requests[0].n_headers, 4);
	ck_assert_str_eq(p->requests[0].headers[0].value, "x");
	ck_assert_str_eq(p->requests[0].headers[1].value, "c");
	ck_assert_str_eq(p->requests[0].headers[2].value, "d");
	ck_assert_str_eq(p->requests[0].headers[3].value, "two");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(framing_headers)
{
	CONF_EXPECT(CONF_TARGET "[defaults]\nheader = Host: a\nheader = host: b\n",
		"f.ini:5: header: Host is given twice");
	CONF_EXPECT(CONF_TARGET "[defaults]\nheader = Content-Length: 5\nbody = text\n",
		"f.ini:4: header Content-Length: 5, but the body has 4 bytes");
	plan_free(conf_plan(CONF_TARGET "[defaults]\nheader = Content-Length: 4\nbody = text\n"));
}
END_TEST

START_TEST(too_many_headers)
{
	struct conf_doc d = {0};
	struct buf text = {0};
	struct plan *p = NULL;

	ck_assert_int_eq(buf_puts(&text, CONF_TARGET "[defaults]\n"), 0);
	for (int i = 0; i < 201; i++)
		ck_assert_int_eq(buf_printf(&text, "header = X-%d: y\n", i), 0);
	conf_read(&d, "f.ini", text.data);
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"f.ini:204: more than 200 headers", NULL});
	conf_fini(&d);
	buf_fini(&text);
}
END_TEST

START_TEST(files_fill_values)
{
	static const struct plan_file files[] = {
		{"cart.json", "{\0}\n", 4},
		{"token", "secret\r\n", 8},
		{"empty", NULL, 0},
	};
	static const char text[] = CONF_TARGET "[defaults]\nheader = Authorization: Bearer @token\n"
					       "header = X-Empty: @empty\nbody = pre  @cart.json\n";
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	p = conf_build(&d, "f", text, files, 3);
	ck_assert_str_eq(p->requests[0].headers[0].value, "Bearer secret");
	ck_assert_str_eq(p->requests[0].headers[1].value, "");
	ck_assert_uint_eq(p->requests[0].body_len, 9);
	ck_assert_mem_eq(p->requests[0].body, "pre  {\0}\n", 9);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(files_missing_or_bad)
{
	static const struct plan_file files[] = {{"two-lines", "a\nb\n", 4}, {"nul", "\0", 1}};
	static const char *const wanted[] = {
		"f.ini:4: body: file 'none' is missing",
		"f.ini:5: header: file 'nothing' is missing",
		"f.ini:6: header: the file for B has a control character",
		"f.ini:7: header: the file for C has a control character",
		NULL,
	};

	conf_expect_problems(CONF_TARGET "[defaults]\nbody = @none\nheader = A: @nothing\n"
					 "header = B: @two-lines\nheader = C: @nul\n",
		files, 2, wanted);
}
END_TEST

START_TEST(at_sign_that_is_no_file)
{
	struct plan *p = conf_plan(CONF_TARGET "[defaults]\nbody = user@example.test\n");

	ck_assert_str_eq(p->requests[0].body, "user@example.test");
	plan_free(p);
	p = conf_plan(CONF_TARGET "[defaults]\nbody = @\n");
	ck_assert_str_eq(p->requests[0].body, "@");
	plan_free(p);
	p = conf_plan(CONF_TARGET "[defaults]\nbody = @some text\n");
	ck_assert_str_eq(p->requests[0].body, "@some text");
	plan_free(p);
}
END_TEST

START_TEST(file_names)
{
	struct conf_doc d = {0};
	const char **names;
	size_t n = 99;

	ck_assert_ptr_null(plan_file_names(&d.ini, &n));
	ck_assert_uint_eq(n, 0);
	conf_read(&d, "f.ini",
		CONF_TARGET
		"[defaults]\nheader = A: @b\nbody = @overridden\nheader = C: x @a/c.txt\n"
		"header = D: @b\nheader = E: @ \n");
	conf_set(&d, "--data", "defaults", "body", "@body");
	names = plan_file_names(&d.ini, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(names[0], "b");
	ck_assert_str_eq(names[1], "a/c.txt");
	ck_assert_str_eq(names[2], "body");
	free(names);
	conf_fini(&d);
}
END_TEST

/* ---- text and digest ---- */

static void digest_of(const char *text, const char *origin, const char *rate,
	const struct plan_file *file, char ret[static DIGEST_SHA256_HEX_SIZE])
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	if (rate)
		conf_set(&d, origin, "load", "rate", rate);
	p = conf_build(&d, "f", text, file, file ? 1 : 0);
	ck_assert_str_eq(p->text, text);
	memcpy(ret, p->sha256, DIGEST_SHA256_HEX_SIZE);
	plan_free(p);
	conf_fini(&d);
}

START_TEST(digest_covers_what_decides)
{
	static const char with_file[] = CONF_TARGET "[defaults]\nbody = @x\n";
	static const struct plan_file one = {"x", "1", 1}, two = {"x", "2", 1};
	char plain[DIGEST_SHA256_HEX_SIZE], other[DIGEST_SHA256_HEX_SIZE];
	char again[DIGEST_SHA256_HEX_SIZE];

	digest_of(CONF_TARGET, NULL, NULL, NULL, plain);
	digest_of(CONF_TARGET, NULL, NULL, NULL, again);
	ck_assert_str_eq(plain, again);
	digest_of(CONF_TARGET "# \n", NULL, NULL, NULL, other);
	ck_assert_str_ne(plain, other);
	digest_of(CONF_TARGET, "-r", "5", NULL, other);
	ck_assert_str_ne(plain, other);
	/* The flag's name does not count, its value does. */
	digest_of(CONF_TARGET, "--set load.rate", "5", NULL, again);
	ck_assert_str_eq(again, other);
	digest_of(CONF_TARGET, "-r", "6", NULL, again);
	ck_assert_str_ne(again, other);
	digest_of(with_file, NULL, NULL, &one, plain);
	digest_of(with_file, NULL, NULL, &two, other);
	ck_assert_str_ne(plain, other);
}
END_TEST

START_TEST(digest_is_of_the_text_alone_without_overrides)
{
	char got[DIGEST_SHA256_HEX_SIZE], want[DIGEST_SHA256_HEX_SIZE];

	digest_of(CONF_TARGET, NULL, NULL, NULL, got);
	digest_sha256_hex(CONF_TARGET, strlen(CONF_TARGET), want);
	ck_assert_str_eq(got, want);
}
END_TEST

static void digest_with_overlay(const char *text, const char *overlay, char *ret)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	conf_read(&d, "over.ini", overlay);
	p = conf_build(&d, "f", text, NULL, 0);
	memcpy(ret, p->sha256, sizeof(p->sha256));
	plan_free(p);
	conf_fini(&d);
}

/* Also where the run file has no entry of its own. */
START_TEST(digest_covers_an_overlay)
{
	char one[DIGEST_SHA256_HEX_SIZE], other[DIGEST_SHA256_HEX_SIZE];

	digest_with_overlay("# later\n", CONF_TARGET, one);
	digest_with_overlay("# later\n", CONF_TARGET "[load]\nrate = 7\n", other);
	ck_assert_str_ne(one, other);
}
END_TEST

START_TEST(text_of_flags_reads_back)
{
	struct conf_doc d = {0};
	struct plan *p, *again;

	conf_set(&d, "-r", "load", "rate", "5");
	conf_set(&d, "URL", "target", "url", "http://127.0.0.1:8000/");
	conf_set(&d, "-H", "defaults", "header", "A: b");
	conf_set(&d, "-n", "load", "requests", "20");
	conf_set(&d, "-r", "load", "rate", "10");
	conf_set(&d, "-H", "defaults", "header", "C: d");
	p = conf_build(&d, "f", NULL, NULL, 0);
	ck_assert_str_eq(p->text, "[load]\nrequests = 20\nrate = 10\n[target]\n"
				  "url = http://127.0.0.1:8000/\n[defaults]\nheader = A: b\n"
				  "header = C: d\n");
	again = conf_plan(p->text);
	ck_assert_uint_eq(again->n_arrivals, 20);
	conf_expect_rate(again->rate, 10, 1);
	ck_assert_uint_eq(again->requests[0].n_headers, 2);
	ck_assert_str_eq(again->sha256, p->sha256);
	plan_free(again);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(text_of_flags_that_no_line_holds)
{
	static const char *const bodies[] = {"a\nrate = 9", "a\nrate = 8", " b", "b "};
	char last[DIGEST_SHA256_HEX_SIZE] = "";

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct conf_doc d = {0};
		struct plan *p, *again;

		conf_set(&d, "URL", "target", "url", "http://127.0.0.1:8000/");
		conf_set(&d, "--data", "defaults", "body", bodies[i]);
		p = conf_build(&d, "f", NULL, NULL, 0);
		ck_assert_str_eq(p->requests[0].body, bodies[i]);
		ck_assert_ptr_nonnull(strstr(p->text, "\n# body: "));
		again = conf_plan(p->text);
		ck_assert_uint_eq(again->requests[0].body_len, 0);
		ck_assert_str_ne(p->sha256, last);
		memcpy(last, p->sha256, sizeof(last));
		plan_free(again);
		plan_free(p);
		conf_fini(&d);
	}
}
END_TEST

/* ---- the whole ---- */

START_TEST(all_problems_at_once)
{
	CONF_EXPECT("[targt]\nurl = http://x/\n[load]\nrate = 100/x\nrte = 4\nduration = 10\n"
		    "stage = ramp from 1 to 2 for 3s\nworkers = aut\n[defaults]\nheader = Foo\n"
		    "method = G T\n[statistics]\ninterval = 2h\n",
		"f.ini:1: unknown section [targt]: did you mean [target]?",
		"f.ini:4: rate: '100/x' is not a rate", "f.ini:5: unknown key 'rte' in [load]",
		"f.ini:6: duration: '10' has no unit: write",
		"f.ini:7: stage: 'ramp from 1 to 2 for 3s' is not a stage: write ramp from",
		"f.ini:8: workers: 'aut' is not a whole number", "f.ini:10: header: 'Foo'",
		"f.ini:11: method: 'G T'", "f.ini:13: interval: '2h' is out of range: 100ms..1h");
	/* As other programs' files have them. */
	CONF_EXPECT("[target]\nurl = http://x/\n[load]\nrate = 20 ; slow\nduration = 5s # short\n",
		"f.ini:4: rate: '20 ; slow': a comment is not allowed after a value",
		"f.ini:5: duration: '5s # short': a comment is not allowed after a value");
	CONF_EXPECT("[target]\nurl = http://x/ # here\n[load]\nstage = hold 5 for 5s ; slow\n",
		"f.ini:2: url: 'http://x/ # here': a comment is not allowed after a value",
		"f.ini:4: stage: 'hold 5 for 5s ; slow': a comment is not allowed after a value");
	CONF_EXPECT("[target]\nurl = \"http://x/\"\n[load]\nrate = '5'\nmodel = \"open\"\n"
		    "arrivals = \"even\"\n[defaults]\nmethod = \"GET\"\nheader = \"A: b\"\n",
		"f.ini:2: url: the value is in quotes: leave them out",
		"f.ini:4: rate: the value is in quotes", "f.ini:5: model: the value is in quotes",
		"f.ini:6: arrivals: '\"even\"' is not", "f.ini:8: method: the value is in quotes",
		"f.ini:9: header: the value is in quotes");
	CONF_EXPECT("[target]\nurl = http://x/\n[load]\nrate = 99999999999\n",
		"f.ini:4: rate: '99999999999' is too large: write a "
		"number and /s, /m or /h, as in 2000, 2k/s or 30/m, or max; the range is "
		"1/h..10M/s");
	/* In the order of lines, whichever step finds them. */
	CONF_EXPECT(
		"[load]\nrate = 5\nstage = hold 1 for 1s\n[defaults]\nbody = @none\nheader = Foo\n",
		"f.ini:3: stage = hold 1 for 1s contradicts rate",
		"f.ini:5: body: file 'none' is missing", "f.ini:6: header: 'Foo'",
		"f.ini: [target] url is missing");
}
END_TEST

START_TEST(earlier_problems_forbid_a_plan)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", CONF_TARGET);
	problems_add(&d.problems, "x", 0, "read error");
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	ck_assert_ptr_null(p);
	ck_assert_uint_eq(d.problems.n, 1);
	conf_fini(&d);
}
END_TEST

START_TEST(drain_is_the_request_timeout_or_its_own)
{
	struct plan *p = conf_plan(CONF_TARGET "[timeouts]\nrequest = 7s\n");

	ck_assert_int_eq(p->drain_ns, 7 * NSEC_PER_SEC);
	plan_free(p);
	p = conf_plan(CONF_TARGET "[timeouts]\nrequest = 7s\ndrain = 0\n");
	ck_assert_int_eq(p->drain_ns, 0);
	plan_free(p);
}
END_TEST

START_TEST(peak_rate)
{
	struct plan *p =
		conf_plan(CONF_TARGET "[load]\nstage = hold 5/m for 1m\nstage = hold 0.2 for "
				      "1m\nstage = hold 7/m for 1m\n");

	conf_expect_rate(plan_peak_rate(p), 1, 5);
	plan_free(p);
	p = conf_plan(CONF_TARGET "[load]\nrate = max\n[connections]\ncount = 3\n");
	conf_expect_rate(plan_peak_rate(p), 0, 1);
	ck_assert_uint_eq(plan_connection_limit(p), 3);
	plan_free(p);
}
END_TEST

static void expect_description(const char *text, const char *const *wanted)
{
	struct plan *p = conf_plan(text);
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "before\n"), 0);
	ck_assert_int_eq(plan_describe(p, &b), 0);
	ck_assert(str_starts(b.data, "before\nf: "));
	ck_assert_int_eq(b.data[b.len - 1], '\n');
	for (; *wanted; wanted++)
		ck_assert_msg(strstr(b.data, *wanted), "'%s' is not in:\n%s", *wanted, b.data);
	buf_fini(&b);
	plan_free(p);
}

START_TEST(description)
{
	expect_description(CONF_TARGET "[load]\nstage = hold 1k for 3s\nstage = hold 10 for 1m\n"
				       "warmup = 2s\ncooldown = 3s\n",
		(const char *const[]){"f: GET http://127.0.0.1:8000/\n", "open model",
			"even spacing, up to 1000/s\n", "lasts        1m3s", "warm-up 2s before",
			"cooldown 3s after", "at most 30s for missing answers", "3,600 requests, ",
			"plus 2,030 in warm-up and cooldown", "up to 1,000,", "1,021 descriptors",
			"p99.9 (needs 2,995 independent requests); p99.99 takes 29,956\n", NULL});
	expect_description(CONF_TARGET "[load]\nmodel = closed\nrequests = 25000\nthink = 1s\n"
				       "[connections]\ncount = 1\nreuse = no\n",
		(const char *const[]){"closed model, 1 user, each waits for its answer and then 1s",
			"until 25,000 requests are sent", "one for each request", NULL});
	expect_description(CONF_TARGET "[load]\nmodel = closed\nrequests = 1\n",
		(const char *const[]){
			"until 1 request is sent;", "sends        1 request, ", NULL});
	expect_description(CONF_TARGET "[load]\nmodel = closed\n",
		(const char *const[]){"64 users", "p99 takes 299", NULL});
	expect_description(CONF_TARGET
		"[load]\nrate = 1\nrequests = 2\n[connections]\nexhausted = drop\n",
		(const char *const[]){"no percentile; p50 takes 5", "are dropped", NULL});
}
END_TEST

START_TEST(shipped_run_files)
{
	glob_t found;
	bool has_talk = false;

	ck_assert_int_eq(glob("conf/runs/*.ini", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct conf_doc d = {0};
		char *text;
		size_t len;
		struct plan *p;

		ck_assert_int_eq(file_read(found.gl_pathv[i], 65536, &text, &len), 0);
		conf_read(&d, found.gl_pathv[i], text);
		p = conf_build(&d, "f", text, NULL, 0);
		if (str_ends(found.gl_pathv[i], "/talk.ini")) {
			has_talk = true;
			ck_assert_int_eq(p->model, PLAN_CLOSED);
			ck_assert_uint_eq(plan_connection_limit(p), 1);
			ck_assert_str_eq(p->url.text, "http://127.0.0.1:8000/");
		}
		plan_free(p);
		free(text);
		conf_fini(&d);
	}
	globfree(&found);
	ck_assert(has_talk);
}
END_TEST

START_TEST(labels_are_kept_by_name)
{
	struct conf_doc d = {0};
	struct buf b = {0};
	struct plan *p;
	char before[DIGEST_SHA256_HEX_SIZE];

	conf_read(&d, "f.ini", CONF_TARGET "[run]\nlabel = commit=1f2e\nlabel = why=a = b c\n");
	p = conf_build(&d, "f", "text", NULL, 0);
	memcpy(before, p->sha256, sizeof(before));
	plan_free(p);
	conf_set(&d, "--label", "run", "label", "commit=2");
	conf_set(&d, "--label", "run", "label", "empty=");
	p = conf_build(&d, "f", "text", NULL, 0);
	ck_assert_uint_eq(p->n_labels, 3);
	ck_assert_str_eq(p->labels[0].name, "commit");
	ck_assert_str_eq(p->labels[0].text, "2");
	ck_assert_str_eq(p->labels[1].name, "why");
	ck_assert_str_eq(p->labels[1].text, "a = b c");
	ck_assert_str_eq(p->labels[2].name, "empty");
	ck_assert_str_eq(p->labels[2].text, "");
	/* They load nothing. */
	ck_assert_str_eq(p->sha256, before);
	ck_assert_int_eq(plan_describe(p, &b), 0);
	ck_assert_ptr_nonnull(
		strstr(b.data, "\n  labels       commit=2\n               why=a = b c\n"));
	buf_fini(&b);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(bad_labels)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[400] = CONF_TARGET "[run]\nlabel = long=";

	CONF_EXPECT(CONF_TARGET
		"[run]\nlabel = commit\nlabel = =x\nlabel = a b=c\nlabel = \x1b=c\n",
		"f.ini:4: label: 'commit' is not a label: write NAME=TEXT",
		"f.ini:5: ", "f.ini:6: ", "f.ini:7: ");
	memset(text + strlen(text), 'x', 257);
	CONF_EXPECT(text, "f.ini:4: label: label long: its text has");
	conf_read(&d, "f.ini", CONF_TARGET);
	conf_set(&d, "--label", "run", "label", "a=b\nc");
	for (int i = 0; i < 65; i++) {
		char label[16];

		(void)snprintf(label, sizeof(label), "n%d=x", i);
		conf_set(&d, "--label", "run", "label", label);
	}
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"--label: label a: its text has a control character",
				"--label: more than 64 labels", NULL});
	conf_fini(&d);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *request = tcase_create("request");
	TCase *whole = tcase_create("whole");

	tcase_add_test(whole, bare_url_is_100_per_second_for_10s);
	tcase_add_test(request, bad_targets);
	tcase_add_test(request, names_of_runs);
	tcase_add_test(request, long_host_makes_a_name);
	tcase_add_test(request, headers_are_kept_in_order);
	tcase_add_loop_test(request, bad_default_is_refused, 0, N(bad_defaults));
	tcase_add_test(request, header_from_a_flag_has_no_line_ends);
	tcase_add_test(request, later_header_replaces_by_name);
	tcase_add_test(request, framing_headers);
	tcase_add_test(request, too_many_headers);
	tcase_add_test(request, files_fill_values);
	tcase_add_test(request, files_missing_or_bad);
	tcase_add_test(request, at_sign_that_is_no_file);
	tcase_add_test(request, file_names);
	suite_add_tcase(s, request);
	tcase_add_test(whole, digest_covers_what_decides);
	tcase_add_test(whole, digest_is_of_the_text_alone_without_overrides);
	tcase_add_test(whole, digest_covers_an_overlay);
	tcase_add_test(whole, text_of_flags_reads_back);
	tcase_add_test(whole, text_of_flags_that_no_line_holds);
	tcase_add_test(whole, all_problems_at_once);
	tcase_add_test(whole, earlier_problems_forbid_a_plan);
	tcase_add_test(whole, drain_is_the_request_timeout_or_its_own);
	tcase_add_test(whole, peak_rate);
	tcase_add_test(whole, description);
	tcase_add_test(whole, shipped_run_files);
	tcase_add_test(whole, labels_are_kept_by_name);
	tcase_add_test(whole, bad_labels);
	suite_add_tcase(s, whole);
	return suite_main(s);
}
