/* SPDX-License-Identifier: Apache-2.0 */
/* open takes the lowest number that is free, so nothing has to be moved. */
#include "common/std_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int std_fds_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* Not O_CLOEXEC: what we start needs them too. */
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
			return -errno;
	return 0;
}
