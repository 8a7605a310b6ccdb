/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/loop/loop.h"
#include "daemon/service/systemd.h"
#include "tests/support/suite.h"

static void test_forget(void)
{
	static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
		"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(unsetenv(names[i]), 0);
}

START_TEST(without_systemd_nothing_happens)
{
	struct systemd_socket *sockets = (void *)1;
	struct systemd_watchdog watchdog;
	struct loop *loop;
	size_t n = 7;

	ck_assert_int_eq(systemd_take_sockets(&sockets, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(sockets);
	systemd_free_sockets(sockets, n);
	systemd_notify("READY=1\nSTATUS=%d runs", 3);
	ck_assert_int_eq(loop_new(&loop), 0);
	systemd_watchdog_start(&watchdog, loop);
	ck_assert_int_eq(watchdog.interval_ns, 0);
	systemd_watchdog_stop(&watchdog);
	loop_free(loop);
}
END_TEST

#ifdef HAVE_SYSTEMD

/* In a process of its own: descriptors 3 to 5 belong to the test library here. Its exit status is
 * the first thing that was not as it should be. */
static int test_child_takes(void)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	struct systemd_socket *sockets;
	char pid[16];
	size_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int null = open("/dev/null", O_RDWR);

	if (bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) == -1 || listen(fd, 1) == -1)
		return 1;
	if (fcntl(fd, F_DUPFD, 20) == -1 || fcntl(null, F_DUPFD, 30) == -1)
		return 2;
	if (dup2(20, 3) == -1 || dup2(30, 4) == -1 || dup2(20, 5) == -1)
		return 3;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "3", 1);
	(void)setenv("LISTEN_FDNAMES", "varlink:other:observe", 1);
	if (systemd_take_sockets(&sockets, &n) != 0)
		return 4;
	if (n != 2 || sockets[0].fd != 3 || sockets[1].fd != 5)
		return 5;
	if (strcmp(sockets[0].name, "varlink") != 0 || strcmp(sockets[1].name, "observe") != 0)
		return 6;
	if (fcntl(4, F_GETFD) != -1 || fcntl(5, F_GETFD) != FD_CLOEXEC)
		return 7;
	systemd_free_sockets(sockets, n);
	/* They are taken once. */
	if (getenv("LISTEN_FDS") || systemd_take_sockets(&sockets, &n) != 0 || n != 0)
		return 8;
	return 0;
}

START_TEST(sockets_come_with_their_names)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(test_child_takes());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(nonsense_in_the_environment_is_an_error)
{
	struct systemd_socket *sockets;
	char pid[16];
	size_t n;

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(setenv("LISTEN_PID", pid, 1), 0);
	ck_assert_int_eq(setenv("LISTEN_FDS", "many", 1), 0);
	ck_assert_int_lt(systemd_take_sockets(&sockets, &n), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* A socket in systemd's place. */
static int test_notify_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	char name[sizeof(address.sun_path) + 1];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t name_len;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	name_len = len - offsetof(struct sockaddr_un, sun_path);
	memcpy(name, address.sun_path, name_len);
	name[0] = '@';
	name[name_len] = '\0';
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void test_expect(int fd, const char *want)
{
	char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, want);
}

START_TEST(systemd_is_told)
{
	int fd = test_notify_socket();

	systemd_notify("READY=1\nSTATUS=%d runs", 3);
	test_expect(fd, "READY=1\nSTATUS=3 runs");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(the_watchdog_is_fed_twice_in_an_interval)
{
	struct systemd_watchdog watchdog;
	struct loop *loop;
	int64_t start_ns;
	int fd = test_notify_socket();

	ck_assert_int_eq(setenv("WATCHDOG_USEC", "40000", 1), 0);
	ck_assert_int_eq(loop_new(&loop), 0);
	start_ns = clock_now_ns();
	systemd_watchdog_start(&watchdog, loop);
	ck_assert_int_eq(watchdog.interval_ns, 20 * NSEC_PER_MSEC);
	for (int i = 1; i <= 3; i++) {
		char byte;

		while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == -1)
			ck_assert_int_eq(loop_turn(loop, NSEC_PER_SEC), 0);
		ck_assert_int_ge(clock_now_ns() - start_ns, i * 20 * NSEC_PER_MSEC);
		test_expect(fd, "WATCHDOG=1");
	}
	systemd_watchdog_stop(&watchdog);
	loop_free(loop);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

#endif

int main(void)
{
	Suite *s = suite_create("systemd");
	TCase *t = tcase_create("systemd");

	tcase_add_checked_fixture(t, test_forget, NULL);
	tcase_add_test(t, without_systemd_nothing_happens);
#ifdef HAVE_SYSTEMD
	tcase_add_test(t, sockets_come_with_their_names);
	tcase_add_test(t, nonsense_in_the_environment_is_an_error);
	tcase_add_test(t, systemd_is_told);
	tcase_add_test(t, the_watchdog_is_fed_twice_in_an_interval);
#endif
	suite_add_tcase(s, t);
	return suite_main(s);
}
