/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a run file to those who may not read it: everything but its secrets. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Appends text, with *** for auth and the values of headers that carry credentials where they stand
 * in the file itself (not where they are only referred to: @FILE, cred:NAME, ${NAME}, behind a
 * scheme's name at most), and for user and password in a URL. For strangers the values of all
 * headers and bodies are masked: who may not operate need not know what is sent. 0 or -ENOMEM. */
int secrets_mask(const char *text, size_t len, bool for_strangers, struct buf *out);
