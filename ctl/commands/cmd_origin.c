/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl origin: something to load, in the foreground until Ctrl-C.
 *
 * A private daemon with one [origin] and no run. Its flags are the keys of that section; they are
 * checked here, with the names of the flags, before the same text goes to the daemon. The first
 * line on stdout is the address, so that a script can wait for it and read the port that was
 * chosen; the counts are printed at the end. With --json both are one object each, on a line of its
 * own. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/config/ini.h"
#include "common/json_path.h"
#include "common/settings/settings.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"
#include "ctl/private.h"
#include "ctl/problem.h"
#include "ctl/terminal.h"

#define CMD_ORIGIN_NAME "default"
#define CMD_ORIGIN_SECTION "origin."
#define CMD_ORIGIN_LISTEN "127.0.0.1:8000"

/* "delay" of "origin.delay". */
static const char *cmd_origin_key(const struct options_setting *setting)
{
	return setting->key + strlen(CMD_ORIGIN_SECTION);
}

/* Says what is wrong with the flags. 0 or the exit status. */
static int cmd_origin_check(const struct options *o)
{
	struct problems problems = {0};
	struct settings *settings = NULL;
	struct ini_doc doc = {0};
	int r = 0;

	for (size_t i = 0; i < o->n_settings && r == 0; i++)
		r = ini_set(&doc, o->settings[i].origin, "origin", CMD_ORIGIN_NAME,
			cmd_origin_key(&o->settings[i]), o->settings[i].value);
	if (r == 0)
		r = settings_build(&doc, &settings, &problems);
	problems_finish(&problems);
	for (size_t i = 0; i < problems.n && i < problems.cap; i++)
		problem_print(problems.texts[i]);
	settings_free(settings);
	problems_fini(&problems);
	ini_fini(&doc);
	if (r == -ENOMEM)
		return command_out_of_memory("the origin");
	return r ? EXIT_USAGE : 0;
}

/* If a flag is given twice the last one counts; in a file a key may be given only once. */
static int cmd_origin_config(struct options *o, struct buf *ret)
{
	int r = 0;

	if (!options_setting(o, CMD_ORIGIN_SECTION "listen"))
		r = options_set(o, CMD_ORIGIN_SECTION "listen", CMD_ORIGIN_LISTEN, "--listen");
	if (r)
		return command_out_of_memory("the origin");
	r = cmd_origin_check(o);
	if (r)
		return r;
	(void)buf_puts(ret, "[origin " CMD_ORIGIN_NAME "]\n");
	for (size_t i = 0; i < o->n_settings; i++) {
		const struct options_setting *s = &o->settings[i];

		if (options_setting(o, s->key) == s->value &&
			buf_printf(ret, "%s = %s\n", cmd_origin_key(s), s->value))
			return command_out_of_memory("the origin");
	}
	return 0;
}

/* The private daemon, and how it was lost: 0, or what client_trouble explains. How it ended belongs
 * to that line, so it is said when the daemon is known to have ended. */
struct cmd_origin {
	struct client client;
	int signals;
	int lost;
};

/* The daemon's word on its only origin. */
static int cmd_origin_ask(struct cmd_origin *s, struct client_answer *ret)
{
	int r = client_call(&s->client, "Origins", NULL, ret);

	if (r) {
		s->lost = r;
		return EXIT_NO_DAEMON;
	}
	if (ret->error) {
		struct buf text = {0};

		r = client_explain(ret, &text);
		print_err(text.data ? text.data : "");
		buf_fini(&text);
		client_answer_fini(ret);
	}
	return r;
}

static const json_t *cmd_origin_first(const struct client_answer *a)
{
	return json_array_get(json_object_get(a->parameters, "origins"), 0);
}

/* Until a signal to end, or the end of the daemon. */
static int cmd_origin_wait(struct cmd_origin *s)
{
	int r = 0;

	for (;;) {
		struct pollfd ready[] = {{.fd = s->signals, .events = POLLIN},
			{.fd = s->client.fd, .events = POLLIN}};

		if (poll(ready, 2, -1) == -1 && errno != EINTR)
			return command_cannot_wait();
		while ((r = terminal_next_signal(s->signals)) > 0) {
			if (r == SIGTSTP)
				terminal_stop_process();
			else if (r != SIGWINCH && r != SIGCONT)
				return 0;
		}
		if (r < 0)
			return command_without_signals(-r);
		r = ready[1].revents ? client_pump(&s->client) : 0;
		if (r) {
			s->lost = r;
			return EXIT_NO_DAEMON;
		}
	}
}

static int64_t cmd_origin_int(const json_t *origin, const char *name)
{
	int64_t n = 0;

	(void)json_path_int(origin, name, &n);
	return n;
}

/* Counts of zero are not printed. */
static void cmd_origin_say_count(const json_t *origin, const char *name, const char *text)
{
	int64_t n = cmd_origin_int(origin, name);

	if (n > 0)
		print_errf("%s %s\n", figure_count(n).text, text);
}

static void cmd_origin_say_served(const json_t *origin)
{
	print_errf("\nserved %s requests on %s connections, %s of them errors\n",
		figure_count(cmd_origin_int(origin, "requests")).text,
		figure_count(cmd_origin_int(origin, "accepted")).text,
		figure_count(cmd_origin_int(origin, "errors")).text);
	cmd_origin_say_count(origin, "hung", "of them never answered");
	cmd_origin_say_count(origin, "refused", "more were not valid requests");
	cmd_origin_say_count(origin, "closed", "connections closed by the origin");
	if (json_is_integer(json_object_get(origin, "p50_ns")))
		print_errf(
			"from a request's arrival to its answer written: p50 %s, p99 %s, max %s\n",
			figure_time(cmd_origin_int(origin, "p50_ns")).text,
			figure_time(cmd_origin_int(origin, "p99_ns")).text,
			figure_time(cmd_origin_int(origin, "max_ns")).text);
}

/* 0 or -errno: stdout did not take it, which main says. */
static int cmd_origin_print_json(const json_t *origin)
{
	print_json(origin, JSON_COMPACT);
	return print_flush();
}

/* A server whose address has reached no reader is of no use. */
static int cmd_origin_say_address(const json_t *origin, const struct options *o)
{
	int r;

	if (o->json) {
		r = cmd_origin_print_json(origin);
	} else {
		(void)print_outf("http://%s/\n", json_path_text(origin, "address"));
		r = print_flush();
	}
	if (r)
		return r == -ENOMEM ? EXIT_NO_DAEMON : EXIT_OUTPUT;
	if (!o->quiet)
		print_err("serving until Ctrl-C\n");
	return 0;
}

static int cmd_origin_say_end(struct cmd_origin *s, const struct options *o)
{
	struct client_answer answer;
	int r = cmd_origin_ask(s, &answer);

	if (r)
		return r;
	if (o->json)
		(void)cmd_origin_print_json(cmd_origin_first(&answer));
	if (!o->quiet)
		cmd_origin_say_served(cmd_origin_first(&answer));
	client_answer_fini(&answer);
	return 0;
}

static int cmd_origin_serve(struct cmd_origin *s, const struct options *o)
{
	struct client_answer answer;
	int r = cmd_origin_ask(s, &answer);

	if (r)
		return r;
	r = cmd_origin_say_address(cmd_origin_first(&answer), o);
	client_answer_fini(&answer);
	if (r == 0)
		r = cmd_origin_wait(s);
	if (r == 0 && (o->json || !o->quiet))
		r = cmd_origin_say_end(s, o);
	return r;
}

/* A daemon that could not start has said why itself. */
static void cmd_origin_say_loss(
	const struct cmd_origin *s, enum private_ending ending, const struct buf *ended)
{
	if (s->lost == 0 || (s->lost == CLIENT_E_LOST && ending == PRIVATE_GAVE_UP))
		return;
	command_complain("private rpsd: %s%s%s%s%s", client_trouble(s->lost),
		client_remedy(&s->client, s->lost), ended->len ? " (" : "",
		ended->len ? ended->data : "", ended->len ? ")" : "");
}

int cmd_origin(struct options *o)
{
	struct cmd_origin s = {.signals = -1};
	struct private_daemon daemon;
	struct buf config = {0}, ended = {0};
	struct err err = {0};
	int fd;
	int r = cmd_origin_config(o, &config);

	if (r == 0 && private_start(&daemon, 1, config.data, -1, &fd, &err)) {
		command_complain("%s", err.text);
		r = EXIT_NO_DAEMON;
	} else if (r == 0) {
		client_init(&s.client, fd);
		s.signals = terminal_block_signals();
		r = s.signals < 0 ? command_without_signals(-s.signals) : cmd_origin_serve(&s, o);
		client_close(&s.client);
		if (s.signals >= 0)
			(void)close(s.signals);
		cmd_origin_say_loss(&s, private_end(&daemon, &ended), &ended);
	}
	buf_fini(&ended);
	buf_fini(&config);
	return r;
}
