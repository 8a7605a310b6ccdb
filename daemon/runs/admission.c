/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/runs/admission.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan.h"
#include "common/settings.h"
#include "daemon/runs/registry.h"

/* What one worker is given to do before a second one is worth its thread. */
#define ADMISSION_RATE_PER_WORKER 20000.0
#define ADMISSION_USERS_PER_WORKER 32

#define ADMISSION_WORKERS_MAX 64

/* epoll, eventfd and two timerfds of a worker; and what the daemon may need beside runs. */
#define ADMISSION_DESCRIPTORS_PER_WORKER 4
#define ADMISSION_DESCRIPTORS_SPARE 16

static unsigned admission_workers(
	const struct plan *plan, uint64_t connections, unsigned cpus, bool is_colocated)
{
	double need = plan->model == PLAN_OPEN
			      ? rate_per_s(plan_peak_rate(plan)) / ADMISSION_RATE_PER_WORKER
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

int admission_check(const struct plan *plan, const struct admission_room *room, bool is_colocated,
	struct admission *ret, struct err *reterr)
{
	struct admission a = {.connections = plan_connection_limit(plan)};
	uint64_t base, left;

	/* A number that was asked for is opened before the run, and kept. */
	a.is_fixed_pool = plan->model == PLAN_CLOSED || plan->connections > 0;
	a.n_workers = admission_workers(plan, a.connections, room->cpus, is_colocated);
	/* `auto` takes what the descriptors leave; the report states it. */
	base = room->descriptors_used + ADMISSION_DESCRIPTORS_SPARE +
	       a.n_workers * ADMISSION_DESCRIPTORS_PER_WORKER;
	left = room->descriptor_limit > base ? room->descriptor_limit - base : 0;
	a.connections_most = left;
	if (a.connections > left && plan->connections == 0 && plan->model == PLAN_OPEN && left > 0)
		a.connections = left;
	if (a.connections > 0 && a.n_workers > a.connections)
		a.n_workers = (unsigned)a.connections; /* none without a connection */
	if (a.connections > left) {
		err_set(reterr,
			"%" PRIu64 " connections need %" PRIu64
			" descriptors and this process may have %" PRIu64
			" (RLIMIT_NOFILE, LimitNOFILE=): fewer connections or a higher limit",
			a.connections, base + a.connections, room->descriptor_limit);
		return REGISTRY_E_UNAVAILABLE;
	}
	*ret = a;
	return 0;
}

int admission_check_caps(
	const struct plan *plan, const struct settings *settings, struct err *reterr)
{
	double rate = rate_per_s(plan_peak_rate(plan));
	int64_t duration_ns = plan->duration_ns;
	char text[UNITS_TEXT_MAX];

	if (rate > (double)settings->max_rate) {
		err_set(reterr, "rate %g/s is above [policy] max-rate = %" PRIu64, rate,
			settings->max_rate);
		return REGISTRY_E_REFUSED;
	}
	if (plan->connections > settings->max_connections) {
		err_set(reterr,
			"%" PRIu64 " connections are above [policy] max-connections = %" PRIu64,
			plan->connections, settings->max_connections);
		return REGISTRY_E_REFUSED;
	}
	if (duration_ns != CLOCK_NEVER)
		duration_ns += plan->warmup_ns + plan->cooldown_ns;
	if (duration_ns != CLOCK_NEVER && duration_ns > settings->max_duration_ns) {
		units_format_time(settings->max_duration_ns, text, sizeof(text));
		err_set(reterr, "the run is longer than [policy] max-duration = %s", text);
		return REGISTRY_E_REFUSED;
	}
	return 0;
}
