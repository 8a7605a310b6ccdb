/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/origin/origin_server.h"

#include "common/clock.h"

void origin_server_init(struct origin_server *s)
{
	list_init(&s->_jobs);
	s->_due_ns = CLOCK_NEVER;
}

struct origin_job *origin_server_first(const struct origin_server *s)
{
	if (list_empty(&s->_jobs))
		return NULL;
	return container_of(s->_jobs.next, struct origin_job, _node);
}

/* Starts the next job; the server has been free since free_ns. */
static void origin_server_next(struct origin_server *s, int64_t free_ns)
{
	const struct origin_job *job = origin_server_first(s);
	int64_t begin_ns;

	s->_due_ns = CLOCK_NEVER;
	if (!job)
		return;
	begin_ns = job->_arrival_ns > free_ns ? job->_arrival_ns : free_ns;
	if (__builtin_add_overflow(begin_ns, job->length_ns, &s->_due_ns))
		s->_due_ns = CLOCK_NEVER - 1;
}

bool origin_server_add(
	struct origin_server *s, struct origin_job *job, int64_t now_ns, int64_t length_ns)
{
	bool is_only = list_empty(&s->_jobs);

	job->_arrival_ns = now_ns;
	job->length_ns = length_ns;
	list_push_back(&s->_jobs, &job->_node);
	if (is_only)
		origin_server_next(s, now_ns);
	return is_only;
}

int64_t origin_server_due_ns(const struct origin_server *s)
{
	return s->_due_ns;
}

struct origin_job *origin_server_take(struct origin_server *s, int64_t now_ns)
{
	struct origin_job *job = origin_server_first(s);

	if (!job || s->_due_ns > now_ns)
		return NULL;
	list_remove(&job->_node);
	origin_server_next(s, s->_due_ns);
	return job;
}

void origin_server_drop(struct origin_server *s, struct origin_job *job, int64_t now_ns)
{
	bool is_first = origin_server_first(s) == job;

	list_remove(&job->_node);
	if (is_first)
		origin_server_next(s, now_ns);
}

void origin_server_shift(struct origin_server *s, int64_t by_ns)
{
	if (!list_empty(&s->_jobs) && s->_due_ns < CLOCK_NEVER - by_ns)
		s->_due_ns += by_ns;
}
