/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a run file to those who may not read it: everything but its secrets. Pure. */
#pragma once

#include <stddef.h>

struct buf;

/* Appends text, with *** for the values of headers that carry credentials where they stand in the
 * file itself (not where they are only referred to: @FILE, cred:NAME). 0 or -ENOMEM. */
int secrets_mask(const char *text, size_t len, struct buf *out);
