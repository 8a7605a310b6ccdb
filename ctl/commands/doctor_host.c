/* SPDX-License-Identifier: Apache-2.0 */
/* The facts for doctor.c, from /proc, /sys, the clock and the sockets. Everything is only read; a
 * figure that is not available stays unknown. One thread; the timer takes a second. */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/host/host.h"
#include "common/host/host_file.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/commands/doctor.h"
#include "ctl/private.h"

#define DOCTOR_OBSERVE "/run/rpsd/observe.socket"
#define DOCTOR_TICKS 1000
#define DOCTOR_TICK_NS NSEC_PER_MSEC
#define DOCTOR_ANSWER_MS 2000

extern char **environ;

static void doctor_gather_host(struct doctor_facts *f)
{
	struct host_ticks ticks;
	struct rlimit files;
	char text[DOCTOR_TEXT_SIZE];

	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		f->fd_hard = files.rlim_max == RLIM_INFINITY ? UINT64_MAX : files.rlim_max;
	host_read_ports(&f->ports);
	(void)host_file_read("/proc/sys/net/core/somaxconn", text, sizeof(text));
	f->somaxconn = strtoll(text, NULL, 10);
	f->cpus = host_affinity();
	f->quota = host_quota();
	host_read_ticks(&ticks);
	f->steal_share = ticks.total > 0 ? (double)ticks.steal / (double)ticks.total : -1;
	host_read_clock(&f->clock);
}

/* ---------------------------------------------------------------- the timer */

static int doctor_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Waits for one absolute instant; how late we were, or -1. */
static int64_t doctor_wait_for(int fd, int64_t at_ns)
{
	struct itimerspec spec = {.it_value = {at_ns / NSEC_PER_SEC, at_ns % NSEC_PER_SEC}};
	uint64_t expirations;

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) == -1)
		return -1;
	if (read(fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return -1;
	return clock_now_ns() - at_ns;
}

static void doctor_measure_timer(struct doctor_facts *f)
{
	int64_t *late = calloc(DOCTOR_TICKS, sizeof(*late));
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int64_t start = clock_now_ns() + DOCTOR_TICK_NS;
	int n = 0;

	f->late_p50_ns = f->late_p99_ns = -1;
	while (late && fd != -1 && n < DOCTOR_TICKS) {
		late[n] = doctor_wait_for(fd, start + n * DOCTOR_TICK_NS);
		if (late[n] < 0)
			break;
		n++;
	}
	if (n == DOCTOR_TICKS) {
		qsort(late, DOCTOR_TICKS, sizeof(*late), doctor_compare);
		f->late_p50_ns = late[DOCTOR_TICKS / 2 - 1];
		f->late_p99_ns = late[DOCTOR_TICKS * 99 / 100 - 1];
	}
	if (fd != -1)
		(void)close(fd);
	free(late);
}

/* ---------------------------------------------------------------- programs */

/* Reads the output of `rpsd --version`, "rpsd 0.1.0". */
static void doctor_ask_rpsd(struct doctor_facts *f)
{
	static char version_word[] = "--version";
	char *argv[] = {f->rpsd_path, version_word, NULL};
	posix_spawn_file_actions_t actions;
	char said[DOCTOR_TEXT_SIZE] = "";
	int out[2];
	pid_t pid;
	ssize_t n = 0;

	private_path(f->rpsd_path);
	if (pipe(out) == -1)
		return;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	(void)posix_spawn_file_actions_addclose(&actions, out[0]);
	if (posix_spawn(&pid, f->rpsd_path, &actions, NULL, argv, environ) != 0)
		pid = 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(out[1]);
	if (pid > 0) {
		n = read(out[0], said, sizeof(said) - 1);
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	(void)close(out[0]);
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (str_starts(said, "rpsd "))
		(void)snprintf(f->rpsd_version, sizeof(f->rpsd_version), "%s", said + 5);
}

/* 0 or errno. */
static int doctor_dial(const char *path)
{
	int fd = client_dial(path);

	if (fd < 0)
		return -fd;
	(void)close(fd);
	return 0;
}

/* A service that does not answer must not block rpsctl. */
static void doctor_ask_service(struct doctor_facts *f, const struct options *o)
{
	struct client client = {.fd = -1};
	struct client_answer answer = {0};
	struct err err;
	struct pollfd ready = {.events = POLLIN};

	if (client_connect(&client, o, true, &err))
		return;
	ready.fd = client.fd;
	if (client_send(&client, "Status", json_object(), false) == 0) {
		/* The question fits the socket's buffer. */
		(void)client_pump(&client);
		while (!answer.message && poll(&ready, 1, DOCTOR_ANSWER_MS) == 1) {
			int lost = client_pump(&client);

			if (client_take(&client, &answer) || (lost && !answer.message))
				break;
		}
	}
	if (answer.message && !answer.error)
		(void)snprintf(f->service_version, sizeof(f->service_version), "%.100s",
			json_path_text(answer.parameters, "daemon.version"));
	client_answer_fini(&answer);
	client_close(&client);
}

static void doctor_gather_group(struct doctor_facts *f)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group;
	gid_t groups[256];
	int n = getgroups(256, groups);

	if (user)
		(void)snprintf(f->user, sizeof(f->user), "%s", user->pw_name);
	group = getgrnam("rpsd");
	f->has_group = group;
	f->is_member = geteuid() == 0 || (group && getegid() == group->gr_gid);
	for (int i = 0; i < n && group; i++)
		f->is_member = f->is_member || groups[i] == group->gr_gid;
}

void doctor_gather(struct doctor_facts *ret, const struct options *o)
{
	*ret = (struct doctor_facts){0};
	doctor_gather_host(ret);
	doctor_measure_timer(ret);
	doctor_ask_rpsd(ret);
	ret->control.path = client_socket_path(o);
	ret->control.error = doctor_dial(ret->control.path);
	if (ret->control.error == EACCES || ret->control.error == EPERM)
		socket_access_read(ret->control.path, &ret->control.access);
	ret->observe.path = DOCTOR_OBSERVE;
	ret->observe.error = doctor_dial(ret->observe.path);
	if (ret->control.error == 0)
		doctor_ask_service(ret, o);
	doctor_gather_group(ret);
}
