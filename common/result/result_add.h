/* SPDX-License-Identifier: Apache-2.0 */
/* What several results add up to, field by field, by the rules of the table. Fields that are
 * RESULT_APART stay absent in the sum: they are found anew in it (shares, percentiles), or made by
 * rules of their own. An object of named rows gets a row for each name, in the order met; rows
 * of arrays, in which numbers rise, add up by their field `number`. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/result/result.h"

#define RESULT_ADD_MAX 256

/* Parts of one load, or repetitions of it. sum was made by result_init and nothing else; n at most
 * RESULT_ADD_MAX. 0 or -ENOMEM. */
int result_add(struct result *sum, const struct result *parts, size_t n, bool is_repeats);

/* How many repetitions a result is of: 1, but for their sums. */
size_t result_n_repeats(const struct result *r);
