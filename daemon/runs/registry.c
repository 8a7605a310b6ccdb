/* SPDX-License-Identifier: Apache-2.0 */
/* The registry. Runs are in one list, oldest first; when a new one starts, finished ones are freed
 * if there are more than keep_runs, or more than REGISTRY_KEEP_BYTES of results, but never inside a
 * run's own callbacks. The run number is one counter for all names, kept in a file that is locked
 * while it is incremented, so that two private daemons of one user do not assign the same id. */
#include "daemon/runs/registry.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/host/host.h"
#include "common/plan/plan.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_slice.h"
#include "common/settings/settings.h"
#include "daemon/http/resolver.h"
#include "daemon/runs/admission.h"
#include "daemon/runs/run_private.h"

/* The maximum memory of kept results. */
#define REGISTRY_KEEP_BYTES (64u << 20)

struct registry {
	struct registry_config config;
	struct list runs; /* oldest first */
	unsigned n_active;
	uint64_t last_number;
	int number_fd; /* -1: numbers begin at 1 each time */
	void (*on_finished)(void *arg);
	void *on_finished_arg;
};

/* ---------------------------------------------------------------- numbers */

static int registry_open_number(struct registry *r, struct err *reterr)
{
	char path[4096];

	r->number_fd = -1;
	if (!r->config.state_dir)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/run-number", r->config.state_dir);
	r->number_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->number_fd == -1) {
		int error = errno;

		err_set(reterr, "%s: %s", path, strerror(error));
		return -error;
	}
	return 0;
}

/* The next number. If the file cannot be read or written, numbers do not continue in the next
 * daemon. */
static uint64_t registry_next_number(struct registry *r)
{
	char text[24] = "";
	ssize_t n;
	int len;

	if (r->number_fd == -1)
		return ++r->last_number;
	(void)flock(r->number_fd, LOCK_EX);
	n = pread(r->number_fd, text, sizeof(text) - 1, 0);
	if (n > 0) {
		uint64_t kept = strtoull(text, NULL, 10);

		if (kept > r->last_number && kept < UINT64_MAX)
			r->last_number = kept;
	}
	r->last_number++;
	len = snprintf(text, sizeof(text), "%" PRIu64 "\n", r->last_number);
	n = pwrite(r->number_fd, text, (size_t)len, 0);
	(void)n;
	(void)flock(r->number_fd, LOCK_UN);
	return r->last_number;
}

/* ---------------------------------------------------------------- runs */

static struct run *registry_run(struct list *node)
{
	return container_of(node, struct run, registry_node);
}

static void registry_forget(struct registry *r, size_t keep)
{
	size_t n = 0;
	size_t bytes = 0;

	list_for_each (it, &r->runs) {
		n += registry_run(it)->state == RUN_FINISHED;
		bytes += registry_run(it)->result_bytes;
	}
	list_for_each_safe (it, &r->runs) {
		struct run *run = registry_run(it);

		if (n <= keep && bytes <= REGISTRY_KEEP_BYTES)
			break;
		/* Freeing a run that still resolves would have to wait for the name service. */
		if (run->state != RUN_FINISHED || run_target_is_resolving(&run->target))
			continue;
		bytes -= run->result_bytes;
		list_remove(&run->registry_node);
		run_free(run);
		n--;
	}
}

static void registry_on_released(struct run *run, void *arg)
{
	struct registry *r = arg;

	(void)run;
	assert(r->n_active > 0);
	r->n_active--;
	if (r->on_finished)
		r->on_finished(r->on_finished_arg);
}

static uint64_t registry_descriptors_used(const struct registry *r)
{
	uint64_t n = host_descriptors_open();

	list_for_each (it, &r->runs) {
		const struct run *run = registry_run(it);
		uint64_t open = 0;

		if (run->state == RUN_FINISHED)
			continue;
		for (unsigned w = 0; run->pulses && w < run->admission.n_workers; w++)
			open += run->pulses[w].connections;
		n += run->admission.connections - open;
	}
	return n;
}

/* The available memory. Memory given to active runs that they may not have touched yet is
 * subtracted too. */
static uint64_t registry_memory(const struct registry *r)
{
	uint64_t left = host_memory();
	uint64_t given = 0;

	list_for_each (it, &r->runs)
		if (registry_run(it)->state != RUN_FINISHED)
			given += registry_run(it)->admission.bytes;
	if (left == UINT64_MAX)
		return 0;
	return left > given ? left - given : 1;
}

/* The number of finished runs whose resolver, with its thread, still exists: they must not
 * accumulate. */
static unsigned registry_n_resolving(const struct registry *r)
{
	unsigned n = 0;

	list_for_each (it, &r->runs)
		n += registry_run(it)->state == RUN_FINISHED &&
		     run_target_is_resolving(&registry_run(it)->target);
	return n;
}

/* Parses the place that the plan connects to; false: it is a name. */
static bool registry_parse_address(const struct plan *plan, struct address *ret)
{
	const char *path = plan_connect_unix(plan);
	const char *host = plan_connect_host(plan);

	*ret = (struct address){0};
	if (path) {
		ret->un.sun_family = AF_UNIX;
		(void)snprintf(ret->un.sun_path, sizeof(ret->un.sun_path), "%s", path);
	} else if (inet_pton(AF_INET, host, &ret->in.sin_addr) == 1) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(plan_connect_port(plan));
	} else if (inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons(plan_connect_port(plan));
	} else {
		return false;
	}
	return true;
}

/* The checks that are possible before a name is resolved. */
static int registry_check_policy(const struct registry *r, const struct plan *plan,
	const struct caps *caps, struct err *reterr)
{
	const char *path = plan_connect_unix(plan);
	struct address address;
	const char *why;
	unsigned n_busy;

	if (registry_parse_address(plan, &address) &&
		!guard_allows(r->config.guard, &address.sa, &why)) {
		err_set(reterr, "%s%s: %s", path ? "unix:" : "",
			path ? path : plan_connect_host(plan), why);
		return REGISTRY_E_REFUSED;
	}
	if (plan_check_start(plan, clock_unix_ns(), reterr))
		return REGISTRY_E_REFUSED;
	if (r->config.is_private)
		return 0;
	n_busy = r->n_active + registry_n_resolving(r);
	if (n_busy >= r->config.settings->max_runs) {
		err_set(reterr,
			"%u runs are active%s, [policy] max-runs = %" PRIu64
			": wait until one ends, or stop one (rpsctl stop)",
			n_busy, n_busy > r->n_active ? " or still look their host up" : "",
			r->config.settings->max_runs);
		return REGISTRY_E_REFUSED;
	}
	return caps_check_plan(caps, plan, reterr);
}

int registry_start(struct registry *r, struct plan *plan, uid_t uid, const char *user,
	struct run_observer *observer, struct run **ret, struct err *reterr)
{
	char id[96];
	struct run_config config = {
		.loop = r->config.loop,
		.guard = r->config.guard,
		.plan = plan,
		.id = id,
		.uid = uid,
		.user = user,
		.room = {.is_private = r->config.is_private,
			.cpus = host_cpus(),
			.descriptor_limit = host_descriptor_limit(),
			.descriptors_used = registry_descriptors_used(r),
			.memory = registry_memory(r)},
		.on_released = registry_on_released,
		.released_arg = r,
	};
	struct run *run;
	int result;

	registry_forget(r, r->config.settings->keep_runs);
	host_read_ports(&config.room.ports);
	if (!r->config.is_private)
		config.room.caps = caps_of_settings(r->config.settings);
	result = registry_check_policy(r, plan, &config.room.caps, reterr);
	if (result != 0) {
		plan_free(plan);
		return result;
	}
	(void)snprintf(id, sizeof(id), "%s-%" PRIu64, plan->name, registry_next_number(r));
	result = run_new(&config, &run, reterr);
	if (result != 0)
		return result;
	list_push_back(&r->runs, &run->registry_node);
	r->n_active++;
	if (observer)
		run_observe(run, observer);
	*ret = run;
	run_start(run);
	return 0;
}

struct run *registry_find(struct registry *r, const char *id)
{
	struct run *newest_finished = NULL;

	for (struct list *it = r->runs.prev; it != &r->runs; it = it->prev) {
		struct run *run = registry_run(it);

		if (id) {
			if (strcmp(run->id, id) == 0)
				return run;
			continue;
		}
		if (run->state != RUN_FINISHED)
			return run;
		if (!newest_finished)
			newest_finished = run;
	}
	return newest_finished;
}

void registry_each(struct registry *r, void (*fn)(struct run *run, void *arg), void *arg)
{
	list_for_each_safe (it, &r->runs)
		fn(registry_run(it), arg);
}

unsigned registry_n_active(const struct registry *r)
{
	return r->n_active;
}

bool registry_keeps_number(const struct registry *r)
{
	return r->number_fd != -1;
}

void registry_stop_all(struct registry *r, bool now, const char *reason)
{
	list_for_each_safe (it, &r->runs)
		run_stop(registry_run(it), now, reason);
}

void registry_on_finished(struct registry *r, void (*fn)(void *arg), void *arg)
{
	r->on_finished = fn;
	r->on_finished_arg = arg;
}

int registry_new(const struct registry_config *config, struct registry **ret, struct err *reterr)
{
	struct registry *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	r->config = *config;
	list_init(&r->runs);
	result = registry_open_number(r, reterr);
	if (result < 0) {
		free(r);
		return result;
	}
	*ret = r;
	return 0;
}

struct registry *registry_free(struct registry *r)
{
	struct list *node;

	if (!r)
		return NULL;
	assert(r->n_active == 0);
	while ((node = list_pop_front(&r->runs)))
		run_free(registry_run(node));
	if (r->number_fd != -1)
		(void)close(r->number_fd);
	free(r);
	return NULL;
}
