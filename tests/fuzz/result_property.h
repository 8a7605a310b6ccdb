/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of a result document, from any source: every format renders it; texts for
 * people have no control characters and lines of at most their width; a log of histograms has short
 * headers before its intervals; a table has the same columns in each row. Two runs made of it (two
 * slices of one schedule, two repetitions) are merged or refused in words, and what they make is a
 * document of which the same is true. Read into the struct and written, it is one that is read as
 * the same.
 *
 * An input is the document. */
#pragma once

#include <jansson.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json_path.h"
#include "common/result/result_json.h"
#include "common/result/result_merge.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "tests/fuzz/property.h"

#define RESULT_PROPERTY_MAX (256u << 10)
#define RESULT_PROPERTY_HLOG_HEAD 127u

static inline char *result_property_render(
	const struct format *format, const json_t *doc, struct style style)
{
	struct buf text = {0};

	PROPERTY(format->render(doc, &style, &text) == 0);
	return text.data;
}

/* For people: UTF-8 of at most so many columns; 0: as long as they are. */
static inline void result_property_lines(const char *text, unsigned width)
{
	size_t columns = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '\n') {
			columns = 0;
			continue;
		}
		PROPERTY(*c >= ' ' && *c != 0x7f);
		PROPERTY(*c != 0xc2 || c[1] >= 0xa0);
		columns += (*c & 0xc0) != 0x80;
		PROPERTY(width == 0 || columns <= width);
	}
}

static inline void result_property_hlog(const char *text)
{
	bool is_interval = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		PROPERTY(text[len] == '\n');
		if (*text == '#' || *text == '"') {
			PROPERTY(!is_interval && len <= RESULT_PROPERTY_HLOG_HEAD);
		} else {
			is_interval = true;
			PROPERTY(strncmp(text, "Tag=", 4) == 0);
			/* Plain digits, without sign or exponent, up to the histogram. */
			for (const char *c = strchr(text, ','); c && *c != 'H'; c++)
				PROPERTY(strchr(",.0123456789", *c) != NULL && *c);
		}
		text += len + 1;
	}
}

static inline void result_property_csv(const char *text)
{
	size_t n_first = 0;

	for (bool is_first = true; *text; is_first = false) {
		size_t len = strcspn(text, "\n"), n = 0;

		for (size_t i = 0; i < len; i++)
			n += text[i] == ',';
		n_first = is_first ? n : n_first;
		PROPERTY(text[len] == '\n' && n == n_first);
		text += len + 1;
	}
}

static inline void result_property_formats(const json_t *doc)
{
	static const struct style looks[] = {
		{.width = 80, .utf8 = true},
		{.width = 60},
		{.width = 100, .utf8 = true, .verbose = true},
	};
	char *text;

	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		text = result_property_render(&format_text, doc, looks[i]);
		if (text)
			result_property_lines(text, looks[i].width < 80 ? looks[i].width : 80);
		free(text);
	}
	text = result_property_render(&format_md, doc, looks[0]);
	result_property_lines(text, 0);
	free(text);
	text = result_property_render(&format_hlog, doc, looks[0]);
	result_property_hlog(text);
	free(text);
	text = result_property_render(&format_csv, doc, looks[0]);
	result_property_csv(text);
	free(text);
	text = result_property_render(&format_stages_csv, doc, looks[0]);
	result_property_lines(text, 0);
	free(text);
	text = result_property_render(&format_json, doc, looks[0]);
	PROPERTY(text != NULL);
	free(text);
}

/* What a document is read as is written so that it is read as the same. */
static inline json_t *result_property_again(const json_t *doc)
{
	struct result r;
	struct err err = {0};
	int done = result_read(doc, &r, &err);
	json_t *written = done == 0 ? result_write(&r) : NULL;

	PROPERTY(done == 0 || (done == RESULT_E_TOO_MANY && err.text[0] != '\0'));
	PROPERTY(done != 0 || written != NULL);
	result_fini(&r);
	return written;
}

static inline void result_property_struct(const json_t *doc)
{
	json_t *once = result_property_again(doc), *twice;

	if (!once)
		return;
	twice = result_property_again(once);
	PROPERTY(json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
}

/* A copy that is another run: slice number i of 2, or repetition number i. */
static inline json_t *result_property_run(const json_t *doc, int i, bool is_slice)
{
	json_t *copy = json_deep_copy(doc);
	json_t *run = json_object_get(copy, "run");
	json_t *plan = json_object_get(copy, "plan");
	const char *const ids[] = {"a-1", "b-1"};

	PROPERTY(copy != NULL);
	if (json_is_object(run)) {
		json_object_set_new(run, "id", json_string(ids[i]));
		json_object_set_new(run, "uuid", json_string(ids[i]));
	}
	if (is_slice && json_is_object(plan))
		json_object_set_new(plan, "slice", json_pack("{s:i s:i}", "index", i + 1, "of", 2));
	return copy;
}

static inline void result_property_merge(const json_t *doc, enum result_merge_mode mode)
{
	bool is_slice = mode == RESULT_MERGE_PARTS;
	json_t *docs[] = {
		result_property_run(doc, 0, is_slice), result_property_run(doc, 1, is_slice)};
	const struct result_merge_part parts[] = {{"a.json", docs[0]}, {"b.json", docs[1]}};
	json_t *sum = NULL;
	struct err err = {0};
	int r = result_merge(parts, 2, mode, &sum, &err);

	PROPERTY(r == 0 || r == RESULT_MERGE_E_REFUSED);
	if (r == 0) {
		result_property_formats(sum);
		json_decref(sum);
	} else {
		PROPERTY(sum == NULL && err.text[0] != '\0');
	}
	json_decref(docs[0]);
	json_decref(docs[1]);
}

static inline void result_property_holds(const uint8_t *input, size_t size)
{
	json_t *doc;

	if (size > RESULT_PROPERTY_MAX)
		return;
	doc = json_loadb((const char *)input, size, 0, NULL);
	if (!doc)
		return;
	result_property_formats(doc);
	result_property_struct(doc);
	result_property_merge(doc, RESULT_MERGE_PARTS);
	result_property_merge(doc, RESULT_MERGE_REPEATS);
	json_decref(doc);
}
