/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a path one component at a time. From Linux 5.6 on, openat2() with RESOLVE_NO_SYMLINKS does
 * the same in one call. */
#include "common/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the component name[0..len) of dir, and closes dir. O_PATH opens a link itself. */
static int unix_path_step(int dir, const char *name, size_t len)
{
	char part[NAME_MAX + 1];
	struct stat st;
	int fd = -1, r;

	if (len < sizeof(part)) {
		memcpy(part, name, len);
		part[len] = '\0';
		fd = openat(dir, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		r = fd == -1 ? -errno : 0;
	} else {
		r = -ENAMETOOLONG;
	}
	(void)close(dir);
	if (r == 0 && fstat(fd, &st) == -1)
		r = -errno;
	else if (r == 0 && S_ISLNK(st.st_mode))
		r = -ELOOP;
	if (r == 0)
		return fd;
	if (fd != -1)
		(void)close(fd);
	return r;
}

int unix_path_open(const char *path)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t len;

	if (fd == -1)
		return -errno;
	for (path += strspn(path, "/"); *path && fd >= 0; path += strspn(path, "/")) {
		len = strcspn(path, "/");
		fd = unix_path_step(fd, path, len);
		path += len;
	}
	return fd;
}
