/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of this daemon: assigns ids, admits runs, keeps the finished ones (the newest keep_runs)
 * and finds them by id. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/list.h"
#include "daemon/runs/run.h"

struct err;
struct registry;
struct settings;

struct registry_config {
	struct loop *loop;
	const struct settings *settings; /* borrowed: caps, keep_runs */
	const struct guard *guard;	 /* borrowed */
	bool is_private;		 /* the caps of [policy] do not apply */
	const char *state_dir; /* keeps the last run number; NULL: numbers begin at 1 each time */
};

/* 0 or -errno with reterr. */
int registry_new(const struct registry_config *config, struct registry **ret, struct err *reterr);
/* Every run must have finished. NULL is fine; returns NULL. */
struct registry *registry_free(struct registry *r);

enum {
	REGISTRY_E_REFUSED = 1, /* a cap of [policy]: reterr names the key */
	REGISTRY_E_UNAVAILABLE, /* not enough descriptors, ports, memory or threads: reterr has
				 * figures; or a source is no address of this host */
};
/* Takes over the plan (also on failure). observer may be NULL; it is attached before the run
 * starts. 0, REGISTRY_E_…, or -ENOMEM; *ret is borrowed, valid until the registry frees it. */
int registry_start(struct registry *r, struct plan *plan, uid_t uid, const char *user,
	struct run_observer *observer, struct run **ret, struct err *reterr);

/* Finds a run by id; NULL id: the newest active run, else the newest finished one. NULL when there
 * is none. */
struct run *registry_find(struct registry *r, const char *id);

/* Calls fn for each run, oldest first. */
void registry_each(struct registry *r, void (*fn)(struct run *run, void *arg), void *arg);

unsigned registry_n_active(const struct registry *r);
/* Do run numbers continue from one daemon to the next? */
bool registry_keeps_number(const struct registry *r);
/* Stops every active run. */
void registry_stop_all(struct registry *r, bool now, const char *reason);
/* fn is called (from the loop) each time a run has finished; registry_n_active has its new value.
 */
void registry_on_finished(struct registry *r, void (*fn)(void *arg), void *arg);
