/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a plan: where they go, from where, and for how much.
 *
 * The URL says what is asked for, and where it is unless connect-to does. All other keys here are
 * held against that place: a Unix socket has no addresses to choose from, an IPv4 address is not
 * reached from an IPv6 one. As everywhere, a key that does not fit is a problem where it was
 * written with the place or behind it, and forgotten where a later file has moved the place away
 * from under it.
 *
 * What one connection may do (requests on it, its age, requests in flight) means nothing where each
 * has a single request: that is a pair of keys that contradict each other. Where every request says
 * "Connection: close", that is as good as reuse = no. Only what is certain to
 * fail or to measure something else is refused. */
#include "common/plan_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/ini.h"
#include "common/keys.h"
#include "common/plan.h"
#include "common/plan_conflicts.h"
#include "common/plan_input.h"
#include "common/plan_sources.h"
#include "common/str.h"

#define PLAN_DNS_MIN_NS NSEC_PER_SEC
#define PLAN_DNS_MAX_NS (24 * 3600 * NSEC_PER_SEC)
#define PLAN_DNS_EVERY "every"

struct plan_connections {
	const struct plan_input *in;
	struct plan *plan;	   /* in's */
	unsigned place_precedence; /* of the key that says where to connect */
};

/* ---------------------------------------------------------------- what others ask */

const char *plan_connect_unix(const struct plan *p)
{
	return p->connect.unix_path || p->connect.host ? p->connect.unix_path : p->url.unix_path;
}

const char *plan_connect_host(const struct plan *p)
{
	return p->connect.host ? p->connect.host : p->url.host;
}

uint16_t plan_connect_port(const struct plan *p)
{
	return p->connect.port ? p->connect.port : p->url.port;
}

uint64_t plan_users(const struct plan *p)
{
	return plan_connection_limit(p) * (p->pipeline ? p->pipeline : 1);
}

bool plan_is_fixed_pool(const struct plan *p)
{
	return p->model == PLAN_CLOSED || p->connections > 0;
}

bool plan_is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (str_eq(method, methods[i]))
			return true;
	return false;
}

/* ---------------------------------------------------------------- values */

/* Of curl: "shop.test:443:10.0.0.7:8443". */
static bool plan_is_curl_place(const char *value)
{
	struct in6_addr address;
	size_t colons = 0;

	for (const char *c = value; *c; c++)
		colons += *c == ':';
	return colons >= 3 && value[0] != '[' && !str_starts(value, "unix:") &&
	       inet_pton(AF_INET6, value, &address) != 1;
}

int plan_parse_connect_to(const char *value, void *field, struct err *reterr)
{
	struct plan *p = field;
	struct url_place place = {0};
	int r = url_parse_place(value, &place, reterr);
	char *text;

	if (r == -EINVAL && plan_is_curl_place(value))
		err_set(reterr,
			"'%.60s': write where to connect alone, as in 10.0.0.7:8443; it is in the "
			"place of the URL's host and port",
			value);
	if (r)
		return r;
	text = p ? strdup(value) : NULL;
	if (!text) {
		url_place_fini(&place);
		return p ? -ENOMEM : 0;
	}
	plan_clear_connect_to(p);
	p->connect = place;
	p->connect_to = text;
	return 0;
}

void plan_clear_connect_to(void *field)
{
	struct plan *p = field;

	url_place_fini(&p->connect);
	free(p->connect_to);
	p->connect_to = NULL;
}

int plan_parse_dns(const char *value, void *field, struct err *reterr)
{
	const char *time = value + strlen(PLAN_DNS_EVERY);
	int64_t ns;

	if (str_eq(value, "once")) {
		if (field)
			*(int64_t *)field = 0;
		return 0;
	}
	if (!str_starts(value, PLAN_DNS_EVERY) || !strspn(time, " \t") ||
		units_parse_time(time + strspn(time, " \t"), &ns)) {
		err_set(reterr,
			"'%.60s' is not known here: write once, or every TIME, as in every 30s",
			value);
		return -EINVAL;
	}
	if (ns < PLAN_DNS_MIN_NS || ns > PLAN_DNS_MAX_NS) {
		err_set(reterr, "'%.60s' is out of range: every 1s to every 24h, or once", value);
		return -EINVAL;
	}
	if (field)
		*(int64_t *)field = ns;
	return 0;
}

/* ---------------------------------------------------------------- where to */

static unsigned plan_precedence(const struct ini_entry *e)
{
	return e ? e->precedence : 0;
}

/* connect-to beside a URL that leaves it no room. */
static void plan_connections_settle_place(struct plan_connections *c)
{
	static const struct plan_pair both = {"target", "connect-to", "target", "url",
		"both say where to connect: keep one of them"};
	static const struct plan_pair tls = {
		"target", "connect-to", "target", "url", "there is no TLS over a Unix socket"};
	struct plan *p = c->plan;
	bool is_tls = p->url.tls && p->connect.unix_path;
	const struct ini_entry *lost = NULL;

	if (is_tls || p->url.unix_path)
		lost = plan_settle_pair(c->in, is_tls ? &tls : &both);
	if (lost && str_eq(lost->key, "connect-to")) {
		plan_clear_connect_to(p);
	} else if (lost && is_tls) {
		const struct ini_entry *e = keys_last(c->in->doc, "target", "", "connect-to");

		if (plan_precedence(lost) != plan_precedence(e))
			problems_add(c->in->problems, e->file, e->line,
				"%s = %.60s: there is no TLS over a Unix socket, and the URL is "
				"https",
				e->key, e->value);
	}
}

static void plan_connections_set_place(struct plan_connections *c)
{
	struct plan *p = c->plan;

	if (p->connect_to)
		plan_connections_settle_place(c);
	c->place_precedence = plan_precedence(
		keys_last(c->in->doc, "target", "", p->connect_to ? "connect-to" : "url"));
}

/* A key that the place leaves no meaning: a problem, or written before it and so forgotten. */
static void plan_connections_refuse(
	const struct plan_connections *c, const char *section, const char *key, const char *why)
{
	for (size_t i = 0; i < c->in->doc->n_entries; i++) {
		const struct ini_entry *e = &c->in->doc->entries[i];

		if (str_eq(e->section, section) && str_eq(e->key, key) &&
			e->precedence >= c->place_precedence)
			problems_add(
				c->in->problems, e->file, e->line, "%s %s: leave it out", key, why);
	}
}

static void plan_connections_settle_unix(struct plan_connections *c)
{
	static const char why[] = "is for TCP, and the target is a Unix socket";
	struct plan *p = c->plan;

	if (!plan_connect_unix(p))
		return;
	plan_connections_refuse(c, "target", "addresses", why);
	plan_connections_refuse(c, "target", "dns", why);
	plan_connections_refuse(c, "connections", "source", why);
	p->addresses = PLAN_ADDRESSES_ALL;
	p->dns_ns = 0;
	plan_clear_sources(p);
}

/* ---------------------------------------------------------------- from where */

static bool plan_connections_has_source(const struct plan *p, bool is_v6)
{
	for (size_t i = 0; i < p->n_sources; i++)
		if (p->sources[i].is_v6 == is_v6)
			return true;
	return false;
}

/* What is certain before a name is looked up. */
static void plan_connections_settle_family(struct plan_connections *c)
{
	const struct ini_entry *e = keys_last(c->in->doc, "connections", "", "source");
	struct plan *p = c->plan;
	struct in6_addr address;
	const char *host = plan_connect_host(p);
	bool is_v4 = inet_pton(AF_INET, host, &address) == 1;
	bool is_v6 = inet_pton(AF_INET6, host, &address) == 1;

	if (is_v4 ? p->addresses == PLAN_ADDRESSES_V6
		  : is_v6 && p->addresses == PLAN_ADDRESSES_V4) {
		plan_connections_refuse(c, "target", "addresses",
			is_v4 ? "= v6, and the target is an IPv4 address"
			      : "= v4, and the target is an IPv6 address");
		p->addresses = PLAN_ADDRESSES_ALL;
	}
	is_v4 |= p->addresses == PLAN_ADDRESSES_V4;
	is_v6 |= p->addresses == PLAN_ADDRESSES_V6;
	if (e && p->n_sources && (is_v4 || is_v6) && !plan_connections_has_source(p, is_v6))
		problems_add(c->in->problems, e->file, e->line,
			"source: the target is loaded over %s, and none of these is such an "
			"address",
			is_v6 ? "IPv6" : "IPv4");
}

/* ---------------------------------------------------------------- for how much */

enum plan_limit {
	PLAN_LIMIT_REQUESTS,
	PLAN_LIMIT_AGE,
	PLAN_LIMIT_PIPELINE,
	PLAN_LIMIT_COUNT,
};

static bool plan_has_limit(const struct plan *p, enum plan_limit limit)
{
	switch (limit) {
	case PLAN_LIMIT_REQUESTS:
		return p->requests_per_connection > 1;
	case PLAN_LIMIT_AGE:
		return p->max_age_ns > 0;
	default:
		return p->pipeline > 1;
	}
}

static void plan_forget_limit(struct plan *p, enum plan_limit limit)
{
	switch (limit) {
	case PLAN_LIMIT_REQUESTS:
		p->requests_per_connection = 0;
		break;
	case PLAN_LIMIT_AGE:
		p->max_age_ns = 0;
		break;
	default:
		p->pipeline = 1;
		break;
	}
}

static void plan_connections_settle_reuse(struct plan_connections *c)
{
	static const char why[] = "without reuse a connection has one request";
	static const struct plan_pair pairs[PLAN_LIMIT_COUNT] = {
		[PLAN_LIMIT_REQUESTS] = {"connections", "reuse", "connections",
			"requests-per-connection", why},
		[PLAN_LIMIT_AGE] = {"connections", "reuse", "connections", "max-age", why},
		[PLAN_LIMIT_PIPELINE] = {"connections", "reuse", "connections", "pipeline", why},
	};
	struct plan *p = c->plan;

	if (p->reuse != PLAN_REUSE_NO)
		return;
	for (enum plan_limit i = 0; i < PLAN_LIMIT_COUNT; i++) {
		const struct ini_entry *lost;

		if (!plan_has_limit(p, i))
			continue;
		lost = plan_settle_pair(c->in, &pairs[i]);
		if (lost && str_eq(lost->key, "reuse"))
			p->reuse = PLAN_REUSE_LIFO;
		else if (lost)
			plan_forget_limit(p, i);
	}
}

/* A pipeline would go on after a request that says "Connection: close"; all else it makes needless.
 */
static void plan_connections_obey_close(struct plan_connections *c)
{
	const struct ini_entry *e = keys_last(c->in->doc, "connections", "", "pipeline");
	struct plan *p = c->plan;
	size_t n_closing = 0;

	for (size_t i = 0; i < p->n_requests; i++)
		n_closing += plan_request_closes(&p->requests[i]);
	if (n_closing == 0 || p->reuse == PLAN_REUSE_NO)
		return;
	if (e && p->pipeline > 1 && !plan_is_bad(c->in, e))
		problems_add(c->in->problems, e->file, e->line,
			"pipeline = %.20s: nothing may be sent after a request with the header "
			"\"Connection: close\" (RFC 9112 section 9.6); leave one of the two out",
			e->value);
	if (n_closing < p->n_requests)
		return;
	p->reuse = PLAN_REUSE_NO;
	for (enum plan_limit i = 0; i < PLAN_LIMIT_COUNT; i++)
		plan_forget_limit(p, i);
}

static void plan_connections_settle_pipeline(struct plan_connections *c)
{
	static const struct plan_pair pair = {"connections", "pipeline", "connections",
		"requests-per-connection", "a connection is closed before so many are in flight"};
	struct plan *p = c->plan;
	const struct ini_entry *lost;

	if (!p->requests_per_connection || p->pipeline <= p->requests_per_connection)
		return;
	lost = plan_settle_pair(c->in, &pair);
	if (lost)
		plan_forget_limit(p,
			str_eq(lost->key, "pipeline") ? PLAN_LIMIT_PIPELINE : PLAN_LIMIT_REQUESTS);
}

/* What is sent behind it may be lost with the connection, and then nobody knows what was done. */
static void plan_connections_check_methods(
	const struct plan_connections *c, const struct ini_entry *e)
{
	const struct plan *p = c->plan;

	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *r = &p->requests[i];

		if (!r->method || plan_is_idempotent(r->method))
			continue;
		problems_add(c->in->problems, e->file, e->line,
			"pipeline = %.20s: %.60s%s%.64s%s is not idempotent, and only such methods "
			"may be pipelined (RFC 9112 section 9.3.2)",
			e->value, r->method, r->name && *r->name ? " of [request " : "",
			r->name ? r->name : "", r->name && *r->name ? "]" : "");
		return;
	}
}

static void plan_connections_check_pipeline(struct plan_connections *c)
{
	const struct ini_entry *e = keys_last(c->in->doc, "connections", "", "pipeline");
	const struct plan *p = c->plan;

	if (!e || p->pipeline <= 1 || plan_is_bad(c->in, e))
		return;
	if (plan_users(p) > PLAN_USERS_MAX)
		problems_add(c->in->problems, e->file, e->line,
			"pipeline = %.20s on %llu connections: more than %d requests in flight",
			e->value, (unsigned long long)plan_connection_limit(p), PLAN_USERS_MAX);
	plan_connections_check_methods(c, e);
}

/* ---------------------------------------------------------------- the whole */

void plan_settle_connections(const struct plan_input *in)
{
	struct plan_connections c = {.in = in, .plan = in->plan};

	/* A bad target has been reported. */
	if (in->plan->url.text) {
		plan_connections_set_place(&c);
		plan_connections_settle_unix(&c);
		plan_connections_settle_family(&c);
	}
	plan_connections_settle_reuse(&c);
	plan_connections_obey_close(&c);
	plan_connections_settle_pipeline(&c);
	plan_connections_check_pipeline(&c);
}
