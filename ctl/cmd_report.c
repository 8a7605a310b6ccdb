/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl report: a finished run's report from the service, or from a result file without a daemon.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/cmd.h"
#include "ctl/output.h"

#define CMD_REPORT_MAX ((size_t)64 << 20)

/* A new reference in ret. 0 or the exit status. */
static int cmd_report_read(const char *path, json_t **ret)
{
	json_error_t error;
	json_t *doc;
	char *text;
	size_t len;
	int r = str_read_file(path, CMD_REPORT_MAX, &text, &len);

	if (r) {
		command_complain("%s: %s", path, strerror(-r));
		return EXIT_NO_INPUT;
	}
	doc = json_loadb(text, len, 0, &error);
	free(text);
	if (!doc) {
		command_complain("%s:%d: this is no JSON: %s", path, error.line, error.text);
		return EXIT_CONFIG;
	}
	if (!str_eq(result_text(doc, "schema"), RESULT_SCHEMA)) {
		command_complain("%s: this is no result of a run (%s)", path, RESULT_SCHEMA);
		json_decref(doc);
		return EXIT_CONFIG;
	}
	*ret = doc;
	return 0;
}

static int cmd_report_fetch(const struct options *o, json_t **ret)
{
	struct client_answer answer;
	json_t *parameters = json_object();
	json_t *result;
	int r;

	if (o->n_args && json_object_set_new(parameters, "run", json_string(o->args[0]))) {
		json_decref(parameters);
		command_complain("report: this is no run's name");
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
	if (strchr(what, '/') || str_ends(what, ".json"))
		r = cmd_report_read(what, &doc);
	else
		r = cmd_report_fetch(o, &doc);
	if (r)
		return r;
	r = output_report(o, doc);
	json_decref(doc);
	return r;
}
