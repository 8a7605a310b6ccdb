/* SPDX-License-Identifier: Apache-2.0 */
/* The caps of [policy] as a property: a table of what a run and those who steer it may try, against
 * an origin that counts. Each row is tried by an administrator and by a member of the group, on a
 * named run. Either it is refused with the name of the cap, or what the origin has seen is inside
 * every cap: at most one request, one connection and 100 ms beyond.
 *
 * The cap on the rate is held to be exact by the rows of the result, in every window that they
 * make: their instants are those of the plan and of the workers' own clock, so a busy machine
 * breaks no bound. That of the pace itself, to the ns, is in test_pace. */
#include "common/json_path.h"
#include "common/str.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

#define CAP_RATE 200
#define CAP_CONNECTIONS 3
#define CAP_DURATION_NS (200 * NSEC_PER_MSEC)
#define GRACE_NS (100 * NSEC_PER_MSEC)

#define CONF "[policy]\nmax-rate = 200/s\nmax-connections = 3\n[origin a]\nlisten = 127.0.0.1:0\n"

enum act {
	NOTHING,
	PAUSE,	       /* and never resumed */
	PAUSE_RESUME,  /* so often that the plan would end after the cap */
	RATE_TOO_HIGH, /* must be refused */
	SCALE_TOO_HIGH,
	RATE_HIGHEST,
	NEXT, /* to a stage with the highest rate */
	/* as often as it goes, until the run has finished */
	STORM_OF_RATES,
	STORM_OF_PAUSES,
	STORM_OF_ALL,
};

static const struct {
	const char *set;     /* SECTION.KEY=VALUE, with blanks between; '_' is a blank inside */
	const char *refused; /* NULL: it runs */
	const char *origin;  /* further keys of the origin, NULL: none */
	enum act act;
	bool is_long;	/* a second is its cap */
	bool is_random; /* its arrivals are: what is planned is so on average */
} rows[] = {
	/* what a plan says */
	{.set = "load.rate=201", .refused = "max-rate"},
	{.set = "load.rate=100 load.scale=x3", .refused = "max-rate"},
	{.set = "load.stage=ramp_from_10_to_300_over_100ms", .refused = "max-rate"},
	{.set = "load.stage=step_from_10_to_310_by_100_every_50ms", .refused = "max-rate"},
	{.set = "load.stage=warmup_hold_300_for_50ms load.stage=hold_100_for_50ms",
		.refused = "max-rate"},
	{.set = "load.rate=402 load.slice=1/2 load.unsynchronised=yes", .refused = "max-rate"},
	{.set = "connections.count=4", .refused = "max-connections = 3: take fewer"},
	{.set = "connections.count=4 load.rate=max", .refused = "max-connections"},
	{.set = "load.duration=201ms", .refused = "max-duration = 200ms: shorten it"},
	{.set = "load.duration=150ms load.warmup=51ms", .refused = "max-duration"},
	{.set = "load.duration=150ms load.cooldown=51ms", .refused = "max-duration"},
	{.set = "load.rate=200"},
	{.set = "load.rate=400 load.slice=1/2 load.unsynchronised=yes"},
	/* what a plan leaves open */
	{.set = "load.rate=max"},
	{.set = "load.rate=max connections.count=3"},
	{.set = "load.rate=max connections.pipeline=64"},
	{.set = "load.rate=max load.requests=1000000 load.duration="},
	{.set = "load.model=closed load.requests=1000000 load.duration= load.workers=8"},
	{.set = "load.rate=max connections.reuse=no"},
	{.set = "load.rate=max load.think=1ms"},
	{.set = "load.rate=max load.workers=3"},
	{.set = "load.rate=200 load.requests=1000000 load.duration=", .refused = "max-duration"},
	{.set = "load.rate=200", .origin = "delay = 100ms\n"}, /* wants 20 connections */
	{.set = "load.rate=200 connections.exhausted=queue", .origin = "delay = 100ms\n"},
	{.set = "load.rate=max", .origin = "delay = 100ms\n"},
	{.set = "load.rate=200 connections.requests-per-connection=1"},
	/* answers that do not come: the drain is inside */
	{.set = "load.rate=200", .origin = "hang = 100%\n"},
	{.set = "load.rate=max", .origin = "hang = 100%\n"},
	{.set = "load.rate=200 timeouts.drain=1h timeouts.request=1h", .origin = "hang = 100%\n"},
	/* acts */
	{.set = "load.rate=100", .act = PAUSE},
	{.set = "load.rate=max", .act = PAUSE},
	{.set = "load.rate=100", .act = PAUSE_RESUME},
	{.set = "load.rate=max load.duration=150ms", .act = PAUSE_RESUME},
	{.set = "load.rate=100", .act = RATE_TOO_HIGH},
	{.set = "load.rate=100", .act = SCALE_TOO_HIGH},
	{.set = "load.rate=10", .act = RATE_HIGHEST},
	{.set = "load.stage=hold_10_for_100ms load.stage=hold_200_for_100ms", .act = NEXT},
	/* combinations, for so long that windows lie inside */
	{.set = "load.rate=200 load.duration=900ms", .act = STORM_OF_RATES, .is_long = true},
	{.set = "load.rate=200 load.duration=900ms load.workers=3",
		.act = STORM_OF_ALL,
		.is_long = true},
	{.set = "load.stage=hold_200_for_300ms load.stage=ramp_from_1_to_200_over_300ms "
		"load.stage=hold_200_for_300ms",
		.act = STORM_OF_ALL,
		.is_long = true},
	{.set = "load.rate=100 load.scale=x2 load.duration=900ms",
		.act = STORM_OF_PAUSES,
		.is_long = true},
	{.set = "load.rate=max load.workers=3 load.duration=900ms",
		.act = STORM_OF_PAUSES,
		.is_long = true},
	{.set = "load.rate=max connections.pipeline=64 load.workers=3 load.duration=900ms",
		.act = STORM_OF_PAUSES,
		.is_long = true},
	{.set = "load.rate=max load.workers=3 load.think=3ms load.duration=900ms", .is_long = true},
	{.set = "load.rate=400 load.slice=1/2 load.unsynchronised=yes load.workers=3 "
		"load.duration=900ms",
		.is_long = true},
	{.set = "load.rate=200 load.warmup=202ms load.cooldown=202ms load.duration=402ms",
		.is_long = true},
	{.set = "load.rate=200 load.arrivals=poisson load.duration=900ms",
		.is_long = true,
		.is_random = true},
	{.set = "load.rate=200 load.arrivals=jitter:1 load.duration=900ms load.workers=3",
		.is_long = true,
		.is_random = true},
	/* what waits for a server that stands still is not sent all at once */
	{.set = "load.rate=200 load.duration=900ms", .origin = "stall = 400ms\n", .is_long = true},
	{.set = "load.rate=200 connections.exhausted=queue load.workers=3 load.duration=900ms",
		.origin = "stall = 400ms\n",
		.is_long = true},
	{.set = "load.rate=200 connections.pipeline=64 load.workers=2 load.duration=900ms",
		.origin = "stall = 400ms\n",
		.is_long = true},
	{.set = "load.rate=200 connections.reuse=no load.duration=900ms",
		.origin = "stall = 400ms\n",
		.is_long = true},
	{.set = "load.rate=max connections.pipeline=64 load.workers=2 load.duration=900ms",
		.origin = "stall = 400ms\n",
		.is_long = true},
	{.set = "load.rate=200 load.arrivals=poisson load.duration=900ms",
		.origin = "stall = 400ms\n",
		.act = STORM_OF_ALL,
		.is_long = true,
		.is_random = true},
};
#define N_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

/* ---------------------------------------------------------------- one row */

static int64_t test_duration_ns(int i)
{
	return rows[i].is_long ? NSEC_PER_SEC : CAP_DURATION_NS;
}

/* Start's parameter set. */
static json_t *test_settings(const char *text)
{
	json_t *set = json_array();
	char *copy = strdup(text);
	char *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');

		*equals = '\0';
		for (char *c = equals + 1; *c; c++)
			if (*c == '_')
				*c = ' ';
		if (equals[1]) /* without a value: the file's is not there, see below */
			ck_assert_int_eq(
				json_array_append_new(set,
					json_pack("{s:s, s:s}", "key", word, "value", equals + 1)),
				0);
	}
	free(copy);
	return set;
}

static void test_write_run(const char *set)
{
	bool has_time = !strstr(set, "duration=") && !strstr(set, "stage=");
	char text[256];

	(void)snprintf(text, sizeof(text),
		"[target]\nurl = http://%s/\n[load]\n%s[statistics]\ninterval = 100ms\n",
		origin_address(origin), has_time ? "duration = 180ms\n" : "");
	test_write_file("short.ini", text);
}

/* An act that comes too late on a busy machine proves nothing, and does no harm. */
static bool test_is_too_late(const char *error, const char *reason)
{
	return str_eq(error, RPSD_INTERFACE ".Finished") || strstr(reason, "finished") ||
	       strstr(reason, "ending") || strstr(reason, "at its end");
}

/* Takes over parameters. refused: in the reason it must be refused with; NULL: it must be done. */
static void test_try(struct client *k, const char *method, json_t *parameters, const char *refused)
{
	json_t *reply = test_call(k, method, parameters);
	const char *error = json_path_text(reply, "error");
	const char *reason = json_path_text(reply, "parameters.reason");

	if (!test_is_too_late(error, reason))
		ck_assert_msg(refused ? strstr(reason, refused) != NULL : !*error, "%s: %s %s",
			method, *error ? error : "done", reason);
	json_decref(reply);
}

/* Whatever comes of each of them. */
static void test_storm(struct client *k, const char *id, enum act act)
{
	static const char *const values[] = {
		"200", "1", "x200", "-99%", "200", "x0.5", "x2", "0.01", "+19999", "max", "200"};
	static const char *const methods_of_all[] = {"Set", "Pause", "Set", "Resume", "Next"};

	for (unsigned n = 0; run_get_state(registry_find(registry, id)) != RUN_FINISHED; n++) {
		const char *method = methods_of_all[n % 5];
		json_t *parameters = json_pack("{s:s}", "run", id);

		if (act == STORM_OF_RATES)
			method = "Set";
		else if (act == STORM_OF_PAUSES)
			method = n % 2 ? "Resume" : "Pause";
		if (str_eq(method, "Set"))
			(void)json_object_set_new(parameters, "settings",
				json_pack("[{s:s, s:s}]", "key", "rate", "value",
					values[n % (sizeof(values) / sizeof(values[0]))]));
		json_decref(test_call(k, method, parameters));
		ck_assert_int_eq(loop_turn(loop, 20 * NSEC_PER_MSEC), 0);
	}
}

static void test_act(struct client *k, const char *id, enum act act)
{
	static const char *const rates[] = {
		[RATE_TOO_HIGH] = "201", [SCALE_TOO_HIGH] = "x2.1", [RATE_HIGHEST] = "200"};
	json_t *set = json_pack("{s:s, s:[{s:s, s:s}]}", "run", id, "settings", "key", "rate",
		"value", act < NEXT && rates[act] ? rates[act] : "1");

	while (run_get_state(registry_find(registry, id)) == RUN_PREPARING)
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
	switch (act) {
	case NOTHING:
		break;
	case PAUSE:
	case PAUSE_RESUME:
		test_try(k, "Pause", json_pack("{s:s}", "run", id), NULL);
		if (act == PAUSE_RESUME)
			test_try(k, "Resume", json_pack("{s:s}", "run", id), NULL);
		break;
	case RATE_TOO_HIGH:
	case SCALE_TOO_HIGH:
		test_try(k, "Set", json_incref(set), "max-rate");
		break;
	case RATE_HIGHEST:
		test_try(k, "Set", json_incref(set), NULL);
		break;
	case NEXT:
		test_try(k, "Next", json_pack("{s:s}", "run", id), NULL);
		break;
	default:
		test_storm(k, id, act);
		break;
	}
	json_decref(set);
}

/* Turns until the run has finished; the most connections that were open at one time. */
static uint64_t test_watch_connections(const char *id)
{
	int64_t until_ns = limit_ns(5);
	struct origin_counts counts;
	uint64_t most = 0;

	while (run_get_state(registry_find(registry, id)) != RUN_FINISHED) {
		ck_assert_int_lt(clock_now_ns(), until_ns);
		ck_assert_int_eq(loop_turn(loop, NSEC_PER_MSEC), 0);
		origin_read_counts(origin, &counts);
		if (counts.connections > most)
			most = counts.connections;
	}
	return most;
}

static json_int_t test_count(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

/* In every window from one row's start to another's end. What is planned: by exact instants. What
 * is sent: between its place in the pace and the stamp of sending a worker may be stopped, with
 * one. */
static void test_check_windows(const json_t *result, bool is_random, const char *what)
{
	const json_t *intervals = json_object_get(result, "intervals");
	const json_t *all = json_object_get(intervals, "rows");
	json_int_t width_ns = test_count(intervals, "width_ns");

	for (size_t from = 0; from < json_array_size(all); from++) {
		json_int_t planned = 0, sent = 0;

		for (size_t to = from; to < json_array_size(all); to++) {
			const json_t *row = json_array_get(all, to);
			json_int_t span_ns = (json_int_t)(to - from + 1) * width_ns;

			planned += test_count(row, "planned");
			sent += test_count(row, "sent");
			ck_assert_msg(is_random || planned <= CAP_RATE * span_ns / NSEC_PER_SEC + 1,
				"%s: %lld planned in rows %zu to %zu", what, (long long)planned,
				from, to);
			ck_assert_msg(sent <= CAP_RATE * (span_ns + GRACE_NS) / NSEC_PER_SEC + 1 +
						      CAP_CONNECTIONS,
				"%s: %lld sent in rows %zu to %zu", what, (long long)sent, from,
				to);
		}
	}
}

static void test_check_inside(int i, const char *id, uint64_t connections)
{
	const char *what = rows[i].set;
	int64_t duration_ns = test_duration_ns(i);
	const json_t *result = run_result(registry_find(registry, id));
	int64_t sent = 0;
	json_int_t peak, span_ns;
	struct origin_counts counts;

	origin_read_counts(origin, &counts);
	sent = (int64_t)counts.requests;
	/* In the time that the run may have, and one request. */
	ck_assert_msg(sent <= CAP_RATE * (duration_ns + GRACE_NS) / NSEC_PER_SEC + 1,
		"%s: the origin has read %lld requests", what, (long long)sent);
	ck_assert_msg(connections <= CAP_CONNECTIONS + 1, "%s: %llu connections", what,
		(unsigned long long)connections);
	peak = json_integer_value(json_object_get(json_object_get(result, "connections"), "peak"));
	ck_assert_msg(
		peak <= CAP_CONNECTIONS, "%s: a peak of %lld connections", what, (long long)peak);
	span_ns =
		json_integer_value(json_object_get(json_object_get(result, "window"), "drain_ns"));
	span_ns += json_integer_value(json_object_get(json_object_get(result, "window"), "end_ns"));
	/* A busy machine may be late; the plan and the orders are not. */
	ck_assert_msg(span_ns <= duration_ns + GRACE_NS + 200 * NSEC_PER_MSEC,
		"%s: it took %lld ms", what, (long long)(span_ns / NSEC_PER_MSEC));
	test_check_windows(result, rows[i].is_random, what);
}

static void test_row(int i, bool is_member)
{
	struct client member = {0};
	struct client *k = &admin;
	json_t *parameters;
	char conf[256];
	char id[96];
	json_t *reply;

	(void)snprintf(conf, sizeof(conf), "%s%s", CONF, rows[i].origin ? rows[i].origin : "");
	test_conf = conf;
	test_setup();
	settings->max_duration_ns = test_duration_ns(i);
	if (is_member) {
		member = test_operator();
		k = &member;
	}
	test_write_run(rows[i].set);
	parameters = json_pack("{s:s, s:o}", "name", "short", "set", test_settings(rows[i].set));
	if (rows[i].refused) {
		test_fails(k, "Start", parameters, RPSD_INTERFACE ".Refused", rows[i].refused);
	} else {
		reply = test_ok(k, "Start", parameters);
		(void)snprintf(
			id, sizeof(id), "%s", json_string_value(json_object_get(reply, "id")));
		json_decref(reply);
		test_act(k, id, rows[i].act);
		test_check_inside(i, id, test_watch_connections(id));
	}
	if (is_member)
		test_close(&member);
	test_teardown();
}

START_TEST(an_administrator_stays_inside_the_caps)
{
	test_row(_i, false);
}
END_TEST

START_TEST(a_member_stays_inside_the_caps)
{
	test_row(_i, true);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("caps");
	TCase *t = tcase_create("caps");

	tcase_add_loop_test(t, an_administrator_stays_inside_the_caps, 0, N_ROWS);
	tcase_add_loop_test_of_root(t, a_member_stays_inside_the_caps, 0, N_ROWS);
	suite_add_tcase(s, t);
	return suite_main(s);
}
