/* SPDX-License-Identifier: Apache-2.0 */
/* Writes reports: to stdout in one form, and to the files of -o. */
#pragma once

#include <jansson.h>

struct err;
struct options;

/* Before a run: every -o names a form we have and a place that can be written. 0, or the exit
 * status to end with and one line in reterr. */
int output_check(const struct options *o, struct err *reterr);

/* Writes the report everywhere; what fails is said on stderr. 0, or an exit status. */
int output_report(const struct options *o, const json_t *doc);
