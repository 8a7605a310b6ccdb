/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as text, for `rpsctl check` and --dry-run: the requests, the duration, the resources
 * needed on this machine, and the highest percentile for which the sample is large enough. There is
 * one function for each line, in the order of the output; a line without content is left out. */
#include "common/plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/stats/confidence.h"
#include "common/figure.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_requests.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_describe_parts.h"

/* A worker has an epoll descriptor, the eventfd of its mailbox and two timerfds. */

/* Their minimum sample sizes are confidence_least_n: from there on the largest value lies above the
 * quantile. */
static const struct {
	const char *name;
	double q;
} plan_samples[] = {
	{"p50", 0.5},
	{"p90", 0.9},
	{"p95", 0.95},
	{"p99", 0.99},
	{"p99.9", 0.999},
	{"p99.99", 0.9999},
};
#define PLAN_SAMPLE_P99 3
#define PLAN_CONFIDENCE_USUAL 95

static bool plan_counts_arrivals(const struct plan *p)
{
	return p->model == PLAN_OPEN || p->n_arrivals;
}

/* The destination of connections, if it is more than the URL tells; one line for each item. */
static int plan_describe_target(const struct plan *p, struct buf *b)
{
	static const char *const addresses[] = {
		[PLAN_ADDRESSES_FIRST] = "the first address that answers",
		[PLAN_ADDRESSES_V4] = "IPv4 addresses only",
		[PLAN_ADDRESSES_V6] = "IPv6 addresses only",
	};
	const char *lead = "  target       ";
	int r = 0;

	if (p->connect_to) {
		r = buf_printf(b, "%sconnects to %s\n", lead, p->connect_to);
		lead = PLAN_INDENT;
	}
	if (!r && p->addresses != PLAN_ADDRESSES_ALL) {
		r = buf_printf(b, "%s%s\n", lead, addresses[p->addresses]);
		lead = PLAN_INDENT;
	}
	if (!r && p->dns_ns) {
		r = buf_printf(
			b, "%slooked up every %s\n", lead, figure_exact_time(p->dns_ns).text);
		lead = PLAN_INDENT;
	}
	if (!r && p->n_sources)
		r = buf_printf(b, "%sfrom %s source address%s\n", lead,
			figure_count(p->n_sources).text, p->n_sources == 1 ? "" : "es");
	return r;
}

static int plan_describe_tls(const struct plan *p, struct buf *b)
{
	/* Indexed by the lowest and the highest version: auto, 1.2, 1.3. */
	static const char *const versions[3][3] = {
		{"", ", TLS 1.2 alone", ", up to TLS 1.3"},
		{", TLS 1.2 and later", ", TLS 1.2 alone", ", TLS 1.2 to 1.3"},
		{", TLS 1.3 and later", "", ", TLS 1.3 alone"},
	};
	int r;

	if (!p->url.tls)
		return 0;
	if (!p->tls_verify)
		r = buf_puts(b, "  tls          certificate NOT verified");
	else
		r = buf_printf(b, "  tls          certificate verified for %s by %s",
			p->tls_server_name,
			p->tls_ca.name ? p->tls_ca.name : "the system's authorities");
	if (!r)
		r = buf_puts(b, versions[p->tls_min_version][p->tls_max_version]);
	if (!r && p->tls_certificate.name)
		r = buf_printf(b, ", client certificate %s", p->tls_certificate.name);
	if (!r && !p->tls_resume)
		r = buf_puts(b, ", no session is resumed");
	if (!r && p->tls_ciphers)
		r = buf_printf(b, "\n" PLAN_INDENT "ciphers %s", p->tls_ciphers);
	if (!r && p->tls_ciphersuites)
		r = buf_printf(b, "\n" PLAN_INDENT "cipher suites %s", p->tls_ciphersuites);
	return r ? r : buf_puts(b, "\n");
}

static int plan_describe_load(const struct plan *p, struct buf *b)
{
	int r;

	if (p->model == PLAN_CLOSED) {
		uint64_t users = plan_users(p);

		r = buf_printf(b, "  load         closed model, %s %s, each waits for its answer",
			figure_count(users).text, users == 1 ? "user" : "users");
		if (!r && p->think_ns)
			r = buf_printf(b, " and then %s", figure_exact_time(p->think_ns).text);
		if (!r && p->pipeline > 1)
			r = buf_printf(b,
				"\n" PLAN_INDENT "%s of them share a connection, pipelined",
				figure_count(p->pipeline).text);
		return r ? r : buf_puts(b, "\n");
	}
	return plan_describe_stages(p, b);
}

static int plan_describe_length(const struct plan *p, struct buf *b)
{
	int r;

	if (p->duration_ns == CLOCK_NEVER)
		r = buf_printf(b, "  lasts        until %s request%s sent",
			figure_count(p->n_arrivals).text, p->n_arrivals == 1 ? " is" : "s are");
	else
		r = buf_printf(b, "  lasts        %s", figure_exact_time(p->duration_ns).text);
	if (!r && plan_warmup_ns(p))
		r = buf_printf(b, ", warm-up %s before", figure_exact_time(plan_warmup_ns(p)).text);
	if (!r && p->cooldown_ns)
		r = buf_printf(b, ", cooldown %s after", figure_exact_time(p->cooldown_ns).text);
	if (!r && p->drain_ns)
		r = buf_printf(b, "%sthen at most %s for missing answers",
			p->cooldown_ns || plan_warmup_ns(p) ? "\n" PLAN_INDENT : "; ",
			figure_exact_time(p->drain_ns).text);
	return r ? r : buf_puts(b, "\n");
}

static int plan_describe_sends(const struct plan *p, struct buf *b)
{
	double each = plan_request_bytes(p);
	uint64_t outside = plan_outside_count(p);
	double sum = each * (double)plan_count(p);
	const char *average = p->n_requests > 1 ? " on average" : "";
	struct figure bytes;
	int r;

	bytes = figure_count((int64_t)(each + 0.5));
	if (!plan_counts_arrivals(p))
		return buf_printf(b,
			"  sends        as many requests as are answered, about %s bytes each%s\n",
			bytes.text, average);
	r = buf_printf(b, "  sends        %s request%s, about %s bytes each%s, %s in all\n",
		figure_count(plan_count(p)).text, plan_count(p) == 1 ? "" : "s", bytes.text,
		average, figure_count(sum >= 1e18 ? INT64_MAX : (int64_t)(sum + 0.5)).text);
	if (r || !outside)
		return r;
	return buf_printf(
		b, PLAN_INDENT "plus %s in warm-up and cooldown\n", figure_count(outside).text);
}

/* The limits of one connection, if there are any. */
static int plan_describe_connection(const struct plan *p, struct buf *b)
{
	const char *lead = PLAN_INDENT "each ";
	int r = 0;

	if (p->requests_per_connection) {
		r = buf_printf(b, "%sfor %s request%s", lead,
			figure_count(p->requests_per_connection).text,
			p->requests_per_connection == 1 ? "" : "s");
		lead = ", ";
	}
	if (!r && p->pipeline > 1) {
		r = buf_printf(b, "%sup to %s at a time", lead, figure_count(p->pipeline).text);
		lead = ", ";
	}
	if (!r && p->max_age_ns) {
		r = buf_printf(b, "%sclosed after %s", lead, figure_exact_time(p->max_age_ns).text);
		lead = ", ";
	}
	if (!r && p->close == PLAN_CLOSE_RST) {
		r = buf_printf(b, "%sclosed by a reset", lead);
		lead = ", ";
	}
	return r || lead[0] == ' ' ? r : buf_puts(b, "\n");
}

static int plan_describe_connections(const struct plan *p, struct buf *b)
{
	static const char *const exhausted[] = {
		[PLAN_GROW] = "opened as needed",
		[PLAN_QUEUE] = "arrivals wait for a free one",
		[PLAN_DROP] = "arrivals without a free one are dropped",
	};
	static const char *const reuse[] = {
		[PLAN_REUSE_LIFO] = "kept alive",
		[PLAN_REUSE_ROTATE] = "kept alive, used in turn",
		[PLAN_REUSE_NO] = "one for each request",
	};
	bool opens_first = plan_is_fixed_pool(p) && p->reuse != PLAN_REUSE_NO;
	bool grows = p->model == PLAN_OPEN && p->exhausted == PLAN_GROW && !opens_first;
	bool says_exhausted = p->model == PLAN_OPEN && (grows || p->exhausted != PLAN_GROW);
	int r;

	r = buf_printf(b, "  connections  %s%s, %s%s%s%s, %s new at most\n", grows ? "up to " : "",
		figure_count(plan_connection_limit(p)).text, reuse[p->reuse],
		opens_first ? ", opened before the start" : "", says_exhausted ? ", " : "",
		says_exhausted ? exhausted[p->exhausted] : "",
		figure_exact_rate(p->open_rate).text);
	return r ? r : plan_describe_connection(p, b);
}

static int plan_describe_timeouts(const struct plan *p, struct buf *b)
{

	return buf_printf(b, "  timeouts     connect %s, request %s from its planned instant%s\n",
		figure_exact_time(p->connect_timeout_ns).text,
		figure_exact_time(p->request_timeout_ns).text,
		p->timeout_soft ? "\n" PLAN_INDENT
				  "soft: late answers are counted and still awaited"
				: "");
}

/* The pacing, if it is not the default. */
static int plan_describe_pacing(const struct plan *p, struct buf *b)
{
	int r;

	if (p->model == PLAN_CLOSED ||
		(p->pacing_mode == PLAN_PACING_TIMER && p->pacing_gap_ns < 0))
		return 0;
	if (p->pacing_mode == PLAN_PACING_SPIN)
		return buf_puts(b, "  pacing       spin: never sleeps, one CPU for each worker\n");
	r = buf_puts(b, "  pacing       timer");
	if (!r && p->pacing_mode == PLAN_PACING_HYBRID)
		r = buf_printf(b, ", %s early, and a spin for the rest",
			figure_exact_time(p->pacing_spin_ns).text);
	if (!r && p->pacing_gap_ns >= 0)
		r = buf_printf(b, ", gap %s", figure_exact_time(p->pacing_gap_ns).text);
	return r ? r : buf_puts(b, "\n");
}

static int plan_describe_slice(const struct plan *p, struct buf *b)
{
	char date[32];
	time_t s = p->at_unix_ns / NSEC_PER_SEC;
	struct tm tm;
	int r = 0;

	if (p->slice_of > 0)
		r = buf_printf(b,
			"  slice        %u of %u: one of %u of these requests, from number %u on\n",
			p->slice_index, p->slice_of, p->slice_of, p->slice_index);
	if (!r && p->slice_of > 1 && p->at_unix_ns == 0)
		r = buf_puts(b, "  starts       as soon as it can, apart from the other slices\n");
	if (r || p->at_unix_ns == 0 || !gmtime_r(&s, &tm))
		return r;
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return buf_printf(b, "  starts       %s.%03dZ\n", date,
		(int)(p->at_unix_ns % NSEC_PER_SEC / NSEC_PER_MSEC));
}

/* Which request is next, where that is not drawn. */
static int plan_describe_order(const struct plan *p, struct buf *b)
{
	if (p->n_requests < 2 || p->order != PLAN_SEQUENCE)
		return 0;
	return buf_puts(b, "  order        in turn, each as often in a row as its weight\n");
}

/* The seed, if anything is random. */
static int plan_describe_seed(const struct plan *p, struct buf *b)
{
	bool spacing = p->model == PLAN_OPEN && p->arrivals != PLAN_CONSTANT;
	bool choice = p->n_requests > 1 && p->order == PLAN_RANDOM;

	if (!spacing && !choice)
		return 0;
	return buf_printf(b, "  seed         %llu, of %s%s%s\n", (unsigned long long)p->seed,
		spacing ? "the spacing" : "", spacing && choice ? " and " : "",
		choice ? "the choice of requests" : "");
}

static int plan_describe_needs(const struct plan *p, struct buf *b)
{
	uint64_t workers = p->workers ? p->workers : 1;

	int r = buf_printf(b, "  needs        %s descriptors beside those of rpsd itself",
		figure_count((int64_t)plan_descriptors(p, plan_connection_limit(p), workers)).text);

	if (r == 0 && !p->workers)
		r = buf_printf(b, "; %d more for each\n               worker above one",
			PLAN_DESCRIPTORS_PER_WORKER);
	return r ? r : buf_puts(b, "\n");
}

static uint64_t plan_sample(const struct plan *p, size_t i)
{
	return (uint64_t)confidence_least_n(plan_samples[i].q, p->confidence);
}

static int plan_describe_sample(const struct plan *p, struct buf *b)
{
	const size_t n = sizeof(plan_samples) / sizeof(*plan_samples);
	uint64_t count = plan_count(p);
	size_t i = 0;
	int r;

	if (!plan_counts_arrivals(p))
		return buf_printf(b,
			"  enough for   depends on the answers: p99 takes %s of them\n",
			figure_count(plan_sample(p, PLAN_SAMPLE_P99)).text);
	while (i < n && count >= plan_sample(p, i))
		i++;
	if (i)
		r = buf_printf(b, "  enough for   %s (needs %s independent requests)",
			plan_samples[i - 1].name, figure_count(plan_sample(p, i - 1)).text);
	else
		r = buf_puts(b, "  enough for   no percentile");
	if (!r && i < n)
		r = buf_printf(b, "; %s takes %s", plan_samples[i].name,
			figure_count(plan_sample(p, i)).text);
	if (!r && p->confidence_percent != PLAN_CONFIDENCE_USUAL)
		r = buf_printf(b, "\n" PLAN_INDENT "at %llu %% confidence",
			(unsigned long long)p->confidence_percent);
	return r ? r : buf_puts(b, "\n");
}

/* Intervals are computed from batches of time. */
static int plan_describe_batches(const struct plan *p, struct buf *b)
{
	const int64_t least_ns = CONFIDENCE_BATCHES_LEAST * CONFIDENCE_BATCH_NS;

	if (p->duration_ns >= least_ns)
		return 0;
	return buf_printf(b, PLAN_INDENT "too short for confidence intervals: they take %s\n",
		figure_exact_time(least_ns).text);
}

static int plan_describe_labels(const struct plan *p, struct buf *b)
{
	int r = 0;

	for (size_t i = 0; i < p->n_labels && !r; i++)
		r = buf_printf(b, "  %-12s %s=%s\n", i ? "" : "labels", p->labels[i].name,
			p->labels[i].text);
	return r;
}

/* "  (takes 2,995 requests)", where a percentile of the run has fewer; "": it has enough, or that
 * depends on the answers. Of an abort-if, that the run ends before it is looked at. */
static struct figure plan_lacks(const struct plan *p, const struct plan_threshold *t)
{
	struct figure f = {""};
	double least;

	if (t->is_abort && t->rule.over_ns + t->rule.after_ns > p->duration_ns)
		(void)snprintf(f.text, sizeof(f.text), "  (never: the run is shorter)");
	if (t->is_abort || t->rule.scope != RULE_OF_RUN || !plan_counts_arrivals(p) ||
		!rule_metrics[t->rule.metric].is_of_planned || t->rule.stat != RULE_QUANTILE)
		return f;
	least = confidence_least_n(t->rule.percent / 100, p->confidence);
	if ((double)plan_count(p) < least)
		(void)snprintf(f.text, sizeof(f.text), "  (takes %.26s requests)",
			figure_count((int64_t)least).text);
	return f;
}

static int plan_describe_rules(const struct plan *p, struct buf *b)
{
	char text[RULE_TEXT_MAX];
	int r = 0;

	for (size_t i = 0; i < p->n_thresholds && !r; i++) {
		const struct plan_threshold *t = &p->thresholds[i];
		bool is_next = i > 0 && t->is_abort == t[-1].is_abort;

		rule_format(&t->rule, text, sizeof(text));
		r = buf_printf(b, "  %-12s %s%s\n",
			is_next	      ? ""
			: t->is_abort ? "abort if"
				      : "require",
			text, plan_lacks(p, t).text);
	}
	return r;
}

int plan_describe(const struct plan *p, struct buf *ret)
{
	static int (*const lines[])(const struct plan *, struct buf *) = {
		plan_describe_requests,
		plan_describe_target,
		plan_describe_tls,
		plan_describe_load,
		plan_describe_length,
		plan_describe_sends,
		plan_describe_slice,
		plan_describe_connections,
		plan_describe_timeouts,
		plan_describe_pacing,
		plan_describe_order,
		plan_describe_seed,
		plan_describe_needs,
		plan_describe_sample,
		plan_describe_batches,
		plan_describe_rules,
		plan_describe_labels,
	};
	struct buf b = {0};
	int r;

	if (p->n_requests > 1)
		r = buf_printf(&b, "%s: %zu requests to %s\n", p->name, p->n_requests, p->url.text);
	else
		r = buf_printf(&b, "%s: %s %s\n", p->name, p->requests[0].method, p->url.text);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines) && !r; i++)
		r = lines[i](p, &b);
	if (!r)
		r = buf_append(ret, b.data, b.len);
	buf_fini(&b);
	return r;
}
