/* SPDX-License-Identifier: Apache-2.0 */
/* The files of -o: a write that fails leaves what was there and nothing beside it, links stay
 * links, modes are kept, and what is no regular file is written in place. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "ctl/options.h"
#include "ctl/report/output.h"
#include "tests/support/recorded.h"
#include "tests/support/suite.h"

static const char *const endings[] = {"txt", "json", "csv", "md", "hlog"};
static char dir[64];
static json_t *doc;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_output.XXXXXX");
	doc = recorded_report("open");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

/* Removes all files of the directory; how many there were. */
static size_t clean(void)
{
	struct dirent *e;
	DIR *d = opendir(".");
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		ck_assert_int_eq(unlink(e->d_name), 0);
		n++;
	}
	closedir(d);
	return n;
}

static void teardown(void)
{
	(void)clean();
	ck_assert_int_eq(rmdir(dir), 0);
	json_decref(doc);
}

static int report_to(const char *path)
{
	const char *outputs[] = {path};
	struct options o = {.outputs = outputs, .n_outputs = 1};
	struct err err = {0};
	int r = output_check(&o, &err);

	return r ? r : output_report(&o, doc);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static size_t size_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return (size_t)st.st_size;
}

/* No file may be longer than so; a test's process ends with it. */
static void limit(rlim_t size)
{
	const struct rlimit r = {size, size};

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &r), 0);
}

START_TEST(test_no_room)
{
	char path[16];

	snprintf(path, sizeof(path), "x.%s", endings[_i]);
	put(path, "old", 0644);
	limit(100);
	ck_assert_int_eq(report_to(path), EXIT_OUTPUT);
	ck_assert_uint_eq(size_of(path), 3);
	ck_assert_uint_eq(clean(), 1);
	ck_assert_int_eq(report_to(path), EXIT_OUTPUT);
	ck_assert_uint_eq(clean(), 0);
}
END_TEST

static mode_t mode_beside; /* of what was being written */

/* A handler may call what it wants here: the signal comes from a write, not from within malloc. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_signal_unsafe=0";
}

/* In the middle of a write. */
static void on_no_room(int signal)
{
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(".");

	(void)signal;
	while (d && (e = readdir(d)))
		if (str_ends(e->d_name, ".part") && stat(e->d_name, &st) == 0)
			mode_beside = st.st_mode & 07777;
	if (d)
		closedir(d);
}

/* Nor may another user read the new one before it has the mode of the old one. */
START_TEST(test_mode_while_it_is_written)
{
	umask(022);
	put("x.json", "old", 0600);
	limit(100);
	signal(SIGXFSZ, on_no_room);
	ck_assert_int_eq(report_to("x.json"), EXIT_OUTPUT);
	ck_assert_uint_eq(mode_beside, 0600);
	ck_assert_uint_eq(clean(), 1);
}
END_TEST

START_TEST(test_device)
{
	char path[16];

	snprintf(path, sizeof(path), "x.%s", endings[_i]);
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(report_to(path), EXIT_OUTPUT);
	ck_assert_uint_eq(clean(), 1);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(report_to(path), 0);
	ck_assert_uint_eq(size_of(path), 0);
	ck_assert_uint_eq(clean(), 1);
}
END_TEST

static void *read_fifo(void *arg)
{
	static char text[1 << 20];
	size_t n = 0;
	FILE *f = fopen(arg, "re");

	if (f) {
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
	}
	return (void *)n;
}

START_TEST(test_fifo)
{
	static char name[] = "x.json";
	pthread_t thread;
	struct stat st;
	void *n;

	ck_assert_int_eq(mkfifo(name, 0600), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_fifo, name), 0);
	ck_assert_int_eq(report_to(name), 0);
	ck_assert_int_eq(pthread_join(thread, &n), 0);
	ck_assert_uint_gt((size_t)n, 1000);
	ck_assert_int_eq(lstat(name, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
}
END_TEST

START_TEST(test_link)
{
	struct stat st;

	put("there.json", "old", 0640);
	ck_assert_int_eq(symlink("there.json", "x.json"), 0);
	ck_assert_int_eq(symlink("nothing.json", "y.json"), 0);
	ck_assert_int_eq(report_to("x.json"), 0);
	ck_assert_int_eq(report_to("y.json"), 0);
	ck_assert_uint_gt(size_of("there.json"), 1000);
	ck_assert_uint_gt(size_of("nothing.json"), 1000);
	ck_assert_int_eq(lstat("x.json", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_uint_eq(clean(), 4);
}
END_TEST

START_TEST(test_mode)
{
	struct stat st;

	put("x.json", "old", 0640);
	ck_assert_int_eq(report_to("x.json"), 0);
	ck_assert_int_eq(stat("x.json", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	(void)umask(027);
	ck_assert_int_eq(report_to("y.json"), 0);
	ck_assert_int_eq(stat("y.json", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	if (geteuid() == 0)
		return;
	put("z.json", "old", 0440);
	ck_assert_int_eq(report_to("z.json"), EXIT_OUTPUT);
	ck_assert_uint_eq(size_of("z.json"), 3);
}
END_TEST

/* The name beside it must not be longer than it. */
START_TEST(test_long_name)
{
	char path[256];

	memset(path, 'x', 255);
	memcpy(path + 250, ".json", 6);
	ck_assert_int_eq(report_to(path), 0);
	ck_assert_int_eq(report_to("."), EXIT_USAGE);
	ck_assert_int_eq(mkdir("d.json", 0700), 0);
	ck_assert_int_eq(report_to("d.json"), EXIT_OUTPUT);
	ck_assert_int_eq(rmdir("d.json"), 0);
	ck_assert_uint_eq(clean(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *tcase = tcase_create("output");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_no_room, 0, sizeof(endings) / sizeof(*endings));
	tcase_add_test(tcase, test_mode_while_it_is_written);
	tcase_add_loop_test(tcase, test_device, 0, sizeof(endings) / sizeof(*endings));
	tcase_add_test(tcase, test_fifo);
	tcase_add_test(tcase, test_link);
	tcase_add_test(tcase, test_mode);
	tcase_add_test(tcase, test_long_name);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
