/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl origins: what the service's own origins have served, the independent side of a ledger. */

#include "common/buf.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"

static struct figure cmd_origins_count(const json_t *origin, const char *name)
{
	int64_t n = 0;

	(void)json_path_int(origin, name, &n);
	return figure_count(n);
}

/* From a request's arrival to its answer written. */
static struct figure cmd_origins_p99(const json_t *origin)
{
	int64_t ns;

	return json_path_int(origin, "p99_ns", &ns) ? figure_time(ns) : (struct figure){"-"};
}

static void cmd_origins_print(const json_t *origins)
{
	struct buf text = {0};

	if (!json_array_size(origins)) {
		print_out("no origins; [origin NAME] in rpsd.conf makes one, rpsctl origin "
			  "another\n");
		return;
	}
	(void)buf_printf(&text, "%-12s %-18s %6s %9s %12s %10s %6s %9s\n", "origin", "address",
		"open", "accepted", "requests", "errors", "hung", "p99");
	for (size_t i = 0; i < json_array_size(origins); i++) {
		const json_t *origin = json_array_get(origins, i);

		(void)buf_printf(&text, "%-12s %-18s %6s %9s %12s %10s %6s %9s\n",
			json_path_text(origin, "name"), json_path_text(origin, "address"),
			cmd_origins_count(origin, "connections").text,
			cmd_origins_count(origin, "accepted").text,
			cmd_origins_count(origin, "requests").text,
			cmd_origins_count(origin, "errors").text,
			cmd_origins_count(origin, "hung").text, cmd_origins_p99(origin).text);
	}
	command_print(text.data ? text.data : "");
	buf_fini(&text);
}

int cmd_origins(struct options *o)
{
	struct client_answer answer;
	int r = command_ask(o, true, "Origins", NULL, &answer);

	if (r)
		return r;
	if (o->json) {
		print_json(answer.parameters, JSON_INDENT(2));
	} else {
		cmd_origins_print(json_object_get(answer.parameters, "origins"));
	}
	client_answer_fini(&answer);
	return 0;
}
