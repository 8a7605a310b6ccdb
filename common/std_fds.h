/* SPDX-License-Identifier: Apache-2.0 */
/* The three standard descriptors at a program's start and end. */
#pragma once

#include <stdbool.h>

/* Opens those of 0, 1 and 2 that are closed on /dev/null, where using them fails. A program that
 * may be started with "2>&-" would otherwise get a socket or a file there, and write its messages
 * into it. 0 or -errno. */
int std_fds_open(void);
bool std_fds_can_write(int fd);
/* To be called before exit: 0 if everything printed on stdout has been written, else -errno. */
int std_fds_flush(void);
