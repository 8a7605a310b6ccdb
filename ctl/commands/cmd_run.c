/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl run and rpsctl start.
 *
 * run chooses the daemon: a name goes to the service, a URL or a path to a private daemon that
 * exists as long as this command. From there on both are the same two connections. The order at the
 * end matters: connections are closed first, then the private daemon is collected, then the report
 * is printed, so that no process remains even if stdout blocks or is closed. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/plan/plan.h"
#include "common/plan/plan_json.h"
#include "common/plan/plan_slice.h"
#include "common/json_path.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/named_file.h"
#include "ctl/start/content.h"
#include "ctl/live/display.h"
#include "ctl/start/start_request.h"
#include "ctl/suggest.h"
#include "ctl/report/output.h"
#include "ctl/print.h"
#include "ctl/private.h"
#include "ctl/live/session.h"
#include "ctl/terminal.h"
#include "ctl/start/run_spec.h"

static void cmd_run_user(char *ret, size_t size)
{
	const struct passwd *entry = getpwuid(geteuid());

	if (entry)
		(void)snprintf(ret, size, "%.200s", entry->pw_name);
	else
		(void)snprintf(ret, size, "uid %u", (unsigned)geteuid());
}

static int cmd_run_open_private(
	struct session *s, struct private_daemon *daemon, const struct content *content)
{
	struct err err = {0};
	char user[204];
	int fds[2];

	if (private_start(daemon, 2, NULL, content_fd(content), fds, &err)) {
		command_complain("%s", err.text);
		return EXIT_NO_DAEMON;
	}
	client_init(&s->stream, fds[0]);
	client_init(&s->steer, fds[1]);
	cmd_run_user(user, sizeof(user));
	(void)snprintf(s->where, sizeof(s->where), "running privately as %s", user);
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
	(void)snprintf(s->where, sizeof(s->where), "running in the service at %.200s",
		client_socket_path(o));
	return r;
}

/* How a private daemon ended belongs to the line about its loss. */
static void cmd_run_say_trouble(const struct session *s, const struct buf *ended)
{
	size_t len = s->trouble.len;

	if (len && ended->len)
		print_errf("%.*s (%s)\n", (int)(len - 1), s->trouble.data, ended->data);
	else if (len)
		print_err(s->trouble.data);
}

static bool cmd_run_is_service(const struct options *o)
{
	return o->service || run_spec_kind(o->args[0]) == RUN_SPEC_NAME;
}

/* A file was meant, and the word names a run of the service. */
static bool cmd_run_is_misnamed(const struct options *o)
{
	return run_spec_kind(o->args[0]) == RUN_SPEC_NAME && named_file_complain(o, o->args[0]);
}

/* A socket was named for a run that would not go there. */
static bool cmd_run_is_misdirected(const struct options *o)
{
	if (!o->socket || cmd_run_is_service(o))
		return false;
	command_complain("--socket is of the service's daemon, and %s runs privately, without it: "
			 "add --service, or leave --socket out",
		o->args[0]);
	return true;
}

/* Takes over parameters; content: of a private run. */
static int cmd_run_session(
	struct session *s, const struct options *o, json_t *parameters, struct content *content)
{
	bool in_service = cmd_run_is_service(o);
	struct private_daemon daemon = {.pidfd = -1};
	struct display display;
	struct buf ended = {0};
	int status =
		in_service ? cmd_run_open_service(s, o) : cmd_run_open_private(s, &daemon, content);

	/* The daemon has it, and gives it back when it needs it no more. */
	content_fini(content);
	if (status) {
		json_decref(parameters);
		return status;
	}
	display_init(&display, STDERR_FILENO);
	display.may_steer = true;
	s->display = o->quiet ? NULL : &display;
	s->signals = terminal_block_signals();
	if (s->signals < 0)
		s->signals = -1;
	status = session_run(s, parameters);
	display_fini(&display);
	s->display = NULL;
	client_close(&s->stream);
	client_close(&s->steer);
	(void)private_end(&daemon, &ended);
	if (status == EXIT_NO_INPUT && run_spec_kind(o->args[0]) == RUN_SPEC_NAME) {
		buf_consume(&s->trouble, s->trouble.len);
		suggest_explain(o, "Start", o->args[0], &s->trouble);
	}
	cmd_run_say_trouble(s, &ended);
	buf_fini(&ended);
	return status;
}

/* ---------------------------------------------------------------- what to start */

/* How a named run's file reads, for a dry run. 0 or the exit status. */
static int cmd_run_show(const struct options *o, const char *name, char **ret)
{
	struct client_answer answer;
	int r = command_ask(o, true, "Show", json_pack("{s:s}", "name", name), &answer);

	if (r)
		return r;
	*ret = strdup(json_path_text(answer.parameters, "text"));
	client_answer_fini(&answer);
	return *ret ? 0 : EXIT_NO_DAEMON;
}

/* is_whole: all of it is known here, so that its problems can be told before anything is started.
 */
static int cmd_run_make(struct start_request *d, const struct options *o, bool is_whole)
{
	const char **unread = NULL;
	struct plan *plan = NULL;
	struct err err = {0};
	size_t n = 0;
	int r = start_request_make(d, o->args, o->n_args, o, &err);

	if (r && !d->is_unfilled) {
		command_complain("%s", err.text);
		return r;
	}
	if (r == 0 && !o->quiet)
		start_request_print_hints(d);
	if (r == 0 && is_whole && start_request_plan(d, &plan, &unread, &n) == -ENOMEM)
		r = EXIT_NO_DAEMON;
	plan_free(plan);
	free(unread);
	/* If only the service knows the rest, it also reports the problems. */
	if (!is_whole && !d->is_unfilled && !d->is_unreadable)
		return r;
	if (d->problems.n == 0)
		return r;
	start_request_print_problems(d);
	return start_request_status(d);
}

/* A named run's secrets are *** here, so that its digest would not be that of the run. */
static void cmd_run_print_json(const struct start_request *d, const struct plan *plan)
{
	json_t *doc = plan_document(plan);

	if (d->named_text)
		(void)json_object_set_new(json_object_get(doc, "plan"), "sha256", json_null());
	if (doc)
		print_json(doc, JSON_INDENT(2));
	json_decref(doc);
}

/* Reports what the daemon would refuse at this instant. 0 or the exit status. */
static int cmd_run_check_start(const struct plan *plan)
{
	struct err err = {0};

	if (plan_check_start(plan, clock_unix_ns(), &err) == 0)
		return 0;
	command_complain("refused: %s", err.text);
	return EXIT_REFUSED;
}

static int cmd_run_describe(struct start_request *d, bool is_json)
{
	const char **unread = NULL;
	struct buf text = {0};
	struct plan *plan = NULL;
	size_t n = 0;
	int r = start_request_plan(d, &plan, &unread, &n);

	if (r == 0 && is_json) {
		cmd_run_print_json(d, plan);
	} else if (r == 0 && plan_describe(plan, &text) == 0) {
		(void)start_request_put_notes(unread, n, &text);
		command_print(text.data);
	}
	if (r)
		start_request_print_problems(d);
	if (r == -ENOMEM)
		r = EXIT_NO_DAEMON;
	else
		r = r ? start_request_status(d) : cmd_run_check_start(plan);
	plan_free(plan);
	buf_fini(&text);
	free(unread);
	return r;
}

/* If no flag and no file gives a load, the default is reported before anything is sent. */
static void cmd_run_say_load(const struct start_request *d)
{
	if (*d->load)
		print_errf("rpsctl: %s\n", d->load);
}

/* Says what would be sent. */
static int cmd_run_dry(const struct options *o, bool is_service)
{
	struct start_request d = {.is_service = is_service};
	char *text = NULL;
	int r = 0;

	if (run_spec_kind(o->args[0]) == RUN_SPEC_NAME)
		r = cmd_run_show(o, o->args[0], &text);
	d.named_text = text;
	if (r == 0)
		r = cmd_run_make(&d, o, true);
	if (r == 0 && !o->quiet)
		cmd_run_say_load(&d);
	if (r == 0 && !o->quiet && o->n_outputs > 0)
		print_errf("rpsctl: -o %s: not written, as --dry-run makes no report\n",
			o->outputs[0]);
	if (r == 0)
		r = cmd_run_describe(&d, o->json);
	start_request_fini(&d);
	free(text);
	return r;
}

/* ---------------------------------------------------------------- the commands */

int cmd_run(struct options *o)
{
	struct session s = {.stream.fd = -1, .steer.fd = -1, .signals = -1};
	struct start_request d = {.is_service = cmd_run_is_service(o), .start.hold = true};
	struct err err = {0};
	int status = output_check(o, &err);

	if (status) {
		command_complain("%s", err.text);
		return status;
	}
	if (cmd_run_is_misnamed(o) || cmd_run_is_misdirected(o))
		return EXIT_USAGE;
	if (o->dry_run)
		return cmd_run_dry(o, cmd_run_is_service(o));
	status = cmd_run_make(&d, o, !d.is_service);
	if (status == 0) {
		(void)snprintf(s.load, sizeof(s.load), "%s", d.load);
		status = cmd_run_session(&s, o, json_incref(d.parameters), &d.content);
	}
	start_request_fini(&d);
	if (s.result) {
		int r = output_report(o, s.result);

		status = status ? status : r;
	}
	session_fini(&s);
	return status;
}

int cmd_start(struct options *o)
{
	struct start_request d = {.is_service = true};
	struct client_answer answer;
	const char *id;
	int r;

	if (cmd_run_is_misnamed(o))
		return EXIT_USAGE;
	if (o->dry_run)
		return cmd_run_dry(o, true);
	r = cmd_run_make(&d, o, false);
	if (r == 0)
		r = command_ask(o, false, "Start", json_incref(d.parameters), &answer);
	if (r == 0)
		cmd_run_say_load(&d);
	start_request_fini(&d);
	if (r)
		return r;
	id = json_string_value(json_object_get(answer.parameters, "id"));
	(void)print_outf("%s\n", id ? id : "?");
	client_answer_fini(&answer);
	return 0;
}
