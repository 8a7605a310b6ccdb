/* SPDX-License-Identifier: Apache-2.0 */
/* The three standard descriptors, as a program's first act. */
#pragma once

/* Opens those of 0, 1 and 2 that are closed on /dev/null. A program that may be started with "2>&-"
 * would otherwise get a socket or a file there, and write its messages into it. 0 or -errno. */
int std_fds_open(void);
