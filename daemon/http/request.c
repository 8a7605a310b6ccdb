/* SPDX-License-Identifier: Apache-2.0 */
/* A request as one string of bytes (RFC 9112 sections 2 and 3), made once before the run and sent
 * as it is, arrival after arrival, by every connection. Head and body are one piece, so that one
 * send is enough and no delayed acknowledgement can come between them.
 *
 * Host stands first (RFC 9110 section 7.2), then the defaults, then the plan's headers as they were
 * written, then what follows from the body and the connection. A header of the plan stands in
 * the place of our own, right or wrong: whoever writes one wants to send just that. Only a second
 * Host is left out, which every server has to refuse (RFC 9112 section 3.2). Pure. */
#include "daemon/http/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/plan.h"
#include "common/str.h"
#include "common/version.h"

static int request_put_header(struct buf *b, const char *name, const char *value)
{
	return buf_printf(b, "%s:%s%s\r\n", name, *value == '\0' ? "" : " ", value);
}

static int request_put_defaults(struct buf *b, const struct plan *plan, const char *run_id)
{
	const struct plan_header *host = plan_find_header(plan, "host");
	int r;

	r = request_put_header(b, "Host", host != NULL ? host->value : plan->url.authority);
	if (r == 0 && plan_find_header(plan, "user-agent") == NULL) {
		if (plan->user_agent != NULL)
			r = request_put_header(b, "User-Agent", plan->user_agent);
		else
			r = buf_printf(b, "User-Agent: rpsd/%s run=%s\r\n", RPSD_VERSION, run_id);
	}
	if (r == 0 && plan_find_header(plan, "accept") == NULL)
		r = buf_puts(b, "Accept: */*\r\n");
	return r;
}

static int request_put_own(struct buf *b, const struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->n_headers && r == 0; i++) {
		if (strcasecmp(plan->headers[i].name, "host") != 0)
			r = request_put_header(b, plan->headers[i].name, plan->headers[i].value);
	}
	return r;
}

/* Content-Length where there is content, and where the method makes a server expect some (RFC 9110
 * section 8.6). Never together with Transfer-Encoding (RFC 9112 section 6.2): then the plan's body
 * is in chunks already. */
static int request_put_framing(struct buf *b, const struct plan *plan)
{
	bool expects_body = str_eq(plan->method, "POST") || str_eq(plan->method, "PUT") ||
			    str_eq(plan->method, "PATCH");
	int r = 0;

	if ((plan->body_len > 0 || expects_body) &&
		plan_find_header(plan, "content-length") == NULL &&
		plan_find_header(plan, "transfer-encoding") == NULL)
		r = buf_printf(b, "Content-Length: %zu\r\n", plan->body_len);
	if (r == 0 && plan->reuse == PLAN_REUSE_NO && plan_find_header(plan, "connection") == NULL)
		r = buf_puts(b, "Connection: close\r\n");
	return r;
}

int request_init(struct request *ret, const struct plan *plan, const char *run_id)
{
	struct buf b = {0};
	int r;

	r = buf_printf(&b, "%s %s HTTP/1.1\r\n", plan->method, plan->url.path);
	if (r == 0)
		r = request_put_defaults(&b, plan, run_id);
	if (r == 0)
		r = request_put_own(&b, plan);
	if (r == 0)
		r = request_put_framing(&b, plan);
	if (r == 0)
		r = buf_puts(&b, "\r\n");
	if (r == 0)
		r = buf_append(&b, plan->body, plan->body_len);
	if (r < 0) {
		buf_fini(&b);
		return r;
	}
	*ret = (struct request){
		.bytes = b.data,
		.len = b.len,
		.is_head = str_eq(plan->method, "HEAD"),
	};
	return 0;
}

void request_fini(struct request *r)
{
	struct buf b = {.data = r->bytes, .len = r->len, .cap = r->len + 1};

	buf_fini(&b);
	*r = (struct request){0};
}
