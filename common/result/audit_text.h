/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the audit's sentences. Pure. */
#pragma once

#include <stdint.h>

struct ledger;

struct audit_text {
	char s[128];
};

/* "timeout 5,500, connection error 12": the classes but ok, at most three, the largest first. */
struct audit_text audit_text_failures(const struct ledger *l);

/* A round number near x >= 1, at most a quarter of it away: for advice. */
uint64_t audit_text_round_number(double x);
