/* SPDX-License-Identifier: Apache-2.0 */
/* A word that names a run of the service, where a file of that name lies in the directory. */
#pragma once

#include <stdbool.h>

struct options;

/* word is of RUN_SPEC_NAME. Such a file was meant, as the service has no run of that name: says in
 * one line what the file is and which command takes it. The command is the one of o, or with
 * o->command NULL none at all (rpsctl FILE). */
bool named_file_complain(const struct options *o, const char *word);
