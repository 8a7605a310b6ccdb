/* SPDX-License-Identifier: Apache-2.0 */
/* The totals of a worker as a value: made, added up, ended. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/stats.h"

const char *const stats_histogram_names[STATS_HISTOGRAM_COUNT] = {
	[STATS_RESPONSE] = "response",
	[STATS_SERVICE] = "service",
	[STATS_LESS_OURS] = "response_less_ours",
	[STATS_OUR_DELAY] = "our_delay",
	[STATS_CONNECTION_WAIT] = "connection_wait",
	[STATS_FIRST_BYTE] = "first_byte",
	[STATS_SEND_STALL] = "send_stall",
	[STATS_RX_SLACK] = "rx_slack",
	[STATS_CONNECT] = "connect",
	[STATS_TLS] = "tls",
	[STATS_FAILED] = "failed",
	[STATS_UNSERVED_AGE] = "unserved_age",
};

const char *const stats_request_histogram_names[STATS_REQUEST_HISTOGRAM_COUNT] = {
	[STATS_REQUEST_RESPONSE] = "response",
	[STATS_REQUEST_SERVICE] = "service",
	[STATS_REQUEST_FIRST_BYTE] = "first_byte",
	[STATS_REQUEST_FAILED] = "failed",
};

static int stats_request_init(struct stats_request *request)
{
	int r = 0;

	for (int i = 0; i < STATS_REQUEST_HISTOGRAM_COUNT && r == 0; i++)
		r = histogram_init(&request->histograms[i], HISTOGRAM_RUN_LOWEST,
			HISTOGRAM_HIGHEST_NS, HISTOGRAM_RUN_DIGITS);
	return r;
}

static struct histogram stats_stage_histogram(const struct histogram *like, uint64_t **slots)
{
	struct histogram h = *like;

	h.slots = *slots;
	*slots += h.n_slots;
	return h;
}

/* A plan may have 1,000 stages, and each worker has two histograms for each. Their slots are one
 * block, since a large block takes no memory where no value falls; a small one would be cleared. */
static int stats_stages_init(struct stats_totals *t, size_t n)
{
	struct histogram like;
	uint64_t *slots;
	int r = histogram_init(
		&like, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS);

	if (r < 0)
		return r;
	slots = t->_stage_slots = calloc(2 * n, like.n_slots * sizeof(*slots));
	t->stages = calloc(n, sizeof(*t->stages));
	t->n_stages = slots && t->stages ? n : 0;
	for (size_t i = 0; i < t->n_stages; i++) {
		t->stages[i].response = stats_stage_histogram(&like, &slots);
		t->stages[i].our_delay = stats_stage_histogram(&like, &slots);
	}
	histogram_fini(&like);
	return t->n_stages == n ? 0 : -ENOMEM;
}

int stats_totals_init(struct stats_totals *t, size_t n_requests, size_t n_stages)
{
	int r = 0;

	*t = (struct stats_totals){0};
	for (int i = 0; i < STATS_HISTOGRAM_COUNT && r == 0; i++)
		r = histogram_init(&t->histograms[i], HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
			HISTOGRAM_RUN_DIGITS);
	if (r == 0 && n_requests > 0) {
		t->requests = calloc(n_requests, sizeof(*t->requests));
		r = t->requests ? 0 : -ENOMEM;
		t->n_requests = t->requests ? n_requests : 0;
	}
	for (size_t i = 0; i < t->n_requests && r == 0; i++)
		r = stats_request_init(&t->requests[i]);
	if (r == 0 && n_stages > 0)
		r = stats_stages_init(t, n_stages);
	if (r < 0)
		stats_totals_fini(t);
	return r;
}

void stats_totals_fini(struct stats_totals *t)
{
	for (size_t i = 0; i < t->n_requests; i++)
		for (int h = 0; h < STATS_REQUEST_HISTOGRAM_COUNT; h++)
			histogram_fini(&t->requests[i].histograms[h]);
	free(t->requests);
	t->requests = NULL;
	t->n_requests = 0;
	free(t->_stage_slots);
	t->_stage_slots = NULL;
	free(t->stages);
	t->stages = NULL;
	t->n_stages = 0;
	for (int i = 0; i < STATS_HISTOGRAM_COUNT; i++)
		histogram_fini(&t->histograms[i]);
}

static void stats_fault_add(struct stats_fault *to, const struct stats_fault *from)
{
	if (from->count == 0)
		return;
	if (to->count == 0 || from->first_ns < to->first_ns) {
		to->first_ns = from->first_ns;
		memcpy(to->example, from->example, sizeof(to->example));
	}
	if (to->count == 0 || from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	to->count += from->count;
}

void stats_totals_add(struct stats_totals *to, const struct stats_totals *from)
{
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ledger_add(&to->ledgers[i], &from->ledgers[i]);
	for (int i = 0; i < STATS_HISTOGRAM_COUNT; i++)
		histogram_add(&to->histograms[i], &from->histograms[i]);
	for (int i = 0; i < STATS_STATUS_MAX; i++)
		to->statuses[i] += from->statuses[i];
	for (int i = 0; i < FAULT_COUNT; i++)
		stats_fault_add(&to->faults[i], &from->faults[i]);
	to->sent_in_window += from->sent_in_window;
	to->completed_in_window += from->completed_in_window;
	to->ok_in_window += from->ok_in_window;
	to->bytes_in += from->bytes_in;
	to->bytes_out += from->bytes_out;
	to->flight_integral += from->flight_integral;
	to->other_flight_ns += from->other_flight_ns;
	to->merged_intervals += from->merged_intervals;
	to->unstamped += from->unstamped;
	to->retries += from->retries;
	slowest_merge(&to->slowest_ok, &from->slowest_ok);
	slowest_merge(&to->slowest_failed, &from->slowest_failed);
	for (size_t i = 0; i < to->n_requests && i < from->n_requests; i++) {
		ledger_add(&to->requests[i].ledger, &from->requests[i].ledger);
		for (int h = 0; h < STATS_REQUEST_HISTOGRAM_COUNT; h++)
			histogram_add(
				&to->requests[i].histograms[h], &from->requests[i].histograms[h]);
	}
	for (size_t i = 0; i < to->n_stages && i < from->n_stages; i++) {
		ledger_add(&to->stages[i].ledger, &from->stages[i].ledger);
		histogram_add(&to->stages[i].response, &from->stages[i].response);
		histogram_add(&to->stages[i].our_delay, &from->stages[i].our_delay);
	}
	if (from->last_done_ns > to->last_done_ns)
		to->last_done_ns = from->last_done_ns;
}
