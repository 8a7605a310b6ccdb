/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal a view is drawn on.
 *
 * Line editing and echo are switched off, signals from keys stay: Ctrl-C must keep its meaning.
 * Reads never wait (VMIN 0), since another process of the same terminal may read first. Nothing
 * here is done in a signal handler; the modes are restored by the code that reads the signalfd, and
 * a process that is killed by SIGKILL leaves them changed. In the background nothing is touched:
 * setting a mode there would stop us (SIGTTOU). */
#include "ctl/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TERMINAL_ROWS 24u
#define TERMINAL_HIDE "\033[?25l"
#define TERMINAL_SHOW "\033[?25h"
#define TERMINAL_ESCAPE '\033'

void terminal_init(struct terminal *t, int in, int out)
{
	*t = (struct terminal){.in = isatty(in) ? in : -1, .out = out};
}

unsigned terminal_rows(const struct terminal *t)
{
	struct winsize size;

	if (ioctl(t->out, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		return size.ws_row;
	return TERMINAL_ROWS;
}

/* A cursor that stays visible is no reason to do anything. */
static void terminal_say(const struct terminal *t, const char *text)
{
	if (write(t->out, text, strlen(text)) == -1)
		return;
}

static bool terminal_is_in_front_of(int fd)
{
	pid_t front = tcgetpgrp(fd);

	/* -1: it is not the terminal that controls us, so no shell shares it with us. */
	return front == -1 || front == getpgrp();
}

bool terminal_is_in_front(const struct terminal *t)
{
	return terminal_is_in_front_of(t->out);
}

/* The terminal whose mode is changed. Without keys it is the one for output, and only its echo is
 * switched off: keys typed ahead for the shell would disturb the picture. */
static int terminal_fd(const struct terminal *t)
{
	return t->in != -1 ? t->in : t->out;
}

static bool terminal_set_mode(const struct terminal *t)
{
	struct termios mode = t->_saved;

	mode.c_lflag &= ~(tcflag_t)ECHO;
	if (t->in != -1) {
		mode.c_lflag &= ~(tcflag_t)ICANON;
		mode.c_cc[VMIN] = 0;
		mode.c_cc[VTIME] = 0;
	}
	return tcsetattr(terminal_fd(t), TCSANOW, &mode) == 0;
}

void terminal_enter(struct terminal *t)
{
	if (t->is_ours || !terminal_is_in_front(t))
		return;
	t->_has_mode = terminal_is_in_front_of(terminal_fd(t)) &&
		       tcgetattr(terminal_fd(t), &t->_saved) == 0 && terminal_set_mode(t);
	t->has_keys = t->_has_mode && t->in != -1;
	terminal_say(t, TERMINAL_HIDE);
	t->is_ours = true;
}

void terminal_leave(struct terminal *t)
{
	if (!t->is_ours)
		return;
	terminal_say(t, TERMINAL_SHOW);
	if (t->_has_mode)
		(void)tcsetattr(terminal_fd(t), TCSANOW, &t->_saved);
	t->is_ours = t->has_keys = t->_has_mode = false;
}

void terminal_continue(struct terminal *t)
{
	if (!t->is_ours)
		return;
	if (!terminal_is_in_front(t)) {
		t->is_ours = t->has_keys = t->_has_mode = false;
		return;
	}
	terminal_say(t, TERMINAL_HIDE);
	if (t->_has_mode)
		(void)terminal_set_mode(t);
}

int terminal_key_fd(const struct terminal *t)
{
	return t->has_keys ? t->in : -1;
}

/* Drops "ESC [ 1 ; 5 A" and the like: an arrow key is no letter. What began in one read and goes on
 * in the next is not waited for. */
static size_t terminal_drop_escapes(char *keys, size_t n)
{
	size_t to = 0;
	size_t i = 0;

	while (i < n) {
		if (keys[i] != TERMINAL_ESCAPE) {
			keys[to++] = keys[i++];
			continue;
		}
		i++;
		if (i < n && (keys[i] == '[' || keys[i] == 'O')) {
			i++;
			while (i < n && keys[i] < '@')
				i++;
		}
		i++;
	}
	return to;
}

size_t terminal_read_keys(struct terminal *t, short events, char *ret, size_t size)
{
	ssize_t n = 0;

	if (!t->has_keys)
		return 0;
	if (events & POLLIN)
		n = read(t->in, ret, size);
	/* Hung up: it would be ready for ever. */
	if ((n <= 0 && events & (POLLHUP | POLLERR | POLLNVAL)) ||
		(n == -1 && errno != EINTR && errno != EAGAIN))
		t->has_keys = false;
	return n > 0 ? terminal_drop_escapes(ret, (size_t)n) : 0;
}

/* As nohup has it. A descriptor would bring such a signal all the same. */
static bool terminal_is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int terminal_block_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)sigaddset(&set, signals[i]);
	if (!terminal_is_ignored(SIGHUP))
		(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd == -1) {
		int r = -errno;

		(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
		return r;
	}
	return fd;
}

int terminal_next_signal(int signals)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(signals, &info, sizeof(info));
	while (n == -1 && errno == EINTR);
	if (n == sizeof(info))
		return (int)info.ssi_signo;
	return n == -1 && errno == EAGAIN ? 0 : n == -1 ? -errno : -EIO;
}

void terminal_stop_process(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTSTP);
	/* Sent while it is blocked, so that it takes effect at one known place: the next line. */
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}
