/* SPDX-License-Identifier: Apache-2.0 */
/* Where a plan's connections go, from where, and what one may do: the values of its keys, what
 * contradicts what, and what is told of it. */
#include "common/plan/plan_connections.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/plan/plan_sources.h"
#include "common/units.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define HTTPS "[target]\nurl = https://shop.test/a\n"
#define SOCKET "[target]\nurl = unix:/run/app.sock:/a\n"

START_TEST(what_nothing_says)
{
	struct plan *p = conf_plan(CONF_TARGET);

	ck_assert_ptr_null(p->connect_to);
	ck_assert_ptr_null(plan_connect_unix(p));
	ck_assert_str_eq(plan_connect_host(p), "127.0.0.1");
	ck_assert_uint_eq(plan_connect_port(p), 8000);
	ck_assert_uint_eq(p->addresses, PLAN_ADDRESSES_ALL);
	ck_assert_int_eq(p->dns_ns, 0);
	ck_assert_uint_eq(p->requests_per_connection, 0);
	ck_assert_int_eq(p->max_age_ns, 0);
	ck_assert_uint_eq(p->close, PLAN_CLOSE_FIN);
	ck_assert_uint_eq(p->pipeline, 1);
	ck_assert_uint_eq(p->n_sources, 0);
	ck_assert_ptr_null(p->sources);
	plan_free(p);
}
END_TEST

START_TEST(all_that_can_be_said)
{
	struct plan *p = conf_plan(
		HTTPS "connect-to = 10.0.0.7:8443\naddresses = first\ndns = every 1m30s\n"
		      "[connections]\nrequests-per-connection = 100\nmax-age = 5m\nclose = rst\n"
		      "pipeline = 16\nsource = 10.0.0.1\nsource = 10.0.0.2, ::1\n");

	ck_assert_str_eq(p->url.host, "shop.test");
	ck_assert_str_eq(plan_connect_host(p), "10.0.0.7");
	ck_assert_uint_eq(plan_connect_port(p), 8443);
	ck_assert_uint_eq(p->addresses, PLAN_ADDRESSES_FIRST);
	ck_assert_int_eq(p->dns_ns, 90 * NSEC_PER_SEC);
	ck_assert_uint_eq(p->requests_per_connection, 100);
	ck_assert_int_eq(p->max_age_ns, 300 * NSEC_PER_SEC);
	ck_assert_uint_eq(p->close, PLAN_CLOSE_RST);
	ck_assert_uint_eq(p->pipeline, 16);
	ck_assert_uint_eq(p->n_sources, 3);
	plan_free(p);
}
END_TEST

/* ---- where to ---- */

static const struct {
	const char *text;
	const char *unix_path; /* NULL: TCP */
	const char *host;
	unsigned port;
	const char *authority;
} places[] = {
	{HTTPS "connect-to = 10.0.0.7\n", NULL, "10.0.0.7", 443, "shop.test"},
	{HTTPS "connect-to = [::1]:8443\n", NULL, "::1", 8443, "shop.test"},
	{CONF_TARGET "connect-to = other.test\n", NULL, "other.test", 8000, "127.0.0.1:8000"},
	{CONF_TARGET "connect-to = unix:/s\n", "/s", "127.0.0.1", 8000, "127.0.0.1:8000"},
	{SOCKET, "/run/app.sock", "localhost", 80, "localhost"},
};

START_TEST(a_place_to_connect_to)
{
	struct plan *p = conf_plan(places[_i].text);

	ck_assert_pstr_eq(plan_connect_unix(p), places[_i].unix_path);
	ck_assert_str_eq(plan_connect_host(p), places[_i].host);
	ck_assert_uint_eq(plan_connect_port(p), places[_i].port);
	ck_assert_str_eq(p->url.authority, places[_i].authority);
	plan_free(p);
}
END_TEST

/* A file, then a flag of [target]: where to, and which key is left. */
static const struct {
	const char *text, *key, *value;
	const char *unix_path, *host;
	bool connect_to;
} later_places[] = {
	{HTTPS "connect-to = 10.0.0.7\n", "connect-to", "10.0.0.8", NULL, "10.0.0.8", true},
	{HTTPS "connect-to = 10.0.0.7\n", "url", "http://h/", NULL, "10.0.0.7", true},
	/* There is no room for both, and the later one counts. */
	{HTTPS "connect-to = 10.0.0.7\n", "url", "unix:/s", "/s", "localhost", false},
	{SOCKET, "connect-to", "10.0.0.7:1", NULL, "10.0.0.7", true},
	{SOCKET, "connect-to", "unix:/other", "/other", "localhost", true},
	{CONF_TARGET "connect-to = unix:/s\n", "url", "https://h/", NULL, "h", false},
	/* A key that has lost its meaning is forgotten. */
	{HTTPS "addresses = v4\ndns = every 1s\n[connections]\nsource = 10.0.0.1\n", "url",
		"unix:/s", "/s", "localhost", false},
	{HTTPS "addresses = v4\n", "url", "http://[::1]/", NULL, "::1", false},
};

START_TEST(a_later_place_wins)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", later_places[_i].text);
	conf_set(&d, "FLAG", "target", later_places[_i].key, later_places[_i].value);
	p = conf_build(&d, "f", later_places[_i].text, NULL, 0);
	ck_assert_pstr_eq(plan_connect_unix(p), later_places[_i].unix_path);
	ck_assert_str_eq(plan_connect_host(p), later_places[_i].host);
	ck_assert(later_places[_i].connect_to == (p->connect_to != NULL));
	ck_assert_uint_eq(p->addresses, PLAN_ADDRESSES_ALL);
	ck_assert_int_eq(p->dns_ns, 0);
	ck_assert_uint_eq(p->n_sources, 0);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(a_later_place_that_cannot_be)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", HTTPS);
	conf_set(&d, "--connect-to", "target", "connect-to", "unix:/s");
	ck_assert_int_eq(plan_build("f", &d.ini, HTTPS, NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"--connect-to: connect-to = unix:/s: there is no TLS "
					      "over a Unix socket, and the URL is https",
				NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(names_of_runs_over_sockets)
{
	static const char *const names[][2] = {
		{"unix:/run/app.sock:/x", "app.sock"},
		{"unix:/run/.hidden", "hidden"},
		{"unix:/run/a%20b@1", "a-20b-1"},
		{"unix:/run/\xc3\xbc", "run"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct conf_doc d = {0};
		struct plan *p;

		conf_set(&d, "URL", "target", "url", names[i][0]);
		p = conf_build(&d, NULL, NULL, NULL, 0);
		ck_assert_str_eq(p->name, names[i][1]);
		plan_free(p);
		conf_fini(&d);
	}
}
END_TEST

/* ---- mistakes, each with its line ---- */

static const struct {
	const char *text;
	const char *wanted[4];
} mistakes[] = {
	{CONF_TARGET "connect-to = 10.0.0.7:x\n",
		{"f.ini:3: connect-to: \"10.0.0.7:x\": the port"}},
	{CONF_TARGET "connect-to =\n", {"f.ini:3: connect-to: \"\": no host"}},
	{CONF_TARGET "connect-to = h:443:10.0.0.7:8443\n",
		{"f.ini:3: connect-to: 'h:443:10.0.0.7:8443': write only where to connect"}},
	{CONF_TARGET "connect-to = http://h/\n", {"f.ini:3: connect-to: "}},
	{CONF_TARGET "connect-to = h\nconnect-to = i\n",
		{"f.ini:4: connect-to is given twice, first in line 3"}},
	{SOCKET "connect-to = h\n",
		{"f.ini:3: connect-to = h contradicts url = unix:/run/app.sock:/a (line 2): both"}},
	{HTTPS "connect-to = unix:/s\n",
		{"f.ini:3: connect-to = unix:/s contradicts url = https://shop.test/a (line 2): "
		 "there is no TLS"}},
	{SOCKET "addresses = v4\ndns = once\n[connections]\nsource = ::1\n",
		{"f.ini:3: addresses is for TCP, and the target is a Unix socket",
			"f.ini:4: dns is for TCP", "f.ini:6: source is for TCP"}},
	{CONF_TARGET "connect-to = unix:/s\n[connections]\nsource = ::1\n",
		{"f.ini:5: source is for TCP, and the target is a Unix socket"}},
	{CONF_TARGET "addresses = v5\n",
		{"f.ini:3: addresses: 'v5' is not a known value: write one of"}},
	{CONF_TARGET "addresses = v6\n",
		{"f.ini:3: addresses = v6, and the target is an IPv4 address"}},
	{HTTPS "connect-to = [::1]\naddresses = v4\n",
		{"f.ini:4: addresses = v4, and the target is an IPv6 address"}},
	{CONF_TARGET "[connections]\nsource = ::1\n",
		{"f.ini:4: source: the target is loaded over IPv4, and none of these"}},
	{HTTPS "addresses = v6\n[connections]\nsource = 10.0.0.1\n",
		{"f.ini:5: source: the target is loaded over IPv6, and none of these"}},
	{CONF_TARGET "dns = always\n",
		{"f.ini:3: dns: 'always' is not a known value: write once, or"}},
	{CONF_TARGET "dns = every30s\n", {"f.ini:3: dns: 'every30s' is not a known value"}},
	{CONF_TARGET "dns = every 30\n", {"f.ini:3: dns: 'every 30' is not a known value"}},
	{CONF_TARGET "dns = every\n", {"f.ini:3: dns: 'every' is not a known value"}},
	{CONF_TARGET "dns = every 999ms\n", {"f.ini:3: dns: 'every 999ms' is out of range"}},
	{CONF_TARGET "dns = every 24h1ns\n", {"f.ini:3: dns: 'every 24h1ns' is out of range"}},
	{CONF_TARGET "[connections]\nrequests-per-connection = 1000000001\n",
		{"f.ini:4: requests-per-connection: "}},
	{CONF_TARGET "[connections]\nmax-age = 5\n", {"f.ini:4: max-age: '5' has no unit"}},
	{CONF_TARGET "[connections]\nclose = linger\n",
		{"f.ini:4: close: 'linger' is not a known value"}},
	{CONF_TARGET "[connections]\npipeline = 0\n", {"f.ini:4: pipeline: '0' is out of range"}},
	{CONF_TARGET "[connections]\npipeline = 1025\n", {"f.ini:4: pipeline: '1025' is out of"}},
	{CONF_TARGET "[connections]\nreuse = no\nrequests-per-connection = 2\nmax-age = 1s\n"
		     "pipeline = 2\n",
		{"f.ini:5: requests-per-connection = 2 contradicts reuse = no (line 4): without "
		 "reuse a connection has one request: leave one of them out",
			"f.ini:6: max-age = 1s contradicts reuse = no",
			"f.ini:7: pipeline = 2 contradicts reuse = no"}},
	{CONF_TARGET "[connections]\npipeline = 2\nreuse = no\n",
		{"f.ini:5: reuse = no contradicts pipeline = 2 (line 4)"}},
	{CONF_TARGET "[connections]\npipeline = 4\nrequests-per-connection = 3\n",
		{"f.ini:5: requests-per-connection = 3 contradicts pipeline = 4 (line 4): a "
		 "connection is closed before so many are in flight: take a smaller pipeline"}},
	{CONF_TARGET "[connections]\npipeline = 1024\ncount = 1025\n",
		{"f.ini:4: pipeline = 1024 on 1025 connections: more than 1048576 requests in"}},
	{CONF_TARGET "[connections]\npipeline = 2\n[defaults]\nmethod = POST\n",
		{"f.ini:4: pipeline = 2: POST is not idempotent, and only such methods may be "
		 "pipelined (RFC 9112 section 9.3.2): leave pipeline out"}},
	{CONF_TARGET "[connections]\npipeline = 2\n[request browse]\npath = /\n"
		     "[request buy]\nmethod = PATCH\npath = /\n",
		{"f.ini:4: pipeline = 2: PATCH of [request buy] is not idempotent"}},
	{CONF_TARGET "[connections]\npipeline = 2\n[request a]\nheader = Connection: te, Close\n"
		     "[request b]\npath = /\n",
		{"f.ini:4: pipeline = 2: nothing may be sent after a request with the header "
		 "\"Connection: close\" (RFC 9112 section 9.6)"}},
	/* Nothing follows from what is bad. */
	{CONF_TARGET "[connections]\nreuse = nope\npipeline = 2\n", {"f.ini:4: reuse: 'nope'"}},
	{"[target]\nurl = unix:s\nconnect-to = h\naddresses = v4\n", {"f.ini:2: url: "}},
};

START_TEST(a_mistake_and_its_line)
{
	const char *wanted[5] = {NULL};

	for (size_t i = 0; i < 4; i++)
		wanted[i] = mistakes[_i].wanted[i];
	conf_expect_problems(mistakes[_i].text, NULL, 0, wanted);
}
END_TEST

/* ---- what one connection may do ---- */

/* A file, then a flag of [connections]. */
static const struct {
	const char *text, *key, *value;
	unsigned reuse;
	uint64_t requests, pipeline;
	int64_t max_age_ns;
} later_limits[] = {
	{"pipeline = 4\nmax-age = 1s\nrequests-per-connection = 9", "reuse", "no", PLAN_REUSE_NO, 0,
		1, 0},
	{"reuse = no", "pipeline", "4", PLAN_REUSE_LIFO, 0, 4, 0},
	{"reuse = no", "max-age", "1s", PLAN_REUSE_LIFO, 0, 1, NSEC_PER_SEC},
	{"reuse = no", "requests-per-connection", "2", PLAN_REUSE_LIFO, 2, 1, 0},
	{"reuse = no", "requests-per-connection", "1", PLAN_REUSE_NO, 1, 1, 0},
	{"pipeline = 4", "requests-per-connection", "2", PLAN_REUSE_LIFO, 2, 1, 0},
	{"requests-per-connection = 2", "pipeline", "4", PLAN_REUSE_LIFO, 0, 4, 0},
	{"requests-per-connection = 4", "pipeline", "4", PLAN_REUSE_LIFO, 4, 4, 0},
	{"reuse = no\nmax-age = 0\npipeline = 1", "requests-per-connection", "0", PLAN_REUSE_NO, 0,
		1, 0},
};

START_TEST(a_later_limit_wins)
{
	struct conf_doc d = {0};
	struct plan *p;
	char text[256];

	(void)snprintf(
		text, sizeof(text), CONF_TARGET "[connections]\n%s\n", later_limits[_i].text);
	conf_read(&d, "f.ini", text);
	conf_set(&d, "FLAG", "connections", later_limits[_i].key, later_limits[_i].value);
	p = conf_build(&d, "f", text, NULL, 0);
	ck_assert_uint_eq(p->reuse, later_limits[_i].reuse);
	ck_assert_uint_eq(p->requests_per_connection, later_limits[_i].requests);
	ck_assert_uint_eq(p->pipeline, later_limits[_i].pipeline);
	ck_assert_int_eq(p->max_age_ns, later_limits[_i].max_age_ns);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* Where every request says "Connection: close", none is used twice. */
static const struct {
	const char *text;
	bool closes; /* the first request */
	unsigned reuse;
} closing[] = {
	{"[defaults]\nheader = Connection: close\n", true, PLAN_REUSE_NO},
	{"[defaults]\nheader = connection:te ,CLOSE\n", true, PLAN_REUSE_NO},
	{"[defaults]\nheader = Connection: te\nheader = Connection: close\n", true, PLAN_REUSE_NO},
	{"[defaults]\nheader = Connection: keep-alive\n", false, PLAN_REUSE_LIFO},
	{"[defaults]\nheader = Connection: closed, enclose\n", false, PLAN_REUSE_LIFO},
	{"[defaults]\nheader = X-Connection: close\n", false, PLAN_REUSE_LIFO},
	{"[request a]\nheader = Connection: close\n[request b]\npath = /\n", true, PLAN_REUSE_LIFO},
	{"[defaults]\nheader = Connection: close\n[request a]\npath = /\n[request b]\npath = /\n",
		true, PLAN_REUSE_NO},
	{"[connections]\nreuse = rotate\nmax-age = 1s\nrequests-per-connection = 7\n"
	 "[defaults]\nheader = Connection: close\n",
		true, PLAN_REUSE_NO},
	{"[connections]\nreuse = no\n[defaults]\nheader = Connection: close\n", true,
		PLAN_REUSE_NO},
};

START_TEST(a_header_may_close)
{
	char text[300];
	struct plan *p;

	(void)snprintf(text, sizeof(text), CONF_TARGET "%s", closing[_i].text);
	p = conf_plan(text);
	ck_assert_int_eq(plan_request_closes(&p->requests[0]), closing[_i].closes);
	ck_assert_uint_eq(p->reuse, closing[_i].reuse);
	if (p->reuse == PLAN_REUSE_NO) {
		ck_assert_uint_eq(p->requests_per_connection, 0);
		ck_assert_int_eq(p->max_age_ns, 0);
	}
	plan_free(p);
}
END_TEST

START_TEST(users_are_connections_times_pipeline)
{
	static const struct {
		const char *text;
		uint64_t users;
	} rows[] = {
		{"", 64},
		{"[connections]\npipeline = 16\n", 1024},
		{"[connections]\npipeline = 16\ncount = 3\n", 48},
		{"[connections]\npipeline = 1024\ncount = 1024\n", PLAN_USERS_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[200];
		struct plan *p;

		(void)snprintf(
			text, sizeof(text), CONF_TARGET "[load]\nmodel = closed\n%s", rows[i].text);
		p = conf_plan(text);
		ck_assert_uint_eq(plan_users(p), rows[i].users);
		ck_assert_uint_eq(plan_users(p), plan_connection_limit(p) * p->pipeline);
		plan_free(p);
	}
}
END_TEST

START_TEST(which_methods_may_be_pipelined)
{
	static const char *const good[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
	static const char *const bad[] = {"POST", "PATCH", "CONNECT", "get", "PROPFIND", ""};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert(plan_is_idempotent(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert(!plan_is_idempotent(bad[i]));
}
END_TEST

/* ---- from where ---- */

static const struct {
	const char *value;
	const char *addresses; /* with a blank after each */
} sources[] = {
	{"10.0.0.1", "10.0.0.1 "},
	{"10.0.0.1, 10.0.0.5-10.0.0.7, ::1", "10.0.0.1 10.0.0.5 10.0.0.6 10.0.0.7 ::1 "},
	{" 10.0.0.2 ,10.0.0.1\t", "10.0.0.2 10.0.0.1 "},
	{"10.0.0.1-10.0.0.1", "10.0.0.1 "},
	{"10.0.0.254-10.0.1.1", "10.0.0.254 10.0.0.255 10.0.1.0 10.0.1.1 "},
	{"10.0.0.3,10.0.0.1-10.0.0.4,10.0.0.3", "10.0.0.3 10.0.0.1 10.0.0.2 10.0.0.4 "},
	{"10.1.0.0/30", "10.1.0.1 10.1.0.2 "},
	{"10.1.0.2/31", "10.1.0.2 10.1.0.3 "},
	{"10.1.0.3/32", "10.1.0.3 "},
	{"2001:db8::/127", "2001:db8:: 2001:db8::1 "},
	{"2001:DB8::ffff-2001:db8::1:1", "2001:db8::ffff 2001:db8::1:0 2001:db8::1:1 "},
	{"fd00::7/128", "fd00::7 "},
	/* The same bytes, another family. */
	{"10.0.0.1, a00:1::", "10.0.0.1 a00:1:: "},
	{"255.255.255.254", "255.255.255.254 "},
};

static void expect_sources(const struct plan_source *list, size_t n, const char *wanted)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		char text[INET6_ADDRSTRLEN];

		ck_assert_ptr_nonnull(inet_ntop(
			list[i].is_v6 ? AF_INET6 : AF_INET, list[i].address, text, sizeof(text)));
		ck_assert_int_eq(buf_printf(&b, "%s ", text), 0);
	}
	ck_assert_str_eq(b.data ? b.data : "", wanted);
	buf_fini(&b);
}

START_TEST(sources_are_written_out)
{
	struct plan p = {0};
	struct err err = {0};

	ck_assert_msg(plan_parse_sources(sources[_i].value, &p, &err) == 0, "%s", err.text);
	plan_finish_sources(&p);
	expect_sources(p.sources, p.n_sources, sources[_i].addresses);
	plan_clear_sources(&p);
	ck_assert_int_eq(plan_parse_sources(sources[_i].value, NULL, NULL), 0);
}
END_TEST

static const struct {
	const char *value, *why;
} bad_sources[] = {
	{"", "an address is missing"},
	{" ", "an address is missing"},
	{"10.0.0.1,", "'10.0.0.1,': an address is missing: write them as in 10.0.0.1, 10.0.0.5"},
	{",10.0.0.1", "an address is missing"},
	{"10.0.0.1,,10.0.0.2", "an address is missing"},
	{"10.0.0", "'10.0.0' is not an address to connect from"},
	{"10.0.0.256", "is not an address"},
	{"shop.test", "is not an address"},
	{"eth0", "is not an address"},
	{"[::1]", "is not an address"},
	{"fe80::1%eth0", "is not an address"},
	{"10.0.0.1:80", "is not an address"},
	{"10.0.0.1 10.0.0.2", "is not an address"},
	{"10.0.0.1-", "'' is not an address"},
	{"-10.0.0.1", "'' is not an address"},
	{"10.0.0.1-5", "'5' is not an address"},
	{"10.0.0.1-10.0.0.2-10.0.0.3", "is not an address"},
	{"10.0.0.2-10.0.0.1", "ends before it begins: write the lower address first"},
	{"10.0.0.1-::1", "both are IPv6"},
	{"10.0.0.0/", "a number from 0 to 32"},
	{"10.0.0.0/33", "a number from 0 to 32"},
	{"10.0.0.0/-1", "a number from 0 to 32"},
	{"10.0.0.0/0030", "a number from 0 to 32"},
	{"::/129", "a number from 0 to 128"},
	{"/24", "'' is not an address"},
	{"10.0.0.0-10.1.0.0/28", "is not an address"},
	{"10.0.0.5/28", "10.0.0.5/28: the network of that size is 10.0.0.0/28: write that"},
	{"2001:db8::1/120", "the network of that size is 2001:db8::/120"},
	{"10.0.0.0/19", "10.0.0.0/19 has more than 4096 addresses: write a network of /20 or"},
	{"0.0.0.0/0", "more than 4096 addresses"},
	{"::/0", "::/0 has more than 4096 addresses: write a network of /116 or smaller"},
	{"10.0.0.0-10.0.16.0", "more than 4096 addresses"},
	{"1.0.0.0-223.255.255.255", "more than 4096 addresses"},
	{"0.0.0.0",
		"0.0.0.0 cannot be a source address: it is not the address of a host: name one of "
		"this host (ip address)"},
	{"255.255.255.255", "it is not the address of a host"},
	{"255.255.255.250-255.255.255.255", "it is not the address of a host"},
	{"224.0.0.1", "it is a multicast address"},
	{"::", "it is not the address of a host"},
	{"ff02::1", "it is a multicast address"},
	{"fe80::1", "needs a zone"},
	{"::ffff:10.0.0.1", "IPv4 addresses are written as"},
	{"1111:1111:1111:1111:1111:1111:1111:1111-1111:1111:1111:1111:1111:1111:1111:1111-1111:"
	 "1111:"
	 "1111:1111:1111:1111",
		"is not an address"},
};

START_TEST(bad_sources_are_refused)
{
	struct err err = {0};

	ck_assert_int_eq(plan_parse_sources(bad_sources[_i].value, NULL, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, bad_sources[_i].why) != NULL, "%s", err.text);
	ck_assert_int_eq(plan_parse_sources(bad_sources[_i].value, NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(sources_have_a_bound)
{
	struct plan p = {0};
	struct err err = {0};

	/* 4,094 of the network, two more, and one again. */
	ck_assert_int_eq(
		plan_parse_sources("10.0.0.0/20, 10.1.0.1, 10.1.0.2, 10.0.0.1", &p, &err), 0);
	ck_assert_uint_eq(p.n_sources, PLAN_SOURCES_MAX);
	for (size_t i = 1; i < p.n_sources; i++)
		ck_assert(memcmp(&p.sources[i - 1], &p.sources[i], sizeof(*p.sources)) != 0);
	ck_assert_int_eq(plan_parse_sources("::1", &p, &err), -EINVAL);
	ck_assert_str_eq(err.text, "more than 4096 addresses: name fewer of them");
	/* Nobody can make us look for ever. */
	for (int i = 0; i < 15; i++)
		ck_assert_int_ne(plan_parse_sources("10.0.0.0/20", &p, &err), -ENOMEM);
	ck_assert_int_eq(plan_parse_sources("10.0.0.0/20", &p, &err), -EINVAL);
	ck_assert_str_eq(
		err.text, "more than 65536 addresses with repetitions: name each one once");
	plan_clear_sources(&p);
	ck_assert_uint_eq(p.n_sources, 0);
	CONF_EXPECT(CONF_TARGET "[connections]\nsource = 10.0.0.0/20\nsource = 10.1.0.1\n"
				"source = 10.1.0.2, 10.0.0.1\nsource = 10.1.0.3\n",
		"f.ini:7: source: more than 4096 addresses");
}
END_TEST

/* As stages do. */
START_TEST(sources_of_a_later_file_replace)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", CONF_TARGET "[connections]\nsource = 10.0.0.1\nsource = 10.0.0.2\n");
	conf_read(&d, "g.ini", "[connections]\nsource = 10.0.0.3\nsource = 10.0.0.3, 10.0.0.2\n");
	p = conf_build(&d, "f", "", NULL, 0);
	expect_sources(p->sources, p->n_sources, "10.0.0.3 10.0.0.2 ");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* ---- in words ---- */

static const struct {
	const char *text;
	const char *wanted; /* NULL: no line of [target] */
} descriptions[] = {
	{CONF_TARGET, NULL},
	{CONF_TARGET, "\n  connections  up to 1,000, kept alive, opened as needed, 1000/s new at "
		      "most\n"},
	{CONF_TARGET "[connections]\ncount = 8\n",
		"\n  connections  8, kept alive, opened before the start, 1000/s new at most\n"},
	{CONF_TARGET "[connections]\ncount = 8\nexhausted = queue\n",
		"\n  connections  8, kept alive, opened before the start, arrivals wait for a free "
		"one, "},
	{CONF_TARGET "[connections]\ncount = 8\nreuse = no\n",
		"\n  connections  up to 8, one for each request, opened as needed, "},
	{CONF_TARGET "[load]\nmodel = closed\n",
		"\n  connections  64, kept alive, opened before the start, 1000/s new at most\n"},
	{SOCKET, "f: GET unix:/run/app.sock:/a\n"},
	{SOCKET, NULL},
	{HTTPS "connect-to = 10.0.0.7:1\naddresses = first\ndns = every 30s\n[connections]\n"
	       "source = 10.0.0.0/20\n",
		"\n  target       connects to 10.0.0.7:1\n               the first address that "
		"answers\n"
		"               looked up every 30s\n               from 4,094 source addresses\n"},
	{HTTPS "addresses = v4\n[connections]\nsource = 10.0.0.1\n",
		"\n  target       IPv4 addresses only\n               from 1 source address\n"},
	{HTTPS "dns = every 1h\n", "\n  target       looked up every 1h\n"},
	{HTTPS "[tls]\nmax-version = 1.2\nciphers = HIGH\n",
		", TLS 1.2 alone\n               ciphers HIGH\n"},
	{HTTPS "[tls]\nmax-version = 1.3\n", ", up to TLS 1.3\n"},
	{HTTPS "[tls]\nmin-version = 1.2\nmax-version = 1.3\n", ", TLS 1.2 to 1.3\n"},
	{HTTPS "[tls]\nmin-version = 1.3\nmax-version = 1.3\nciphersuites = "
	       "TLS_AES_128_GCM_SHA256\n",
		", TLS 1.3 alone\n               cipher suites TLS_AES_128_GCM_SHA256\n"},
	{CONF_TARGET "[connections]\nrequests-per-connection = 1000\nmax-age = 5m\nclose = rst\n"
		     "pipeline = 16\n",
		" new at most\n               each for 1,000 requests, up to 16 at a time, closed "
		"after "
		"5m, closed by a reset\n"},
	{CONF_TARGET "[connections]\nrequests-per-connection = 1\n",
		"\n               each for 1 request\n"},
	{CONF_TARGET "[load]\nmodel = closed\n[connections]\npipeline = 16\ncount = 100\n",
		"closed model, 1,600 users, each waits for its answer\n               16 of them "
		"share a connection, pipelined\n"},
	{CONF_TARGET "[load]\nmodel = closed\n[connections]\npipeline = 16\ncount = 100\n",
		"\n  needs        121 descriptors beside those of rpsd itself; 5 more for each\n"
		"               worker above one\n"},
	{CONF_TARGET "[load]\nmodel = closed\nworkers = 3\n[connections]\ncount = 100\n",
		"\n  needs        131 descriptors beside those of rpsd itself\n"},
};

START_TEST(in_words)
{
	struct plan *p = conf_plan(descriptions[_i].text);
	struct buf b = {0};

	ck_assert_int_eq(plan_describe(p, &b), 0);
	if (descriptions[_i].wanted)
		ck_assert_msg(strstr(b.data, descriptions[_i].wanted) != NULL, "%s", b.data);
	else
		ck_assert_msg(strstr(b.data, "\n  target ") == NULL, "%s", b.data);
	buf_fini(&b);
	plan_free(p);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("plan_connections");
	TCase *t = tcase_create("plan_connections");

	tcase_add_test(t, what_nothing_says);
	tcase_add_test(t, all_that_can_be_said);
	tcase_add_loop_test(t, a_place_to_connect_to, 0, N(places));
	tcase_add_loop_test(t, a_later_place_wins, 0, N(later_places));
	tcase_add_test(t, a_later_place_that_cannot_be);
	tcase_add_test(t, names_of_runs_over_sockets);
	tcase_add_loop_test(t, a_mistake_and_its_line, 0, N(mistakes));
	tcase_add_loop_test(t, a_later_limit_wins, 0, N(later_limits));
	tcase_add_loop_test(t, a_header_may_close, 0, sizeof(closing) / sizeof(closing[0]));
	tcase_add_test(t, users_are_connections_times_pipeline);
	tcase_add_test(t, which_methods_may_be_pipelined);
	tcase_add_loop_test(t, sources_are_written_out, 0, N(sources));
	tcase_add_loop_test(t, bad_sources_are_refused, 0, N(bad_sources));
	tcase_add_test(t, sources_have_a_bound);
	tcase_add_test(t, sources_of_a_later_file_replace);
	tcase_add_loop_test(t, in_words, 0, N(descriptions));
	suite_add_tcase(s, t);
	return suite_main(s);
}
