/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the command line (--require) for a result that is there already. */
#pragma once

#include <jansson.h>

struct options;

/* Are they rules? 0, or the exit status with a line that says what is wrong and where. */
int rules_check(const struct options *o);
/* Judges the result by them and by its own: the document gets what came of each, the headline's
 * word and the exit code. Without any, nothing is changed. 0, or the exit status. */
int rules_apply(const struct options *o, json_t *doc);
