/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build: lists of rpsctl's manual as mdoc, from the tables that rpsctl itself
 * works with.
 *
 *	rpsctl_man commands|flags|ledger|errors
 *
 * The flags are taken from the text that --help prints, since their table is private to its module;
 * a line of that text in which the columns cannot be told apart ends the build. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/stats/fault.h"
#include "common/stats/ledger.h"
#include "common/str.h"
#include "conf/roff.h"
#include "ctl/commands/cmd.h"
#include "ctl/options.h"
#include "ctl/report/report.h"

#define RPSCTL_MAN_LINE_MAX 512u

/* ---------------------------------------------------------------- commands */

/* "[RUN|FILE]" is Oo Ar RUN|FILE Oc: Op would take in all that follows on the line. */
static void rpsctl_man_words(const char *usage)
{
	while (*usage) {
		size_t len = strcspn(usage, " ");
		bool is_optional = len > 2 && usage[0] == '[' && usage[len - 1] == ']';

		(void)fputs(is_optional ? " Oo Ar " : " Ar ", stdout);
		roff_put_part(usage + is_optional, len - 2 * is_optional);
		(void)fputs(is_optional ? " Oc" : "", stdout);
		usage += len;
		usage += strspn(usage, " ");
	}
}

static void rpsctl_man_commands(void)
{
	(void)puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < commands_n; i++) {
		(void)fputs(".It Ic ", stdout);
		roff_put(commands[i].name);
		rpsctl_man_words(commands[i].usage);
		(void)putchar('\n');
		roff_put(commands[i].brief);
		(void)putchar('\n');
	}
	(void)puts(".El");
}

/* ---------------------------------------------------------------- flags */

/* field: "-H, --header 'NAME: TEXT'", "--json". */
static void rpsctl_man_flag_head(const char *field, size_t len)
{
	const char *end = field + len;
	bool is_first = true;

	(void)fputs(".It", stdout);
	while (field < end && *field == '-') {
		size_t n = strcspn(field, " ");

		n = field + n > end ? (size_t)(end - field) : n;
		(void)fputs(is_first ? " Fl " : " , Fl ", stdout);
		roff_put_part(field + 1, n - 1 - (field[n - 1] == ','));
		field += n;
		field += strspn(field, " ");
		is_first = false;
	}
	if (field < end) {
		(void)fputs(" Ar \"", stdout);
		roff_put_part(field, (size_t)(end - field));
		(void)putchar('"');
	}
	(void)putchar('\n');
}

static void rpsctl_man_flag(const char *line)
{
	size_t begin = strspn(line, " ");
	size_t end = OPTIONS_HELP_COLUMN;

	/* A further line of the flag before it. */
	if (begin == OPTIONS_HELP_COLUMN) {
		roff_put(line + begin);
		(void)putchar('\n');
		return;
	}
	if (strlen(line) <= OPTIONS_HELP_COLUMN || line[begin] != '-' ||
		line[OPTIONS_HELP_COLUMN - 1] != ' ') {
		(void)fprintf(stderr, "rpsctl_man: no help at column %u of: %s\n",
			OPTIONS_HELP_COLUMN, line);
		exit(1);
	}
	while (line[end - 1] == ' ')
		end--;
	rpsctl_man_flag_head(line + begin, end - begin);
	roff_put(line + OPTIONS_HELP_COLUMN);
	(void)putchar('\n');
}

/* ".Ss For run, start and stop" */
static void rpsctl_man_heading(unsigned group)
{
	size_t n = 0;
	size_t at = 0;

	for (size_t i = 0; i < commands_n; i++)
		n += (commands[i].groups & group) != 0;
	(void)fputs(group & OPTIONS_ANY ? ".Ss For every command" : ".Ss For", stdout);
	for (size_t i = 0; i < commands_n && !(group & OPTIONS_ANY); i++) {
		if (!(commands[i].groups & group))
			continue;
		(void)fputs(at == 0 ? " " : at + 1 == n ? " and " : ", ", stdout);
		roff_put(commands[i].name);
		at++;
	}
	(void)puts("\n.Bl -tag -width Ds");
}

/* common: the flags that every group is described with, or NULL where these are meant. */
static void rpsctl_man_group(unsigned group, const char *common)
{
	struct buf text = {0};
	bool is_open = false;
	char *save = NULL;

	if (options_describe(group, &text))
		exit(1);
	for (char *line = text.data ? strtok_r(text.data, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		if (common && strstr(common, line))
			continue;
		if (!is_open)
			rpsctl_man_heading(group);
		is_open = true;
		rpsctl_man_flag(line);
	}
	if (is_open)
		(void)puts(".El");
	buf_fini(&text);
}

static void rpsctl_man_flags(void)
{
	struct buf common = {0};

	if (options_describe(0, &common) || !common.data)
		exit(1);
	for (unsigned group = 1; group; group <<= 1) {
		if (group != OPTIONS_ANY)
			rpsctl_man_group(group, common.data);
	}
	rpsctl_man_group(OPTIONS_ANY, NULL);
	buf_fini(&common);
}

/* ---------------------------------------------------------------- words of the report */

static void rpsctl_man_ledger(void)
{
	(void)puts(".Bl -tag -width \"connection error\" -compact");
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		const char *name = ledger_class_names[c];

		(void)fputs(".It ", stdout);
		roff_put(report_class(name).text);
		(void)putchar('\n');
		roff_put(
			c == LEDGER_OK ? fault_table[FAULT_NONE].help : report_class_meaning(name));
		(void)putchar('\n');
	}
	(void)puts(".El");
}

/* "bad-response" of the class bad_response need not be told its class. */
static bool rpsctl_man_is_class(const struct fault_info *fault)
{
	const char *name = ledger_class_names[fault->class];
	const char *c = fault->name;

	while (*c && (*c == *name || (*c == '-' && *name == '_'))) {
		c++;
		name++;
	}
	return *c == *name;
}

static void rpsctl_man_error(const struct fault_info *fault)
{
	(void)fputs(".It ", stdout);
	roff_put(fault->name);
	(void)putchar('\n');
	roff_put(fault->help);
	if (!rpsctl_man_is_class(fault)) {
		(void)fputs(" (", stdout);
		roff_put(report_class(ledger_class_names[fault->class]).text);
		(void)putchar(')');
	}
	(void)putchar('\n');
}

/* A list for each phase, in the order in which a request comes through them. */
static void rpsctl_man_errors(void)
{
	for (unsigned phase = FAULT_PHASE_NONE + 1; phase < FAULT_PHASE_COUNT; phase++) {
		(void)fputs(phase > FAULT_PHASE_NONE + 1 ? ".Pp\n" : "", stdout);
		(void)fputs("Phase\n.Em ", stdout);
		roff_put(fault_phase_names[phase]);
		(void)puts("\n.Bl -tag -width \"tls\\-not\\-yet\\-valid\" -compact");
		for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
			if (fault_table[f].phase == (enum fault_phase)phase)
				rpsctl_man_error(&fault_table[f]);
		(void)puts(".El");
	}
}

static const struct {
	const char *name;
	void (*print)(void);
} rpsctl_man_lists[] = {
	{"commands", rpsctl_man_commands},
	{"flags", rpsctl_man_flags},
	{"ledger", rpsctl_man_ledger},
	{"errors", rpsctl_man_errors},
};

int main(int argc, char *argv[])
{
	for (size_t i = 0; i < sizeof(rpsctl_man_lists) / sizeof(*rpsctl_man_lists); i++) {
		if (argc == 2 && str_eq(argv[1], rpsctl_man_lists[i].name)) {
			rpsctl_man_lists[i].print();
			return roff_finish();
		}
	}
	(void)fputs("usage: rpsctl_man commands|flags|ledger|errors\n", stderr);
	return 64;
}
