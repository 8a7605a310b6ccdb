/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of what a peer has sent, for a message. Pure. */
#pragma once

#include <stddef.h>

#define QUOTE_MAX 80
/* Of a message that says something before them. */
#define QUOTE_SHORT_MAX 40

struct quote {
	char text[QUOTE_MAX + 4];
};

/* At most so many bytes (max <= QUOTE_MAX): those that break a line become blanks, and no character
 * is cut at the end. Other bytes stay as they are: err_set makes them safe to print. */
const char *quote_bytes(struct quote *q, const char *data, size_t len, size_t max);
