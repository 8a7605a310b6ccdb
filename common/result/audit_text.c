/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the audit's sentences. ASCII; pure; any thread. */
#include "common/result/audit_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "common/stats/ledger.h"

struct audit_text audit_text_failures(const struct ledger *l)
{
	struct audit_text t = {""};
	bool seen[LEDGER_CLASS_COUNT] = {[LEDGER_OK] = true};

	for (unsigned round = 0; round < 3; round++) {
		unsigned most = LEDGER_OK;
		size_t len = strlen(t.s);

		for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
			if (!seen[c] && l->classes[c] > 0 &&
				(most == LEDGER_OK || l->classes[c] > l->classes[most]))
				most = c;
		if (most == LEDGER_OK)
			break;
		seen[most] = true;
		snprintf(t.s + len, sizeof(t.s) - len, "%s%s %.32s", len ? ", " : "",
			ledger_class_names[most], figure_count((int64_t)l->classes[most]).text);
	}
	for (char *c = t.s; *c; c++)
		if (*c == '_')
			*c = ' ';
	return t;
}

/* 1, 2, 3 … 9, then in steps of 5, of 50, and so on. */
uint64_t audit_text_round_number(double x)
{
	uint64_t step = 1;

	x = fmin(x, 1e15);
	while (x >= 10 * (double)step && step < UINT64_C(1000000000))
		step *= 10;
	step = step > 1 ? step / 2 : 1;
	return (uint64_t)ceil(x / (double)step - 0.5) * step;
}
