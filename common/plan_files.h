/* SPDX-License-Identifier: Apache-2.0 */
/* Values that refer to files and credentials, and what stands in those. Part of the plan; nobody
 * else includes it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct ini_doc;
struct ini_entry;
struct plan_file;
struct problems;

/* What the parts of a plan are made from. */
struct plan_input {
	const struct ini_doc *doc;
	const struct plan_file *files;
	size_t n_files;
	size_t bodies_max; /* bytes, of all requests together */
	struct problems *problems;
	struct buf *canon; /* gets the digests of files, for the plan's own */
};

/* The file that this value refers to; NULL: none, or it is not there. */
const struct plan_file *plan_value_file(const struct plan_input *in, const char *value);

/* Appends the value with the content of the file it ends in, less line ends where is_line.
 * 0, -EINVAL (reported at e) or -ENOMEM. */
int plan_expand(const struct plan_input *in, const struct ini_entry *e, const char *value,
	bool is_line, struct buf *ret);
