/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole files. Any thread. */
#pragma once

#include <stddef.h>

/* Opens a regular file for reading, without blocking. Returns a descriptor or -errno: -EISDIR, or
 * -EOPNOTSUPP for a FIFO, a socket or a device other than /dev/null, none of which is opened. */
int file_open(const char *path);
/* Reads a whole regular file, at most max bytes, into a new NUL-terminated string. 0 or -errno: as
 * file_open, -EFBIG. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);
/* The same for a path that a user gives to a program that may block, as in "rpsctl report <(...)":
 * a FIFO is accepted too and read until its end. */
int file_read_stream(const char *path, size_t max, char **ret, size_t *ret_len);
/* The description of an error of these functions. */
const char *file_error(int error);
