/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside the program as a JSON string. All such text is converted here, so that it reads
 * the same wherever it is shown. Pure. */
#pragma once

#include <jansson.h>

/* A byte that is not part of a valid UTF-8 character becomes '?'; all others stay, control
 * characters too. New reference; NULL: no memory. */
json_t *json_text(const char *text);
