/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a run: the addresses to which its workers connect, looked up at the start and, if
 * the plan requires it, again and again. Main thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/list.h"
#include "daemon/http/resolver.h"
#include "daemon/loop/timer.h"

struct admission_target;
struct plan;
struct run_target;

/* Addresses that workers use or have used: they may be referenced until the workers are joined. */
struct run_addresses {
	struct list _node;
	size_t n;
	struct address all[];
};

struct run_target_config {
	struct loop *loop;
	/* borrowed */
	const struct plan *plan;
	const struct guard *guard;

	/* The lookup at the start has ended: run_target_accept may be called, or r has the
	 * reason why not. */
	void (*on_resolved)(struct run_target *t, const struct resolver *r);
	/* Workers are to use other addresses. */
	void (*on_changed)(struct run_target *t, const struct run_addresses *now);
	/* Something to be reported about a later lookup. */
	void (*on_event)(struct run_target *t, const char *text);
};

struct run_target {
	struct run_target_config _config;
	struct resolver _resolver;
	bool _is_resolving;
	bool _has_resolver;
	bool _is_stopped;
	bool _is_refused;
	bool _is_colocated;
	struct list _lists; /* struct run_addresses, oldest first */
	unsigned _n_lists;
	const struct run_addresses *_present; /* one of them: new connections go there */
	struct run_addresses *_silent; /* those that did not answer at the start; not in the list */
	struct timer_queue _marks;
	struct timer _mark;  /* expires at the next lookup */
	bool _lookup_failed; /* the last lookup failed */
	unsigned _n_events;
};

void run_target_init(struct run_target *t, const struct run_target_config *config);
/* Frees the addresses, which are not used any more: all workers must have been freed. */
void run_target_let_go(struct run_target *t);
void run_target_fini(struct run_target *t);

/* Checks whether connections can come from the plan's sources: 0, or REGISTRY_E_UNAVAILABLE with
 * reterr. */
int run_target_check_sources(const struct plan *plan, struct err *reterr);

/* Looks the target up and tries its addresses; on_resolved follows, unless it is stopped before. */
void run_target_resolve(struct run_target *t);
/* After the lookup at the start: keeps the addresses, and describes them. 0 or -ENOMEM. */
int run_target_accept(struct run_target *t, struct admission_target *ret);
/* Looks the target up again from t0 on, if the plan requires it. */
void run_target_go(struct run_target *t, int64_t t0_ns);
/* No address is needed any more: there are no further lookups and no callbacks. Again: no effect.
 */
void run_target_stop(struct run_target *t);

/* A lookup is in progress; after a stop too. */
static inline bool run_target_is_resolving(const struct run_target *t)
{
	return t->_is_resolving;
}

/* The guard forbids every address. */
static inline bool run_target_is_refused(const struct run_target *t)
{
	return t->_is_refused;
}

/* The server is on this host. */
static inline bool run_target_is_colocated(const struct run_target *t)
{
	return t->_is_colocated;
}

/* Once accepted. */
static inline const struct run_addresses *run_target_addresses(const struct run_target *t)
{
	return t->_present;
}

/* The addresses that were used, each once. NULL: no memory. */
json_t *run_target_json(const struct run_target *t);
