/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as a person reads them, for the sentences of the audit. Pure. */
#pragma once

#include <stdint.h>

struct ledger;

struct audit_text {
	char s[128];
};

struct audit_text audit_text_count(uint64_t n);	 /* "12,345" */
struct audit_text audit_text_time(int64_t ns);	 /* three digits in the unit that fits: "20.1 ms" */
struct audit_text audit_text_rate(double per_s); /* "1,000/s", "0.2/s" */
struct audit_text audit_text_share(double share); /* 0.065 is "6.5 %" */

/* "timeout 5,500, connection error 12": the classes but ok, at most three, the largest first. */
struct audit_text audit_text_failures(const struct ledger *l);

/* A round number near x >= 1, at most a quarter of it away: for advice. */
uint64_t audit_text_round_number(double x);
