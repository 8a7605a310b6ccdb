/* SPDX-License-Identifier: Apache-2.0 */
/* bind() refuses a path that exists, and a daemon that was killed leaves its path: it has to be
 * unlinked, but not if the socket belongs to a running daemon. A test with connect() alone has a
 * race between the answer and the unlink, in which two daemons started at once could both find the
 * path stale. So first a lock file beside it is locked, which the kernel releases with the process;
 * the empty lock file is not removed, because that would bring the race back. */
#include "daemon/service/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"

#define CONTROL_SOCKET_BACKLOG 128

/* Creates the directory, if only the last component of its path is missing: /run/rpsd after a
 * boot. */
static void control_socket_make_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;

	if (dir)
		(void)mkdir(dir, 0755); /* bind reports what is wrong */
	free(dir);
}

static int control_socket_lock(const char *path, int *ret_fd, struct err *reterr)
{
	char *lock;
	int fd;
	int r = 0;

	if (asprintf(&lock, "%s.lock", path) == -1)
		return -ENOMEM;
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		r = -errno;
		err_set(reterr, "%s: %s%s", lock, strerror(-r),
			r == -EACCES ? "; start rpsd as root, or with --socket PATH where you may "
				       "write"
				     : "");
	} else if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		r = -EADDRINUSE;
		err_set(reterr,
			"%s: another daemon is running there: rpsctl status --socket %s asks it; "
			"--socket PATH starts one beside it",
			path, path);
		(void)close(fd);
	} else {
		*ret_fd = fd;
	}
	free(lock);
	return r;
}

/* A program that does not use the lock file may listen there. */
static int control_socket_check_dead(const struct sockaddr_un *address, struct err *reterr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd == -1)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		(errno != ECONNREFUSED && errno != ENOENT)) {
		err_set(reterr, "%s: in use", address->sun_path);
		r = -EADDRINUSE;
	}
	(void)close(fd);
	return r;
}

/* Removes the file at the path if it may be replaced. */
static int control_socket_clear(const struct sockaddr_un *address, struct err *reterr)
{
	const char *path = address->sun_path;
	struct stat st;
	int r;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		err_set(reterr, "%s: exists and is not a socket", path);
		return -EEXIST;
	}
	if (st.st_uid != geteuid()) {
		err_set(reterr,
			"%s: a socket of another user (uid %u) is there: remove it, or name "
			"another path",
			path, (unsigned)st.st_uid);
		return -EPERM;
	}
	r = control_socket_check_dead(address, reterr);
	if (r < 0)
		return r;
	return unlink(path) == -1 ? -errno : 0;
}

static int control_socket_bind(const struct sockaddr_un *address, mode_t mode, int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int r;

	if (fd == -1)
		return -errno;
	old = umask(~mode & 0777);
	r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == -1 ? -errno : 0;
	(void)umask(old);
	if (r == 0 && listen(fd, CONTROL_SOCKET_BACKLOG) == -1)
		r = -errno;
	if (r < 0)
		(void)close(fd);
	else
		*ret_fd = fd;
	return r;
}

int control_socket_open(
	struct control_socket *s, const char *path, mode_t mode, int *ret_fd, struct err *reterr)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int lock_fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path)) {
		err_set(reterr, "%s: too long for a socket", path);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	control_socket_make_dir(path);
	r = control_socket_lock(path, &lock_fd, reterr);
	if (r < 0)
		return r;
	r = control_socket_clear(&address, reterr);
	if (r == 0)
		r = control_socket_bind(&address, mode, ret_fd);
	if (r < 0 && reterr && !reterr->text[0])
		err_set(reterr, "%s: %s", path, strerror(-r));
	if (r == 0) {
		s->path = strdup(path);
		if (s->path) {
			s->lock_fd = lock_fd;
			return 0;
		}
		(void)close(*ret_fd);
		(void)unlink(path);
		r = -ENOMEM;
	}
	(void)close(lock_fd);
	return r;
}

void control_socket_close(struct control_socket *s)
{
	if (!s->path)
		return;
	(void)unlink(s->path);
	(void)close(s->lock_fd);
	free(s->path);
	s->path = NULL;
}
