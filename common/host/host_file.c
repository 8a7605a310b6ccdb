/* SPDX-License-Identifier: Apache-2.0 */
/* A missing file (a chroot, a sandbox, another kernel) reads as an empty one. */
#include "common/host/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool host_file_read(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	ret[0] = '\0';
	if (fd == -1)
		return false;
	while (len < size - 1) {
		n = read(fd, ret + len, size - 1 - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	(void)close(fd);
	ret[len] = '\0';
	return len > 0;
}
