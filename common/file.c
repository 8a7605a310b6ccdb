/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole files, by the names that a user, a run file or rpsd.conf gives. Any thread. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/buf.h"

#define FILE_READ_SIZE 65536

/* The size is not determined in advance: pipes and files in /proc have none. */
static int file_read_fd(int fd, size_t max, struct buf *b)
{
	for (;;) {
		ssize_t n;
		int r = buf_reserve(b, FILE_READ_SIZE);

		if (r < 0)
			return r;
		n = read(fd, b->data + b->len, FILE_READ_SIZE);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		if (b->len > max)
			return -EFBIG;
	}
}

/* Takes ownership of fd, which may also be an error (negative). */
static int file_read_open(int fd, size_t max, char **ret, size_t *ret_len)
{
	struct buf b = {0};
	int r;

	if (fd < 0)
		return fd;
	r = file_read_fd(fd, max, &b);
	(void)close(fd);
	if (r < 0) {
		buf_fini(&b);
		return r;
	}
	*ret = b.data;
	*ret_len = b.len;
	return 0;
}

/* /dev/null is the empty file: a drop-in that is a link to it is switched off. */
static int file_check_regular(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3))
		return 0;
	return S_ISREG(st->st_mode) ? 0 : -EOPNOTSUPP;
}

/* The type is checked before open, since opening a device may have side effects, and again after
 * it, since the name may refer to another file by then. */
int file_open(const char *path)
{
	struct stat st;
	int fd, r;

	r = stat(path, &st) == -1 ? -errno : file_check_regular(&st);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -errno;
	r = fstat(fd, &st) == -1 ? -errno : file_check_regular(&st);
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	return file_read_open(file_open(path), max, ret, ret_len);
}

int file_read_stream(const char *path, size_t max, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return file_read_open(fd == -1 ? -errno : fd, max, ret, ret_len);
}

/* /proc/kmsg, which looks like a regular file, gives EAGAIN. */
const char *file_error(int error)
{
	if (error == -EOPNOTSUPP || error == -EAGAIN)
		return "not a regular file";
	return strerror(-error);
}
