/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of any host that runs the tests, and the texts of /proc. */
#include "common/host/host.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/suite.h"

static struct sockaddr_storage make_address(const char *text)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	if (text[0] == '/') {
		ss.ss_family = AF_UNIX;
	} else if (strchr(text, ':')) {
		in6->sin6_family = AF_INET6;
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	} else {
		in->sin_family = AF_INET;
		ck_assert_int_eq(inet_pton(AF_INET, text, &in->sin_addr), 1);
	}
	return ss;
}

static const struct {
	const char *address;
	bool is_local, is_loopback;
} places[] = {
	{"127.0.0.1", true, true},
	{"127.255.0.9", true, true},
	{"::1", true, true},
	{"::ffff:127.0.0.1", true, true},
	{"192.0.2.1", false, false},
	{"2001:db8::1", false, false},
	{"::ffff:192.0.2.1", false, false},
	{"/run/app.sock", true, false},
};

START_TEST(where_an_address_is)
{
	struct sockaddr_storage ss = make_address(places[_i].address);

	ck_assert_int_eq(host_is_local((struct sockaddr *)&ss), places[_i].is_local);
	ck_assert_int_eq(host_is_loopback((struct sockaddr *)&ss), places[_i].is_loopback);
}
END_TEST

START_TEST(sources)
{
	struct sockaddr_storage ss = make_address("127.0.0.7");
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(host_try_source((struct sockaddr *)&ss, sizeof(struct sockaddr_in)), 0);
	ss = make_address("192.0.2.9");
	ck_assert_int_eq(host_try_source((struct sockaddr *)&ss, sizeof(struct sockaddr_in)),
		-EADDRNOTAVAIL);
	after = dup(0);
	ck_assert_int_eq(before, after);
	close(after);
}
END_TEST

static const struct {
	const char *range, *reserved;
	unsigned low, high, n;
} ranges[] = {
	{"32768\t60999\n", "\n", 32768, 60999, 28232},
	{"32768\t60999\n", "", 32768, 60999, 28232},
	{"1000 1000\n", "", 1000, 1000, 1},
	{"1000 1999\n", "80,1000,1500-1509,1999-2500,8080\n", 1000, 1999, 988},
	{"1000 1999\n", "1-65535\n", 1000, 1999, 0},
	{"1000 1999\n", "nonsense", 1000, 1999, 1000},
	{"1000 1999\n", "1000-", 1000, 1999, 999},
	{"2000 1000\n", "", 0, 0, 0},
	{"1000 70000\n", "", 0, 0, 0},
	{"1000\n", "", 0, 0, 0},
	{"", "", 0, 0, 0},
};

START_TEST(ranges_of_ports)
{
	struct host_ports ports = {.tw_reuse = 2, .n = 7};

	host_parse_ports(ranges[_i].range, ranges[_i].reserved, &ports);
	ck_assert_uint_eq(ports.low, ranges[_i].low);
	ck_assert_uint_eq(ports.high, ranges[_i].high);
	ck_assert_uint_eq(ports.n, ranges[_i].n);
	ck_assert_uint_eq(ports.tw_reuse, 2);
}
END_TEST

START_TEST(ports_of_this_host)
{
	struct host_ports ports;
	bool is_known = access("/proc/sys/net/ipv4/ip_local_port_range", R_OK) == 0;

	host_read_ports(&ports);
	ck_assert_int_eq(ports.n > 0, is_known);
	ck_assert_uint_le(ports.n, 65536);
	ck_assert_uint_le(ports.tw_reuse, 2);
}
END_TEST

#define LEN(x) (int)(sizeof(x) / sizeof((x)[0]))

int main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("host");

	tcase_add_loop_test(t, where_an_address_is, 0, LEN(places));
	tcase_add_test(t, sources);
	tcase_add_loop_test(t, ranges_of_ports, 0, LEN(ranges));
	tcase_add_test(t, ports_of_this_host);
	suite_add_tcase(s, t);
	return suite_main(s);
}
