/* SPDX-License-Identifier: Apache-2.0 */
/* Which load is meant where no rate is given. */
#include "ctl/start/default_load.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/config/ini.h"
#include "tests/support/suite.h"

/* Flags as "key=value|key=value"; those that begin with '.' are of a file. */
static void read_doc(const char *line, struct ini_doc *doc)
{
	struct problems problems = {0};
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *at = strtok(copy, "|"); at; at = strtok(NULL, "|")) {
		char *value = strchr(at, '=');

		*value++ = '\0';
		if (*at == '.') {
			char *key = strchr(++at, '.');
			char text[128];

			*key++ = '\0';
			(void)snprintf(text, sizeof(text), "[%s]\n%s = %s\n", at, key, value);
			ck_assert_int_eq(ini_read(doc, "f.ini", text, strlen(text), &problems), 0);
		} else {
			ck_assert_int_eq(
				ini_set_path(doc, strcmp(at, "connections.count") ? "-x" : "-c", at,
					value),
				0);
		}
	}
	ck_assert_uint_eq(problems.n, 0);
}

#define ANOTHER ", which is the default rate; -r RATE sets another"
#define A_RATE ", as -c is given without a rate; -r RATE sets one"

/* What is said of a URL with these keys, and of a run file. */
static const struct {
	const char *line;
	const char *url;
	const char *file; /* NULL: the same */
} loads[] = {
	{"", "open model at 100/s" ANOTHER, NULL},
	{"load.duration=5s", "open model at 100/s" ANOTHER, NULL},
	{"load.requests=50", "50 requests at 100/s" ANOTHER, NULL},
	{"load.scale=x0.1", "open model at x0.1 of 100/s" ANOTHER, NULL},
	{"load.workers=5", "5 workers, open model at 100/s" ANOTHER, NULL},
	{".load.workers=5", "open model at 100/s" ANOTHER, NULL},
	{"load.rate=5", "", NULL},
	{".load.rate=5", "", NULL},
	{"load.stage=hold 5 for 1s", "", NULL},
	{"load.model=closed", "", NULL},
	{"load.model=open", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=100", "closed model with 100 users" A_RATE,
		"open model at 100/s" ANOTHER},
	{"connections.count=1", "closed model with 1 user" A_RATE, "open model at 100/s" ANOTHER},
	{"load.workers=1|connections.count=9|load.requests=99",
		"1 worker, closed model with 9 users" A_RATE,
		"1 worker, 99 requests at 100/s" ANOTHER},
	{"connections.count=9|load.think=1s", "closed model with 9 users" A_RATE,
		"open model at 100/s" ANOTHER},
	{"connections.count=9|connections.pipeline=4", "closed model with 9 x 4 users" A_RATE,
		"open model at 100/s" ANOTHER},
	{"connections.count=auto", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=9|load.rate=max", "", NULL},
	{"connections.count=9|load.model=closed", "", NULL},
	{"connections.count=9|load.model=open", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=9|load.arrivals=poisson", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=9|load.slice=1/2", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=9|load.scale=x2", "open model at x2 of 100/s" ANOTHER, NULL},
	{"connections.count=9|connections.exhausted=drop", "open model at 100/s" ANOTHER, NULL},
	{"connections.count=9|connections.queue-max=5", "open model at 100/s" ANOTHER, NULL},
	/* an overlay's key is a run file's, as is its rate */
	{".connections.count=9", "open model at 100/s" ANOTHER, NULL},
	{".load.rate=5|connections.count=9", "", NULL},
	{".load.stage=hold 5 for 1s|connections.count=9", "", NULL},
	{".connections.count=9|connections.count=7", "closed model with 7 users" A_RATE,
		"open model at 100/s" ANOTHER},
};

START_TEST(test_loads)
{
	struct ini_doc doc = {0};
	const struct ini_entry *users;
	char text[200];

	read_doc(loads[_i].line, &doc);
	users = default_load_users(&doc);
	default_load_describe(&doc, users, text, sizeof(text));
	ck_assert_str_eq(text, loads[_i].url);
	ck_assert_int_eq(users != NULL, strstr(loads[_i].url, "closed") != NULL);
	default_load_describe(&doc, NULL, text, sizeof(text));
	ck_assert_str_eq(text, loads[_i].file ? loads[_i].file : loads[_i].url);
	ini_fini(&doc);
}
END_TEST

/* Whatever the values are, it is one line that fits. */
START_TEST(test_long_values)
{
	static const char *const keys[] = {
		"load.workers", "load.scale", "load.requests", "connections.count"};
	struct ini_doc doc = {0};
	char value[500];
	char text[200];

	memset(value, '9', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		ck_assert_int_eq(ini_set_path(&doc, value, keys[i], value), 0);
	default_load_describe(&doc, NULL, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "sets another"));
	default_load_describe(&doc, &doc.entries[3], text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "sets one"));
	ini_fini(&doc);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("default_load");
	Suite *suite = suite_create("default_load");

	tcase_add_loop_test(tcase, test_loads, 0, sizeof(loads) / sizeof(*loads));
	tcase_add_test(tcase, test_long_values);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
