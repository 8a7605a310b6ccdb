/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket in the file system, when systemd does not manage it. Main thread. */
#pragma once

#include <sys/types.h>

struct err;

struct control_socket {
	char *path; /* NULL: not open */
	int lock_fd;
};

/* Binds path with that mode (0660) and listens; the caller owns *ret_fd. Refuses a path that
 * belongs to another user, that is no socket, or on which a program listens. The socket of a daemon
 * that has ended is replaced. 0 or -errno with reterr. s: zeroed. */
int control_socket_open(
	struct control_socket *s, const char *path, mode_t mode, int *ret_fd, struct err *reterr);
/* Removes the socket from its path. Fine on a zeroed or a failed one. */
void control_socket_close(struct control_socket *s);
