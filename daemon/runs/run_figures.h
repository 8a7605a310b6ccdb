/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's stretches say about its percentiles: the batches themselves, how far the percentiles
 * may be off, and whether the run was in one state at all. Main thread, once at the end. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/steadiness.h"

struct run;
struct timeline_batches;

struct run_figures {
	const struct run *run;
	struct timeline_batches *batches; /* NULL: nothing was sent */
	bool is_staged;			  /* more than one rate: steadiness is not judged */
	struct steadiness steadiness;
};
/* 0 or -ENOMEM. */
int run_figures_init(struct run_figures *f, const struct run *run);
void run_figures_fini(struct run_figures *f);

/* Members of the result; NULL: no memory. */
json_t *run_figures_batches(const struct run_figures *f);
json_t *run_figures_steadiness(const struct run_figures *f);
/* The slowest good answers and failures, the slowest first. */
json_t *run_figures_slowest(const struct run_figures *f);
/* What is to be said of steadiness, with a remedy; NULL: nothing. As a note and, where the audit
 * has no reason of its own, as the headline's. */
const char *run_figures_unsteady(const struct run_figures *f, char text[static 256]);
/* A note of the generator's for it; json null: none. */
json_t *run_figures_note(const struct run_figures *f);
/* Adds ci95 and n_effective to the latencies that the headline is about; steals and returns them.
 */
json_t *run_figures_confidence(const struct run_figures *f, json_t *latency);
