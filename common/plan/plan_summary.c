/* SPDX-License-Identifier: Apache-2.0 */
/* A plan in one line, for lists of runs: model, rate or users, and length. The details
 * (connections, timeouts, requests) are in plan_describe. */
#include "common/plan/plan.h"

#include "common/buf.h"
#include "common/plan/plan_connections.h"

static int plan_summarize_load(const struct plan *p, struct buf *b)
{
	uint64_t users = plan_users(p);
	char rate[UNITS_TEXT_MAX];

	if (p->model == PLAN_CLOSED)
		return buf_printf(
			b, "closed, %llu user%s", (unsigned long long)users, users == 1 ? "" : "s");
	units_format_rate(plan_peak_rate(p), rate, sizeof(rate));
	if (p->n_stages > 1)
		return buf_printf(b, "open, %zu stages up to %s", p->n_stages, rate);
	if (p->stages[0].kind != PLAN_HOLD)
		return buf_printf(b, "open, up to %s", rate);
	return buf_printf(b, "open %s", rate);
}

static int plan_summarize_time(const char *before, int64_t ns, struct buf *b)
{
	char text[UNITS_TEXT_MAX];

	if (ns == 0)
		return 0;
	units_format_time(ns, text, sizeof(text));
	return buf_printf(b, "%s%s", before, text);
}

int plan_summary(const struct plan *p, struct buf *ret)
{
	size_t before = ret->len;
	int r = plan_summarize_load(p, ret);

	if (r == 0 && p->n_arrivals)
		r = buf_printf(ret, ", %llu request%s", (unsigned long long)p->n_arrivals,
			p->n_arrivals == 1 ? "" : "s");
	else if (r == 0)
		r = plan_summarize_time(" for ", p->duration_ns, ret);
	if (r == 0)
		r = plan_summarize_time(", warm-up ", plan_warmup_ns(p), ret);
	if (r == 0)
		r = plan_summarize_time(", cooldown ", p->cooldown_ns, ret);
	if (r == 0 && p->arrivals != PLAN_CONSTANT)
		r = buf_puts(ret, p->arrivals == PLAN_POISSON ? ", Poisson" : ", jittered");
	if (r == 0 && p->n_requests > 1)
		r = buf_printf(ret, ", %zu kinds of requests", p->n_requests);
	if (r == 0 && p->url.tls)
		r = buf_puts(ret, p->tls_verify ? ", TLS" : ", TLS, certificate NOT verified");
	if (r < 0 && ret->data) {
		ret->len = before;
		ret->data[before] = '\0';
	}
	return r;
}
