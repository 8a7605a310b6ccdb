/* SPDX-License-Identifier: Apache-2.0 */
/* The cap on a run's time, for run.c, and its end by a rule; run_stop and run_steer are in run.h.
 * Main thread. */
#pragma once

#include <stdint.h>

struct run;

/* The time of the run is counted from `from_ns` on. */
void run_limit_from(struct run *run, int64_t from_ns);
/* Called twice: when the workers must be told that their time ends at limit_ns, unless the plan
 * ends before that, and when the requests awaited then have had their time. On a busy machine the
 * first call may come after limit_ns: that is no reason to drop the answers of a plan that ended in
 * time. */
void run_on_limit(struct run *run);

/* As run_stop, which awaits what is in progress: a rule ended the run. */
void run_abort(struct run *run, const char *reason);
