/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that tell of its runs: which they were, and what was in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result_add.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* That many are kept of good answers, and that many of others. */
#define RESULT_MERGE_SLOWEST 10

/* ---------------------------------------------------------------- the parts */

/* A latency as the parts show it. */
static double result_merge_part_ms(int64_t ns)
{
	return result_is_known(ns) ? (double)ns / 1e6 : RESULT_REAL_NULL;
}

static int64_t result_merge_part_int(int64_t n)
{
	return result_is_known(n) ? n : RESULT_NULL;
}

static int64_t result_merge_p99(const struct result *r, const char *name)
{
	const struct result_latency *latency = result_find_latency(r, name);

	return latency ? latency->p99_ns : RESULT_NULL;
}

/* "" is null where it is absent. */
static const char *result_merge_part_text(const char *text)
{
	return text == result_null_text ? NULL : text;
}

static void result_merge_part_slice(const json_t *plan, struct result_slice *to)
{
	if (!json_is_object(json_path_at(plan, "slice")))
		return;
	to->is = RESULT_IS_THERE;
	(void)json_path_int(plan, "slice.index", &to->index);
	(void)json_path_int(plan, "slice.of", &to->of);
}

/* Fills in the entry of one run from its result. 0 or -ENOMEM. */
static int result_merge_part(const struct result *r, struct result_part *to)
{
	const struct result_latency *service = result_find_latency(r, "service");
	bool is_open = result_find_latency(r, "response") != NULL;
	const json_t *seed = json_path_at(r->plan, "seed");

	to->seed = json_is_integer(seed) ? json_integer_value(seed) : RESULT_NULL;
	to->started_unix_ns = result_merge_part_int(r->run.started_unix_ns);
	to->duration_ns = result_merge_part_int(r->window.end_ns);
	to->planned = result_merge_part_int(r->ledger.planned);
	to->ok = result_merge_part_int(r->ledger.ok);
	to->p50_ms = result_merge_part_ms(is_open   ? r->offered.p50_ns
					  : service ? service->p50_ns
						    : RESULT_NULL);
	to->p99_ms = result_merge_part_ms(is_open   ? r->offered.p99_ns
					  : service ? service->p99_ns
						    : RESULT_NULL);
	to->our_delay_p99_ms = result_merge_part_ms(result_merge_p99(r, "our_delay"));
	to->connection_wait_p99_ms = result_merge_part_ms(result_merge_p99(r, "connection_wait"));
	to->exit_code = result_merge_part_int(r->run.exit_code);
	result_merge_part_slice(r->plan, &to->slice);
	return result_set_text(&to->id, result_merge_part_text(r->run.id)) |
	       result_set_text(&to->uuid, result_merge_part_text(r->run.uuid)) |
	       result_set_text(&to->host, result_merge_part_text(r->generator.host.name)) |
	       result_set_text(&to->verdict, result_merge_part_text(r->generator.verdict)) |
	       result_set_text(&to->result, result_merge_part_text(r->headline.result));
}

/* Each with the number of its repetition. */
static void result_merge_number(const struct result_merge *m, const struct result *r,
	int64_t before, struct result_part *to)
{
	int64_t repeat = 1;

	if (r->repeats.is != RESULT_IS_ABSENT && result_is_known(to->repeat))
		repeat = to->repeat;
	to->repeat = RESULT_ABSENT;
	if (m->is_repeats && repeat >= 1 && (size_t)repeat <= result_n_repeats(r))
		to->repeat = before + repeat;
}

int result_merge_runs(struct result_merge *m)
{
	struct result_list *all = &m->sum.parts;
	int64_t n_repeats = 0;

	all->is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct result *r = &m->results[i];
		const struct result_part *its = r->parts.rows;
		bool is_sum = r->parts.is == RESULT_IS_THERE;

		for (size_t k = 0; k < (is_sum ? r->parts.n : 1); k++) {
			struct result_part *to = result_list_add(&result_part_table, all, NULL);
			int done = !to	    ? -ENOMEM
				   : is_sum ? result_table_copy(&result_part_table, &its[k], to)
					    : result_merge_part(r, to);

			if (done < 0)
				return -ENOMEM;
			result_merge_number(m, r, n_repeats, to);
		}
		n_repeats += (int64_t)result_n_repeats(r);
	}
	return 0;
}

const struct result_part *result_merge_run_at(const struct result_merge *m, size_t i)
{
	return (const struct result_part *)m->sum.parts.rows + i;
}

/* ---------------------------------------------------------------- run */

/* "a-1 + b-3 + c-2", "a-1 + 4 more". 0 or -ENOMEM, as all of these. */
static int result_merge_id(struct result_merge *m)
{
	size_t n = m->sum.parts.n;
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < n && i < (n > 3 ? 1 : 3); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.64s", i ? " + " : "",
			result_words(result_merge_run_at(m, i)->id));
	if (n > 3)
		(void)snprintf(text + len, sizeof(text) - len, " + %zu more", n - 1);
	return result_set_text(&m->sum.run.id, text);
}

static int result_merge_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the parts' in their order as texts, so that the same parts make the same one. RFC 9562 leaves
 * version 8 to such. */
static int result_merge_uuid(struct result_merge *m)
{
	size_t n = m->sum.parts.n;
	const char **uuids = memory_calloc(n + 1, sizeof(*uuids));
	char hex[DIGEST_SHA256_HEX_SIZE];
	struct buf all = {0};
	char uuid[64];
	int r = 0;

	if (!uuids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		uuids[i] = result_words(result_merge_run_at(m, i)->uuid);
	qsort(uuids, n, sizeof(*uuids), result_merge_compare);
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_printf(&all, "%s\n", uuids[i]);
	if (r == 0) {
		digest_sha256_hex(all.data, all.len, hex);
		(void)snprintf(uuid, sizeof(uuid), "%.8s-%.4s-8%.3s-%c%.3s-%.12s", hex, hex + 8,
			hex + 13, "89ab"[hex[16] & 3], hex + 17, hex + 20);
		r = result_set_text(&m->sum.run.uuid, uuid);
	}
	buf_fini(&all);
	free(uuids);
	return r;
}

/* Labels that all parts carry with the same text. */
static int result_merge_labels(struct result_merge *m)
{
	struct result_list *to = &m->sum.run.labels;
	const struct result_list *first = &m->results[0].run.labels;
	const struct result_string *labels = first->rows;

	to->is = RESULT_IS_THERE;
	for (size_t i = 0; i < first->n; i++) {
		struct result_string *copy;
		bool is_same = labels[i].text && labels[i].text != result_null_text;

		for (size_t k = 1; k < m->n && is_same; k++) {
			const struct result_list *other = &m->results[k].run.labels;
			const struct result_string *its = other->rows;
			size_t at = 0;

			while (at < other->n && !str_eq(its[at].name, labels[i].name))
				at++;
			is_same =
				at < other->n && str_eq(result_words(its[at].text), labels[i].text);
		}
		if (!is_same)
			continue;
		copy = result_list_add(&result_string_table, to, labels[i].name);
		if (!copy || result_set_text(&copy->text, labels[i].text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int result_merge_user(struct result_merge *m)
{
	const char *user = m->results[0].run.user;

	for (size_t i = 1; i < m->n && user; i++) {
		const char *other = m->results[i].run.user;

		if (!other || other == result_null_text || !str_eq(user, other))
			user = NULL;
	}
	return result_set_text(&m->sum.run.user, user == result_null_text ? NULL : user);
}

static int result_merge_when(struct result_merge *m)
{
	struct result_run *to = &m->sum.run;
	const struct result_run *first = &m->results[0].run;
	const char *ended = "";

	to->started_unix_ns = RESULT_NULL;
	for (size_t i = 0; i < m->n; i++) {
		const struct result_run *run = &m->results[i].run;

		if (result_is_known(run->started_unix_ns) &&
			(to->started_unix_ns == RESULT_NULL ||
				run->started_unix_ns < to->started_unix_ns)) {
			to->started_unix_ns = run->started_unix_ns;
			first = run;
		}
		/* All are written alike, so the later text is the later instant. */
		if (strcmp(result_words(run->ended), ended) > 0)
			ended = result_words(run->ended);
	}
	return result_set_text(
		       &to->started, *result_words(first->started) ? first->started : NULL) |
	       result_set_text(&to->ended, *ended ? ended : NULL);
}

int result_merge_run(struct result_merge *m)
{
	const struct result *worst = result_merge_worst(m);
	const char *reason = result_words(worst->run.reason);
	struct result_run *to = &m->sum.run;
	int r = result_merge_id(m) | result_merge_uuid(m) | result_merge_labels(m) |
		result_merge_user(m) | result_merge_when(m);

	to->is = RESULT_IS_THERE;
	to->exit_code = worst->run.exit_code;
	r |= result_set_text(&to->name, result_words(m->results[0].run.name));
	r |= result_set_text(&to->state, "finished");
	r |= result_set_text(&to->outcome, result_words(worst->run.outcome));
	r |= result_set_text(
		&to->reason, *reason ? result_merge_of_part(worst, reason).text : NULL);
	if (worst->run.failed_by)
		r |= result_set_text(&to->failed_by, result_words(worst->run.failed_by));
	return r;
}

/* ---------------------------------------------------------------- over time */

/* That of the part which is worst off. */
int result_merge_steadiness(struct result_merge *m)
{
	static const char *const words[] = {
		"", "steady", "staged", "unknown", "warm-up too short", "unsteady"};
	struct result_steadiness *to = &m->sum.steadiness;
	const struct result *worst = NULL;
	size_t rank = 0;
	const char *because;
	int r;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = rank + 1; k < sizeof(words) / sizeof(*words); k++)
			if (str_eq(result_words(m->results[i].steadiness.word), words[k])) {
				rank = k;
				worst = &m->results[i];
			}
	to->is = RESULT_IS_THERE;
	if (!worst)
		return result_set_text(&to->word, "unknown");
	r = result_table_copy(&result_steadiness_table, &worst->steadiness, to);
	because = result_words(worst->steadiness.because);
	if (r < 0 || !worst->steadiness.because)
		return r;
	return result_set_text(
		&to->because, *because ? result_merge_of_part(worst, because).text : "");
}

static int result_merge_earlier(const void *a, const void *b)
{
	int64_t x = ((const struct result_event *)a)->at_ns;
	int64_t y = ((const struct result_event *)b)->at_ns;

	x = result_is_known(x) ? x : 0;
	y = result_is_known(y) ? y : 0;
	return x < y ? -1 : x > y;
}

static int64_t result_merge_slow_ns(const struct result_slow *slow)
{
	return result_is_known(slow->response_ns)  ? slow->response_ns
	       : result_is_known(slow->service_ns) ? slow->service_ns
						   : 0;
}

static int result_merge_slower(const void *a, const void *b)
{
	int64_t x = result_merge_slow_ns(a), y = result_merge_slow_ns(b);

	return x > y ? -1 : x < y;
}

/* Of good answers and of others as many as a run keeps of each: those of the sum are among those
 * of the parts. Each says in which part it was. */
int result_merge_slowest(struct result_merge *m)
{
	struct result_list *all = &m->sum.slowest;
	struct result_slow *rows;
	size_t n_ok = 0, n_failed = 0, n = 0;

	all->is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct result_slow *its = m->results[i].slowest.rows;
		struct result_merge_label label = result_merge_label(&m->results[i]);

		for (size_t k = 0; k < m->results[i].slowest.n; k++) {
			struct result_slow *to;

			if (its[k].is != RESULT_IS_THERE)
				continue;
			to = result_list_add(&result_slow_table, all, NULL);
			if (!to || result_table_copy(&result_slow_table, &its[k], to) < 0 ||
				(*label.text && result_set_text(&to->part, label.text) < 0))
				return -ENOMEM;
		}
	}
	rows = all->rows;
	if (all->n > 0)
		qsort(rows, all->n, sizeof(*rows), result_merge_slower);
	for (size_t i = 0; i < all->n; i++) {
		bool is_ok = str_eq(result_words(rows[i].class), "ok");

		if ((is_ok ? n_ok++ : n_failed++) < RESULT_MERGE_SLOWEST)
			rows[n++] = rows[i];
		else
			result_table_fini(&result_slow_table, &rows[i]);
	}
	all->n = n;
	return 0;
}

int result_merge_events(struct result_merge *m)
{
	struct result_list *all = &m->sum.events;

	all->is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct result_event *its = m->results[i].events.rows;

		for (size_t k = 0; k < m->results[i].events.n; k++) {
			struct result_event *to;

			if (its[k].is != RESULT_IS_THERE)
				continue;
			to = result_list_add(&result_event_table, all, NULL);
			if (!to || result_table_copy(&result_event_table, &its[k], to) < 0 ||
				result_set_text(&to->text, result_merge_of_part(&m->results[i],
								   result_words(its[k].text))
								   .text) < 0)
				return -ENOMEM;
		}
	}
	if (all->n > 0)
		qsort(all->rows, all->n, sizeof(struct result_event), result_merge_earlier);
	return 0;
}
