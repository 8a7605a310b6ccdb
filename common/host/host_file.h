/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's small files. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The beginning of a file, "" where it cannot be read. True: there was something. */
bool host_file_read(const char *path, char *ret, size_t size);
