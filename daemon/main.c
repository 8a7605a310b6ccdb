/* SPDX-License-Identifier: Apache-2.0 */
/* rpsd. Everything is built here in order and taken down in reverse:
 *
 *   arguments, configuration, limits, signals, loop, origins, guard, registry, methods, control
 *
 * As a service it listens on the sockets that systemd passes, or on its own. A private daemon
 * belongs to the rpsctl at the other end of --control-fd: it has no configuration unless one is
 * named, no socket, and it ends when that end closes.
 *
 * It ends in steps. A first SIGTERM or SIGINT stops the runs as the command stop does: requests in
 * progress are awaited, at most MAIN_DRAIN_NS; a second one ends the wait. Once no run is active,
 * clients that still have connections have MAIN_LINGER_NS to fetch their reports. */
#include "daemon/main_internal.h"

#include <errno.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/settings/settings.h"
#include "common/settings/settings_files.h"
#include "common/std_fds.h"
#include "daemon/runs/registry.h"
#include "daemon/service/log.h"
#include "daemon/service/methods.h"

#define MAIN_DRAIN_NS (40 * NSEC_PER_SEC) /* less than TimeoutStopSec= of the unit */
#define MAIN_LINGER_NS NSEC_PER_SEC

/* ---------------------------------------------------------------- configuration */

/* Reports all problems of the configuration on stderr. 0 or the exit status. */
static int main_report_problems(struct problems *problems, int r)
{
	problems_finish(problems);
	for (size_t i = 0; i < problems->n && i < problems->cap; i++)
		log_error("%s", problems->texts[i]);
	if (r == -ENOMEM)
		log_error("out of memory for the configuration: " MEMORY_REMEDY);
	return EXIT_CONFIG;
}

static int main_configure(struct daemon *d)
{
	const struct main_options *o = &d->options;
	struct problems problems = {0};
	struct err err = {0};
	int status = 0;
	int r = 0;

	if (!o->is_private || o->config)
		r = settings_files_read(
			o->config ? o->config : MAIN_CONFIG, o->config != NULL, &d->doc, &problems);
	if (r == 0)
		r = settings_build(&d->doc, &d->settings, &problems);
	if (!o->is_private)
		settings_refuse_private(&d->doc, &problems);
	if (r == 0 && o->is_private)
		guard_init_private(&d->guard);
	else if (r == 0)
		r = guard_init_service(&d->guard, (const char *const *)d->settings->allow,
			d->settings->n_allow, &err);
	if (err.text[0])
		problems_add(&problems, "[policy] allow", 0, "%s", err.text);
	if (r != 0 || problems.n > 0)
		status = main_report_problems(&problems, r);
	problems_fini(&problems);
	return status;
}

/* Raises the limit of descriptors to the maximum; the need of a run is checked when it starts. */
static void main_raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		log_warning("the limit of descriptors stays where it is: %s; large runs may be "
			    "refused: "
			    "raise it by ulimit -n or LimitNOFILE=",
			strerror(errno));
}

/* Histograms are large and nearly empty, so they should be separate mappings that the kernel fills
 * page by page. glibc uses mmap for large blocks, but raises its threshold at the first one that is
 * freed: from then on calloc clears memory of its own heap, all of it. A third run with 20 named
 * requests took 61 MB instead of 18. */
static void main_keep_memory_lazy(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* A call may contain credentials, and the parser keeps its own copies. */
static void main_wipe_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* ---------------------------------------------------------------- the end */

static void main_end_if_idle(struct daemon *d)
{
	if (!d->stopping || registry_n_active(d->registry) > 0)
		return;
	if (control_n_connections(d->control) == 0 || d->is_orphan)
		loop_stop(d->loop);
	else if (!timer_is_running(&d->linger))
		timer_start(&d->ends, &d->linger, loop_now_ns(d->loop) + MAIN_LINGER_NS);
}

/* Sets the status line of systemctl status. */
static void main_notify_runs(const struct daemon *d)
{
	unsigned n = registry_n_active(d->registry);

	if (!d->options.is_private)
		systemd_notify("STATUS=%s%u active %s", d->stopping ? "waiting for " : "", n,
			n == 1 ? "run" : "runs");
}

void main_on_finished(void *arg)
{
	struct daemon *d = arg;

	main_notify_runs(d);
	main_end_if_idle(d);
}

void main_on_empty(void *arg)
{
	main_end_if_idle(arg);
}

static void main_on_end(struct timer_queue *queue, struct timer *timer)
{
	struct daemon *d = queue->userdata;

	if (timer == &d->linger)
		loop_stop(d->loop);
	else
		registry_stop_all(d->registry, true, "the daemon could wait no longer");
}

static void main_stop(struct daemon *d, bool now, const char *reason)
{
	bool first = !d->stopping;

	d->stopping = true;
	if (first) {
		log_info("%s", reason);
		if (!d->options.is_private)
			systemd_notify("STOPPING=1");
		main_notify_runs(d);
		methods_stop_starting(d->methods);
		control_stop_listening(d->control);
		timer_start(&d->ends, &d->drain, loop_now_ns(d->loop) + MAIN_DRAIN_NS);
	}
	registry_stop_all(d->registry, now, reason);
	if (!first && registry_n_active(d->registry) == 0)
		loop_stop(d->loop); /* clients that are still reading are not awaited either */
	main_end_if_idle(d);
}

static void main_on_signal(struct loop_task *task, uint32_t events)
{
	struct daemon *d = container_of(task, struct daemon, signals);
	struct signalfd_siginfo info;
	ssize_t n;

	(void)events;
	while ((n = read(task->fd, &info, sizeof(info))) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			main_stop(d, d->stopping, "the daemon was told to stop");
	}
	/* A signal has arrived, and nothing else would end a daemon that cannot read signals. */
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		log_error("signals cannot be read: %s", strerror(errno));
		main_stop(d, d->stopping, "a signal came that cannot be read");
	}
}

void main_on_owner_gone(struct control_closer *closer)
{
	struct daemon *d = container_of(closer, struct daemon, owner);

	d->is_orphan = true;
	main_stop(d, true, "its owner disconnected");
}

/* ---------------------------------------------------------------- building */

/* Ignores signals that would end the process without being a request to do so. */
static void main_ignore_signals(void)
{
	static const int signals[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
}

/* Signals are blocked before any thread is made, so that all threads leave them to the loop. SIGHUP
 * will request a reload; until then it is read and ignored. */
static int main_open_signals(struct daemon *d)
{
	sigset_t set;
	int fd;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return -errno;
	r = loop_add_task(d->loop, &d->signals, fd, LOOP_INPUT, main_on_signal);
	if (r < 0)
		(void)close(fd);
	else
		d->has_signals = true;
	return r;
}

int main_open_loop(struct daemon *d)
{
	int r = loop_new(&d->loop);

	if (r < 0)
		return r;
	timer_queue_init(&d->ends, d->loop, main_on_end, d);
	timer_init(&d->drain);
	timer_init(&d->linger);
	return main_open_signals(d);
}

/* Everything between reading the configuration and the end. Returns the exit status. */
static int main_serve(struct daemon *d)
{
	struct err err = {0};
	int r;

	if (digest_prepare() < 0) {
		log_error("cannot start: out of memory for libcrypto: " MEMORY_REMEDY);
		return EXIT_FAILURE;
	}
	main_raise_limits();
	main_keep_memory_lazy();
	/* glibc's name service crashes when its first use runs out of memory: better now than in
	 * the middle of a run. */
	(void)getpwuid(geteuid());
	r = main_open(d, &err);
	if (r != 0) {
		log_error("cannot start: %s%s",
			err.text[0] ? err.text : strerror(r < 0 ? -r : EINVAL),
			r == -ENOMEM && !err.text[0] ? ": " MEMORY_REMEDY : "");
		return EXIT_FAILURE;
	}
	r = loop_run(d->loop);
	if (r < 0) {
		/* The loop is broken: workers cannot be awaited. */
		log_error("the event loop failed: %s", strerror(-r));
		_exit(EXIT_FAILURE);
	}
	return EXIT_SUCCESS;
}

/* Output that was requested and could not be written is an error, as in all programs. */
static int main_flush(int status)
{
	int r = std_fds_flush();

	if (r == 0)
		return status;
	log_error("cannot write to stdout: %s", strerror(-r));
	return status ? status : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct daemon d = {.socket_fd = -1, .observe_fd = -1};
	int status;

	memory_watch(main_wipe_free);
	if (std_fds_open() < 0)
		return EXIT_FAILURE;
	main_ignore_signals();
	log_open(LOG_INFO);
	control_closer_init(&d.owner, main_on_owner_gone);
	status = main_parse(argc, argv, &d.options);
	if (status != 0)
		return main_flush(status == -1 ? EXIT_SUCCESS : status);
	if (d.options.is_private)
		log_open(LOG_WARNING); /* rpsctl shows the rest to its user */
	status = main_configure(&d);
	if (status == 0 && d.options.check)
		(void)puts("The configuration is valid.");
	else if (status == 0)
		status = main_serve(&d);
	main_close(&d);
	return main_flush(status);
}
