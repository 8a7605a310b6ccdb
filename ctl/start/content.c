/* SPDX-License-Identifier: Apache-2.0 */
/* A file is read once, when the run is put together: whatever happens to it later, the plan that
 * was checked is the plan that is run. The memory is sealed before it is mapped, so it cannot
 * shrink while the daemon uses it. A private daemon gets the descriptor and not the bytes: a body
 * of gigabytes costs no JSON.
 *
 * Only regular files are read: a FIFO or a device would block rpsctl. Sizes are not determined in
 * advance, since files in /proc have none. */
#include "ctl/start/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"
#include "common/host/host.h"

#define CONTENT_READ_SIZE 262144
#define CONTENT_SHARE 4			      /* of the available memory, one part */
#define CONTENT_MAX_UNKNOWN ((size_t)1 << 30) /* where that is not known */

int content_open(struct content *c, size_t max)
{
	int fd = memfd_create("rpsctl-content", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -errno;
	*c = (struct content){._fd = fd, .max = max};
	return 0;
}

static int content_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int content_copy(struct content *c, int fd)
{
	static char buffer[CONTENT_READ_SIZE];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));
		int r;

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > c->max - c->len)
			return -EFBIG;
		r = content_write(c->_fd, buffer, (size_t)n);
		if (r)
			return r;
		c->len += (size_t)n;
	}
}

int content_add(struct content *c, const char *path, size_t *ret_offset, size_t *ret_len)
{
	size_t before = c->len;
	int fd = path ? file_open(path) : STDIN_FILENO;
	int r;

	if (fd < 0)
		return fd;
	r = content_copy(c, fd);
	if (path)
		(void)close(fd);
	if (r) {
		/* If a file does not fit, no part of it is kept. */
		c->len = before;
		if (ftruncate(c->_fd, (off_t)before) == -1 ||
			lseek(c->_fd, (off_t)before, SEEK_SET) == -1)
			return -errno;
		return r;
	}
	*ret_offset = before;
	*ret_len = c->len - before;
	return 0;
}

int content_map(struct content *c, const char **ret)
{
	void *map;

	*ret = "";
	if (c->len == 0)
		return 0;
	if (!c->_map) {
		if (fcntl(c->_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
			return -errno;
		map = mmap(NULL, c->len, PROT_READ, MAP_PRIVATE, c->_fd, 0);
		if (map == MAP_FAILED)
			return -errno;
		c->_map = map;
	}
	*ret = c->_map;
	return 0;
}

int content_fd(const struct content *c)
{
	return c->len > 0 ? c->_fd : -1;
}

void content_fini(struct content *c)
{
	if (c->_map)
		(void)munmap(c->_map, c->len);
	if (c->max > 0)
		(void)close(c->_fd);
	*c = (struct content){0};
}

size_t content_private_max(void)
{
	uint64_t left = host_memory();

	return left == UINT64_MAX ? CONTENT_MAX_UNKNOWN : (size_t)(left / CONTENT_SHARE);
}
