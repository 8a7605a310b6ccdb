/* SPDX-License-Identifier: Apache-2.0 */
/* Links on the way and at the end, and what is not there. */
#include "common/unix_path.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

static char dir[] = "/tmp/test_unix_path.XXXXXX";

static int opened(const char *path)
{
	char whole[512];
	int fd;

	(void)snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	fd = unix_path_open(whole);
	if (fd >= 0)
		ck_assert_int_eq(close(fd), 0);
	return fd < 0 ? fd : 0;
}

START_TEST(test_links)
{
	char name[300], here[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkfifo("d/fifo", 0600), 0);
	ck_assert_int_eq(symlink("d", "to-d"), 0);
	ck_assert_int_eq(symlink("fifo", "d/to-fifo"), 0);
	ck_assert_int_eq(symlink("/nonexistent", "to-nothing"), 0);

	/* A FIFO does not hold, nothing is opened for reading. */
	ck_assert_int_eq(opened("d/fifo"), 0);
	ck_assert_int_eq(opened("d//fifo"), 0);
	ck_assert_int_eq(opened("d/"), 0);
	ck_assert_int_eq(opened("d/to-fifo"), -ELOOP);
	ck_assert_int_eq(opened("to-d/fifo"), -ELOOP);
	ck_assert_int_eq(opened("to-d"), -ELOOP);
	ck_assert_int_eq(opened("to-nothing"), -ELOOP);
	ck_assert_int_eq(opened("d/none"), -ENOENT);
	ck_assert_int_eq(opened("d/fifo/x"), -ENOTDIR);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(opened(name), -ENAMETOOLONG);

	(void)snprintf(here, sizeof(here), "/proc/self/fd/%d", STDIN_FILENO);
	ck_assert_int_eq(unix_path_open(here), -ELOOP);
	ck_assert_int_eq(unlink("d/fifo") + unlink("d/to-fifo") + unlink("to-d"), 0);
	ck_assert_int_eq(unlink("to-nothing") + rmdir("d") + rmdir(dir), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unix_path");
	TCase *tcase = tcase_create("unix_path");

	tcase_add_test(tcase, test_links);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
