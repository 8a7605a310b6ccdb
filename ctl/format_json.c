/* SPDX-License-Identifier: Apache-2.0 */
/* The result as it is: the document itself, indented, for programs and for later reports. */
#include <errno.h>
#include <stdlib.h>

#include "common/buf.h"
#include "ctl/format.h"

/* Digits that read back to a figure nobody can tell from the first, without 0.10000000000000001. */
#define FORMAT_JSON_DIGITS 15

static int format_json_render(const json_t *doc, const struct look *look, struct buf *ret)
{
	char *text = json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(FORMAT_JSON_DIGITS));
	int r;

	(void)look;
	if (!text)
		return -ENOMEM;
	r = buf_printf(ret, "%s\n", text);
	free(text);
	return r;
}

const struct format format_json = {"json", ".json", format_json_render};
