/* SPDX-License-Identifier: Apache-2.0 */
/* Adds the results of several runs of one plan (measurement page A.10): only what can be added is,
 * which is counts, sums and histograms slot by slot; percentiles are found anew in the sums, never
 * averaged. What cannot be had exactly is null or left out, and a note says so. Pure.
 *
 * The document has the members of any result, and parts: [{"id","uuid","host","slice","seed",
 * "started_unix_ns","planned","ok","p50_ms","p99_ms","our_delay_p99_ms","connection_wait_p99_ms",
 * "verdict","result","exit_code"}], one for each run. A merged document may be merged again: its
 * parts are taken over, so the order and the grouping change no count. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct err;

#define RESULT_MERGE_PARTS_MAX 256

struct result_merge_part {
	const char *name; /* of its file, for messages */
	const json_t *doc;
};

/* These are no runs of one plan, or one of them is there twice, or its figures are broken. */
#define RESULT_MERGE_E_REFUSED 1

/* Of two parts or more. 0; RESULT_MERGE_E_REFUSED with a line in reterr that names the files;
 * -ENOMEM. */
int result_merge(const struct result_merge_part *parts, size_t n, json_t **ret, struct err *reterr);
