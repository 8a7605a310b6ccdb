/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl run and rpsctl start.
 *
 * run decides where: a name goes to the service, a URL or a path to a private daemon that lives as
 * long as this command. From there on both are the same two connections. The order at the end
 * matters: connections are closed first, then the private daemon is collected, then the report is
 * printed, so that no process is left behind even where stdout blocks or has gone. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "ctl/client.h"
#include "ctl/cmd.h"
#include "ctl/output.h"
#include "ctl/private.h"
#include "ctl/progress.h"
#include "ctl/session.h"
#include "ctl/terminal.h"
#include "ctl/what.h"

static const char *cmd_run_user(void)
{
	const struct passwd *entry = getpwuid(geteuid());

	return entry ? entry->pw_name : "nobody in particular";
}

static int cmd_run_open_private(
	struct session *s, const struct options *o, struct private_daemon *daemon)
{
	struct err err = {0};
	int fds[2];

	if (private_start(daemon, 2, NULL, fds, &err)) {
		command_complain("%s", err.text);
		return EXIT_NO_DAEMON;
	}
	client_init(&s->stream, fds[0]);
	client_init(&s->steer, fds[1]);
	if (!o->quiet)
		(void)fprintf(stderr, "running privately as %s\n", cmd_run_user());
	return 0;
}

static int cmd_run_open_service(struct session *s, const struct options *o)
{
	struct err err = {0};
	int r = client_connect(&s->stream, o, false, &err);

	if (r == 0)
		r = client_connect(&s->steer, o, false, &err);
	if (r)
		command_complain("%s", err.text);
	else if (!o->quiet)
		(void)fprintf(stderr, "running in the service at %s\n", client_socket_path(o));
	return r;
}

/* How a private daemon ended belongs to the line about its loss. */
static void cmd_run_say_trouble(const struct session *s, const struct buf *ended)
{
	size_t len = s->trouble.len;

	if (len && ended->len)
		(void)fprintf(stderr, "%.*s (%s)\n", (int)(len - 1), s->trouble.data, ended->data);
	else if (len)
		(void)fputs(s->trouble.data, stderr);
}

static int cmd_run_session(struct session *s, const struct options *o, json_t *parameters)
{
	bool in_service = o->service || what_judge(o->args[0]) == WHAT_NAME;
	struct private_daemon daemon = {.pidfd = -1};
	struct progress progress;
	struct buf ended = {0};
	int status = in_service ? cmd_run_open_service(s, o) : cmd_run_open_private(s, o, &daemon);

	if (status) {
		json_decref(parameters);
		return status;
	}
	progress_init(&progress, STDERR_FILENO);
	s->progress = o->quiet ? NULL : &progress;
	s->signals = terminal_block_signals();
	if (s->signals < 0)
		s->signals = -1;
	status = session_run(s, parameters);
	progress_fini(&progress);
	s->progress = NULL;
	client_close(&s->stream);
	client_close(&s->steer);
	private_end(&daemon, &ended);
	cmd_run_say_trouble(s, &ended);
	buf_fini(&ended);
	return status;
}

int cmd_run(struct options *o)
{
	struct session s = {.stream.fd = -1, .steer.fd = -1, .signals = -1};
	struct err err = {0};
	json_t *parameters;
	int status = output_check(o, &err);

	if (status == 0)
		status = what_parameters(o->args[0], o, true, &parameters, &err);
	if (status) {
		command_complain("%s", err.text);
		return status;
	}
	status = cmd_run_session(&s, o, parameters);
	if (s.result) {
		int r = output_report(o, s.result);

		status = status ? status : r;
	}
	session_fini(&s);
	return status;
}

int cmd_start(struct options *o)
{
	struct client_answer answer;
	struct err err = {0};
	json_t *parameters;
	const char *id;
	int r = what_parameters(o->args[0], o, false, &parameters, &err);

	if (r) {
		command_complain("%s", err.text);
		return r;
	}
	r = command_ask(o, false, "Start", parameters, &answer);
	if (r)
		return r;
	id = json_string_value(json_object_get(answer.parameters, "id"));
	(void)puts(id ? id : "?");
	client_answer_fini(&answer);
	return 0;
}
