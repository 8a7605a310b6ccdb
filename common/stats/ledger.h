/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: every planned arrival ends in exactly one class (measurement page A.7).
 *   planned = sent + dropped + expired + not_connected + unsent + lost
 *   sent    = ok + http_error + check_failed + bad_response + timeout + connection_error +
 * unfinished Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum ledger_class {
	/* never sent */
	LEDGER_DROPPED,	      /* no free connection and no room to wait */
	LEDGER_EXPIRED,	      /* waited its whole timeout for a connection */
	LEDGER_NOT_CONNECTED, /* the connection it waited for could not be opened */
	LEDGER_UNSENT,	      /* still waiting when the run ended */
	LEDGER_LOST,	      /* the generator that held it was lost; 0 in a complete run */
	/* sent */
	LEDGER_OK,
	LEDGER_HTTP_ERROR,   /* a status outside the expected ones */
	LEDGER_CHECK_FAILED, /* answered, but a check failed */
	LEDGER_BAD_RESPONSE, /* not HTTP/1.1 */
	LEDGER_TIMEOUT,
	LEDGER_CONNECTION_ERROR, /* closed or reset before the answer was complete */
	LEDGER_UNFINISHED,	 /* no answer yet when the drain ended */
	LEDGER_CLASS_COUNT,
};

/* "dropped", "http_error", … : the names in results. */
extern const char *const ledger_class_names[LEDGER_CLASS_COUNT];

static inline bool ledger_class_is_sent(enum ledger_class c)
{
	return c >= LEDGER_OK;
}

struct ledger {
	uint64_t planned;
	uint64_t sent;
	uint64_t classes[LEDGER_CLASS_COUNT];
};

void ledger_add(struct ledger *to, const struct ledger *from);
/* Arrivals that ended in a class. */
uint64_t ledger_resolved(const struct ledger *l);
/* Both equations hold (only true once every arrival has ended). */
bool ledger_balances(const struct ledger *l);
/* The same at any earlier time, while this many arrivals wait to be sent and this many are in
 * flight. */
bool ledger_balances_with(const struct ledger *l, uint64_t waiting, uint64_t in_flight);
/* (planned - ok) / planned; 0 when nothing was planned. */
double ledger_failed_share(const struct ledger *l);
