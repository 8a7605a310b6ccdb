/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's mode, keys and cursor, on a pseudo-terminal that nobody's shell shares. */
#include "ctl/terminal.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/support/skip.h"
#include "tests/support/suite.h"

static int person; /* the master's side */
static int tty;

static void open_tty(void)
{
	person = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(person, 0);
	ck_assert_int_eq(grantpt(person), 0);
	ck_assert_int_eq(unlockpt(person), 0);
	tty = open(ptsname(person), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(tty, 0);
}

static bool has_flag(tcflag_t flag)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(tty, &mode), 0);
	return mode.c_lflag & flag;
}

/* What has been drawn. */
static void assert_drawn(const char *want)
{
	char text[256];
	ssize_t n = read(person, text, sizeof(text) - 1);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, want);
}

static void type(struct terminal *t, const char *keys, const char *want)
{
	struct pollfd ready = {.fd = terminal_key_fd(t), .events = POLLIN};
	char got[64];
	size_t n;

	ck_assert_int_eq(write(person, keys, strlen(keys)), (ssize_t)strlen(keys));
	ck_assert_int_eq(poll(&ready, 1, 5000), 1);
	n = terminal_read_keys(t, ready.revents, got, sizeof(got));
	ck_assert_uint_eq(n, strlen(want));
	ck_assert_mem_eq(got, want, n);
}

START_TEST(test_enter_and_leave)
{
	struct terminal t;

	terminal_init(&t, tty, tty);
	ck_assert_int_eq(terminal_key_fd(&t), -1);
	terminal_leave(&t);
	ck_assert(has_flag(ECHO) && has_flag(ICANON));
	terminal_enter(&t);
	terminal_enter(&t);
	ck_assert(!has_flag(ECHO) && !has_flag(ICANON));
	ck_assert_msg(has_flag(ISIG), "Ctrl-C must work");
	assert_drawn("\033[?25l");
	ck_assert_int_eq(terminal_key_fd(&t), tty);
	terminal_leave(&t);
	terminal_leave(&t);
	ck_assert(has_flag(ECHO) && has_flag(ICANON));
	assert_drawn("\033[?25h");
	ck_assert_int_eq(terminal_key_fd(&t), -1);
	/* And again. */
	terminal_enter(&t);
	ck_assert(!has_flag(ECHO));
	terminal_leave(&t);
	ck_assert(has_flag(ECHO));
}
END_TEST

START_TEST(test_keys)
{
	struct terminal t;
	char none[8];

	terminal_init(&t, tty, tty);
	terminal_enter(&t);
	type(&t, "q", "q");
	type(&t, "se?", "se?");
	type(&t, "\033[As\033OBe\033[1;5Cq", "seq");
	type(&t, "\033", "");
	type(&t, "\033s?", "?");
	type(&t, "\033[", "");
	type(&t, "\033[12", "");
	/* Another reader was faster: no wait. */
	ck_assert_uint_eq(terminal_read_keys(&t, POLLIN, none, sizeof(none)), 0);
	ck_assert_int_eq(terminal_key_fd(&t), tty);
	terminal_leave(&t);
}
END_TEST

/* Typed lines are nobody's keys then, but they must not be echoed into the picture. */
START_TEST(test_keys_from_elsewhere)
{
	int nothing = open("/dev/null", O_RDWR);
	struct terminal t;

	terminal_init(&t, nothing, tty);
	terminal_enter(&t);
	ck_assert_int_eq(terminal_key_fd(&t), -1);
	ck_assert(!has_flag(ECHO) && has_flag(ICANON));
	terminal_leave(&t);
	ck_assert(has_flag(ECHO));
	close(nothing);
}
END_TEST

/* A shell has changed the mode while we were stopped; what it was at first is still known. */
START_TEST(test_continue)
{
	struct termios mode;
	struct terminal t;

	terminal_init(&t, tty, tty);
	terminal_continue(&t);
	ck_assert(has_flag(ECHO));
	terminal_enter(&t);
	ck_assert_int_eq(tcgetattr(tty, &mode), 0);
	mode.c_lflag |= ECHO | ICANON;
	ck_assert_int_eq(tcsetattr(tty, TCSANOW, &mode), 0);
	terminal_continue(&t);
	ck_assert(!has_flag(ECHO) && !has_flag(ICANON));
	terminal_leave(&t);
	ck_assert(has_flag(ECHO) && has_flag(ICANON));
}
END_TEST

START_TEST(test_hangup)
{
	struct pollfd ready = {.events = POLLIN};
	struct terminal t;
	char keys[8];

	terminal_init(&t, tty, tty);
	terminal_enter(&t);
	ready.fd = terminal_key_fd(&t);
	close(person);
	ck_assert_int_eq(poll(&ready, 1, 5000), 1);
	ck_assert_uint_eq(terminal_read_keys(&t, ready.revents, keys, sizeof(keys)), 0);
	ck_assert_int_eq(terminal_key_fd(&t), -1);
	terminal_leave(&t);
}
END_TEST

START_TEST(test_rows)
{
	struct winsize size = {.ws_row = 40, .ws_col = 120};
	int nothing = open("/dev/null", O_RDWR);
	struct terminal t;

	terminal_init(&t, tty, tty);
	ck_assert_uint_eq(terminal_rows(&t), 24);
	ck_assert_int_eq(ioctl(person, TIOCSWINSZ, &size), 0);
	ck_assert_uint_eq(terminal_rows(&t), 40);
	ck_assert(terminal_is_in_front(&t));
	terminal_init(&t, nothing, nothing);
	ck_assert_uint_eq(terminal_rows(&t), 24);
	close(nothing);
}
END_TEST

START_TEST(test_signals)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT, SIGHUP};
	struct signalfd_siginfo info;
	int fd;

	(void)signal(SIGHUP, SIG_DFL);
	fd = terminal_block_signals();
	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		ck_assert_int_eq(raise(signals[i]), 0);
		ck_assert_int_eq(read(fd, &info, sizeof(info)), sizeof(info));
		ck_assert_int_eq((int)info.ssi_signo, signals[i]);
	}
	ck_assert_int_eq(read(fd, &info, sizeof(info)), -1);
	close(fd);
}
END_TEST

/* nohup: what was ignored stays so. */
/* Without a descriptor for them, signals still end the program. */
START_TEST(test_no_descriptor)
{
	struct rlimit before;
	struct rlimit none;
	sigset_t mask;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(terminal_block_signals(), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	ck_assert(!sigismember(&mask, SIGINT));
	ck_assert(!sigismember(&mask, SIGTERM));
}
END_TEST

START_TEST(test_unreadable_signals)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(terminal_next_signal(fds[1]), -EBADF);
	(void)close(fds[1]);
	ck_assert_int_eq(terminal_next_signal(fds[0]), -EIO);
	(void)close(fds[0]);
}
END_TEST

START_TEST(test_ignored_hangup)
{
	struct signalfd_siginfo info;
	int fd;

	(void)signal(SIGHUP, SIG_IGN);
	fd = terminal_block_signals();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(read(fd, &info, sizeof(info)), -1);
	close(fd);
}
END_TEST

/* Keys are read only from a terminal, and a pipe is never set up. */
START_TEST(test_no_terminal)
{
	struct terminal t;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	terminal_init(&t, fds[0], fds[1]);
	ck_assert_uint_eq(terminal_rows(&t), 24);
	terminal_enter(&t);
	ck_assert(!t.has_keys);
	ck_assert_int_eq(terminal_key_fd(&t), -1);
	terminal_leave(&t);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* A bare chroot has no devpts. */
static bool has_pseudo_terminals(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(void)
{
	TCase *tcase = tcase_create("terminal");
	TCase *bare = tcase_create("bare");
	Suite *suite = suite_create("terminal");

	tcase_add_checked_fixture(tcase, open_tty, NULL);
	tcase_add_test(tcase, test_enter_and_leave);
	tcase_add_test(tcase, test_keys);
	tcase_add_test(tcase, test_keys_from_elsewhere);
	tcase_add_test(tcase, test_continue);
	tcase_add_test(tcase, test_hangup);
	tcase_add_test(tcase, test_rows);
	tcase_add_test(tcase, test_signals);
	tcase_add_test(tcase, test_ignored_hangup);
	tcase_add_test(tcase, test_no_descriptor);
	tcase_add_test(tcase, test_unreadable_signals);
	tcase_add_test(bare, test_no_terminal);
	suite_add_tcase(suite, bare);
	if (has_pseudo_terminals())
		suite_add_tcase(suite, tcase);
	else
		skip_say("all but one", "needs a pseudo-terminal");
	return suite_main(suite);
}
