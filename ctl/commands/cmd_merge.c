/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl merge: makes one result of those of runs of one plan, which were parts of one load or
 * (with --repeats) repetitions of it, from their files, without a daemon. The exit status is that
 * of a run with the figures of the sum; where one of them failed or was ended early, it is that of
 * this run, so that a script which starts one run on each of five hosts can end with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result_merge.h"
#include "ctl/commands/cmd.h"
#include "ctl/report/output.h"
#include "ctl/report/result_file.h"
#include "ctl/report/rules.h"

/* Refuses the same file under two names: reading it twice would only report the same run twice. */
static int cmd_merge_check_files(const struct options *o)
{
	struct stat *files = memory_calloc(o->n_args, sizeof(*files));
	int r = files ? 0 : EXIT_NO_DAEMON;

	for (size_t i = 0; i < o->n_args && r == 0; i++) {
		/* A missing file is reported when it is read. */
		if (stat(o->args[i], &files[i]) == -1)
			continue;
		for (size_t k = 0; k < i && r == 0; k++) {
			if (files[k].st_ino != files[i].st_ino ||
				files[k].st_dev != files[i].st_dev)
				continue;
			command_complain("%s and %s are the same file: it would count twice",
				o->args[k], o->args[i]);
			r = EXIT_CONFIG;
		}
	}
	free(files);
	return r;
}

static int cmd_merge_files(const struct options *o, struct result_merge_part *parts, json_t **ret)
{
	struct err err = {0};
	int r;

	for (size_t i = 0; i < o->n_args; i++) {
		json_t *doc;

		r = result_file_read(o->args[i], &doc);
		if (r)
			return r;
		parts[i] = (struct result_merge_part){o->args[i], doc};
	}
	r = result_merge(parts, o->n_args, o->repeats ? RESULT_MERGE_REPEATS : RESULT_MERGE_PARTS,
		ret, &err);
	if (r == 0)
		return 0;
	if (r != RESULT_MERGE_E_REFUSED)
		return command_out_of_memory("the sum");
	command_complain("%s", err.text);
	return EXIT_CONFIG;
}

int cmd_merge(struct options *o)
{
	struct result_merge_part *parts;
	struct err err = {0};
	json_t *doc = NULL;
	int64_t code = 0;
	int r = output_check(o, &err);

	if (r) {
		command_complain("%s", err.text);
		return r;
	}
	r = rules_check(o);
	if (r == 0)
		r = cmd_merge_check_files(o);
	if (r)
		return r;
	parts = calloc(o->n_args, sizeof(*parts));
	if (!parts)
		return command_out_of_memory("the sum");
	r = cmd_merge_files(o, parts, &doc);
	if (r == 0)
		r = rules_apply(o, doc);
	if (r == 0)
		r = output_report(o, doc);
	if (r == 0 && json_path_int(doc, "run.exit_code", &code) && code >= 0 && code < 256)
		r = (int)code;
	json_decref(doc);
	for (size_t i = 0; i < o->n_args; i++)
		json_decref((json_t *)parts[i].doc);
	free(parts);
	return r;
}
