/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to the addresses that answer, before a run sends anything.
 *
 * getaddrinfo blocks, so each lookup has a thread of its own, which lives until the answer is
 * there. It then connects to every address at once, waits for all of them up to the connect
 * timeout, and closes what it opened: a plain rotation over the addresses of "localhost" would
 * refuse half of the requests where the server listens on one of them only. The guard is asked
 * before each.
 *
 * The owner's thread fills in the private fields before the thread starts, the thread alone writes
 * the results, and completing the future hands them over. Signals are the main thread's: here all
 * are blocked. */
#include "daemon/http/resolver.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/units.h"
#include "daemon/http/transport.h"

#define RESOLVER_NAMED 2 /* addresses that a note names on either side */
#define RESOLVER_REASON_MAX 128

/* One address, tried. */
struct resolver_probe {
	struct address address;
	char ip[INET6_ADDRSTRLEN];
	struct transport transport;
	const char *forbidden; /* the guard's reason, or NULL */
	int error;	       /* 0: it answered */
};

struct resolver_probes {
	struct resolver_probe all[RESOLVER_ADDRESSES_MAX];
	size_t n;
};

/* ---------------------------------------------------------------- names */

static bool resolver_has(const struct resolver_probes *probes, const char *text)
{
	for (size_t i = 0; i < probes->n; i++) {
		if (strcmp(probes->all[i].address.text, text) == 0)
			return true;
	}
	return false;
}

/* Adds what getaddrinfo found, each address once: a hosts file can name one several times. */
static void resolver_add(struct resolver_probes *probes, const struct addrinfo *ai)
{
	struct resolver_probe *p = &probes->all[probes->n];
	struct address *a = &p->address;
	bool is_ipv6 = ai->ai_family == AF_INET6;

	if (ai->ai_addrlen > sizeof(a->in6))
		return;
	*p = (struct resolver_probe){.transport.fd = -1, .error = EINPROGRESS};
	memcpy(&a->sa, ai->ai_addr, ai->ai_addrlen);
	a->len = ai->ai_addrlen;
	(void)inet_ntop(ai->ai_family,
		is_ipv6 ? (const void *)&a->in6.sin6_addr : (const void *)&a->in.sin_addr, p->ip,
		sizeof(p->ip));
	(void)snprintf(a->text, sizeof(a->text), is_ipv6 ? "[%s]:%u" : "%s:%u", p->ip,
		ntohs(is_ipv6 ? a->in6.sin6_port : a->in.sin_port));
	if (!resolver_has(probes, a->text))
		probes->n++;
}

/* False: outcome and err say why there is nothing to try. */
static bool resolver_look_up(struct resolver *r, struct resolver_probes *probes)
{
	/* Not AI_ADDRCONFIG: it hides loopback addresses on a host without a network. */
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list;
	char service[8];
	int error, system_error;

	(void)snprintf(service, sizeof(service), "%u", r->_port);
	errno = 0;
	error = getaddrinfo(r->_host, service, &hints, &list);
	system_error = errno;
	if (error != 0) {
		r->outcome = error == EAI_SYSTEM || error == EAI_MEMORY ? RESOLVER_FAILED
									: RESOLVER_NO_NAME;
		err_set(&r->err, "no address for host \"%s\": %s", r->_host,
			error == EAI_SYSTEM ? strerrordesc_np(system_error) : gai_strerror(error));
		return false;
	}
	for (struct addrinfo *ai = list; ai != NULL && probes->n < RESOLVER_ADDRESSES_MAX;
		ai = ai->ai_next)
		resolver_add(probes, ai);
	freeaddrinfo(list);
	return true;
}

/* ---------------------------------------------------------------- probes */

static void resolver_begin(const struct resolver *r, struct resolver_probes *probes)
{
	for (size_t i = 0; i < probes->n; i++) {
		struct resolver_probe *p = &probes->all[i];
		int error;

		if (!guard_allows(r->_guard, &p->address.sa, &p->forbidden)) {
			p->error = EPERM;
			continue;
		}
		p->forbidden = NULL;
		error = tcp_connect(
			&p->transport, &p->address.sa, p->address.len, NULL, r->_guard, NULL);
		if (error < 0)
			p->error = -error;
	}
}

/* For poll: at least until the deadline, and as long as poll can. */
static int resolver_wait_ms(int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - clock_now_ns();

	if (left_ns <= 0)
		return 0;
	if (left_ns >= INT_MAX * NSEC_PER_MSEC)
		return INT_MAX;
	return (int)((left_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static void resolver_finish(struct resolver_probe *p)
{
	enum io io = transport_finish_connect(&p->transport);

	if (io == IO_OK)
		p->error = 0;
	else if (io == IO_ERROR)
		p->error = p->transport.error;
}

static void resolver_give_up(struct resolver_probe *pending[], nfds_t n, int error)
{
	for (nfds_t i = 0; i < n; i++)
		pending[i]->error = error;
}

/* Until every probe has come to an end, at most until the connect timeout or resolver_fini. */
static void resolver_wait(const struct resolver *r, struct resolver_probes *probes)
{
	struct pollfd fds[RESOLVER_ADDRESSES_MAX + 1];
	struct resolver_probe *pending[RESOLVER_ADDRESSES_MAX];
	int64_t deadline_ns;
	nfds_t n;
	int ready, wait_ms;

	if (__builtin_add_overflow(clock_now_ns(), r->_connect_timeout_ns, &deadline_ns))
		deadline_ns = CLOCK_NEVER;
	for (;;) {
		n = 0;
		for (size_t i = 0; i < probes->n; i++) {
			if (probes->all[i].error != EINPROGRESS)
				continue;
			pending[n] = &probes->all[i];
			fds[n++] = (struct pollfd){
				.fd = probes->all[i].transport.fd, .events = POLLOUT};
		}
		if (n == 0)
			return;
		fds[n] = (struct pollfd){.fd = r->_hurry_fd, .events = POLLIN};
		wait_ms = resolver_wait_ms(deadline_ns);
		ready = poll(fds, n + 1, wait_ms);
		if (ready == -1 && errno != EINTR) {
			resolver_give_up(pending, n, errno);
			return;
		}
		for (nfds_t i = 0; i < n && ready > 0; i++) {
			if (fds[i].revents != 0)
				resolver_finish(pending[i]);
		}
		if (ready > 0 && fds[n].revents != 0) {
			resolver_give_up(pending, n, ECANCELED);
			return;
		}
		if (ready == 0 && wait_ms == 0) {
			resolver_give_up(pending, n, ETIMEDOUT);
			return;
		}
	}
}

/* ---------------------------------------------------------------- words */

/* Appends to a text of fixed size; what does not fit is left out. */
static void __attribute__((format(printf, 3, 4)))
resolver_append(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/* For a note: one or two words. */
static const char *resolver_word(const struct resolver_probe *p)
{
	if (p->forbidden != NULL)
		return "forbidden";
	switch (p->error) {
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "not answering";
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return "unreachable";
	default:
		return "failed";
	}
}

/* For an error: a clause. */
static void resolver_reason(
	const struct resolver *r, const struct resolver_probe *p, char *text, size_t size)
{
	char duration[UNITS_TEXT_MAX];

	if (p->forbidden != NULL) {
		(void)snprintf(text, size, "forbidden: %s", p->forbidden);
	} else if (p->error == ETIMEDOUT) {
		units_format_time(r->_connect_timeout_ns, duration, sizeof(duration));
		(void)snprintf(text, size, "no answer within %s", duration);
	} else {
		(void)snprintf(text, size, "%s", strerrordesc_np(p->error));
		text[0] = (char)tolower((unsigned char)text[0]);
	}
}

/* "::1 refused, using 127.0.0.1" */
static void resolver_write_note(struct resolver *r, const struct resolver_probes *probes)
{
	size_t failed = 0, good = 0;

	if (r->n_addresses == probes->n)
		return;
	for (size_t i = 0; i < probes->n; i++) {
		const struct resolver_probe *p = &probes->all[i];

		if (p->error != 0 && failed++ < RESOLVER_NAMED)
			resolver_append(r->note, sizeof(r->note), "%s%s %s", failed > 1 ? ", " : "",
				p->ip, resolver_word(p));
	}
	if (failed > RESOLVER_NAMED)
		resolver_append(r->note, sizeof(r->note), " and %zu more", failed - RESOLVER_NAMED);
	for (size_t i = 0; i < probes->n; i++) {
		const struct resolver_probe *p = &probes->all[i];

		if (p->error == 0 && good++ < RESOLVER_NAMED)
			resolver_append(r->note, sizeof(r->note), "%s%s",
				good > 1 ? ", " : ", using ", p->ip);
	}
	if (good > RESOLVER_NAMED)
		resolver_append(r->note, sizeof(r->note), " and %zu more", good - RESOLVER_NAMED);
}

/* "connect to localhost:9: connection refused (::1, 127.0.0.1)", or each address with its own
 * reason. */
static void resolver_write_error(struct resolver *r, const struct resolver_probes *probes)
{
	char first[RESOLVER_REASON_MAX], reason[RESOLVER_REASON_MAX],
		list[sizeof(r->err.text)] = "";
	bool is_same = true;

	resolver_reason(r, &probes->all[0], first, sizeof(first));
	for (size_t i = 1; i < probes->n && is_same; i++) {
		resolver_reason(r, &probes->all[i], reason, sizeof(reason));
		is_same = strcmp(first, reason) == 0;
	}
	for (size_t i = 0; i < probes->n; i++) {
		resolver_reason(r, &probes->all[i], reason, sizeof(reason));
		resolver_append(list, sizeof(list), "%s%s%s%s", i > 0 ? ", " : "",
			probes->all[i].ip, is_same ? "" : " ", is_same ? "" : reason);
	}
	if (!is_same)
		first[0] = '\0';
	else if (probes->n == 1 && strcmp(list, r->_host) == 0)
		list[0] = '\0';
	err_set(&r->err,
		strchr(r->_host, ':') != NULL ? "connect to [%s]:%u: %s%s%s%s"
					      : "connect to %s:%u: %s%s%s%s",
		r->_host, r->_port, first, is_same && list[0] != '\0' ? " (" : "", list,
		is_same && list[0] != '\0' ? ")" : "");
}

/* ---------------------------------------------------------------- the answer */

/* We are to blame, not the target. */
static bool resolver_is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void resolver_settle(struct resolver *r, const struct resolver_probes *probes)
{
	bool all_forbidden = true, any_ours = false;

	for (size_t i = 0; i < probes->n; i++) {
		const struct resolver_probe *p = &probes->all[i];

		if (p->error == 0)
			r->addresses[r->n_addresses++] = p->address;
		all_forbidden = all_forbidden && p->forbidden != NULL;
		any_ours = any_ours || resolver_is_ours(p->error);
	}
	if (r->n_addresses > 0) {
		r->outcome = RESOLVER_OK;
		resolver_write_note(r, probes);
		return;
	}
	if (probes->n == 0) {
		r->outcome = RESOLVER_NO_NAME;
		err_set(&r->err, "no address for host \"%s\"", r->_host);
		return;
	}
	r->outcome = all_forbidden ? RESOLVER_REFUSED
				   : (any_ours ? RESOLVER_FAILED : RESOLVER_NOT_ANSWERED);
	resolver_write_error(r, probes);
}

static void *resolver_main(void *arg)
{
	struct resolver_probes probes = {0};
	struct resolver *r = arg;

	if (resolver_look_up(r, &probes)) {
		resolver_begin(r, &probes);
		resolver_wait(r, &probes);
		for (size_t i = 0; i < probes.n; i++)
			transport_close(&probes.all[i].transport);
		resolver_settle(r, &probes);
	}
	(void)future_done(&r->done, r);
	return NULL;
}

/* 0 or -errno. */
static int resolver_start_thread(struct resolver *r)
{
	sigset_t all, before;
	int error;

	/* Without it the end only takes longer. */
	r->_hurry_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	/* The thread inherits the mask, so there is no moment in which it could take a signal. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&r->_thread, NULL, resolver_main, r);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		if (r->_hurry_fd >= 0)
			(void)close(r->_hurry_fd);
		return -error;
	}
	r->_has_thread = true;
	(void)pthread_setname_np(r->_thread, "resolver");
	return 0;
}

void resolver_start(struct resolver *r, struct loop *loop, const char *host, uint16_t port,
	int64_t connect_timeout_ns, const struct guard *guard)
{
	int error = -ENOMEM;

	memset(r, 0, sizeof(*r));
	loop_add_future(loop, &r->done);
	r->_port = port;
	r->_connect_timeout_ns = connect_timeout_ns;
	r->_guard = guard;
	r->_host = strdup(host);
	if (r->_host != NULL)
		error = resolver_start_thread(r);
	if (error == 0)
		return;
	r->outcome = RESOLVER_FAILED;
	err_set(&r->err, "no thread to look up host \"%s\": %s", host, strerrordesc_np(-error));
	(void)future_done(&r->done, r);
}

void resolver_hurry(struct resolver *r)
{
	if (r->_has_thread)
		(void)eventfd_write(r->_hurry_fd, 1);
}

void resolver_fini(struct resolver *r)
{
	resolver_hurry(r);
	if (r->_has_thread) {
		(void)pthread_join(r->_thread, NULL);
		if (r->_hurry_fd >= 0)
			(void)close(r->_hurry_fd);
	}
	r->_has_thread = false;
	free(r->_host);
	r->_host = NULL;
}
