/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a plan that are valid by themselves and impossible together.
 *
 * Exclusions: of two keys that exclude each other the one of the later file wins and the other is
 * treated as not written, so that an overlay or a flag can change any plan without having to unset
 * keys; flags together count as one file after all others. Within one file it is unknown which of
 * the two was meant, and that is reported as a problem at the later one. The order of the rows
 * matters: each drops the losing key before the next row is evaluated.
 *
 * Rules: a key that has no meaning with the model, the URL or the place to connect to is a problem
 * if it was written with them or later, and dropped if a later file changed them. A row without
 * such a key (PLAN_SINCE_NOTHING) is a problem in any case.
 *
 * A bad entry has been reported, and is skipped by both. Only the last entry of a key is examined,
 * unless the row has is_each. */
#include "common/plan/plan_rules.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_tls.h"
#include "common/str.h"

/* ---- exclusions ---- */

struct plan_exclusion {
	const char *section, *key;
	const char *other_section, *other_key;
	bool (*holds)(const struct plan_input *in); /* NULL: always */
	const char *why;			    /* after "A contradicts B: " */
	bool both_stay; /* within one file: the next rows are applied to both, too */
};

static bool plan_chooses(const struct plan_input *in, enum plan_model model)
{
	return in->plan->model_choice == 1 + (unsigned)model;
}

static bool plan_is_max(const struct plan_input *in)
{
	return in->plan->rate.den == 0;
}

static bool plan_users_have_a_rate(const struct plan_input *in)
{
	return plan_chooses(in, PLAN_CLOSED) && !plan_is_max(in);
}

static bool plan_arrivals_have_no_rate(const struct plan_input *in)
{
	return plan_chooses(in, PLAN_OPEN) && plan_is_max(in);
}

static bool plan_users_have_stages(const struct plan_input *in)
{
	return plan_chooses(in, PLAN_CLOSED);
}

/* If stages come from a later file, or an earlier one, plan_load.c decides what a duration
 * means. */
static bool plan_stage_has_the_length(const struct plan_input *in)
{
	const struct plan_stage *only = plan_only_measured(in->plan);

	return only && only->kind != PLAN_STEP &&
	       plan_entry(in, "load", "duration")->precedence ==
		       plan_entry(in, "load", "stage")->precedence;
}

static bool plan_versions_are_none(const struct plan_input *in)
{
	const struct plan *p = in->plan;

	return p->url.tls && p->tls_min_version == PLAN_TLS_1_3 &&
	       p->tls_max_version == PLAN_TLS_1_2;
}

static bool plan_ciphers_are_of_no_version(const struct plan_input *in)
{
	const struct plan *p = in->plan;

	return p->url.tls && p->tls_ciphers && p->tls_min_version == PLAN_TLS_1_3;
}

static bool plan_suites_are_of_no_version(const struct plan_input *in)
{
	const struct plan *p = in->plan;

	return p->url.tls && p->tls_ciphersuites && p->tls_max_version == PLAN_TLS_1_2;
}

static bool plan_has_no_reuse(const struct plan_input *in)
{
	return in->plan->reuse == PLAN_REUSE_NO;
}

static bool plan_counts_without_reuse(const struct plan_input *in)
{
	return plan_has_no_reuse(in) && in->plan->requests_per_connection > 1;
}

static bool plan_ages_without_reuse(const struct plan_input *in)
{
	return plan_has_no_reuse(in) && in->plan->max_age_ns > 0;
}

static bool plan_pipelines_without_reuse(const struct plan_input *in)
{
	return plan_has_no_reuse(in) && in->plan->pipeline > 1;
}

static bool plan_pipelines_more_than_count(const struct plan_input *in)
{
	const struct plan *p = in->plan;

	return p->requests_per_connection && p->pipeline > p->requests_per_connection &&
	       !plan_all_requests_close(p);
}

static const char plan_why_users[] =
	"in the closed model users wait for answers and there is no rate: leave one of them out";
static const char plan_why_reuse[] =
	"without reuse a connection has one request: leave one of them out";

static const struct plan_exclusion plan_exclusions[] = {
	{"load", "rate", "load", "stage", .why = "keep one of them"},
	{"load", "model", "load", "rate", plan_users_have_a_rate, .why = plan_why_users},
	{"load", "model", "load", "rate", plan_arrivals_have_no_rate,
		.why = "rate = max is the closed model: write a rate (-r), or model = closed "
		       "(--closed)"},
	{"load", "model", "load", "stage", plan_users_have_stages, .why = plan_why_users},
	{"load", "duration", "load", "requests", .why = "keep one of them"},
	{"load", "duration", "load", "stage", plan_stage_has_the_length,
		.why = "the stage says how long it is: keep one of them"},
	{"tls", "min-version", "tls", "max-version", plan_versions_are_none,
		.why = "the lowest version is above the highest: change one of them"},
	{"tls", "ciphers", "tls", "min-version", plan_ciphers_are_of_no_version,
		.why = "TLS 1.3 takes ciphersuites: write those, or lower min-version"},
	{"tls", "ciphersuites", "tls", "max-version", plan_suites_are_of_no_version,
		.why = "TLS 1.2 takes ciphers: write those, or raise max-version"},
	{"connections", "reuse", "connections", "requests-per-connection",
		plan_counts_without_reuse, .why = plan_why_reuse, .both_stay = true},
	{"connections", "reuse", "connections", "max-age", plan_ages_without_reuse,
		.why = plan_why_reuse, .both_stay = true},
	{"connections", "reuse", "connections", "pipeline", plan_pipelines_without_reuse,
		.why = plan_why_reuse, .both_stay = true},
	{"connections", "pipeline", "connections", "requests-per-connection",
		plan_pipelines_more_than_count,
		.why = "a connection is closed before so many are in flight: take a smaller "
		       "pipeline"},
};

/* "line 4" or "-r". */
static void plan_name_place(const struct ini_entry *e, char *text, size_t size)
{
	if (e->line)
		(void)snprintf(text, size, "line %u", e->line);
	else
		(void)snprintf(text, size, "%s", e->file);
}

void plan_contradict(const struct plan_input *in, const struct ini_entry *first,
	const struct ini_entry *last, const char *why)
{
	char place[64];

	plan_name_place(first, place, sizeof(place));
	problems_add(in->problems, last->file, last->line,
		"%s = %.60s contradicts %s = %.60s (%s): %s", last->key, last->value, first->key,
		first->value, place, why);
}

static void plan_exclude_one(const struct plan_input *in, const struct plan_exclusion *x)
{
	const struct ini_entry *first = plan_entry(in, x->section, x->key);
	const struct ini_entry *last = plan_entry(in, x->other_section, x->other_key);
	bool is_told = !in->is_load_doubtful || !str_eq(x->section, "load");
	bool is_same;

	if (!first || !last || plan_is_bad(in, first) || plan_is_bad(in, last))
		return;
	if (x->holds && !x->holds(in))
		return;
	if (first > last) {
		const struct ini_entry *swap = first;

		first = last;
		last = swap;
	}
	is_same = first->precedence == last->precedence;
	if (is_same && is_told)
		plan_contradict(in, first, last, x->why);
	if (!is_same || !x->both_stay)
		plan_drop(in, first);
}

void plan_exclude(const struct plan_input *in)
{
	for (size_t i = 0; i < sizeof(plan_exclusions) / sizeof(*plan_exclusions); i++)
		plan_exclude_one(in, &plan_exclusions[i]);
}

/* ---- rules ---- */

enum plan_since {
	PLAN_SINCE_NOTHING,
	PLAN_SINCE_MODEL, /* the key that decided the model */
	PLAN_SINCE_URL,
	PLAN_SINCE_PLACE, /* the key that says where to connect */
};

struct plan_rule {
	const char *section, *key; /* key NULL: each of the section */
	enum plan_since since;
	bool is_each; /* applies to each entry of the key */
	/* The message if the entry breaks the rule; false: it does not. */
	bool (*breaks)(const struct plan_input *in, const struct ini_entry *e, struct err *ret_why);
};

static bool plan_breaks_tls(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct url *url = &in->plan->url;

	/* A bad target has been reported. */
	if (!url->text || url->tls)
		return false;
	err_set(ret_why, "%s%s is for https, and the URL is %s", e->line ? "" : "[tls] ", e->key,
		url->unix_path ? "a Unix socket, over which there is no TLS: leave it out"
			       : "http: leave it out, or change the URL to https");
	return true;
}

static bool plan_breaks_tls_key(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	(void)e;
	if (!in->plan->url.tls || keys_last(in->doc, "tls", "", "certificate"))
		return false;
	err_set(ret_why,
		"key: the certificate that it belongs to is missing: add [tls] certificate "
		"(--cert)");
	return true;
}

static bool plan_breaks_arrivals(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	/* `arrivals = constant` is the default and has no effect. */
	if (in->plan->model == PLAN_OPEN || in->plan->arrivals == PLAN_CONSTANT)
		return false;
	err_set(ret_why,
		"%s has no meaning in the closed model, in which a user's next request comes when "
		"the answer does: leave it out",
		e->key);
	return true;
}

static bool plan_breaks_queue(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	if (in->plan->model == PLAN_OPEN)
		return false;
	err_set(ret_why,
		"%s has no meaning in the closed model, in which each user has a connection: leave "
		"it out",
		e->key);
	return true;
}

static bool plan_breaks_think(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	/* `think = 0` has no effect. */
	if (in->plan->model == PLAN_CLOSED || in->plan->think_ns == 0)
		return false;
	err_set(ret_why,
		"%s is for the closed model: add model = closed (--closed), or leave it out",
		e->key);
	return true;
}

static bool plan_breaks_slice(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;

	(void)e;
	if (p->model == PLAN_CLOSED)
		err_set(ret_why,
			"a closed model has no slices: run a part of its users, without slice");
	else if (p->slice_of > 1 && !keys_last(in->doc, "load", "", "at") && !p->unsynchronised)
		err_set(ret_why,
			"slice %u/%u needs an instant at which all slices begin: at (--at), or "
			"unsynchronised = yes (--unsynchronised) if they need not begin together",
			p->slice_index, p->slice_of);
	else
		return false;
	return true;
}

/* In a file it stays without effect until a flag makes the run a slice. */
static bool plan_breaks_unsynchronised(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;

	if (e->line || !p->unsynchronised || p->slice_of)
		return false;
	err_set(ret_why, "%s is for slices: add slice = I/N (--slice), or leave it out", e->key);
	return true;
}

static bool plan_breaks_tcp(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	if (!in->plan->url.text || !plan_connect_unix(in->plan))
		return false;
	err_set(ret_why, "%s is for TCP, and the target is a Unix socket: leave it out", e->key);
	return true;
}

/* The address families that the target certainly has, before a name is resolved. */
static void plan_target_families(const struct plan *p, bool *ret_v4, bool *ret_v6)
{
	const char *host = plan_connect_host(p);
	struct in6_addr address;

	*ret_v4 = host && inet_pton(AF_INET, host, &address) == 1;
	*ret_v6 = host && inet_pton(AF_INET6, host, &address) == 1;
}

static bool plan_breaks_addresses(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;
	bool is_v4, is_v6;

	plan_target_families(p, &is_v4, &is_v6);
	if (!p->url.text)
		return false;
	if (is_v4 ? p->addresses != PLAN_ADDRESSES_V6 : !is_v6 || p->addresses != PLAN_ADDRESSES_V4)
		return false;
	err_set(ret_why, "%s %s", e->key,
		is_v4 ? "= v6, and the target is an IPv4 address: leave it out"
		      : "= v4, and the target is an IPv6 address: leave it out");
	return true;
}

static bool plan_breaks_source(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;
	bool is_v4, is_v6;

	plan_target_families(p, &is_v4, &is_v6);
	is_v4 |= p->addresses == PLAN_ADDRESSES_V4;
	is_v6 |= p->addresses == PLAN_ADDRESSES_V6;
	if (!p->url.text || !p->n_sources || (!is_v4 && !is_v6))
		return false;
	for (size_t i = 0; i < p->n_sources; i++)
		if (p->sources[i].is_v6 == is_v6)
			return false;
	err_set(ret_why,
		"%s: the target is loaded over %s, and none of these is such an address: add one",
		e->key, is_v6 ? "IPv6" : "IPv4");
	return true;
}

/* A pipeline would continue after a request that has "Connection: close". */
static bool plan_breaks_close(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;
	bool closes = false;

	for (size_t i = 0; i < p->n_requests; i++)
		closes |= plan_request_closes(&p->requests[i]);
	if (!closes || p->pipeline <= 1 || p->reuse == PLAN_REUSE_NO)
		return false;
	err_set(ret_why,
		"pipeline = %.20s: nothing may be sent after a request with the header "
		"\"Connection: close\" (RFC 9112 section 9.6); leave one of the two out",
		e->value);
	return true;
}

static bool plan_breaks_users(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;

	if (p->pipeline <= 1 || plan_all_requests_close(p) || plan_users(p) <= PLAN_USERS_MAX)
		return false;
	err_set(ret_why,
		"pipeline = %.20s on %llu connections: more than %d requests in flight: take "
		"less of either",
		e->value, (unsigned long long)plan_connection_limit(p), PLAN_USERS_MAX);
	return true;
}

/* Requests sent after it may be lost with the connection, and then it is unknown which were
 * processed. */
static bool plan_breaks_methods(
	const struct plan_input *in, const struct ini_entry *e, struct err *ret_why)
{
	const struct plan *p = in->plan;

	if (p->pipeline <= 1 || plan_all_requests_close(p))
		return false;
	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *r = &p->requests[i];
		bool is_named = r->name && *r->name;

		if (!r->method || plan_is_idempotent(r->method))
			continue;
		err_set(ret_why,
			"pipeline = %.20s: %.60s%s%.64s%s is not idempotent, and only such methods "
			"may be pipelined (RFC 9112 section 9.3.2): leave pipeline out",
			e->value, r->method, is_named ? " of [request " : "",
			is_named ? r->name : "", is_named ? "]" : "");
		return true;
	}
	return false;
}

static const struct plan_rule plan_rules[] = {
	{"tls", NULL, PLAN_SINCE_URL, true, plan_breaks_tls},
	{"tls", "key", PLAN_SINCE_NOTHING, false, plan_breaks_tls_key},
	{"load", "arrivals", PLAN_SINCE_MODEL, false, plan_breaks_arrivals},
	{"connections", "exhausted", PLAN_SINCE_MODEL, false, plan_breaks_queue},
	{"connections", "queue-max", PLAN_SINCE_MODEL, false, plan_breaks_queue},
	{"load", "think", PLAN_SINCE_MODEL, false, plan_breaks_think},
	{"load", "slice", PLAN_SINCE_NOTHING, false, plan_breaks_slice},
	{"load", "unsynchronised", PLAN_SINCE_NOTHING, false, plan_breaks_unsynchronised},
	{"target", "addresses", PLAN_SINCE_PLACE, true, plan_breaks_tcp},
	{"target", "dns", PLAN_SINCE_PLACE, true, plan_breaks_tcp},
	{"connections", "source", PLAN_SINCE_PLACE, true, plan_breaks_tcp},
	{"target", "addresses", PLAN_SINCE_PLACE, true, plan_breaks_addresses},
	{"connections", "source", PLAN_SINCE_NOTHING, false, plan_breaks_source},
	{"connections", "pipeline", PLAN_SINCE_NOTHING, false, plan_breaks_close},
	{"connections", "pipeline", PLAN_SINCE_NOTHING, false, plan_breaks_users},
	{"connections", "pipeline", PLAN_SINCE_NOTHING, false, plan_breaks_methods},
};

static unsigned plan_precedence(const struct plan_input *in, const char *section, const char *key)
{
	const struct ini_entry *e = keys_last(in->doc, section, "", key);

	return e ? e->precedence : 0;
}

/* The precedence of the model: that of its own key, or of the key of the pace, which implies
 * one. */
static unsigned plan_model_precedence(const struct plan_input *in)
{
	const struct ini_entry *pace = plan_entry(in, "load", "stage");
	unsigned model = plan_precedence(in, "load", "model");

	if (!pace)
		pace = plan_entry(in, "load", "rate");
	return pace && pace->precedence > model ? pace->precedence : model;
}

static unsigned plan_since(const struct plan_input *in, enum plan_since since)
{
	switch (since) {
	case PLAN_SINCE_MODEL:
		return plan_model_precedence(in);
	case PLAN_SINCE_URL:
		return plan_precedence(in, "target", "url");
	case PLAN_SINCE_PLACE:
		return plan_precedence(in, "target", in->plan->connect_to ? "connect-to" : "url");
	case PLAN_SINCE_NOTHING:
		break;
	}
	return 0;
}

static bool plan_rule_is_of(
	const struct plan_input *in, const struct plan_rule *rule, const struct ini_entry *e)
{
	if (!str_eq(e->section, rule->section) || (rule->key && !str_eq(e->key, rule->key)))
		return false;
	if (!keys_find(&plan_keys, e->section, e->key) || plan_is_lost(in, e))
		return false;
	return rule->is_each ||
	       (e == plan_entry(in, rule->section, rule->key) && !plan_is_bad(in, e));
}

/* Drops all entries that the rule applies to. */
static void plan_drop_all(const struct plan_input *in, const struct plan_rule *rule)
{
	for (size_t i = 0; i < in->doc->n_entries; i++)
		if (plan_rule_is_of(in, rule, &in->doc->entries[i]))
			plan_drop(in, &in->doc->entries[i]);
}

static void plan_apply_rule(const struct plan_input *in, const struct plan_rule *rule)
{
	unsigned since = plan_since(in, rule->since);
	bool is_broken = false;

	if (rule->since == PLAN_SINCE_MODEL && in->is_load_doubtful)
		return;
	for (size_t i = 0; i < in->doc->n_entries; i++) {
		const struct ini_entry *e = &in->doc->entries[i];
		struct err why = {0};

		if (!plan_rule_is_of(in, rule, e) || !rule->breaks(in, e, &why))
			continue;
		is_broken = true;
		if (e->precedence >= since)
			problems_add_kind(
				in->problems, (const char *)rule, e->file, e->line, "%s", why.text);
	}
	if (is_broken && rule->since != PLAN_SINCE_NOTHING)
		plan_drop_all(in, rule);
}

void plan_apply_rules(const struct plan_input *in)
{
	for (size_t i = 0; i < sizeof(plan_rules) / sizeof(*plan_rules); i++)
		plan_apply_rule(in, &plan_rules[i]);
}
