/* SPDX-License-Identifier: Apache-2.0 */
/* The data of the completion script; tests/system/test_completion.sh runs its function. */
#include "ctl/commands/completion.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "ctl/commands/cmd.h"
#include "tests/support/suite.h"

static struct buf text;

static void setup(void)
{
	ck_assert_int_eq(completion_bash(&text), 0);
}

static void teardown(void)
{
	buf_fini(&text);
}

/* The line that begins so, in a buffer of its own. */
static const char *line_of(const char *start)
{
	static char line[8192];
	const char *at = strstr(text.data, start);

	ck_assert_msg(at != NULL, "%s", start);
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

/* There may be two of a name, for different commands. */
static bool command_has_flag(const struct command *c, const char *name)
{
	for (size_t i = 0; i < options_flags_n; i++) {
		const struct options_flag *f = &options_flags[i];

		if (f->name && str_eq(f->name, name) && (f->groups & (c->groups | OPTIONS_ANY)))
			return true;
	}
	return false;
}

START_TEST(test_commands_and_flags)
{
	const struct command *c = &commands[_i];
	char start[64];
	const char *line;

	ck_assert_ptr_nonnull(strstr(line_of("_rpsctl_commands='"), c->name));
	(void)snprintf(start, sizeof(start), "\t%s) _rpsctl_some '", c->name);
	line = line_of(start);
	for (size_t i = 0; i < options_flags_n; i++) {
		const struct options_flag *f = &options_flags[i];
		char word[40] = "";

		if (!f->name)
			continue;
		(void)snprintf(word, sizeof(word), " --%s ", f->name);
		/* The first one has the quote before it. */
		ck_assert_msg((strstr(line, word) || strstr(line, word + 1)) ==
				      command_has_flag(c, f->name),
			"%s %s", c->name, f->name);
	}
	/* The words after it: known to the table of the script. */
	(void)snprintf(start, sizeof(start), "\t%s) kind='%s", c->name,
		c->words == COMMAND_NOTHING ? "nothing' ;;" : "");
	ck_assert_ptr_nonnull(strstr(text.data, start));
}
END_TEST

START_TEST(test_terms_and_keys)
{
	const char *line = line_of("_rpsctl_terms='");

	ck_assert_ptr_nonnull(strstr(line, "'open-model closed-model "));
	ck_assert_ptr_nonnull(strstr(line, " not-connected "));
	ck_assert_ptr_null(strstr(line, "--"));
	line = line_of("_rpsctl_keys='");
	ck_assert_ptr_nonnull(strstr(line, " load.rate= "));
	ck_assert_ptr_null(strstr(line, "policy."));
	for (size_t i = 0; i < plan_keys.n; i++) {
		const struct key *k = &plan_keys.rows[i];
		char key[96];

		(void)snprintf(key, sizeof(key), "%s.%s=", k->section, k->name);
		/* Keys of a named section need the name, which nobody knows. */
		ck_assert_msg((strstr(line, key) != NULL) == !k->named, "%s", key);
	}
}
END_TEST

/* Quotes come in pairs: nothing of the tables can end a string. */
START_TEST(test_quotes)
{
	for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
		size_t n = 0;

		for (const char *at = line; *at && line[strspn(line, "\t")] != '#'; at++)
			n += *at == '\'';
		ck_assert_msg(n % 2 == 0, "%s", line);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("completion");
	Suite *suite = suite_create("completion");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_commands_and_flags, 0, (int)commands_n);
	tcase_add_test(tcase, test_terms_and_keys);
	tcase_add_test(tcase, test_quotes);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
