/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's texts: recorded ones, others' forms of them, and what is none. Unknown is never 0.
 */
#include "common/host/host_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/suite.h"

#define LEN(x) (sizeof(x) / sizeof((x)[0]))

static char text[16384];

static const char *recorded(const char *name)
{
	char path[128];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "tests/data/proc/%s", name);
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "no %s", path);
	len = fread(text, 1, sizeof(text) - 1, f);
	ck_assert_int_eq(fclose(f), 0);
	text[len] = '\0';
	return text;
}

START_TEST(ticks)
{
	struct host_ticks t;

	host_text_ticks(recorded("stat"), &t);
	ck_assert_uint_eq(t.total, 869765 + 132479 + 379876 + 1896345 + 8354 + 0 + 51172 + 420);
	ck_assert_uint_eq(t.softirq, 51172);
	ck_assert_uint_eq(t.steal, 420);
	host_text_ticks("cpu  1 2 3 4 5 6 7\n", &t); /* no steal: too old to tell */
	ck_assert_uint_eq(t.total, 0);
	host_text_ticks("", &t);
	ck_assert_uint_eq(t.total, 0);
	host_text_ticks("intr 1 2 3 4 5 6 7 8\n", &t);
	ck_assert_uint_eq(t.total, 0);
}
END_TEST

START_TEST(shares_of_ticks)
{
	struct host_ticks none = {0}, before = {1000, 100, 10}, after = {2000, 150, 60};

	ck_assert_double_eq_tol(host_steal_share(&before, &after), 0.05, 1e-9);
	ck_assert_double_eq_tol(host_softirq_share(&before, &after), 0.05, 1e-9);
	ck_assert_double_lt(host_steal_share(&after, &before), 0);
	ck_assert_double_lt(host_steal_share(&before, &before), 0);
	ck_assert_double_lt(host_steal_share(&none, &after), 0);
	ck_assert_double_lt(host_softirq_share(&before, &none), 0);
}
END_TEST

START_TEST(sockets)
{
	recorded("sockstat");
	ck_assert_int_eq(host_text_sockstat(text, "TCP", "tw"), 720);
	ck_assert_int_eq(host_text_sockstat(text, "TCP", "mem"), 90);
	ck_assert_int_eq(host_text_sockstat(text, "UDP", "tw"), HOST_UNKNOWN);
	ck_assert_int_eq(host_text_sockstat("TCP: tw", "TCP", "tw"), HOST_UNKNOWN);
	ck_assert_int_eq(host_text_sockstat("TCP: tw\n12\n", "TCP", "tw"), HOST_UNKNOWN);
	ck_assert_int_eq(host_text_sockstat("", "TCP", "tw"), HOST_UNKNOWN);
}
END_TEST

/* ---------------------------------------------------------------- cgroups */

static const struct {
	const char *file, *controller, *list, *path; /* list NULL: not there */
} cgroups[] = {
	{"cgroup_v2", "", "", "/system.slice/rpsd.service"},
	{"cgroup_v2", "cpu", NULL, NULL},
	{"cgroup_v1", "cpu", "cpu,cpuacct", "/docker/0123"},
	{"cgroup_v1", "cpuacct", "cpu,cpuacct", "/docker/0123"},
	{"cgroup_v1", "cpuset", "cpuset", "/docker/0123"},
	{"cgroup_v1", "", "", "/system.slice/containerd.service"},
	{"cgroup_v1", "cp", NULL, NULL},
	{"cpu_stat_v1", "", NULL, NULL},
};

START_TEST(own_cgroups)
{
	char list[64], path[256];
	bool found = host_text_cgroup(recorded(cgroups[_i].file), cgroups[_i].controller, list,
		sizeof(list), path, sizeof(path));

	ck_assert_int_eq(found, cgroups[_i].list != NULL);
	if (!found)
		return;
	ck_assert_str_eq(list, cgroups[_i].list);
	ck_assert_str_eq(path, cgroups[_i].path);
	/* What does not fit is not cut off. */
	ck_assert(!host_text_cgroup(text, cgroups[_i].controller, list, sizeof(list), path, 8));
}
END_TEST

START_TEST(throttled)
{
	struct host_counters c = {HOST_UNKNOWN, HOST_UNKNOWN, HOST_UNKNOWN};

	/* the root of version 2 has no such lines */
	host_text_add_throttled("usage_usec 5\nuser_usec 3\nsystem_usec 2\n", &c);
	ck_assert_int_eq(c.periods, HOST_UNKNOWN);
	ck_assert_int_eq(c.throttled, HOST_UNKNOWN);
	ck_assert_int_eq(c.throttled_ns, HOST_UNKNOWN);
	host_text_add_throttled(recorded("cpu_stat_v2"), &c);
	ck_assert_int_eq(c.periods, 412);
	ck_assert_int_eq(c.throttled, 301);
	ck_assert_int_eq(c.throttled_ns, INT64_C(24567890000));
	/* one above it */
	host_text_add_throttled(recorded("cpu_stat_v1"), &c);
	ck_assert_int_eq(c.periods, 512);
	ck_assert_int_eq(c.throttled, 308);
	ck_assert_int_eq(c.throttled_ns, INT64_C(25127890000));
	host_text_add_throttled("nr_periods\nnr_throttled x\nthrottled_time -5\n", &c);
	ck_assert_int_eq(c.periods, 512);
	ck_assert_int_eq(c.throttled_ns, INT64_C(25127890000));
}
END_TEST

START_TEST(between_two_readings)
{
	struct host_counters before = {10, 1, HOST_UNKNOWN};
	struct host_counters after = {30, 0, 500};
	struct host_counters n = host_counters_between(&before, &after);

	ck_assert_int_eq(n.periods, 20);
	ck_assert_int_eq(n.throttled, HOST_UNKNOWN); /* it began anew */
	ck_assert_int_eq(n.throttled_ns, HOST_UNKNOWN);
}
END_TEST

/* ---------------------------------------------------------------- this host */

START_TEST(available_memory)
{
	ck_assert_uint_eq(host_text_available("MemTotal: 9 kB\nMemAvailable:    5 kB\n"), 5120);
	ck_assert_uint_eq(host_text_available("MemTotal: 9 kB\n"), UINT64_MAX);
	ck_assert_uint_eq(host_text_available("MemAvailable:\n5\n"), UINT64_MAX);
	ck_assert_uint_eq(host_text_available(""), UINT64_MAX);
}
END_TEST

START_TEST(readings_of_this_host)
{
	struct host_counters c, later;
	struct host_clock clock;

	host_read_counters(&c);
	host_read_counters(&later);
	ck_assert_int_ge(later.throttled, c.throttled);
	ck_assert_int_ge(host_time_wait(), HOST_UNKNOWN);
	host_read_clock(&clock);
	ck_assert_int_gt(clock.read_ns, 0);
	ck_assert_int_lt(clock.read_ns, NSEC_PER_MSEC);
	ck_assert_ptr_null(strchr(clock.source, '\n'));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host_text");
	TCase *t = tcase_create("host_text");

	tcase_add_test(t, ticks);
	tcase_add_test(t, shares_of_ticks);
	tcase_add_test(t, sockets);
	tcase_add_loop_test(t, own_cgroups, 0, (int)LEN(cgroups));
	tcase_add_test(t, throttled);
	tcase_add_test(t, between_two_readings);
	tcase_add_test(t, available_memory);
	tcase_add_test(t, readings_of_this_host);
	suite_add_tcase(s, t);
	return suite_main(s);
}
