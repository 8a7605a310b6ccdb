/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what -o FILE.json has written, or says in one line why that is no result. */
#include "ctl/result_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit_codes.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result.h"
#include "common/str.h"
#include "ctl/command.h"

#define RESULT_FILE_MAX ((size_t)64 << 20)

int result_file_read(const char *path, json_t **ret)
{
	unsigned long failures = memory_failures();
	json_error_t error;
	json_t *doc;
	char *text;
	size_t len;
	int r = file_read_stream(path, RESULT_FILE_MAX, &text, &len);

	if (r) {
		command_complain("%s: %s", path, strerror(-r));
		return r == -ENOMEM ? EXIT_NO_DAEMON : EXIT_NO_INPUT;
	}
	doc = json_loadb(text, len, 0, &error);
	free(text);
	if (!doc && memory_failures() != failures) {
		command_complain("%s: %s", path, strerror(ENOMEM));
		return EXIT_NO_DAEMON;
	}
	if (!doc) {
		command_complain("%s:%d: this is not JSON: %s", path, error.line, error.text);
		return EXIT_CONFIG;
	}
	if (!str_eq(json_path_text(doc, "schema"), RESULT_SCHEMA)) {
		command_complain("%s: this is not the result of a run (%s)", path, RESULT_SCHEMA);
		json_decref(doc);
		return EXIT_CONFIG;
	}
	*ret = doc;
	return 0;
}
