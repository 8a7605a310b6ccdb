/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in values.
 *
 * A value is copied piece by piece; the value of a variable is copied as it is and not expanded
 * again, so a variable cannot refer to another one. A default runs to the next '}'. There is no way
 * to write "${" itself: text that contains it must come from a file (@FILE), whose content is never
 * expanded. Only values are expanded: sections and keys stay as they are written in the file.
 *
 * A variable may occur any number of times in a value, and values may come from untrusted users:
 * the size of one expanded value and of all values of one call is limited. */
#include "common/config/variables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/str.h"

#define VARIABLES_NAME_MAX 128
#define VARIABLES_QUOTE_MAX 40 /* bytes of a bad value that are shown */
#define VARIABLES_VALUE_MAX (1u << 20)
#define VARIABLES_ALL_MAX (8u << 20) /* limit for one call of variables_expand */

/* Letters are those of ASCII, whatever the locale is. */
static size_t variables_name_len(const char *text)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return *text && strchr(first, *text) && len < VARIABLES_NAME_MAX ? len : 0;
}

/* at: just after "${". Appends the variable and moves *at past the '}'. 0, -EINVAL (reported),
 * -ENOMEM. */
static int variables_expand_one(const struct variables *variables, const struct ini_entry *e,
	const char **at, struct buf *out, struct problems *problems)
{
	char name[VARIABLES_NAME_MAX];
	size_t len = variables_name_len(*at);
	const char *fallback = *at + len;
	bool has_fallback = str_starts(fallback, ":-");
	const char *end = has_fallback ? strchr(fallback, '}') : fallback;
	const char *value;

	if (len == 0 || !end || *end != '}') {
		problems_add(problems, e->file, e->line,
			"%s: \"${%.*s\" is neither ${NAME} nor ${NAME:-DEFAULT}; text that has it "
			"can come from a file: @FILE",
			e->key, VARIABLES_QUOTE_MAX, *at);
		return -EINVAL;
	}
	memcpy(name, *at, len);
	name[len] = '\0';
	*at = end + 1;
	value = variables->lookup(variables->userdata, name);
	if (has_fallback && (!value || !*value))
		return buf_append(out, fallback + 2, (size_t)(end - fallback - 2));
	if (value)
		return buf_puts(out, value);
	problems_add(problems, e->file, e->line,
		"%s: ${%s} is not set; ${%s:-DEFAULT} gives it a default", e->key, name, name);
	return -EINVAL;
}

static int variables_too_long(const struct ini_entry *e, struct problems *problems)
{
	problems_add(problems, e->file, e->line,
		"%s: filled in, it has more than %u bytes; long text can come from a file: @FILE",
		e->key, VARIABLES_VALUE_MAX);
	return -EINVAL;
}

/* 0, -EINVAL (reported), -ENOMEM. */
static int variables_expand_value(const struct variables *variables, const struct ini_entry *e,
	struct buf *out, struct problems *problems)
{
	const char *at = e->value;
	int r = buf_puts(out, "");

	while (r == 0 && *at) {
		const char *open = strstr(at, "${");

		if (!open)
			return buf_puts(out, at);
		r = buf_append(out, at, (size_t)(open - at));
		at = open + 2;
		if (r == 0)
			r = variables_expand_one(variables, e, &at, out, problems);
		if (r == 0 && out->len > VARIABLES_VALUE_MAX)
			r = variables_too_long(e, problems);
	}
	return r;
}

int variables_expand(struct ini_doc *doc, size_t first, const struct variables *variables,
	struct problems *problems)
{
	size_t total = 0;
	int r = 0;

	for (size_t i = first; i < doc->n_entries && r == 0; i++) {
		const struct ini_entry *e = &doc->entries[i];
		struct buf out = {0};

		if (!e->line || !strstr(e->value, "${"))
			continue;
		if (total > VARIABLES_ALL_MAX) {
			problems_add(problems, e->file, e->line,
				"%s: not filled in: the values before have become more than %u "
				"bytes; long text can come from a file: @FILE",
				e->key, VARIABLES_ALL_MAX);
			break;
		}
		r = variables_expand_value(variables, e, &out, problems);
		total += out.len;
		if (r == 0)
			r = ini_replace(doc, i, out.data);
		else if (r == -EINVAL)
			r = 0;
		buf_fini(&out);
	}
	return r;
}
