/* SPDX-License-Identifier: Apache-2.0 */
/* The named runs as a table of at most 80 columns. Pure. */
#pragma once

#include <jansson.h>

struct buf;

/* listed: a List answer. 0 or -ENOMEM. */
int list_render(const json_t *listed, struct buf *ret);
