/* SPDX-License-Identifier: Apache-2.0 */
/* The facts for doctor.c, from /proc, /sys, the clock and the sockets. Everything is only read;
 * what cannot be had stays unknown. One thread; the timer takes a second. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/private.h"

#define DOCTOR_OBSERVE "/run/rpsd/observe.socket"
#define DOCTOR_TICKS 1000
#define DOCTOR_TICK_NS NSEC_PER_MSEC
#define DOCTOR_ANSWER_MS 2000

extern char **environ;

/* ---------------------------------------------------------------- /proc and /sys */

/* How many numbers the file begins with, at most two. */
static int doctor_read_numbers(const char *path, int64_t *ret_a, int64_t *ret_b)
{
	FILE *f = fopen(path, "re");
	int64_t a = 0, b = 0;
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "%" SCNd64 " %" SCNd64, &a, &b);
	(void)fclose(f);
	if (n >= 1)
		*ret_a = a;
	if (n >= 2)
		*ret_b = b;
	return n < 0 ? 0 : n;
}

static void doctor_read_word(const char *path, char ret[static DOCTOR_TEXT_SIZE])
{
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (fgets(ret, DOCTOR_TEXT_SIZE, f))
		ret[strcspn(ret, " \n")] = '\0';
	(void)fclose(f);
}

static void doctor_take_quota(double *least, int64_t quota, int64_t period)
{
	double cpus = period > 0 ? (double)quota / (double)period : 0;

	if (quota > 0 && cpus > 0 && (*least == 0 || cpus < *least))
		*least = cpus;
}

/* The least of a v2 group and those above it. */
static double doctor_quota_v2(const char *group)
{
	char path[DOCTOR_PATH_SIZE];
	double least = 0;

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s", group);
	while (strlen(path) >= strlen("/sys/fs/cgroup")) {
		int64_t quota = 0, period = 0;
		char file[DOCTOR_PATH_SIZE + 16];

		(void)snprintf(file, sizeof(file), "%s/cpu.max", path);
		if (doctor_read_numbers(file, &quota, &period) == 2)
			doctor_take_quota(&least, quota, period);
		*strrchr(path, '/') = '\0';
	}
	return least;
}

/* In a container the group's own path is often not there, but its files are at the root. */
static double doctor_quota_v1(const char *group)
{
	const char *const paths[] = {group, ""};
	double least = 0;

	for (size_t i = 0; i < 2; i++) {
		int64_t quota = 0, period = 0, unused;
		char file[DOCTOR_PATH_SIZE];

		(void)snprintf(
			file, sizeof(file), "/sys/fs/cgroup/cpu%.3000s/cpu.cfs_quota_us", paths[i]);
		(void)doctor_read_numbers(file, &quota, &unused);
		(void)snprintf(file, sizeof(file), "/sys/fs/cgroup/cpu%.3000s/cpu.cfs_period_us",
			paths[i]);
		(void)doctor_read_numbers(file, &period, &unused);
		doctor_take_quota(&least, quota, period);
	}
	return least;
}

/* Lines of /proc/self/cgroup: "0::/path", "4:cpu,cpuacct:/path". */
static double doctor_read_quota(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[DOCTOR_PATH_SIZE];
	double least = 0;

	while (f && fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':');
		char *group = names ? strchr(names + 1, ':') : NULL;
		double quota;

		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		quota = names[1] == '\0' ? doctor_quota_v2(group) : doctor_quota_v1(group);
		if (quota > 0 && (least == 0 || quota < least))
			least = quota;
	}
	if (f)
		(void)fclose(f);
	return least;
}

static double doctor_read_steal(void)
{
	/* user nice system idle iowait irq softirq steal */
	uint64_t v[8] = {0};
	uint64_t total = 0;
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (!f)
		return -1;
	n = fscanf(f,
		"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %" SCNu64 " %" SCNu64,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
	(void)fclose(f);
	for (size_t i = 0; i < 8; i++)
		total += v[i];
	return n == 8 && total > 0 ? (double)v[7] / (double)total : -1;
}

static void doctor_gather_limits(struct doctor_facts *f)
{
	struct rlimit files;
	cpu_set_t set;
	int64_t unused;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		f->fd_hard = files.rlim_max == RLIM_INFINITY ? UINT64_MAX : files.rlim_max;
	}
	(void)doctor_read_numbers(
		"/proc/sys/net/ipv4/ip_local_port_range", &f->port_low, &f->port_high);
	f->tw_reuse = -1;
	(void)doctor_read_numbers("/proc/sys/net/ipv4/tcp_tw_reuse", &f->tw_reuse, &unused);
	(void)doctor_read_numbers("/proc/sys/net/core/somaxconn", &f->somaxconn, &unused);
	CPU_ZERO(&set);
	f->cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	f->quota = doctor_read_quota();
	f->steal_share = doctor_read_steal();
	doctor_read_word(
		"/sys/devices/system/clocksource/clocksource0/current_clocksource", f->clocksource);
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

/* What `rpsd --version` prints, "rpsd 0.1.0". */
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

static int doctor_dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;
	int error = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	(void)strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1)
		error = errno;
	(void)close(fd);
	return error;
}

/* A service that does not answer must not hold us up. */
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
			result_text(answer.parameters, "daemon.version"));
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
	doctor_gather_limits(ret);
	ret->clock_ns = clock_cost_ns(clock_now_ns);
	doctor_measure_timer(ret);
	doctor_ask_rpsd(ret);
	ret->control.path = client_socket_path(o);
	ret->control.error = doctor_dial(ret->control.path);
	ret->observe.path = DOCTOR_OBSERVE;
	ret->observe.error = doctor_dial(ret->observe.path);
	if (ret->control.error == 0)
		doctor_ask_service(ret, o);
	doctor_gather_group(ret);
}
