/* SPDX-License-Identifier: Apache-2.0 */
/* The generator of a merged result: its figures add up by the table, its verdict is the worst one,
 * and its notes are those of all parts. */
#include <stdio.h>

#include "common/json_text.h"
#include "common/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* ---------------------------------------------------------------- generator */

/* Those that are found anew from the parts. */
static bool result_merge_is_anew(const char *code)
{
	return str_eq(code, "merge-uneven") || str_eq(code, "merge-seeds") ||
	       str_eq(code, "merge-apart") || str_eq(code, "merge-overlap");
}

/* Ours first, then the notes of each part with its label in front. */
static json_t *result_merge_notes(const struct result_merge *m)
{
	json_t *all = json_copy(m->notes);

	for (size_t i = 0; i < m->n; i++) {
		const json_t *notes = result_at(m->docs.at[i], "generator.notes");

		for (size_t k = 0; k < json_array_size(notes); k++) {
			const json_t *from = json_array_get(notes, k);
			struct result_merge_label label = result_merge_label(m->docs.at[i]);
			json_t *note;

			if (!json_is_object(from) ||
				result_merge_is_anew(result_text(from, "code")))
				continue;
			note = json_deep_copy(from);
			if (*label.text) {
				char text[512];

				(void)snprintf(text, sizeof(text), "%s: %s", label.text,
					result_text(from, "text"));
				note = result_merge_with(note, "text", json_text(text));
			}
			if (json_array_append_new(all, note) < 0) {
				json_decref(all);
				return NULL;
			}
		}
	}
	return all;
}

static const char *result_merge_verdict(const struct result_merge *m)
{
	static const char *const words[] = {"ok", "suspect", "saturated"};
	size_t worst = 0;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = worst + 1; k < sizeof(words) / sizeof(*words); k++)
			if (str_eq(result_text(m->docs.at[i], "generator.verdict"), words[k]))
				worst = k;
	return words[worst];
}

json_t *result_merge_generator(struct result_merge *m)
{
	struct result_generator *sum = &m->sum.generator;
	json_t *generator;

	if (result_set_text(&sum->verdict, result_merge_verdict(m)) < 0)
		return NULL;
	/* The notes have their place behind the verdict. */
	sum->is = sum->notes.is = RESULT_IS_THERE;
	generator = result_table_write(&result_generator_table, sum);
	return result_merge_with(generator, "notes", result_merge_notes(m));
}
