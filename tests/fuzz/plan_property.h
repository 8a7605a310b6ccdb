/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of a run file with its overlays and settings, whatever they say: a plan is
 * made, or there is a problem in words; a plan can be described, has a connection and a rate within
 * what the tables of keys take, and is the same plan, by its digest, when it is made again.
 *
 * An input is the run file; after each form feed comes an overlay, or with a vertical tab in front
 * "section.key=value" as a flag sets it. */
#pragma once

#include <errno.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/variables.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "tests/fuzz/property.h"

#define PLAN_PROPERTY_MAX 65536u

static inline const char *plan_property_lookup(void *userdata, const char *name)
{
	(void)userdata;
	return strcmp(name, "A") == 0 ? "a value\twith ${B} and #" : NULL;
}

/* No control characters: those of ASCII, and U+0080 to U+009F. Text that is not UTF-8 is made
 * harmless where it is printed. */
static inline void plan_property_clean(const char *text, bool has_lines)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '\n' && has_lines)
			continue;
		PROPERTY(*c >= ' ' && *c != 0x7f && (*c != 0xc2 || c[1] < 0x80 || c[1] >= 0xa0));
	}
}

/* "section.key=value"; one that is none is passed over. */
static inline void plan_property_set(struct ini_doc *doc, const uint8_t *data, size_t len)
{
	char *path = property_text(data, len);
	char *value = strchr(path, '=');
	int r;

	if (value) {
		*value++ = '\0';
		r = ini_set_path(doc, "--set", path, value);
		PROPERTY(r == 0 || r == -EINVAL);
	}
	free(path);
}

static inline void plan_property_read(
	struct ini_doc *doc, const uint8_t *input, size_t size, struct problems *problems)
{
	const struct variables fill = {.lookup = plan_property_lookup};

	for (size_t at = 0, n = 0; at <= size; n++) {
		const uint8_t *end = at < size ? memchr(input + at, '\f', size - at) : NULL;
		size_t len = end ? (size_t)(end - input) - at : size - at, before = doc->n_entries;
		char name[32];

		(void)snprintf(name, sizeof(name), "%zu.ini", n);
		if (n > 0 && len > 0 && input[at] == '\v')
			plan_property_set(doc, input + at + 1, len - 1);
		else
			PROPERTY(ini_read(doc, name, (const char *)input + at, len, problems) == 0);
		PROPERTY(doc->n_entries >= before);
		at += len + 1;
	}
	PROPERTY(variables_expand(doc, 0, &fill, problems) == 0);
}

static inline struct plan *plan_property_build(
	const uint8_t *input, size_t size, struct problems *problems)
{
	static const struct plan_file files[] = {
		{"body.json", "{\"a\": 1}", 8}, {"cred:token", "secret", 6}, {"unknown", NULL, 0}};
	struct ini_doc doc = {0};
	struct plan *p = NULL;
	const char **names;
	char *text;
	size_t n;
	int r;

	plan_property_read(&doc, input, size, problems);
	names = plan_file_names(&doc, &n);
	PROPERTY((names == NULL) == (n == 0));
	for (size_t i = 0; i < n; i++)
		PROPERTY(plan_file_entry(&doc, names[i]) != NULL);
	free(names);
	text = property_text(input, size);
	r = plan_build(NULL, &doc, text, files, sizeof(files) / sizeof(*files), &p, problems);
	PROPERTY(r == 0 || r == -EINVAL);
	PROPERTY((r == 0) == (p != NULL) && (r == 0) == (problems->n == 0));
	free(text);
	ini_fini(&doc);
	return p;
}

static inline void plan_property_sound(const struct plan *p)
{
	struct buf text = {0};

	PROPERTY(plan_describe(p, &text) == 0);
	plan_property_clean(text.data, true);
	buf_fini(&text);
	PROPERTY(plan_summary(p, &text) == 0);
	plan_property_clean(text.data, false);
	buf_fini(&text);
	PROPERTY(p->n_requests >= 1 && p->n_requests <= PLAN_REQUESTS_MAX);
	PROPERTY(plan_connection_limit(p) >= 1);
	PROPERTY(plan_own_peak_per_s(p) >= 0 && plan_own_peak_per_s(p) <= 1e7);
	PROPERTY(plan_warmup_ns(p) >= 0);
	(void)plan_count(p);
}

static inline void plan_property_holds(const uint8_t *input, size_t size)
{
	struct problems problems = {0}, again_problems = {0};
	struct plan *p, *again;

	if (size > PLAN_PROPERTY_MAX)
		return;
	p = plan_property_build(input, size, &problems);
	for (size_t i = 0; i < problems.n; i++)
		plan_property_clean(problems.texts[i], false);
	if (p) {
		plan_property_sound(p);
		again = plan_property_build(input, size, &again_problems);
		PROPERTY(again && strcmp(p->sha256, again->sha256) == 0);
		plan_free(again);
	}
	plan_free(p);
	problems_fini(&problems);
	problems_fini(&again_problems);
}
