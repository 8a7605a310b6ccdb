/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from, for all who make a part of it. Part of the plan; included by nothing
 * else. Pure. */
#pragma once

#include <stddef.h>

struct buf;
struct ini_doc;
struct plan;
struct plan_file;
struct problems;

struct plan_input {
	struct plan *plan; /* in the making */
	const struct ini_doc *doc;
	const struct plan_file *files;
	size_t n_files;
	size_t bodies_max; /* bytes, of all requests together */
	struct problems *problems;
	struct buf *canon; /* what the digest covers: gets the digests of files */
};
