/* SPDX-License-Identifier: Apache-2.0 */
/* open() takes the lowest free number, so nothing has to be moved. The wrong direction is used on
 * purpose: reading from a closed stdin or writing to a closed stdout fails with EBADF, as it would
 * have without this, whereas /dev/null would silently swallow a report. */
#include "common/std_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int std_fds_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* Not O_CLOEXEC: child processes need them too. */
		if (fcntl(fd, F_GETFD) == -1 &&
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) == -1)
			return -errno;
	return 0;
}

bool std_fds_can_write(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_ACCMODE) != O_RDONLY;
}

int std_fds_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	/* An earlier write may have failed, whose errno is lost. */
	return errno ? -errno : -EIO;
}
