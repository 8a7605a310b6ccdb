/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl report: a finished run's report from the service, or from a result file without a daemon.
 */
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/report/output.h"
#include "ctl/print.h"
#include "ctl/report/result_file.h"
#include "ctl/report/rules.h"

static int cmd_report_fetch(const struct options *o, json_t **ret)
{
	struct client_answer answer;
	json_t *parameters = json_object();
	json_t *result;
	int r;

	r = o->n_args ? command_put_run(o, parameters, "run", o->args[0]) : 0;
	if (r)
		return r;
	r = command_ask(o, true, "Report", parameters, &answer);
	if (r)
		return r;
	result = json_object_get(answer.parameters, "result");
	*ret = json_incref(result);
	client_answer_fini(&answer);
	if (!*ret) {
		command_complain("the daemon reported without a result");
		return EXIT_NO_DAEMON;
	}
	return 0;
}

/* No run was named: while others are active it is not clear which one is shown. */
static void cmd_report_say_active(const struct options *o, const json_t *doc)
{
	struct client_answer answer;
	const json_t *runs;
	const char *active = NULL;
	size_t n = 0;

	if (command_ask(o, true, "Status", NULL, &answer))
		return;
	runs = json_object_get(answer.parameters, "runs");
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *run = json_array_get(runs, i);

		if (str_eq(json_path_text(run, "state"), "finished"))
			continue;
		active = json_path_text(run, "id");
		n++;
	}
	if (n == 1)
		print_errf(
			"%s is the newest run that has finished; %s is active: rpsctl watch %s\n",
			json_path_text(doc, "run.id"), active, active);
	else if (n)
		print_errf("%s is the newest run that has finished; %zu runs are active: rpsctl "
			   "status lists them\n",
			json_path_text(doc, "run.id"), n);
	client_answer_fini(&answer);
}

/* With rules that of the run; an output that could not be written does not hide it. */
static int cmd_report_status(const struct options *o, const json_t *doc, int status)
{
	int64_t code = 0;

	if ((o->n_requires > 0 || o->undecided) && json_path_int(doc, "run.exit_code", &code) &&
		code > 0 && code < 256)
		return (int)code;
	return status;
}

int cmd_report(struct options *o)
{
	const char *what = o->n_args ? o->args[0] : "";
	struct err err = {0};
	json_t *doc;
	int r = output_check(o, &err);

	if (r) {
		command_complain("%s", err.text);
		return r;
	}
	r = rules_check(o);
	if (r)
		return r;
	if (result_file_is_meant(what) && o->socket) {
		command_complain("report: --socket is of the service's daemon, and %s is read as a "
				 "file, without it: leave --socket out",
			what);
		return EXIT_USAGE;
	}
	if (result_file_is_meant(what))
		r = result_file_read(what, &doc);
	else
		r = cmd_report_fetch(o, &doc);
	if (r)
		return r;
	if (!o->n_args)
		cmd_report_say_active(o, doc);
	r = rules_apply(o, doc);
	if (r == 0) {
		r = output_report(o, doc);
		r = cmd_report_status(o, doc, r);
	}
	json_decref(doc);
	return r;
}
