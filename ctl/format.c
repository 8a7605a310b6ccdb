/* SPDX-License-Identifier: Apache-2.0 */
/* The table of forms. A new one is a file format_NAME.c and a line here. */
#include "ctl/format.h"

#include "common/str.h"

static const struct format *const format_all[] = {&format_text, &format_json};

const struct format *format_for(const char *path)
{
	for (size_t i = 0; i < sizeof(format_all) / sizeof(*format_all); i++) {
		if (str_ends(path, format_all[i]->ending))
			return format_all[i];
	}
	return NULL;
}

const char *format_endings(void)
{
	return ".json or .txt";
}
