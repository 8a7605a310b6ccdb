/* SPDX-License-Identifier: Apache-2.0 */
/* named_file: a run of the service comes before a file of its name, and a file before nothing. */
#include "ctl/commands/named_file.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/options.h"
#include "tests/support/suite.h"

#define PLANS "{\"parameters\":{\"directory\":\"/srv/runs.d\",\"plans\":[{\"name\":\"talk\"}]}}"

static char directory[] = "/tmp/rpsd-named.XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
}

static void teardown(void)
{
	(void)unlink("s");
	(void)unlink("talk");
	(void)unlink("shop");
	(void)rmdir(directory);
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

/* A process that answers one call. */
static pid_t serve(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0) {
		char call[1024];
		int peer = accept(fd, NULL, NULL);
		bool is_asked = recv(peer, call, sizeof(call), 0) > 0;

		if (is_asked)
			(void)send(peer, PLANS, sizeof(PLANS), MSG_NOSIGNAL);
		_exit(is_asked ? 0 : 1);
	}
	(void)close(fd);
	return pid;
}

static const struct {
	const char *word;
	bool has_file, has_service, is_complaint;
} rows[] = {
	{"talk", true, true, false},
	{"shop", true, true, true},
	{"talk", true, false, true},
	{"talk", false, false, false},
};

START_TEST(test_who_is_first)
{
	const struct options o = {.command = "run", .socket = "s"};
	pid_t pid = rows[_i].has_service ? serve() : -1;
	unsigned n = command_complaints();
	int status;

	if (rows[_i].has_file)
		make_file(rows[_i].word);
	ck_assert_int_eq(named_file_complain(&o, rows[_i].word), rows[_i].is_complaint);
	ck_assert_uint_eq(command_complaints() - n, rows[_i].is_complaint);
	if (pid == -1)
		return;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("named_file");
	Suite *suite = suite_create("named_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_who_is_first, 0, (int)(sizeof(rows) / sizeof(*rows)));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
