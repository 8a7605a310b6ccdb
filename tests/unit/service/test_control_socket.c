/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "daemon/service/control_socket.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"

static char dir[64];
static char path[96];
static char lock_path[112];

static void test_setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test_control_socket.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/run/control.socket", dir);
	(void)snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
}

static void test_teardown(void)
{
	char run[80];

	(void)snprintf(run, sizeof(run), "%s/run", dir);
	(void)unlink(path);
	(void)unlink(lock_path);
	(void)rmdir(run);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int test_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	strcpy(address.sun_path, path);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ? -errno : 0;
	ck_assert_int_eq(close(fd), 0);
	return r;
}

START_TEST(it_is_there_for_its_group_and_goes)
{
	struct control_socket s = {0};
	struct err err = {0};
	struct stat st;
	int fd;

	/* The last directory of the path is made. */
	ck_assert_int_eq(control_socket_open(&s, path, 0660, &fd, &err), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(test_connect(), 0);
	ck_assert_int_eq(close(fd), 0);
	control_socket_close(&s);
	ck_assert_int_eq(lstat(path, &st), -1);
	control_socket_close(&s);
}
END_TEST

/* Whatever umask the daemon was started with; and that one is left as it was. */
START_TEST(its_mode_is_what_was_asked_for)
{
	struct control_socket s = {0};
	struct err err = {0};
	struct stat st;
	int fd;

	(void)umask(0077);
	ck_assert_int_eq(control_socket_open(&s, path, 0666, &fd, &err), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0666);
	ck_assert_int_eq(umask(0077), 0077);
	ck_assert_int_eq(close(fd), 0);
	control_socket_close(&s);
}
END_TEST

START_TEST(a_living_daemon_is_left_alone)
{
	struct control_socket first = {0};
	struct control_socket second = {0};
	struct err err = {0};
	int fds[2];

	ck_assert_int_eq(control_socket_open(&first, path, 0660, &fds[0], &err), 0);
	ck_assert_int_eq(control_socket_open(&second, path, 0660, &fds[1], &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	control_socket_close(&second);
	ck_assert_int_eq(test_connect(), 0);
	/* Also when it knows nothing of the lock. */
	ck_assert_int_eq(unlink(lock_path), 0);
	err.text[0] = '\0';
	ck_assert_int_eq(control_socket_open(&second, path, 0660, &fds[1], &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(test_connect(), 0);
	ck_assert_int_eq(close(fds[0]), 0);
	control_socket_close(&first);
}
END_TEST

START_TEST(what_a_dead_daemon_left_is_replaced)
{
	struct control_socket dead = {0};
	struct control_socket s = {0};
	struct err err = {0};
	int fd;

	ck_assert_int_eq(control_socket_open(&dead, path, 0660, &fd, &err), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(close(dead.lock_fd), 0);
	free(dead.path);
	ck_assert_int_eq(test_connect(), -ECONNREFUSED);
	ck_assert_int_eq(control_socket_open(&s, path, 0660, &fd, &err), 0);
	ck_assert_int_eq(test_connect(), 0);
	ck_assert_int_eq(close(fd), 0);
	control_socket_close(&s);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	struct control_socket s = {0};
	struct err err = {0};
	struct stat st;
	char run[80];
	int fd;

	(void)snprintf(run, sizeof(run), "%s/run", dir);
	ck_assert_int_eq(mkdir(run, 0700), 0);
	ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(control_socket_open(&s, path, 0660, &fd, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "not a socket"));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

/* Only root can give it away. */
START_TEST(what_belongs_to_somebody_else_is_left_alone)
{
	struct control_socket dead = {0};
	struct control_socket s = {0};
	struct err err = {0};
	int fd;

	ck_assert_int_eq(control_socket_open(&dead, path, 0660, &fd, &err), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(close(dead.lock_fd), 0);
	free(dead.path);
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	ck_assert_int_eq(control_socket_open(&s, path, 0660, &fd, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "65534"));
	ck_assert_int_eq(test_connect(), -ECONNREFUSED);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_said)
{
	struct control_socket s = {0};
	struct err err = {0};
	char text[200];
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(control_socket_open(&s, text, 0660, &fd, &err), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(err.text, "too long"));
	err.text[0] = '\0';
	(void)snprintf(text, sizeof(text), "%s/no/such/dir/socket", dir);
	ck_assert_int_eq(control_socket_open(&s, text, 0660, &fd, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, text));
	control_socket_close(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control_socket");
	TCase *t = tcase_create("control_socket");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_add_test(t, it_is_there_for_its_group_and_goes);
	tcase_add_test(t, its_mode_is_what_was_asked_for);
	tcase_add_test(t, a_living_daemon_is_left_alone);
	tcase_add_test(t, what_a_dead_daemon_left_is_replaced);
	tcase_add_test(t, what_is_no_socket_is_left_alone);
	tcase_add_test_of_root(t, what_belongs_to_somebody_else_is_left_alone);
	tcase_add_test(t, a_path_that_cannot_be_is_said);
	suite_add_tcase(s, t);
	return suite_main(s);
}
