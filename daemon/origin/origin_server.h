/* SPDX-License-Identifier: Apache-2.0 */
/* One server and its queue: jobs are done one after the other in the order in which they came, each
 * for its length. A job is done at max(its arrival, the end of the one before) + its length, to the
 * nanosecond, however late the functions are called: M/D/1 or M/M/1 for the corresponding arrivals.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

/* To be embedded. */
struct origin_job {
	struct list _node;
	int64_t _arrival_ns;
	int64_t length_ns;
};

struct origin_server {
	struct list _jobs;
	int64_t _due_ns; /* of the first job */
};

void origin_server_init(struct origin_server *s);
static inline void origin_job_init(struct origin_job *job)
{
	list_init(&job->_node);
}

/* Returns whether the job is the only one. */
bool origin_server_add(
	struct origin_server *s, struct origin_job *job, int64_t now_ns, int64_t length_ns);
/* The end of the present job; CLOCK_NEVER: there is none. */
int64_t origin_server_due_ns(const struct origin_server *s);
/* Removes and returns the job that is done by now_ns; NULL: none. */
struct origin_job *origin_server_take(struct origin_server *s, int64_t now_ns);
/* The present job, whether it is done or not. */
struct origin_job *origin_server_first(const struct origin_server *s);
/* Cancels a job from now_ns on. Harmless if it does not wait. */
void origin_server_drop(struct origin_server *s, struct origin_job *job, int64_t now_ns);
/* The server did not work for by_ns. */
void origin_server_shift(struct origin_server *s, int64_t by_ns);
