/* SPDX-License-Identifier: Apache-2.0 */
/* The input of a plan, and which of its entries are in force. Internal to the plan. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/ini.h"

struct buf;
struct plan;
struct plan_file;
struct problems;

struct plan_input {
	struct plan *plan; /* being built */
	const struct ini_doc *doc;
	/* Flags of each entry: */
	bool *bad;  /* its value was not accepted, which has been reported */
	bool *lost; /* excluded by another one, or without meaning: treated as not written */
	const struct plan_file *files;
	size_t n_files;
	size_t bodies_max; /* limit for the bodies of all requests together */
	struct problems *problems;
	struct buf *canon; /* text that the digest covers: digests of files are appended */
	/* The key of the pace is bad: contradictions with it are not reported. */
	bool is_load_doubtful;
	int64_t stages_ns; /* total length of the stages as they were written */
};

static inline bool plan_is_bad(const struct plan_input *in, const struct ini_entry *e)
{
	return in->bad[e - in->doc->entries];
}
static inline bool plan_is_lost(const struct plan_input *in, const struct ini_entry *e)
{
	return in->lost[e - in->doc->entries];
}

/* The entry in force of an unnamed section's key: the last one, unless it was dropped. */
const struct ini_entry *plan_entry(
	const struct plan_input *in, const char *section, const char *key);
/* Drops an entry and resets its field as if it were not written. */
void plan_drop(const struct plan_input *in, const struct ini_entry *e);
