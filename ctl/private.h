/* SPDX-License-Identifier: Apache-2.0 */
/* A private daemon: started for one command, and ended with it. One thread. */
#pragma once

#include <sys/types.h>

struct buf;
struct err;

#define PRIVATE_CONNECTIONS_MAX 2

/* The path at which rpsd is looked for last, or was found. */
#define PRIVATE_PATH_SIZE 4096
void private_path(char ret[static PRIVATE_PATH_SIZE]);

struct private_daemon {
	pid_t pid; /* 0: none */
	int pidfd;
};

/* Starts rpsd with n connections of ours on its descriptors 3, 4, … and, unless config is NULL,
 * with that text as its configuration, and unless content_fd is -1, with that for its runs' files.
 * The connections are in ret_fds; closing the first one ends it. 0 or -errno with one line in
 * reterr. */
int private_start(struct private_daemon *d, unsigned n, const char *config, int content_fd,
	int ret_fds[], struct err *reterr);

enum private_ending {
	PRIVATE_WELL,	 /* or there was none */
	PRIVATE_GAVE_UP, /* by itself, and has said why on stderr */
	PRIVATE_KILLED,
};

/* Waits until it is gone (our ends must be closed) and collects it; what does not go by itself is
 * killed. Appends to ret how it ended where that was not by itself and in order (NULL: not asked).
 * Harmless when there is none. */
enum private_ending private_end(struct private_daemon *d, struct buf *ret);
