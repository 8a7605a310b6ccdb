/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a socket is that may not be used, and what helps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Of the socket, or of the first folder above it that may not be entered. */
struct socket_access {
	char path[128];
	char owner[40], group[40]; /* "": not known */
	unsigned mode;		   /* the permissions */
	bool is_folder;
};

void socket_access_read(const char *path, struct socket_access *ret);
/* Such a socket is used by who is in group rpsd: the one that the service's unit makes. */
bool socket_access_is_by_group(const struct socket_access *a);
/* "you may not use its socket (PATH, root:root 0660): " and what helps. Pure. */
void socket_access_tell(const struct socket_access *a, char *ret, size_t size);
