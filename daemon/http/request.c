/* SPDX-License-Identifier: Apache-2.0 */
/* A request as one string of bytes (RFC 9112 sections 2, 3 and 7.1), made once before the run and
 * sent as it is, arrival after arrival, by every connection. Head and body are one piece, so that
 * one send is enough and no delayed acknowledgement can come between them.
 *
 * Host comes first (RFC 9110 section 7.2), then the defaults, then the plan's headers as they were
 * written, then those that depend on the body and the connection. A header of the plan replaces the
 * default, right or wrong: a user who writes one wants to send just that. Only a second Host is
 * left out, which every server has to refuse (RFC 9112 section 3.2). Pure. */
#include "daemon/http/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "common/version.h"
#include "daemon/http/http1.h"

static int request_put_header(struct buf *b, const char *name, const char *value)
{
	return buf_printf(b, "%s:%s%s\r\n", name, *value == '\0' ? "" : " ", value);
}

static int request_put_defaults(struct buf *b, const struct plan *plan,
	const struct plan_request *request, const char *run_id)
{
	const struct plan_header *host = plan_find_header(request, "host");
	int r;

	r = request_put_header(b, "Host", host != NULL ? host->value : plan->url.authority);
	if (r == 0 && plan_find_header(request, "user-agent") == NULL)
		r = buf_printf(b, "User-Agent: rpsd/%s run=%s\r\n", RPSD_VERSION, run_id);
	if (r == 0 && plan_find_header(request, "accept") == NULL)
		r = buf_puts(b, "Accept: */*\r\n");
	return r;
}

static int request_put_own(struct buf *b, const struct plan_request *request)
{
	int r = 0;

	for (size_t i = 0; i < request->n_headers && r == 0; i++) {
		const struct plan_header *h = &request->headers[i];

		if (strcasecmp(h->name, "host") != 0)
			r = request_put_header(b, h->name, h->value);
	}
	return r;
}

/* A Content-Length in the plan also disables chunks. */
static bool request_is_chunked(const struct plan_request *request)
{
	return request->chunk_bytes > 0 && plan_find_header(request, "content-length") == NULL;
}

/* Adds Content-Length if there is content, or if the method makes a server expect some (RFC 9110
 * section 8.6). Never together with Transfer-Encoding (RFC 9112 section 6.2). */
static int request_put_framing(struct buf *b, const struct plan_request *request, bool closes)
{
	bool expects_body = str_eq(request->method, "POST") || str_eq(request->method, "PUT") ||
			    str_eq(request->method, "PATCH");
	bool is_framed = plan_find_header(request, "content-length") != NULL ||
			 plan_find_header(request, "transfer-encoding") != NULL;
	int r = 0;

	if (!is_framed && request_is_chunked(request))
		r = buf_puts(b, "Transfer-Encoding: chunked\r\n");
	else if (!is_framed && (request->body_len > 0 || expects_body))
		r = buf_printf(b, "Content-Length: %zu\r\n", request->body_len);
	if (r == 0 && closes && plan_find_header(request, "connection") == NULL)
		r = buf_puts(b, "Connection: close\r\n");
	return r;
}

/* The body in chunks, the last of them empty (RFC 9112 section 7.1). */
static int request_put_chunks(struct buf *b, const struct plan_request *request)
{
	size_t n;
	int r = 0;

	for (size_t at = 0; at < request->body_len && r == 0; at += n) {
		n = request->body_len - at;
		if (n > request->chunk_bytes)
			n = (size_t)request->chunk_bytes;
		r = buf_printf(b, "%zx\r\n", n);
		if (r == 0)
			r = buf_append(b, request->body + at, n);
		if (r == 0)
			r = buf_puts(b, "\r\n");
	}
	if (r == 0)
		r = buf_puts(b, "0\r\n\r\n");
	return r;
}

static int request_make(const struct plan *plan, const struct plan_request *request, bool closes,
	const char *run_id, struct buf *ret)
{
	struct buf b = {0};
	int r;

	r = buf_printf(&b, "%s %s HTTP/1.1\r\n", request->method, request->target);
	if (r == 0)
		r = request_put_defaults(&b, plan, request, run_id);
	if (r == 0)
		r = request_put_own(&b, request);
	if (r == 0)
		r = request_put_framing(&b, request, closes);
	if (r == 0)
		r = buf_puts(&b, "\r\n");
	if (r == 0 && request_is_chunked(request))
		r = request_put_chunks(&b, request);
	else if (r == 0)
		r = buf_append(&b, request->body, request->body_len);
	if (r < 0) {
		buf_fini(&b);
		return r;
	}
	*ret = b;
	return 0;
}

static bool request_is_idempotent(const char *method)
{
	static const char *const all[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (str_eq(method, all[i]))
			return true;
	return false;
}

/* A request with Upgrade asks for the protocol that it names (RFC 9110 section 7.8). */
static unsigned request_asks(const struct plan_request *request)
{
	unsigned asked = str_eq(request->method, "HEAD") ? HTTP1_ASKED_HEAD : 0;

	return plan_find_header(request, "upgrade") ? asked | HTTP1_ASKED_UPGRADE : asked;
}

int request_init(struct request *ret, const struct plan *plan, size_t index, const char *run_id)
{
	const struct plan_request *request = &plan->requests[index];
	bool closes = plan->reuse == PLAN_REUSE_NO;
	struct buf b = {0}, last = {0};
	int r;

	r = request_make(plan, request, closes, run_id, &b);
	if (r == 0 && plan->requests_per_connection > 0 && !closes)
		r = request_make(plan, request, true, run_id, &last);
	if (r < 0) {
		buf_fini(&b);
		return r;
	}
	*ret = (struct request){
		.plan = request,
		.bytes = b.data,
		.len = b.len,
		.last_bytes = last.data,
		.last_len = last.len,
		.asked = request_asks(request),
		.is_idempotent = request_is_idempotent(request->method),
	};
	return 0;
}

void request_fini(struct request *r)
{
	struct buf b = {.data = r->bytes, .len = r->len, .cap = r->len + 1};
	struct buf last = {.data = r->last_bytes, .len = r->last_len, .cap = r->last_len + 1};

	buf_fini(&b);
	buf_fini(&last);
	*r = (struct request){0};
}
