/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a run file, its overlays and flags become one validated plan.
 *
 * In this order: the key table reads every single value (keys.c), contradictions are settled and
 * the load follows from them (plan_conflicts.c), then the request is put together from headers,
 * body and the files they refer to. Nothing stops at the first problem, so that a person sees all
 * of them at once; a value that is bad leaves its default behind, and later steps pass over what
 * earlier ones have reported. A plan with a problem is never handed out.
 *
 * The digest covers what decides the load: the run file's text, the entries that override it, and
 * the content of files. Where an entry came from (a flag's name) is not part of it, so that the
 * same run has the same digest in the service and in private. Built on one thread, then immutable.
 */
#include "common/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/ini.h"
#include "common/keys.h"
#include "common/plan_conflicts.h"
#include "common/plan_connections.h"
#include "common/plan_tls.h"
#include "common/plan_values.h"
#include "common/str.h"

#define PLAN_HEADERS_MAX 200
#define PLAN_NAME_MAX 64
#define PLAN_LABELS_MAX 64

struct plan_builder {
	struct plan *plan;
	const struct ini_doc *doc;
	unsigned *layers; /* of each entry */
	const struct plan_file *files;
	size_t n_files;
	struct problems *problems;
	struct buf canon; /* what the digest covers */
};

static bool plan_is_default(const struct ini_entry *e, const char *key)
{
	return str_eq(e->section, "defaults") && str_eq(e->key, key);
}

static bool plan_is_label(const struct ini_entry *e)
{
	return str_eq(e->section, "run") && str_eq(e->key, "label");
}

/* ---- target and name ---- */

/* Something that was refused already could have been the URL. */
static bool plan_url_is_doubtful(const struct ini_doc *doc)
{
	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->key, "url") ||
			(str_eq(e->section, "target") && !keys_find(KEYS_RUN, e->section, e->key)))
			return true;
	}
	return doc->is_incomplete;
}

/* A host as the name of a run: "shop.test", "127.0.0.1", "ip6-1" for ::1; of a socket's path the
 * file. */
static char *plan_name_from_host(const struct url *url)
{
	const char *prefix = url->is_ipv6 ? "ip6-" : "";
	const char *from = url->unix_path ? strrchr(url->unix_path, '/') + 1 : url->host;
	char *name = malloc(PLAN_NAME_MAX + 1);
	size_t n = strlen(prefix);

	if (!name)
		return NULL;
	memcpy(name, prefix, n);
	for (const char *c = from; *c && n < PLAN_NAME_MAX; c++) {
		bool fits = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			    (*c >= '0' && *c <= '9') || (n && (*c == '.' || *c == '_'));

		if (fits)
			name[n++] = *c;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	name[n] = '\0';
	if (!n)
		memcpy(name, "run", sizeof("run"));
	return name;
}

static int plan_set_target(struct plan_builder *b)
{
	struct plan *p = b->plan;
	unsigned line = 0;
	const char *file = b->doc->first_file ? b->doc->first_file : "run";

	/* A bad value has been reported, and left url_text empty. */
	if (p->url_text)
		return url_parse(p->url_text, &p->url, NULL) == -ENOMEM ? -ENOMEM : 0;
	if (plan_url_is_doubtful(b->doc))
		return 0;
	for (size_t i = b->doc->n_sections; i-- > 0;) {
		file = b->doc->sections[i].file;
		line = b->doc->sections[i].line;
		if (str_eq(b->doc->sections[i].name, "target"))
			break;
		line = 0;
	}
	problems_add(b->problems, file, line,
		"[target] url is missing: write what to load, as in url = http://127.0.0.1:8000/");
	return 0;
}

static int plan_set_tls(struct plan_builder *b)
{
	const struct plan_tls_input in = {.doc = b->doc,
		.layers = b->layers,
		.files = b->files,
		.n_files = b->n_files,
		.problems = b->problems,
		.canon = &b->canon};

	return plan_settle_tls(b->plan, &in);
}

static int plan_set_name(struct plan_builder *b, const char *name)
{
	struct plan *p = b->plan;

	if (!name)
		return 0;
	p->name = strdup(name);
	if (!p->name)
		return -ENOMEM;
	if (!str_is_name(name))
		problems_add(b->problems, name, 0,
			"not a name for a run: letters, digits, '_', '-' and '.', at most %d",
			PLAN_NAME_MAX);
	return 0;
}

/* ---- values with files in them ---- */

static const struct plan_file *plan_find_file(const struct plan_builder *b, const char *name)
{
	for (size_t i = 0; i < b->n_files; i++)
		if (str_eq(b->files[i].name, name))
			return &b->files[i];
	return NULL;
}

/* Appends the value with the content of the file it ends in, less line ends where is_line.
 * 0, -EINVAL (reported) or -ENOMEM. */
static int plan_expand(struct plan_builder *b, const struct ini_entry *e, const char *value,
	bool is_line, struct buf *ret)
{
	const char *name = plan_file_reference(value);
	const struct plan_file *file;
	char digest[DIGEST_SHA256_HEX_SIZE];
	size_t len;
	int r;

	if (!name)
		return buf_puts(ret, value);
	file = plan_find_file(b, name);
	if (!file) {
		problems_add(b->problems, e->file, e->line, "%s: file '%.200s' is missing", e->key,
			name);
		return -EINVAL;
	}
	if (plan_tls_is_private(b->doc, name)) {
		problems_add(b->problems, e->file, e->line,
			"%s: '%.200s' is for [tls] alone, what is private there is not sent",
			e->key, name);
		return -EINVAL;
	}
	len = file->len;
	while (is_line && len && (file->data[len - 1] == '\n' || file->data[len - 1] == '\r'))
		len--;
	r = buf_append(ret, value, (size_t)(name - 1 - value));
	if (!r)
		r = buf_append(ret, file->data, len);
	if (r)
		return r;
	digest_sha256_hex(file->data, file->len, digest);
	return buf_printf(&b->canon, "@%s %s\n", name, digest);
}

static int plan_set_body(struct plan_builder *b)
{
	const struct ini_entry *e = keys_last(b->doc, "defaults", "", "body");
	struct buf body = {0};
	int r;

	if (!e || plan_check_body(e->value, NULL))
		return 0;
	r = plan_expand(b, e, e->value, false, &body);
	if (r) {
		buf_fini(&body);
		return r == -EINVAL ? 0 : r;
	}
	b->plan->requests[0].body = body.data;
	b->plan->requests[0].body_len = body.len;
	return 0;
}

/* ---- headers ---- */

/* A header of a later file replaces those of the same name in earlier ones; within one file a name
 * may stand several times. */
static bool plan_header_is_replaced(const struct plan_builder *b, size_t i, size_t name_len)
{
	const char *name = b->doc->entries[i].value;

	for (size_t k = i + 1; k < b->doc->n_entries; k++) {
		const struct ini_entry *e = &b->doc->entries[k];

		if (b->layers[k] != b->layers[i] && plan_is_default(e, "header") &&
			!strncasecmp(e->value, name, name_len) && e->value[name_len] == ':')
			return true;
	}
	return false;
}

const struct plan_header *plan_find_header(const struct plan_request *p, const char *name)
{
	for (size_t i = 0; i < p->n_headers; i++)
		if (!strcasecmp(p->headers[i].name, name))
			return &p->headers[i];
	return NULL;
}

static int plan_add_header(struct plan_builder *b, const struct ini_entry *e, size_t name_len)
{
	struct plan_request *p = b->plan->requests;
	struct plan_header *header = &p->headers[p->n_headers];
	struct buf value = {0};
	const char *text;
	char *name;
	int r;

	plan_split_header(e->value, &text);
	r = plan_expand(b, e, text, true, &value);
	name = strndup(e->value, name_len);
	if (r || !name) {
		free(name);
		buf_fini(&value);
		return r == -EINVAL ? 0 : -ENOMEM;
	}
	if (!plan_is_field_value(value.data, value.len))
		problems_add(b->problems, e->file, e->line,
			"header: the file for %s has a control character in it", name);
	if (!strcasecmp(name, "host") && plan_find_header(p, name))
		problems_add(b->problems, e->file, e->line, "header: Host is given twice");
	header->name = name;
	header->value = value.data;
	p->n_headers++;
	return 0;
}

static int plan_set_headers(struct plan_builder *b)
{
	const struct ini_doc *doc = b->doc;

	b->plan->requests[0].headers = calloc(PLAN_HEADERS_MAX, sizeof(struct plan_header));
	if (!b->plan->requests[0].headers)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];
		const char *text;
		size_t name_len;
		int r;

		if (!plan_is_default(e, "header") || plan_check_header(e->value, NULL))
			continue;
		if (n++ == PLAN_HEADERS_MAX) {
			problems_add(b->problems, e->file, e->line, "more than %d headers",
				PLAN_HEADERS_MAX);
			return 0;
		}
		name_len = plan_split_header(e->value, &text);
		if (plan_header_is_replaced(b, i, name_len))
			continue;
		r = plan_add_header(b, e, name_len);
		if (r)
			return r;
	}
	return 0;
}

/* A length that is not the body's would make one message of two, or two of one. */
static void plan_check_content_length(struct plan_builder *b)
{
	const struct plan_request *p = b->plan->requests;
	const struct plan_header *h = plan_find_header(p, "content-length");
	const struct ini_entry *e = NULL;
	char expected[24];
	const char *text;

	snprintf(expected, sizeof(expected), "%zu", p->body_len);
	if (!h || str_eq(h->value, expected))
		return;
	for (size_t i = 0; i < b->doc->n_entries; i++)
		if (plan_is_default(&b->doc->entries[i], "header") &&
			plan_split_header(b->doc->entries[i].value, &text) == strlen(h->name) &&
			str_starts(b->doc->entries[i].value, h->name))
			e = &b->doc->entries[i];
	problems_add(b->problems, e ? e->file : "header", e ? e->line : 0,
		"header Content-Length: %.40s, but the body has %s bytes: leave it out", h->value,
		expected);
}

/* ---- labels ---- */

static struct plan_label *plan_find_label(struct plan *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n_labels; i++)
		if (strlen(p->labels[i].name) == len && !memcmp(p->labels[i].name, name, len))
			return &p->labels[i];
	return NULL;
}

static int plan_set_label(struct plan_builder *b, const struct ini_entry *e)
{
	struct plan *p = b->plan;
	size_t len = plan_label_name_len(e->value);
	struct plan_label *label = plan_find_label(p, e->value, len);
	char *text = strdup(e->value + len + 1);

	if (!text)
		return -ENOMEM;
	if (label) {
		free(label->text);
		label->text = text;
		return 0;
	}
	if (p->n_labels == PLAN_LABELS_MAX) {
		free(text);
		problems_add(b->problems, e->file, e->line, "more than %d labels", PLAN_LABELS_MAX);
		return 0;
	}
	label = &p->labels[p->n_labels++];
	label->text = text;
	label->name = strndup(e->value, len);
	return label->name ? 0 : -ENOMEM;
}

/* Of labels with one name the last one counts. */
static int plan_set_labels(struct plan_builder *b)
{
	const struct ini_doc *doc = b->doc;
	int r = 0;

	b->plan->labels = calloc(PLAN_LABELS_MAX, sizeof(*b->plan->labels));
	if (!b->plan->labels)
		return -ENOMEM;
	for (size_t i = 0; i < doc->n_entries && !r; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (plan_is_label(e) && !plan_check_label(e->value, NULL))
			r = plan_set_label(b, e);
	}
	return r;
}

/* ---- text and digest ---- */

/* A flag's value may hold what no line of a file can. */
static bool plan_fits_a_line(const struct ini_entry *e)
{
	size_t len = strlen(e->value);
	const char *blanks = " \t";

	if (!len)
		return true;
	return plan_is_field_value(e->value, len) && !strchr(blanks, e->value[0]) &&
	       !strchr(blanks, e->value[len - 1]) && len + INI_NAME_MAX < INI_LINE_MAX;
}

static int plan_write_entry(
	struct buf *text, const struct ini_entry *e, const struct ini_entry *before)
{
	int r = 0;

	if (!before || !str_eq(before->section, e->section))
		r = buf_printf(text, "[%s]\n", e->section);
	if (r)
		return r;
	if (!plan_fits_a_line(e))
		return buf_printf(
			text, "# %s: %zu bytes that do not fit a line\n", e->key, strlen(e->value));
	return buf_printf(text, "%s = %s\n", e->key, e->value);
}

/* The entries as a run file, for a plan that comes from a command line alone. */
static int plan_write_text(const struct ini_doc *doc, struct buf *text)
{
	const struct ini_entry *before = NULL;

	/* A section stands once in a file: gather its entries at the first of them. */
	for (size_t i = 0; i < doc->n_entries; i++) {
		bool is_done = false;

		for (size_t k = 0; k < i && !is_done; k++)
			is_done = str_eq(doc->entries[k].section, doc->entries[i].section);
		for (size_t k = i; k < doc->n_entries && !is_done; k++) {
			const struct ini_entry *e = &doc->entries[k];
			const struct key *key = keys_find(KEYS_RUN, e->section, e->key);
			int r;

			if (!str_eq(e->section, doc->entries[i].section))
				continue;
			if (!key ||
				(!key->repeated && keys_last(doc, e->section, e->arg, e->key) != e))
				continue;
			r = plan_write_entry(text, e, before);
			if (r)
				return r;
			before = e;
		}
	}
	return 0;
}

static int plan_set_text(struct plan_builder *b, const char *given)
{
	struct plan *p = b->plan;
	struct buf text = {0};
	struct buf all = {0};
	int r;

	r = given ? buf_puts(&text, given) : plan_write_text(b->doc, &text);
	if (!r)
		r = buf_puts(&all, text.data ? text.data : "");
	/* What the text does not say. */
	for (size_t i = 0; !r && i < b->doc->n_entries; i++) {
		const struct ini_entry *e = &b->doc->entries[i];

		if (plan_is_label(e))
			continue;
		if (given ? b->layers[i] > 0 || e->filled : !plan_fits_a_line(e))
			r = buf_printf(&all, "%s.%s = %s\n", e->section, e->key, e->value);
	}
	if (!r)
		r = buf_append(&all, b->canon.data ? b->canon.data : "", b->canon.len);
	if (!r)
		digest_sha256_hex(all.data ? all.data : "", all.len, p->sha256);
	buf_fini(&all);
	if (!r && !text.data)
		r = buf_puts(&text, "");
	p->text = text.data;
	return r;
}

/* ---- the whole ---- */

/* One request, from [defaults]. */
static int plan_set_requests(struct plan_builder *b)
{
	struct plan *p = b->plan;
	struct plan_request *r = calloc(1, sizeof(*r));

	p->requests = r;
	if (!r)
		return -ENOMEM;
	p->n_requests = 1;
	r->weight = 1;
	for (unsigned status = 200; status < 400; status++)
		r->expect_statuses.bits[status / 64] |= UINT64_C(1) << (status % 64);
	r->name = strdup("");
	r->method = strdup(p->defaults.method ? p->defaults.method : "GET");
	r->target = strdup(p->url.path ? p->url.path : "/");
	return r->name && r->method && r->target ? 0 : -ENOMEM;
}

static void plan_request_fini(struct plan_request *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	for (size_t i = 0; i < r->n_expect_headers; i++) {
		free(r->expect_headers[i].name);
		free(r->expect_headers[i].value);
	}
	free(r->headers);
	free(r->expect_headers);
	free(r->expect_body);
	free(r->name);
	free(r->method);
	free(r->path);
	free(r->target);
	free(r->body);
}

static int plan_fill(struct plan_builder *b, const char *name, const char *text)
{
	struct plan *p = b->plan;
	int r;

	b->layers = plan_layers_new(b->doc);
	if (!b->layers)
		return -ENOMEM;
	r = plan_set_name(b, name);
	if (r)
		return r;
	p->drain_ns = CLOCK_NEVER;
	r = keys_apply(KEYS_RUN, b->doc, p, b->problems);
	if (!r)
		r = plan_set_target(b);
	if (!r)
		r = plan_set_tls(b);
	if (!r)
		r = plan_settle_load(p, b->doc, b->layers, b->problems);
	if (!r)
		r = plan_set_requests(b);
	if (!r)
		r = plan_set_body(b);
	if (!r)
		r = plan_set_headers(b);
	if (!r)
		r = plan_settle_connections(p, b->doc, b->layers, b->problems);
	if (!r)
		r = plan_set_labels(b);
	if (!r)
		r = plan_set_text(b, text);
	if (r || b->problems->n)
		return r;
	plan_check_content_length(b);
	if (p->drain_ns == CLOCK_NEVER)
		p->drain_ns = p->request_timeout_ns;
	if (!p->name)
		p->name = plan_name_from_host(&p->url);
	return p->name ? 0 : -ENOMEM;
}

int plan_build(const char *name, const struct ini_doc *doc, const char *text,
	const struct plan_file *files, size_t n_files, struct plan **ret, struct problems *problems)
{
	struct plan_builder b = {
		.doc = doc, .files = files, .n_files = n_files, .problems = problems};
	int r;

	b.plan = calloc(1, sizeof(*b.plan));
	if (!b.plan)
		return -ENOMEM;
	r = plan_fill(&b, name, text);
	free(b.layers);
	buf_fini(&b.canon);
	problems_sort(problems);
	if (!r && problems->n)
		r = -EINVAL;
	if (r) {
		plan_free(b.plan);
		return r;
	}
	*ret = b.plan;
	return 0;
}

struct plan *plan_free(struct plan *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n_stages; i++)
		free(p->stage_texts[i]);
	for (size_t i = 0; i < p->n_requests; i++)
		plan_request_fini(&p->requests[i]);
	plan_request_fini(&p->defaults);
	free(p->requests);
	for (size_t i = 0; i < p->n_labels; i++) {
		free(p->labels[i].name);
		free(p->labels[i].text);
	}
	url_fini(&p->url);
	url_place_fini(&p->connect);
	plan_fini_tls(p);
	free(p->labels);
	free(p->name);
	free(p->text);
	free(p->url_text);
	free(p->stage_texts);
	free(p->stages);
	free(p->connect_to);
	free(p->tls_ciphers);
	free(p->tls_ciphersuites);
	free(p->sources);
	free(p);
	return NULL;
}

const char *plan_entry_file(const struct ini_entry *e)
{
	if (plan_is_default(e, "body") || plan_is_default(e, "header"))
		return plan_file_reference(e->value);
	return plan_tls_file(e);
}

const struct ini_entry *plan_file_entry(const struct ini_doc *doc, const char *name)
{
	for (size_t i = doc->n_entries; i-- > 0;) {
		const char *named = plan_entry_file(&doc->entries[i]);

		if (named && str_eq(named, name))
			return &doc->entries[i];
	}
	return NULL;
}

void plan_file_unreadable(const struct ini_doc *doc, const char *name, const char *path, int error,
	struct problems *problems)
{
	const struct ini_entry *e = plan_file_entry(doc, name);

	/* A flag is its own name. */
	problems_add(problems, e ? e->file : path, e ? e->line : 0, "%s%scannot read %s: %s",
		e && e->line ? e->key : "", e && e->line ? ": " : "", path,
		error == -EFBIG ? "too large for a run" : strerror(-error));
}

const char **plan_file_names(const struct ini_doc *doc, size_t *ret_n)
{
	const char **names = NULL;
	size_t n = 0;

	*ret_n = 0;
	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];
		const char *name = plan_entry_file(e);

		/* Of headers several may count. */
		if (name && !plan_is_default(e, "header") &&
			keys_last(doc, e->section, "", e->key) != e)
			name = NULL;
		for (size_t k = 0; k < n && name; k++)
			if (str_eq(names[k], name))
				name = NULL;
		if (!name)
			continue;
		if (!names)
			names = calloc(doc->n_entries, sizeof(*names));
		if (!names)
			return NULL;
		names[n++] = name;
	}
	*ret_n = n;
	return names;
}

uint64_t plan_connection_limit(const struct plan *p)
{
	if (p->connections)
		return p->connections;
	return p->model == PLAN_CLOSED ? PLAN_AUTO_USERS : PLAN_AUTO_CONNECTIONS;
}

struct rate plan_peak_rate(const struct plan *p)
{
	struct rate peak = {0, 1};

	for (size_t i = 0; i < p->n_stages; i++) {
		struct rate r = p->stages[i].rate;

		if ((unsigned __int128)r.num * peak.den > (unsigned __int128)peak.num * r.den)
			peak = r;
	}
	return peak;
}
