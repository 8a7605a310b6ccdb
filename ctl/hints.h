/* SPDX-License-Identifier: Apache-2.0 */
/* What hands bring along from wrk, hey, oha, ab, h2load and others, and what it is called here.
 * Pure. */
#pragma once

#include <stdbool.h>

struct err;

/* A flag that rpsctl does not have; value: what stands behind it, or NULL. True: there is one line
 * in reterr that says the right one. */
bool hints_unknown(const char *flag, const char *value, struct err *reterr);
/* One that it has, with a value that would fit the same flag of another tool. */
bool hints_misused(const char *flag, const char *value, struct err *reterr);
