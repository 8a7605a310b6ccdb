/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl: finds the command and runs it. A first word that is a URL or a path is "run" without the
 * word; a flag in front of it is too. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/std_fds.h"
#include "common/str.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/named_file.h"
#include "ctl/suggest.h"
#include "ctl/print.h"
#include "ctl/start/run_spec.h"

/* Output that did not reach its reader is a failure, but not one of the run's. */
static int main_flush(int status)
{
	int r = print_flush();

	if (r == 0)
		return status;
	if (r != -EPIPE)
		command_complain("cannot write to stdout: %s", strerror(-r));
	return status ? status : EXIT_OUTPUT;
}

/* After a failed allocation the result may be incomplete, even if the failure was not checked. */
static int main_check_memory(int status)
{
	if (memory_failures() == 0 || (status != 0 && command_complaints() > 0))
		return status;
	command_complain("out of memory: what was printed may be incomplete; more of it helps "
			 "(ulimit -v, the cgroup's MemoryMax=), or a smaller run");
	return status ? status : EXIT_NO_DAEMON;
}

/* As in "GET URL" of other tools. */
static bool main_is_method(const char *word)
{
	static const char *const methods[] = {
		"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (str_eq(methods[i], word))
			return true;
	return false;
}

static bool main_is_run_file(const char *word)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s.ini", word) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static int main_unknown(const char *word)
{
	static const struct options none;
	const char *nearest = command_nearest(word);
	struct buf name = {0}, place = {0};

	if (word[strspn(word, "0123456789")] == '\0') {
		command_complain(
			"there is no command %s; a port needs its host: rpsctl localhost:%s", word,
			word);
		return EXIT_USAGE;
	}
	if (main_is_method(word)) {
		command_complain(
			"there is no command %s; a method is a flag: rpsctl URL -X %s", word, word);
		return EXIT_USAGE;
	}
	if (main_is_run_file(word)) {
		command_complain("there is no command %s; a run file of that name: rpsctl %s.ini",
			word, word);
		return EXIT_USAGE;
	}
	if (nearest && access(word, F_OK) == 0) {
		command_complain("there is no command %s; did you mean %s, or the file: rpsctl "
				 "./%s?",
			word, nearest, word);
		return EXIT_USAGE;
	}
	if (nearest) {
		command_complain("there is no command %s; did you mean %s?", word, nearest);
		return EXIT_USAGE;
	}
	switch (suggest_find(&none, true, word, &name, &place)) {
	case SUGGEST_EXACTLY:
		command_complain(
			"there is no command %s; the run of that name: rpsctl run %s", word, word);
		break;
	case SUGGEST_NEARLY:
		command_complain(
			"there is no command %s; did you mean rpsctl run %s?", word, name.data);
		break;
	case SUGGEST_NOT:
		if (named_file_complain(&none, word))
			break;
		if (place.len)
			command_complain("there is no command %s, and no run of that name in %s; "
					 "http://%s/ is a URL",
				word, place.data, word);
		else
			command_complain("there is no command %s (rpsctl --help lists them); a "
					 "named run of the service is rpsctl run %s; http://%s/ is "
					 "a URL",
				word, word, word);
	}
	buf_fini(&place);
	buf_fini(&name);
	return EXIT_USAGE;
}

static int main_dispatch(int argc, char *argv[])
{
	const char *word = argv[1];
	const struct command *c = command_find(word);

	if (c)
		return command_run(c, argc - 2, argv + 2);
	if (str_eq(word, "--help") || str_eq(word, "-h")) {
		command_print_help(NULL);
		return 0;
	}
	if (str_eq(word, "--version") || str_eq(word, "-V"))
		return cmd_version(NULL);
	if (word[0] == '-' || !*word || run_spec_kind(word) != RUN_SPEC_NAME)
		return command_run(command_find("run"), argc - 1, argv + 1);
	return main_unknown(word);
}

int main(int argc, char *argv[])
{
	memory_watch(free);
	if (std_fds_open())
		return EXIT_NO_DAEMON;
	(void)setlocale(LC_CTYPE, "");
	/* A reader that closes causes a write error, but must not end rpsctl: a run has to be
	 * stopped cleanly. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		command_print_usage();
		return EXIT_USAGE;
	}
	return main_flush(main_check_memory(main_dispatch(argc, argv)));
}
