/* SPDX-License-Identifier: Apache-2.0 */
/* Masks what a reader may not see of a run. Operators see everything but secrets: auth, headers,
 * bodies, labels and values of queries whose names suggest a secret. Observers see what the table
 * of keys knows to be harmless: figures, choices, where requests go; the rest is "***". SECURITY.md
 * has the table. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Appends text, a run file, with *** for what the reader may not see. A line that is not
 * well-formed, or whose key is not in the table, is *** as a whole, since nothing is known about
 * it. References (@FILE, cred:NAME, ${NAME}) are shown to operators. The result is a valid run file
 * again. 0 or -ENOMEM. */
int secrets_mask(const char *text, size_t len, bool for_observers, struct buf *out);

/* Is all of the line, counted from 1, shown? False also when memory ran out. */
bool secrets_line_is_shown(const char *text, size_t len, unsigned line, bool for_observers);

/* Appends text of any kind with *** for user and password of each URL in it, and of each URL's or
 * path's query, fragment and parameters: for observers all of it, for operators the values whose
 * names suggest a secret. 0 or -ENOMEM. */
int secrets_mask_urls(const char *text, bool for_observers, struct buf *out);

/* A name or a text contains a word that is typical of secrets. */
bool secrets_tells(const char *text);
