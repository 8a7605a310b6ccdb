/* SPDX-License-Identifier: Apache-2.0 */
/* The account of a run's arrivals. Workers count into ledgers of their own and main adds them up,
 * so nothing here is atomic. The sums let unsigned arithmetic wrap on purpose: a counter that was
 * decremented once too often must show as "does not balance" and must not abort the program. Each
 * ledger belongs to one thread at a time. */
#include "common/stats/ledger.h"

const char *const ledger_class_names[LEDGER_CLASS_COUNT] = {
	[LEDGER_DROPPED] = "dropped",
	[LEDGER_EXPIRED] = "expired",
	[LEDGER_NOT_CONNECTED] = "not_connected",
	[LEDGER_UNSENT] = "unsent",
	[LEDGER_LOST] = "lost",
	[LEDGER_OK] = "ok",
	[LEDGER_HTTP_ERROR] = "http_error",
	[LEDGER_CHECK_FAILED] = "check_failed",
	[LEDGER_BAD_RESPONSE] = "bad_response",
	[LEDGER_TIMEOUT] = "timeout",
	[LEDGER_CONNECTION_ERROR] = "connection_error",
	[LEDGER_UNFINISHED] = "unfinished",
};

static uint64_t ledger_sum(const struct ledger *l, bool is_sent)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		if (ledger_class_is_sent(c) == is_sent)
			sum += l->classes[c];
	return sum;
}

void ledger_add(struct ledger *to, const struct ledger *from)
{
	to->planned += from->planned;
	to->sent += from->sent;
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		to->classes[c] += from->classes[c];
}

uint64_t ledger_resolved(const struct ledger *l)
{
	return ledger_sum(l, false) + ledger_sum(l, true);
}

bool ledger_balances(const struct ledger *l)
{
	return ledger_balances_with(l, 0, 0);
}

bool ledger_balances_with(const struct ledger *l, uint64_t waiting, uint64_t in_flight)
{
	return l->sent == ledger_sum(l, true) + in_flight &&
	       l->planned == l->sent + ledger_sum(l, false) + waiting;
}

double ledger_failed_share(const struct ledger *l)
{
	/* Computed as double: an unbalanced ledger may have more ok than planned, and must not wrap
	 * here. */
	if (l->planned == 0)
		return 0;
	return ((double)l->planned - (double)l->classes[LEDGER_OK]) / (double)l->planned;
}
