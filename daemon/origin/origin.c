/* SPDX-License-Identifier: Apache-2.0 */
/* The public part of an origin: its listener, its thread, its counters.
 *
 * The caller's thread binds and builds everything, so that every failure is in origin_start with
 * the address in its message; then the thread owns everything until it is joined. It is stopped by
 * a future, the only part that another thread may use.
 *
 * Accepting stops for a moment when descriptors or memory are used up: accept() is not called again
 * before a connection was closed or a short time has passed. New clients wait in the backlog
 * meanwhile, as with any server that is full, and the thread sleeps. */
#include "daemon/origin/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "daemon/http/transport.h"
#include "daemon/loop/future.h"
#include "daemon/origin/origin_conn.h"
#include "daemon/origin/origin_core.h"

#define ORIGIN_ACCEPT_BUDGET 64
#define ORIGIN_PAUSE_NS (50 * NSEC_PER_MSEC)

struct origin {
	/* set once before start */
	char *name;
	struct origin_gaps *log; /* log of gaps; NULL: none */
	char address[INET6_ADDRSTRLEN + 16];
	pthread_t thread;

	/* owner: origin thread */
	struct loop *loop;
	struct loop_task listener;
	struct timer_queue pauses;
	struct timer pause;	 /* running: out of descriptors, or during an accept stall */
	int64_t first_accept_ns; /* CLOCK_NEVER: none yet */
	struct origin_core core;

	/* completed by origin_free */
	struct future stop;
};

/* ---- accepting */

static bool origin_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* New connections wait in the backlog until the stall's end. */
static bool origin_is_accept_stalled(struct origin *o)
{
	const struct settings_cycle *stall = &o->core.settings.accept_stall;
	int64_t now_ns = clock_now_ns();
	int64_t until_ns;

	if (stall->length_ns == 0)
		return false;
	if (o->first_accept_ns == CLOCK_NEVER)
		o->first_accept_ns = now_ns;
	until_ns = origin_pace_stalled_until(stall, o->first_accept_ns, now_ns);
	if (until_ns > 0)
		timer_start(&o->pauses, &o->pause, until_ns);
	return until_ns > 0;
}

/* Closes it with a reset, so that it leaves no state in the kernel. */
static void origin_turn_away(struct origin *o, int fd)
{
	struct linger now = {.l_onoff = 1};

	origin_tally_add(&o->core.tally.closed, 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static void origin_take_in(struct origin *o, int fd, const struct sockaddr *address)
{
	struct origin_core *core = &o->core;
	const struct settings_origin *s = &core->settings;
	uint64_t n = atomic_load_explicit(&core->tally.connections, memory_order_relaxed);
	struct origin_peer *peer = NULL;

	if (n < s->max_connections)
		peer = origin_peers_take(&core->peers, address, s->max_per_address);
	/* If this fails the descriptor is closed, which the client notices. */
	if (peer)
		(void)origin_conn_open(core, fd, peer);
	else
		origin_turn_away(o, fd);
}

static void origin_on_acceptable(struct loop_task *task, uint32_t events)
{
	struct origin *o = container_of(task, struct origin, listener);

	(void)events;
	timer_stop(&o->pause);
	if (origin_is_accept_stalled(o))
		return;
	for (int i = 0; i < ORIGIN_ACCEPT_BUDGET; i++) {
		struct sockaddr_storage address = {0};
		socklen_t len = sizeof(address);
		int fd = accept4(
			task->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && errno == EAGAIN)
			return;
		if (fd == -1 && origin_is_shortage(errno)) {
			timer_start(&o->pauses, &o->pause, clock_now_ns() + ORIGIN_PAUSE_NS);
			return;
		}
		/* All other errors concern a client that has already closed. */
		if (fd >= 0)
			origin_take_in(o, fd, (struct sockaddr *)&address);
	}
	loop_task_again(task);
}

static void origin_on_pause_end(struct timer_queue *queue, struct timer *timer)
{
	struct origin *o = queue->userdata;

	(void)timer;
	loop_task_again(&o->listener);
}

static void origin_on_conn_closed(struct origin_core *core)
{
	struct origin *o = container_of(core, struct origin, core);

	if (timer_is_running(&o->pause))
		loop_task_again(&o->listener);
}

/* ---- listening */

/* "127.0.0.1:8000" or "[::1]:8000" to host and port, in place. */
static bool origin_split_address(char *text, char **ret_host, char **ret_port)
{
	char *colon = strrchr(text, ':');

	if (!colon || colon == text || colon[1] == '\0')
		return false;
	*colon = '\0';
	*ret_port = colon + 1;
	*ret_host = text;
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*ret_host = text + 1;
	}
	return **ret_host != '\0';
}

/* On Linux accepted sockets inherit these from the listener, which saves a call for each. A server
 * that reads slowly must not have a large buffer that would accept everything at once. */
static void origin_set_options(int fd, const struct settings_origin *settings)
{
	int on = 1;
	int size = (int)settings->read_bytes; /* at most 64 MiB, which is more than the kernel
					       * allows */

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	tcp_ask_for_stamps(fd);
	if (settings->read_bytes > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int origin_listen_on(
	const struct settings_origin *settings, const struct addrinfo *info, int *ret_fd)
{
	int fd = socket(
		info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
	int r;

	if (fd == -1)
		return -errno;
	origin_set_options(fd, settings);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == -1 ||
		listen(fd, (int)settings->backlog) == -1) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int origin_resolve(const char *listen, struct addrinfo **ret, const char **ret_why)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char *text = strdup(listen);
	char *host;
	char *port;
	int r;

	if (!text)
		return -ENOMEM;
	if (!origin_split_address(text, &host, &port)) {
		free(text);
		*ret_why = "not ADDRESS:PORT";
		return -EINVAL;
	}
	r = getaddrinfo(host, port, &hints, ret);
	free(text);
	if (r == 0)
		return 0;
	*ret_why = gai_strerror(r);
	return -EINVAL;
}

static const char *origin_listen_remedy(int r)
{
	switch (r) {
	case -EADDRINUSE:
		return "; choose another port, or port 0, which takes a free one";
	case -EADDRNOTAVAIL:
		return "; choose an address of this host, as in 127.0.0.1 or 0.0.0.0";
	case -EACCES:
		return "; choose a port from 1024 on";
	default:
		return "";
	}
}

static int origin_listen(const struct settings_origin *settings, int *ret_fd, struct err *reterr)
{
	struct addrinfo *infos = NULL;
	const char *why = NULL;
	int r = origin_resolve(settings->listen, &infos, &why);

	if (r == 0) {
		r = origin_listen_on(settings, infos, ret_fd);
		freeaddrinfo(infos);
	}
	if (r < 0)
		err_set(reterr, "origin %s: cannot listen on %s: %s%s", settings->name,
			settings->listen, why ? why : strerror(-r), origin_listen_remedy(r));
	return r;
}

static int origin_read_address(struct origin *o, int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN];
	char port[8];
	int r;

	if (getsockname(fd, (struct sockaddr *)&address, &len) == -1)
		return -errno;
	r = getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	if (r != 0)
		return -EINVAL;
	(void)snprintf(o->address, sizeof(o->address),
		address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}

/* ---- the thread */

static void *origin_thread_main(void *arg)
{
	struct origin *o = arg;

	(void)pthread_setname_np(pthread_self(), "origin");
	(void)loop_run(o->loop);
	return NULL;
}

static void origin_on_stop(struct future *f, void *result, void *arg)
{
	struct origin *o = arg;

	(void)f;
	(void)result;
	loop_stop(o->loop);
}

/* Signals are handled by the main thread. */
static int origin_start_thread(struct origin *o)
{
	sigset_t all;
	sigset_t before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&o->thread, NULL, origin_thread_main, o);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* An origin leaves half of the descriptors to the runs of a service. */
static void origin_fill_in_limits(struct settings_origin *s)
{
	struct rlimit files;
	uint64_t most = UINT64_MAX;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
		most = files.rlim_cur / 2;
	if (s->max_connections == 0 || s->max_connections > most)
		s->max_connections = most;
	if (s->max_per_address == 0)
		s->max_per_address = s->max_connections;
}

/* Builds everything but the listening socket and the thread. */
static int origin_build(struct origin *o, const struct settings_origin *settings, int fd)
{
	int r = loop_new(&o->loop);

	if (r < 0)
		return r;
	timer_queue_init(&o->pauses, o->loop, origin_on_pause_end, o);
	r = origin_core_init(
		&o->core, o->loop, settings, origin_conn_on_linger_end, origin_conn_on_idle_end);
	if (r == 0) {
		origin_fill_in_limits(&o->core.settings);
		o->core.on_due = origin_conn_on_due;
		o->core.on_served = origin_conn_on_served;
		o->core.gaps = o->log;
		o->core.on_closed = origin_on_conn_closed;
		r = loop_add_task(o->loop, &o->listener, fd, LOOP_INPUT, origin_on_acceptable);
	}
	if (r == 0) {
		loop_add_future(o->loop, &o->stop);
		future_on_done(&o->stop, origin_on_stop, o);
	}
	return r;
}

static int origin_open_log(
	struct origin *o, const struct settings_origin *settings, struct err *reterr)
{
	int r = settings->gaps ? origin_gaps_open(settings->gaps, &o->log) : 0;

	if (r < 0)
		err_set(reterr, "origin %s: cannot write %.300s: %s", settings->name,
			settings->gaps, r == -EINVAL ? "not a file" : strerror(-r));
	return r;
}

/* Only a private daemon has such a file, and its stderr is that of the user who requested it. */
static void origin_close_log(struct origin *o)
{
	int r = origin_gaps_close(o->log);

	if (r < 0)
		(void)fprintf(stderr, "origin %s: cannot write the log of gaps: %s\n", o->name,
			strerror(-r));
}

/* The thread must have been joined, or never started. */
static void origin_tear_down(struct origin *o, int fd)
{
	if (o->loop) {
		timer_stop(&o->pause);
		origin_conn_close_all(&o->core);
		loop_remove_task(&o->listener);
		origin_core_fini(&o->core);
		timer_queue_fini(&o->pauses);
		loop_free(o->loop);
	}
	if (fd >= 0)
		(void)close(fd);
	origin_close_log(o);
	free(o->name);
	free(o);
}

int origin_start(const struct settings_origin *settings, struct origin **ret, struct err *reterr)
{
	struct origin *o = calloc(1, sizeof(*o));
	int fd = -1;
	int r;

	if (!o) {
		err_set(reterr, "origin %s: cannot serve on %s: %s", settings->name,
			settings->listen, strerror(ENOMEM));
		return -ENOMEM;
	}
	o->first_accept_ns = CLOCK_NEVER;
	loop_task_init(&o->listener);
	timer_init(&o->pause);
	r = origin_listen(settings, &fd, reterr);
	if (r == 0)
		r = origin_open_log(o, settings, reterr);
	if (r < 0)
		goto failed;
	o->name = strdup(settings->name);
	r = o->name ? origin_read_address(o, fd) : -ENOMEM;
	if (r == 0)
		r = origin_build(o, settings, fd);
	if (r == 0)
		r = origin_start_thread(o);
	if (r < 0) {
		err_set(reterr, "origin %s: cannot serve on %s: %s", settings->name,
			settings->listen, strerror(-r));
		goto failed;
	}
	*ret = o;
	return 0;

failed:
	origin_tear_down(o, fd);
	return r;
}

struct origin *origin_free(struct origin *o)
{
	if (!o)
		return NULL;
	origin_core_stop(&o->core);
	(void)future_done(&o->stop, NULL);
	(void)pthread_join(o->thread, NULL);
	origin_tear_down(o, o->listener.fd);
	return NULL;
}

const char *origin_name(const struct origin *o)
{
	return o->name;
}

const char *origin_address(const struct origin *o)
{
	return o->address;
}

void origin_read_counts(const struct origin *o, struct origin_counts *ret)
{
	origin_tally_read(&o->core.tally, ret);
}

unsigned origin_error_status(const struct origin *o)
{
	return o->core.settings.error_status;
}

int origin_read_times(const struct origin *o, struct histogram *ret)
{
	return origin_tally_read_times(&o->core.tally, ret);
}
