/* SPDX-License-Identifier: Apache-2.0 */
/* Who may use a socket of a service, and what is advised to those who may not. */
#include "ctl/socket_access.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define SOCKET "/tmp/s.sock"

static const struct {
	struct socket_access access;
	const char *text;
} rows[] = {
	{{"/run/rpsd/control.socket", "root", "rpsd", 0660, false},
		"you are not in group rpsd (/run/rpsd/control.socket): as root usermod -aG rpsd "
		"USER, and log in again"},
	{{SOCKET, "root", "root", 0660, false},
		"you may not use its socket (" SOCKET ", root:root 0660): rpsctl as root; or a "
		"group of yours: chgrp GROUP " SOCKET},
	{{SOCKET, "alice", "alice", 0600, false},
		"you may not use its socket (" SOCKET ", alice:alice 0600): rpsctl as alice; or a "
		"group of yours: chgrp GROUP " SOCKET ", chmod g+w " SOCKET},
	{{SOCKET, "alice", "staff", 0660, false},
		"you may not use its socket (" SOCKET ", alice:staff 0660): rpsctl as alice, or as "
		"a member of group staff"},
	{{"/root", "root", "root", 0700, true},
		"you may not enter the folder of its socket (/root, root:root 0700): rpsctl as "
		"root; or rpsd --socket in a folder that you may enter"},
	/* A service of systemd's, of which nothing is known. */
	{{"/run/rpsd/control.socket", "", "", 0, false},
		"you are not in group rpsd (/run/rpsd/control.socket): as root usermod -aG rpsd "
		"USER, and log in again"},
	{{SOCKET, "", "", 0, false}, "you may not use its socket (" SOCKET ")"},
};

START_TEST(test_words)
{
	char text[512];

	socket_access_tell(&rows[_i].access, text, sizeof(text));
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

/* A folder that is closed hides the file in it. */
START_TEST(test_read)
{
	struct socket_access access;
	char directory[] = "/tmp/rpsd-access.XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/s", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
	socket_access_read(path, &access);
	ck_assert_str_eq(access.path, path);
	ck_assert(!access.is_folder);
	ck_assert_uint_eq(access.mode, 0640);
	ck_assert_uint_gt(strlen(access.owner), 0);
	ck_assert_uint_gt(strlen(access.group), 0);
	if (geteuid() == 0)
		ck_assert_str_eq(access.owner, "root");

	ck_assert_int_eq(chmod(directory, 0), 0);
	ck_assert(geteuid() != 0 || seteuid(65534) == 0);
	socket_access_read(path, &access);
	ck_assert(getuid() != 0 || seteuid(0) == 0);
	ck_assert_str_eq(access.path, directory);
	ck_assert(access.is_folder);
	ck_assert_uint_eq(access.mode, 0);
	ck_assert_int_eq(chmod(directory, 0700), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access to a socket");
	TCase *t = tcase_create("access");

	tcase_add_loop_test(t, test_words, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, test_read);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
