/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: finding one, reading its flags and running it. */
#include "ctl/commands/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "ctl/start/run_spec.h"

#define COMMANDS_MAX 32u

static const char command_run_more[] =
	"WHAT is a name in the service's runs.d, a URL, or the path of a run file. A URL\n"
	"or a path runs privately: as you, with your files and limits, service or not.\n"
	"The word run may be left out before a URL or a path. Keys of an overlay, a run\n"
	"file too, override those before it, and flags override them all. ${NAME} and\n"
	"${NAME:-DEFAULT} in files are filled from the environment. A URL without a rate\n"
	"is loaded with 100/s, with -c N by N users, who wait for their answers. Ctrl-C\n"
	"ends the run and prints its report; a second one does not wait for answers.\n"
	"--dry-run prints the plan, with --json as a document, and sends nothing.\n"
	"Exit status: 0 measured (OK or OVERLOAD, or PASS), 1 output not written, 10 a\n"
	"rule is broken, 11 aborted, 12 a rule is undecided, or void, 13 failed, 14\n"
	"stopped by a person, 64 usage, 66 no such run or file, 69 no daemon, or it lacks\n"
	"resources, 77 refused, 78 configuration, 130 the second Ctrl-C.\n";

static const char command_set_more[] =
	"RATE is a rate as in run files (500, 2k, 100/m), or x1.1 of the present one. It\n"
	"holds for the rest of the present stage, from the end of the present interval\n"
	"on where that is less than 1 s away, else from 50 ms on. Each change is an event\n"
	"of the result. Exit status: 0 accepted, 64 usage, 66 no such run, or it has\n"
	"finished, 69 no daemon, 77 refused: by policy, or because the run has no rate,\n"
	"or ends.\n";

static const char command_pause_more[] =
	"Requests in flight are answered; nothing new is sent until rpsctl resume. Paused\n"
	"time counts neither as duration nor in any rate. Exit status as for rpsctl set.\n";

static const char command_next_more[] =
	"The rest of the present stage is skipped; after the last stage the run ends\n"
	"as usual. Exit status as for rpsctl set.\n";

static const char command_watch_more[] =
	"On a terminal a view that is redrawn in place, with keys; elsewhere one line for\n"
	"each interval. Leaving it does not touch the run, and any number may watch it.\n"
	"Exit status: 0 the run has ended or q was pressed, 66 no such run, 69 no daemon\n"
	"or lost, 130 Ctrl-C.\n";

static const char command_report_more[] =
	"A rule is judged by the code that judges runs: rpsctl help rule. Exit status: 0,\n"
	"and with a rule that of a run with this result and these rules (10 broken, 12\n"
	"undecided, 13 failed, 14 stopped); 1 output not written, 64 usage, 66 no such\n"
	"run or file, 69 no daemon, 78 the file is no result.\n";

static const char command_wait_more[] =
	"For a run that rpsctl start has begun: prints nothing, and ends with its exit\n"
	"status, as rpsctl run would have; that of one that has finished comes at once.\n"
	"Exit status: that of the run, see rpsctl help run; 66 no such run, 69 no daemon,\n"
	"or lost.\n";

static const char command_check_more[] =
	"A run file without [target] is an overlay of the run file before it, as after\n"
	"rpsctl run. rpsd.conf is read with the drop-ins beside it. Exit status: 0 good,\n"
	"66 no such file, 78 something is wrong; each problem is FILE:LINE: MESSAGE.\n";

static const char command_merge_more[] =
	"The files are results (.json) of runs of one plan, or sums of such: of slices\n"
	"that several hosts have run together, or of repetitions (--repeats). Counts and\n"
	"histograms are added, percentiles found in the sums. Rates of slices are added,\n"
	"those of repetitions are means, and the intervals of confidence are then those\n"
	"between three runs or more. A line for each run shows one that differs. Of more\n"
	"than 256 files, merge some at a time, and then the sums.\n"
	"Exit status: that of the worst run; 1 output not written, 66 no such file, 78\n"
	"these cannot be merged.\n";

static const char command_doctor_more[] =
	"Nothing is changed and nothing is sent; one second is spent on a timer. Exit\n"
	"status: 0 all is well, 1 there is at least one warning.\n";

static const char command_completion_more[] =
	"For the shell that is open:  source <(rpsctl completion bash)\n"
	"make install has put it where bash-completion finds it.\n";

/* clang-format off */
const struct command commands[] = {
	{"run", "WHAT [OVERLAY.ini...]", "start, show progress, report, exit by verdict",
		command_run_more,
		OPTIONS_PLAN | OPTIONS_REPORT | OPTIONS_QUIET | OPTIONS_JSON | OPTIONS_WHERE |
			OPTIONS_CONTROL,
		1, 33, cmd_run, COMMAND_WHAT},
	{"start", "WHAT [OVERLAY.ini...]", "start in the service, print the run's id", NULL,
		OPTIONS_PLAN | OPTIONS_CONTROL, 1, 33, cmd_start, COMMAND_WHAT},
	{"stop", "[RUN]", "end a run (the newest), or --all", NULL,
		OPTIONS_STOP | OPTIONS_CONTROL, 0, 1, cmd_stop, COMMAND_RUN},
	{"set", "[RUN] rate=RATE", "change the rate of a run (the newest)", command_set_more,
		OPTIONS_CONTROL, 1, 2, cmd_set, COMMAND_RUN},
	{"pause", "[RUN]", "pause a run (the newest)", command_pause_more,
		OPTIONS_CONTROL, 0, 1, cmd_pause, COMMAND_RUN},
	{"resume", "[RUN]", "continue a paused run (the newest)", NULL,
		OPTIONS_CONTROL, 0, 1, cmd_resume, COMMAND_RUN},
	{"next", "[RUN]", "skip to the next stage of a run (the newest)", command_next_more,
		OPTIONS_CONTROL, 0, 1, cmd_next, COMMAND_RUN},
	{"status", "[RUN]", "the daemon and its runs", NULL,
		OPTIONS_JSON | OPTIONS_CONTROL, 0, 1, cmd_status, COMMAND_RUN},
	{"watch", "[RUN]", "the live view of a run (the newest)",
		command_watch_more, OPTIONS_CONTROL, 0, 1, cmd_watch, COMMAND_RUN},
	{"wait", "[RUN]", "wait for the end of a run (the newest)", command_wait_more,
		OPTIONS_CONTROL, 0, 1, cmd_wait, COMMAND_RUN},
	{"report", "[RUN|FILE]", "show the report of a run, or of a .json result",
		command_report_more,
		OPTIONS_REPORT | OPTIONS_JSON | OPTIONS_CONTROL | OPTIONS_RULES, 0, 1, cmd_report, COMMAND_RESULT},
	{"merge", "FILE FILE...", "merge the results of several runs into one", command_merge_more,
		OPTIONS_REPORT | OPTIONS_JSON | OPTIONS_MERGE | OPTIONS_RULES, 2, 256, cmd_merge, COMMAND_RESULTS},
	{"list", "", "list the named runs of the service", NULL,
		OPTIONS_JSON | OPTIONS_CONTROL, 0, 0, cmd_list, COMMAND_NOTHING},
	{"check", "FILE...", "check run files or rpsd.conf, print their meaning",
		command_check_more, 0, 1, 1000, cmd_check, COMMAND_FILE},
	{"show", "[NAME]", "a named run's file, or the daemon's configuration", NULL,
		OPTIONS_CONTROL, 0, 1, cmd_show, COMMAND_NAME},
	{"origin", "", "serve something to load, until Ctrl-C", NULL,
		OPTIONS_ORIGIN | OPTIONS_QUIET | OPTIONS_JSON, 0, 0, cmd_origin, COMMAND_NOTHING},
	{"origins", "", "show what the service's origins have served", NULL,
		OPTIONS_JSON | OPTIONS_CONTROL, 0, 0, cmd_origins, COMMAND_NOTHING},
	{"doctor", "", "check whether this host can generate load", command_doctor_more,
		OPTIONS_CONTROL, 0, 0, cmd_doctor, COMMAND_NOTHING},
	{"help", "[COMMAND|TERM]", "a command's flags, or a word of the report", NULL,
		0, 0, 8, cmd_help, COMMAND_COMMAND},
	{"completion", "bash", "print what makes a shell complete rpsctl's words",
		command_completion_more, 0, 1, 1, cmd_completion, COMMAND_SHELL},
	{"version", "", "print the version", NULL, 0, 0, 0, cmd_version, COMMAND_NOTHING},
};
/* clang-format on */
const size_t commands_n = sizeof(commands) / sizeof(*commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < commands_n; i++) {
		if (str_eq(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

/* What other programs call our commands. */
static const char *const command_aliases[][2] = {
	{"top", "watch"},
	{"ps", "status"},
	{"ls", "list"},
};

/* Without a RUN it ends the newest one, or a stage of it: no guess may lead there. */
static bool command_ends_something(const struct command *c)
{
	return c->run == cmd_stop || c->run == cmd_next;
}

const char *command_nearest(const char *name)
{
	const char *names[COMMANDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(command_aliases) / sizeof(*command_aliases); i++) {
		if (str_eq(command_aliases[i][0], name))
			return command_aliases[i][1];
	}
	for (size_t i = 0; i < commands_n && n < COMMANDS_MAX; i++) {
		if (!command_ends_something(&commands[i]))
			names[n++] = commands[i].name;
	}
	/* "stat" is the beginning of a word rather than another one misspelt. */
	for (size_t i = 0; i < n && strlen(name) > 1; i++) {
		if (str_starts(names[i], name))
			return names[i];
	}
	return str_nearest(name, names, n);
}

/* The commands that take no URL, and the remedy. */
static const char *const command_takes[] = {
	[COMMAND_NAME] =
		"show takes the name of a run in the service's runs.d: rpsctl --dry-run URL "
		"shows the plan of a URL",
	[COMMAND_RUN] = "a run is named by its id: rpsctl status lists the runs of the service",
	[COMMAND_FILE] = "check reads run files: rpsctl --dry-run URL shows the plan of a URL",
	[COMMAND_RESULT] =
		"report takes a run's id or a result's .json file: rpsctl URL -o FILE.json "
		"makes one",
	[COMMAND_RESULTS] = "merge takes results' .json files: rpsctl URL -o FILE.json makes one",
	[COMMAND_SHELL] = NULL, /* the last one */
};

/* "runs/checkout" is a file's path here, though it could be a URL without its scheme. */
static bool command_is_misplaced_url(const struct command *c, const char *word)
{
	const char *colon = strchr(word, ':');
	const char *slash = strchr(word, '/');

	return command_takes[c->words] && run_spec_kind(word) == RUN_SPEC_URL &&
	       (!slash || (colon && colon < slash)) && access(word, F_OK) == -1;
}

/* No id ends like a file of ours. */
static bool command_is_misplaced_file(const struct command *c, const char *word)
{
	return c->words == COMMAND_RUN && (str_ends(word, ".ini") || str_ends(word, ".json"));
}

static void command_complain_of_many(const struct command *c, const struct options *o)
{
	const char *remedy =
		c->words == COMMAND_RESULTS  ? "; merge some with -o SUM.json, and then the sums"
		: c->words == COMMAND_RESULT ? "; rpsctl merge makes one of several results"
		: c->run == cmd_origin	     ? "; the address is --listen ADDRESS:PORT"
					     : "";

	if (c->max_args > 2)
		command_complain("%s takes at most %u words (%s), and %zu were given%s; see rpsctl "
				 "help %s",
			c->name, c->max_args, c->usage, o->n_args, remedy, c->name);
	else
		command_complain("%s: unexpected argument %s%s; see rpsctl help %s", c->name,
			o->args[c->max_args], remedy, c->name);
}

/* Its own section and key; NULL: there is none of that name. */
static const struct key *command_key(const struct options_setting *setting)
{
	const char *dot = strrchr(setting->key, '.');
	char section[32];

	(void)snprintf(
		section, sizeof(section), "%.*s", (int)strcspn(setting->key, "."), setting->key);
	return keys_find(&plan_keys, section, dot + 1);
}

/* With WHAT the plan says what is wrong with a value. Without it a flag may have taken WHAT for its
 * value, and that is said instead of what is missing. */
static bool command_complain_of_values(const struct options *o)
{
	bool is_any = false;

	for (size_t i = 0; i < o->n_settings; i++) {
		const struct options_setting *setting = &o->settings[i];
		const struct key *key = command_key(setting);
		struct err err = {0};

		if (!key || keys_parse(key, setting->value, NULL, &err) != -EINVAL)
			continue;
		command_complain("%s: %s", setting->origin, err.text);
		is_any = true;
	}
	return is_any;
}

static bool command_is_link(const char *value)
{
	return str_starts(value + strspn(value, "abcdefghijklmnopqrstuvwxyz"), "://");
}

/* The flag that has a URL where any text would do, and that URL; NULL: none. */
static const char *command_taker(const struct options *o, const char **ret_url)
{
	for (size_t i = 0; i < o->n_settings; i++) {
		*ret_url = o->settings[i].value;
		if (command_is_link(*ret_url))
			return o->settings[i].origin;
	}
	for (size_t i = 0; i < o->n_outputs; i++) {
		*ret_url = o->outputs[i];
		if (command_is_link(*ret_url))
			return "-o";
	}
	*ret_url = o->socket;
	return o->socket && command_is_link(o->socket) ? "--socket" : NULL;
}

static void command_complain_of_few(const struct command *c, const struct options *o)
{
	const char *flag = NULL, *url;

	if (c->groups & OPTIONS_PLAN) {
		if (command_complain_of_values(o))
			return;
		flag = command_taker(o, &url);
	}
	if (flag)
		command_complain("%s needs %s: %s took %s for its value; see rpsctl help %s",
			c->name, c->usage, flag, url, c->name);
	else
		command_complain("%s needs %s; see rpsctl help %s", c->name, c->usage, c->name);
}

static int command_check_args(const struct command *c, const struct options *o)
{
	if (o->n_args < c->min_args) {
		command_complain_of_few(c, o);
		return EXIT_USAGE;
	}
	if (o->n_args > c->max_args) {
		command_complain_of_many(c, o);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < o->n_args; i++) {
		if (!*o->args[i]) {
			command_complain(
				"%s: an argument is empty, expected %s; see rpsctl help %s",
				c->name, c->usage, c->name);
			return EXIT_USAGE;
		}
		bool is_url = command_is_misplaced_url(c, o->args[i]);

		if (is_url || command_is_misplaced_file(c, o->args[i])) {
			command_complain("%s: %s is a %s, and %s", c->name, o->args[i],
				is_url ? "URL" : "file", command_takes[c->words]);
			return EXIT_USAGE;
		}
	}
	return 0;
}

int command_run(const struct command *c, int argc, char *const argv[])
{
	struct options o = {.command = c->name};
	struct err err = {0};
	int r = options_parse(&o, c->groups, argc, argv, &err);

	if (r) {
		command_complain("%s", err.text);
		r = EXIT_USAGE;
	} else if (o.help) {
		command_print_help(c);
	} else {
		r = command_check_args(c, &o);
		if (r == 0)
			r = c->run(&o);
	}
	options_fini(&o);
	return r;
}
