/* SPDX-License-Identifier: Apache-2.0 */
/* A result that was kept as a .json file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* A new reference in ret. 0, or the exit status to end with, the reason said on stderr. */
int result_file_read(const char *path, json_t **ret);

/* Is it the path of a file, by its form or since there is one, rather than the id of a run? */
bool result_file_is_meant(const char *word);
