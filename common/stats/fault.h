/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which one arrival can fail: a fault, the phase in which it happens, and the ledger
 * class in which the arrival then ends. Counters, results, reports, help and manual are made from
 * this one table. Pure. */
#pragma once

#include "common/stats/ledger.h"

/* In the order in which a request passes through them. */
enum fault_phase {
	FAULT_PHASE_NONE,
	FAULT_PHASE_QUEUE, /* waiting for a connection */
	FAULT_PHASE_RESOLVE,
	FAULT_PHASE_CONNECT,
	FAULT_PHASE_TLS,
	FAULT_PHASE_SEND,
	FAULT_PHASE_RECEIVE,
	FAULT_PHASE_PARSE,
	FAULT_PHASE_TIMEOUT,
	FAULT_PHASE_STATUS,
	FAULT_PHASE_CHECK,
	FAULT_PHASE_GENERATOR, /* a failure of the generator, not of the server */
	FAULT_PHASE_COUNT,
};
/* "queue", …: errors[].phase in results; "" for none. */
extern const char *const fault_phase_names[FAULT_PHASE_COUNT];

enum fault {
	FAULT_NONE,
	FAULT_DROPPED,
	FAULT_EXPIRED,
	FAULT_RESOLVE,
	FAULT_CONNECT_REFUSED,
	FAULT_CONNECT_BACKLOG, /* a Unix socket alone: TCP tries again by itself */
	FAULT_CONNECT_TIMEOUT,
	FAULT_CONNECT_ERROR, /* any other answer of the network */
	FAULT_TLS_EXPIRED,   /* the server's certificate was refused, and why */
	FAULT_TLS_NOT_YET_VALID,
	FAULT_TLS_SELF_SIGNED,
	FAULT_TLS_UNTRUSTED,
	FAULT_TLS_WRONG_HOST,
	FAULT_TLS_CERTIFICATE,
	FAULT_TLS_ALPN,
	FAULT_TLS_ALERT,
	FAULT_TLS_CLOSED,
	FAULT_TLS_TIMEOUT,
	FAULT_NOT_TLS,	    /* the server answered the handshake with other bytes */
	FAULT_TLS_PROTOCOL, /* any other end of a handshake */
	FAULT_TLS_SETUP,    /* a fault on the generator's side, before anything was connected */
	FAULT_SEND,
	FAULT_STALE,	 /* a kept connection was being closed when it was used; not repeated */
	FAULT_CLOSED,	 /* the peer closed before the response was complete */
	FAULT_TRUNCATED, /* no TLS close_notify, in a body that ends with the connection */
	FAULT_RESET,
	FAULT_RECEIVE,
	FAULT_NOT_HTTP, /* bytes of an unknown protocol */
	FAULT_SPEAKS_TLS,
	FAULT_SPEAKS_HTTP2,
	FAULT_BAD_RESPONSE,
	FAULT_TIMEOUT,
	FAULT_STATUS,
	FAULT_CHECK_HEADER,
	FAULT_CHECK_BODY,
	FAULT_CHECK_SIZE,
	FAULT_CHECK_HASH,
	FAULT_NO_DESCRIPTORS,
	FAULT_NO_PORTS,
	FAULT_NO_MEMORY,
	FAULT_FORBIDDEN, /* by the guard, or the kernel's filter */
	FAULT_EVENT_LOOP,
	FAULT_COUNT,
};

struct fault_info {
	const char *name; /* "connect-refused": errors[].class in results */
	enum fault_phase phase;
	enum ledger_class class;
	const char *help; /* one line for people */
};
extern const struct fault_info fault_table[FAULT_COUNT];

/* The fault for an errno of connect() or of the socket calls before it. */
enum fault fault_of_connect_errno(int error);
