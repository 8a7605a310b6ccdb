/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of [origin NAME], and what contradicts itself in one. */
#include "common/settings/settings.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/config/keys.h"
#include "common/settings/settings_keys.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_doc.h"

#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define MS NSEC_PER_MSEC

static struct settings *settings;

/* The only origin of a file that says this of it. */
static const struct settings_origin *origin(const char *lines)
{
	struct conf_doc d = {0};
	struct buf text = {0};
	int r;

	ck_assert_int_eq(buf_printf(&text, "[origin o]\nlisten = 127.0.0.1:0\n%s\n", lines), 0);
	conf_read(&d, "rpsd.conf", text.data);
	settings_free(settings);
	settings = NULL;
	r = settings_build(&d.ini, &settings, &d.problems);
	ck_assert_msg(r == 0, "%d: %s", r, conf_problems(&d));
	conf_fini(&d);
	buf_fini(&text);
	return &settings->origins[0];
}

static void teardown(void)
{
	settings = settings_free(settings);
}

/* ---- single values ---- */

static const struct {
	const char *text;
	bool ok;
} listens[] = {
	{"127.0.0.1:8000", true},
	{"0.0.0.0:0", true},
	{"[::1]:65535", true},
	{"[::]:1", true},
	{"", false},
	{":", false},
	{":8000", false},
	{"127.0.0.1", false},
	{"127.0.0.1:", false},
	{"127.0.0.1:65536", false},
	{"127.0.0.1:-1", false},
	{"127.0.0.1:+1", false},
	{"127.0.0.1: 1", false},
	{"127.0.0.1:80x", false},
	{"127.0.0.1:000080", false},
	{"127.0.0.256:80", false},
	{"localhost:80", false},
	{"::1:80", false},
	{"[::1:80", false},
	{"[127.0.0.1]:80", false},
	{"[::1]80", false},
	{"[]:80", false},
	{"[:80", false},
	{"[:::::::::::::::::::::::::::::::::::::::::::::::::::::::1]:80", false},
};

START_TEST(listen_grammar)
{
	struct err err = {0};
	int r;

	r = settings_check_listen(listens[_i].text, &err);
	ck_assert_msg(r == (listens[_i].ok ? 0 : -EINVAL), "'%s'", listens[_i].text);
	ck_assert_int_eq(strstr(err.text, "127.0.0.1:8000") != NULL, !listens[_i].ok);
}
END_TEST

static const struct {
	const char *key;
	const char *text;
	bool ok;
} values[] = {
	{"delay", "5s", true},
	{"delay", "0", true},
	{"delay", "1h", true},
	{"delay", "exp:5ms", true},
	{"delay", "50% 10ms, 50% 8s", true},
	{"delay", "50% 10ms,50%\texp:8s", true},
	{"delay", "1% 8s", true},
	{"delay", "33.333333% 1s, 33.333333% 2s, 33.333334% 3s", true},
	{"delay", "exp:0", false},
	{"delay", "exp:", false},
	{"delay", "exp:5", false},
	{"delay", "exp: 5ms", false},
	{"delay", "EXP:5ms", false},
	{"delay", "5", false},
	{"delay", "", false},
	{"delay", "61m", false},
	{"delay", "-5s", false},
	{"delay", "60% 1s, 50% 2s", false},
	{"delay", "50% 1s,", false},
	{"delay", ", 50% 1s", false},
	{"delay", "50%, 1s", false},
	{"delay", "50% 1s 2s", false},
	{"delay", "1s, 50% 2s", false},
	{"delay",
		"1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,1% 1s,"
		"1% 1s,1% 1s,1% 1s,1% 1s",
		false},
	{"errors", "20% 503", true},
	{"errors", "0% 400", true},
	{"errors", "100%\t599", true},
	{"errors", "20%   404", true},
	{"errors", "20% 503 after 0", true},
	{"errors", "20% 503 after exp:1ms", true},
	{"errors", "20%", false},
	{"errors", "20% ", false},
	{"errors", "20 503", false},
	{"errors", "101% 503", false},
	{"errors", "20% 200", false},
	{"errors", "20% 600", false},
	{"errors", "20% 5030", false},
	{"errors", "20% 5x3", false},
	{"errors", "20% 503 x", false},
	{"errors", "20% 503 after", false},
	{"errors", "20% 503 before 1s", false},
	{"errors", "20% 503 after 1s 2s", false},
	{"errors", "503 20%", false},
	{"errors", "", false},
	{"service", "1ms", true},
	{"service", "exp:1ms", true},
	{"service", "0", true},
	{"service", "50% 1ms", false},
	{"service", "61m", false},
	{"drip", "50 x 10ms", true},
	{"drip", "1 x 1ns", true},
	{"drip", "0", true},
	{"drip", "50x10ms", false},
	{"drip", "50 * 10ms", false},
	{"drip", "0 x 10ms", false},
	{"drip", "50 x 0", false},
	{"drip", "-1 x 10ms", false},
	{"drip", "1000001 x 10ms", false},
	{"drip", "9999999999999 x 10ms", false},
	{"drip", "50 x 10ms x", false},
	{"drip", "", false},
	{"hang", "1%", true},
	{"hang", "0%", true},
	{"hang", "100%", true},
	{"hang", "1", false},
	{"hang", "101%", false},
	{"close-after", "100", true},
	{"close-after", "100 header", true},
	{"close-after", "0", true},
	{"close-after", "0 header", false},
	{"close-after", "1.5", false},
	{"close-after", "100 headers", false},
	{"close-after", "", false},
	{"stall", "1s every 10s", true},
	{"stall", "1s", true},
	{"stall", "0", true},
	{"stall", "10s every 10s", false},
	{"stall", "11s every 10s", false},
	{"stall", "1s each 10s", false},
	{"stall", "1s every", false},
	{"stall", "0 every 10s", false},
	{"stall", "61m", false},
	{"accept-stall", "3s every 10s", true},
	{"accept-stall", "3s every 3s", false},
	{"read", "64KiB every 100ms", true},
	{"read", "1B every 1ms", true},
	{"read", "0", true},
	{"read", "0B every 1ms", false},
	{"read", "64KiB every 0", false},
	{"read", "64KiB", false},
	{"read", "64 every 100ms", false},
	{"gaps", "/tmp/gaps", true},
	{"gaps", "gaps of today", true},
	{"gaps", "", false},
	{"gaps", "a\nlisten = 1", false},
	{"gaps", "a\x7f", false},
};

START_TEST(values_grammar)
{
	const struct key *key = keys_find(&settings_keys, "origin", values[_i].key);
	struct err err = {0};
	int r;

	ck_assert_ptr_nonnull(key);
	r = keys_parse(key, values[_i].text, NULL, &err);
	ck_assert_msg(
		r == (values[_i].ok ? 0 : -EINVAL), "%s = '%s'", values[_i].key, values[_i].text);
	ck_assert_int_eq(err.text[0] == '\0', values[_i].ok);
}
END_TEST

START_TEST(too_long_for_a_value)
{
	char text[2000];
	struct err err = {0};

	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "1s", 2);
	ck_assert_int_eq(settings_parse_stall(text, NULL, &err), -EINVAL);
	memset(text, 'a', sizeof(text) - 1);
	ck_assert_int_eq(settings_check_gaps(text, &err), -EINVAL);
}
END_TEST

/* ---- what they mean ---- */

START_TEST(mixtures)
{
	const struct settings_delays *d = &origin("delay = 50% 10ms, 20% exp:8s, 30% 0")->delay;

	ck_assert_uint_eq(d->n, 3);
	ck_assert_double_eq_tol(d->parts[0].upto, 0.5, 1e-12);
	ck_assert_int_eq(d->parts[0].delay.ns, 10 * MS);
	ck_assert_double_eq_tol(d->parts[1].upto, 0.7, 1e-12);
	ck_assert_int_eq(d->parts[1].delay.kind, SETTINGS_DELAY_EXPONENTIAL);
	ck_assert_int_eq(d->parts[1].delay.ns, 8000 * MS);
	ck_assert_double_eq(d->parts[2].upto, 1); /* exactly: no draw is left over */
	d = &origin("delay = 1% 8s")->delay;
	ck_assert_uint_eq(d->n, 1);
	ck_assert_double_eq_tol(d->parts[0].upto, 0.01, 1e-12);
}
END_TEST

START_TEST(answers)
{
	const struct settings_origin *o = origin("errors = 20% 429 after 0\nservice = exp:1ms\n"
						 "burn = yes\ndrip = 50 x 10ms\nseed = 9");

	ck_assert_double_eq_tol(o->error_share, 0.2, 1e-12);
	ck_assert_uint_eq(o->error_status, 429);
	ck_assert(o->error_has_delay);
	ck_assert_int_eq(o->error_delay.ns, 0);
	ck_assert_int_eq(o->service.kind, SETTINGS_DELAY_EXPONENTIAL);
	ck_assert_int_eq(o->service.ns, MS);
	ck_assert_uint_eq(o->burn, 1);
	ck_assert_uint_eq(o->drip_pieces, 50);
	ck_assert_int_eq(o->drip_ns, 10 * MS);
	ck_assert_uint_eq(o->seed, 9);
	o = origin("errors = 20% 503");
	ck_assert(!o->error_has_delay);
}
END_TEST

START_TEST(faults)
{
	const struct settings_origin *o = origin(
		"stall = 1s every 10s\naccept-stall = 5s\nread = 64KiB every 100ms\nhang = 1%\n"
		"freeze = 2\nclose-after = 100 header\nidle = 60s\nbacklog = 1\ngaps = a b");

	ck_assert_int_eq(o->stall.length_ns, 1000 * MS);
	ck_assert_int_eq(o->stall.every_ns, 10000 * MS);
	ck_assert_int_eq(o->accept_stall.length_ns, 5000 * MS);
	ck_assert_int_eq(o->accept_stall.every_ns, 0);
	ck_assert_uint_eq(o->read_bytes, 65536);
	ck_assert_int_eq(o->read_ns, 100 * MS);
	ck_assert_double_eq_tol(o->hang_share, 0.01, 1e-12);
	ck_assert_uint_eq(o->freeze, 2);
	ck_assert_uint_eq(o->close_after, 100);
	ck_assert(o->close_is_said);
	ck_assert_int_eq(o->idle_ns, 60000 * MS);
	ck_assert_uint_eq(o->backlog, 1);
	ck_assert_str_eq(o->gaps, "a b");
}
END_TEST

/* ---- the whole ---- */

static const struct {
	const char *text;
	const char *problem;
} wholes[] = {
	{"burn = yes\n", "rpsd.conf:3: burn: there is no service time"},
	{"body = 50B\ndrip = 50 x 1ms\n", "rpsd.conf:4: drip: the body has not a byte"},
	{"drip = 1024 x 1ms\n", "rpsd.conf:3: drip: the body has not a byte"},
	{"close-after = 1\nfreeze = 1\n", "rpsd.conf:4: freeze: with close-after = 1"},
	{"stall = 1s every 1s\n", "rpsd.conf:3: stall: '1s every 1s' is not TIME or TIME every"},
	{"backlog = 0\n", "rpsd.conf:3: backlog: '0' is out of range"},
	{"delay = 50% 10ms, 60% 1s\n",
		"rpsd.conf:3: delay: '50% 10ms, 60% 1s': the shares are more "
		"than 100% together"},
	{"delay = 150% 10ms\n", "rpsd.conf:3: delay: '150%' is not from 0% to 100%"},
	{"errors = 120% 503\n", "rpsd.conf:3: errors: '120%' is not from 0% to 100%"},
	{"errors = 20% 200\n", "rpsd.conf:3: errors: '20% 200' is not SHARE STATUS with"},
	{"errors = 1.12345678% 503\n", "rpsd.conf:3: errors: '1.12345678%' has too many decimals"},
	{"hang = 200%\n", "rpsd.conf:3: hang: '200%' is not from 0% to 100%"},
	{"hang = -5%\n", "rpsd.conf:3: hang: '-5%' is not from 0% to 100%"},
	{"hang = 5\n", "rpsd.conf:3: hang: '5' is not a share: write a number and %"},
};

START_TEST(what_makes_no_sense_is_refused)
{
	struct conf_doc d = {0};
	struct settings *s = NULL;
	struct buf text = {0};

	ck_assert_int_eq(
		buf_printf(&text, "[origin o]\nlisten = 127.0.0.1:0\n%s", wholes[_i].text), 0);
	conf_read(&d, "rpsd.conf", text.data);
	ck_assert_int_eq(settings_build(&d.ini, &s, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){wholes[_i].problem, NULL});
	conf_fini(&d);
	buf_fini(&text);
}
END_TEST

/* What comes from a flag is mended by a flag. */
static const struct {
	const char *keys[2], *values[2];
	const char *problem;
} flags[] = {
	{{"burn"}, {"yes"}, "--burn: there is no service time to burn: add --service 1ms"},
	{{"drip", "body"}, {"50 x 1ms", "3B"},
		"--drip: the body has not a byte for the beginning and one for each piece: a "
		"larger --body"},
	{{"freeze", "close-after"}, {"1", "1"},
		"--freeze: with --close-after 1 no connection comes to a second request"},
};

START_TEST(flags_are_told_as_flags)
{
	struct conf_doc d = {0};
	struct settings *s = NULL;
	char flag[32];

	for (size_t i = 0; i < 2 && flags[_i].keys[i]; i++) {
		(void)snprintf(flag, sizeof(flag), "--%s", flags[_i].keys[i]);
		ck_assert_int_eq(ini_set(&d.ini, flag, "origin", "o", flags[_i].keys[i],
					 flags[_i].values[i]),
			0);
	}
	ck_assert_int_eq(ini_set(&d.ini, "--listen", "origin", "o", "listen", "127.0.0.1:0"), 0);
	ck_assert_int_eq(settings_build(&d.ini, &s, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){flags[_i].problem, NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(what_just_makes_sense_is_taken)
{
	ck_assert_uint_eq(origin("body = 51B\ndrip = 50 x 1ms")->drip_pieces, 50);
	ck_assert_uint_eq(origin("close-after = 2\nfreeze = 1")->freeze, 1);
}
END_TEST

/* A log of gaps is for a private daemon; the service does not write where a file says. */
START_TEST(the_service_keeps_no_log_of_gaps)
{
	struct conf_doc d = {0};

	conf_read(&d, "rpsd.conf", "[origin o]\nlisten = 127.0.0.1:0\ngaps = /tmp/x\n");
	settings_refuse_private(&d.ini, &d.problems);
	conf_expect(&d, (const char *const[]){"rpsd.conf:3: gaps: is for rpsctl origin", NULL});
	conf_fini(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings_origin");
	TCase *tcase = tcase_create("settings_origin");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, listen_grammar, 0, LEN(listens));
	tcase_add_loop_test(tcase, values_grammar, 0, LEN(values));
	tcase_add_test(tcase, too_long_for_a_value);
	tcase_add_test(tcase, mixtures);
	tcase_add_test(tcase, answers);
	tcase_add_test(tcase, faults);
	tcase_add_loop_test(tcase, what_makes_no_sense_is_refused, 0, LEN(wholes));
	tcase_add_loop_test(tcase, flags_are_told_as_flags, 0, LEN(flags));
	tcase_add_test(tcase, what_just_makes_sense_is_taken);
	tcase_add_test(tcase, the_service_keeps_no_log_of_gaps);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
