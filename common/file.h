/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole files. Any thread. */
#pragma once

#include <stddef.h>

/* Opens a regular file for reading and waits for nothing. A descriptor, or -errno: -EISDIR, and
 * -EOPNOTSUPP for a FIFO, a socket or a device but /dev/null, none of which is opened. */
int file_open(const char *path);
/* Reads a whole regular file, at most max bytes, into a new NUL-terminated string. 0 or -errno: as
 * file_open, -EFBIG. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);
/* Likewise for a path that a person names to a program that may wait, as in "rpsctl report <(...)":
 * also a FIFO, read until its end. */
int file_read_stream(const char *path, size_t max, char **ret, size_t *ret_len);
/* What is wrong with a file, in words; error is what these return. */
const char *file_error(int error);
