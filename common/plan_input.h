/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from, for all who make a part of it. Part of the plan; included by nothing
 * else. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/ini.h"

struct buf;
struct plan;
struct plan_file;
struct problems;

struct plan_input {
	struct plan *plan; /* in the making */
	const struct ini_doc *doc;
	bool *bad; /* of each entry: its key does not take it, which has been reported */
	const struct plan_file *files;
	size_t n_files;
	size_t bodies_max; /* bytes, of all requests together */
	struct problems *problems;
	struct buf *canon; /* what the digest covers: gets the digests of files */
};

static inline bool plan_is_bad(const struct plan_input *in, const struct ini_entry *e)
{
	return in->bad[e - in->doc->entries];
}
