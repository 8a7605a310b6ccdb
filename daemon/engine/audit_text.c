/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures as a person reads them, for the sentences of the audit. ASCII; each result is a value of
 * its own, so that several fit into one printf. Pure; any thread.
 */
#include "daemon/engine/audit_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/ledger.h"

struct audit_text audit_text_count(uint64_t n)
{
	struct audit_text digits, t;
	size_t len, out = 0;

	len = (size_t)snprintf(digits.s, sizeof(digits.s), "%llu", (unsigned long long)n);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			t.s[out++] = ',';
		t.s[out++] = digits.s[i];
	}
	t.s[out] = '\0';
	return t;
}

struct audit_text audit_text_time(int64_t ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}, {60e9, "min"}, {3600e9, "h"}};
	struct audit_text t;
	size_t i = 0;
	double v;

	if (ns < 1000) {
		snprintf(t.s, sizeof(t.s), "%d ns", (int)(ns < 0 ? 0 : ns));
		return t;
	}
	/* What would round to 1000 is shown as 1.00 of the next unit. */
	while (i + 1 < sizeof(units) / sizeof(units[0]) && (double)ns / units[i].ns >= 999.5)
		i++;
	v = (double)ns / units[i].ns;
	snprintf(t.s, sizeof(t.s), "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[i].name);
	return t;
}

struct audit_text audit_text_rate(double per_s)
{
	struct audit_text t;

	if (per_s >= 99.95 && per_s < 1e15) {
		t = audit_text_count((uint64_t)(per_s + 0.5));
		strcat(t.s, "/s");
		return t;
	}
	snprintf(t.s, sizeof(t.s), "%.3g/s", per_s);
	return t;
}

struct audit_text audit_text_share(double share)
{
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), share > 0 && share < 0.001 ? "%.2g %%" : "%.1f %%", share * 100);
	return t;
}

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
			ledger_class_names[most], audit_text_count(l->classes[most]).s);
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
