/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl watch: the live view of a run of the service.
 *
 * It only observes: leaving it, by q or Ctrl-C, does not affect the run, and any number of users
 * may watch at once. Commands by keys (s stops the run, others steer it) go over a second
 * connection since the first one is busy with Watch until the run ends; that one is opened when s
 * is pressed, as it needs another role than watching does. One poll over both connections, the
 * signals and the keys. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/control/progress.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/memory.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/live/display.h"
#include "ctl/style.h"
#include "ctl/suggest.h"
#include "ctl/print.h"
#include "ctl/live/steer.h"
#include "ctl/terminal.h"
#include "ctl/live/view_read.h"

struct cmd_watch {
	const struct options *o;
	struct client stream; /* Watch */
	struct client steer;  /* acts, once one was wanted */
	struct display display;
	int signals;
};

/* The result of cmd_watch_turn to continue; everything else is an exit status. */
#define CMD_WATCH_GO_ON (-1)

/* Whole lines in the place of the view. */
static void cmd_watch_say(struct cmd_watch *w, const char *text)
{
	display_clear(&w->display);
	print_marked(stderr, text);
}

static const char *cmd_watch_id(const struct cmd_watch *w)
{
	return result_words(w->display.newest.run.id);
}

/* ---------------------------------------------------------------- the run's end, and ours */

/* The last line. */
static void cmd_watch_describe_end(const struct progress *doc, struct buf *ret)
{
	const char *id = result_words(doc->run.id);
	const char *outcome = result_words(doc->run.outcome);
	const char *reason = result_words(doc->run.reason);
	/* "stopped by alice" says what "stopped" says. */
	bool says_all = str_starts(reason, outcome);
	/* Its report ends with it. */
	bool has_report = !strstr(reason, "daemon was told to stop");
	int r = buf_printf(ret, "%s %s", id, says_all ? reason : outcome);

	/* Before its start the reason says what it waited for, and how long. */
	if (r == 0 && view_int(doc->elapsed_ns) > 0)
		r = buf_printf(ret, " after %s", figure_clock(view_int(doc->elapsed_ns)).text);
	if (r == 0 && *reason && !says_all)
		r = buf_printf(ret, " (%s)", reason);
	if (r == 0 && has_report)
		r = buf_printf(ret, "; see rpsctl report %s", id);
	if (r == 0)
		(void)buf_puts(ret, "\n");
}

/* The run goes on. */
static int cmd_watch_leave(struct cmd_watch *w, int status)
{
	const char *id = cmd_watch_id(w);

	display_clear(&w->display);
	if (*id)
		print_errf("%s continues; to watch it again: rpsctl watch %s\n", id, id);
	return status;
}

/* ---------------------------------------------------------------- the daemon's answers */

static int cmd_watch_on_error(struct cmd_watch *w, const struct client_answer *a)
{
	struct buf text = {0};
	int status = suggest_explain_answer(w->o, "Watch", a, &text);

	cmd_watch_say(w, text.data ? text.data : "");
	buf_fini(&text);
	return status;
}

static int cmd_watch_on_answer(struct cmd_watch *w, const struct client_answer *a)
{
	struct buf end = {0};
	struct progress now;
	uint64_t skipped;
	bool has_news;

	if (a->error)
		return cmd_watch_on_error(w, a);
	has_news = progress_read(a->parameters, &now, &skipped) == 0;
	if (!a->continues)
		cmd_watch_describe_end(&now, &end);
	if (has_news && a->continues)
		display_show(&w->display, &now, skipped);
	else if (has_news)
		display_show_last(&w->display, &now, skipped);
	progress_fini(&now);
	if (!a->continues) {
		cmd_watch_say(w, end.data ? end.data : "");
		buf_fini(&end);
		return 0;
	}
	if (!w->display.lost)
		return CMD_WATCH_GO_ON;
	if (w->display.lost != -EPIPE)
		command_complain("cannot write to stdout: %s", strerror(-w->display.lost));
	return EXIT_OUTPUT;
}

static int cmd_watch_on_lost(struct cmd_watch *w, int reason)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "rpsctl: %s%s\n", client_trouble(reason),
		client_remedy(&w->stream, reason));
	cmd_watch_say(w, text);
	return EXIT_NO_DAEMON;
}

static int cmd_watch_on_stream(struct cmd_watch *w)
{
	int lost = client_pump(&w->stream);
	struct client_answer a;
	int r;

	do {
		int taken = client_take(&w->stream, &a);

		if (taken || (!a.message && lost))
			return cmd_watch_on_lost(w, taken ? taken : lost);
		if (!a.message)
			return CMD_WATCH_GO_ON;
		r = cmd_watch_on_answer(w, &a);
		client_answer_fini(&a);
	} while (r == CMD_WATCH_GO_ON);
	return r;
}

/* ---------------------------------------------------------------- acts */

static void cmd_watch_act(struct cmd_watch *w, enum display_key key)
{
	const char *id = cmd_watch_id(w);
	json_t *parameters = NULL;
	const char *method =
		steer_by_key(key, id, &w->display.newest, &w->display.asked_ns, &parameters);
	struct err err = {0};

	if (key == DISPLAY_STOP) {
		method = "Stop";
		parameters = json_pack("{s:s}", "run", id);
	}
	if (!method) {
		if (steer_why_not(key, &w->display.newest))
			display_say(&w->display, steer_why_not(key, &w->display.newest));
		return;
	}
	if (w->steer.fd == -1 && client_connect(&w->steer, w->o, false, &err)) {
		display_say(&w->display, err.text);
		json_decref(parameters);
		return;
	}
	if (client_send(&w->steer, method, parameters, false))
		display_say(&w->display, "out of memory for the call: " MEMORY_REMEDY);
}

static void cmd_watch_on_acted(struct cmd_watch *w, const struct client_answer *a)
{
	struct buf text = {0};

	if (a->error)
		(void)client_explain(a, &text);
	else
		(void)steer_describe(a, &text);
	if (text.data)
		display_say(&w->display, text.data);
	else if (!a->error)
		display_say_stopping(&w->display, "");
	buf_fini(&text);
}

static void cmd_watch_on_steer(struct cmd_watch *w)
{
	int lost = client_pump(&w->steer);
	struct client_answer a;

	while (client_take(&w->steer, &a) == 0 && a.message) {
		cmd_watch_on_acted(w, &a);
		client_answer_fini(&a);
	}
	if (lost)
		client_close(&w->steer);
}

/* ---------------------------------------------------------------- signals and keys */

static int cmd_watch_on_signals(struct cmd_watch *w)
{
	int signal;

	while ((signal = terminal_next_signal(w->signals)) > 0) {
		if (signal == SIGTSTP)
			display_suspend(&w->display);
		else if (signal == SIGCONT)
			display_continue(&w->display);
		else if (signal == SIGWINCH)
			display_redraw(&w->display);
		else
			return cmd_watch_leave(w, EXIT_INTERRUPTED);
	}
	return signal == 0 ? CMD_WATCH_GO_ON : command_without_signals(-signal);
}

static int cmd_watch_on_keys(struct cmd_watch *w, short events)
{
	enum display_key key = display_on_keys(&w->display, events);

	if (key == DISPLAY_LEAVE)
		return cmd_watch_leave(w, 0);
	cmd_watch_act(w, key);
	return CMD_WATCH_GO_ON;
}

/* ---------------------------------------------------------------- the loop */

static int cmd_watch_turn(struct cmd_watch *w)
{
	/* poll skips a negative descriptor. */
	struct pollfd ready[] = {
		{.fd = w->signals, .events = POLLIN},
		{.fd = display_key_fd(&w->display), .events = POLLIN},
		{.fd = w->steer.fd, .events = client_events(&w->steer)},
		{.fd = w->stream.fd, .events = client_events(&w->stream)},
	};
	int r = CMD_WATCH_GO_ON;

	if (poll(ready, 4, display_wait_ms(&w->display)) == -1)
		return errno == EINTR ? r : command_cannot_wait();
	if (ready[0].revents)
		r = cmd_watch_on_signals(w);
	if (r == CMD_WATCH_GO_ON && ready[1].revents)
		r = cmd_watch_on_keys(w, ready[1].revents);
	if (r == CMD_WATCH_GO_ON && ready[2].revents)
		cmd_watch_on_steer(w);
	if (r == CMD_WATCH_GO_ON && ready[3].revents)
		r = cmd_watch_on_stream(w);
	if (r == CMD_WATCH_GO_ON)
		display_tick(&w->display);
	return r;
}

static int cmd_watch_call(struct cmd_watch *w)
{
	json_t *parameters = json_object();
	int r = w->o->n_args ? command_put_run(w->o, parameters, "run", w->o->args[0]) : 0;

	if (r)
		return r;
	if (client_send(&w->stream, "Watch", parameters, true))
		return command_out_of_memory("the call to the daemon");
	return CMD_WATCH_GO_ON;
}

int cmd_watch(struct options *o)
{
	struct cmd_watch w = {.o = o, .stream.fd = -1, .steer.fd = -1};
	struct err err = {0};
	int r = client_connect(&w.stream, o, true, &err);

	if (r) {
		command_complain("%s", err.text);
		return r;
	}
	display_init(&w.display, STDOUT_FILENO);
	w.display.is_watching = true;
	w.display.may_steer = !w.stream.is_observer;
	w.signals = terminal_block_signals();
	r = cmd_watch_call(&w);
	while (r == CMD_WATCH_GO_ON)
		r = cmd_watch_turn(&w);
	display_fini(&w.display);
	client_close(&w.stream);
	client_close(&w.steer);
	if (w.signals >= 0)
		(void)close(w.signals);
	return r;
}
