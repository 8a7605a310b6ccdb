/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of the kernel. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Reads the beginning of a file, "" if it cannot be read. True: it was not empty. */
bool host_file_read(const char *path, char *ret, size_t size);
