/* SPDX-License-Identifier: Apache-2.0 */
/* A private daemon.
 *
 * It runs in a separate session, so that Ctrl-C reaches rpsctl alone and a run can be drained; it
 * reads nothing from the terminal, and its messages go to stderr, since stdout belongs to the
 * report. It exists as long as the first connection: even when rpsctl is killed, no process
 * remains. The configuration is a file without a name (memfd), handed over as /dev/fd/N. */
#include "ctl/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"

#ifndef RPSD_SBINDIR
#error "RPSD_SBINDIR is set by the Makefile"
#endif

#define PRIVATE_FIRST_FD 3
/* The lowest number of descriptors until the child moves them down to 3 and following. */
#define PRIVATE_SAFE_FD 16
#define PRIVATE_DESCRIPTORS 64 /* with some to spare; admission counts them exactly */
#define PRIVATE_PATIENCE_MS 5000
#define PRIVATE_TERM_MS 1000

/* The descriptors of the child: connections, then the configuration and the content, if there
 * are. */
struct private_fds {
	int fds[PRIVATE_CONNECTIONS_MAX + 2];
	unsigned n;
	unsigned n_connections;
	bool has_config;
	bool has_content;
};

static void private_fds_close(struct private_fds *f)
{
	for (unsigned i = 0; i < f->n; i++)
		(void)close(f->fds[i]);
	f->n = 0;
}

/* A limit below the lowest number that is asked for is EINVAL, like no limit at all. */
static int private_fds_raise(int fd)
{
	int safe = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_SAFE_FD);

	if (safe == -1)
		return errno == EINVAL ? -EMFILE : -errno;
	return safe;
}

/* Takes over fd. */
static int private_fds_add(struct private_fds *f, int fd)
{
	int safe = private_fds_raise(fd);

	(void)close(fd);
	if (safe < 0)
		return safe;
	f->fds[f->n++] = safe;
	return 0;
}

static int private_add_content(struct private_fds *f, int fd)
{
	int copy = private_fds_raise(fd);
	int r = copy < 0 ? copy : private_fds_add(f, copy);

	f->has_content = r == 0;
	return r;
}

static int private_add_connection(struct private_fds *f, int *ret_ours)
{
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return -errno;
	r = private_fds_add(f, pair[1]);
	if (r) {
		(void)close(pair[0]);
		return r;
	}
	*ret_ours = pair[0];
	return 0;
}

static int private_add_config(struct private_fds *f, const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("rpsd.conf", MFD_CLOEXEC);
	int r;

	if (fd == -1)
		return -errno;
	/* Some lines of text: memory takes them whole or not at all. */
	if (write(fd, text, len) != (ssize_t)len) {
		(void)close(fd);
		return -ENOSPC;
	}
	r = private_fds_add(f, fd);
	f->has_config = r == 0;
	return r;
}

/* Beside our own binary, as in a build directory; beside its directory, as in any prefix; else
 * where the build was told it would be. */
void private_path(char path[static PRIVATE_PATH_SIZE])
{
	static const char *const places[] = {"rpsd", "../sbin/rpsd"};
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		*slash = '\0';
		if (snprintf(path, PRIVATE_PATH_SIZE, "%s/%s", own, places[i]) <
				PRIVATE_PATH_SIZE &&
			access(path, X_OK) == 0)
			return;
	}
	(void)snprintf(path, PRIVATE_PATH_SIZE, "%s/rpsd", RPSD_SBINDIR);
}

static int private_spawn(
	pid_t *ret_pid, const char *path, const struct private_fds *f, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, 2, 1);
	for (unsigned i = 0; i < f->n && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(
			&actions, f->fds[i], PRIVATE_FIRST_FD + (int)i);
	(void)posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	if (r == 0)
		r = posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int private_launch(struct private_daemon *d, const struct private_fds *f, struct err *reterr)
{
	static char private_word[] = "--private";
	static char config_word[] = "--config";
	char path[PRIVATE_PATH_SIZE];
	char control[PRIVATE_CONNECTIONS_MAX][32];
	char config[32], content[32];
	char *argv[PRIVATE_CONNECTIONS_MAX + 6];
	unsigned next_fd = PRIVATE_FIRST_FD + f->n_connections;
	unsigned n = 0;
	int r;

	private_path(path);
	argv[n++] = path;
	argv[n++] = private_word;
	for (unsigned i = 0; i < f->n_connections; i++) {
		(void)snprintf(
			control[i], sizeof(control[i]), "--control-fd=%u", PRIVATE_FIRST_FD + i);
		argv[n++] = control[i];
	}
	if (f->has_config) {
		(void)snprintf(config, sizeof(config), "/dev/fd/%u", next_fd++);
		argv[n++] = config_word;
		argv[n++] = config;
	}
	if (f->has_content) {
		(void)snprintf(content, sizeof(content), "--content-fd=%u", next_fd++);
		argv[n++] = content;
	}
	argv[n] = NULL;
	r = private_spawn(&d->pid, path, f, argv);
	if (r) {
		err_set(reterr, "cannot start %.300s: %s", path, strerror(-r));
		return r;
	}
	d->pidfd = pidfd_open(d->pid, 0);
	return 0;
}

static void private_tell_unprepared(int error, struct err *reterr)
{
	struct rlimit files = {0};

	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (error == -EMFILE)
		err_set(reterr,
			"too few descriptors for a private rpsd: %llu are allowed here "
			"(ulimit -n), it needs %u and one more for each connection",
			(unsigned long long)files.rlim_cur, PRIVATE_DESCRIPTORS);
	else
		err_set(reterr, "cannot prepare a private rpsd: %s", strerror(-error));
}

int private_start(struct private_daemon *d, unsigned n, const char *config, int content_fd,
	int ret_fds[], struct err *reterr)
{
	struct private_fds theirs = {.n_connections = n};
	int ours[PRIVATE_CONNECTIONS_MAX];
	unsigned made = 0;
	int r = 0;

	*d = (struct private_daemon){.pidfd = -1};
	while (made < n && r == 0) {
		r = private_add_connection(&theirs, &ours[made]);
		if (r == 0)
			made++;
	}
	if (r == 0 && config)
		r = private_add_config(&theirs, config);
	if (r == 0 && content_fd != -1)
		r = private_add_content(&theirs, content_fd);
	if (r)
		private_tell_unprepared(r, reterr);
	else
		r = private_launch(d, &theirs, reterr);
	private_fds_close(&theirs);
	if (r) {
		d->pid = 0;
		while (made)
			(void)close(ours[--made]);
		return r;
	}
	memcpy(ret_fds, ours, made * sizeof(*ours));
	return 0;
}

/* True when it has ended by then. Without a pidfd (no descriptor left) the wait is skipped. */
static bool private_wait(const struct private_daemon *d, int patience_ms)
{
	struct pollfd ended = {.fd = d->pidfd, .events = POLLIN};
	int n;

	do {
		n = poll(&ended, 1, patience_ms);
	} while (n == -1 && errno == EINTR);
	return n == 1;
}

enum private_ending private_end(struct private_daemon *d, struct buf *ret)
{
	int status = 0;

	if (d->pid <= 0)
		return PRIVATE_WELL;
	if (!private_wait(d, PRIVATE_PATIENCE_MS)) {
		(void)kill(d->pid, SIGTERM);
		if (!private_wait(d, PRIVATE_TERM_MS))
			(void)kill(d->pid, SIGKILL);
	}
	while (waitpid(d->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (ret && WIFSIGNALED(status))
		(void)buf_printf(ret, "signal %d, %s%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)),
			WTERMSIG(status) == SIGKILL ? ": by a person, or by the kernel where "
						      "memory ran out, as dmesg tells"
						    : "");
	else if (ret && WEXITSTATUS(status))
		(void)buf_printf(ret, "exit status %d", WEXITSTATUS(status));
	if (d->pidfd != -1)
		(void)close(d->pidfd);
	*d = (struct private_daemon){.pidfd = -1};
	if (WIFSIGNALED(status))
		return PRIVATE_KILLED;
	return WEXITSTATUS(status) ? PRIVATE_GAVE_UP : PRIVATE_WELL;
}
