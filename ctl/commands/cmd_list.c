/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl list: the runs that the service knows by name, each with what it does or why it cannot. */
#include <string.h>

#include "common/buf.h"
#include "common/json_path.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/list.h"
#include "ctl/print.h"

int cmd_list(struct options *o)
{
	struct client_answer answer;
	struct buf text = {0};
	int r = command_ask(o, true, "List", NULL, &answer);

	if (r)
		return r;
	if (o->json) {
		print_json(answer.parameters, JSON_INDENT(2));
	} else if (list_render(answer.parameters, &text) == 0) {
		command_print(text.data);
	}
	buf_fini(&text);
	client_answer_fini(&answer);
	return 0;
}
