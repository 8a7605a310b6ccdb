/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of configuration: a document with its problems, read from text. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/config/ini.h"

struct conf_doc {
	struct ini_doc ini;
	struct problems problems;
};

static inline void conf_read(struct conf_doc *d, const char *file, const char *text)
{
	ck_assert_int_eq(ini_read(&d->ini, file, text, strlen(text), &d->problems), 0);
}

/* As a flag: "section.key". */
static inline void conf_set(struct conf_doc *d, const char *origin, const char *section,
	const char *key, const char *value)
{
	ck_assert_int_eq(ini_set(&d->ini, origin, section, "", key, value), 0);
}

/* All problems, one on each line, for messages of the tests. */
static inline const char *conf_problems(const struct conf_doc *d)
{
	static char text[16384];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < d->problems.n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", d->problems.texts[i]);
	return text;
}

static inline void conf_expect_none(const struct conf_doc *d)
{
	ck_assert_msg(d->problems.n == 0, "problems: %s", conf_problems(d));
}

/* Exactly these, in this order; each of wanted (NULL-terminated) is a part of its problem. */
static inline void conf_expect(const struct conf_doc *d, const char *const *wanted)
{
	size_t i;

	for (i = 0; wanted[i]; i++) {
		ck_assert_msg(
			i < d->problems.n, "missing: %s, in:\n%s", wanted[i], conf_problems(d));
		ck_assert_msg(strstr(d->problems.texts[i], wanted[i]) != NULL,
			"wanted: %s\n got: %s", wanted[i], d->problems.texts[i]);
	}
	ck_assert_msg(i == d->problems.n, "%zu wanted, got:\n%s", i, conf_problems(d));
}

static inline void conf_fini(struct conf_doc *d)
{
	ini_fini(&d->ini);
	problems_fini(&d->problems);
}
