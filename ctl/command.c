/* SPDX-License-Identifier: Apache-2.0 */
/* Common parts of commands: calling the service, error messages in one line. */
#include "ctl/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/print.h"
#include "ctl/suggest.h"

static unsigned command_n_complaints;

unsigned command_complaints(void)
{
	return command_n_complaints;
}

void command_complain(const char *format, ...)
{
	char *text;
	va_list args;
	int len;

	command_n_complaints++;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len == -1) {
		print_err("rpsctl: out of memory: " MEMORY_REMEDY "\n");
		return;
	}
	print_errf("rpsctl: %s\n", text);
	free(text);
}

int command_out_of_memory(const char *what)
{
	command_complain("out of memory for %s: " MEMORY_REMEDY, what);
	return EXIT_NO_DAEMON;
}

int command_cannot_wait(void)
{
	command_complain("cannot wait for the daemon: %s", strerror(errno));
	return EXIT_NO_DAEMON;
}

int command_without_signals(int error)
{
	command_complain("cannot read signals: %s", strerror(error));
	return EXIT_NO_DAEMON;
}

void command_print(const char *text)
{
	print_marked(stdout, text);
}

int command_put_run(
	const struct options *o, json_t *parameters, const char *member, const char *run)
{
	bool is_utf8 = str_is_utf8(run);

	if (is_utf8 && json_object_set_new(parameters, member, json_string(run)) == 0)
		return 0;
	json_decref(parameters);
	if (is_utf8)
		return command_out_of_memory("the call to the daemon");
	command_complain(
		"%s: the name of the run is not valid UTF-8: rpsctl status shows the names",
		o->command);
	return EXIT_NO_INPUT;
}

int command_ask(const struct options *o, bool is_query, const char *method, json_t *parameters,
	struct client_answer *ret)
{
	struct client client = {.fd = -1};
	struct err err = {0};
	struct buf text = {0};
	int r = client_connect(&client, o, is_query, &err);

	if (r) {
		json_decref(parameters);
		command_complain("%s", err.text);
		return r;
	}
	r = client_call(&client, method, parameters, ret);
	client_close(&client);
	if (r == CLIENT_E_LOST)
		command_complain("the service at %s went away in the middle of %s; its log tells "
				 "why (journalctl -u rpsd, or where it was started)",
			client_socket_path(o), method);
	else if (r)
		command_complain("%s in the middle of %s%s", client_trouble(r), method,
			client_remedy(&client, r));
	if (r)
		return EXIT_NO_DAEMON;
	if (!ret->error)
		return 0;
	r = suggest_explain_answer(o, method, ret, &text);
	print_err(text.data ? text.data : "");
	buf_fini(&text);
	client_answer_fini(ret);
	return r;
}
