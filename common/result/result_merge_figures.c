/* SPDX-License-Identifier: Apache-2.0 */
/* What a sum of runs is worth. Its figures are judged by the audit as those of one run are, so that
 * the sum of a run's slices is judged as the run. Figures of machines add up as the worst of them,
 * and so decide the verdict of the generator with the others.
 *
 * So are its rules, of which each that any run had is judged anew.
 *
 * Two things that a sum of figures cannot know are said by notes: what was wrong with one machine
 * or in one run, which are the notes of that run with its name in front; and that a run was late
 * whose delay is hidden among those of the others, so that its verdict is worse than that of the
 * sum. Some of the sum's figures carry its delay, so that the sum is at least suspect where a run
 * was saturated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/result/result_fill.h"
#include "common/result/result_rules.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* ---------------------------------------------------------------- notes */

/* With the label of the part in front. 0 or -ENOMEM. */
static int result_merge_add_note(
	const struct result_note *from, const char *label, struct result_list *to)
{
	const char *text = result_words(from->text), *code = result_words(from->code);
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s%s", label, *label ? ": " : "", text);
	return result_add_note(to, code, from->value, from->limit, from->unit, *label ? full : text,
		result_words(from->try));
}

/* Those of each part that are not found anew in the sum. 0 or -ENOMEM. */
static int result_merge_add_notes(const struct result_merge *m, struct result_list *to)
{
	int r = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct result_list *its = &m->results[i].generator.notes;
		const struct result_note *notes = its->rows;
		struct result_merge_label label = result_merge_label(&m->results[i]);

		for (size_t k = 0; k < its->n && r == 0; k++) {
			struct note note;

			if (notes[k].is != RESULT_IS_THERE ||
				(note_find(result_words(notes[k].code), &note) && !note.is_of_run))
				continue;
			r = result_merge_add_note(&notes[k], label.text, to);
		}
	}
	return r;
}

/* Moves the last n rows to the place after the first ones: the rows of the sum come before those of
 * its runs. 0 or -ENOMEM. */
static int result_merge_move_up(struct result_list *notes, size_t first, size_t n)
{
	struct result_note *rows = notes->rows;
	size_t others = notes->n - first - n;
	struct result_note *copy = memory_calloc(n + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (n > 0) {
		memcpy(copy, rows + first + others, n * sizeof(*rows));
		memmove(rows + first + n, rows + first, others * sizeof(*rows));
		memcpy(rows + first, copy, n * sizeof(*rows));
	}
	free(copy);
	return 0;
}

/* ---------------------------------------------------------------- verdict */

static enum audit_verdict result_merge_verdict_of(const struct result_part *run)
{
	unsigned v = AUDIT_VERDICTS;

	while (--v > AUDIT_OK && !str_eq(audit_verdict_names[v], result_words(run->verdict)))
		;
	return (enum audit_verdict)v;
}

static void result_merge_judge_verdicts(struct result_merge *m, struct audit *audit)
{
	const struct result_part *worst = result_merge_run_at(m, 0);
	enum audit_verdict its;

	for (size_t i = 1; i < m->sum.parts.n; i++)
		if (result_merge_verdict_of(result_merge_run_at(m, i)) >
			result_merge_verdict_of(worst))
			worst = result_merge_run_at(m, i);
	its = result_merge_verdict_of(worst);
	if (its <= audit->verdict)
		return;
	if (its == AUDIT_SATURATED && audit->verdict == AUDIT_OK)
		audit->verdict = AUDIT_SUSPECT;
	result_merge_note(m, NOTE_MERGE_VERDICT, result_merge_uneven_remedy(m),
		"the generator of %s was %s, which the figures of %zu runs together hide",
		result_merge_run_label(worst).text, audit_verdict_names[its], m->sum.parts.n);
}

int result_merge_judge(struct result_merge *m)
{
	struct result *all = &m->sum;
	struct result_list *notes = &all->generator.notes;
	int64_t exit_code = all->run.exit_code;
	struct audit audit;
	size_t n_ours;
	int r = 0;

	all->generator.is = RESULT_IS_THERE;
	audit_judge(all, &audit);
	result_merge_judge_verdicts(m, &audit);
	n_ours = m->notes.n;
	*notes = m->notes;
	m->notes = (struct result_list){0};
	r = result_merge_add_notes(m, notes);
	if (r == 0)
		r = audit_fill(&audit, all);
	if (r == 0)
		r = result_merge_move_up(notes, n_ours, audit.n_notes);
	if (r == 0)
		r = result_rules_judge(all, NULL);
	/* A run that could not begin has its own: refused, a mistake in its configuration. */
	if (str_eq(result_words(all->run.outcome), audit_outcome_names[AUDIT_FAILED]) &&
		exit_code > 0)
		all->run.exit_code = exit_code;
	return r;
}
