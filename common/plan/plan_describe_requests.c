/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a plan as text, for plan_describe: a table of names, shares, methods and targets,
 * and under each the expectations for its answer if there are any beyond a status below 400. Of
 * headers and bodies only the existence is shown: they may be secrets. */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/plan/plan.h"
#include "common/plan/plan_requests.h"
#include "common/str.h"
#include "common/version.h"

#define PLAN_SIZE_TEXT 32

static double plan_weights(const struct plan *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->n_requests; i++)
		sum += (double)p->requests[i].weight;
	return sum;
}

/* ---- bytes ---- */

static bool plan_says_length(const struct plan_request *r)
{
	return r->body_len || str_eq(r->method, "POST") || str_eq(r->method, "PUT") ||
	       str_eq(r->method, "PATCH");
}

static uint64_t plan_chunk_bytes(const struct plan_request *r)
{
	uint64_t chunks = r->body_len / r->chunk_bytes;
	uint64_t rest = r->body_len % r->chunk_bytes;
	int whole = snprintf(NULL, 0, "%llx\r\n\r\n", (unsigned long long)r->chunk_bytes);
	int last = snprintf(NULL, 0, "%llx\r\n\r\n", (unsigned long long)rest);

	return chunks * (uint64_t)whole + (rest ? (uint64_t)last : 0) + strlen("0\r\n\r\n");
}

/* The run's id, which is part of User-Agent, is not known yet. */
static uint64_t plan_one_request_bytes(const struct plan *p, const struct plan_request *r)
{
	uint64_t n =
		strlen(r->method) + strlen(r->target) + strlen("  HTTP/1.1\r\n\r\n") + r->body_len;

	if (!plan_find_header(r, "host"))
		n += strlen("Host: \r\n") + strlen(p->url.authority);
	if (!plan_find_header(r, "user-agent"))
		n += strlen("User-Agent: rpsd/" RPSD_VERSION " run=-1\r\n") + strlen(p->name);
	if (!plan_find_header(r, "accept"))
		n += strlen("Accept: */*\r\n");
	for (size_t i = 0; i < r->n_headers; i++)
		n += strlen(r->headers[i].name) + strlen(r->headers[i].value) + strlen(": \r\n");
	if (r->chunk_bytes)
		n += strlen("Transfer-Encoding: chunked\r\n") + plan_chunk_bytes(r);
	else if (plan_says_length(r) && !plan_find_header(r, "content-length"))
		n += (uint64_t)snprintf(NULL, 0, "Content-Length: %zu\r\n", r->body_len);
	return n;
}

double plan_request_bytes(const struct plan *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->n_requests; i++)
		sum += (double)p->requests[i].weight *
		       (double)plan_one_request_bytes(p, &p->requests[i]);
	return sum / plan_weights(p);
}

/* ---- checks ---- */

/* "200-399,500" */
static int plan_put_statuses(const struct plan_statuses *s, struct buf *b)
{
	bool is_first = true;
	int r = 0;

	for (unsigned low = 100; low < 600 && !r; low++) {
		unsigned high = low;

		if (!plan_statuses_has(s, low))
			continue;
		while (high < 599 && plan_statuses_has(s, high + 1))
			high++;
		r = buf_printf(b, "%s%u", is_first ? "" : ",", low);
		if (!r && high > low)
			r = buf_printf(b, "-%u", high);
		is_first = false;
		low = high;
	}
	return r;
}

static bool plan_is_any_good_status(const struct plan_statuses *s)
{
	for (unsigned status = 100; status < 600; status++)
		if (plan_statuses_has(s, status) != (status >= 200 && status < 400))
			return false;
	return true;
}

static const char *plan_size(uint64_t bytes, char text[static PLAN_SIZE_TEXT])
{
	unsigned long long n = bytes;

	if (n && n % (1u << 20) == 0)
		(void)snprintf(text, PLAN_SIZE_TEXT, "%llu MiB", n >> 20);
	else if (n && n % (1u << 10) == 0)
		(void)snprintf(text, PLAN_SIZE_TEXT, "%llu KiB", n >> 10);
	else
		(void)snprintf(text, PLAN_SIZE_TEXT, "%llu byte%s", n, n == 1 ? "" : "s");
	return text;
}

static int plan_put_size(const struct plan_request *r, struct buf *b)
{
	char min[PLAN_SIZE_TEXT], max[PLAN_SIZE_TEXT];

	if (r->expect_size_min == r->expect_size_max)
		return buf_printf(b, "%s", plan_size(r->expect_size_min, min));
	if (r->expect_size_max == UINT64_MAX)
		return buf_printf(b, "at least %s", plan_size(r->expect_size_min, min));
	if (r->expect_size_min == 0)
		return buf_printf(b, "at most %s", plan_size(r->expect_size_max, max));
	return buf_printf(b, "%s to %s", plan_size(r->expect_size_min, min),
		plan_size(r->expect_size_max, max));
}

/* In other INI dialects the quotes would not be part of the value. */
static const char *plan_say_quotes(const char *text, size_t len)
{
	bool is_quoted = len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text;

	return is_quoted ? " (quotes included)" : "";
}

static int plan_put_checks(const struct plan_request *p, struct buf *b)
{
	char text[PLAN_SIZE_TEXT];
	int r = 0;

	if (!plan_is_any_good_status(&p->expect_statuses)) {
		r = buf_puts(b, ", status ");
		if (!r)
			r = plan_put_statuses(&p->expect_statuses, b);
	}
	for (size_t i = 0; i < p->n_expect_headers && !r; i++)
		r = buf_printf(b, ", header %s", p->expect_headers[i].name);
	if (!r && p->has_expect_size) {
		r = buf_puts(b, ", ");
		if (!r)
			r = plan_put_size(p, b);
	}
	if (!r && p->expect_body)
		r = buf_printf(b, ", a text of %s%s in the body",
			plan_size(p->expect_body_len, text),
			plan_say_quotes(p->expect_body, p->expect_body_len));
	if (!r && p->has_expect_sha256)
		r = buf_printf(b, ", SHA-256 %02x%02x%02x%02x...", p->expect_sha256[0],
			p->expect_sha256[1], p->expect_sha256[2], p->expect_sha256[3]);
	return r;
}

/* The headers and the body. */
static int plan_put_content(const struct plan_request *p, struct buf *b)
{
	char body[PLAN_SIZE_TEXT], chunk[PLAN_SIZE_TEXT];
	int r = 0;

	if (plan_find_header(p, "authorization"))
		r = buf_puts(b, ", Authorization");
	if (!r && p->body_len)
		r = buf_printf(b, ", body of %s%s", plan_size(p->body_len, body),
			plan_say_quotes(p->body, p->body_len));
	if (!r && p->chunk_bytes)
		r = buf_printf(b, " in chunks of %s", plan_size(p->chunk_bytes, chunk));
	return r;
}

/* Appends before and the text without its leading comma, unless the text is empty. */
static int plan_put_line(const char *before, const struct buf *text, struct buf *b)
{
	return text->len ? buf_printf(b, "%s%s\n", before, text->data + strlen(", ")) : 0;
}

/* ---- the lines ---- */

static int plan_describe_details(
	const struct plan_request *p, const char *sends, const char *expects, struct buf *b)
{
	struct buf content = {0}, checks = {0};
	int r = plan_put_content(p, &content);

	if (!r)
		r = plan_put_checks(p, &checks);
	if (!r)
		r = plan_put_line(sends, &content, b);
	if (!r)
		r = plan_put_line(expects, &checks, b);
	buf_fini(&content);
	buf_fini(&checks);
	return r;
}

/* "80 %", "33.3 %", "below 0.1 %" */
static const char *plan_share(double share, char text[static 16])
{
	double percent = share * 100;

	if (percent < 0.1)
		return "<0.1%";
	(void)snprintf(text, 16, "%.1f", percent);
	if (str_ends(text, ".0"))
		text[strlen(text) - 2] = '\0';
	(void)strcat(text, "%");
	return text;
}

int plan_describe_requests(const struct plan *p, struct buf *b)
{
	double sum = plan_weights(p);
	size_t name_width = 0, method_width = 0;
	int r = 0;

	if (!plan_n_named(p))
		return plan_describe_details(p->requests, "  with         ", "  expects      ", b);
	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *q = &p->requests[i];

		name_width = strlen(q->name) > name_width ? strlen(q->name) : name_width;
		method_width = strlen(q->method) > method_width ? strlen(q->method) : method_width;
	}
	for (size_t i = 0; i < p->n_requests && !r; i++) {
		const struct plan_request *q = &p->requests[i];
		char share[16];

		r = buf_printf(b, "  %-12s %-*s %6s  %-*s %s\n", i ? "" : "requests",
			(int)name_width, q->name, plan_share((double)q->weight / sum, share),
			(int)method_width, q->method, q->target);
		if (!r)
			r = plan_describe_details(
				q, "                 with ", "                 expects ", b);
	}
	return r;
}
