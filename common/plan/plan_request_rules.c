/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a request that are valid by themselves and impossible together: a length that is not
 * that of the body, a check that no answer can pass. A run with these would only report as errors
 * what is known before it starts. Checked if the plan has no other problem. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/digest.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_request_values.h"
#include "common/plan/plan_files.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_requests.h"
#include "common/plan/plan_values.h"
#include "common/str.h"

/* The last entry of that key in the request's own section, else in [defaults]; for headers, the one
 * of that name (NULL: any). */
static const struct ini_entry *plan_judge_entry(const struct plan_input *in,
	const struct plan_request *r, const char *key, const char *header)
{
	const struct ini_entry *common = NULL, *own = NULL;
	const char *text;

	for (size_t i = 0; i < in->doc->n_entries; i++) {
		const struct ini_entry *e = &in->doc->entries[i];

		if (!str_eq(e->key, key) ||
			(header && (plan_split_header(e->value, &text) != strlen(header) ||
					   strncasecmp(e->value, header, strlen(header)) != 0)))
			continue;
		if (str_eq(e->section, "defaults"))
			common = e;
		else if (str_eq(e->section, "request") && str_eq(e->arg, r->name))
			own = e;
	}
	return own ? own : common;
}

/* " of request NAME" */
static const char *plan_judge_name(const struct plan_request *r, char text[static 96])
{
	text[0] = '\0';
	if (r->name[0])
		(void)snprintf(text, 96, " of request %s", r->name);
	return text;
}

/* A Content-Length that is not the length of the body would make two messages of one, or one of
 * two. */
static void plan_judge_length(const struct plan_input *in, const struct plan_request *r)
{
	static const char name[] = "content-length";
	const struct plan_header *h = plan_find_header(r, name);
	const struct ini_entry *e = plan_judge_entry(in, r, "header", name);
	const struct ini_entry *body = plan_judge_entry(in, r, "body", NULL);
	const struct plan_file *file = body ? plan_value_file(in, body->value) : NULL;
	char expected[24];

	if (!h || !e)
		return;
	(void)snprintf(expected, sizeof(expected), "%zu", r->body_len);
	if (r->chunk_bytes)
		problems_add(in->problems, e->file, e->line,
			"header Content-Length: a body that is chunked has none: leave it out");
	else if (!str_eq(h->value, expected) && (!file || file->data))
		problems_add(in->problems, e->file, e->line,
			"header Content-Length: %.40s, but the body has %s bytes: leave it out",
			h->value, expected);
}

/* The reason why no answer has content: RFC 9110 sections 9.3.2, 15.2.2, 15.3.5 and 15.4.5. NULL:
 * it may have some. */
static const char *plan_judge_empty(const struct plan_request *r)
{
	if (str_eq(r->method, "HEAD"))
		return "an answer to HEAD has no body";
	for (unsigned status = 200; status < 600; status++)
		if (plan_statuses_has(&r->expect_statuses, status) && status != 204 &&
			status != 304)
			return NULL;
	return "an answer of status 101, 204 or 304 has no body";
}

static bool plan_is_sha256_of_nothing(const struct plan_request *r)
{
	char hex[DIGEST_SHA256_HEX_SIZE];
	struct plan_request nothing = {0};

	digest_sha256_hex("", 0, hex);
	return !plan_parse_sha256(hex, &nothing, NULL) &&
	       memcmp(nothing.expect_sha256, r->expect_sha256, sizeof(r->expect_sha256)) == 0;
}

static void plan_judge_refuse(
	const struct plan_input *in, const struct plan_request *r, const char *key, const char *why)
{
	const struct ini_entry *e = plan_judge_entry(in, r, key, NULL);
	char name[96];

	if (e)
		problems_add(in->problems, e->file, e->line, "%s%s can never be met: %s", key,
			plan_judge_name(r, name), why);
}

/* Only 101 is expected, which a server may not send if no upgrade was requested (RFC 9110 section
 * 7.8). */
static bool plan_judge_is_impossible(const struct plan_request *r)
{
	for (unsigned status = 200; status < 600; status++)
		if (plan_statuses_has(&r->expect_statuses, status))
			return false;
	return !plan_find_header(r, "upgrade");
}

static void plan_judge_checks(const struct plan_input *in, const struct plan_request *r)
{
	const char *empty = plan_judge_empty(r);
	bool is_nothing = !r->has_expect_sha256 || plan_is_sha256_of_nothing(r);

	if (plan_judge_is_impossible(r))
		plan_judge_refuse(in, r, "expect-status",
			"101 answers only a request with the header Upgrade");
	if (empty && r->expect_body)
		plan_judge_refuse(in, r, "expect-body", empty);
	else if (r->expect_body && r->has_expect_size && r->expect_body_len > r->expect_size_max)
		plan_judge_refuse(in, r, "expect-body", "it is longer than expect-size allows");
	if (empty && r->has_expect_size && r->expect_size_min > 0)
		plan_judge_refuse(in, r, "expect-size", empty);
	if (empty && !is_nothing)
		plan_judge_refuse(in, r, "expect-sha256", empty);
	else if (!is_nothing && r->has_expect_size && r->expect_size_max == 0)
		plan_judge_refuse(
			in, r, "expect-sha256", "expect-size = 0 has another, that of no bytes");
}

/* Bytes sent after such a request may be read as the other protocol (RFC 9110 section 7.8). */
static void plan_judge_upgrade(const struct plan_input *in, const struct plan_request *r)
{
	const struct ini_entry *e = plan_judge_entry(in, r, "header", "upgrade");

	if (e && in->plan->pipeline > 1 && plan_find_header(r, "upgrade"))
		problems_add(in->problems, e->file, e->line,
			"header Upgrade: after status 101 a connection speaks another protocol, so "
			"nothing can be sent on it before the answer: pipeline = 1");
}

void plan_judge_requests(const struct plan_input *in)
{
	const struct plan *p = in->plan;

	for (size_t i = 0; i < p->n_requests; i++) {
		plan_judge_length(in, &p->requests[i]);
		plan_judge_checks(in, &p->requests[i]);
		plan_judge_upgrade(in, &p->requests[i]);
	}
}
