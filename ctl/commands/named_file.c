/* SPDX-License-Identifier: Apache-2.0 */
/* The service is asked first, because its run is what the word means; without a service the file
 * needs none. That call is made only where there is such a file. */
#include "ctl/commands/named_file.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/str.h"
#include "ctl/command.h"
#include "ctl/options.h"
#include "ctl/report/format.h"
#include "ctl/start/start_request.h"
#include "ctl/suggest.h"

static bool named_file_is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Its name says that it is a report. A run file may be a .txt, and JSON is looked at. */
static bool named_file_is_report(const char *path)
{
	return format_for(path) && !str_ends(path, ".txt") && !str_ends(path, ".json");
}

static void named_file_say(const struct options *o, const char *word, const char *path)
{
	const char *command = o->command ? o->command : "";
	const char *gap = *command ? " " : "";
	const char *here = path == word ? "./" : "";
	const char *odd = path == word ? start_request_odd_text(path) : NULL;
	char what[200];

	if (o->command)
		(void)snprintf(what, sizeof(what),
			"%s: %.100s is read as the name of a run of the service", command, word);
	else
		(void)snprintf(what, sizeof(what), "there is no command %.100s", word);
	if (odd)
		command_complain("%s; ./%s: %s", what, path, odd);
	else if (path == word && named_file_is_report(path))
		command_complain("%s; the file of that name is a report, and what runs is a run "
				 "file (.ini) or a URL",
			what);
	else if (str_eq(command, "show"))
		command_complain(
			"%s; rpsctl check %s prints what the file of that name means", what, path);
	else
		command_complain("%s; a run file of that name: rpsctl %s%s%s%s", what, command, gap,
			here, path);
}

bool named_file_complain(const struct options *o, const char *word)
{
	struct buf near = {0}, place = {0};
	char with_ending[PATH_MAX];
	const char *path = NULL;

	if (snprintf(with_ending, sizeof(with_ending), "%s.ini", word) < (int)sizeof(with_ending) &&
		named_file_is_there(with_ending))
		path = with_ending;
	else if (named_file_is_there(word))
		path = word;
	if (path && suggest_find(o, true, word, &near, &place) == SUGGEST_EXACTLY)
		path = NULL;
	buf_fini(&place);
	buf_fini(&near);
	if (path)
		named_file_say(o, word, path);
	return path;
}
