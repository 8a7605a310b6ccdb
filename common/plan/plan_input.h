/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from, and which of its entries count. Part of the plan; included by nothing
 * else. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ini.h"

struct buf;
struct plan;
struct plan_file;
struct problems;

struct plan_input {
	struct plan *plan; /* in the making */
	const struct ini_doc *doc;
	/* Of each entry: */
	bool *bad;  /* its key does not take it, which has been reported */
	bool *lost; /* another one excludes it, or leaves it no meaning: as if it were not written
		     */
	const struct plan_file *files;
	size_t n_files;
	size_t bodies_max; /* bytes, of all requests together */
	struct problems *problems;
	struct buf *canon; /* what the digest covers: gets the digests of files */
	/* What sets the pace is bad: what would contradict it is not told. */
	bool is_load_doubtful;
	int64_t stages_ns; /* length of the stages as they were written */
};

static inline bool plan_is_bad(const struct plan_input *in, const struct ini_entry *e)
{
	return in->bad[e - in->doc->entries];
}
static inline bool plan_is_lost(const struct plan_input *in, const struct ini_entry *e)
{
	return in->lost[e - in->doc->entries];
}

/* The entry of an unnamed section's key that counts: the last one, unless it is lost. */
const struct ini_entry *plan_entry(
	const struct plan_input *in, const char *section, const char *key);
/* It is lost, and its field as if it were not written. */
void plan_drop(const struct plan_input *in, const struct ini_entry *e);
