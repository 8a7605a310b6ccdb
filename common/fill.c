/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in values.
 *
 * A value is copied piece by piece; what a variable holds is copied as it is and not looked at
 * again, so no variable can name another. A default runs to the next '}'. There is no way to write
 * "${" itself: text that has it comes from a file (@FILE), which is never filled. Only values are
 * filled: sections and keys stay what a reader of the file sees.
 *
 * A variable may stand any number of times in a value, and values come from people who may not be
 * trusted with all of the memory: what one value and one call may become is bounded. */
#include "common/fill.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/ini.h"
#include "common/str.h"

#define FILL_NAME_MAX 128
#define FILL_QUOTE_MAX 40 /* bytes of a bad value that are shown */
#define FILL_VALUE_MAX (1u << 20)
#define FILL_ALL_MAX (8u << 20) /* of one fill_doc */

/* ASCII's letters, whatever the locale says. */
static size_t fill_name_len(const char *text)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return *text && strchr(first, *text) && len < FILL_NAME_MAX ? len : 0;
}

/* at: behind "${". Appends the variable and moves *at behind the '}'. 0, -EINVAL (told), -ENOMEM.
 */
static int fill_variable(const struct fill *fill, const struct ini_entry *e, const char **at,
	struct buf *out, struct problems *problems)
{
	char name[FILL_NAME_MAX];
	size_t len = fill_name_len(*at);
	const char *fallback = *at + len;
	bool has_fallback = str_starts(fallback, ":-");
	const char *end = has_fallback ? strchr(fallback, '}') : fallback;
	const char *value;

	if (len == 0 || !end || *end != '}') {
		problems_add(problems, e->file, e->line,
			"%s: \"${%.*s\" is neither ${NAME} nor ${NAME:-DEFAULT}; text that has it "
			"can come from a file: @FILE",
			e->key, FILL_QUOTE_MAX, *at);
		return -EINVAL;
	}
	memcpy(name, *at, len);
	name[len] = '\0';
	*at = end + 1;
	value = fill->lookup(fill->userdata, name);
	if (has_fallback && (!value || !*value))
		return buf_append(out, fallback + 2, (size_t)(end - fallback - 2));
	if (value)
		return buf_puts(out, value);
	problems_add(problems, e->file, e->line,
		"%s: ${%s} is not set; ${%s:-DEFAULT} gives it a default", e->key, name, name);
	return -EINVAL;
}

static int fill_too_long(const struct ini_entry *e, struct problems *problems)
{
	problems_add(problems, e->file, e->line,
		"%s: filled in, it has more than %u bytes; long text can come from a file: @FILE",
		e->key, FILL_VALUE_MAX);
	return -EINVAL;
}

/* 0, -EINVAL (told), -ENOMEM. */
static int fill_value(const struct fill *fill, const struct ini_entry *e, struct buf *out,
	struct problems *problems)
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
			r = fill_variable(fill, e, &at, out, problems);
		if (r == 0 && out->len > FILL_VALUE_MAX)
			r = fill_too_long(e, problems);
	}
	return r;
}

int fill_doc(struct ini_doc *doc, size_t first, const struct fill *fill, struct problems *problems)
{
	size_t total = 0;
	int r = 0;

	for (size_t i = first; i < doc->n_entries && r == 0; i++) {
		const struct ini_entry *e = &doc->entries[i];
		struct buf out = {0};

		if (!e->line || !strstr(e->value, "${"))
			continue;
		if (total > FILL_ALL_MAX) {
			problems_add(problems, e->file, e->line,
				"%s: not filled in: the values before have become more than %u "
				"bytes; long text can come from a file: @FILE",
				e->key, FILL_ALL_MAX);
			break;
		}
		r = fill_value(fill, e, &out, problems);
		total += out.len;
		if (r == 0)
			r = ini_replace(doc, i, out.data);
		else if (r == -EINVAL)
			r = 0;
		buf_fini(&out);
	}
	return r;
}
