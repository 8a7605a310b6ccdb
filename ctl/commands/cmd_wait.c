/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl wait: until a run of the service has finished; ends with its exit status. What start began
 * is so a step of a script: it prints nothing, and Ctrl-C leaves the run as it is. */
#include <errno.h>
#include <poll.h>

#include "common/buf.h"
#include "common/control/progress.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"
#include "ctl/suggest.h"

/* cmd_wait_on_answer: the run goes on; everything else is an exit status. */
#define CMD_WAIT_GO_ON (-1)

static int cmd_wait_on_answer(const struct options *o, const struct client_answer *a)
{
	struct buf text = {0};
	struct progress now;
	uint64_t skipped;
	int status;

	if (a->error) {
		status = suggest_explain_answer(o, "Watch", a, &text);
		print_err(text.data ? text.data : "");
		buf_fini(&text);
		return status;
	}
	if (a->continues)
		return CMD_WAIT_GO_ON;
	status = EXIT_UNDECIDED;
	if (progress_read(a->parameters, &now, &skipped) == 0 &&
		result_is_known(now.run.exit_code) && now.run.exit_code >= 0 &&
		now.run.exit_code < 256)
		status = (int)now.run.exit_code;
	progress_fini(&now);
	return status;
}

static int cmd_wait_on_lost(const struct client *c, int reason)
{
	command_complain("%s%s", client_trouble(reason), client_remedy(c, reason));
	return EXIT_NO_DAEMON;
}

static int cmd_wait_turn(const struct options *o, struct client *c)
{
	struct pollfd ready = {.fd = c->fd, .events = client_events(c)};
	struct client_answer a;
	int lost, taken, r;

	if (poll(&ready, 1, -1) == -1)
		return errno == EINTR ? CMD_WAIT_GO_ON : command_cannot_wait();
	lost = client_pump(c);
	do {
		taken = client_take(c, &a);
		if (taken || (!a.message && lost))
			return cmd_wait_on_lost(c, taken ? taken : lost);
		if (!a.message)
			return CMD_WAIT_GO_ON;
		r = cmd_wait_on_answer(o, &a);
		client_answer_fini(&a);
	} while (r == CMD_WAIT_GO_ON);
	return r;
}

int cmd_wait(struct options *o)
{
	struct client c = {.fd = -1};
	struct err err = {0};
	json_t *parameters;
	int r = client_connect(&c, o, true, &err);

	if (r) {
		command_complain("%s", err.text);
		return r;
	}
	parameters = json_object();
	r = o->n_args ? command_put_run(o, parameters, "run", o->args[0]) : 0;
	if (r == 0)
		r = client_send(&c, "Watch", parameters, true) == 0
			    ? CMD_WAIT_GO_ON
			    : command_out_of_memory("the call to the daemon");
	while (r == CMD_WAIT_GO_ON)
		r = cmd_wait_turn(o, &c);
	client_close(&c);
	return r;
}
