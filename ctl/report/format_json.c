/* SPDX-License-Identifier: Apache-2.0 */
/* The result as it is: the document itself, indented, for programs and for later reports. */
#include "common/buf.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "ctl/print.h"

/* The number of digits that read back to practically the same figure, without
 * 0.10000000000000001. */
#define FORMAT_JSON_DIGITS 15

static int format_json_render(const json_t *doc, const struct style *style, struct buf *ret)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(FORMAT_JSON_DIGITS);

	return print_render_json(
		doc, style->utf8 || !style->terminal ? flags : flags | JSON_ENSURE_ASCII, ret);
}

const struct format format_json = {"json", ".json", format_json_render};
