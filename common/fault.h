/* SPDX-License-Identifier: Apache-2.0 */
/* What can go wrong with one arrival: a fault, in which phase it happens, and the ledger class in
 * which the arrival then ends. One table for counters, results and reports. Pure. */
#pragma once

#include "common/ledger.h"

enum fault {
	FAULT_NONE,
	FAULT_DROPPED,
	FAULT_EXPIRED,
	FAULT_CONNECT_REFUSED,
	FAULT_CONNECT_TIMEOUT,
	FAULT_CONNECT_ERROR,   /* any other answer of the network */
	FAULT_TLS_CERTIFICATE, /* the server's, refused by us */
	FAULT_TLS_TIMEOUT,
	FAULT_TLS,	 /* any other end of a handshake */
	FAULT_GENERATOR, /* ours: no descriptor, port or memory left */
	FAULT_SEND,
	FAULT_CLOSED, /* the peer closed before the response was complete */
	FAULT_RESET,
	FAULT_RECEIVE,
	FAULT_BAD_RESPONSE,
	FAULT_TIMEOUT,
	FAULT_STATUS,
	FAULT_COUNT,
};

struct fault_info {
	const char *name;  /* "connect-refused": errors[].class in results */
	const char *phase; /* "connect" */
	enum ledger_class class;
	const char *help; /* one line for people */
};
extern const struct fault_info fault_table[FAULT_COUNT];

/* The fault behind an errno of connect() or of the socket calls before it. */
enum fault fault_of_connect_errno(int error);
