/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's stretches say about its percentiles: the batches themselves, how far the percentiles
 * may be off, and whether the run was in one state at all. Main thread, once at the end. */
#pragma once

#include <stdbool.h>

#include "common/steadiness.h"

struct result_batches;
struct result_latency;
struct result_list;
struct result_steadiness;
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

/* Members of the result. 0 or -ENOMEM, as all of these. */
int run_figures_batches(const struct run_figures *f, struct result_batches *ret);
int run_figures_steadiness(const struct run_figures *f, struct result_steadiness *ret);
/* The slowest good answers and failures, the slowest first. */
int run_figures_slowest(const struct run_figures *f, struct result_list *ret);
/* What is to be said of steadiness, with a remedy; NULL: nothing. As a note and, where the audit
 * has no reason of its own, as the headline's. */
const char *run_figures_unsteady(const struct run_figures *f, char text[static 256]);
/* One more note of the generator's for it, if there is anything to say. */
int run_figures_note(const struct run_figures *f, struct result_list *notes);
/* Fills in ci95 and n_effective of the latency that the headline is about. */
int run_figures_confidence(const struct run_figures *f, struct result_latency *main);
