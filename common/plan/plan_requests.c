/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a plan, each composed from its own section and [defaults].
 *
 * A single-valued key is taken from the request's own section, else from [defaults], and within a
 * section from the last file. So a flag for [defaults] (-X, --data) does not affect a request that
 * has its own value. Headers are matched by name: a section's header replaces those of the same
 * name in earlier files, a request's header those in [defaults], and auth is a header Authorization
 * that is made from its secret.
 *
 * Without any [request NAME] there is one request without a name, which is [defaults] alone. One
 * header of a file may be stored in 64 requests: requests share no memory, so that workers may keep
 * pointers to them. Bad values have been reported by the key table, and are skipped here. */
#include "common/plan/plan_requests.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_request_values.h"
#include "common/plan/plan_files.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_values.h"
#include "common/str.h"
#include "common/url.h"

#define PLAN_HEADERS_MAX 200 /* limit for one section */
#define PLAN_EXPECT_BODY_MAX 65536

/* One request while it is built. */
struct plan_making {
	const struct plan_input *in;
	struct plan_request *request;
};

/* ---- where a request's values stand ---- */

static bool plan_is_in(const struct ini_entry *e, const char *section, const char *arg)
{
	return str_eq(e->section, section) && str_eq(e->arg, arg);
}

static bool plan_is_own(const struct ini_entry *e, const struct plan_request *r)
{
	return r->name[0] ? plan_is_in(e, "request", r->name) : plan_is_in(e, "defaults", "");
}

/* The entry in force; NULL: there is none. */
static const struct ini_entry *plan_request_entry(
	const struct plan_input *in, const struct plan_request *r, const char *key)
{
	const struct ini_entry *e = NULL;

	if (r->name[0])
		e = keys_last(in->doc, "request", r->name, key);
	return e ? e : keys_last(in->doc, "defaults", "", key);
}

/* ---- which requests there are ---- */

struct plan_request *plan_find_request(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_requests; i++)
		if (str_eq(p->requests[i].name, name))
			return &p->requests[i];
	return NULL;
}

/* name: valid, or one that has been refused. */
static int plan_add_request(
	const struct plan_input *in, const char *name, const char *file, unsigned line)
{
	struct plan *p = in->plan;
	struct plan_request *r = &p->requests[p->n_requests];

	if (!str_is_name(name) || plan_find_request(p, name))
		return 0;
	if (p->n_requests == PLAN_REQUESTS_MAX) {
		problems_add(in->problems, file, line,
			"the run has more than %d named requests: divide them among several runs",
			PLAN_REQUESTS_MAX);
		return 0;
	}
	r->name = strdup(name);
	if (!r->name)
		return -ENOMEM;
	p->n_requests++;
	return keys_fill_defaults(&plan_keys, "request", r);
}

static void plan_refuse_flag(const struct plan_input *in, const struct ini_entry *e)
{
	const struct plan *p = in->plan;
	const char *names[PLAN_REQUESTS_MAX];
	const char *near;

	for (size_t i = 0; i < p->n_requests; i++)
		names[i] = p->requests[i].name;
	near = str_nearest(e->arg, names, p->n_requests);
	problems_add(in->problems, e->file, 0, "there is no [request %.64s]%s%s%s", e->arg,
		near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* In the order of the files. Flags may add requests only if no file has any: otherwise it is a
 * misspelt name, which would get a share of the load. */
int plan_name_requests(const struct plan_input *in)
{
	struct plan *p = in->plan;
	bool has_files;
	int r = 0;

	p->requests = calloc(PLAN_REQUESTS_MAX, sizeof(*p->requests));
	if (!p->requests)
		return -ENOMEM;
	for (size_t i = 0; i < in->doc->n_sections && !r; i++) {
		const struct ini_section *s = &in->doc->sections[i];

		if (str_eq(s->name, "request"))
			r = plan_add_request(in, s->arg, s->file, s->line);
	}
	has_files = p->n_requests > 0;
	for (size_t i = 0; i < in->doc->n_entries && !r; i++) {
		const struct ini_entry *e = &in->doc->entries[i];

		if (e->line || !str_eq(e->section, "request") || plan_find_request(p, e->arg))
			continue;
		if (has_files && str_is_name(e->arg))
			plan_refuse_flag(in, e);
		else
			r = plan_add_request(in, e->arg, e->file, 0);
	}
	if (r || p->n_requests)
		return r;
	p->requests[0].name = strdup("");
	p->requests[0].weight = 1;
	p->n_requests = 1;
	return p->requests[0].name ? 0 : -ENOMEM;
}

/* The request's own section has the key. */
static bool plan_says(const struct plan_making *m, const char *key)
{
	return m->request->name[0] && keys_last(m->in->doc, "request", m->request->name, key);
}

/* Copies the values that the request's own section does not have from [defaults]. */
static int plan_inherit(struct plan_making *m)
{
	const struct plan_request *defaults = &m->in->plan->defaults;
	struct plan_request *r = m->request;

	if (!plan_says(m, "chunked"))
		r->chunk_bytes = defaults->chunk_bytes;
	if (!plan_says(m, "expect-status"))
		r->expect_statuses = defaults->expect_statuses;
	if (!plan_says(m, "expect-size")) {
		r->has_expect_size = defaults->has_expect_size;
		r->expect_size_min = defaults->expect_size_min;
		r->expect_size_max = defaults->expect_size_max;
	}
	if (!plan_says(m, "expect-sha256")) {
		r->has_expect_sha256 = defaults->has_expect_sha256;
		memcpy(r->expect_sha256, defaults->expect_sha256, sizeof(r->expect_sha256));
	}
	if (!r->method)
		r->method = strdup(defaults->method);
	return r->method ? 0 : -ENOMEM;
}

static int plan_set_request_target(struct plan_making *m)
{
	struct plan_request *r = m->request;
	const struct url *url = &m->in->plan->url;

	/* A bad URL has been reported. */
	if (!url->path)
		r->target = strdup("/");
	else
		r->target = r->path ? url_join(url, r->path) : strdup(url->path);
	return r->target ? 0 : -ENOMEM;
}

/* ---- headers ---- */

/* The entries of a key that is a list of headers, those of [defaults] first. */
struct plan_lines {
	const struct ini_entry *at[2 * PLAN_HEADERS_MAX];
	size_t n;
};

/* Finds the lines of one section. */
static void plan_find_lines(struct plan_making *m, const char *section, const char *arg,
	const char *key, struct plan_lines *ret)
{
	const struct ini_doc *doc = m->in->doc;
	size_t n = 0;

	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (!str_eq(e->key, key) || !plan_is_in(e, section, arg) || plan_is_bad(m->in, e))
			continue;
		if (n++ == PLAN_HEADERS_MAX) {
			/* Those of [defaults] are reported once. */
			if (*arg || m->request == m->in->plan->requests)
				problems_add(m->in->problems, e->file, e->line,
					"more than %d headers: remove some, or join values in one",
					PLAN_HEADERS_MAX);
			return;
		}
		ret->at[ret->n++] = e;
	}
}

static bool plan_is_same_header(const struct ini_entry *a, const struct ini_entry *b)
{
	const char *text;
	size_t len = plan_split_header(a->value, &text);

	return plan_split_header(b->value, &text) == len && !strncasecmp(a->value, b->value, len);
}

static bool plan_line_is_replaced(
	const struct plan_making *m, const struct plan_lines *lines, size_t i)
{
	const struct ini_entry *e = lines->at[i];
	bool is_own = plan_is_own(e, m->request);

	for (size_t k = i + 1; k < lines->n; k++) {
		const struct ini_entry *later = lines->at[k];
		bool counts = plan_is_own(later, m->request) != is_own ||
			      later->precedence != e->precedence;

		if (counts && plan_is_same_header(e, later))
			return true;
	}
	return false;
}

/* Collects the lines in force. */
static void plan_read_lines(struct plan_making *m, const char *key, struct plan_lines *ret)
{
	struct plan_lines all = {.n = 0};

	plan_find_lines(m, "defaults", "", key, &all);
	if (m->request->name[0])
		plan_find_lines(m, "request", m->request->name, key, &all);
	ret->n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (!plan_line_is_replaced(m, &all, i))
			ret->at[ret->n++] = all.at[i];
}

/* Takes over value, even on failure. */
static int plan_put_header(
	struct plan_header *list, size_t *n, const char *name, size_t name_len, char *value)
{
	char *copy = strndup(name, name_len);

	if (!copy) {
		free(value);
		return -ENOMEM;
	}
	list[(*n)++] = (struct plan_header){copy, value};
	return 0;
}

static int plan_add_header(struct plan_making *m, const struct ini_entry *e)
{
	struct plan_request *p = m->request;
	struct buf value = {0};
	const char *text;
	size_t name_len = plan_split_header(e->value, &text);
	int r = plan_expand(m->in, e, text, true, &value);

	if (r) {
		buf_fini(&value);
		return r == -EINVAL ? 0 : r;
	}
	if (!plan_is_field_value(value.data, value.len))
		problems_add(m->in->problems, e->file, e->line,
			"header: the file for %.*s has a control character in it", (int)name_len,
			e->value);
	if (name_len == strlen("host") && !strncasecmp(e->value, "host", name_len) &&
		plan_find_header(p, "host"))
		problems_add(m->in->problems, e->file, e->line, "header: Host is given twice");
	return plan_put_header(p->headers, &p->n_headers, e->value, name_len, value.data);
}

/* ---- auth ---- */

static bool plan_is_authorization(const struct ini_entry *e)
{
	static const char name[] = "authorization";

	return strlen(name) == strcspn(e->value, ":") && !strncasecmp(e->value, name, strlen(name));
}

/* The last header that sets Authorization instead. */
static const struct ini_entry *plan_find_authorization(
	const struct plan_making *m, const char *section, const char *arg)
{
	const struct ini_doc *doc = m->in->doc;

	for (size_t i = doc->n_entries; i-- > 0;) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->key, "header") && plan_is_in(e, section, arg) &&
			plan_is_authorization(e))
			return e;
	}
	return NULL;
}

/* True: the section determines whether and how a request is authorized. *ret: by auth; NULL: by a
 * header. */
static bool plan_section_auth(
	struct plan_making *m, const char *section, const char *arg, const struct ini_entry **ret)
{
	const struct ini_entry *auth = keys_last(m->in->doc, section, arg, "auth");
	const struct ini_entry *header = plan_find_authorization(m, section, arg);
	const struct ini_entry *last = auth > header ? auth : header;

	*ret = auth;
	if (!auth || !header)
		return auth || header;
	if (auth->precedence < header->precedence)
		*ret = NULL;
	else if (auth->precedence == header->precedence &&
		 (*arg || m->request == m->in->plan->requests))
		problems_add(m->in->problems, last->file, last->line,
			"auth makes the header Authorization, and header gives one: write one of "
			"them");
	return true;
}

/* The entry of auth in force; NULL: there is none, or a header replaces it. */
static const struct ini_entry *plan_find_auth(struct plan_making *m)
{
	const struct ini_entry *own = NULL;
	const struct ini_entry *common = NULL;
	bool has_common = plan_section_auth(m, "defaults", "", &common);

	if (m->request->name[0] && plan_section_auth(m, "request", m->request->name, &own))
		return own;
	return has_common ? common : NULL;
}

/* "Basic dXNlcjpwYXNz" from the user in auth and the secret; NULL: no memory. */
static char *plan_make_auth(const struct plan_auth *auth, const struct buf *secret)
{
	struct buf pair = {0};
	struct buf value = {0};
	char *base64 = NULL;
	int r;

	if (auth->scheme == PLAN_AUTH_BEARER) {
		r = buf_printf(&value, "Bearer %s", secret->data);
	} else {
		r = buf_append(&pair, auth->user, auth->user_len);
		if (!r)
			r = buf_puts(&pair, ":");
		if (!r)
			r = buf_append(&pair, secret->data, secret->len);
		if (!r)
			base64 = digest_base64_encode(pair.data, pair.len);
		r = base64 ? buf_printf(&value, "Basic %s", base64) : -ENOMEM;
	}
	if (pair.data)
		explicit_bzero(pair.data, pair.len);
	if (base64)
		explicit_bzero(base64, strlen(base64));
	free(base64);
	buf_fini(&pair);
	if (r)
		buf_fini(&value);
	return value.data;
}

static void plan_check_secret(struct plan_making *m, const struct ini_entry *e,
	const struct plan_auth *auth, const struct buf *secret)
{
	const struct plan_file *file = plan_value_file(m->in, auth->secret);

	if (file && !file->data)
		return;
	if (!plan_is_field_value(secret->data, secret->len))
		problems_add(m->in->problems, e->file, e->line,
			"auth: %s has a control character in it", auth->secret);
	else if (auth->scheme == PLAN_AUTH_BEARER && (!secret->len || strpbrk(secret->data, " \t")))
		problems_add(m->in->problems, e->file, e->line, "auth: %s %s", auth->secret,
			secret->len ? "has a blank in it, which no token has" : "is empty");
}

static int plan_add_auth(struct plan_making *m, const struct ini_entry *e)
{
	struct plan_request *p = m->request;
	const struct plan_auth *auth =
		plan_is_in(e, "defaults", "") ? &m->in->plan->defaults._auth : &p->_auth;
	struct buf secret = {0};
	char *value = NULL;
	int r;

	if (auth->scheme == PLAN_AUTH_NONE || plan_is_bad(m->in, e))
		return 0;
	r = plan_expand(m->in, e, auth->secret, true, &secret);
	if (!r) {
		plan_check_secret(m, e, auth, &secret);
		value = plan_make_auth(auth, &secret);
		r = value ? plan_put_header(p->headers, &p->n_headers, "Authorization",
				    strlen("Authorization"), value)
			  : -ENOMEM;
	}
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	buf_fini(&secret);
	return r == -EINVAL ? 0 : r;
}

static int plan_set_headers(struct plan_making *m)
{
	const struct ini_entry *auth = plan_find_auth(m);
	struct plan_lines lines;
	int r = 0;

	plan_read_lines(m, "header", &lines);
	m->request->headers = calloc(lines.n + 1, sizeof(*m->request->headers));
	if (!m->request->headers)
		return -ENOMEM;
	for (size_t i = 0; i < lines.n && !r; i++)
		if (!auth || !plan_is_authorization(lines.at[i]))
			r = plan_add_header(m, lines.at[i]);
	return r || !auth ? r : plan_add_auth(m, auth);
}

/* ---- body ---- */

/* If a request has no body to send in chunks, chunked in [defaults] is meant for other requests. */
static void plan_refuse_chunks(struct plan_making *m)
{
	const struct plan_request *p = m->request;
	const struct ini_entry *e =
		keys_last(m->in->doc, p->name[0] ? "request" : "defaults", p->name, "chunked");

	if (e && p->chunk_bytes)
		problems_add(m->in->problems, e->file, e->line,
			"chunked: there is no body to send in chunks");
	m->request->chunk_bytes = 0;
}

/* Checked before the body is copied. The bodies of [defaults] and of files count for each request
 * that has them. */
static bool plan_body_fits(const struct plan_making *m, const struct ini_entry *e)
{
	const struct plan_file *file = plan_value_file(m->in, e->value);
	size_t room = m->in->bodies_max;

	for (const struct plan_request *p = m->in->plan->requests; p < m->request; p++)
		room -= p->body_len < room ? p->body_len : room;
	if (!file || file->len <= room)
		return true;
	problems_add(m->in->problems, e->file, e->line,
		"body: with this one, the bodies of all requests have more than %zu MiB: a private "
		"run (rpsctl PATH) takes what fits into memory",
		m->in->bodies_max >> 20);
	return false;
}

static int plan_set_body(struct plan_making *m)
{
	const struct ini_entry *e = plan_request_entry(m->in, m->request, "body");
	struct buf body = {0};
	int r;

	if (!e)
		plan_refuse_chunks(m);
	if (!e || plan_is_bad(m->in, e) || !plan_body_fits(m, e))
		return 0;
	r = plan_expand(m->in, e, e->value, false, &body);
	if (r) {
		buf_fini(&body);
		return r == -EINVAL ? 0 : r;
	}
	m->request->body = body.data;
	m->request->body_len = body.len;
	if (!body.len)
		m->request->chunk_bytes = 0;
	return 0;
}

/* ---- what is expected ---- */

static int plan_set_expect_headers(struct plan_making *m)
{
	struct plan_request *p = m->request;
	struct plan_lines lines;
	int r = 0;

	plan_read_lines(m, "expect-header", &lines);
	if (!lines.n)
		return 0;
	p->expect_headers = calloc(lines.n, sizeof(*p->expect_headers));
	if (!p->expect_headers)
		return -ENOMEM;
	for (size_t i = 0; i < lines.n && !r; i++) {
		const char *text;
		size_t len = plan_split_header(lines.at[i]->value, &text);
		char *value = text ? strdup(text) : NULL;

		if (text && !value)
			return -ENOMEM;
		r = plan_put_header(
			p->expect_headers, &p->n_expect_headers, lines.at[i]->value, len, value);
	}
	return r;
}

static int plan_set_expect_body(struct plan_making *m)
{
	const struct ini_entry *e = plan_request_entry(m->in, m->request, "expect-body");
	struct buf text = {0};
	int r;

	if (!e || !e->value[0] || plan_is_bad(m->in, e))
		return 0;
	r = plan_expand(m->in, e, e->value, true, &text);
	if (!r && text.len > PLAN_EXPECT_BODY_MAX)
		problems_add(m->in->problems, e->file, e->line,
			"expect-body: more than %d bytes: expect-sha256 checks a whole body",
			PLAN_EXPECT_BODY_MAX);
	if (r || !text.len) {
		buf_fini(&text);
		return r == -EINVAL ? 0 : r;
	}
	m->request->expect_body = text.data;
	m->request->expect_body_len = text.len;
	return 0;
}

/* ---- the whole ---- */

int plan_resolve_requests(const struct plan_input *in)
{
	struct plan *p = in->plan;
	int r = 0;

	for (size_t i = 0; i < p->n_requests && !r; i++) {
		struct plan_making m = {.in = in, .request = &p->requests[i]};

		r = plan_inherit(&m);
		if (!r)
			r = plan_set_request_target(&m);
		if (!r)
			r = plan_set_body(&m);
		if (!r)
			r = plan_set_headers(&m);
		if (!r)
			r = plan_set_expect_headers(&m);
		if (!r)
			r = plan_set_expect_body(&m);
		m.request->_auth = (struct plan_auth){0};
	}
	p->defaults._auth = (struct plan_auth){0};
	return r;
}

static void plan_fini_headers(struct plan_header *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(headers[i].name);
		str_wipe(headers[i].value);
	}
	free(headers);
}

static void plan_free_content(char *content, size_t len)
{
	if (content)
		explicit_bzero(content, len);
	free(content);
}

/* Keeps the name and the checks of a request, without the parts that may be secret. */
static void plan_forget_request(struct plan_request *r)
{
	plan_fini_headers(r->headers, r->n_headers);
	plan_fini_headers(r->expect_headers, r->n_expect_headers);
	plan_free_content(r->expect_body, r->expect_body_len);
	plan_free_content(r->body, r->body_len);
	r->headers = r->expect_headers = NULL;
	r->n_headers = r->n_expect_headers = 0;
	r->expect_body = r->body = NULL;
	r->expect_body_len = r->body_len = 0;
}

void plan_forget_content(struct plan *p)
{
	for (size_t i = 0; i < p->n_requests; i++)
		plan_forget_request(&p->requests[i]);
	plan_forget_request(&p->defaults);
	p->text = str_wipe(p->text);
}

static void plan_fini_request(struct plan_request *r)
{
	plan_forget_request(r);
	free(r->name);
	free(r->method);
	free(r->path);
	str_wipe(r->target);
}

void plan_fini_requests(struct plan *p)
{
	for (size_t i = 0; i < p->n_requests; i++)
		plan_fini_request(&p->requests[i]);
	plan_fini_request(&p->defaults);
	free(p->requests);
}

const struct plan_header *plan_find_header(const struct plan_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcasecmp(r->headers[i].name, name))
			return &r->headers[i];
	return NULL;
}

/* Is the option one of a list of them (RFC 9110 section 7.6.1)? */
static bool plan_list_has(const char *list, const char *option)
{
	size_t wanted = strlen(option);

	while (*list) {
		size_t len;

		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == wanted && !strncasecmp(list, option, len))
			return true;
		list += len;
	}
	return false;
}

bool plan_request_closes(const struct plan_request *r)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcasecmp(r->headers[i].name, "connection") &&
			plan_list_has(r->headers[i].value, "close"))
			return true;
	return false;
}
