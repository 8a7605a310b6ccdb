/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait is made a poll of descriptors: an epoll set is one, a socket is one, and for what has
 * none (conditions, the end of a thread, an instant) each thread has a bell, an eventfd. So whether
 * a thread that still sleeps is about to wake up can be asked of the kernel, and the last thread
 * that begins to wait asks it for all of them. What is ready stays ready until its thread has been
 * counted as running again, because only that thread consumes it, and does so after the count.
 *
 * Loopback delivers what is sent before the call returns, except if the kernel has deferred its
 * soft interrupts. Each CPU handles its packets in order, so the process is bound to one CPU, and
 * before time skips a datagram has to arrive that was sent after everything else. A handshake is
 * made of packets that answer each other: hence several rounds. */
#include "tests/support/skip_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "common/clock.h"

#define SKIP_FDS_MAX 4096   /* descriptors of the process, and all that is waited for */
#define SKIP_WAIT_MAX 64    /* descriptors that one thread waits for */
#define SKIP_FLUSH_ROUNDS 3 /* SYN, SYN-ACK, ACK */
#define SKIP_PATIENCE_MS 1000

struct skip_thread {
	struct skip_thread *next;
	pthread_t id;
	void *(*fn)(void *);
	void *arg;
	bool has_ended;
	int bell;
	const void *awaited;		      /* the bell rings for this object; NULL: for none */
	int64_t until_ns;		      /* and at this instant */
	struct pollfd fds[SKIP_WAIT_MAX + 1]; /* the bell is the last one */
	nfds_t n_fds;			      /* 0: the thread runs */
};

static struct {
	atomic_bool is_on;
	_Atomic int64_t now_ns;
	_Atomic int64_t due_ns; /* the earliest of all timers and waits, or earlier */
	int64_t wall_ns;	/* the wall clock is that much more */
	cpu_set_t cpus;		/* before the start */
	int flush_fd;
	pthread_mutex_t lock; /* of the rest */
	unsigned n_running;
	struct skip_thread *threads;
	bool is_timer[SKIP_FDS_MAX];
	int64_t timer_ns[SKIP_FDS_MAX];
	int fds_end;
	struct pollfd fds[SKIP_FDS_MAX];
} skip = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct skip_thread skip_first;
static _Thread_local struct skip_thread *skip_self; /* NULL: takes no part */

#define SKIP_REAL(type, name, ...)                                                                 \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

SKIP_REAL(int64_t, clock_now_ns, void);
SKIP_REAL(int64_t, clock_unix_ns, void);
SKIP_REAL(int, timerfd_create, int, int);
SKIP_REAL(int, timerfd_settime, int, int, const struct itimerspec *, struct itimerspec *);
SKIP_REAL(int, close, int);
SKIP_REAL(int, epoll_wait, int, struct epoll_event *, int, int);
SKIP_REAL(int, poll, struct pollfd *, nfds_t, int);
SKIP_REAL(int, __poll_chk, struct pollfd *, nfds_t, int, size_t);
SKIP_REAL(ssize_t, recv, int, void *, size_t, int);
SKIP_REAL(int, accept4, int, struct sockaddr *, socklen_t *, int);
SKIP_REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
SKIP_REAL(int, pthread_join, pthread_t, void **);
SKIP_REAL(int, pthread_cond_wait, pthread_cond_t *, pthread_mutex_t *);
SKIP_REAL(int, pthread_cond_clockwait, pthread_cond_t *, pthread_mutex_t *, clockid_t,
	const struct timespec *);
SKIP_REAL(int, pthread_cond_signal, pthread_cond_t *);
SKIP_REAL(int, pthread_cond_broadcast, pthread_cond_t *);

static void skip_lock(void)
{
	(void)pthread_mutex_lock(&skip.lock);
}

static void skip_unlock(void)
{
	(void)pthread_mutex_unlock(&skip.lock);
}

/* The seam itself is broken, or one of its limits is too low. */
static void skip_die(const char *why)
{
	perror(why);
	abort();
}

/* ---------------------------------------------------------------- time */

static void skip_ring(struct skip_thread *t)
{
	t->awaited = NULL;
	t->until_ns = CLOCK_NEVER;
	(void)eventfd_write(t->bell, 1);
}

/* Locked. The earliest instant that is still to come after those up to now have been notified. */
static int64_t skip_fire(int64_t now_ns)
{
	int64_t next_ns = CLOCK_NEVER;

	for (int fd = 0; fd < skip.fds_end; fd++) {
		if (skip.timer_ns[fd] <= now_ns) {
			skip.timer_ns[fd] = CLOCK_NEVER;
			(void)eventfd_write(fd, 1);
		}
		if (skip.timer_ns[fd] < next_ns)
			next_ns = skip.timer_ns[fd];
	}
	for (struct skip_thread *t = skip.threads; t; t = t->next) {
		if (t->until_ns <= now_ns)
			skip_ring(t);
		if (t->until_ns < next_ns)
			next_ns = t->until_ns;
	}
	skip.due_ns = next_ns;
	return next_ns;
}

/* Locked. */
static void skip_note_due(int64_t due_ns)
{
	if (due_ns < skip.due_ns)
		skip.due_ns = due_ns;
}

static int64_t skip_now(int64_t tick_ns)
{
	int64_t now_ns = atomic_fetch_add(&skip.now_ns, tick_ns) + tick_ns;

	if (now_ns >= skip.due_ns) {
		skip_lock();
		(void)skip_fire(now_ns);
		skip_unlock();
	}
	return now_ns;
}

/* ---------------------------------------------------------------- waiting */

/* Locked, and no thread runs. */
static bool skip_is_one_ready(void)
{
	nfds_t n = 0;

	for (struct skip_thread *t = skip.threads; t; t = t->next)
		for (nfds_t i = 0; i < t->n_fds; i++) {
			if (n == SKIP_FDS_MAX)
				skip_die("skip_clock: too many descriptors");
			skip.fds[n++] = t->fds[i];
		}
	return __real_poll(skip.fds, n, 0) > 0;
}

/* Returns when everything sent on loopback has been delivered. */
static void skip_flush(void)
{
	struct pollfd fd = {.fd = skip.flush_fd, .events = POLLIN};
	char byte = 0;

	for (int i = 0; i < SKIP_FLUSH_ROUNDS; i++)
		if (send(fd.fd, &byte, 1, 0) != 1 || __real_poll(&fd, 1, SKIP_PATIENCE_MS) != 1 ||
			__real_recv(fd.fd, &byte, 1, 0) != 1)
			skip_die("skip_clock: loopback");
}

/* Locked, and no thread runs. A timer may fire that no thread waits for at present. */
static void skip_ahead(void)
{
	int64_t due_ns;

	if (skip_is_one_ready())
		return;
	skip_flush();
	while (!skip_is_one_ready()) {
		due_ns = skip_fire(skip.now_ns);
		if (due_ns == CLOCK_NEVER)
			return; /* a signal or another process may end the wait */
		if (due_ns > skip.now_ns && !skip_is_one_ready()) {
			skip.now_ns = due_ns;
			(void)skip_fire(due_ns);
		}
	}
}

/* Locked. */
static void skip_stop_running(void)
{
	if (--skip.n_running == 0)
		skip_ahead();
}

/* Until one of fds is ready, the bell rings, or it is until_ns. Returns the number that is ready,
 * with revents. */
static int skip_wait(struct pollfd *fds, nfds_t n, int64_t until_ns)
{
	struct skip_thread *self = skip_self;
	struct pollfd all[SKIP_WAIT_MAX + 1];
	eventfd_t value;
	int n_ready = 0;

	if (n > SKIP_WAIT_MAX)
		skip_die("skip_clock: too many descriptors at once");
	for (nfds_t i = 0; i < n; i++)
		all[i] = fds[i];
	all[n] = (struct pollfd){.fd = self->bell, .events = POLLIN};
	skip_lock();
	memcpy(self->fds, all, (n + 1) * sizeof(all[0]));
	self->n_fds = n + 1;
	self->until_ns = until_ns;
	skip_note_due(until_ns);
	skip_stop_running();
	skip_unlock();
	while (__real_poll(all, n + 1, -1) == -1 && errno == EINTR)
		;
	skip_lock();
	skip.n_running++;
	self->n_fds = 0;
	self->until_ns = CLOCK_NEVER;
	(void)eventfd_read(self->bell, &value);
	skip_unlock();
	for (nfds_t i = 0; i < n; i++) {
		fds[i].revents = all[i].revents;
		n_ready += fds[i].revents != 0;
	}
	return n_ready;
}

/* Announces a wait for an object; the bell keeps what is rung from now on. */
static void skip_await(const void *object)
{
	skip_lock();
	skip_self->awaited = object;
	skip_unlock();
}

/* Locked. Wakes all that wait for the object. */
static void skip_ring_all(const void *object)
{
	for (struct skip_thread *t = skip.threads; t; t = t->next)
		if (t->awaited == object)
			skip_ring(t);
}

static int64_t skip_until(int timeout_ms)
{
	return timeout_ms < 0 ? CLOCK_NEVER : skip_now(0) + timeout_ms * NSEC_PER_MSEC;
}

/* Waits for input like a blocking call, if the descriptor is one that blocks. */
static bool skip_wait_input(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (!skip_self || fcntl(fd, F_GETFL) & O_NONBLOCK)
		return false;
	(void)skip_wait(&p, 1, CLOCK_NEVER);
	return true;
}

/* ---------------------------------------------------------------- clocks and timers */

int64_t __wrap_clock_now_ns(void)
{
	return skip.is_on ? skip_now(SKIP_CLOCK_TICK_NS) : __real_clock_now_ns();
}

int64_t __wrap_clock_unix_ns(void)
{
	return skip.is_on ? skip_now(SKIP_CLOCK_TICK_NS) + skip.wall_ns : __real_clock_unix_ns();
}

int __wrap_timerfd_create(int clock_id, int flags)
{
	int fd;

	if (!skip.is_on)
		return __real_timerfd_create(clock_id, flags);
	/* The flags have the same values. */
	fd = eventfd(0, flags);
	if (fd >= SKIP_FDS_MAX)
		skip_die("skip_clock: too many descriptors");
	if (fd >= 0) {
		skip_lock();
		skip.is_timer[fd] = true;
		skip.timer_ns[fd] = CLOCK_NEVER;
		skip.fds_end = fd >= skip.fds_end ? fd + 1 : skip.fds_end;
		skip_unlock();
	}
	return fd;
}

/* Like all timers here it has an absolute instant and fires once. */
int __wrap_timerfd_settime(
	int fd, int flags, const struct itimerspec *value, struct itimerspec *ret_before)
{
	int64_t due_ns = (int64_t)value->it_value.tv_sec * NSEC_PER_SEC + value->it_value.tv_nsec;
	eventfd_t old;

	if (!skip.is_on || fd < 0 || fd >= SKIP_FDS_MAX || !skip.is_timer[fd])
		return __real_timerfd_settime(fd, flags, value, ret_before);
	if (flags != TFD_TIMER_ABSTIME || ret_before || value->it_interval.tv_sec ||
		value->it_interval.tv_nsec)
		skip_die("skip_clock: no such timers");
	skip_lock();
	(void)eventfd_read(fd, &old);
	skip.timer_ns[fd] = due_ns == 0 ? CLOCK_NEVER : due_ns;
	skip_note_due(skip.timer_ns[fd]);
	skip_unlock();
	(void)skip_now(0);
	return 0;
}

int __wrap_close(int fd)
{
	if (skip.is_on && fd >= 0 && fd < SKIP_FDS_MAX) {
		skip_lock();
		skip.is_timer[fd] = false;
		skip.timer_ns[fd] = CLOCK_NEVER;
		skip_unlock();
	}
	return __real_close(fd);
}

/* ---------------------------------------------------------------- calls that block */

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int n_max, int timeout_ms)
{
	struct pollfd p = {.fd = epoll_fd, .events = POLLIN};
	int64_t until_ns;
	int n;

	if (!skip_self)
		return __real_epoll_wait(epoll_fd, events, n_max, timeout_ms);
	until_ns = skip_until(timeout_ms);
	while ((n = __real_epoll_wait(epoll_fd, events, n_max, 0)) == 0 && skip_now(0) < until_ns)
		(void)skip_wait(&p, 1, until_ns);
	return n;
}

int __wrap_poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
	int64_t until_ns;
	int n;

	if (!skip_self)
		return __real_poll(fds, n_fds, timeout_ms);
	until_ns = skip_until(timeout_ms);
	n = __real_poll(fds, n_fds, 0);
	while (n == 0 && skip_now(0) < until_ns)
		n = skip_wait(fds, n_fds, until_ns);
	return n;
}

/* What poll is where the compiler knows the size of the array. */
int __wrap___poll_chk(struct pollfd *fds, nfds_t n_fds, int timeout_ms, size_t size)
{
	if (!skip_self)
		return __real___poll_chk(fds, n_fds, timeout_ms, size);
	return __wrap_poll(fds, n_fds, timeout_ms);
}

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n = __real_recv(fd, data, len, skip_self ? flags | MSG_DONTWAIT : flags);

	while (n == -1 && errno == EAGAIN && !(flags & MSG_DONTWAIT) && skip_wait_input(fd))
		n = __real_recv(fd, data, len, flags | MSG_DONTWAIT);
	return n;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	(void)skip_wait_input(fd);
	return __real_accept4(fd, address, len, flags);
}

/* ---------------------------------------------------------------- conditions */

static int skip_cond_wait(const void *cond, pthread_mutex_t *mutex, int64_t until_ns)
{
	skip_await(cond);
	(void)pthread_mutex_unlock(mutex);
	(void)skip_wait(NULL, 0, until_ns);
	skip_await(NULL);
	(void)pthread_mutex_lock(mutex);
	return skip_now(0) >= until_ns ? ETIMEDOUT : 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (!skip_self)
		return __real_pthread_cond_wait(cond, mutex);
	return skip_cond_wait(cond, mutex, CLOCK_NEVER);
}

int __wrap_pthread_cond_clockwait(
	pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id, const struct timespec *until)
{
	if (!skip_self)
		return __real_pthread_cond_clockwait(cond, mutex, id, until);
	if (id != CLOCK_MONOTONIC)
		skip_die("skip_clock: no such wait");
	return skip_cond_wait(cond, mutex, (int64_t)until->tv_sec * NSEC_PER_SEC + until->tv_nsec);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
	skip_lock();
	skip_ring_all(cond);
	skip_unlock();
	return __real_pthread_cond_broadcast(cond);
}

/* Those that are woken in vain wait again, as they would after a spurious wake-up. */
int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
	return __wrap_pthread_cond_broadcast(cond);
}

/* ---------------------------------------------------------------- threads */

static void skip_add_thread(struct skip_thread *t)
{
	t->until_ns = CLOCK_NEVER;
	t->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->bell == -1)
		skip_die("skip_clock: eventfd");
	skip_lock();
	t->next = skip.threads;
	skip.threads = t;
	skip.n_running++;
	skip_unlock();
}

/* Locked. */
static void skip_remove_thread(struct skip_thread *t)
{
	struct skip_thread **at = &skip.threads;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	(void)__real_close(t->bell);
}

static void *skip_thread_main(void *arg)
{
	struct skip_thread *self = arg;
	void *result;

	skip_self = self;
	result = self->fn(self->arg);
	skip_self = NULL;
	skip_lock();
	self->has_ended = true;
	skip_ring_all(self);
	skip_stop_running();
	skip_unlock();
	return result;
}

int __wrap_pthread_create(
	pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	struct skip_thread *t;
	int r;

	if (!skip_self)
		return __real_pthread_create(ret, attr, fn, arg);
	t = calloc(1, sizeof(*t));
	if (!t)
		return EAGAIN;
	t->fn = fn;
	t->arg = arg;
	skip_add_thread(t);
	r = __real_pthread_create(ret, attr, skip_thread_main, t);
	skip_lock();
	if (r == 0) {
		t->id = *ret;
	} else {
		skip.n_running--;
		skip_remove_thread(t);
		free(t);
	}
	skip_unlock();
	return r;
}

/* Locked. */
static struct skip_thread *skip_find_thread(pthread_t id)
{
	struct skip_thread *t = skip.threads;

	while (t && !(t->fn && pthread_equal(t->id, id)))
		t = t->next;
	return t;
}

int __wrap_pthread_join(pthread_t id, void **ret)
{
	struct skip_thread *t = NULL;
	bool has_ended;
	int r;

	if (skip_self) {
		skip_lock();
		t = skip_find_thread(id);
		skip_self->awaited = t;
		has_ended = !t || t->has_ended;
		skip_unlock();
		if (!has_ended)
			(void)skip_wait(NULL, 0, CLOCK_NEVER);
		skip_await(NULL);
	}
	/* It has no more to do than to return. */
	r = __real_pthread_join(id, ret);
	if (t && r == 0) {
		skip_lock();
		skip_remove_thread(t);
		skip_unlock();
		free(t);
	}
	return r;
}

/* ---------------------------------------------------------------- fixtures */

/* A datagram socket that is connected to itself. */
static int skip_open_flush(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *address = (struct sockaddr *)&in;
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, address, len) == -1 || getsockname(fd, address, &len) == -1 ||
		connect(fd, address, len) == -1)
		skip_die("skip_clock: loopback");
	return fd;
}

static void skip_keep_to_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(skip.cpus), &skip.cpus) == -1 ||
		sched_setaffinity(0, sizeof(one), &one) == -1)
		skip_die("skip_clock: affinity");
}

void skip_clock_start(void)
{
	skip_keep_to_one_cpu();
	skip.now_ns = __real_clock_now_ns();
	skip.wall_ns = __real_clock_unix_ns() - skip.now_ns;
	skip.due_ns = CLOCK_NEVER;
	for (int fd = 0; fd < SKIP_FDS_MAX; fd++)
		skip.timer_ns[fd] = CLOCK_NEVER;
	skip.flush_fd = skip_open_flush();
	skip_self = &skip_first;
	skip_add_thread(skip_self);
	skip.is_on = true;
}

void skip_clock_stop(void)
{
	if (skip.threads != &skip_first || skip_first.next)
		skip_die("skip_clock: a thread has not been joined");
	skip.is_on = false;
	skip_self = NULL;
	skip.n_running = 0;
	skip_remove_thread(&skip_first);
	(void)__real_close(skip.flush_fd);
	(void)sched_setaffinity(0, sizeof(skip.cpus), &skip.cpus);
}
