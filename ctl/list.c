/* SPDX-License-Identifier: Apache-2.0 */
/* The named runs as a table: one line each, name, target and summary; a run that cannot be started
 * has its first problem on a line of its own, whole, since that is what its owner needs. */
#include "ctl/list.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/json_path.h"
#include "ctl/style.h"

#define LIST_WIDTH 80u
#define LIST_NAME_MIN 12u
#define LIST_NAME_MAX 24u
#define LIST_TARGET_MIN 12u
#define LIST_TARGET_MAX 32u

/* The widest of that field, within limits. */
static unsigned list_width(const json_t *plans, const char *field, unsigned least, unsigned most)
{
	size_t width = least;

	for (size_t i = 0; i < json_array_size(plans); i++) {
		size_t columns = style_columns(json_path_text(json_array_get(plans, i), field));

		width = columns > width ? columns : width;
	}
	return (unsigned)(width < most ? width : most);
}

/* Text in so many columns, cut with an ellipsis. A name is never cut: it is to be typed. */
static int list_put(struct buf *ret, const char *text, unsigned width, bool is_last)
{
	size_t columns = style_columns(text);
	int r;

	if (columns > width)
		return buf_printf(
			ret, "%.*s…%s", (int)style_cut(text, width - 1), text, is_last ? "" : "  ");
	r = buf_puts(ret, text);
	return r || is_last ? r : buf_printf(ret, "%*s", (int)(width - columns + 2), "");
}

static int list_row(const json_t *plan, unsigned name_width, unsigned target_width, struct buf *ret)
{
	const char *name = json_path_text(plan, "name");
	const char *problem = json_path_text(plan, "problem");
	size_t columns = style_columns(name);
	unsigned used = name_width + 2 + target_width + 2;
	int r = buf_printf(ret, "%s", name);

	if (*problem)
		return r ? r : buf_printf(ret, "\n  " STYLE_BAD "%s" STYLE_PLAIN "\n", problem);
	/* Such a long one has a line to itself. */
	if (!r && columns > name_width) {
		r = buf_puts(ret, "\n");
		columns = 0;
	}
	if (!r)
		r = buf_printf(ret, "%*s", (int)(name_width - columns + 2), "");
	if (!r)
		r = list_put(ret, json_path_text(plan, "target"), target_width, false);
	if (!r)
		r = list_put(ret, json_path_text(plan, "summary"), LIST_WIDTH - used, true);
	return r ? r : buf_puts(ret, "\n");
}

int list_render(const json_t *listed, struct buf *ret)
{
	const json_t *plans = json_object_get(listed, "plans");
	const char *directory = json_path_text(listed, "directory");
	unsigned name_width = list_width(plans, "name", LIST_NAME_MIN, LIST_NAME_MAX);
	unsigned target_width = list_width(plans, "target", LIST_TARGET_MIN, LIST_TARGET_MAX);
	int r;

	if (!json_array_size(plans))
		return buf_printf(ret, "no named runs in %s; a file NAME.ini there makes one\n",
			*directory ? directory : "the service's runs.d");
	r = buf_printf(ret, "%-*s  %-*s  %s\n", (int)name_width, "name", (int)target_width,
		"target", "load");
	for (size_t i = 0; i < json_array_size(plans) && r == 0; i++)
		r = list_row(json_array_get(plans, i), name_width, target_width, ret);
	return r;
}
