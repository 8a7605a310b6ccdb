/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit says of single faults and of answers that point elsewhere. A location and an
 * example are the server's words: a location is cut and made ASCII here, an example comes clean and
 * is cut.
 *
 * Pure; any thread.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/figure.h"
#include "common/result/audit_internal.h"
#include "common/result/result_fill.h"
#include "common/result/audit_text.h"
#include "common/str.h"
#include "common/url.h"

/* More of them make the figures those of another load than was planned. */
#define AUDIT_REPEATED_MANY 0.01
#define AUDIT_REDIRECTS_MOST 0.5
#define AUDIT_REDIRECTS_SOME 0.01
#define AUDIT_LOCATION_MAX 80

uint64_t audit_count_ours(const struct audit_view *v)
{
	uint64_t n = fault_table[v->failed_by].phase == FAULT_PHASE_GENERATOR;

	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		if (fault_table[f].phase == FAULT_PHASE_GENERATOR)
			n += audit_fault_count(v, (enum fault)f);
	return n;
}

enum fault audit_main_fault(const struct audit_view *v, enum fault_phase phase)
{
	enum fault most = fault_table[v->failed_by].phase == phase ? v->failed_by : FAULT_NONE;

	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		if (fault_table[f].phase == phase && audit_fault_count(v, (enum fault)f) > 0 &&
			(most == FAULT_NONE ||
				audit_fault_count(v, (enum fault)f) > audit_fault_count(v, most)))
			most = (enum fault)f;
	return most;
}

bool audit_accepts_no_more(const struct audit_view *v)
{
	enum fault fault = audit_main_fault(v, FAULT_PHASE_CONNECT);

	return v->sent > 0 && (fault == FAULT_CONNECT_TIMEOUT || fault == FAULT_CONNECT_BACKLOG);
}

struct audit_sentence audit_tell_fault(const struct audit_view *v, enum fault fault)
{
	const char *example = v->faults[fault] ? result_words(v->faults[fault]->example) : "";
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), *example ? "%s (%.160s)" : "%s", fault_table[fault].name,
		example);
	return t;
}

bool audit_fault_says(const struct audit_view *v, enum fault fault, const char *words)
{
	const char *example = v->faults[fault] ? result_words(v->faults[fault]->example) : "";
	const char *reason = v->failed_by == fault ? result_words(v->r->run.reason) : "";

	return strstr(example, words) || strstr(reason, words);
}

/* ---------------------------------------------------------------- bad statuses */

/* So much may a count of the window's answers differ from one of its requests. */
#define AUDIT_STATUSES_OFF 0.2
#define AUDIT_STATUSES_NAMED 2

struct audit_sentence audit_tell_statuses(const struct audit_view *v)
{
	const struct result_number *rows = v->r->statuses.rows, *most, *before = NULL;
	double all = 0, errors = (double)v->ledger.classes[LEDGER_HTTP_ERROR];
	struct audit_sentence t = {"status"}, none = {""};

	for (size_t i = 0; i < v->r->statuses.n; i++)
		if (result_status_of(&rows[i]) >= 400)
			all += (double)rows[i].n;
	if (all <= 0 || fabs(all - errors) > AUDIT_STATUSES_OFF * errors)
		return none;
	for (unsigned named = 0; named < AUDIT_STATUSES_NAMED; named++, before = most) {
		size_t len = strlen(t.s);

		most = NULL;
		for (size_t i = 0; i < v->r->statuses.n; i++)
			if (result_status_of(&rows[i]) >= 400 && &rows[i] != before &&
				(!most || rows[i].n > most->n))
				most = &rows[i];
		if (!most)
			break;
		snprintf(t.s + len, sizeof(t.s) - len, "%s %.3s: %.26s", named > 0 ? "," : "",
			most->name, figure_count(most->n).text);
	}
	return t;
}

bool audit_may_shed(const struct audit_view *v)
{
	const struct result_number *rows = v->r->statuses.rows;

	for (size_t i = 0; i < v->r->statuses.n; i++)
		if (result_status_of(&rows[i]) == 429 || result_status_of(&rows[i]) == 503)
			return true;
	return false;
}

/* ---------------------------------------------------------------- kept connections */

struct audit_sentence audit_tell_repeated(const struct audit_view *v)
{
	double share = v->sent > 0 ? (double)v->r->outside.retries / v->sent : 0;
	struct audit_sentence t = {""};

	if (share > AUDIT_REPEATED_MANY)
		snprintf(t.s, sizeof(t.s),
			"%.26s of %.26s requests were sent twice: the server had closed a kept "
			"connection",
			figure_share(share).text, figure_count((int64_t)v->sent).text);
	return t;
}

/* Fewer connections tell nothing; and those that are still open, which may have had any number of
 * answers, must be few. */
#define AUDIT_CLOSED_LEAST 10
#define AUDIT_OPEN_MOST 0.2
/* So few that one whole number is left, where it must be one. */
#define AUDIT_OPEN_MOST_BUSY 0.9

/* Users who do not think leave no connection idle: a server that closes it does so for its count.
 */
static bool audit_is_never_idle(const struct audit_view *v)
{
	return !v->is_open && v->plan.think_ns <= 0;
}

/* After how many answers the server closes each connection; 0: not after equally many. A server
 * that closes by time makes numbers that differ, whose mean is a whole number by chance alone. */
static int64_t audit_answers_each(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;
	double n = v->sent - (double)audit_fault_count(v, FAULT_STALE);
	double opened = (double)c->opened;
	double still_open = fmin(
		fmax(opened - fmax((double)c->closed_by_peer, 0) - fmax((double)c->closed_by_us, 0),
			0),
		fmax((double)c->peak, 0));
	double each = opened > 0 ? ceil(n / opened) : 0;
	double most = audit_is_never_idle(v) ? AUDIT_OPEN_MOST_BUSY : AUDIT_OPEN_MOST;

	if (opened < AUDIT_CLOSED_LEAST || 2 * (double)c->closed_by_peer < opened || each < 1 ||
		each * still_open > most * opened || each * opened - n > each * still_open)
		return 0;
	return (int64_t)each;
}

struct audit_sentence audit_try_kept(const struct audit_view *v)
{
	int64_t each = audit_answers_each(v);
	struct audit_sentence t = {"a longer keep-alive timeout of the server, or --set "
				   "connections.max-age=TIME below it"};

	if (each == 1)
		snprintf(t.s, sizeof(t.s),
			"a longer keep-alive timeout of the server, or --no-keepalive: it closed "
			"each connection after one answer");
	else if (each > 1)
		snprintf(t.s, sizeof(t.s),
			"--set connections.requests-per-connection=%" PRId64
			": the server closes a connection after so many answers; or Connection: "
			"close in its last one",
			each);
	else if (audit_is_never_idle(v) && v->r->connections.opened > 0)
		snprintf(t.s, sizeof(t.s),
			"--set connections.requests-per-connection=N, below the answers after "
			"which "
			"the server closes a connection (%.0f on average)",
			ceil(v->sent / (double)v->r->connections.opened));
	return t;
}

/* ---------------------------------------------------------------- too many connections */

struct audit_sentence audit_tell_reset(const struct audit_view *v)
{
	int64_t n = v->r->connections.reset_beside;
	struct audit_sentence t = {""};

	if (n > 0 && v->ledger.classes[LEDGER_OK] > 0)
		snprintf(t.s, sizeof(t.s),
			"the server reset %.26s connection%s before an answer, while others worked",
			figure_count(n).text, n == 1 ? "" : "s");
	return t;
}

/* Fewer of them carry less of a plan. */
struct audit_sentence audit_try_against_resets(const struct audit_view *v)
{
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s),
		"fewer connections (-c)%s, or a higher limit of connections in the server; its log "
		"may say why it resets them",
		v->is_open ? " or a lower rate (-r)" : "");
	return t;
}

/* The requests of a class failed as they do by a reset, most of them. */
static bool audit_fails_by_resets(const struct audit_view *v, enum ledger_class class)
{
	double all = 0, resets = 0;

	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		double n = (double)audit_fault_count(v, (enum fault)f);

		if (fault_table[f].class != class)
			continue;
		all += n;
		if (f == FAULT_RESET || f == FAULT_CONNECT_ERROR || f == FAULT_TLS_CLOSED)
			resets += n;
	}
	return 2 * resets >= all;
}

bool audit_is_reset(const struct audit_view *v, enum ledger_class most)
{
	return (most == LEDGER_CONNECTION_ERROR || most == LEDGER_NOT_CONNECTED) &&
	       *audit_tell_reset(v).s &&
	       2 * (double)v->r->connections.reset_beside >= (double)v->ledger.classes[most] &&
	       audit_fails_by_resets(v, most);
}

/* ---------------------------------------------------------------- opening connections */

bool audit_is_reopened(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;

	return audit_exceeds(c->opened, 2, c->peak) && 2 * (double)c->opened > v->sent;
}

/* Below that it is the wait for one connection to open. */
#define AUDIT_HELD_NS NSEC_PER_MSEC
#define AUDIT_HELD_SHARE 0.1

/* A standstill, of the server or of the generator, makes many want connections at once that are of
 * no use before or after it: that is no matter of the pace. */
#define AUDIT_HELD_PILE 3.0

static bool audit_needs_them(const struct audit_view *v)
{
	double needed = v->asked * fmax((double)v->service->p50_ns, 0) / NSEC_PER_SEC;

	return (double)v->r->connections.peak <= AUDIT_HELD_PILE * needed || audit_is_reopened(v);
}

/* Users for whom connections are opened again and again, as fast as they may be; and who, if they
 * waited for answers alone, would send far more than they did. */
#define AUDIT_HELD_FULL 0.9
#define AUDIT_HELD_USERS 1.5

static bool audit_holds_users(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;
	double around_ns =
		fmax((double)v->r->window.warmup_ns, 0) + fmax((double)v->r->window.cooldown_ns, 0);
	double time_s = ((double)v->window_ns + around_ns) / NSEC_PER_SEC;

	return audit_exceeds(c->opened, 2, c->peak) && c->open_rate_per_s > 0 &&
	       (double)c->opened >= AUDIT_HELD_FULL * c->open_rate_per_s * time_s &&
	       v->capacity > AUDIT_HELD_USERS * v->asked;
}

bool audit_is_held_by_pace(const struct audit_view *v)
{
	double held = (double)v->r->connections.held_by_pace;
	int64_t wait_ns = v->connection_wait->p99_ns, whole_ns = v->whole->p99_ns;

	if (!v->is_open)
		return held > AUDIT_HELD_MANY * (double)v->ledger.planned && audit_holds_users(v);
	return audit_needs_them(v) && held > AUDIT_HELD_MANY * (double)v->ledger.planned &&
	       wait_ns > AUDIT_HELD_NS &&
	       (whole_ns < 0 || (double)wait_ns > AUDIT_HELD_SHARE * (double)whole_ns);
}

struct audit_sentence audit_tell_pace(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s),
		"%.26s of %.26s requests waited for connections to be opened, "
		"%.26s at most",
		figure_count(c->held_by_pace).text, figure_count(v->ledger.planned).text,
		figure_per_s(c->open_rate_per_s).text);
	return t;
}

struct audit_sentence audit_try_keeping(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;
	int64_t by_us = c->closed_by_us, by_peer = c->closed_by_peer;
	int64_t per = v->plan.requests_per_connection;
	struct figure opened = figure_count(c->opened);
	struct audit_sentence t = {"keep-alive: most requests opened a connection of their own"};

	/* A connection with more requests is opened for half of them at most. */
	if (per > 0 && (per <= 2 || (!v->is_open && audit_exceeds(by_us, 0.5, c->opened))))
		snprintf(t.s, sizeof(t.s),
			"a larger requests-per-connection: after %" PRId64
			" the run closes each connection",
			per);
	else if (v->plan.has_no_reuse)
		snprintf(t.s, sizeof(t.s),
			"leave out --no-keepalive (reuse = no, or a header Connection: close): the "
			"run opens a connection for each request");
	else if (audit_exceeds(by_peer, 0.5, c->opened))
		snprintf(t.s, sizeof(t.s),
			"keep-alive at the server: it closed %.26s of %.26s connections",
			figure_count(by_peer).text, opened.text);
	else if (audit_exceeds(by_us, 0.5, c->opened) && audit_exceeds(c->surplus, 0.5, by_us))
		snprintf(t.s, sizeof(t.s),
			"see the note on surplus bytes: rpsd closed %.26s of %.26s connections for "
			"them",
			figure_count(by_us).text, opened.text);
	else if (audit_exceeds(by_us, 0.5, c->opened) && v->plan.ages_connections)
		snprintf(t.s, sizeof(t.s), "%s: rpsd closed %.26s of %.26s connections by it",
			by_peer > 0 ? "a longer keep-alive timeout of the server, and then a "
				      "larger max-age"
				    : "a larger max-age, below the server's keep-alive timeout",
			figure_count(by_us).text, opened.text);
	return t;
}

/* As fast as requests come it never holds one back: those of users, as fast as they could if they
 * waited for answers alone. Before the run, connections can only be opened if the server keeps
 * them. */
struct audit_sentence audit_try_pace(const struct audit_view *v)
{
	bool is_again = !v->is_open || audit_is_reopened(v);
	double each = v->sent > 0 ? fmin((double)v->r->connections.opened / v->sent, 1) : 1;
	double rate = v->is_open ? v->asked : v->capacity * each;
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), "--set connections.open-rate=%" PRIu64 "%s%.150s",
		audit_text_round_number(ceil(rate / v->n_hosts)), is_again ? "; or " : ", or ",
		is_again ? audit_try_keeping(v).s : "a warm-up (-w) that opens them before");
	return t;
}

/* ---------------------------------------------------------------- redirects */

bool audit_is_mostly_redirects(const struct audit_view *v)
{
	return (double)v->redirects > AUDIT_REDIRECTS_MOST * (double)v->answers;
}

bool audit_has_redirects(const struct audit_view *v)
{
	return v->redirects > 0 &&
	       (double)v->redirects >= AUDIT_REDIRECTS_SOME * (double)v->answers;
}

/* "" where there is none. */
static struct audit_text audit_location(const struct audit_view *v)
{
	const char *location = result_words(v->r->redirects.location);
	struct audit_text t = {""};
	size_t len;

	len = strnlen(location, AUDIT_LOCATION_MAX);
	for (size_t i = 0; i < len; i++)
		t.s[i] = location[i] > ' ' && location[i] < 0x7f ? location[i] : '?';
	snprintf(t.s + len, sizeof(t.s) - len, "%s", location[len] ? "..." : "");
	return t;
}

struct audit_sentence audit_tell_redirects(const struct audit_view *v)
{
	struct audit_text location = audit_location(v);
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s),
		"%.26s of %.26s answers were redirects (%u%s%.90s), never followed",
		figure_count(v->redirects).text, figure_count(v->answers).text, v->redirect_status,
		*location.s ? " to " : "", location.s);
	return t;
}

/* The location as a URL that can be loaded, not relative to the target (RFC 9110 section 10.2.2).
 * As it is where the target is unknown, or there is no memory. */
static struct audit_sentence audit_resolve(const struct audit_view *v, const char *location)
{
	const char *scheme_end = strpbrk(location, ":/?#");
	struct audit_sentence t;
	struct url base = {0};
	char *path = NULL;

	snprintf(t.s, sizeof(t.s), "%s", location);
	if (!*location || (scheme_end && *scheme_end == ':') || !*v->plan.url)
		return t;
	if (str_starts(location, "//")) {
		snprintf(t.s, sizeof(t.s), "%s%s", v->plan.is_tls ? "https:" : "http:", location);
		return t;
	}
	if (url_parse(v->plan.url, &base, NULL) == 0)
		path = url_join(&base, location);
	if (path)
		snprintf(t.s, sizeof(t.s), "%.*s%s", (int)(strlen(base.text) - strlen(base.path)),
			base.text, path);
	free(path);
	url_fini(&base);
	return t;
}

struct audit_sentence audit_try_redirects(const struct audit_view *v)
{
	struct audit_sentence location = audit_resolve(v, audit_location(v).s);
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), "load the address they point to%s%.200s",
		*location.s ? ": " : "", location.s);
	return t;
}
