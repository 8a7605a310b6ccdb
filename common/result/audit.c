/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finished run is worth: rules over its figures, asked in this order.
 *
 * 1. The notes: each figure of ours against its limit (audit_notes.c). They make the verdict on the
 *    generator, and nothing but the verdict.
 * 2. Was the plan carried, and what was the limit? (audit_limit.c)
 * 3. Headline, and the sentence that gives the figures, with what to try (audit_headline.c).
 * 4. The exit code.
 *
 * A false alarm costs more than a late one: a hosted machine is late by milliseconds all day long,
 * so `saturated` needs a delay that is both large and a large part of the answer, and being late is
 * never by itself a reason for an exit code. The server's slowness is a finding, not a failure.
 *
 * A sum of runs is judged as the one run that they were: by its own figures, however its runs were
 * judged. Advice is for each of them.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include "common/result/audit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/result/audit_internal.h"
#include "common/result/result_fill.h"
#include "common/str.h"

const char *const audit_limit_names[] = {
	[AUDIT_BY_PLAN] = "plan",
	[AUDIT_BY_SERVER] = "server",
	[AUDIT_BY_USERS] = "users",
	[AUDIT_BY_CONNECTIONS] = "connections",
	[AUDIT_BY_POLICY] = "policy",
	[AUDIT_BY_GENERATOR] = "generator",
	[AUDIT_BY_UNKNOWN] = "unknown",
};

const char *const audit_headline_names[] = {
	[AUDIT_HEADLINE_OK] = "ok",
	[AUDIT_HEADLINE_PASS] = "pass",
	[AUDIT_HEADLINE_FAIL] = "fail",
	[AUDIT_HEADLINE_UNDECIDED] = "undecided",
	[AUDIT_HEADLINE_OVERLOAD] = "overload",
	[AUDIT_HEADLINE_FAILED] = "failed",
	[AUDIT_HEADLINE_VOID] = "void",
};

const char *const audit_outcome_names[AUDIT_OUTCOMES] = {
	[AUDIT_COMPLETED] = "completed",
	[AUDIT_STOPPED] = "stopped",
	[AUDIT_ABORTED] = "aborted",
	[AUDIT_FAILED] = "failed",
	[AUDIT_INTERRUPTED] = "interrupted",
};

/* More than what is on its way at the borders of most windows. */
#define AUDIT_RATE_APART 0.05
#define AUDIT_RATE_FEW 10.0

/* ---------------------------------------------------------------- the judgement */

/* Unless the headline has said it. */
static void audit_mention_reset(const struct audit_view *v, struct audit *a)
{
	int64_t n = v->r->connections.reset_beside;

	if (*audit_tell_reset(v).s && !strstr(a->because, audit_tell_reset(v).s))
		audit_add_note(v, a, &note_table[NOTE_RESET], (double)n, 0,
			audit_try_against_resets(v).s, "%s: has it a limit of connections?",
			audit_tell_reset(v).s);
}

/* The same of redirects. */
static void audit_mention_redirects(const struct audit_view *v, struct audit *a)
{
	if (audit_has_redirects(v) && strcmp(a->because, audit_tell_redirects(v).s) != 0)
		audit_note_redirects(v, a);
}

/* The count of good answers and their rate in one row are not of the same answers. */
static void audit_mention_rate(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	double more = v->ok_per_s * (double)v->window_ns / NSEC_PER_SEC - f->ok;
	double least = fmax(AUDIT_RATE_APART * f->ok, AUDIT_RATE_FEW);
	struct figure n = figure_count((int64_t)llround(fabs(more)));

	if (!v->has_begun || f->is_cut || f->is_failed || fabs(more) <= least)
		return;
	if (more < 0 && !strstr(a->because, "came after the window"))
		audit_add_note(v, a, &note_table[NOTE_OK_RATE], -more, least, "",
			"the rate of ok lacks %s answers of its count: they came after the window",
			n.text);
	else if (more > 0 && v->r->outside.warmup.sent > 0)
		audit_add_note(v, a, &note_table[NOTE_OK_RATE], more, least, "",
			"the rate of ok has %s answers more than its count: those of the warm-up "
			"that came in the window",
			n.text);
}

static int audit_exit_code(const struct audit_view *v, const struct audit *a)
{
	if (a->headline == AUDIT_HEADLINE_FAILED)
		return EXIT_RUN_FAILED;
	if (v->outcome == AUDIT_STOPPED)
		return EXIT_STOPPED;
	if (v->outcome == AUDIT_ABORTED || v->outcome == AUDIT_INTERRUPTED)
		return EXIT_RUN_ABORTED;
	return a->headline == AUDIT_HEADLINE_VOID ? EXIT_UNDECIDED : 0;
}

void audit_judge(const struct result *r, struct audit *ret)
{
	struct audit_view view;
	const struct audit_view *v = &view;
	struct audit_facts f;

	audit_view_of(r, &view);
	f = audit_gather(v);
	memset(ret, 0, sizeof(*ret));
	audit_take_notes(v, ret);
	ret->limited_by = audit_find_limit(v, &f, ret);
	audit_find_headline(v, &f, ret);
	if (!f.is_failed)
		audit_mention_reset(v, ret);
	audit_mention_redirects(v, ret);
	audit_mention_rate(v, &f, ret);
	ret->exit_code = audit_exit_code(v, ret);
}

/* ---------------------------------------------------------------- into the result */

/* A run that drifted makes percentiles that are to be read with care, if there is nothing worse. */
static const char *audit_unsteady(const struct result *r)
{
	const struct result_note *notes = r->generator.notes.rows;

	for (size_t i = 0; i < r->generator.notes.n; i++)
		if (str_eq(result_words(notes[i].code), note_table[NOTE_UNSTEADY].code) ||
			str_eq(result_words(notes[i].code), note_table[NOTE_WARMUP_SHORT].code))
			return result_words(notes[i].text);
	return "";
}

int audit_fill(const struct audit *a, struct result *r)
{
	struct result_headline *h = &r->headline;
	const char *because = *a->because ? a->because : audit_unsteady(r);
	int done = result_set_text(&h->result, audit_headline_names[a->headline]) |
		   result_set_text(&h->limited_by, audit_limit_names[a->limited_by]) |
		   result_set_text(&h->because, because) | result_set_text(&h->try, a->try_text) |
		   result_set_text(&r->generator.verdict, audit_verdict_names[a->verdict]);

	r->run.exit_code = a->exit_code;
	h->our_delay_share_of_p99 =
		a->our_delay_share_of_p99 < 0 ? RESULT_REAL_NULL : a->our_delay_share_of_p99;
	r->generator.notes.is = RESULT_IS_THERE;
	for (size_t i = 0; i < a->n_notes && done == 0; i++) {
		const struct audit_note *n = &a->notes[i];

		done = result_add_note(&r->generator.notes, n->code, n->value, n->limit, n->unit,
			n->text, n->try_text);
	}
	return done ? -ENOMEM : 0;
}
