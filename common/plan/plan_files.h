/* SPDX-License-Identifier: Apache-2.0 */
/* Values that refer to files and credentials, and their contents. Internal to the plan. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct ini_entry;
struct plan_file;
struct plan_input;

/* The file that this value refers to; NULL: none, or it is missing. */
const struct plan_file *plan_value_file(const struct plan_input *in, const char *value);

/* Appends the value with the content of the file it ends in, without line ends if is_line. 0,
 * -EINVAL (reported at e) or -ENOMEM. */
int plan_expand(const struct plan_input *in, const struct ini_entry *e, const char *value,
	bool is_line, struct buf *ret);
