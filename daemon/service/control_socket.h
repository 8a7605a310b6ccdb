/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's place in the file system, where systemd does not look after it. Main thread.
 */
#pragma once

#include <sys/types.h>

struct err;

struct control_socket {
	char *path; /* NULL: not open */
	int lock_fd;
};

/* Binds path with that mode (0660) and listens; *ret_fd is the caller's. Refuses a path that
 * somebody else owns, that is no socket, or where somebody is listening. What a daemon that died
 * has left behind is replaced. 0 or -errno with reterr. s: zeroed. */
int control_socket_open(
	struct control_socket *s, const char *path, mode_t mode, int *ret_fd, struct err *reterr);
/* Takes the socket away from its path. Fine on a zeroed or a failed one. */
void control_socket_close(struct control_socket *s);
