/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of a plan begin with the place of what is wrong. A file's is its path, which begins with
 * no '-' unless it was typed so. */
#include "ctl/problem.h"

#include "common/buf.h"
#include "common/str.h"
#include "ctl/print.h"

bool problem_is_of_command_line(const char *text)
{
	return text[0] == '-' || str_starts(text, PROBLEM_URL ": ");
}

static const char *problem_prefix(const char *text)
{
	return problem_is_of_command_line(text) ? "rpsctl: " : "";
}

int problem_write(const char *text, struct buf *ret)
{
	return buf_printf(ret, "%s%s\n", problem_prefix(text), text);
}

void problem_print(const char *text)
{
	print_errf("%s%s\n", problem_prefix(text), text);
}
