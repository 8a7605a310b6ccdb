/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of Watch, where a run stands: written by the daemon, read by rpsctl. The types Run and
 * Event of the protocol are parts of it and are used by themselves too. What each field means is
 * told in rpsd.varlink; null and absent are as in a result (result.h). Pure. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "common/result/result.h"

struct result_table;

struct progress_run {
	enum result_state is;
	char *id, *name, *state, *outcome, *reason, *user, *target;
	int64_t exit_code;
	struct result_list ahead; /* struct result_event */
};

struct progress_stage {
	enum result_state is;
	int64_t number, of;
	char *text;
};

struct progress_last {
	enum result_state is;
	int64_t width_ns;
	int64_t planned, sent, ok, failed;
	int64_t p50_ns, p99_ns, max_ns, our_delay_p99_ns;
};

struct progress_rule {
	enum result_state is;
	char *rule, *result;
	double value;
};

struct progress {
	enum result_state is;
	struct progress_run run;
	int64_t elapsed_ns, total_ns, requests;
	double asked_per_s;
	int64_t planned, sent, ok, failed;
	int64_t in_flight, queue, connections, connections_limit;
	int64_t oldest_ns, silent_ns;
	double cpu_share;
	struct progress_stage stage;
	struct progress_last last;
	int64_t p50_ns, p99_ns, our_delay_p99_ns;
	struct result_list rules;  /* struct progress_rule */
	struct result_list events; /* struct result_event */
};

extern const struct result_table progress_table;
extern const struct result_table progress_run_table;
extern const struct result_table progress_rule_table;

void progress_init(struct progress *p);
void progress_fini(struct progress *p);

/* The parameters of an answer; skipped: answers that were left out before it. New reference; NULL:
 * no memory. */
json_t *progress_write(const struct progress *p, uint64_t skipped);
/* A value of another type is absent: a daemon of another version may leave out what this one sends.
 * ret is to be ended whatever is returned. 0, -EINVAL (there is no progress in it) or -ENOMEM. */
int progress_read(const json_t *answer, struct progress *ret, uint64_t *ret_skipped);
