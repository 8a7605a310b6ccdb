/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of the files that a run's values name, one after the other in memory without a name
 * (memfd), which a private daemon gets as a descriptor. One thread. */
#pragma once

#include <stddef.h>

/* Zero-initialise. */
struct content {
	size_t len;
	size_t max; /* 0: not open */
	int _fd;
	char *_map;
};

/* All of it may have that many bytes. 0 or -errno. */
int content_open(struct content *c, size_t max);
/* Appends the file at path, or standard input where path is NULL; what it changes afterwards is not
 * seen. 0 or -errno: -EOPNOTSUPP where it is no regular file, -EFBIG where there is no room for it.
 */
int content_add(struct content *c, const char *path, size_t *ret_offset, size_t *ret_len);
/* No more is added. *ret: all bytes, to be read until content_fini. 0 or -errno. */
int content_map(struct content *c, const char **ret);
/* For another process; -1: there is nothing in it. */
int content_fd(const struct content *c);
void content_fini(struct content *c);

/* The bytes that the files of a private run may have: a quarter of the memory that this process can
 * have, for they are there three times while it starts (here, in its plan and in its requests). */
size_t content_private_max(void);
