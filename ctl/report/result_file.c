/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what -o FILE.json has written, or says in one line why that is no result. */
#include "ctl/report/result_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/exit_codes.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result.h"
#include "common/str.h"
#include "ctl/command.h"
#include "ctl/report/format.h"

#define RESULT_FILE_MAX ((size_t)64 << 20)
#define RESULT_FILE_WRITE "rpsctl URL -o FILE.json writes one"

static int result_file_unreadable(const char *path, int error)
{
	if (error == -ENOMEM)
		return command_out_of_memory(path);
	if (error == -ENOENT)
		command_complain(
			"%s: no such file; a result is a .json file: " RESULT_FILE_WRITE, path);
	else
		command_complain("%s: %s", path, file_error(error));
	return EXIT_NO_INPUT;
}

static bool result_file_has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n');
}

/* Tells what a file is that is no JSON. A report holds its run file, so that the name decides
 * first.
 */
static int result_file_odd(const char *path, const char *text, const json_error_t *error)
{
	bool is_report = !str_ends(path, ".json") && format_for(path);

	if (!is_report && (str_ends(path, ".ini") || result_file_has_line(text, "[target]")))
		command_complain("%s: this is a run file, not a result: rpsctl run %s runs it, and "
				 "with -o FILE.json writes its result",
			path, path);
	else if (is_report)
		command_complain(
			"%s: only a result in JSON can be read back: " RESULT_FILE_WRITE, path);
	else
		command_complain("%s:%d: this is not JSON, so no result: %s", path, error->line,
			error->text);
	return EXIT_CONFIG;
}

int result_file_read(const char *path, json_t **ret)
{
	unsigned long failures = memory_failures();
	json_error_t error;
	json_t *doc;
	char *text;
	size_t len;
	int r = file_read_stream(path, RESULT_FILE_MAX, &text, &len);

	if (r)
		return result_file_unreadable(path, r);
	doc = memory_load_json(text, len, 0, &error);
	if (!doc)
		r = memory_failures() != failures ? result_file_unreadable(path, -ENOMEM)
						  : result_file_odd(path, text, &error);
	free(text);
	if (r)
		return r;
	if (!str_eq(json_path_text(doc, "schema"), RESULT_SCHEMA)) {
		command_complain(
			"%s: this is JSON, but not the result of a run (%s): " RESULT_FILE_WRITE,
			path, RESULT_SCHEMA);
		json_decref(doc);
		return EXIT_CONFIG;
	}
	*ret = doc;
	return 0;
}

/* An id ends in its run's number, "checkout-12". */
static bool result_file_is_id(const char *word)
{
	const char *number = strrchr(word, '-');

	return number && number[1] && !number[1 + strspn(number + 1, "0123456789")];
}

bool result_file_is_meant(const char *word)
{
	struct stat st;

	if (strchr(word, '/') || str_ends(word, ".ini") || format_for(word))
		return true;
	return !result_file_is_id(word) && stat(word, &st) == 0 && S_ISREG(st.st_mode);
}
