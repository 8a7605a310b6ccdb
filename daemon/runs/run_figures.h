/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics on a run's percentiles: the batches themselves, the confidence intervals of the
 * percentiles, and whether the run was in one state. Main thread, once at the end. */
#pragma once

#include <stdbool.h>

#include "common/stats/steadiness.h"

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

/* Sets members of the result. 0 or -ENOMEM, as all of these. */
int run_figures_batches(const struct run_figures *f, struct result_batches *ret);
int run_figures_steadiness(const struct run_figures *f, struct result_steadiness *ret);
/* The slowest good answers and failures, the slowest first. */
int run_figures_slowest(const struct run_figures *f, struct result_list *ret);
/* The message on steadiness, with a remedy; NULL: none. It is used as a note and, if the audit has
 * no reason of its own, as that of the headline. */
const char *run_figures_unsteady(const struct run_figures *f, char text[static 256]);
/* Adds the generator's note on it, if there is one. */
int run_figures_note(const struct run_figures *f, struct result_list *notes);
/* Sets ci95 and n_effective of the latency in the headline. */
int run_figures_confidence(const struct run_figures *f, struct result_latency *main);
