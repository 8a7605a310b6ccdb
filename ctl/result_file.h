/* SPDX-License-Identifier: Apache-2.0 */
/* A result that was kept as a .json file. */
#pragma once

#include <jansson.h>

/* A new reference in ret. 0, or the exit status to end with, the reason said on stderr. */
int result_file_read(const char *path, json_t **ret);
