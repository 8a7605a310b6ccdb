/* SPDX-License-Identifier: Apache-2.0 */
/* The key table and its reader. Most cases are loops over the table itself: a key that is added
 * gets its tests; only a grammar of its own needs a sample in key_samples. */
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/settings/settings_keys.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/plan/plan.h"
#include "common/settings/settings.h"
#include "common/str.h"
#include "common/units.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_doc.h"

/* Keys with a grammar of their own: a value that is not the default, and one that is bad. */
static const struct {
	const struct key_table *table;
	const char *name;
	const char *good;
	const char *bad;
} key_samples[] = {
	{&plan_keys, "url", "http://127.0.0.1:8000/", "http://"},
	{&plan_keys, "connect-to", "[::1]:8443", "::1"},
	{&plan_keys, "dns", "every 30s", "every 1ms"},
	{&plan_keys, "ca-file", "ca.pem", "@ca.pem"},
	{&plan_keys, "certificate", "/etc/client.pem", "@client.pem"},
	{&plan_keys, "key", "cred:key", "cred:"},
	{&plan_keys, "server-name", "::1", "shop.test:443"},
	{&plan_keys, "ciphers", "ECDHE-RSA-AES128-GCM-SHA256:!aNULL", "AES128 SHA"},
	{&plan_keys, "ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS_AES_128"},
	{&plan_keys, "stage", "hold 500 for 5m", "hold 500"},
	{&plan_keys, "scale", "x0.1", "x0"},
	{&plan_keys, "arrivals", "jitter:0.3", "jitter"},
	{&plan_keys, "gap", "50us", "11ms"},
	{&plan_keys, "slice", "2/5", "5/2"},
	{&plan_keys, "at", "2026-11-22T17:00:00Z", "17:00"},
	{&plan_keys, "label", "commit=1f2e3d4", "commit"},
	{&plan_keys, "require", "p99 < 50ms", "p99 < 50"},
	{&plan_keys, "abort-if", "p99 > 2s over 10s", "connect p99 > 2s"},
	{&plan_keys, "method", "POST", "P ST"},
	{&plan_keys, "header", "Accept: text/html", "Accept"},
	{&plan_keys, "body", "some text", "cred:a/b"},
	{&plan_keys, "auth", "bearer @token", "bearer token"},
	{&plan_keys, "path", "products?page=2", "http://elsewhere.test/"},
	{&plan_keys, "expect-status", "2xx", "100"},
	{&plan_keys, "expect-header", "ETag", "E Tag"},
	{&plan_keys, "expect-body", "some text", "cred:.."},
	{&plan_keys, "expect-size", "1KiB..", "2KiB..1KiB"},
	{&plan_keys, "expect-sha256",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "e3b0"},
	{&plan_keys, "source", "10.0.0.1-10.0.0.3, ::1", "10.0.0.1-"},
	{&settings_keys, "socket", "/tmp/rpsd.socket", "rpsd.socket"},
	{&settings_keys, "observe", "/tmp/look.socket", "look.socket"},
	{&settings_keys, "allow", "192.0.2.7:8080", "192.0.2.700"},
	{&settings_keys, "max-rate", "10k/s", "0.5/s"},
	{&settings_keys, "listen", "[::1]:8000", "8000"},
	{&settings_keys, "delay", "exp:5ms", "exp"},
	{&settings_keys, "errors", "20% 503", "20%"},
	{&settings_keys, "drip", "50 x 10ms", "50 10ms"},
	{&settings_keys, "service", "exp:1ms", "1"},
	{&settings_keys, "stall", "1s every 10s", "10s every 1s"},
	{&settings_keys, "accept-stall", "5s", "5"},
	{&settings_keys, "read", "64KiB every 100ms", "64KiB"},
	{&settings_keys, "hang", "1%", "1"},
	{&settings_keys, "close-after", "100 header", "100 headers"},
	{&settings_keys, "gaps", "gaps.txt", ""},
};

/* Large enough for each base, and zeroed as their owners do it. */
union base {
	struct plan plan;
	struct settings settings;
	struct settings_origin origin;
	struct plan_request request;
};

static bool is_text(const struct key *k)
{
	return k->type == KEY_TEXT || k->type == KEY_CUSTOM;
}

static const struct key_table *table_of(const struct key *k)
{
	for (size_t i = 0; i < plan_keys.n; i++)
		if (k == &plan_keys.rows[i])
			return &plan_keys;
	return &settings_keys;
}

static size_t sample_of(const struct key *k)
{
	for (size_t i = 0; i < sizeof(key_samples) / sizeof(*key_samples); i++)
		if (key_samples[i].table == table_of(k) && str_eq(key_samples[i].name, k->name))
			return i;
	ck_abort_msg("[%s] %s has no sample in this test", k->section, k->name);
	return 0;
}

/* A valid value that is not the default. */
static const char *good_value(const struct key *k)
{
	switch (k->type) {
	case KEY_TEXT:
	case KEY_CUSTOM:
		return key_samples[sample_of(k)].good;
	case KEY_CHOICE:
		return k->choices[1] && str_eq(k->choices[0], k->fallback) ? k->choices[1]
									   : k->choices[0];
	default:
		/* The upper limit. */
		return k->limits ? strstr(k->limits, "..") + 2 : "7";
	}
}

static void *field_of(const struct key *k, union base *base)
{
	return (char *)base + k->offset;
}

static void expect_field(const struct key *k, union base *base, const char *value)
{
	union {
		char *text;
		uint64_t number;
		int64_t ns;
		struct rate rate;
		unsigned choice;
	} want = {0};
	static const size_t sizes[] = {
		[KEY_UINT] = sizeof(uint64_t),
		[KEY_RATE] = sizeof(struct rate),
		[KEY_TIME] = sizeof(int64_t),
		[KEY_SIZE] = sizeof(uint64_t),
		[KEY_CHOICE] = sizeof(unsigned),
	};

	if (k->type == KEY_CUSTOM)
		return;
	if (k->type == KEY_TEXT) {
		const char *got = *(char **)field_of(k, base);

		if (value)
			ck_assert_str_eq(got, value);
		else
			ck_assert_ptr_null(got);
		return;
	}
	if (value)
		ck_assert_int_eq(keys_parse(k, value, &want, NULL), 0);
	ck_assert_mem_eq(field_of(k, base), &want, sizes[k->type]);
}

/* What keys_apply allocates. */
static void fields_fini(const struct key_table *table, bool named, union base *base)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct key *t = &table->rows[i];

		if (t->named != named)
			continue;
		if (t->type == KEY_TEXT)
			free(*(char **)field_of(t, base));
		else if (t->clear)
			t->clear(field_of(t, base));
	}
}

static void base_fini(const struct key *k, union base *base)
{
	fields_fini(table_of(k), k->named, base);
}

/* That of [section one] in the whole that is read. */
static union base *named_base;

static void *find_named(void *base, const char *section, const char *arg)
{
	ck_assert_ptr_nonnull(base);
	ck_assert_uint_gt(strlen(section), 0);
	return str_eq(arg, "one") ? named_base : NULL;
}

static void apply(const struct key *k, struct conf_doc *d, union base *base)
{
	union base outer = {0};
	const struct keys_reading reading = {.table = table_of(k),
		.doc = &d->ini,
		.base = k->named ? &outer : base,
		.named = find_named,
		.problems = &d->problems};

	named_base = k->named ? base : NULL;
	if (k->named)
		ck_assert_int_eq(keys_fill_defaults(table_of(k), k->section, base), 0);
	ck_assert_int_eq(keys_apply(&reading), 0);
	if (k->named)
		fields_fini(table_of(k), false, &outer);
}

static void read_one(struct conf_doc *d, const char *file, const struct key *k, const char *value)
{
	char text[512];

	snprintf(text, sizeof(text), "[%s%s]\n%s = %s\n", k->section, k->named ? " one" : "",
		k->name, value);
	conf_read(d, file, text);
}

static void row_is_sane(const struct key *k)
{

	ck_assert_ptr_eq(keys_find(table_of(k), k->section, k->name), k);
	ck_assert_uint_gt(strlen(k->help), 0);
	ck_assert_uint_lt(strlen(k->section), INI_NAME_MAX);
	ck_assert_uint_lt(strlen(k->name), INI_NAME_MAX);
	ck_assert_int_eq(k->type == KEY_CHOICE, k->choices != NULL);
	ck_assert(!k->repeated || k->type == KEY_CUSTOM);
	ck_assert(k->type == KEY_CUSTOM || !k->parse);
	ck_assert(is_text(k) == ((k->check != NULL) != (k->parse != NULL)));
	ck_assert(!k->by_file || (k->repeated && k->clear));
	if (k->limits)
		ck_assert_ptr_nonnull(strstr(k->limits, ".."));
	/* keys_apply lists a section's keys together. */
	for (const struct key *other = table_of(k)->rows; other + 1 < k; other++)
		ck_assert(!str_eq(other->section, k->section) || str_eq(k[-1].section, k->section));
}

static void default_fills_field(const struct key *k)
{
	struct conf_doc d = {0};
	union base base = {0};

	apply(k, &d, &base);
	conf_expect_none(&d);
	if (k->fallback && k->type == KEY_CUSTOM)
		ck_assert_int_eq(keys_parse(k, k->fallback, NULL, NULL), 0);
	expect_field(k, &base, k->fallback);
	base_fini(k, &base);
	conf_fini(&d);
}

static void good_value_fills_field(const struct key *k)
{
	struct conf_doc d = {0};
	union base base = {0};

	read_one(&d, "f.ini", k, good_value(k));
	apply(k, &d, &base);
	conf_expect_none(&d);
	expect_field(k, &base, good_value(k));
	base_fini(k, &base);
	conf_fini(&d);
}

static void word_is_taken(const struct key *k)
{
	struct conf_doc d = {0};
	union base base;

	if (!k->word)
		return;
	memset(&base, 0, sizeof(base));
	read_one(&d, "f.ini", k, k->word);
	apply(k, &d, &base);
	conf_expect_none(&d);
	if (k->type == KEY_RATE)
		ck_assert_uint_eq(((struct rate *)field_of(k, &base))->den, 0);
	else
		ck_assert_uint_eq(*(uint64_t *)field_of(k, &base), 0);
	base_fini(k, &base);
	conf_fini(&d);
}

/* The value is refused with its line and name, and the default stays. */
static void expect_refused(const struct key *k, const char *value, const char *hint)
{
	struct conf_doc d = {0};
	union base base = {0};
	char place[128];

	read_one(&d, "f.ini", k, value);
	apply(k, &d, &base);
	snprintf(place, sizeof(place), "f.ini:2: %s: ", k->name);
	ck_assert_msg(d.problems.n == 1, "[%s] %s = %s: %zu problems\n%s", k->section, k->name,
		value, d.problems.n, conf_problems(&d));
	ck_assert_msg(str_starts(d.problems.texts[0], place), "%s", d.problems.texts[0]);
	ck_assert_msg(!hint || strstr(d.problems.texts[0], hint), "'%s' is not in: %s", hint,
		d.problems.texts[0]);
	expect_field(k, &base, k->fallback);
	base_fini(k, &base);
	conf_fini(&d);
}

static void bad_value_is_refused(const struct key *k)
{
	static const char *const hints[] = {
		[KEY_UINT] = "as in 100",
		[KEY_RATE] = "as in 2000, 2k/s or 30/m",
		[KEY_TIME] = "as in 30s, 250ms or 1m30s",
		[KEY_SIZE] = "as in 64KiB",
		[KEY_CHOICE] = "write ",
	};

	if (is_text(k)) {
		expect_refused(k, key_samples[sample_of(k)].bad, NULL);
		return;
	}
	expect_refused(k, "x!", hints[k->type]);
	expect_refused(k, "", hints[k->type]);
	expect_refused(k, "-x", hints[k->type]);
	expect_refused(k, "--1", hints[k->type]);
	if (k->type == KEY_TIME)
		expect_refused(k, "77", hints[KEY_TIME]);
	if (k->type == KEY_RATE)
		expect_refused(k, "77/d", hints[KEY_RATE]);
	if (k->type == KEY_SIZE)
		expect_refused(k, "77kg", hints[KEY_SIZE]);
	if (k->type == KEY_UINT)
		expect_refused(k, "99999999999999999999", hints[KEY_UINT]);
	if (k->word)
		expect_refused(k, "x!", k->word);
}

/* A number that is below 0 is a number: what is wrong with it is the range. */
static void negative_value_is_refused(const struct key *k)
{
	static const char *const negative[] = {
		[KEY_UINT] = "-1", [KEY_RATE] = "-1/s", [KEY_TIME] = "-1s", [KEY_SIZE] = "-1KiB"};
	static const char *const huge[] = {[KEY_UINT] = "-99999999999999999999",
		[KEY_RATE] = "-11M/s",
		[KEY_TIME] = "-1000000h",
		[KEY_SIZE] = "-99999999999999999999KiB"};
	char hint[96];

	if (is_text(k) || k->type == KEY_CHOICE)
		return;
	snprintf(hint, sizeof(hint), k->limits ? "' is out of range: %s" : "' is below 0: write ",
		k->limits);
	expect_refused(k, negative[k->type], hint);
	expect_refused(k, huge[k->type], hint);
	if (k->word)
		expect_refused(k, negative[k->type], k->word);
}

static void value_beyond_limits_is_refused(const struct key *k)
{
	static const char *const beyond[] = {
		[KEY_UINT] = "18446744073709551615",
		[KEY_RATE] = "0/h",
		[KEY_TIME] = "99999h",
		[KEY_SIZE] = "1048576MiB",
	};
	const char *dots;
	char low[64] = "";

	if (!k->limits)
		return;
	expect_refused(k, beyond[k->type], k->limits);
	/* The lower limit itself is inside; zero is not where the limit is above it. */
	dots = strstr(k->limits, "..");
	memcpy(low, k->limits, (size_t)(dots - k->limits));
	if (!str_eq(low, "0"))
		expect_refused(k, "0", k->limits);
	{
		struct conf_doc d = {0};
		union base base = {0};

		read_one(&d, "f.ini", k, low);
		apply(k, &d, &base);
		conf_expect_none(&d);
		expect_field(k, &base, low);
		base_fini(k, &base);
		conf_fini(&d);
	}
}

static void single_key_twice_is_refused(const struct key *k)
{
	struct conf_doc d = {0};
	union base base = {0};
	char text[512];
	char place[128];

	snprintf(text, sizeof(text), "[%s%s]\n%s = %s\n\n%s = %s\n", k->section,
		k->named ? " one" : "", k->name, good_value(k), k->name, good_value(k));
	conf_read(&d, "f.ini", text);
	apply(k, &d, &base);
	snprintf(place, sizeof(place), "f.ini:4: %s is given twice, first in line 2", k->name);
	if (k->repeated)
		conf_expect_none(&d);
	else
		conf_expect(&d, (const char *const[]){place, NULL});
	base_fini(k, &base);
	conf_fini(&d);
}

static void later_file_overrides(const struct key *k)
{
	struct conf_doc d = {0};
	union base base = {0};

	read_one(&d, "a.ini", k, good_value(k));
	read_one(&d, "b.ini", k, k->fallback ? k->fallback : good_value(k));
	apply(k, &d, &base);
	conf_expect_none(&d);
	expect_field(k, &base, k->fallback ? k->fallback : good_value(k));
	base_fini(k, &base);
	conf_fini(&d);
}

static void (*const row_checks[])(const struct key *k) = {
	row_is_sane,
	default_fills_field,
	good_value_fills_field,
	word_is_taken,
	bad_value_is_refused,
	negative_value_is_refused,
	value_beyond_limits_is_refused,
	single_key_twice_is_refused,
	later_file_overrides,
};

/* All rows in one process: forking takes longer than a row. */
START_TEST(each_row)
{
	for (size_t i = 0; i < plan_keys.n; i++)
		row_checks[_i](&plan_keys.rows[i]);
	for (size_t i = 0; i < settings_keys.n; i++)
		row_checks[_i](&settings_keys.rows[i]);
}
END_TEST

static void expect_run_problems(const char *text, const char *const *wanted)
{
	struct conf_doc d = {0};
	union base base = {0};

	conf_read(&d, "f.ini", text);
	apply(&plan_keys.rows[0], &d, &base);
	conf_expect(&d, wanted);
	base_fini(&plan_keys.rows[0], &base);
	conf_fini(&d);
}

#define EXPECT(text, ...) expect_run_problems(text, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(unknown_names_the_nearest)
{
	EXPECT("[load]\nraet = 1\n", "f.ini:2: unknown key 'raet' in [load]: did you mean 'rate'?");
	EXPECT("[timeouts]\nrate = 1\n",
		"f.ini:2: key 'rate' belongs in [load], not in [timeouts]");
	EXPECT("[timeouts]\nzzzzzz = 1\n",
		"f.ini:2: unknown key 'zzzzzz' in [timeouts]: there are connect, request, drain");
	EXPECT("[laod]\nrate = 1\n", "f.ini:1: unknown section [laod]: did you mean [load]?");
	/* By the name of its flag, in whatever section. */
	EXPECT("[load]\ntimeout = 5s\n",
		"f.ini:2: unknown key 'timeout' in [load]: did you mean [timeouts] request?");
	EXPECT("[connections]\nusers = 5\n",
		"f.ini:2: unknown key 'users' in [connections]: did you mean 'count'?");
	EXPECT("[target]\ncacert = ca.pem\n",
		"f.ini:2: unknown key 'cacert' in [target]: did you mean [tls] ca-file?");
	EXPECT("[request a]\ndata = x\n",
		"f.ini:2: unknown key 'data' in [request a]: did you mean 'body'?");
	/* A word that another section has, for what this one calls otherwise. */
	EXPECT("[request a]\nurl = /b\n",
		"f.ini:2: key 'url' belongs in [target]; what [request a] has is 'path'");
	EXPECT("[target]\npath = /b\n",
		"f.ini:2: key 'path' belongs in [request]; what [target] has is 'url'");
	EXPECT("[defaults]\nurl = /b\n",
		"f.ini:2: key 'url' belongs in [target], not in [defaults]");
	/* What stands in it is judged as if it were spelt rightly. */
	EXPECT("[laod]\nrate = fast\nraet = 1\nrate = 5\nconnect = 1s\n",
		"f.ini:1: unknown section [laod]: did you mean [load]?",
		"f.ini:2: rate: 'fast' is not a rate",
		"f.ini:3: unknown key 'raet' in [load]: did you mean 'rate'?",
		"f.ini:5: key 'connect' belongs in [timeouts], not in [load]");
	EXPECT("[laod\nrate = fast\n", "f.ini:1: the \"]\" of \"[laod\" is missing",
		"f.ini:1: unknown section [laod]: did you mean [load]?",
		"f.ini:2: rate: 'fast' is not a rate");
	EXPECT("[load 5\nrate = fast\n", "f.ini:1: the \"]\" of \"[load 5\" is missing",
		"f.ini:2: rate: 'fast' is not a rate");
	EXPECT("[requst browse]\nwieght = 1\n",
		"f.ini:1: unknown section [requst]: did you mean [request]?",
		"f.ini:2: unknown key 'wieght' in [request browse]: did you mean 'weight'?");
	EXPECT("[zzzzzz]\n",
		"f.ini:1: unknown section [zzzzzz]: there are [target], [tls], [load], ");
	/* Keys of the other file are unknown here. */
	EXPECT("[policy]\nallow = ::1\n", "f.ini:1: unknown section [policy]");
	EXPECT("[load]\nmodel = opne\n", "write one of auto, open, closed (open?)");
	EXPECT("[load]\narrivals = poison\n",
		"'poison' is not a known value: write constant, poisson or");
}
END_TEST

START_TEST(section_arguments)
{
	struct conf_doc d = {0};
	struct settings s = {0};
	const struct keys_reading reading = {
		.table = &settings_keys, .doc = &d.ini, .base = &s, .problems = &d.problems};

	EXPECT("[load two]\nrate = 1\n", "f.ini:1: [load two]: [load] takes no name");
	conf_read(&d, "f.conf", "[origin]\ndelay = x\n[origin a-b.c]\n");
	ck_assert_int_eq(ini_set(&d.ini, "NAME", "origin", "../x", "delay", "5s"), 0);
	ck_assert_int_eq(keys_apply(&reading), 0);
	conf_expect(&d, (const char *const[]){"f.conf:1: [origin] needs a name, as in [origin one]",
				"f.conf:2: delay: 'x' is not a delay",
				"NAME: '../x' is not a name for [origin]", NULL});
	free(s.socket);
	free(s.observe);
	conf_fini(&d);
}
END_TEST

START_TEST(problems_come_in_the_order_of_lines)
{
	struct conf_doc d = {0};
	union base base = {0};

	conf_read(&d, "a.ini", "[targt]\nurl = x\n[load]\nrate = x\n[nix]\n");
	conf_read(&d, "b.ini", "[nox]\n[load]\nseed = x\n[nux]\n[timeouts]\nconnect = 5\n");
	conf_set(&d, "-r", "load", "rate", "fast");
	conf_set(&d, "--set laod.rate", "laod", "rate", "1");
	conf_set(&d, "--set load.raet", "load", "raet", "1");
	apply(&plan_keys.rows[0], &d, &base);
	conf_expect(&d, (const char *const[]){"a.ini:1: unknown section [targt]", "a.ini:4: rate: ",
				"a.ini:5: unknown section [nix]", "b.ini:1: unknown section [nox]",
				"b.ini:3: seed: ", "b.ini:4: unknown section [nux]",
				"b.ini:6: connect: '5' has no unit", "-r: 'fast' is not a rate",
				"--set laod.rate: unknown section [laod]: did you mean [load]?",
				"--set load.raet: unknown key 'raet'", NULL});
	base_fini(&plan_keys.rows[0], &base);
	conf_fini(&d);
}
END_TEST

START_TEST(last_flag_wins)
{
	struct conf_doc d = {0};
	union base base = {0};

	conf_set(&d, "-n", "load", "requests", "5");
	conf_set(&d, "-n", "load", "requests", "6");
	apply(&plan_keys.rows[0], &d, &base);
	conf_expect_none(&d);
	ck_assert_uint_eq(base.plan.n_arrivals, 6);
	ck_assert_str_eq(keys_last(&d.ini, "load", "", "requests")->value, "6");
	ck_assert_ptr_null(keys_last(&d.ini, "load", "", "rate"));
	ck_assert_ptr_null(keys_last(&d.ini, "load", "x", "requests"));
	base_fini(&plan_keys.rows[0], &base);
	conf_fini(&d);
}
END_TEST

START_TEST(find_knows_file_and_section)
{
	ck_assert_ptr_nonnull(keys_find(&plan_keys, "load", "rate"));
	ck_assert_ptr_null(keys_find(&settings_keys, "load", "rate"));
	ck_assert_ptr_null(keys_find(&plan_keys, "target", "rate"));
	ck_assert_ptr_null(keys_find(&plan_keys, "load", ""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keys");
	TCase *table = tcase_create("table");
	TCase *reader = tcase_create("reader");

	tcase_add_loop_test(table, each_row, 0, sizeof(row_checks) / sizeof(*row_checks));
	suite_add_tcase(s, table);
	tcase_add_test(reader, unknown_names_the_nearest);
	tcase_add_test(reader, section_arguments);
	tcase_add_test(reader, problems_come_in_the_order_of_lines);
	tcase_add_test(reader, last_flag_wins);
	tcase_add_test(reader, find_knows_file_and_section);
	suite_add_tcase(s, reader);
	return suite_main(s);
}
