/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the needs of a run with what is available: descriptors, memory, and the ports that its
 * connections come from.
 *
 * A connection is identified by both addresses and ports, so each pair of a source and a target
 * address has its own port range; without sources the kernel chooses one for each target address.
 * Connections go to the addresses in turn, so the address with the fewest pairs limits their
 * number. A connection that this side has closed holds its port for a minute (TIME_WAIT): which
 * side closes depends on the server, so that is only a note. */
#include "daemon/runs/admission.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan/plan.h"
#include "common/url.h"
#include "daemon/engine/exchange.h"
#include "daemon/engine/worker.h"
#include "daemon/runs/registry.h"

/* The rate that one worker is given before a second thread is worth its cost. */
#define ADMISSION_RATE_PER_WORKER 20000.0
#define ADMISSION_USERS_PER_WORKER 32

#define ADMISSION_WORKERS_MAX 64

/* The memory of a connection, apart from the requests in flight on it; measured. */
#define ADMISSION_BYTES_PLAIN 1024.0
#define ADMISSION_BYTES_TLS 49152.0
#define ADMISSION_BYTES_COUNTS 65536.0	/* of a stage or interval: two coarse histograms */
#define ADMISSION_BYTES_NAMED 1081344.0 /* of a named request: four fine histograms */
#define ADMISSION_MEMORY_SHARE 0.5	/* share of the available memory that one run may use */
#define ADMISSION_MIB 1048576.0
#define ADMISSION_QUEUE_SPARE 1024 /* for each worker, beyond what its rate can make wait */

#define ADMISSION_TIME_WAIT_S 60.0 /* a constant of the kernel */
#define ADMISSION_REUSE_S 1.0	   /* until a port may be used again with tcp_tw_reuse */

static unsigned admission_workers(
	const struct plan *plan, uint64_t connections, unsigned cpus, bool is_colocated)
{
	double need = plan->model == PLAN_OPEN
			      ? plan_own_peak_per_s(plan) / ADMISSION_RATE_PER_WORKER
			      : (double)connections / ADMISSION_USERS_PER_WORKER;
	uint64_t most = plan->workers > 0 ? plan->workers : is_colocated ? cpus / 2 : cpus;
	uint64_t n = plan->workers > 0 ? plan->workers : (uint64_t)need + 1;

	if (n > most)
		n = most;
	if (n > connections)
		n = connections;
	if (n > ADMISSION_WORKERS_MAX)
		n = ADMISSION_WORKERS_MAX;
	return n > 0 ? (unsigned)n : 1;
}

/* 0, or REGISTRY_E_UNAVAILABLE. */
static int admission_check_descriptors(const struct plan *plan, const struct admission_room *room,
	struct admission *a, struct err *reterr)
{
	uint64_t base = room->descriptors_used + plan_descriptors(plan, 0, a->n_workers);
	uint64_t left = room->descriptor_limit > base ? room->descriptor_limit - base : 0;

	a->connections_most = left;
	/* `auto` is reduced to the number that the descriptors allow; the report shows it. */
	if (a->connections > left && plan->connections == 0 && plan->model == PLAN_OPEN && left > 0)
		a->connections = left;
	if (a->connections <= left)
		return 0;
	err_set(reterr,
		"%" PRIu64 " connections need %" PRIu64 " descriptors beside the %" PRIu64
		" in use, and rpsd may have %" PRIu64 ": fewer connections, or a higher limit (%s)",
		a->connections, plan_descriptors(plan, a->connections, a->n_workers),
		room->descriptors_used, room->descriptor_limit,
		room->is_private ? "ulimit -n"
				 : "LimitNOFILE= of its unit, or ulimit -n before it");
	return REGISTRY_E_UNAVAILABLE;
}

/* ---------------------------------------------------------------- memory */

/* An arrival that waits longer than the timeout expires, so no more can wait than are planned in
 * that time. No more users can wait than there are. */
static uint64_t admission_queue(const struct plan *plan, const struct admission *a)
{
	double most = plan_own_peak_per_s(plan) * (double)plan->request_timeout_ns / 1e9 +
		      (double)a->n_workers * ADMISSION_QUEUE_SPARE;
	uint64_t users = a->connections * (plan->pipeline > 1 ? plan->pipeline : 1);

	if (plan->model == PLAN_CLOSED)
		return users;
	return most < (double)plan->queue_max ? (uint64_t)most : plan->queue_max;
}

/* Each worker counts for itself, for each named request and stage and for each interval that may
 * still get answers; all but the intervals are counted once more in the sum. */
static double admission_counts(const struct plan *plan, const struct admission *a)
{
	double lasting = (double)plan_n_rows(plan) * ADMISSION_BYTES_COUNTS +
			 (double)plan_n_named(plan) * ADMISSION_BYTES_NAMED;
	double intervals = (double)worker_n_intervals(plan) * ADMISSION_BYTES_COUNTS;

	return lasting + (lasting + intervals) * (double)a->n_workers;
}

/* Memory for all requests that may wait at one time, for an answer or a connection, is allocated
 * before the start, and so is that for counts. 0, or REGISTRY_E_UNAVAILABLE. */
static int admission_check_memory(const struct plan *plan, const struct admission_room *room,
	struct admission *a, struct err *reterr)
{
	double connection = plan->url.tls ? ADMISSION_BYTES_TLS : ADMISSION_BYTES_PLAIN;
	double depth = plan->pipeline > 1 ? (double)plan->pipeline : 1;
	double counts = admission_counts(plan, a);
	double bytes;

	a->queue = admission_queue(plan, a);
	bytes = (double)a->connections *
			(connection + (depth - 1) * (double)sizeof(struct exchange)) +
		(double)a->queue * (double)sizeof(struct exchange) + counts;
	if (room->memory == 0 || bytes <= (double)room->memory * ADMISSION_MEMORY_SHARE) {
		a->bytes = (uint64_t)bytes;
		return 0;
	}
	if (counts > bytes / 2) {
		err_set(reterr,
			"counting for %zu named requests, %zu stages and %zu intervals in each of "
			"%u workers takes %.0f MiB, and half of the %.0f MiB that are left is the "
			"most a run takes: fewer of them, longer intervals or a shorter request "
			"timeout",
			plan_n_named(plan), plan_n_rows(plan), worker_n_intervals(plan),
			a->n_workers, counts / ADMISSION_MIB, (double)room->memory / ADMISSION_MIB);
		return REGISTRY_E_UNAVAILABLE;
	}
	err_set(reterr,
		"%" PRIu64 " connections, %" PRIu64 " requests in flight on each and %" PRIu64
		" arrivals waiting need %.0f MiB, and half of the %.0f MiB that are left is the "
		"most a run takes: fewer connections, a shorter pipeline or queue-max",
		a->connections, plan->pipeline, a->queue, bytes / ADMISSION_MIB,
		(double)room->memory / ADMISSION_MIB);
	return REGISTRY_E_UNAVAILABLE;
}

/* ---------------------------------------------------------------- ports */

/* The number of ports available for connections to one address of that family. */
static uint64_t admission_ports_of_family(
	const struct plan *plan, const struct admission_room *room, bool is_v6)
{
	uint64_t n_sources = 0;

	if (plan->n_sources == 0)
		return room->ports.n;
	for (size_t i = 0; i < plan->n_sources; i++)
		n_sources += plan->sources[i].is_v6 == is_v6;
	return n_sources * room->ports.n;
}

/* The same for the address that has the fewest; 0: not known, or none needed. */
static uint64_t admission_ports_each(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target)
{
	uint64_t v4 = target->n_v4 > 0 ? admission_ports_of_family(plan, room, false) : UINT64_MAX;
	uint64_t v6 = target->n_v6 > 0 ? admission_ports_of_family(plan, room, true) : UINT64_MAX;
	uint64_t least = v4 < v6 ? v4 : v6;

	return least == UINT64_MAX ? 0 : least;
}

/* Checks the connections that are open at the same time. 0, or REGISTRY_E_UNAVAILABLE. */
static int admission_check_ports(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target, struct admission *a, struct err *reterr)
{
	uint64_t n_addresses = target->n_v4 + target->n_v6;
	uint64_t each = admission_ports_each(plan, room, target);
	uint64_t most = each * n_addresses;
	char sources[64] = "";

	if (each == 0)
		return 0;
	/* The port from which an address was tried is in TIME_WAIT now. */
	each--;
	most -= n_addresses;
	if (most < a->connections_most)
		a->connections_most = most;
	if (a->connections > most && plan->connections == 0 && plan->model == PLAN_OPEN)
		a->connections = most;
	if (a->connections <= most)
		return 0;
	if (plan->n_sources > 0)
		(void)snprintf(sources, sizeof(sources), " for each of %zu source address%s",
			plan->n_sources, plan->n_sources > 1 ? "es" : "");
	err_set(reterr,
		"%" PRIu64 " connections need %" PRIu64 " ports towards each of %" PRIu64
		" address%s and there are %" PRIu64
		" (net.ipv4.ip_local_port_range = %u %u%s, less one for the first attempt): more "
		"source addresses ([connections] "
		"source), fewer connections or a wider range",
		a->connections, (a->connections + n_addresses - 1) / n_addresses, n_addresses,
		n_addresses > 1 ? "es" : "", each, room->ports.low, room->ports.high, sources);
	return REGISTRY_E_UNAVAILABLE;
}

/* New connections per second, if the plan determines it; 0: it does not, or there are hardly
 * any. */
static double admission_churn(const struct plan *plan, const struct admission *a)
{
	double rate = plan->model == PLAN_OPEN ? plan_own_peak_per_s(plan) : 0;
	double churn = 0;

	if (plan->reuse == PLAN_REUSE_NO)
		return rate;
	if (plan->requests_per_connection > 0)
		churn += rate / (double)plan->requests_per_connection;
	if (plan->max_age_ns > 0 && a->is_fixed_pool)
		churn += (double)a->connections * (double)NSEC_PER_SEC / (double)plan->max_age_ns;
	return churn;
}

/* The time from the first connection to the last; a day if it is unknown. */
static double admission_seconds(const struct plan *plan)
{
	double rate = plan_own_peak_per_s(plan);

	if (plan->duration_ns != CLOCK_NEVER)
		return (double)(plan_warmup_ns(plan) + plan->duration_ns + plan->cooldown_ns) / 1e9;
	return plan->n_arrivals > 0 && rate > 0 ? (double)plan->n_arrivals / rate : 86400;
}

/* "28,232" */
static void admission_write_number(uint64_t n, char text[static 32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *out = text;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
}

/* Adds a note if connections are opened and closed faster than their ports become available
 * again. */
static void admission_note_churn(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target, struct admission *a)
{
	uint64_t most = admission_ports_each(plan, room, target) * (target->n_v4 + target->n_v6);
	bool may_reuse =
		room->ports.tw_reuse == 1 || (room->ports.tw_reuse == 2 && target->is_loopback);
	double held_s = may_reuse ? ADMISSION_REUSE_S : ADMISSION_TIME_WAIT_S;
	double churn = admission_churn(plan, a);
	double seconds = admission_seconds(plan);
	char churn_text[32], ports_text[32];

	if (most == 0 || plan->close == PLAN_CLOSE_RST ||
		churn * (seconds < held_s ? seconds : held_s) <= (double)most)
		return;
	admission_write_number((uint64_t)(churn + 0.5), churn_text);
	admission_write_number(most, ports_text);
	(void)snprintf(a->note, sizeof(a->note),
		"%s new connections/s use up %s ports in %.3g s unless the server closes first: "
		"try keep-alive, source addresses, a wider net.ipv4.ip_local_port_range",
		churn_text, ports_text, (double)most / churn);
}

/* ---------------------------------------------------------------- the whole */

int admission_check(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target, struct admission *ret, struct err *reterr)
{
	struct admission a = {
		.connections = caps_connections(&room->caps, plan_connection_limit(plan)),
	};
	int r;

	/* An explicit number of connections is opened before the run, and kept. */
	a.is_fixed_pool = plan_is_fixed_pool(plan);
	a.n_workers = admission_workers(plan, a.connections, room->cpus, target->is_colocated);
	r = admission_check_descriptors(plan, room, &a, reterr);
	if (r == 0)
		r = admission_check_ports(plan, room, target, &a, reterr);
	if (r == 0)
		r = admission_check_memory(plan, room, &a, reterr);
	if (r != 0)
		return r;
	if (a.connections > 0 && a.n_workers > a.connections)
		a.n_workers = (unsigned)a.connections; /* a worker needs at least one connection */
	admission_note_churn(plan, room, target, &a);
	*ret = a;
	return 0;
}
