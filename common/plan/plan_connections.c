/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a plan: their destination, their source addresses, and their reuse.
 *
 * The URL determines the resource, and also the place to connect to unless connect-to is given.
 * Keys that have no meaning for that place are refused by plan_rules.c.
 *
 * If every request has "Connection: close", that is equivalent to reuse = no. */
#include "common/plan/plan_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_rules.h"
#include "common/str.h"

#define PLAN_DNS_MIN_NS NSEC_PER_SEC
#define PLAN_DNS_MAX_NS (24 * 3600 * NSEC_PER_SEC)
#define PLAN_DNS_EVERY "every"

/* ---------------------------------------------------------------- values */

/* The syntax of curl: "shop.test:443:10.0.0.7:8443". */
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
			"'%.60s': write only where to connect, as in 10.0.0.7:8443, instead of the "
			"URL's host and port",
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
			"'%.60s' is not a known value: write once, or every TIME, as in every 30s",
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

/* ---------------------------------------------------------------- the whole */

void plan_resolve_place(const struct plan_input *in)
{
	const struct plan *p = in->plan;
	const struct ini_entry *to = plan_entry(in, "target", "connect-to");
	const struct ini_entry *url = keys_last(in->doc, "target", "", "url");
	bool is_tls = p->url.tls && p->connect.unix_path;
	bool is_same;

	if (!to || !url || plan_is_bad(in, to) || plan_is_bad(in, url))
		return;
	if (!is_tls && !p->url.unix_path)
		return;
	is_same = to->precedence == url->precedence;
	if (is_same)
		plan_contradict(in, to < url ? to : url, to < url ? url : to,
			is_tls ? "there is no TLS over a Unix socket"
			       : "both say where to connect: keep one of them");
	else if (is_tls && url < to)
		problems_add(in->problems, to->file, to->line,
			"%s = %.60s: there is no TLS over a Unix socket, and the URL is https",
			to->key, to->value);
	if (to < url)
		plan_drop(in, to);
}

bool plan_all_requests_close(const struct plan *p)
{
	for (size_t i = 0; i < p->n_requests; i++)
		if (!plan_request_closes(&p->requests[i]))
			return false;
	return true;
}

void plan_resolve_reuse(const struct plan_input *in)
{
	struct plan *p = in->plan;

	if (p->reuse == PLAN_REUSE_NO || !plan_all_requests_close(p))
		return;
	p->reuse = PLAN_REUSE_NO;
	p->requests_per_connection = 0;
	p->max_age_ns = 0;
	p->pipeline = 1;
}
