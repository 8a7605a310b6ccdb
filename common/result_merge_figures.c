/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that are single figures: for each a rule, one for parts of one
 * load and one for repetitions. Parts share a load, so what they did in a second adds up; each
 * repetition did it alone, so it is the mean. What is unknown in all parts stays unknown. */
#include <stdio.h>

#include "common/json_text.h"
#include "common/result.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

static const struct result_merge_field result_merge_rate_fields[] = {
	{"planned_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
	{"sent_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
	{"completed_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
	{"ok_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
	{"bytes_in_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
	{"bytes_out_per_s", RESULT_MERGE_SUM, RESULT_MERGE_MEAN},
};

/* Judgements take the worst host; a sick one is not diluted. */
static const struct result_merge_field result_merge_generator_fields[] = {
	{"version", RESULT_MERGE_SAME, RESULT_MERGE_SAME},
	{"host", RESULT_MERGE_SAME, RESULT_MERGE_SAME},
	{"workers", RESULT_MERGE_SUM, RESULT_MERGE_MOST},
	{"cpu_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"cpu_ns_per_request", RESULT_MERGE_MEAN_SENT, RESULT_MERGE_MEAN_SENT},
	{"little_residual", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"stalled_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"colocated", RESULT_MERGE_ANY, RESULT_MERGE_ANY},
	{"merged_intervals", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"steal_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"softirq_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"throttled_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"throttled_ns", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"run_queue_share", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"involuntary_switches", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"loop_p99_ns", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"loop_max_ns", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"rx_slack_p99_ns", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"tcp_segments", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"retransmits", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"tcp_timeouts", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
	{"clocksource", RESULT_MERGE_SAME, RESULT_MERGE_SAME},
	{"clock_ns", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
	{"unbalanced_intervals", RESULT_MERGE_SUM, RESULT_MERGE_SUM},
};
static const struct result_merge_field result_merge_descriptor_fields[] = {
	{"limit", RESULT_MERGE_LEAST, RESULT_MERGE_LEAST},
	{"used_at_most", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
};
static const struct result_merge_field result_merge_port_fields[] = {
	{"range", RESULT_MERGE_LEAST, RESULT_MERGE_LEAST},
	{"time_wait", RESULT_MERGE_MOST, RESULT_MERGE_MOST},
};

#define FIELDS(table) table, sizeof(table) / sizeof(*(table))

/* ---------------------------------------------------------------- the rules */

static json_t *result_merge_same(
	const struct result_merge *m, const struct result_merge_view *v, const char *name)
{
	const json_t *value = v->at[0] ? result_at(v->at[0], name) : NULL;

	for (size_t i = 1; i < m->n; i++)
		if (!json_equal(value, v->at[i] ? result_at(v->at[i], name) : NULL))
			return json_null();
	return value ? json_deep_copy(value) : json_null();
}

static json_t *result_merge_any(
	const struct result_merge *m, const struct result_merge_view *v, const char *name)
{
	bool any = false, is_known = false, one;

	for (size_t i = 0; i < m->n; i++) {
		if (!v->at[i] || !result_bool(v->at[i], name, &one))
			continue;
		is_known = true;
		any = any || one;
	}
	return is_known ? json_boolean(any) : json_null();
}

static json_t *result_merge_weighted(const struct result_merge *m,
	const struct result_merge_view *v, const char *name, bool by_sent)
{
	double weights[RESULT_MERGE_PARTS_MAX] = {0};

	for (size_t i = 0; i < m->n; i++) {
		if (!by_sent)
			weights[i] = (double)result_merge_n_repeats(m->docs.at[i]);
		else
			(void)result_real(m->docs.at[i], "ledger.sent", &weights[i]);
	}
	return json_real(result_merge_mean(v, name, weights));
}

static json_t *result_merge_extreme(const struct result_merge *m, const struct result_merge_view *v,
	const char *name, bool is_most)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const json_t *one = v->at[i] ? result_at(v->at[i], name) : NULL;
		double than = json_number_value(found);

		if (!json_is_number(one))
			continue;
		if (!found ||
			(is_most ? json_number_value(one) > than : json_number_value(one) < than))
			found = one;
	}
	return found ? json_deep_copy(found) : json_null();
}

static json_t *result_merge_total(
	const struct result_merge *m, const struct result_merge_view *v, const char *name)
{
	bool is_real = false;

	for (size_t i = 0; i < m->n; i++)
		is_real = is_real || (v->at[i] && json_is_real(result_at(v->at[i], name)));
	return is_real ? json_real(result_merge_sum_real(v, name))
		       : json_integer(result_merge_sum(v, name));
}

json_t *result_merge_value(const struct result_merge *m, const struct result_merge_view *v,
	const char *name, enum result_merge_rule rule)
{
	bool is_known = false;

	if (rule == RESULT_MERGE_SAME)
		return result_merge_same(m, v, name);
	if (rule == RESULT_MERGE_ANY)
		return result_merge_any(m, v, name);
	for (size_t i = 0; i < m->n; i++)
		is_known = is_known || (v->at[i] && json_is_number(result_at(v->at[i], name)));
	if (!is_known)
		return json_null();
	if (rule == RESULT_MERGE_SUM)
		return result_merge_total(m, v, name);
	if (rule == RESULT_MERGE_MOST || rule == RESULT_MERGE_LEAST)
		return result_merge_extreme(m, v, name, rule == RESULT_MERGE_MOST);
	return result_merge_weighted(m, v, name, rule == RESULT_MERGE_MEAN_SENT);
}

/* Those of the fields that a part has, added to the object. */
static json_t *result_merge_fields(const struct result_merge *m, const struct result_merge_view *v,
	const struct result_merge_field *fields, size_t n, json_t *to)
{
	for (size_t i = 0; i < n; i++) {
		bool is_there = false;

		for (size_t k = 0; k < m->n; k++)
			is_there = is_there || (v->at[k] && result_at(v->at[k], fields[i].name));
		if (is_there)
			to = result_merge_with(to, fields[i].name,
				result_merge_value(m, v, fields[i].name,
					m->is_repeats ? fields[i].of_repeats : fields[i].of_parts));
	}
	return to;
}

json_t *result_merge_rates(const struct result_merge *m, const struct result_merge_view *v)
{
	return result_merge_fields(m, v, FIELDS(result_merge_rate_fields), json_object());
}

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

json_t *result_merge_generator(const struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "generator");
	struct result_merge_view descriptors = result_merge_at(&v, "descriptors");
	struct result_merge_view ports = result_merge_at(&v, "ports");
	json_t *generator = json_pack(
		"{s:s s:o}", "verdict", result_merge_verdict(m), "notes", result_merge_notes(m));

	generator = result_merge_fields(m, &v, FIELDS(result_merge_generator_fields), generator);
	generator = result_merge_with(generator, "descriptors",
		result_merge_fields(
			m, &descriptors, FIELDS(result_merge_descriptor_fields), json_object()));
	return result_merge_with(generator, "ports",
		result_merge_fields(m, &ports, FIELDS(result_merge_port_fields), json_object()));
}
