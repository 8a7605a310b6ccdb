/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups without a network: names under .test are answered by this program's own getaddrinfo,
 * which stands before that of libc; connections stay on loopback. */
#include "daemon/http/resolver.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/plan/plan.h"
#include "daemon/loop/loop.h"
#include "tests/support/suite.h"

#define TIMEOUT_NS (10 * NSEC_PER_SEC)

static struct guard guard; /* zero: a service that allows loopback */
static struct loop *loop;
static struct resolver resolver;
/* What a test does not say is as for a plain target. */
static struct resolver_config config;

/* ---------------------------------------------------------------- a name service of our own */

static const struct {
	const char *host;
	const char *ips[8];
	int error;
} names[] = {
	{"both.test", {"127.0.0.2", "127.0.0.1"}, 0},
	{"twice.test", {"127.0.0.1", "127.0.0.1"}, 0},
	{"mixed.test", {"192.0.2.1", "127.0.0.2", "127.0.0.1"}, 0},
	{"bad.test", {"192.0.2.1", "127.0.0.2"}, 0},
	{"good.test", {"127.0.0.3", "127.0.0.1", "127.0.0.2"}, 0},
	{"rest.test", {"192.0.2.1", "127.0.0.3", "127.0.0.1", "127.0.0.2"}, 0},
	{"none.test", {NULL}, EAI_NONAME},
	{"notlocalhost.localhost.test", {NULL}, EAI_NONAME},
	{"mylocalhost", {NULL}, EAI_NONAME},
	{"later.test", {NULL}, EAI_AGAIN},
	{"six.test", {"::1"}, 0},
	{"dual.test", {"::1", "127.0.0.1"}, 0},
	{"memory.test", {NULL}, EAI_MEMORY},
	{"system.test", {NULL}, EAI_SYSTEM},
};

static unsigned n_asked; /* lookups of what is no number */

typedef int (*getaddrinfo_fn)(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

static void add_ip(
	const char *ip, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	getaddrinfo_fn real = (getaddrinfo_fn)dlsym(RTLD_NEXT, "getaddrinfo");

	while (*list != NULL)
		list = &(*list)->ai_next;
	if (real(ip, service, hints, list) != 0)
		abort();
}

int getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	char ip[32];

	n_asked += !hints || !(hints->ai_flags & AI_NUMERICHOST);
	if (strcmp(host, "many.test") == 0) {
		*ret = NULL;
		for (int i = 1; i <= RESOLVER_ADDRESSES_MAX + 8; i++) {
			(void)snprintf(ip, sizeof(ip), "127.0.0.%d", i);
			add_ip(ip, service, hints, ret);
		}
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(host, names[i].host) != 0)
			continue;
		errno = EMFILE;
		if (names[i].error != 0)
			return names[i].error;
		*ret = NULL;
		for (size_t k = 0; names[i].ips[k] != NULL; k++)
			add_ip(names[i].ips[k], service, hints, ret);
		return 0;
	}
	return ((getaddrinfo_fn)dlsym(RTLD_NEXT, "getaddrinfo"))(host, service, hints, ret);
}

/* ---------------------------------------------------------------- fixtures */

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	config = (struct resolver_config){.probes = true};
}

static void teardown(void)
{
	loop = loop_free(loop);
}

static void on_done(struct future *f, void *result, void *arg)
{
	ck_assert_ptr_eq(f, &resolver.done);
	ck_assert_ptr_eq(result, &resolver);
	loop_stop(arg);
}

static void begin(const char *host, uint16_t port, int64_t timeout_ns)
{
	config.host = host;
	config.port = port;
	config.connect_timeout_ns = timeout_ns;
	config.guard = &guard;
	resolver_start(&resolver, loop, &config);
}

static void resolve(const char *host, uint16_t port, int64_t timeout_ns)
{
	begin(host, port, timeout_ns);
	future_on_done(&resolver.done, on_done, loop);
	ck_assert_int_eq(loop_run(loop), 0);
}

static int listen_on(in_addr_t address, int backlog, uint16_t *ret_port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

/* On 127.0.0.1 alone. */
static int listen_somewhere(int backlog, uint16_t *ret_port)
{
	return listen_on(INADDR_LOOPBACK, backlog, ret_port);
}

/* A port of 127.0.0.1 on which no program listens. */
static uint16_t closed_port(void)
{
	uint16_t port;

	close(listen_somewhere(1, &port));
	return port;
}

/* A listener that takes no connection any more: its queue is full. */
static int listen_deaf(uint16_t *ret_port, int fillers[4])
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = listen_somewhere(0, ret_port);

	in.sin_port = htons(*ret_port);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fillers[i], 0);
		if (connect(fillers[i], (struct sockaddr *)&in, sizeof(in)) == -1)
			ck_assert_int_eq(errno, EINPROGRESS);
	}
	return fd;
}

static void close_deaf(int fd, const int fillers[4])
{
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(fd);
}

/* ---------------------------------------------------------------- tests */

START_TEST(test_numeric)
{
	uint16_t port;
	int fd = listen_somewhere(4, &port);
	char text[32];

	resolve("127.0.0.1", port, TIMEOUT_NS);
	ck_assert_msg(resolver.outcome == RESOLVER_OK, "%s", resolver.err.text);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	ck_assert_str_eq(resolver.addresses[0].text, text);
	ck_assert_uint_eq(resolver.addresses[0].len, sizeof(struct sockaddr_in));
	ck_assert_int_eq(resolver.addresses[0].in.sin_family, AF_INET);
	ck_assert_uint_eq(ntohs(resolver.addresses[0].in.sin_port), port);
	ck_assert_str_eq(resolver.note, "");
	ck_assert_str_eq(resolver.err.text, "");
	resolver_fini(&resolver);
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

/* Names that are loopback without a question to the name service; no program listens on ::1 there.
 */
static const char *const localhosts[] = {
	"localhost", "LocalHost", "localhost.", "app.localhost", "a.b.localhost."};

START_TEST(test_localhost)
{
	uint16_t port;
	int fd = listen_somewhere(4, &port);

	n_asked = 0;
	resolve(localhosts[_i], port, TIMEOUT_NS);
	ck_assert_msg(resolver.outcome == RESOLVER_OK, "%s", resolver.err.text);
	ck_assert_uint_eq(n_asked, 0);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_uint_eq(resolver.n_found, 2);
	ck_assert_int_eq(resolver.addresses[0].sa.sa_family, AF_INET);
	ck_assert_int_eq(resolver.addresses[1].sa.sa_family, AF_INET6);
	ck_assert_msg(strcmp(resolver.note, "::1 refused, using 127.0.0.1") == 0 ||
			      strcmp(resolver.note, "::1 unreachable, using 127.0.0.1") == 0,
		"%s", resolver.note);
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

START_TEST(test_localhost_of_one_family)
{
	config.probes = false;
	config.filter = _i ? PLAN_ADDRESSES_V6 : PLAN_ADDRESSES_V4;
	resolve("localhost", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_found, 1);
	ck_assert_str_eq(resolver.addresses[0].text, _i ? "[::1]:80" : "127.0.0.1:80");
	resolver_fini(&resolver);
}
END_TEST

/* A name that only looks like it is asked for. */
START_TEST(test_not_localhost)
{
	n_asked = 0;
	resolve("notlocalhost.localhost.test", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NO_NAME);
	ck_assert_uint_eq(n_asked, 1);
	resolver_fini(&resolver);
	resolve("mylocalhost", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NO_NAME);
	ck_assert_uint_eq(n_asked, 2);
	resolver_fini(&resolver);
}
END_TEST

START_TEST(test_refused)
{
	uint16_t port = closed_port();
	char text[128];

	resolve("127.0.0.1", port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	ck_assert_uint_eq(resolver.n_addresses, 0);
	(void)snprintf(text, sizeof(text), "connect to 127.0.0.1:%u: connection refused", port);
	ck_assert_str_eq(resolver.err.text, text);
	resolver_fini(&resolver);
}
END_TEST

/* The name stands in the line, and the address it was resolved to. */
START_TEST(test_refused_by_name)
{
	uint16_t port = closed_port();
	char text[128];

	resolve("localhost", port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	(void)snprintf(text, sizeof(text), "connect to localhost:%u: ", port);
	ck_assert_msg(strncmp(resolver.err.text, text, strlen(text)) == 0, "%s", resolver.err.text);
	ck_assert_ptr_nonnull(strstr(resolver.err.text, "127.0.0.1"));
	ck_assert_ptr_nonnull(strstr(resolver.err.text, "connection refused"));
	resolver_fini(&resolver);
}
END_TEST

START_TEST(test_no_answer)
{
	int fillers[4], fd;
	uint16_t port;
	char text[128];
	int64_t start_ns = clock_now_ns();

	fd = listen_deaf(&port, fillers);
	resolve("127.0.0.1", port, 20 * NSEC_PER_MSEC);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	ck_assert_int_ge(clock_now_ns() - start_ns, 20 * NSEC_PER_MSEC);
	(void)snprintf(text, sizeof(text), "connect to 127.0.0.1:%u: no answer within 20ms", port);
	ck_assert_str_eq(resolver.err.text, text);
	resolver_fini(&resolver);
	close_deaf(fd, fillers);
}
END_TEST

/* One address is silent, the other one answers: both.test is 127.0.0.2 and then 127.0.0.1. */
START_TEST(test_one_silent)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	int fillers[4], fd, other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	fd = listen_deaf(&port, fillers);
	in.sin_port = htons(port);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(other, 4), 0);
	resolve("both.test", port, 20 * NSEC_PER_MSEC);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_str_eq(resolver.note, "127.0.0.1 not answering, using 127.0.0.2");
	resolver_fini(&resolver);
	close_deaf(fd, fillers);
	close(other);
}
END_TEST

START_TEST(test_endless_timeout)
{
	uint16_t port;
	int fd = listen_somewhere(4, &port);

	resolve("127.0.0.1", port, CLOCK_NEVER);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

static const struct {
	const char *host, *text;
} forbidden[] = {
	{"192.0.2.1", "connect to 192.0.2.1:80: forbidden: "
		      "only loopback is allowed; [policy] allow lists more"},
	{"2001:db8::1", "connect to [2001:db8::1]:80: forbidden: "
			"only loopback is allowed; [policy] allow lists more"},
	{"0xc0000201", "connect to 0xc0000201:80: forbidden: "
		       "only loopback is allowed; [policy] allow lists more (192.0.2.1)"},
};

START_TEST(test_forbidden)
{
	resolve(forbidden[_i].host, 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_REFUSED);
	ck_assert_uint_eq(resolver.n_addresses, 0);
	ck_assert_str_eq(resolver.err.text, forbidden[_i].text);
	resolver_fini(&resolver);
}
END_TEST

/* Only 127.0.0.1 listens. */
static const struct {
	const char *host, *note;
} one_listens[] = {
	{"both.test", "127.0.0.2 refused, using 127.0.0.1"},
	{"twice.test", ""},
	{"mixed.test", "192.0.2.1 forbidden, 127.0.0.2 refused, using 127.0.0.1"},
	{"many.test", "127.0.0.2 refused, 127.0.0.3 refused and 29 more, using 127.0.0.1"},
};

START_TEST(test_some_answer)
{
	uint16_t port;
	int fd = listen_somewhere(4, &port);

	resolve(one_listens[_i].host, port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_int_eq(strncmp(resolver.addresses[0].text, "127.0.0.1:", 10), 0);
	ck_assert_str_eq(resolver.note, one_listens[_i].note);
	ck_assert_str_eq(resolver.err.text, "");
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

/* All of 127/8 listens: good.test (0) and rest.test (1) keep the order of the name service. */
START_TEST(test_several_answer)
{
	static const char *const prefixes[] = {"127.0.0.3:", "127.0.0.1:", "127.0.0.2:"};
	uint16_t port;
	int fd = listen_on(INADDR_ANY, 8, &port);

	resolve(_i == 0 ? "good.test" : "rest.test", port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(strncmp(resolver.addresses[i].text, prefixes[i], 10), 0);
	ck_assert_str_eq(resolver.note,
		_i == 0 ? "" : "192.0.2.1 forbidden, using 127.0.0.3, 127.0.0.1 and 1 more");
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

/* No program listens. %u: the port. */
static const struct {
	const char *host, *text;
} none_listens[] = {
	{"both.test", "connect to both.test:%u: connection refused (127.0.0.2, 127.0.0.1)"},
	{"twice.test", "connect to twice.test:%u: connection refused (127.0.0.1)"},
	{"bad.test", "connect to bad.test:%u: 192.0.2.1 forbidden: only loopback is allowed; "
		     "[policy] allow lists more, 127.0.0.2 connection refused"},
};

START_TEST(test_none_answers)
{
	uint16_t port = closed_port();
	const char *format = none_listens[_i].text;
	const char *place = strstr(format, "%u");
	char text[256];

	resolve(none_listens[_i].host, port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	ck_assert_uint_eq(resolver.n_addresses, 0);
	(void)snprintf(
		text, sizeof(text), "%.*s%u%s", (int)(place - format), format, port, place + 2);
	ck_assert_str_eq(resolver.err.text, text);
	ck_assert_str_eq(resolver.note, "");
	resolver_fini(&resolver);
}
END_TEST

static const struct {
	const char *host;
	enum resolver_outcome outcome;
	const char *text;
} unknown[] = {
	{"none.test", RESOLVER_NO_NAME,
		"no address for host \"none.test\": Name or service not known"},
	{"later.test", RESOLVER_NO_NAME,
		"no address for host \"later.test\": Temporary failure in name resolution"},
	{"memory.test", RESOLVER_FAILED,
		"no address for host \"memory.test\": Memory allocation failure"},
	{"system.test", RESOLVER_FAILED,
		"no address for host \"system.test\": Too many open files"},
};

START_TEST(test_unknown)
{
	resolve(unknown[_i].host, 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, unknown[_i].outcome);
	ck_assert_uint_eq(resolver.n_addresses, 0);
	ck_assert_str_eq(resolver.err.text, unknown[_i].text);
	resolver_fini(&resolver);
}
END_TEST

/* A label longer than 63 bytes cannot be asked of any server. */
START_TEST(test_no_name)
{
	static const char host[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".invalid";
	static const char text[] = "no address for host \"aaaa";

	resolve(host, 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NO_NAME);
	ck_assert_msg(strncmp(resolver.err.text, text, strlen(text)) == 0, "%s", resolver.err.text);
	ck_assert_ptr_nonnull(strstr(resolver.err.text, ".invalid\": "));
	resolver_fini(&resolver);
}
END_TEST

START_TEST(test_no_descriptors)
{
	struct rlimit limit, before;
	char text[128];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	resolve("127.0.0.1", 80, TIMEOUT_NS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(resolver.outcome, RESOLVER_FAILED);
	(void)snprintf(text, sizeof(text), "connect to 127.0.0.1:80: too many open files");
	ck_assert_str_eq(resolver.err.text, text);
	resolver_fini(&resolver);
}
END_TEST

/* Without a thread the answer comes the same way. */
START_TEST(test_no_thread)
{
	pthread_attr_t attr, before;

	ck_assert_int_eq(pthread_getattr_default_np(&before), 0);
	ck_assert_int_eq(pthread_attr_init(&attr), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attr, (size_t)1 << 48), 0);
	ck_assert_int_eq(pthread_setattr_default_np(&attr), 0);
	resolve("127.0.0.1", 80, TIMEOUT_NS);
	ck_assert_int_eq(pthread_setattr_default_np(&before), 0);
	ck_assert_int_eq(resolver.outcome, RESOLVER_FAILED);
	ck_assert_ptr_nonnull(
		strstr(resolver.err.text, "cannot start a thread to look up host \"127.0.0.1\": "));
	resolver_fini(&resolver);
	pthread_attr_destroy(&attr);
	pthread_attr_destroy(&before);
}
END_TEST

/* A signal sent to the process is never taken by the resolver's thread: it stays pending while all
 * other threads block it. */
START_TEST(test_blocks_signals)
{
	int fillers[4], fd;
	sigset_t set, now, pending;
	uint16_t port;

	fd = listen_deaf(&port, fillers);
	ck_assert_int_eq(signal(SIGUSR1, SIG_DFL) == SIG_ERR, 0);
	sigemptyset(&set);
	begin("127.0.0.1", port, 50 * NSEC_PER_MSEC);
	/* Our own mask is what it was. */
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	ck_assert_int_eq(sigismember(&now, SIGUSR1), 0);
	sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	/* Taken by any thread, it would kill this process. */
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	future_on_done(&resolver.done, on_done, loop);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_int_eq(sigismember(&pending, SIGUSR1), 1);
	resolver_fini(&resolver);
	close_deaf(fd, fillers);
}
END_TEST

/* Given up before the answer was delivered: fini waits for the thread. */
START_TEST(test_fini_early)
{
	uint16_t port = closed_port();

	begin("127.0.0.1", port, TIMEOUT_NS);
	resolver_fini(&resolver);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
}
END_TEST

/* Nor does it wait for a server that may never answer. */
START_TEST(test_fini_hurries)
{
	uint16_t port;
	int fillers[4];
	int fd = listen_deaf(&port, fillers);
	int64_t start_ns = clock_now_ns();

	begin("127.0.0.1", port, 3600 * NSEC_PER_SEC);
	resolver_fini(&resolver);
	ck_assert_int_lt(clock_now_ns() - start_ns, 3 * NSEC_PER_SEC);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	close_deaf(fd, fillers);
}
END_TEST

/* ---------------------------------------------------------------- filters */

/* Which of rest.test's addresses are kept where all of 127/8 listens: 192.0.2.1 is forbidden. */
static const struct {
	const char *host;
	unsigned filter;
	bool probes;
	size_t n, n_found;
	const char *first, *note;
} filtered[] = {
	{"good.test", PLAN_ADDRESSES_FIRST, true, 1, 1, "127.0.0.3:", ""},
	{"rest.test", PLAN_ADDRESSES_FIRST, true, 1, 2,
		"127.0.0.3:", "192.0.2.1 forbidden, using 127.0.0.3"},
	{"rest.test", PLAN_ADDRESSES_V4, true, 3, 4,
		"127.0.0.3:", "192.0.2.1 forbidden, using 127.0.0.3, 127.0.0.1 and 1 more"},
	{"dual.test", PLAN_ADDRESSES_V4, true, 1, 1, "127.0.0.1:", ""},
	/* Nobody is asked. */
	{"dual.test", PLAN_ADDRESSES_V6, false, 1, 1, "[::1]:", ""},
	{"dual.test", PLAN_ADDRESSES_ALL, false, 2, 2, "[::1]:", ""},
	{"good.test", PLAN_ADDRESSES_FIRST, false, 3, 3, "127.0.0.3:", ""},
	{"mixed.test", PLAN_ADDRESSES_ALL, false, 2, 3,
		"127.0.0.2:", "192.0.2.1 forbidden, using 127.0.0.2, 127.0.0.1"},
};

START_TEST(test_filter)
{
	uint16_t port;
	int fd = listen_on(INADDR_ANY, 8, &port);

	config.filter = filtered[_i].filter;
	config.probes = filtered[_i].probes;
	resolve(filtered[_i].host, port, TIMEOUT_NS);
	ck_assert_msg(resolver.outcome == RESOLVER_OK, "%s", resolver.err.text);
	ck_assert_uint_eq(resolver.n_addresses, filtered[_i].n);
	ck_assert_uint_eq(resolver.n_found, filtered[_i].n_found);
	ck_assert_int_eq(
		strncmp(resolver.addresses[0].text, filtered[_i].first, strlen(filtered[_i].first)),
		0);
	ck_assert_str_eq(resolver.note, filtered[_i].note);
	ck_assert_int_eq(resolver.fault, FAULT_NONE);
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

/* both.test is 127.0.0.2, where nobody is, and 127.0.0.1. */
START_TEST(test_first_that_answers)
{
	uint16_t port;
	int fd = listen_somewhere(4, &port);

	config.filter = PLAN_ADDRESSES_FIRST;
	resolve("both.test", port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_uint_eq(resolver.n_found, 2);
	ck_assert_int_eq(strncmp(resolver.addresses[0].text, "127.0.0.1:", 10), 0);
	ck_assert_int_eq(strncmp(resolver.addresses[1].text, "127.0.0.2:", 10), 0);
	ck_assert_str_eq(resolver.note, "127.0.0.2 refused, using 127.0.0.1");
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

/* both.test: 127.0.0.2 answers, and there is no wait for the silent 127.0.0.1 after it. */
START_TEST(test_first_is_enough)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	int fillers[4], fd, other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	fd = listen_deaf(&port, fillers);
	in.sin_port = htons(port);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(other, 4), 0);
	config.filter = PLAN_ADDRESSES_FIRST;
	resolve("both.test", port, CLOCK_NEVER);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_int_eq(strncmp(resolver.addresses[0].text, "127.0.0.2:", 10), 0);
	ck_assert_str_eq(resolver.note, "");
	resolver_fini(&resolver);
	close_deaf(fd, fillers);
	close(other);
}
END_TEST

static const struct {
	const char *host;
	unsigned filter;
	const char *text;
} no_family[] = {
	{"127.0.0.1", PLAN_ADDRESSES_V6, "no IPv6 address for host \"127.0.0.1\""},
	{"both.test", PLAN_ADDRESSES_V6, "no IPv6 address for host \"both.test\""},
	{"six.test", PLAN_ADDRESSES_V4, "no IPv4 address for host \"six.test\""},
	{"none.test", PLAN_ADDRESSES_V6,
		"no address for host \"none.test\": Name or service not known"},
};

START_TEST(test_no_family)
{
	config.filter = no_family[_i].filter;
	resolve(no_family[_i].host, 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NO_NAME);
	ck_assert_int_eq(resolver.fault, FAULT_RESOLVE);
	ck_assert_uint_eq(resolver.n_found, 0);
	ck_assert_str_eq(resolver.err.text, no_family[_i].text);
	resolver_fini(&resolver);
}
END_TEST

/* ---------------------------------------------------------------- sources */

static const struct plan_source v4_sources[] = {
	{.address = {127, 0, 0, 9}}, {.address = {127, 0, 0, 10}}};

START_TEST(test_probes_come_from_the_source)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint16_t port;
	int fd = listen_somewhere(4, &port), peer;

	config.sources = v4_sources;
	config.n_sources = 2;
	resolve("dual.test", port, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_OK);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	ck_assert_str_eq(resolver.note, "::1 without a source, using 127.0.0.1");
	peer = accept(fd, (struct sockaddr *)&from, &len);
	ck_assert_int_ge(peer, 0);
	ck_assert_uint_eq(ntohl(from.sin_addr.s_addr), 0x7f000009);
	resolver_fini(&resolver);
	close(peer);
	close(fd);
}
END_TEST

/* With (0) and without (1) trying. */
START_TEST(test_no_source_of_the_family)
{
	config.sources = v4_sources;
	config.n_sources = 2;
	config.probes = _i == 0;
	resolve("six.test", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	ck_assert_str_eq(
		resolver.err.text, "connect to six.test:80: no source address is IPv6 (::1)");
	resolver_fini(&resolver);
}
END_TEST

START_TEST(test_address_of_source)
{
	struct plan_source v6 = {.is_v6 = true, .address = {[15] = 1}};
	struct address a;

	address_of_source(&v4_sources[0], &a);
	ck_assert_str_eq(a.text, "127.0.0.9");
	ck_assert_int_eq(a.in.sin_family, AF_INET);
	ck_assert_uint_eq(a.in.sin_port, 0);
	ck_assert_uint_eq(a.len, sizeof(a.in));
	address_of_source(&v6, &a);
	ck_assert_str_eq(a.text, "::1");
	ck_assert_int_eq(a.in6.sin6_family, AF_INET6);
	ck_assert_uint_eq(a.len, sizeof(a.in6));
}
END_TEST

/* ---------------------------------------------------------------- faults */

START_TEST(test_faults)
{
	int fillers[4], fd;
	uint16_t port;

	resolve("127.0.0.1", closed_port(), TIMEOUT_NS);
	ck_assert_int_eq(resolver.fault, FAULT_CONNECT_REFUSED);
	resolver_fini(&resolver);
	resolve("192.0.2.1", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.fault, FAULT_FORBIDDEN);
	resolver_fini(&resolver);
	resolve("none.test", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.fault, FAULT_RESOLVE);
	resolver_fini(&resolver);
	resolve("system.test", 80, TIMEOUT_NS);
	ck_assert_int_eq(resolver.fault, FAULT_NO_DESCRIPTORS);
	resolver_fini(&resolver);
	fd = listen_deaf(&port, fillers);
	resolve("127.0.0.1", port, 10 * NSEC_PER_MSEC);
	ck_assert_int_eq(resolver.fault, FAULT_CONNECT_TIMEOUT);
	resolver_fini(&resolver);
	close_deaf(fd, fillers);
}
END_TEST

/* ---------------------------------------------------------------- sockets of Unix */

static struct sockaddr_un un;
static char place[sizeof(un.sun_path) + 128];

static void unix_setup(void)
{
	char dir[] = "/tmp/test_resolver.XXXXXX";

	setup();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	un.sun_family = AF_UNIX;
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	guard_init_private(&guard);
	config.unix_path = un.sun_path;
}

static void unix_teardown(void)
{
	(void)unlink(un.sun_path);
	*strrchr(un.sun_path, '/') = '\0';
	(void)rmdir(un.sun_path);
	teardown();
}

static int listen_unix(int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static void expect_unix_error(enum resolver_outcome outcome, enum fault fault, const char *why)
{
	resolve("shop.test", 80, 30 * NSEC_PER_MSEC);
	ck_assert_int_eq(resolver.outcome, outcome);
	ck_assert_int_eq(resolver.fault, fault);
	(void)snprintf(place, sizeof(place), "connect to unix:%s: %s", un.sun_path, why);
	ck_assert_str_eq(resolver.err.text, place);
	resolver_fini(&resolver);
}

START_TEST(test_unix)
{
	int fd = listen_unix(1);

	/* Sources are for TCP. */
	config.sources = v4_sources;
	config.n_sources = 2;
	resolve(NULL, 0, TIMEOUT_NS);
	ck_assert_msg(resolver.outcome == RESOLVER_OK, "%s", resolver.err.text);
	ck_assert_uint_eq(resolver.n_addresses, 1);
	(void)snprintf(place, sizeof(place), "unix:%s", un.sun_path);
	ck_assert_str_eq(resolver.addresses[0].text, place);
	ck_assert_int_eq(resolver.addresses[0].sa.sa_family, AF_UNIX);
	ck_assert_uint_eq(resolver.addresses[0].len, sizeof(un));
	ck_assert_str_eq(resolver.addresses[0].un.sun_path, un.sun_path);
	ck_assert_str_eq(resolver.note, "");
	resolver_fini(&resolver);
	close(fd);
}
END_TEST

START_TEST(test_unix_errors)
{
	int fd;

	expect_unix_error(RESOLVER_NOT_ANSWERED, FAULT_CONNECT_ERROR, "this socket does not exist");
	fd = open(un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	expect_unix_error(
		RESOLVER_NOT_ANSWERED, FAULT_CONNECT_REFUSED, "this file is not a socket");
	ck_assert_int_eq(unlink(un.sun_path), 0);
	close(listen_unix(1));
	expect_unix_error(RESOLVER_NOT_ANSWERED, FAULT_CONNECT_REFUSED,
		"connection refused, as no process listens on this socket");
	guard = (struct guard){0};
	expect_unix_error(RESOLVER_REFUSED, FAULT_FORBIDDEN,
		"forbidden: [policy] allow does not list this socket");
}
END_TEST

static int fill_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

START_TEST(test_unix_full_queue)
{
	int fd = listen_unix(0), filler = fill_unix();

	expect_unix_error(RESOLVER_NOT_ANSWERED, FAULT_CONNECT_BACKLOG,
		"the server's queue of new connections is full");
	close(filler);
	close(fd);
}
END_TEST

/* It is tried again until there is room. */
START_TEST(test_unix_queue_gets_room)
{
	int fd = listen_unix(0), filler = fill_unix();
	int peer;

	begin(NULL, 0, TIMEOUT_NS);
	peer = accept(fd, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	future_on_done(&resolver.done, on_done, loop);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_msg(resolver.outcome == RESOLVER_OK, "%s", resolver.err.text);
	resolver_fini(&resolver);
	close(peer);
	close(filler);
	close(fd);
}
END_TEST

/* While its queue is full. */
START_TEST(test_unix_fini_hurries)
{
	int fd = listen_unix(0), filler = fill_unix();

	begin(NULL, 0, CLOCK_NEVER);
	resolver_fini(&resolver);
	ck_assert_int_eq(resolver.outcome, RESOLVER_NOT_ANSWERED);
	close(filler);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tcase = tcase_create("resolver");
	TCase *local = tcase_create("unix");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_numeric);
	tcase_add_loop_test(
		tcase, test_localhost, 0, (int)(sizeof(localhosts) / sizeof(localhosts[0])));
	tcase_add_loop_test(tcase, test_localhost_of_one_family, 0, 2);
	tcase_add_test(tcase, test_not_localhost);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_refused_by_name);
	tcase_add_test(tcase, test_no_answer);
	tcase_add_test(tcase, test_one_silent);
	tcase_add_test(tcase, test_endless_timeout);
	tcase_add_loop_test(tcase, test_forbidden, 0, sizeof(forbidden) / sizeof(forbidden[0]));
	tcase_add_loop_test(
		tcase, test_some_answer, 0, sizeof(one_listens) / sizeof(one_listens[0]));
	tcase_add_loop_test(tcase, test_several_answer, 0, 2);
	tcase_add_loop_test(
		tcase, test_none_answers, 0, sizeof(none_listens) / sizeof(none_listens[0]));
	tcase_add_loop_test(tcase, test_unknown, 0, sizeof(unknown) / sizeof(unknown[0]));
	tcase_add_test(tcase, test_no_name);
	tcase_add_test(tcase, test_no_descriptors);
	tcase_add_test(tcase, test_no_thread);
	tcase_add_test(tcase, test_blocks_signals);
	tcase_add_test(tcase, test_fini_early);
	tcase_add_test(tcase, test_fini_hurries);
	tcase_add_loop_test(tcase, test_filter, 0, sizeof(filtered) / sizeof(filtered[0]));
	tcase_add_test(tcase, test_first_that_answers);
	tcase_add_test(tcase, test_first_is_enough);
	tcase_add_loop_test(tcase, test_no_family, 0, sizeof(no_family) / sizeof(no_family[0]));
	tcase_add_test(tcase, test_probes_come_from_the_source);
	tcase_add_loop_test(tcase, test_no_source_of_the_family, 0, 2);
	tcase_add_test(tcase, test_address_of_source);
	tcase_add_test(tcase, test_faults);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(local, unix_setup, unix_teardown);
	tcase_add_test(local, test_unix);
	tcase_add_test(local, test_unix_errors);
	tcase_add_test(local, test_unix_full_queue);
	tcase_add_test(local, test_unix_queue_gets_room);
	tcase_add_test(local, test_unix_fini_hurries);
	suite_add_tcase(suite, local);

	return suite_main(suite);
}
