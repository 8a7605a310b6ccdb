/* SPDX-License-Identifier: Apache-2.0 */
/* Merges the results of several runs of one plan (measurement page A.10): only what can be added
 * is, which is counts, sums and histograms slot by slot; percentiles are found anew in the sums,
 * never averaged. What cannot be had exactly is null or left out, and a note says so. Pure.
 *
 * The runs are parts of one load, or repetitions of it. Rates of parts add up, and their rows are
 * added where they lie at the same time. Rates of repetitions are their mean, their rows stand one
 * run after the other, and the intervals of confidence are those between the repetitions: the
 * scatter within one run does not tell how far the next one will be from it.
 *
 * The document has the members of any result, and parts: [{"id","uuid","host","slice","seed",
 * "started_unix_ns","duration_ns","planned","ok","p50_ms","p99_ms","our_delay_p99_ms","connection_wait_p99_ms",
 * "verdict","result","exit_code"}], one for each run, of repetitions with "repeat", its number. A
 * merged document may be merged again: its parts are taken over, so the order and the grouping
 * change no count. Where slices are missing, headline.missing says which.
 *
 * Repetitions have repeats: [{"id","uuid","p50_ns","p90_ns","p99_ns","p99_9_ns"}], one for each
 * repetition, which may be a sum of slices. A row in which one of their windows ends has length_ns.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct err;

#define RESULT_MERGE_PARTS_MAX 256

enum result_merge_mode {
	RESULT_MERGE_PARTS,   /* of one load */
	RESULT_MERGE_REPEATS, /* of one load */
};

struct result_merge_part {
	const char *name; /* of its file, for messages */
	const json_t *doc;
};

/* These are no runs of one plan, or no parts of one load, or no repetitions of one, or a run is
 * there twice, or its figures are broken. */
#define RESULT_MERGE_E_REFUSED 1

/* Of two parts or more. 0; RESULT_MERGE_E_REFUSED with a line in reterr that names the files;
 * -ENOMEM. */
int result_merge(const struct result_merge_part *parts, size_t n, enum result_merge_mode mode,
	json_t **ret, struct err *reterr);
