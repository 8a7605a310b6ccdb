/* SPDX-License-Identifier: Apache-2.0 */
/* Names that the service does not know: what it knows instead. */
#pragma once

#include <stdbool.h>

struct buf;
struct client_answer;
struct options;

enum suggest_known {
	SUGGEST_EXACTLY,
	SUGGEST_NEARLY,
	SUGGEST_NOT,
};

/* Whether the service has a named run of that name (Start, Show), or else a run of that id. The
 * nearest is put into ret where it is nearly one, and the directory of named runs into ret_place.
 * Without a service: not, and no place. */
enum suggest_known suggest_find(const struct options *o, bool is_plan, const char *name,
	struct buf *ret, struct buf *ret_place);

/* The line about a run that the service does not have: where it looked, and the nearest. */
void suggest_explain(
	const struct options *o, const char *method, const char *name, struct buf *ret);

/* The answer's error as client_explain has it; but for a run that is not there, as above. Returns
 * the exit status. */
int suggest_explain_answer(const struct options *o, const char *method,
	const struct client_answer *a, struct buf *ret);
