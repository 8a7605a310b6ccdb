/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a run that goes on, as its view and its lines show them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/figure.h"
#include "common/rules/rule.h"

struct progress;

struct view_rule {
	struct rule rule;
	char metric[64];  /* "p99.9", "rate" */
	char limit[64];	  /* "< 50ms" */
	const char *word; /* "holding", "broken" or "undecided" */
	const char *colour;
	struct figure value; /* over the whole run so far */
};
/* Rule i; false: there is none, or it cannot be read. */
bool view_rule(const struct progress *doc, size_t i, struct view_rule *ret);
size_t view_n_rules(const struct progress *doc);
/* The word of the worst of them; "" without rules. */
const char *view_worst_rule(const struct progress *doc);
