/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl status: the service's daemon with its limits, and the runs it holds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/control/progress.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "common/units.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"
#include "ctl/live/steer.h"

static int64_t cmd_status_int(const json_t *reply, const char *path)
{
	int64_t value = 0;

	(void)json_path_int(reply, path, &value);
	return value;
}

static void cmd_status_daemon(const json_t *reply, struct buf *text)
{
	const json_t *rules = json_path_at(reply, "daemon.allow");
	char duration[UNITS_TEXT_MAX];
	bool is_private = false;

	(void)json_path_bool(reply, "daemon.private", &is_private);
	units_format_time(
		cmd_status_int(reply, "daemon.max_duration_ns"), duration, sizeof(duration));
	(void)buf_printf(text, "rpsd %s, pid %" PRId64 ", up %s%s\n",
		json_path_text(reply, "daemon.version"), cmd_status_int(reply, "daemon.pid"),
		figure_clock(cmd_status_int(reply, "daemon.uptime_ns")).text,
		is_private ? ", private" : "");
	if (cmd_status_int(reply, "daemon.max_rate") > 0)
		(void)buf_printf(text, "  each run   at most %s/s, %s connections, %s\n",
			figure_count(cmd_status_int(reply, "daemon.max_rate")).text,
			figure_count(cmd_status_int(reply, "daemon.max_connections")).text,
			duration);
	(void)buf_printf(text, "  daemon     %s descriptors\n",
		figure_count(cmd_status_int(reply, "daemon.descriptors")).text);
	(void)buf_puts(text, "  may load   loopback");
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);

		if (json_is_string(rule))
			(void)buf_printf(text, ", %s", json_string_value(rule));
	}
	(void)buf_puts(text, "\n");
}

/* An act takes effect up to 1 s after it was asked for: until then the state is the old one. */
static void cmd_status_ahead(const struct result_list *events, struct buf *text)
{
	const struct result_event *e = events->rows;

	for (size_t i = 0; i < events->n; i++) {
		(void)buf_puts(text, "    ");
		(void)steer_describe_event(&e[i], text);
		(void)buf_puts(text, "\n");
	}
}

static void cmd_status_run(const struct progress_run *run, struct buf *text)
{
	const char *outcome = result_words(run->outcome);
	const char *reason = result_words(run->reason);
	char code[16] = "";

	if (result_is_known(run->exit_code))
		(void)snprintf(code, sizeof(code), "%d", (int)run->exit_code);
	(void)buf_printf(text, "%-22s %-11s %-10s %4s  %s\n", result_words(run->id),
		*outcome ? outcome : result_words(run->state), result_words(run->user), code,
		result_words(run->target));
	cmd_status_ahead(&run->ahead, text);
	if (*reason)
		(void)buf_printf(text, "    %s\n", reason);
}

static void cmd_status_runs(const json_t *reply, struct buf *text)
{
	const json_t *runs = json_object_get(reply, "runs");

	if (!json_array_size(runs)) {
		(void)buf_puts(text, "\nno runs\n");
		return;
	}
	(void)buf_printf(
		text, "\n%-22s %-11s %-10s %4s  %s\n", "run", "state", "user", "exit", "target");
	for (size_t i = 0; i < json_array_size(runs); i++) {
		struct progress_run run;

		result_table_init(&progress_run_table, &run);
		if (result_table_read(&progress_run_table, json_array_get(runs, i), &run, NULL) ==
			0)
			cmd_status_run(&run, text);
		result_table_fini(&progress_run_table, &run);
	}
}

int cmd_status(struct options *o)
{
	struct client_answer answer;
	json_t *parameters = json_object();
	struct buf text = {0};
	int r;

	r = o->n_args ? command_put_run(o, parameters, "run", o->args[0]) : 0;
	if (r)
		return r;
	r = command_ask(o, true, "Status", parameters, &answer);
	if (r)
		return r;
	if (o->json) {
		print_json(answer.parameters, JSON_INDENT(2));
	} else {
		if (!o->n_args)
			cmd_status_daemon(answer.parameters, &text);
		cmd_status_runs(answer.parameters, &text);
		/* Without the daemon's lines the gap above the runs is one too many. */
		command_print(text.data ? text.data + (o->n_args ? 1 : 0) : "");
	}
	buf_fini(&text);
	client_answer_fini(&answer);
	return 0;
}
