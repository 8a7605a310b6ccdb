/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a host's facts, against recorded screens.
 *
 * After a change that is meant, look at what the test prints and record that. */
#include "ctl/commands/doctor.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/file.h"
#include "common/str.h"
#include "common/version.h"
#include "ctl/style.h"
#include "ctl/options.h"
#include "tests/support/same_text.h"
#include "tests/support/suite.h"

#define DATA "tests/data/"

static const struct doctor_facts good = {
	.fd_hard = 524288,
	.ports = {32768, 60999, 28232, 2},
	.somaxconn = 4096,
	.cpus = 8,
	.quota = 6.5,
	.clock = {"tsc", 21},
	.late_p50_ns = 53000,
	.late_p99_ns = 310000,
	.steal_share = 0.0004,
	.rpsd_path = "/usr/local/sbin/rpsd",
	.rpsd_version = RPSD_VERSION,
	.control = {"/run/rpsd/control.socket", 0},
	.observe = {"/run/rpsd/observe.socket", 0},
	.service_version = RPSD_VERSION,
	.has_group = true,
	.is_member = true,
	.user = "alice",
};

static const struct doctor_facts bad = {
	.fd_hard = 4096,
	.ports = {50000, 60999, 11000, 0},
	.somaxconn = 128,
	.cpus = 4,
	.quota = 1.5,
	.clock = {"hpet", 1200},
	.late_p50_ns = 900000,
	.late_p99_ns = 26000000,
	.steal_share = 0.121,
	.rpsd_path = "/usr/local/sbin/rpsd",
	.rpsd_version = "0.0.1",
	.control = {"/run/rpsd/control.socket", EACCES},
	.observe = {"/run/rpsd/observe.socket", ECONNREFUSED},
	.has_group = true,
	.user = "bob",
};

/* Nothing could be found out. */
static const struct doctor_facts blind = {
	.fd_hard = UINT64_MAX,
	.cpus = 2,
	.late_p99_ns = -1,
	.steal_share = -1,
	.rpsd_path = "/usr/local/sbin/rpsd",
	.control = {"/run/rpsd/control.socket", ENOENT},
	.observe = {"/run/rpsd/observe.socket", ENOENT},
};

static const struct {
	const char *name;
	const struct doctor_facts *facts;
	unsigned warnings;
} screens[] = {{"good", &good, 0}, {"bad", &bad, 9}, {"blind", &blind, 1}};

/* "0.1.0" is another next year. */
static void hide_version(char *text)
{
	for (char *at; (at = strstr(text, RPSD_VERSION));) {
		memmove(at + 1, at + strlen(RPSD_VERSION), strlen(at + strlen(RPSD_VERSION)) + 1);
		*at = 'V';
	}
}

START_TEST(test_screen)
{
	struct style style = {.width = 80, .utf8 = true};
	struct buf text = {0};
	struct buf out = {0};
	unsigned warnings = 99;
	char path[128];
	char *want;
	size_t len;

	ck_assert_int_eq(doctor_judge(screens[_i].facts, &text, &warnings), 0);
	ck_assert_uint_eq(warnings, screens[_i].warnings);
	ck_assert_int_eq(style_render(&style, text.data, &out), 0);
	hide_version(out.data);
	(void)snprintf(path, sizeof(path), DATA "doctor_%s.txt", screens[_i].name);
	ck_assert_int_eq(file_read(path, 1 << 20, &want, &len), 0);
	assert_same_text(path, out.data, want);
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(style_columns(line) <= 80, "%s", line);
	free(want);
	buf_fini(&out);
	buf_fini(&text);
}
END_TEST

/* One fact each, beside good ones. */
static const struct {
	const char *says;
	unsigned warnings;
	int control;
	const char *service_version;
	unsigned tw_reuse;
	unsigned cpus;
	const char *rpsd_version;
} facts[] = {
	{"  warn  service      no process listens at /run/rpsd/control.socket", 1, ECONNREFUSED,
		RPSD_VERSION, 2, 8, RPSD_VERSION},
	{"  warn  service      /run/rpsd/control.socket is not a socket", 1, ENOTSOCK, RPSD_VERSION,
		2, 8, RPSD_VERSION},
	{"  warn  service      at /run/rpsd/control.socket is version 0.0.1", 1, 0, "0.0.1", 2, 8,
		RPSD_VERSION},
	{"  ok    service      answers at", 0, 0, "", 2, 8, RPSD_VERSION},
	{"  warn  service      /run/rpsd/control.socket: Connection timed out", 1, ETIMEDOUT, "", 2,
		8, RPSD_VERSION},
	{"  ok    ports        28,232 to one address (tcp_tw_reuse 1)", 0, 0, "", 1, 8,
		RPSD_VERSION},
	{"  ok    ports        28,232 to one address: without keep-alive 470 new ones/s\n", 0, 0,
		"", 0, 8, RPSD_VERSION},
	{"  warn  CPUs         1, of which the cgroup may use 6.5", 1, 0, "", 2, 1, RPSD_VERSION},
	{"  warn  rpsd         /usr/local/sbin/rpsd does not run", 1, 0, "", 2, 8, ""},
};

START_TEST(test_fact)
{
	struct style style = {.width = 80};
	struct doctor_facts f = good;
	struct buf text = {0};
	struct buf out = {0};
	unsigned warnings;

	f.control.error = facts[_i].control;
	f.ports.tw_reuse = facts[_i].tw_reuse;
	f.cpus = facts[_i].cpus;
	(void)snprintf(
		f.service_version, sizeof(f.service_version), "%s", facts[_i].service_version);
	(void)snprintf(f.rpsd_version, sizeof(f.rpsd_version), "%s", facts[_i].rpsd_version);
	ck_assert_int_eq(doctor_judge(&f, &text, &warnings), 0);
	ck_assert_int_eq(style_render(&style, text.data, &out), 0);
	ck_assert_msg(strstr(out.data, facts[_i].says) != NULL, "%s\n%s", facts[_i].says, out.data);
	ck_assert_uint_eq(warnings, facts[_i].warnings);
	buf_fini(&out);
	buf_fini(&text);
}
END_TEST

/* The clocks that the audit of a run finds fast are fine here too. */
static const struct {
	const char *source;
	int64_t ns;
	unsigned warnings;
} clocks[] = {
	{"tsc", 21, 0},
	{"kvm-clock", 40, 0},
	{"arch_sys_counter", 40, 0},
	{"hyperv_clocksource_tsc_page", 40, 0},
	{"riscv_clocksource", 40, 0},
	{"timebase", 40, 0},
	{"tod", 40, 0},
	{"", 40, 0},
	{"tsc", 201, 1},
	{"", 201, 1},
	{"hpet", 40, 1},
	{"xen", 40, 1},
};

START_TEST(test_clock)
{
	struct doctor_facts f = good;
	struct buf text = {0};
	unsigned warnings;

	(void)snprintf(f.clock.source, sizeof(f.clock.source), "%s", clocks[_i].source);
	f.clock.read_ns = clocks[_i].ns;
	ck_assert_int_eq(doctor_judge(&f, &text, &warnings), 0);
	ck_assert_msg(warnings == clocks[_i].warnings, "%s", text.data);
	buf_fini(&text);
}
END_TEST

/* This very host: nothing that cannot be. */
START_TEST(test_gather)
{
	static struct doctor_facts f;
	struct options o = {.socket = "/nowhere/control.socket"};
	struct buf text = {0};
	unsigned warnings;

	doctor_gather(&f, &o);
	ck_assert_uint_gt(f.fd_hard, 0);
	ck_assert_uint_gt(f.cpus, 0);
	ck_assert_int_ge(f.clock.read_ns, 0);
	ck_assert_int_ge(f.late_p50_ns, 0);
	ck_assert_int_ge(f.late_p99_ns, f.late_p50_ns);
	ck_assert(f.steal_share <= 1);
	ck_assert_str_eq(f.control.path, "/nowhere/control.socket");
	ck_assert_int_eq(f.control.error, ENOENT);
	ck_assert_uint_gt(strlen(f.rpsd_path), 0);
	ck_assert_int_eq(doctor_judge(&f, &text, &warnings), 0);
	buf_fini(&text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("doctor");
	Suite *suite = suite_create("doctor");

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, test_screen, 0, (int)(sizeof(screens) / sizeof(*screens)));
	tcase_add_loop_test(tcase, test_fact, 0, (int)(sizeof(facts) / sizeof(*facts)));
	tcase_add_loop_test(tcase, test_clock, 0, (int)(sizeof(clocks) / sizeof(*clocks)));
	tcase_add_test(tcase, test_gather);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
