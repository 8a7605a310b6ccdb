/* SPDX-License-Identifier: Apache-2.0 */
/* Files and what only looks like one. */
#include "common/file.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

/* A temporary file with len bytes; the caller unlinks path. */
static void make_file(char *path, const char *data, size_t len)
{
	int fd;

	strcpy(path, "/tmp/rpsd-test-str.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, data, len), (int)len);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(reads_a_file)
{
	char path[64], *text = NULL;
	size_t len = 0;

	make_file(path, "a\0b\n", 4);
	ck_assert_int_eq(file_read(path, 4, &text, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(text, "a\0b\n", 5);
	free(text);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(reads_an_empty_and_a_large_file)
{
	static char data[200000];
	char path[64], *text = NULL;
	size_t len = 1;

	make_file(path, "", 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(file_read(i ? "/dev/null" : path, 0, &text, &len), 0);
		ck_assert_uint_eq(len, 0);
		ck_assert_str_eq(text, "");
		free(text);
	}
	ck_assert_int_eq(unlink(path), 0);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / 256);
	make_file(path, data, sizeof(data));
	ck_assert_int_eq(file_read(path, sizeof(data), &text, &len), 0);
	ck_assert_uint_eq(len, sizeof(data));
	ck_assert_mem_eq(text, data, sizeof(data));
	ck_assert_int_eq(text[len], '\0');
	free(text);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* What a shell writes in the place of <(...). */
START_TEST(reads_a_stream)
{
	char path[32], *text = NULL;
	size_t len = 0;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq((int)write(fds[1], "abc", 3), 3);
	ck_assert_int_eq(close(fds[1]), 0);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	ck_assert_int_eq(file_read_stream(path, 3, &text, &len), 0);
	ck_assert_str_eq(text, "abc");
	free(text);
	ck_assert_int_eq(close(fds[0]), 0);
	ck_assert_int_eq(file_read_stream("/nonexistent", 3, &text, &len), -ENOENT);
}
END_TEST

START_TEST(refuses_what_is_no_file_or_too_large)
{
	char path[64], *text = path;
	size_t len = 77;

	make_file(path, "12345", 5);
	ck_assert_int_eq(file_read(path, 4, &text, &len), -EFBIG);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(file_read(path, 4, &text, &len), -ENOENT);
	ck_assert_int_eq(file_read("/tmp", 4, &text, &len), -EISDIR);
	ck_assert_int_eq(file_read("/dev/zero", 100000, &text, &len), -EOPNOTSUPP);
	ck_assert_int_eq(file_read_stream("/dev/zero", 100000, &text, &len), -EFBIG);
	/* To read a FIFO, or only to open it, would wait for a writer; mkstemp made a name. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(file_read(path, 100, &text, &len), -EOPNOTSUPP);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_str_eq(file_error(-EOPNOTSUPP), "not a regular file");
	ck_assert_str_eq(file_error(-ENOENT), "No such file or directory");
	ck_assert_ptr_eq(text, path);
	ck_assert_uint_eq(len, 77);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("file");
	Suite *suite = suite_create("file");

	tcase_add_test(tcase, reads_a_file);
	tcase_add_test(tcase, reads_an_empty_and_a_large_file);
	tcase_add_test(tcase, reads_a_stream);
	tcase_add_test(tcase, refuses_what_is_no_file_or_too_large);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
