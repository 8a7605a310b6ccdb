/* SPDX-License-Identifier: Apache-2.0 */
/* Forms in which a result document can be put: a table of them, one file for each. Pure. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct buf;
struct style;

struct format {
	const char *name;
	const char *ending; /* of file names: ".json" */
	/* Appends the whole text. 0 or -ENOMEM. */
	int (*render)(const json_t *doc, const struct style *style, struct buf *ret);
};

extern const struct format format_text;
extern const struct format format_json;
extern const struct format format_csv;
extern const struct format format_stages_csv;
extern const struct format format_md;
extern const struct format format_hlog;

/* By the ending of a file's name; NULL when there is no such form. */
const struct format *format_for(const char *path);
/* ".json, .txt or .csv"; always the same text. */
const char *format_endings(void);
