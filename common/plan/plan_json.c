/* SPDX-License-Identifier: Apache-2.0 */
/* Each function makes one member. If memory runs out inside one, json_pack returns NULL and the
 * whole document is NULL (the other cases are in common/memory.h). */
#include "common/plan/plan_json.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/stats/confidence.h"
#include "common/json_text.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_requests.h"
#include "common/plan/plan_stages.h"

static json_t *plan_json_count(uint64_t n, bool is_known)
{
	return is_known ? json_integer((json_int_t)n) : json_null();
}

/* The arrivals as they are written in a run file. */
static json_t *plan_json_arrivals(const struct plan *p)
{
	if (p->arrivals == PLAN_JITTER)
		return json_sprintf("jitter:%g", p->jitter);
	return json_string(p->arrivals == PLAN_POISSON ? "poisson" : "constant");
}

static json_t *plan_json_stages(const struct plan *p)
{
	json_t *stages = json_array();

	for (size_t i = 0; i < p->n_stages; i++)
		(void)json_array_append_new(stages, json_text(p->stage_texts[i]));
	return stages;
}

static json_t *plan_json_target(const struct plan *p)
{
	return json_pack("{s:o s:s s:b}", "url", json_text(p->url.text), "method",
		p->requests[0].method, "tls", p->url.tls);
}

/* What of each request is sent; its headers and its body are in the text. */
static json_t *plan_json_sent(const struct plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *q = &p->requests[i];

		(void)json_array_append_new(all,
			json_pack("{s:o s:s s:o s:I s:I}", "name", json_text(q->name), "method",
				q->method, "target", json_text(q->target), "body_bytes",
				(json_int_t)q->body_len, "headers", (json_int_t)q->n_headers));
	}
	return all;
}

static json_t *plan_json_value(const struct key *key, const void *field)
{
	switch (key->type) {
	case KEY_UINT:
		return json_integer((json_int_t) * (const uint64_t *)field);
	case KEY_TIME:
		return json_integer(*(const int64_t *)field);
	case KEY_CHOICE:
		return json_string(key->choices[*(const unsigned *)field]);
	default:
		return NULL;
	}
}

static json_t *plan_json_effective(const struct plan *p, struct plan_granted granted)
{
	json_t *all = json_pack("{s:o s:o s:b s:I s:I s:o*}", "workers",
		plan_json_count(granted.workers, granted.workers > 0), "connections",
		plan_json_count(granted.connections, granted.connections > 0), "connections_auto",
		p->connections == 0, "sources", (json_int_t)p->n_sources, "dns_ns",
		(json_int_t)p->dns_ns, "connect_to",
		p->connect_to ? json_text(p->connect_to) : NULL);

	for (size_t i = 0; i < plan_keys.n; i++) {
		const struct key *key = &plan_keys.rows[i];

		if (key->document)
			(void)json_object_set_new(all, key->document,
				plan_json_value(key, (const char *)p + key->offset));
	}
	return all;
}

static json_t *plan_json_slice(const struct plan *p)
{
	return p->slice_of == 0 ? NULL
				: json_pack("{s:i s:i}", "index", (int)p->slice_index, "of",
					  (int)p->slice_of);
}

json_t *plan_json(const struct plan *p, struct plan_granted granted)
{
	return json_pack("{s:s s:o s:s s:o s:I s:o s:o s:o s:o s:o*}", "sha256", p->sha256, "text",
		json_text(p->text ? p->text : ""), "model",
		p->model == PLAN_CLOSED ? "closed" : "open", "arrivals", plan_json_arrivals(p),
		"seed", (json_int_t)p->seed, "stages", plan_json_stages(p), "target",
		plan_json_target(p), "requests", plan_json_sent(p), "effective",
		plan_json_effective(p, granted), "slice", plan_json_slice(p));
}

/* ---------------------------------------------------------------- before the start */

static json_t *plan_json_window(const struct plan *p)
{
	bool is_known = p->duration_ns != CLOCK_NEVER;

	return json_pack("{s:o s:I s:I s:I}", "duration_ns",
		is_known ? json_integer((json_int_t)p->duration_ns) : json_null(), "warmup_ns",
		(json_int_t)plan_warmup_ns(p), "cooldown_ns", (json_int_t)p->cooldown_ns,
		"drain_ns", (json_int_t)p->drain_ns);
}

static json_t *plan_json_requests(const struct plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *q = &p->requests[i];

		(void)json_array_append_new(
			all, json_pack("{s:o s:I s:s s:o s:I}", "name", json_text(q->name),
				     "weight", (json_int_t)q->weight, "method", q->method, "target",
				     json_text(q->target), "body_bytes", (json_int_t)q->body_len));
	}
	return all;
}

/* The totals, as in plan_describe. */
static json_t *plan_json_sends(const struct plan *p)
{
	bool is_counted = p->model == PLAN_OPEN || p->n_arrivals;

	return json_pack("{s:o s:o s:f s:I s:I}", "requests",
		plan_json_count(plan_count(p), is_counted), "outside",
		plan_json_count(plan_outside_count(p), is_counted), "bytes_each",
		plan_request_bytes(p), "connections_at_most", (json_int_t)plan_connection_limit(p),
		"p99_takes", (json_int_t)confidence_least_n(0.99, p->confidence));
}

static json_t *plan_json_labels(const struct plan *p)
{
	json_t *all = json_object();

	for (size_t i = 0; i < p->n_labels; i++)
		(void)json_object_set_new(all, p->labels[i].name, json_text(p->labels[i].text));
	return all;
}

static json_t *plan_json_rules(const struct plan *p)
{
	json_t *all = json_array();
	char text[RULE_TEXT_MAX];

	for (size_t i = 0; i < p->n_thresholds; i++) {
		rule_format(&p->thresholds[i].rule, text, sizeof(text));
		(void)json_array_append_new(
			all, json_pack("{s:s s:o}", "kind",
				     p->thresholds[i].is_abort ? "abort-if" : "require", "rule",
				     json_text(text)));
	}
	return all;
}

json_t *plan_document(const struct plan *p)
{
	struct plan_granted as_written = {p->workers, p->connections};

	return json_pack("{s:s s:o s:o s:o s:o s:o s:o s:o}", "schema", PLAN_SCHEMA, "name",
		json_text(p->name), "labels", plan_json_labels(p), "plan", plan_json(p, as_written),
		"window", plan_json_window(p), "requests", plan_json_requests(p), "rules",
		plan_json_rules(p), "sends", plan_json_sends(p));
}
