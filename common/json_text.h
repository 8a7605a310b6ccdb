/* SPDX-License-Identifier: Apache-2.0 */
/* Text from elsewhere as a JSON string: the one way of it, so that a text reads alike wherever it
 * is shown. Pure. */
#pragma once

#include <jansson.h>

/* A byte that belongs to no character of UTF-8 becomes '?'; all else stays, control characters too.
 * New reference; NULL: no memory. */
json_t *json_text(const char *text);
