/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves a name to the addresses that answer, before a run sends anything; and again while it
 * runs if addresses may change, then without connecting to them: the servers would see connections
 * that are not in the plan.
 *
 * getaddrinfo blocks, so each lookup has its own thread, which runs until the answer is there. It
 * then connects to every address at once, waits for all of them up to the connect timeout, and
 * closes the connections: a plain rotation over the addresses of "localhost" would refuse half of
 * the requests where the server listens on one of them only. The guard is asked before each. If the
 * queue of a Unix socket's server is full, connecting is repeated every RESOLVER_AGAIN_MS, as the
 * kernel does by itself for TCP.
 *
 * The owner's thread fills in the private fields before the thread starts, the thread alone writes
 * the results, and completing the future hands them over. Signals are handled by the main thread:
 * here all are blocked. */
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
#include <sys/stat.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/plan/plan.h"
#include "common/units.h"
#include "daemon/http/transport.h"

#define RESOLVER_NAMED 2 /* number of addresses that a note names on either side */
#define RESOLVER_REASON_MAX 128
#define RESOLVER_PLACE_MAX 288 /* the longest name, and a port */
#define RESOLVER_AGAIN_MS 10   /* delay before the next attempt at a full queue */

/* A probe's error while it has not ended. EAGAIN: no attempt is in progress, it is to be
 * repeated. */
#define RESOLVER_IS_PENDING(error) ((error) == EINPROGRESS || (error) == EAGAIN)

/* The attempt to connect to one address. */
struct resolver_probe {
	struct address address;
	char ip[INET6_ADDRSTRLEN];
	struct transport transport;
	const char *forbidden; /* the guard's reason, or NULL */
	bool lacks_source;
	int error; /* 0: it answered */
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

void address_of_source(const struct plan_source *source, struct address *ret)
{
	*ret = (struct address){0};
	if (source->is_v6) {
		ret->in6.sin6_family = AF_INET6;
		memcpy(&ret->in6.sin6_addr, source->address, sizeof(ret->in6.sin6_addr));
		ret->len = sizeof(ret->in6);
	} else {
		ret->in.sin_family = AF_INET;
		memcpy(&ret->in.sin_addr, source->address, sizeof(ret->in.sin_addr));
		ret->len = sizeof(ret->in);
	}
	(void)inet_ntop(ret->sa.sa_family, source->address, ret->text, sizeof(ret->text));
}

static bool resolver_wants(const struct resolver *r, int family)
{
	switch (r->_config.filter) {
	case PLAN_ADDRESSES_V4:
		return family == AF_INET;
	case PLAN_ADDRESSES_V6:
		return family == AF_INET6;
	default:
		return true;
	}
}

/* Adds the results of getaddrinfo, each address once: a hosts file can contain one several
 * times. */
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

static void resolver_add_unix(struct resolver *r, struct resolver_probes *probes)
{
	struct resolver_probe *p = &probes->all[probes->n++];
	struct address *a = &p->address;

	*p = (struct resolver_probe){.transport.fd = -1, .error = EINPROGRESS};
	a->un.sun_family = AF_UNIX;
	a->len = sizeof(a->un);
	/* A plan has no longer path. */
	(void)snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", r->_host);
	(void)snprintf(
		a->text, sizeof(a->text), "unix:%.*s", (int)sizeof(a->un.sun_path) - 1, r->_host);
}

static void resolver_set_no_family(struct resolver *r)
{
	r->outcome = RESOLVER_NO_NAME;
	r->fault = FAULT_RESOLVE;
	err_set(&r->err, "no %s address for host \"%s\"",
		r->_config.filter == PLAN_ADDRESSES_V6 ? "IPv6" : "IPv4", r->_host);
}

/* "localhost", and any name below it (RFC 6761, section 6.3), with or without the final dot. */
static bool resolver_is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host);
	const char *at;

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len < strlen(name))
		return false;
	at = host + len - strlen(name);
	return strncasecmp(at, name, strlen(name)) == 0 && (at == host || at[-1] == '.');
}

static bool resolver_fail_to_look_up(struct resolver *r, int error, int system_error)
{
	r->outcome =
		error == EAI_SYSTEM || error == EAI_MEMORY ? RESOLVER_FAILED : RESOLVER_NO_NAME;
	r->fault = error == EAI_SYSTEM	 ? fault_of_connect_errno(system_error)
		   : error == EAI_MEMORY ? FAULT_NO_MEMORY
					 : FAULT_RESOLVE;
	err_set(&r->err, "no address for host \"%s\": %s", r->_host,
		error == EAI_SYSTEM ? strerrordesc_np(system_error) : gai_strerror(error));
	return false;
}

/* Adds the addresses of host that the filter selects. False: outcome and err tell why there are
 * none. */
static bool resolver_ask(struct resolver *r, const char *host, int flags,
	struct resolver_probes *probes, bool *ret_found)
{
	/* Not AI_ADDRCONFIG: it hides loopback addresses on a host without a network. All families
	 * are requested, because a name that has only addresses of the other family is not an
	 * unknown name. */
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
	struct addrinfo *list;
	char service[8];
	int error;

	(void)snprintf(service, sizeof(service), "%u", r->_config.port);
	errno = 0;
	error = getaddrinfo(host, service, &hints, &list);
	if (error != 0)
		return resolver_fail_to_look_up(r, error, errno);
	*ret_found = *ret_found || list;
	for (struct addrinfo *ai = list; ai != NULL && probes->n < RESOLVER_ADDRESSES_MAX;
		ai = ai->ai_next)
		if (resolver_wants(r, ai->ai_family))
			resolver_add(probes, ai);
	freeaddrinfo(list);
	return true;
}

/* False: outcome and err tell why there is no address to try. */
static bool resolver_look_up(struct resolver *r, struct resolver_probes *probes)
{
	bool found = false;

	if (r->_config.unix_path) {
		resolver_add_unix(r, probes);
		return true;
	}
	/* These are known without a name service, which a container may lack or which may answer
	 * otherwise. */
	if (resolver_is_localhost(r->_host)) {
		if (!resolver_ask(r, "::1", AI_NUMERICHOST, probes, &found) ||
			!resolver_ask(r, "127.0.0.1", AI_NUMERICHOST, probes, &found))
			return false;
	} else if (!resolver_ask(r, r->_host, 0, probes, &found)) {
		return false;
	}
	if (probes->n == 0 && found)
		resolver_set_no_family(r);
	return r->outcome == RESOLVER_OK;
}

/* ---------------------------------------------------------------- probes */

/* The first source of that family, in ret; false: there is none, though sources are given. */
static bool resolver_source(const struct resolver *r, int family, struct address *ret)
{
	const struct resolver_config *c = &r->_config;

	*ret = (struct address){0};
	if (c->n_sources == 0 || family == AF_UNIX)
		return true;
	for (size_t i = 0; i < c->n_sources; i++) {
		if (c->sources[i].is_v6 == (family == AF_INET6)) {
			address_of_source(&c->sources[i], ret);
			return true;
		}
	}
	return false;
}

static void resolver_try(const struct resolver *r, struct resolver_probe *p)
{
	struct transport_options options = {0};
	struct address source;
	int error;

	if (!guard_allows(r->_config.guard, &p->address.sa, &p->forbidden)) {
		p->error = EPERM;
		return;
	}
	p->forbidden = NULL;
	p->lacks_source = !resolver_source(r, p->address.sa.sa_family, &source);
	if (p->lacks_source) {
		p->error = EAFNOSUPPORT;
		return;
	}
	if (!r->_config.probes) {
		p->error = 0;
		return;
	}
	if (source.len > 0)
		options =
			(struct transport_options){.source = &source.sa, .source_len = source.len};
	error = tcp_connect(
		&p->transport, &p->address.sa, p->address.len, &options, r->_config.guard, NULL);
	p->error = error < 0 ? -error : EINPROGRESS;
}

/* The timeout for poll: at least until the deadline, limited to the maximum of poll. */
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
		if (pending[i]->error != EAGAIN || error != ETIMEDOUT)
			pending[i]->error = error; /* or its queue has been full all the time */
}

/* Lists the probes that have not ended and that can still change the outcome: with the filter
 * "first", those before the first that has answered. */
static nfds_t resolver_list_pending(const struct resolver *r, struct resolver_probes *probes,
	struct resolver_probe *pending[], struct pollfd fds[])
{
	bool is_first = r->_config.filter == PLAN_ADDRESSES_FIRST;
	nfds_t n = 0;

	for (size_t i = 0; i < probes->n; i++) {
		struct resolver_probe *p = &probes->all[i];

		if (RESOLVER_IS_PENDING(p->error)) {
			pending[n] = p;
			fds[n++] = (struct pollfd){
				.fd = p->error == EAGAIN ? -1 : p->transport.fd, .events = POLLOUT};
		} else if (p->error == 0 && is_first) {
			break;
		}
	}
	return n;
}

static void resolver_go_on(
	const struct resolver *r, struct resolver_probe *pending[], struct pollfd fds[], nfds_t n)
{
	for (nfds_t i = 0; i < n; i++) {
		if (pending[i]->error == EAGAIN)
			resolver_try(r, pending[i]);
		else if (fds[i].revents != 0)
			resolver_finish(pending[i]);
	}
}

/* Waits until every probe has ended, at most until the connect timeout or resolver_fini. */
static void resolver_wait(const struct resolver *r, struct resolver_probes *probes)
{
	struct pollfd fds[RESOLVER_ADDRESSES_MAX + 1];
	struct resolver_probe *pending[RESOLVER_ADDRESSES_MAX];
	int64_t deadline_ns;
	nfds_t n;
	int ready, left_ms, wait_ms;

	if (__builtin_add_overflow(clock_now_ns(), r->_config.connect_timeout_ns, &deadline_ns))
		deadline_ns = CLOCK_NEVER;
	while ((n = resolver_list_pending(r, probes, pending, fds)) > 0) {
		fds[n] = (struct pollfd){.fd = r->_hurry_fd, .events = POLLIN};
		left_ms = wait_ms = resolver_wait_ms(deadline_ns);
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].fd == -1 && wait_ms > RESOLVER_AGAIN_MS)
				wait_ms = RESOLVER_AGAIN_MS;
		ready = poll(fds, n + 1, wait_ms);
		if (ready == -1 && errno != EINTR) {
			resolver_give_up(pending, n, errno);
			return;
		}
		if (ready == -1)
			continue;
		if (fds[n].revents != 0) {
			resolver_give_up(pending, n, ECANCELED);
			return;
		}
		if (ready == 0 && left_ms == 0) {
			resolver_give_up(pending, n, ETIMEDOUT);
			return;
		}
		resolver_go_on(r, pending, fds, n);
	}
}

/* ---------------------------------------------------------------- words */

/* Appends to a text of fixed size; the text is truncated if it does not fit. */
static void __attribute__((format(printf, 3, 4)))
resolver_append(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/* The result of a probe for a note, in one or two words. */
static const char *resolver_word(const struct resolver_probe *p)
{
	if (p->forbidden != NULL)
		return "forbidden";
	if (p->lacks_source)
		return "without a source";
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

/* The errno of connect is ambiguous for a Unix socket: a refusal may also mean that the file is no
 * socket. NULL: there is nothing to add. */
static const char *resolver_unix_reason(const struct resolver *r, int error)
{
	struct stat st;

	switch (error) {
	case ECONNREFUSED:
		if (stat(r->_host, &st) == 0 && !S_ISSOCK(st.st_mode))
			return "this file is not a socket";
		return "connection refused, as no process listens on this socket";
	case ENOENT:
		return "this socket does not exist";
	case EACCES:
		return "permission denied: connecting takes write permission on the socket";
	default:
		return NULL;
	}
}

/* The reason of an error as a clause. */
static void resolver_reason(
	const struct resolver *r, const struct resolver_probe *p, char *text, size_t size)
{
	bool is_unix = p->address.sa.sa_family == AF_UNIX;
	const char *known = is_unix ? resolver_unix_reason(r, p->error) : NULL;
	char duration[UNITS_TEXT_MAX];

	if (p->forbidden == NULL && known) {
		(void)snprintf(text, size, "%s", known);
	} else if (p->forbidden != NULL) {
		(void)snprintf(text, size, "forbidden: %s", p->forbidden);
	} else if (p->lacks_source) {
		(void)snprintf(text, size, RESOLVER_NO_SOURCE "%s",
			p->address.sa.sa_family == AF_INET6 ? "IPv6" : "IPv4");
	} else if (p->error == EAGAIN) {
		(void)snprintf(text, size, "the server's queue of new connections is full");
	} else if (p->error == ETIMEDOUT) {
		units_format_time(r->_config.connect_timeout_ns, duration, sizeof(duration));
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

/* "localhost:80", "[::1]:80", "unix:/run/app.sock" */
static void resolver_write_place(const struct resolver *r, char *text, size_t size)
{
	if (r->_config.unix_path)
		(void)snprintf(text, size, "unix:%s", r->_host);
	else
		(void)snprintf(text, size, strchr(r->_host, ':') != NULL ? "[%s]:%u" : "%s:%u",
			r->_host, r->_config.port);
}

/* "connect to localhost:9: connection refused (::1, 127.0.0.1)", or each address with its own
 * reason. */
static void resolver_write_error(struct resolver *r, const struct resolver_probes *probes)
{
	char first[RESOLVER_REASON_MAX], reason[RESOLVER_REASON_MAX], place[RESOLVER_PLACE_MAX],
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
	else if (probes->n == 1 && (r->_config.unix_path || strcmp(list, r->_host) == 0))
		list[0] = '\0';
	resolver_write_place(r, place, sizeof(place));
	err_set(&r->err, "connect to %s: %s%s%s%s", place, first,
		is_same && list[0] != '\0' ? " (" : "", list,
		is_same && list[0] != '\0' ? ")" : "");
}

/* ---------------------------------------------------------------- the answer */

/* The cause is on this host, not at the target. */
static bool resolver_is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Drops the addresses after the first that answered. */
static void resolver_keep_first(struct resolver_probes *probes)
{
	for (size_t i = 0; i < probes->n; i++)
		if (probes->all[i].error == 0)
			probes->n = i + 1;
}

static void resolver_fill_in_outcome(struct resolver *r, struct resolver_probes *probes)
{
	bool all_forbidden = true, any_ours = false;

	if (r->_config.filter == PLAN_ADDRESSES_FIRST && r->_config.probes)
		resolver_keep_first(probes);
	for (size_t i = 0; i < probes->n; i++) {
		const struct resolver_probe *p = &probes->all[i];

		if (p->error == 0)
			r->addresses[r->n_addresses++] = p->address;
		all_forbidden = all_forbidden && p->forbidden != NULL;
		any_ours = any_ours || resolver_is_ours(p->error);
	}
	r->n_found = r->n_addresses;
	for (size_t i = 0; i < probes->n; i++)
		if (probes->all[i].error != 0)
			r->addresses[r->n_found++] = probes->all[i].address;
	if (r->n_addresses > 0) {
		r->outcome = RESOLVER_OK;
		resolver_write_note(r, probes);
		return;
	}
	if (probes->n == 0) {
		r->outcome = RESOLVER_NO_NAME;
		r->fault = FAULT_RESOLVE;
		err_set(&r->err, "no address for host \"%s\"", r->_host);
		return;
	}
	r->outcome = all_forbidden ? RESOLVER_REFUSED
				   : (any_ours ? RESOLVER_FAILED : RESOLVER_NOT_ANSWERED);
	r->fault = probes->all[0].forbidden ? FAULT_FORBIDDEN
					    : fault_of_connect_errno(probes->all[0].error);
	resolver_write_error(r, probes);
}

static void *resolver_main(void *arg)
{
	struct resolver_probes probes = {0};
	struct resolver *r = arg;

	if (resolver_look_up(r, &probes)) {
		for (size_t i = 0; i < probes.n; i++)
			resolver_try(r, &probes.all[i]);
		resolver_wait(r, &probes);
		for (size_t i = 0; i < probes.n; i++)
			transport_close(&probes.all[i].transport);
		resolver_fill_in_outcome(r, &probes);
	}
	(void)future_done(&r->done, r);
	return NULL;
}

/* 0 or -errno. */
static int resolver_start_thread(struct resolver *r)
{
	sigset_t all, before;
	int error;

	/* Without the eventfd cancelling only takes longer. */
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

void resolver_start(struct resolver *r, struct loop *loop, const struct resolver_config *config)
{
	int error = -ENOMEM;

	memset(r, 0, sizeof(*r));
	loop_add_future(loop, &r->done);
	r->_config = *config;
	r->_host = strdup(config->unix_path ? config->unix_path : config->host);
	if (r->_host != NULL)
		error = resolver_start_thread(r);
	if (error == 0)
		return;
	r->outcome = RESOLVER_FAILED;
	r->fault = FAULT_NO_MEMORY;
	err_set(&r->err, "cannot start a thread to look up host \"%s\": %s",
		config->unix_path ? config->unix_path : config->host, strerrordesc_np(-error));
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
