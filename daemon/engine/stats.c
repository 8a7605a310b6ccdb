/* SPDX-License-Identifier: Apache-2.0 */
/* Counting into totals and intervals. Every arrival passes stats_begin once and then exactly one of
 * stats_end and stats_give_up, which put it into exactly one ledger class: that is why the ledger
 * balances, and `outstanding` is the number of arrivals that have begun and not ended. */
#include "daemon/engine/stats.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rare.h"
#include "common/str.h"

/* The counts of the stage of x; NULL if stages are not counted. */
static inline struct stats_stage *stats_stage_of(struct stats *s, const struct exchange *x)
{
	if (x->stage >= s->totals.n_stages || x->phase != STATS_WINDOW)
		return NULL;
	return &s->totals.stages[x->stage];
}

/* The counts of the named request of x; NULL if the plan names none. */
static inline struct stats_request *stats_request_of(struct stats *s, const struct exchange *x)
{
	if (s->totals.n_requests == 0 || x->phase != STATS_WINDOW)
		return NULL;
	return &s->totals.requests[x->request];
}

int stats_interval_init(struct stats_interval *i)
{
	int r;

	*i = (struct stats_interval){0};
	list_init(&i->_node);
	r = histogram_init(&i->response, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
	if (r == 0)
		r = histogram_init(&i->our_delay, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
			HISTOGRAM_INTERVAL_DIGITS);
	if (r < 0)
		stats_interval_fini(i);
	return r;
}

void stats_interval_fini(struct stats_interval *i)
{
	histogram_fini(&i->response);
	histogram_fini(&i->our_delay);
}

static void stats_interval_reset(struct stats_interval *i)
{
	histogram_reset(&i->response);
	histogram_reset(&i->our_delay);
	i->pending = i->planned = i->sent = i->completed = i->ok = i->failed = 0;
}

int stats_init(
	struct stats *s, bool is_open, int64_t interval_ns, size_t n_requests, size_t n_stages)
{
	*s = (struct stats){.is_open = is_open, .interval_ns = interval_ns};
	list_init(&s->_open);
	list_init(&s->_free);
	return stats_totals_init(&s->totals, n_requests, n_stages);
}

void stats_fini(struct stats *s)
{
	stats_totals_fini(&s->totals);
}

bool stats_balances(const struct stats *s)
{
	struct ledger all = {0};

	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ledger_add(&all, &s->totals.ledgers[i]);
	return ledger_balances_with(&all, s->outstanding - s->in_flight, s->in_flight);
}

void stats_set_window(struct stats *s, int64_t start_ns, int64_t end_ns)
{
	s->window_start_ns = start_ns;
	s->window_end_ns = end_ns;
	s->_present_width_ns = 0;
}

void stats_cut_window(struct stats *s, int64_t end_ns)
{
	if (end_ns < s->window_end_ns)
		s->window_end_ns = end_ns;
}

void stats_move_window(struct stats *s, int64_t start_ns, int64_t end_ns)
{
	/* Called too late: events counted since the window's start stay where they are. */
	if (list_empty(&s->_open) && s->_taken_ns == 0)
		stats_set_window(s, start_ns, end_ns);
	s->window_end_ns = end_ns;
}

void stats_give(struct stats *s, struct stats_interval *i)
{
	stats_interval_reset(i);
	/* The buffer used last is the most likely to be in the caches. */
	list_push_front(&s->_free, &i->_node);
}

static struct stats_interval *stats_newest(struct stats *s)
{
	if (list_empty(&s->_open))
		return NULL;
	return container_of(s->_open.prev, struct stats_interval, _node);
}

static void stats_set_present(struct stats *s, struct stats_interval *newest)
{
	s->_present = newest;
	s->_present_start_ns = s->window_start_ns + newest->start_ns;
	s->_present_width_ns = newest->width_ns;
}

/* Joins the first two neighbours of one row in the open list to one interval: a buffer becomes
 * free. False: there are none. */
static bool stats_join_neighbours(struct stats *s)
{
	list_for_each_safe (it, &s->_open) {
		struct stats_interval *a = container_of(it, struct stats_interval, _node);
		struct stats_interval *b = container_of(it->next, struct stats_interval, _node);

		if (it->next == &s->_open)
			break;
		if (a->start_ns / s->interval_ns != b->start_ns / s->interval_ns)
			continue;
		a->width_ns = b->start_ns + b->width_ns - a->start_ns;
		a->pending += b->pending;
		a->planned += b->planned;
		a->sent += b->sent;
		a->completed += b->completed;
		a->ok += b->ok;
		a->failed += b->failed;
		histogram_add(&a->response, &b->response);
		histogram_add(&a->our_delay, &b->our_delay);
		list_remove(&b->_node);
		stats_give(s, b);
		s->totals.merged_intervals++;
		s->_has_joined = true;
		s->_present_width_ns = 0;
		return true;
	}
	return false;
}

/* The end of the row that contains t_ns. */
static int64_t stats_row_end(const struct stats *s, int64_t t_ns)
{
	return t_ns - t_ns % s->interval_ns + s->interval_ns;
}

/* No buffer is free. Rows of twice the width need half as many, and neighbours are joined as
 * buffers are needed. So no interval contains events outside its own time, and all of them are on
 * the grid of the widest. */
static void stats_make_room(struct stats *s)
{
	struct stats_interval *newest;

	if (stats_join_neighbours(s))
		return;
	s->interval_ns *= 2;
	newest = stats_newest(s);
	newest->width_ns = stats_row_end(s, newest->start_ns) - newest->start_ns;
	s->_present_width_ns = 0;
}

/* Opens intervals up to the one that contains t_ns (since the window's start). */
static struct stats_interval *stats_extend(struct stats *s, int64_t t_ns)
{
	struct stats_interval *newest = stats_newest(s);

	for (;;) {
		int64_t start_ns =
			newest ? newest->start_ns + newest->width_ns : t_ns - t_ns % s->interval_ns;
		struct list *node;

		/* An interval that has been passed on is never opened again. */
		if (start_ns < s->_taken_ns)
			start_ns = s->_taken_ns;

		if (newest && t_ns < start_ns)
			return newest;
		node = list_pop_front(&s->_free);
		if (!node) {
			if (!newest)
				return NULL;
			stats_make_room(s);
			newest = stats_newest(s);
			continue;
		}
		newest = container_of(node, struct stats_interval, _node);
		newest->start_ns = start_ns;
		newest->width_ns = stats_row_end(s, start_ns) - start_ns;
		list_push_back(&s->_open, &newest->_node);
	}
}

static RARE struct stats_interval *stats_find_interval(struct stats *s, int64_t instant_ns)
{
	int64_t t_ns = instant_ns - s->window_start_ns;
	struct stats_interval *i = stats_newest(s);

	if (t_ns < 0)
		return NULL;
	if (!i || t_ns >= i->start_ns + i->width_ns)
		i = stats_extend(s, t_ns);
	if (!i)
		return NULL;
	if (t_ns >= i->start_ns) {
		stats_set_present(s, i);
		return i;
	}
	while (t_ns < i->start_ns) {
		if (i->_node.prev == &s->_open)
			break; /* already passed on: counted in the oldest open one */
		i = container_of(i->_node.prev, struct stats_interval, _node);
	}
	return i;
}

/* The open interval that contains an absolute instant; NULL before the window. */
static inline struct stats_interval *stats_interval_at(struct stats *s, int64_t instant_ns)
{
	uint64_t since_ns = (uint64_t)(instant_ns - s->_present_start_ns);

	return since_ns < (uint64_t)s->_present_width_ns ? s->_present
							 : stats_find_interval(s, instant_ns);
}

struct stats_interval *stats_take(struct stats *s, int64_t floor_ns)
{
	struct stats_interval *oldest;

	if (list_empty(&s->_open))
		return NULL;
	oldest = container_of(s->_open.next, struct stats_interval, _node);
	if (oldest->pending > 0 ||
		s->window_start_ns + oldest->start_ns + oldest->width_ns > floor_ns)
		return NULL;
	/* The last buffer continues until another one is free: events always find an interval. */
	if (list_empty(&s->_free) && oldest == stats_newest(s))
		return NULL;
	list_remove(&oldest->_node);
	s->_present_width_ns = 0;
	s->_taken_ns = oldest->start_ns + oldest->width_ns;
	return oldest;
}

struct stats_interval *stats_take_any(struct stats *s)
{
	struct list *node = list_pop_front(&s->_open);

	s->_present_width_ns = 0;
	return node ? container_of(node, struct stats_interval, _node) : NULL;
}

/* Finds the interval that counts x now: its own may have been joined with its neighbour. */
static inline void stats_find_cohort(struct stats *s, struct exchange *x)
{
	if (__builtin_expect(s->_has_joined, 0) && x->cohort)
		x->cohort = stats_find_interval(s, x->planned_ns);
}

static enum stats_phase stats_phase_of(const struct stats *s, int64_t planned_ns)
{
	if (planned_ns < s->window_start_ns)
		return STATS_WARMUP;
	return planned_ns < s->window_end_ns ? STATS_WINDOW : STATS_COOLDOWN;
}

void stats_begin(
	struct stats *s, struct exchange *x, int64_t planned_ns, int64_t picked_ns, size_t request)
{
	struct stats_stage *stage;

	*x = (struct exchange){.planned_ns = planned_ns,
		.picked_ns = picked_ns,
		.request = (uint16_t)request,
		.stage = (uint16_t)s->stage};
	x->phase = stats_phase_of(s, planned_ns);
	s->totals.ledgers[x->phase].planned++;
	s->outstanding++;
	silence_asked(&s->silence, picked_ns);
	if (x->phase != STATS_WINDOW)
		return;
	if (s->totals.n_requests > 0)
		s->totals.requests[request].ledger.planned++;
	x->cohort = stats_interval_at(s, planned_ns);
	if (x->cohort) {
		x->cohort->planned++;
		x->cohort->pending++;
	}
	/* A user is ready when the answer has been read: in the closed model nothing is late. */
	if (!s->is_open)
		return;
	stage = stats_stage_of(s, x);
	if (stage) {
		stage->ledger.planned++;
		histogram_record(&stage->our_delay, picked_ns - planned_ns);
	}
	histogram_record(&s->totals.histograms[STATS_OUR_DELAY], picked_ns - planned_ns);
	if (x->cohort)
		histogram_record(&x->cohort->our_delay, picked_ns - planned_ns);
}

/* The number in flight changes by delta: adds the area below it so far. */
static void stats_flight(struct stats *s, int64_t now_ns, int delta)
{
	int64_t from_ns = s->_flight_changed_ns;

	if (now_ns > from_ns) {
		s->totals.flight_integral +=
			(double)(int64_t)s->in_flight * (double)(now_ns - from_ns);
		s->_flight_changed_ns = now_ns;
	}
	s->in_flight += (uint64_t)delta;
}

void stats_sent(struct stats *s, const struct exchange *x)
{
	s->totals.ledgers[x->phase].sent++;
	if (stats_is_in_window(s, x->sent_ns)) {
		struct stats_interval *now = stats_interval_at(s, x->sent_ns);

		s->totals.sent_in_window++;
		if (now)
			now->sent++;
	}
	if (stats_request_of(s, x))
		stats_request_of(s, x)->ledger.sent++;
	if (stats_stage_of(s, x))
		stats_stage_of(s, x)->ledger.sent++;
	stats_flight(s, x->sent_ns, 1);
	if (x->phase == STATS_WINDOW && s->is_open)
		histogram_record(&s->totals.histograms[STATS_CONNECTION_WAIT],
			exchange_connection_wait_ns(x));
}

void stats_retried(struct stats *s)
{
	s->totals.retries++;
}

static void stats_note_fault(struct stats *s, enum fault fault, const struct stats_end *end)
{
	struct stats_fault *f = &s->totals.faults[fault];
	const char *example;

	f->last_ns = end->end_ns - s->window_start_ns;
	if (f->count++ > 0)
		return;
	f->first_ns = f->last_ns;
	example = end->example ? end->example : "";
	str_cut(f->example, sizeof(f->example), example, strlen(example));
}

static RARE void stats_add_slow(const struct stats *s, struct slowest *slowest, int64_t ns,
	const struct exchange *x, const struct stats_end *end, enum ledger_class class)
{
	slowest_add(slowest, &(struct slow){.ns = ns,
				     .at_ns = x->planned_ns - s->window_start_ns,
				     .connection = end->connection,
				     .worker = (uint16_t)s->worker,
				     .request = x->request,
				     .status = (uint16_t)end->status,
				     .class = (uint8_t) class});
}

/* Records an arrival of the measured window that was sent and has ended. */
static inline void stats_note_slow(const struct stats *s, struct slowest *slowest,
	const struct exchange *x, const struct stats_end *end, enum ledger_class class)
{
	int64_t ns = end->end_ns - (s->is_open ? x->planned_ns : x->sent_ns);

	if (slowest_takes(slowest, ns))
		stats_add_slow(s, slowest, ns, x, end, class);
}

/* Most answers arrive in one read, and then the two are the same. */
static inline void stats_record_service(
	struct histogram *service, struct histogram *first_byte, const struct exchange *x)
{
	if (x->first_byte_ns == x->done_ns) {
		histogram_record_both(service, first_byte, exchange_service_ns(x));
		return;
	}
	histogram_record(service, exchange_service_ns(x));
	histogram_record(first_byte, x->first_byte_ns - x->sent_ns);
}

/* All that may be of our making is taken off: how late the answer was read; and of the wait for a
 * connection so much as the arrival was late, for late ones come in bursts, which wait for
 * connections that they would not have needed one by one. */
static inline int64_t stats_less_ours_ns(
	const struct stats *s, const struct exchange *x, int64_t slack_ns)
{
	int64_t ns = exchange_service_ns(x), wait_ns;

	if (s->is_open) {
		wait_ns = exchange_connection_wait_ns(x) - exchange_our_delay_ns(x);
		ns += wait_ns > 0 ? wait_ns : 0;
	}
	if (slack_ns > 0)
		ns -= slack_ns < ns ? slack_ns : ns;
	return ns;
}

/* A good answer of the measured window. */
static inline void stats_record_ok(
	struct stats *s, const struct exchange *x, const struct stats_end *end)
{
	struct histogram *h = s->totals.histograms;
	struct stats_request *request = stats_request_of(s, x);
	int64_t service_ns = exchange_service_ns(x);

	if (request) {
		struct histogram *own = request->histograms;

		stats_record_service(
			&own[STATS_REQUEST_SERVICE], &own[STATS_REQUEST_FIRST_BYTE], x);
		if (s->is_open)
			histogram_record(&own[STATS_REQUEST_RESPONSE], exchange_response_ns(x));
	}
	stats_record_service(&h[STATS_SERVICE], &h[STATS_FIRST_BYTE], x);
	if (x->sent_all_ns != x->sent_ns)
		histogram_record(&h[STATS_SEND_STALL], x->sent_all_ns - x->sent_ns);
	if (end->slack_ns >= 0)
		histogram_record(&h[STATS_RX_SLACK], end->slack_ns);
	s->totals.unstamped += !end->is_slack_known;
	histogram_record(&h[STATS_LESS_OURS], stats_less_ours_ns(s, x, end->slack_ns));
	if (s->is_open) {
		if (stats_stage_of(s, x))
			histogram_record(&stats_stage_of(s, x)->response, exchange_response_ns(x));
		histogram_record(&h[STATS_RESPONSE], exchange_response_ns(x));
	}
	if (x->cohort)
		histogram_record(
			&x->cohort->response, s->is_open ? exchange_response_ns(x) : service_ns);
}

/* Any other end in the measured window. */
static RARE void stats_end_failed(
	struct stats *s, const struct exchange *x, const struct stats_end *end)
{
	struct stats_request *request = stats_request_of(s, x);
	int64_t ns = end->end_ns - x->planned_ns;

	stats_note_fault(s, end->fault, end);
	if (!end->was_sent)
		return;
	histogram_record(&s->totals.histograms[STATS_FAILED], ns);
	if (request)
		histogram_record(&request->histograms[STATS_REQUEST_FAILED], ns);
	stats_note_slow(s, &s->totals.slowest_failed, x, end, fault_table[end->fault].class);
}

static inline void stats_close(struct stats *s, struct exchange *x, enum ledger_class class)
{
	s->totals.ledgers[x->phase].classes[class]++;
	if (stats_request_of(s, x))
		stats_request_of(s, x)->ledger.classes[class]++;
	if (stats_stage_of(s, x))
		stats_stage_of(s, x)->ledger.classes[class]++;
	assert(s->outstanding > 0);
	s->outstanding--;
	if (x->cohort)
		x->cohort->pending--;
	x->cohort = NULL;
}

void stats_end(struct stats *s, struct exchange *x, const struct stats_end *end)
{
	bool is_ok = end->fault == FAULT_NONE;

	stats_find_cohort(s, x);
	if (end->was_sent)
		stats_flight(s, end->end_ns, -1);
	if (end->is_complete)
		silence_answered(&s->silence, end->end_ns);
	if (stats_is_in_window(s, end->end_ns)) {
		struct stats_interval *now = stats_interval_at(s, end->end_ns);

		s->totals.completed_in_window += end->is_complete;
		s->totals.ok_in_window += is_ok;
		if (now) {
			now->completed += end->is_complete;
			*(is_ok ? &now->ok : &now->failed) += 1;
		}
	}
	if (x->phase == STATS_WINDOW) {
		if (end->end_ns > s->totals.last_done_ns)
			s->totals.last_done_ns = end->end_ns;
		if (end->is_complete)
			s->totals.statuses[end->status % STATS_STATUS_MAX]++;
		if (is_ok) {
			stats_record_ok(s, x, end);
			stats_note_slow(s, &s->totals.slowest_ok, x, end, LEDGER_OK);
		} else {
			stats_end_failed(s, x, end);
		}
	}
	if (end->was_sent && !(is_ok && x->phase == STATS_WINDOW))
		s->totals.other_flight_ns += (double)(end->end_ns - x->sent_ns);
	stats_close(s, x, fault_table[end->fault].class);
}

void stats_give_up(struct stats *s, struct exchange *x, bool was_sent, int64_t now_ns)
{
	stats_find_cohort(s, x);
	if (was_sent) {
		stats_flight(s, now_ns, -1);
		s->totals.other_flight_ns += (double)(now_ns - x->sent_ns);
	}
	if (x->phase == STATS_WINDOW) {
		histogram_record(&s->totals.histograms[STATS_UNSERVED_AGE], now_ns - x->planned_ns);
		if (was_sent)
			stats_note_slow(s, &s->totals.slowest_failed, x,
				&(struct stats_end){.end_ns = now_ns}, LEDGER_UNFINISHED);
	}
	stats_close(s, x, was_sent ? LEDGER_UNFINISHED : LEDGER_UNSENT);
}

void stats_connected(struct stats *s, int64_t connect_ns)
{
	histogram_record(&s->totals.histograms[STATS_CONNECT], connect_ns);
}

void stats_shook_hands(struct stats *s, int64_t tls_ns)
{
	histogram_record(&s->totals.histograms[STATS_TLS], tls_ns);
}
