/* SPDX-License-Identifier: Apache-2.0 */
#include "common/guard.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "tests/support/suite.h"

static struct sockaddr_storage make_address(const char *text, uint16_t port)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	if (strchr(text, ':') != NULL) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	} else {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET, text, &in->sin_addr), 1);
	}
	return ss;
}

static bool allows(const struct guard *g, const char *address, uint16_t port)
{
	struct sockaddr_storage ss = make_address(address, port);
	const char *why = NULL;
	bool yes = guard_allows(g, (const struct sockaddr *)&ss, &why);

	/* A reason is given exactly when the answer is no. */
	ck_assert_int_eq(yes, why == NULL);
	return yes;
}

static const struct {
	const char *address;
	bool allowed;
} private_cases[] = {
	{"127.0.0.1", true},
	{"::1", true},
	{"10.1.2.3", true},
	{"8.8.8.8", true},
	{"2001:db8::1", true},
	{"169.254.169.253", true},
	{"169.254.170.3", true},
	{"100.100.100.201", true},
	{"fd00:ec2::255", true},
	{"169.254.169.254", false},
	{"169.254.170.2", false},
	{"100.100.100.200", false},
	{"fd00:ec2::254", false},
	{"169.254.170.23", false},
	{"169.254.42.42", false},
	{"169.254.0.23", false},
	{"169.254.10.10", false},
	{"168.63.129.16", false},
	{"192.0.0.192", false},
	{"fd00:ec2::23", false},
	{"fd20:ce::254", false},
	{"fd00:42::42", false},
	{"fd00:a9fe:a9fe::1", false},
	{"fd00:c1::a9fe:a9fe", false},
	{"fe80::a9fe:a9fe", false},
	{"::ffff:169.254.169.254", false},
	{"64:ff9b::169.254.169.254", false},
	{"64:ff9b::8.8.8.8", true},
	{"2002:a9fe:a9fe::1", false},
	{"2002:0808:0808::1", true},
	{"::169.254.169.254", false},
	{"::ffff:100.100.100.200", false},
};

START_TEST(test_private)
{
	struct guard g;

	guard_init_private(&g);
	ck_assert_int_eq(allows(&g, private_cases[_i].address, 80), private_cases[_i].allowed);
	ck_assert_int_eq(allows(&g, private_cases[_i].address, 0), private_cases[_i].allowed);
	guard_fini(&g);
}
END_TEST

/* One rule, one address. rule NULL: nothing is listed. */
static const struct {
	const char *rule, *address;
	uint16_t port;
	bool allowed;
} service_cases[] = {
	{NULL, "127.0.0.1", 80, true},
	{NULL, "127.255.255.255", 1, true},
	{NULL, "::1", 8080, true},
	{NULL, "::ffff:127.0.0.1", 80, true},
	{NULL, "128.0.0.0", 80, false},
	{NULL, "126.255.255.255", 80, false},
	{NULL, "0.0.0.0", 80, false},
	{NULL, "::", 80, false},
	{NULL, "::2", 80, false},
	{NULL, "::127.0.0.1", 80, false},
	{NULL, "10.0.0.1", 80, false},
	{NULL, "::ffff:10.0.0.1", 80, false},
	{NULL, "169.254.169.254", 80, false},

	{"10.0.0.0/8", "10.0.0.0", 80, true},
	{"10.0.0.0/8", "10.255.255.255", 80, true},
	{"10.0.0.0/8", "11.0.0.0", 80, false},
	{"10.0.0.0/8", "9.255.255.255", 80, false},
	{"10.0.0.0/8", "::ffff:10.9.8.7", 80, true},
	{"10.0.0.0/8", "127.0.0.1", 80, true},
	{"172.16.0.0/12", "172.31.255.255", 80, true},
	{"172.16.0.0/12", "172.32.0.0", 80, false},
	{"192.0.2.128/25", "192.0.2.128", 80, true},
	{"192.0.2.128/25", "192.0.2.127", 80, false},
	{"192.0.2.6/31", "192.0.2.7", 80, true},
	{"192.0.2.6/31", "192.0.2.8", 80, false},
	{"192.0.2.7", "192.0.2.7", 80, true},
	{"192.0.2.7/32", "192.0.2.7", 80, true},
	{"192.0.2.7", "192.0.2.6", 80, false},
	{"192.0.2.7:8080", "192.0.2.7", 8080, true},
	{"192.0.2.7:8080", "192.0.2.7", 8081, false},
	{"192.0.2.7:8080", "192.0.2.6", 8080, false},
	{"192.0.2.0/24:443", "192.0.2.200", 443, true},
	{"192.0.2.0/24:443", "192.0.2.200", 80, false},
	{"192.0.2.0/24:65535", "192.0.2.200", 65535, true},
	{"0.0.0.0/0", "203.0.113.9", 80, true},
	{"0.0.0.0/0", "2001:db8::1", 80, false},
	{"0.0.0.0/0", "169.254.169.254", 80, false},
	{"169.254.169.254/31", "169.254.169.254", 80, false},
	{"169.254.169.254", "169.254.169.254", 80, true},
	{"169.254.169.254:80", "169.254.169.254", 80, true},
	{"169.254.169.254:80", "169.254.169.254", 81, false},
	{"::/0", "64:ff9b::169.254.169.254", 80, false},
	{"64:ff9b::169.254.169.254", "64:ff9b::169.254.169.254", 80, true},

	{"2001:db8::1", "2001:db8::1", 80, true},
	{"2001:db8::1", "2001:db8::2", 80, false},
	{"[2001:db8::1]", "2001:db8::1", 80, true},
	{"[2001:db8::1]:443", "2001:db8::1", 443, true},
	{"[2001:db8::1]:443", "2001:db8::1", 80, false},
	{"2001:db8::/32", "2001:db8:ffff::1", 80, true},
	{"2001:db8::/32", "2001:db9::1", 80, false},
	{"[2001:db8::]/32", "2001:db8:ffff::1", 80, true},
	{"[2001:db8::]/32:443", "2001:db8:1::1", 443, true},
	{"[2001:db8::]/32:443", "2001:db8:1::1", 444, false},
	{"[2001:db8::]/33", "2001:db8:7fff::", 1, true},
	{"[2001:db8::]/33", "2001:db8:8000::", 1, false},
	{"2001:db8::/127", "2001:db8::1", 1, true},
	{"2001:db8::/127", "2001:db8::2", 1, false},
	{"::/0", "2001:db8::2", 1, true},
	{"::/0", "10.0.0.1", 1, false},
	{"::/0", "::ffff:10.0.0.1", 1, false},
	{"::ffff:10.0.0.0/104", "10.2.3.4", 1, true},
	{"::ffff:10.0.0.0/104", "::ffff:10.2.3.4", 1, true},
	{"::ffff:10.0.0.0/104", "11.2.3.4", 1, false},
	{"[::ffff:192.0.2.7]:80", "192.0.2.7", 80, true},
	{"[::ffff:192.0.2.7]:80", "192.0.2.7", 81, false},
};

START_TEST(test_service)
{
	const char *rule = service_cases[_i].rule;
	struct err err = {0};
	struct guard g;

	ck_assert_msg(
		guard_init_service(&g, &rule, rule == NULL ? 0 : 1, &err) == 0, "%s", err.text);
	ck_assert_msg(allows(&g, service_cases[_i].address, service_cases[_i].port) ==
			      service_cases[_i].allowed,
		"%s with rule %s", service_cases[_i].address, rule ? rule : "(none)");
	guard_fini(&g);
}
END_TEST

static const char *const bad_rules[] = {
	"",
	" ",
	"localhost",
	"*",
	"10",
	"10.0.0",
	"10.0.0.0.0",
	"10.0.0.256",
	"010.0.0.1x",
	"10.0.0.0/",
	"10.0.0.0/33",
	"10.0.0.0/-1",
	"10.0.0.0/+8",
	"10.0.0.0/8 ",
	" 10.0.0.0/8",
	"10.0.0.0/8/8",
	"10.0.0.0/0x8",
	"10.0.0.0/4294967304",
	"10.0.0.0:",
	"10.0.0.0:0",
	"10.0.0.0:65536",
	"10.0.0.0:80/8",
	"10.0.0.0:http",
	"10.0.0.0:80:80",
	"10.0.0.1/8",
	"10.128.0.0/8",
	"[10.0.0.1]:80",
	"[::1",
	"::1]",
	"[]",
	"[]:80",
	"[::1]80",
	"[::1]:",
	"[::1]:0",
	"[::1]/129",
	"[::1]/",
	"[::1]/64",
	"2001:db8::1/32",
	"::1/128:80:",
	"[::/0]:80",
	"::ffff:10.0.0.0/95",
	"1:2:3:4:5:6:7:8:9",
	"fe80::1%lo",
	"10.0.0.0/8\n",
	"unix:",
	"unix:run/app.sock",
	"unix://run/app.sock",
	"unix:/run//app.sock",
	"unix:/run/../app.sock",
	"unix:/run/./app.sock",
	"unix:/run/..",
	"unix:/run/.",
	"unix:@app",
	"unix:~/app.sock",
	"Unix:/run/app.sock",
	"[2001:db8:0000:0000:0000:0000:0000:0000000000000000000000000000000000000000000000]/"
	"128:443",
};

START_TEST(test_bad_rule)
{
	const char *rules[] = {"10.0.0.0/8", bad_rules[_i]};
	struct err err = {0};
	struct guard g;

	ck_assert_msg(guard_init_service(&g, rules, 2, &err) == -EINVAL, "\"%s\"", bad_rules[_i]);
	ck_assert_ptr_nonnull(strstr(err.text, "\""));
	/* The text names the rule; err makes control characters harmless. */
	if (strchr(bad_rules[_i], '\n') == NULL)
		ck_assert_ptr_nonnull(strstr(err.text, bad_rules[_i]));
	ck_assert_int_eq(guard_init_service(&g, rules, 2, NULL), -EINVAL);
}
END_TEST

START_TEST(test_several_rules)
{
	static const char *const rules[] = {"10.0.0.0/8:80", "10.0.0.0/8:443", "2001:db8::/32"};
	struct err err = {0};
	struct guard g;

	ck_assert_int_eq(guard_init_service(&g, rules, 3, &err), 0);
	ck_assert_uint_eq(g.n_rules, 3);
	ck_assert(allows(&g, "10.0.0.1", 80));
	ck_assert(allows(&g, "10.0.0.1", 443));
	ck_assert(!allows(&g, "10.0.0.1", 8080));
	ck_assert(allows(&g, "2001:db8::1", 8080));
	guard_fini(&g);
	/* What is left allows nothing but loopback, and may be finished again. */
	ck_assert(!allows(&g, "10.0.0.1", 80));
	guard_fini(&g);
}
END_TEST

/* One rule, one path. */
static const struct {
	const char *rule, *path;
	bool allowed;
} path_cases[] = {
	{NULL, "/run/app.sock", false},
	{"0.0.0.0/0", "/run/app.sock", false},
	{"unix:/run/app.sock", "/run/app.sock", true},
	{"unix:/run/app.sock", "/run/app.sock2", false},
	{"unix:/run/app.sock", "/run/app.soc", false},
	{"unix:/run/app.sock", "/run/app.sock/", false},
	{"unix:/run/app.sock", "//run/app.sock", false},
	{"unix:/run/app.sock", "run/app.sock", false},
	{"unix:/run/app", "/run/app/a", false},
	{"unix:/run/app/", "/run/app/a", true},
	{"unix:/run/app/", "/run/app/b/c", true},
	{"unix:/run/app/", "/run/app/..b", true},
	{"unix:/run/app/", "/run/app/.b", true},
	{"unix:/run/app/", "/run/apple/a", false},
	{"unix:/run/app/", "/run/app", false},
	{"unix:/run/app/", "/run/app/../docker.sock", false},
	{"unix:/run/app/", "/run/app/..", false},
	{"unix:/run/app/", "/run/app/.", false},
	{"unix:/run/app/", "/run/app/./a", false},
	{"unix:/run/app/", "/run/app//a", false},
	{"unix:/", "/anything/at/all", true},
	{"unix:/run/app/", "", false},
};

static bool allows_path(const struct guard *g, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *why = NULL;
	bool yes;

	ck_assert_uint_lt(strlen(path), sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	yes = guard_allows(g, (struct sockaddr *)&un, &why);
	ck_assert_int_eq(yes, why == NULL);
	return yes;
}

START_TEST(test_paths)
{
	const char *rule = path_cases[_i].rule;
	struct err err = {0};
	struct guard g;

	ck_assert_msg(
		guard_init_service(&g, &rule, rule == NULL ? 0 : 1, &err) == 0, "%s", err.text);
	ck_assert_msg(allows_path(&g, path_cases[_i].path) == path_cases[_i].allowed,
		"%s with rule %s", path_cases[_i].path, rule ? rule : "(none)");
	guard_fini(&g);
	guard_init_private(&g);
	ck_assert(allows_path(&g, path_cases[_i].path));
	guard_fini(&g);
}
END_TEST

/* A link where a socket may stand, or above it: the service does not follow it, a private daemon
 * may. */
START_TEST(test_links)
{
	char dir[] = "/tmp/test_guard.XXXXXX", rule[64], path[64], to[64];
	const char *list = rule, *why = NULL;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct guard g;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(rule, sizeof(rule), "unix:%s/", dir);
	(void)snprintf(path, sizeof(path), "%s/link%s", dir, _i == 1 ? "/s" : "");
	(void)snprintf(to, sizeof(to), "%s/link", dir);
	ck_assert_int_eq(guard_init_service(&g, &list, 1, NULL), 0);
	ck_assert(allows_path(&g, path));
	ck_assert_int_eq(symlink("/tmp", to), 0);
	strcpy(un.sun_path, path);
	ck_assert(!guard_allows(&g, (struct sockaddr *)&un, &why));
	ck_assert_ptr_nonnull(strstr(why, "a symbolic link is part of this path"));
	guard_fini(&g);
	guard_init_private(&g);
	ck_assert(allows_path(&g, path));
	ck_assert_int_eq(unlink(to), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* A path without an end, and an abstract name, which has no path. */
START_TEST(test_odd_paths)
{
	static const char *const rules[] = {"unix:/aaa/", "10.0.0.0/8", "unix:/"};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *why;
	struct guard g;

	memset(un.sun_path, 'a', sizeof(un.sun_path));
	un.sun_path[0] = un.sun_path[4] = '/';
	ck_assert_int_eq(guard_init_service(&g, rules, 3, NULL), 0);
	ck_assert(guard_allows(&g, (struct sockaddr *)&un, &why));
	un.sun_path[0] = '\0';
	ck_assert(!guard_allows(&g, (struct sockaddr *)&un, &why));
	ck_assert_str_eq(why, "[policy] allow does not list this socket");
	guard_fini(&g);
}
END_TEST

START_TEST(test_longest_path)
{
	char rule[5 + sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "unix:/";
	const char *list = rule;
	struct err err = {0};
	struct guard g;

	memset(rule + 6, 'x', sizeof(rule) - 8);
	ck_assert_int_eq(guard_init_service(&g, &list, 1, &err), 0);
	ck_assert(allows_path(&g, rule + 5));
	guard_fini(&g);
	rule[sizeof(rule) - 2] = 'x';
	ck_assert_int_eq(guard_init_service(&g, &list, 1, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "107 bytes"));
}
END_TEST

START_TEST(test_other_families)
{
	struct sockaddr other = {.sa_family = AF_PACKET};
	struct guard g;
	const char *why;

	guard_init_private(&g);
	ck_assert(!guard_allows(&g, &other, &why));
	ck_assert_str_eq(why, "it is neither an IP address nor a socket's path");
	ck_assert_int_eq(guard_init_service(&g, NULL, 0, NULL), 0);
	ck_assert(!guard_allows(&g, &other, &why));
	guard_fini(&g);
}
END_TEST

START_TEST(test_reasons)
{
	struct sockaddr_storage ss = make_address("169.254.169.254", 80);
	struct guard g;
	const char *why;

	guard_init_private(&g);
	ck_assert(!guard_allows(&g, (struct sockaddr *)&ss, &why));
	ck_assert_str_eq(why, "it is the metadata service of a cloud");
	ck_assert_int_eq(guard_init_service(&g, NULL, 0, NULL), 0);
	ck_assert(!guard_allows(&g, (struct sockaddr *)&ss, &why));
	ck_assert_str_eq(why,
		"it is the metadata service of a cloud, which no range in [policy] allow covers");
	ss = make_address("192.0.2.1", 80);
	ck_assert(!guard_allows(&g, (struct sockaddr *)&ss, &why));
	ck_assert_str_eq(why, "only loopback is allowed; [policy] allow lists more");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = tcase_create("guard");

	tcase_add_loop_test(tcase, test_private, 0, COUNT(private_cases));
	tcase_add_loop_test(tcase, test_service, 0, COUNT(service_cases));
	tcase_add_loop_test(tcase, test_bad_rule, 0, COUNT(bad_rules));
	tcase_add_test(tcase, test_several_rules);
	tcase_add_loop_test(tcase, test_paths, 0, COUNT(path_cases));
	tcase_add_loop_test(tcase, test_links, 0, 2);
	tcase_add_test(tcase, test_odd_paths);
	tcase_add_test(tcase, test_longest_path);
	tcase_add_test(tcase, test_other_families);
	tcase_add_test(tcase, test_reasons);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
