/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl report: a finished run's report from the service, or from a result file without a daemon.
 */
#include "common/err.h"
#include "common/exit_codes.h"
#include "ctl/client.h"
#include "ctl/cmd.h"
#include "ctl/output.h"
#include "ctl/result_file.h"

static int cmd_report_fetch(const struct options *o, json_t **ret)
{
	struct client_answer answer;
	json_t *parameters = json_object();
	json_t *result;
	int r;

	if (o->n_args && json_object_set_new(parameters, "run", json_string(o->args[0]))) {
		json_decref(parameters);
		command_complain("report: the name of the run is not valid UTF-8");
		return EXIT_NO_INPUT;
	}
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
	if (result_file_is_meant(what))
		r = result_file_read(what, &doc);
	else
		r = cmd_report_fetch(o, &doc);
	if (r)
		return r;
	r = output_report(o, doc);
	json_decref(doc);
	return r;
}
