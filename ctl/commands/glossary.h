/* SPDX-License-Identifier: Apache-2.0 */
/* Every word of the report and of the result, explained. Pure. */
#pragma once

#include <stddef.h>

struct buf;

/* Case, '_', '-' and the points of abbreviations make no difference: "our_delay", "Our-Delay" and
 * "our delay" are one. 0, -ENOENT, -ENOMEM. */
int glossary_explain(const char *term, struct buf *ret);
/* The nearest one, or NULL. */
const char *glossary_nearest(const char *term);

/* All terms, by index, for lists and completion; NULL after the last. */
const char *glossary_at(size_t i);
