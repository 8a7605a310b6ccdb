/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl origin: something to load, in the foreground until Ctrl-C.
 *
 * A private daemon with one [origin] and no run. Its flags are the keys of that section; they are
 * judged here, with the names of the flags, before the same text goes to the daemon. The first line
 * on stdout is the address, so that a script can wait for it and read a port that was taken free.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/ini.h"
#include "common/result.h"
#include "common/settings.h"
#include "ctl/client.h"
#include "ctl/cmd.h"
#include "ctl/figure.h"
#include "ctl/private.h"
#include "ctl/session.h"

#define CMD_ORIGIN_NAME "default"
#define CMD_ORIGIN_LISTEN "127.0.0.1:8000"

struct cmd_origin_key {
	const char *flag;
	const char *key;
	const char *value; /* NULL: not given */
};

/* Says what is wrong with the keys. 0 or the exit status. */
static int cmd_origin_check(const struct cmd_origin_key *keys, size_t n)
{
	struct problems problems = {0};
	struct settings *settings = NULL;
	struct ini_doc doc = {0};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (keys[i].value)
			r = ini_set(&doc, keys[i].flag, "origin", CMD_ORIGIN_NAME, keys[i].key,
				keys[i].value);
	}
	if (r == 0)
		r = settings_build(&doc, &settings, &problems);
	for (size_t i = 0; i < problems.n && i < problems.cap; i++)
		(void)fprintf(stderr, "%s\n", problems.texts[i]);
	settings_free(settings);
	problems_fini(&problems);
	ini_fini(&doc);
	return r ? EXIT_CONFIG : 0;
}

static int cmd_origin_config(const struct options *o, struct buf *ret)
{
	const struct cmd_origin_key keys[] = {
		{"--listen", "listen", o->listen ? o->listen : CMD_ORIGIN_LISTEN},
		{"--delay", "delay", o->delay},
		{"--body", "body", o->body},
		{"--errors", "errors", o->errors},
	};
	size_t n = sizeof(keys) / sizeof(*keys);
	int r = cmd_origin_check(keys, n);

	if (r)
		return r;
	(void)buf_puts(ret, "[origin " CMD_ORIGIN_NAME "]\n");
	for (size_t i = 0; i < n; i++) {
		if (keys[i].value && buf_printf(ret, "%s = %s\n", keys[i].key, keys[i].value))
			return EXIT_NO_DAEMON;
	}
	return 0;
}

/* The daemon's word on its only origin. */
static int cmd_origin_ask(struct client *c, struct client_answer *ret)
{
	int r = client_call(c, "Origins", NULL, ret);

	if (r)
		return EXIT_NO_DAEMON; /* it has said why on stderr */
	if (ret->error) {
		struct buf text = {0};

		r = client_explain(ret, &text);
		(void)fputs(text.data ? text.data : "", stderr);
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
static int cmd_origin_wait(struct client *c, int signals)
{
	struct signalfd_siginfo info;

	for (;;) {
		struct pollfd ready[] = {
			{.fd = signals, .events = POLLIN}, {.fd = c->fd, .events = POLLIN}};

		if (poll(ready, 2, -1) == -1 && errno != EINTR)
			return EXIT_NO_DAEMON;
		while (read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGWINCH)
				return 0;
		}
		if (ready[1].revents && client_pump(c)) {
			command_complain("the private rpsd went away");
			return EXIT_NO_DAEMON;
		}
	}
}

static void cmd_origin_say_served(const struct client_answer *a)
{
	const json_t *origin = cmd_origin_first(a);
	int64_t requests = 0;
	int64_t accepted = 0;
	int64_t errors = 0;

	(void)result_int(origin, "requests", &requests);
	(void)result_int(origin, "accepted", &accepted);
	(void)result_int(origin, "errors", &errors);
	(void)fprintf(stderr, "\nserved %s requests on %s connections, %s of them errors\n",
		figure_count(requests).text, figure_count(accepted).text,
		figure_count(errors).text);
}

static int cmd_origin_serve(struct client *c, const struct options *o)
{
	struct client_answer answer;
	int signals = session_block_signals();
	int r = signals < 0 ? EXIT_NO_DAEMON : cmd_origin_ask(c, &answer);

	if (r)
		return r;
	(void)printf("http://%s/\n", result_text(cmd_origin_first(&answer), "address"));
	(void)fflush(stdout);
	client_answer_fini(&answer);
	if (!o->quiet)
		(void)fputs("serving until Ctrl-C\n", stderr);
	r = cmd_origin_wait(c, signals);
	if (r == 0 && !o->quiet && cmd_origin_ask(c, &answer) == 0) {
		cmd_origin_say_served(&answer);
		client_answer_fini(&answer);
	}
	(void)close(signals);
	return r;
}

int cmd_origin(struct options *o)
{
	struct private_daemon daemon;
	struct client client;
	struct buf config = {0};
	struct err err = {0};
	int fd;
	int r = cmd_origin_config(o, &config);

	if (r == 0 && private_start(&daemon, 1, config.data, &fd, &err)) {
		command_complain("%s", err.text);
		r = EXIT_NO_DAEMON;
	} else if (r == 0) {
		client_init(&client, fd);
		r = cmd_origin_serve(&client, o);
		client_close(&client);
		private_end(&daemon, NULL);
	}
	buf_fini(&config);
	return r;
}
