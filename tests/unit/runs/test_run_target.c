/* SPDX-License-Identifier: Apache-2.0 */
/* How runs get to their target, against servers on loopback. The name shop.test is answered by this
 * program's own getaddrinfo, which stands before that of libc: from a list, one answer for each
 * lookup, the last one for all further ones; ports are the list's too, so that two servers are two
 * addresses. */
#include "daemon/runs/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "daemon/runs/run_private.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

static struct mini_server a, b;

/* ---------------------------------------------------------------- a name service of our own */

struct answer {
	uint16_t ports[4]; /* of 127.0.0.1, up to the first 0 */
	bool blocks;	   /* until unblock() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct answer answers[8];
static size_t n_answers, n_lookups, n_blocked;
static bool is_unblocked;

typedef int (*getaddrinfo_fn)(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

static struct answer next_answer(void)
{
	struct answer answer;

	(void)pthread_mutex_lock(&lock);
	answer = answers[n_lookups < n_answers ? n_lookups : n_answers - 1];
	n_lookups++;
	if (answer.blocks) {
		n_blocked++;
		(void)pthread_cond_broadcast(&changed);
		while (!is_unblocked)
			(void)pthread_cond_wait(&changed, &lock);
	}
	(void)pthread_mutex_unlock(&lock);
	return answer;
}

static void unblock(void)
{
	(void)pthread_mutex_lock(&lock);
	is_unblocked = true;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

int getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	getaddrinfo_fn real = (getaddrinfo_fn)dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo **end = ret;
	struct answer answer;
	char port[8];

	if (strcmp(host, "shop.test") != 0)
		return real(host, service, hints, ret);
	answer = next_answer();
	*ret = NULL;
	for (size_t i = 0; i < 4 && answer.ports[i] > 0; i++) {
		(void)snprintf(port, sizeof(port), "%u", answer.ports[i]);
		if (real("127.0.0.1", port, hints, end) != 0)
			abort();
		while (*end)
			end = &(*end)->ai_next;
	}
	return *ret ? 0 : EAI_NONAME;
}

/* ---------------------------------------------------------------- fixture */

static void (*at_interval)(struct run *run);

static void on_interval(struct run_observer *o, struct run *run)
{
	(void)o;
	if (at_interval)
		at_interval(run);
}

static void setup(void)
{
	fixture_open();
	fixture.settings.max_runs = 4;
	fixture.settings.max_rate = 1000;
	fixture.settings.max_connections = 100;
	fixture.settings.max_duration_ns = 3600 * NSEC_PER_SEC;
	fixture.observer.on_interval = on_interval;
	ck_assert_int_eq(mini_server_open(&a, 64, mini_answer, NULL), 0);
	ck_assert_int_eq(mini_server_open(&b, 64, mini_answer, NULL), 0);
}

static void teardown(void)
{
	fixture_close();
	mini_server_close(&a);
	mini_server_close(&b);
}

/* A connection for each request, so that each goes where the addresses of the moment say. */
static const char *const short_run[] = {"load", "rate", "200", "load", "duration", "600ms",
	"connections", "reuse", "no", "statistics", "interval", "100ms", NULL};

/* Looked up again far more often than a file may say. */
static struct plan *make_changing_plan(void)
{
	struct plan *plan = fixture_plan("http://shop.test/", short_run);

	plan->dns_ns = 50 * NSEC_PER_MSEC;
	return plan;
}

/* The texts of all events of that kind, each with a newline after it. */
static const char *events(const struct run *run, const char *kind)
{
	static char all[64 * 201];
	const struct run_event *e;
	size_t n;

	all[0] = '\0';
	e = run_events(run, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(e[i].kind, kind) == 0) {
			strcat(all, e[i].text);
			strcat(all, "\n");
		}
	}
	return all;
}

static size_t n_used(const struct run *run)
{
	return json_array_size(json_path_at(run_result(run), "plan.target.addresses"));
}

/* ---------------------------------------------------------------- the name changes */

START_TEST(new_addresses_are_turned_to)
{
	char text[128];
	struct run *run;

	answers[0].ports[0] = answers[1].ports[0] = fixture_port(&a);
	answers[2].ports[0] = fixture_port(&b);
	n_answers = 3;
	run = fixture_run(make_changing_plan());
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	ck_assert_uint_gt(mini_server_requests(&a), 0);
	ck_assert_uint_gt(mini_server_requests(&b), 0);
	ck_assert_uint_eq(mini_server_requests(&a) + mini_server_requests(&b), 120);
	(void)snprintf(text, sizeof(text), "now 127.0.0.1:%u; was 127.0.0.1:%u\n", fixture_port(&b),
		fixture_port(&a));
	ck_assert_str_eq(events(run, "addresses"), text);
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

START_TEST(another_order_is_no_change)
{
	struct run *run;

	answers[0].ports[0] = answers[1].ports[1] = fixture_port(&a);
	answers[0].ports[1] = answers[1].ports[0] = fixture_port(&b);
	n_answers = 2;
	run = fixture_run(make_changing_plan());
	ck_assert_uint_gt(n_lookups, 2);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	ck_assert_str_eq(events(run, "addresses"), "");
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

/* To and fro: the same two arrays, and their addresses once in the document. */
START_TEST(addresses_may_come_back)
{
	struct run *run;

	for (n_answers = 0; n_answers < 5; n_answers++)
		answers[n_answers].ports[0] = fixture_port(n_answers % 2 == 0 ? &a : &b);
	run = fixture_run(make_changing_plan());
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	ck_assert_uint_eq(run->target._n_lists, 2);
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

START_TEST(a_failing_lookup_changes_nothing)
{
	struct run *run;

	answers[0].ports[0] = answers[4].ports[0] = fixture_port(&a);
	n_answers = 5;
	run = fixture_run(make_changing_plan());
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	/* Once for three of them. */
	ck_assert_str_eq(events(run, "addresses"),
		"lookup failed, the old ones are kept: no address for host \"shop.test\": Name or "
		"service not known\nlookups succeed again\n");
	ck_assert_uint_eq(mini_server_requests(&a), 120);
}
END_TEST

static uint16_t closed_port(void)
{
	struct mini_server s;
	uint16_t port;

	ck_assert_int_eq(mini_server_open(&s, 1, NULL, NULL), 0);
	port = fixture_port(&s);
	mini_server_close(&s);
	return port;
}

START_TEST(who_did_not_answer_stays_out)
{
	uint16_t nobody = closed_port();
	struct run *run;

	answers[0] = (struct answer){.ports = {nobody, fixture_port(&a)}};
	answers[1] = (struct answer){.ports = {nobody, fixture_port(&a)}};
	answers[2] = (struct answer){.ports = {fixture_port(&b), nobody, fixture_port(&a)}};
	n_answers = 3;
	run = fixture_run(make_changing_plan());
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	ck_assert_uint_gt(mini_server_requests(&b), 0);
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

/* Unless there is nobody else: then it may have come back. */
START_TEST(who_did_not_answer_is_better_than_nobody)
{
	uint16_t nobody = closed_port();
	struct run *run;

	answers[0] = (struct answer){.ports = {nobody, fixture_port(&a)}};
	answers[1] = (struct answer){.ports = {nobody}};
	n_answers = 2;
	run = fixture_run(make_changing_plan());
	ck_assert_int_gt(fixture_int(run, "ledger.not_connected"), 0);
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

START_TEST(the_first_stays_the_first)
{
	struct plan *plan = make_changing_plan();
	struct run *run;

	plan->addresses = PLAN_ADDRESSES_FIRST;
	answers[0] = (struct answer){.ports = {fixture_port(&a), fixture_port(&b)}};
	answers[1] = (struct answer){.ports = {fixture_port(&b), fixture_port(&a)}};
	n_answers = 2;
	run = fixture_run(plan);
	ck_assert_uint_eq(mini_server_requests(&a), 120);
	ck_assert_str_eq(events(run, "addresses"), "");
	ck_assert_uint_eq(n_used(run), 1);
}
END_TEST

START_TEST(the_next_is_the_first_when_it_has_gone)
{
	struct plan *plan = make_changing_plan();
	struct run *run;

	plan->addresses = PLAN_ADDRESSES_FIRST;
	answers[0] = (struct answer){.ports = {fixture_port(&a), fixture_port(&b)}};
	answers[1] = (struct answer){.ports = {fixture_port(&b)}};
	n_answers = 2;
	run = fixture_run(plan);
	ck_assert_uint_gt(mini_server_requests(&b), 0);
	ck_assert_uint_eq(n_used(run), 2);
}
END_TEST

/* ---------------------------------------------------------------- a slow name service */

static bool stops_now;

/* Gracefully (0) and at once (1): the run ends, whatever the name service does. */
static void stop_it(struct run *run)
{
	(void)pthread_mutex_lock(&lock);
	if (n_blocked == 0) {
		(void)pthread_mutex_unlock(&lock);
		return;
	}
	(void)pthread_mutex_unlock(&lock);
	at_interval = NULL;
	run_stop(run, stops_now, "stopped by alice");
}

START_TEST(a_lookup_under_way_holds_up_nothing)
{
	struct plan *plan = make_changing_plan();
	struct run *run;

	plan->duration_ns = 3600 * NSEC_PER_SEC;
	answers[0].ports[0] = fixture_port(&a);
	answers[1] = (struct answer){.ports = {fixture_port(&b)}, .blocks = true};
	n_answers = 2;
	stops_now = _i == 1;
	at_interval = stop_it;
	run = fixture_run(plan);
	ck_assert_int_eq(run_get_state(run), RUN_FINISHED);
	ck_assert_str_eq(run_outcome(run), "stopped");
	ck_assert(run_target_is_resolving(&run->target));
	ck_assert_int_gt(fixture_int(run, "ledger.ok"), 0);
	ck_assert_uint_eq(n_used(run), 1);
	/* One at a time. */
	ck_assert_uint_eq(n_lookups, 2);
	unblock();
	/* registry_free joins it. */
}
END_TEST

/* ---------------------------------------------------------------- what keeps it from beginning */

static const struct {
	const char *url;
	enum fault fault;
	const char *why;
} failing[] = {
	{"http://shop.test/", FAULT_RESOLVE,
		"no address for host \"shop.test\": Name or service not known"},
	{"unix:/nowhere/at/all", FAULT_CONNECT_ERROR,
		"connect to unix:/nowhere/at/all: this socket does not exist"},
};

START_TEST(the_fault_is_told)
{
	static const char *const keys[] = {"load", "rate", "100", NULL};
	struct run *run;

	n_answers = 1;
	run = fixture_run(fixture_plan(failing[_i].url, keys));
	ck_assert_str_eq(run_outcome(run), "failed");
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	ck_assert_str_eq(run_reason(run), failing[_i].why);
	ck_assert_int_eq(run->failed_by, failing[_i].fault);
}
END_TEST

/* Every address answers, but the handshakes fail. */
START_TEST(the_workers_fault_is_told)
{
	static const char *const keys[] = {
		"load", "rate", "100", "connections", "count", "4", "tls", "verify", "no", NULL};
	struct mini_server rude;
	struct run *run;
	char url[64];

	ck_assert_int_eq(mini_server_open(&rude, 64, mini_hang_up, NULL), 0);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", fixture_port(&rude));
	run = fixture_run(fixture_plan(url, keys));
	ck_assert_str_eq(run_outcome(run), "failed");
	ck_assert_int_eq(fault_table[run->failed_by].phase, FAULT_PHASE_TLS);
	mini_server_close(&rude);
}
END_TEST

START_TEST(a_run_that_was_sent_has_no_such_fault)
{
	struct run *run;

	answers[0].ports[0] = fixture_port(&a);
	n_answers = 1;
	run = fixture_run(fixture_plan("http://shop.test/", short_run));
	ck_assert_str_eq(run_outcome(run), "completed");
	ck_assert_int_eq(run->failed_by, FAULT_NONE);
	/* Without dns = every, once. */
	ck_assert_uint_eq(n_lookups, 1);
}
END_TEST

START_TEST(a_foreign_source_is_refused)
{
	static const char *const keys[] = {
		"load", "rate", "100", "connections", "source", "127.0.0.2, 192.0.2.9", NULL};
	struct err err = {0};
	struct run *run;

	ck_assert_int_eq(fixture_try(fixture_plan("http://127.0.0.1/", keys), &run, &err),
		REGISTRY_E_UNAVAILABLE);
	ck_assert_str_eq(
		err.text, "source 192.0.2.9: not an address of this host, which ip address lists");
	ck_assert_uint_eq(registry_n_active(fixture.registry), 0);
}
END_TEST

/* connect-to decides, not the URL. */
static const struct {
	const char *url, *connect_to, *why;
} refused[] = {
	{"unix:/run/app.sock", NULL,
		"unix:/run/app.sock: [policy] allow does not list this socket"},
	{"http://127.0.0.1/", "unix:/run/app.sock",
		"unix:/run/app.sock: [policy] allow does not list this socket"},
	{"http://127.0.0.1/", "192.0.2.1:80",
		"192.0.2.1: only loopback is allowed; [policy] allow lists more"},
};

START_TEST(the_service_refuses_before_it_starts)
{
	const char *keys[] = {"load", "rate", "100", NULL, "connect-to", NULL, NULL};
	struct err err = {0};
	struct run *run;

	if (refused[_i].connect_to) {
		keys[3] = "target";
		keys[5] = refused[_i].connect_to;
	}
	fixture.guard = (struct guard){0};
	fixture_reopen(false);
	ck_assert_int_eq(
		fixture_try(fixture_plan(refused[_i].url, keys), &run, &err), REGISTRY_E_REFUSED);
	ck_assert_str_eq(err.text, refused[_i].why);
}
END_TEST

#define LEN(x) (int)(sizeof(x) / sizeof((x)[0]))

int main(void)
{
	Suite *s = suite_create("run_target");
	TCase *t = tcase_create("run_target");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, new_addresses_are_turned_to);
	tcase_add_test(t, another_order_is_no_change);
	tcase_add_test(t, addresses_may_come_back);
	tcase_add_test(t, a_failing_lookup_changes_nothing);
	tcase_add_test(t, who_did_not_answer_stays_out);
	tcase_add_test(t, who_did_not_answer_is_better_than_nobody);
	tcase_add_test(t, the_first_stays_the_first);
	tcase_add_test(t, the_next_is_the_first_when_it_has_gone);
	tcase_add_loop_test(t, a_lookup_under_way_holds_up_nothing, 0, 2);
	tcase_add_loop_test(t, the_fault_is_told, 0, LEN(failing));
	tcase_add_test(t, the_workers_fault_is_told);
	tcase_add_test(t, a_run_that_was_sent_has_no_such_fault);
	tcase_add_test(t, a_foreign_source_is_refused);
	tcase_add_loop_test(t, the_service_refuses_before_it_starts, 0, LEN(refused));
	suite_add_tcase(s, t);
	return suite_main(s);
}
