/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command of curl that shows one answer: of the request that failed most, sent as the run
 * sends it. A result does not hold bodies and headers, which may be secret: they are named only.
 *
 * A document may come from anywhere, and the command is pasted into a shell: what might do
 * something else there makes no command.
 *
 * Pure; any thread.
 */
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "common/result/audit_internal.h"
#include "common/result/result_fill.h"
#include "common/str.h"

#define AUDIT_UNIX "unix:"
#define AUDIT_PLACE_MAX 300

/* One kind of request. */
struct audit_request {
	const char *name;   /* of several; "": the only one */
	const char *method; /* "": unknown */
	const char *target; /* "": that of the URL */
	bool has_body, has_headers;
};

static struct audit_request audit_request_of_plan(const json_t *requests, const char *name)
{
	struct audit_request q = {.name = name, .method = "", .target = ""};

	for (size_t i = 0; i < json_array_size(requests); i++) {
		const json_t *one = json_array_get(requests, i);
		int64_t body_bytes = 0, headers = 0;

		if (*name && !str_eq(json_path_text(one, "name"), name))
			continue;
		q.method = json_path_text(one, "method");
		q.target = json_path_text(one, "target");
		(void)json_path_int(one, "body_bytes", &body_bytes);
		(void)json_path_int(one, "headers", &headers);
		q.has_body = body_bytes > 0;
		q.has_headers = headers > 0;
		break;
	}
	return q;
}

static struct audit_request audit_request_that_failed(
	const struct audit_view *v, enum ledger_class most)
{
	const struct result_request *rows = v->r->requests.rows, *found = NULL;
	struct audit_request q;
	uint64_t n = 0;

	for (size_t i = 0; i < v->r->requests.n && v->r->requests.n > 1; i++) {
		struct ledger l = result_counts(&rows[i].ledger);

		if (found && l.classes[most] <= n)
			continue;
		found = &rows[i];
		n = l.classes[most];
	}
	q = audit_request_of_plan(v->plan.requests, found ? result_words(found->name) : "");
	if (!*q.method)
		q.method = found ? result_words(found->method) : v->plan.method;
	if (!*q.target && found)
		q.target = result_words(found->target);
	return q;
}

/* No shell makes anything else of it, between quotes or without. */
static bool audit_is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("'\"\\`", *c))
			return false;
	return true;
}

static const char *audit_quote(const char *text)
{
	return strpbrk(text, "&?*;()<>$#![]{}~|") ? "'" : "";
}

/* The URL with the request's own path. curl does not know unix:/SOCKET:/PATH. */
static void audit_look_at(
	const struct audit_view *v, const struct audit_request *q, char ret[static AUDIT_PLACE_MAX])
{
	const char *url = v->plan.url, *path = NULL;
	const char *authority = strstr(url, "://");
	int len = 0;

	if (str_starts(url, AUDIT_UNIX)) {
		path = strchr(url + strlen(AUDIT_UNIX), ':');
		path = path ? path + 1 : "/";
		url = "http://localhost";
		len = (int)strlen(url);
	} else if (authority) {
		len = (int)(authority - url) + 3;
		len += (int)strcspn(url + len, "/?#");
		path = url + len;
	}
	if (!path)
		(void)snprintf(ret, AUDIT_PLACE_MAX, "%s", url);
	else
		(void)snprintf(
			ret, AUDIT_PLACE_MAX, "%.*s%s", len, url, *q->target ? q->target : path);
}

/* HOST:PORT, HOST or an address of IPv6 without brackets, as curl has it: for any host and port of
 * the URL. "": the URL's own place. */
static void audit_look_where(const struct audit_view *v, char ret[static AUDIT_PLACE_MAX])
{
	const char *place = v->plan.connect_to;
	const char *colon = strchr(place, ':');
	const char *last = strrchr(place, ':');
	bool is_bare = *place != '[' && colon != last;
	bool has_port = !is_bare && last && last[1] != '\0' && !strchr(last, ']');

	(void)snprintf(ret, AUDIT_PLACE_MAX, *place ? "::%s%s%s%s" : "%s", is_bare ? "[" : "",
		place, is_bare ? "]" : "", has_port ? "" : ":");
}

struct audit_sentence audit_try_look(const struct audit_view *v, enum ledger_class most)
{
	static const char *const adds[] = {
		"", " (add its headers)", " (add its body)", " (add its body and headers)"};
	struct audit_request q = audit_request_that_failed(v, most);
	const char *add = adds[2 * q.has_body + q.has_headers];
	const char *method = *q.method ? q.method : "GET";
	const char *socket = v->plan.unix_path;
	char at[AUDIT_PLACE_MAX], where[AUDIT_PLACE_MAX] = "";
	bool is_head = str_eq(method, "HEAD");
	bool has_method = !is_head && !str_eq(method, "GET");
	const char *names = *q.name && audit_is_plain(q.name) ? q.name : "";
	struct audit_sentence t;
	int n;

	audit_look_at(v, &q, at);
	if (*v->plan.connect_to)
		audit_look_where(v, where);
	/* With -X HEAD curl would wait for a body. */
	n = snprintf(t.s, sizeof(t.s),
		"look at one answer%s%.64s%s%s: curl -%s%s%s%s%s%s%s%s%s%s%s%s %s%s%s",
		*names ? " of [request " : "", names, *names ? "]" : "", add,
		v->plan.takes_any_certificate ? "k" : "", is_head ? "I" : "i",
		has_method ? " -X " : "", has_method ? method : "", *where ? " --connect-to " : "",
		audit_quote(where), where, audit_quote(where), *socket ? " --unix-socket " : "",
		audit_quote(socket), socket, audit_quote(socket), audit_quote(at), at,
		audit_quote(at));
	/* A command that is cut is no command any more. */
	if (n >= (int)sizeof(t.s) - 1 || !*v->plan.url || !audit_is_plain(at) ||
		!audit_is_plain(method) || !audit_is_plain(where) || !audit_is_plain(socket))
		(void)snprintf(t.s, sizeof(t.s), "look at one answer%s%.64s%s: curl -i URL",
			*names ? " of [request " : "", names, *names ? "]" : "");
	return t;
}
