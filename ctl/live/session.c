/* SPDX-License-Identifier: Apache-2.0 */
/* One run from Start to its result.
 *
 *   STARTING --id--> WATCHING --last answer--> REPORTING --result--> DONE
 *
 * Varlink answers the calls of one connection in order, so the stream carries these three calls one
 * after the other and a Stop goes over the second connection. All waiting is one poll over both
 * connections, the signals and the keys; there is no thread and no signal handler. The end of a
 * connection is the end of the run: the daemon ends runs that are held by rpsctl when rpsctl
 * closes, and when the daemon ends, there is nothing to wait for. */
#include "ctl/live/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/control/progress.h"
#include "common/exit_codes.h"
#include "common/json_path.h"
#include "common/memory.h"
#include "ctl/live/display.h"
#include "ctl/print.h"
#include "ctl/live/steer.h"

/* From the second interrupt to giving up on the report. */
#define SESSION_PATIENCE_NS (3 * NSEC_PER_SEC)

enum session_step {
	SESSION_STARTING,
	SESSION_WATCHING,
	SESSION_REPORTING,
	SESSION_DONE,
};

/* session_turn: go on; everything else is an exit status. */
#define SESSION_GO_ON (-1)

static int session_fail(struct session *s, int status, const char *text)
{
	(void)buf_printf(&s->trouble, "rpsctl: %s\n", text);
	return status;
}

static int session_out_of_memory(struct session *s, int status)
{
	return session_fail(s, status, "out of memory for the call to the daemon: " MEMORY_REMEDY);
}

static int session_cannot_wait(struct session *s)
{
	(void)buf_printf(&s->trouble, "rpsctl: cannot wait for the daemon: %s\n", strerror(errno));
	return EXIT_NO_DAEMON;
}

/* ---------------------------------------------------------------- interrupts */

static int session_send_stop(struct session *s)
{
	json_t *parameters = json_pack("{s:s, s:b}", "run", s->_id, "now", s->_interrupts > 1);

	if (client_send(&s->steer, "Stop", parameters, false))
		return session_out_of_memory(s, EXIT_INTERRUPTED);
	return SESSION_GO_ON;
}

static int session_interrupt(struct session *s)
{
	s->_interrupts++;
	if (s->_interrupts > 2 || (s->_interrupts > 1 && !s->_id))
		return EXIT_INTERRUPTED;
	if (s->_interrupts > 1)
		s->_patience_ns = clock_now_ns() + SESSION_PATIENCE_NS;
	if (s->display && !s->_told) {
		display_say_stopping(s->display, "; Ctrl-C again to stop now");
		s->_told = true;
	}
	/* Without an id yet: it is sent when the id has come. */
	return s->_id ? session_send_stop(s) : SESSION_GO_ON;
}

static int session_on_signal(struct session *s, uint32_t signal)
{
	switch (signal) {
	case SIGINT:
	case SIGTERM:
		return session_interrupt(s);
	case SIGHUP:
		/* A terminal that is closed may send it twice: it is never the second Ctrl-C. */
		return s->_interrupts ? SESSION_GO_ON : session_interrupt(s);
	case SIGQUIT:
		return EXIT_INTERRUPTED;
	case SIGTSTP:
		if (s->display)
			display_suspend(s->display);
		else
			terminal_stop_process();
		break;
	case SIGCONT:
		if (s->display)
			display_continue(s->display);
		break;
	default: /* SIGWINCH */
		if (s->display)
			display_redraw(s->display);
	}
	return SESSION_GO_ON;
}

static int session_on_signals(struct session *s)
{
	int r = SESSION_GO_ON;
	int signal = 0;

	while (r == SESSION_GO_ON && (signal = terminal_next_signal(s->signals)) > 0)
		r = session_on_signal(s, (uint32_t)signal);
	if (signal < 0) {
		(void)buf_printf(
			&s->trouble, "rpsctl: cannot read signals: %s\n", strerror(-signal));
		return EXIT_NO_DAEMON;
	}
	return r;
}

/* A key asks once: what an impatient hand types again is not the second Ctrl-C. */
static int session_on_keys(struct session *s, short events)
{
	enum display_key key = display_on_keys(s->display, events);
	json_t *parameters = NULL;
	const char *method;

	if (key == DISPLAY_STOP)
		return s->_interrupts ? SESSION_GO_ON : session_interrupt(s);
	method = s->_id ? steer_by_key(key, s->_id, &s->display->newest, &s->display->asked_ns,
				  &parameters)
			: NULL;
	if (!method && steer_why_not(key, &s->display->newest))
		display_say(s->display, steer_why_not(key, &s->display->newest));
	if (method && client_send(&s->steer, method, parameters, false))
		display_say(s->display, "out of memory for the call: " MEMORY_REMEDY);
	return SESSION_GO_ON;
}

/* ---------------------------------------------------------------- the daemon's answers */

static int session_call(struct session *s, const char *method, bool more)
{
	if (client_send(&s->stream, method, json_pack("{s:s}", "run", s->_id), more))
		return session_out_of_memory(s, EXIT_NO_DAEMON);
	return SESSION_GO_ON;
}

static int session_on_started(struct session *s, const struct client_answer *a)
{
	const char *id = json_string_value(json_object_get(a->parameters, "id"));
	int r;

	if (!id)
		return session_fail(s, EXIT_NO_DAEMON, "the daemon started a run without an id");
	s->_id = strdup(id);
	if (!s->_id)
		return session_out_of_memory(s, EXIT_NO_DAEMON);
	if (s->display && *s->where)
		print_errf("%s%s%s\n", s->where, *s->load ? ": " : "", s->load);
	s->_step = SESSION_WATCHING;
	r = session_call(s, "Watch", true);
	if (r == SESSION_GO_ON && s->_interrupts)
		r = session_send_stop(s);
	return r;
}

static int session_on_progress(struct session *s, const struct client_answer *a)
{
	struct progress now;
	uint64_t skipped;

	if (progress_read(a->parameters, &now, &skipped) == 0 && s->display) {
		if (a->continues)
			display_show(s->display, &now, skipped);
		else
			display_show_last(s->display, &now, skipped);
	}
	progress_fini(&now);
	if (a->continues)
		return SESSION_GO_ON;
	s->_step = SESSION_REPORTING;
	return session_call(s, "Report", false);
}

static int session_on_report(struct session *s, const struct client_answer *a)
{
	json_t *result = json_object_get(a->parameters, "result");
	int64_t exit_code;

	if (!json_is_object(result))
		return session_fail(s, EXIT_NO_DAEMON, "the daemon reported without a result");
	s->result = json_incref(result);
	s->_step = SESSION_DONE;
	if (s->_interrupts > 1)
		return EXIT_INTERRUPTED;
	return json_path_int(result, "run.exit_code", &exit_code) && exit_code >= 0
		       ? (int)exit_code
		       : EXIT_UNDECIDED;
}

static int session_on_answer(struct session *s, const struct client_answer *a)
{
	static int (*const steps[])(struct session * s, const struct client_answer *a) = {
		[SESSION_STARTING] = session_on_started,
		[SESSION_WATCHING] = session_on_progress,
		[SESSION_REPORTING] = session_on_report,
	};

	if (a->error)
		return client_explain(a, &s->trouble);
	return steps[s->_step](s, a);
}

static int session_on_lost(struct session *s, int reason)
{
	static const char *const before[] = {
		[SESSION_STARTING] = "before the run began",
		[SESSION_WATCHING] = "in the middle of the run",
		[SESSION_REPORTING] = "before it reported",
	};
	char text[160];

	(void)snprintf(text, sizeof(text), "%s %s%s", client_trouble(reason), before[s->_step],
		client_remedy(&s->stream, reason));
	return session_fail(s, EXIT_NO_DAEMON, text);
}

static int session_on_stream(struct session *s)
{
	int lost = client_pump(&s->stream);
	struct client_answer a;
	int r;

	do {
		int taken = client_take(&s->stream, &a);

		if (taken)
			return session_on_lost(s, taken);
		if (!a.message)
			return lost ? session_on_lost(s, lost) : SESSION_GO_ON;
		r = session_on_answer(s, &a);
		client_answer_fini(&a);
	} while (r == SESSION_GO_ON);
	return r;
}

/* Shows the event of a steering act, or the reason of a refusal. */
static int session_on_steer(struct session *s)
{
	int lost = client_pump(&s->steer);
	struct client_answer a;

	while (client_take(&s->steer, &a) == 0 && a.message) {
		struct buf text = {0};

		if (a.error ? client_explain(&a, &text) && text.data
			    : steer_describe(&a, &text) == 0 && text.data) {
			if (s->display)
				display_say(s->display, text.data);
			else
				print_err(text.data);
		}
		buf_fini(&text);
		client_answer_fini(&a);
	}
	if (lost)
		client_close(&s->steer);
	return SESSION_GO_ON;
}

/* ---------------------------------------------------------------- the loop */

/* How long poll may wait: until the picture's clocks go on, or patience ends; -1: for ever. */
static int session_wait_ms(const struct session *s)
{
	int wait_ms = s->display ? display_wait_ms(s->display) : -1;
	int64_t left_ms = (s->_patience_ns - clock_now_ns()) / NSEC_PER_MSEC + 1;

	if (s->_patience_ns && (wait_ms == -1 || left_ms < wait_ms))
		return left_ms > 0 ? (int)left_ms : 0;
	return wait_ms;
}

static int session_turn(struct session *s)
{
	/* poll skips a negative descriptor. */
	struct pollfd ready[] = {
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->display ? display_key_fd(s->display) : -1, .events = POLLIN},
		{.fd = s->stream.fd, .events = client_events(&s->stream)},
		{.fd = s->steer.fd, .events = client_events(&s->steer)},
	};
	int n = poll(ready, 4, session_wait_ms(s));
	int r = SESSION_GO_ON;

	if (n == -1)
		return errno == EINTR ? r : session_cannot_wait(s);
	if (s->_patience_ns && clock_now_ns() >= s->_patience_ns)
		return EXIT_INTERRUPTED;
	if (ready[0].revents)
		r = session_on_signals(s);
	if (r == SESSION_GO_ON && ready[1].revents)
		r = session_on_keys(s, ready[1].revents);
	if (r == SESSION_GO_ON && ready[3].revents)
		r = session_on_steer(s);
	if (r == SESSION_GO_ON && ready[2].revents)
		r = session_on_stream(s);
	if (r == SESSION_GO_ON && s->display)
		display_tick(s->display);
	return r;
}

int session_run(struct session *s, json_t *parameters)
{
	int r = SESSION_GO_ON;

	if (client_send(&s->stream, "Start", parameters, false))
		return session_out_of_memory(s, EXIT_NO_DAEMON);
	while (r == SESSION_GO_ON)
		r = session_turn(s);
	if (s->display)
		display_clear(s->display);
	return r;
}

void session_fini(struct session *s)
{
	client_close(&s->stream);
	client_close(&s->steer);
	if (s->signals != -1)
		(void)close(s->signals);
	json_decref(s->result);
	buf_fini(&s->trouble);
	free(s->_id);
	*s = (struct session){.stream.fd = -1, .steer.fd = -1, .signals = -1};
}
