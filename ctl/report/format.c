/* SPDX-License-Identifier: Apache-2.0 */
/* The table of forms. A new one is a file format_NAME.c and a line here. */
#include "ctl/report/format.h"

#include <stdio.h>
#include <string.h>

#include "common/str.h"

static const struct format *const format_all[] = {
	&format_json, &format_text, &format_stages_csv, &format_csv, &format_md, &format_hlog};

#define FORMAT_N (sizeof(format_all) / sizeof(*format_all))

const struct format *format_for(const char *path)
{
	for (size_t i = 0; i < FORMAT_N; i++) {
		if (str_ends(path, format_all[i]->ending))
			return format_all[i];
	}
	return NULL;
}

const char *format_endings(void)
{
	static char text[128];

	text[0] = '\0';
	for (size_t i = 0; i < FORMAT_N; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, "%s%s",
			i == 0		    ? ""
			: i + 1 == FORMAT_N ? " or "
					    : ", ",
			format_all[i]->ending);
	}
	return text;
}
