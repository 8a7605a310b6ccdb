/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fault.h"

#include <errno.h>

const struct fault_info fault_table[FAULT_COUNT] = {
	[FAULT_NONE] = {"none", "", LEDGER_OK, "a good answer"},
	[FAULT_DROPPED] = {"dropped", "queue", LEDGER_DROPPED,
		"no connection was free and the queue was full or not allowed"},
	[FAULT_EXPIRED] = {"expired", "queue", LEDGER_EXPIRED,
		"waited its whole timeout for a connection"},
	[FAULT_CONNECT_REFUSED] = {"connect-refused", "connect", LEDGER_NOT_CONNECTED,
		"nothing listens on the port"},
	[FAULT_CONNECT_TIMEOUT] = {"connect-timeout", "connect", LEDGER_NOT_CONNECTED,
		"no answer to the connection attempt within [timeouts] connect"},
	[FAULT_CONNECT_ERROR] = {"connect-error", "connect", LEDGER_NOT_CONNECTED,
		"the network refused the connection"},
	[FAULT_TLS_CERTIFICATE] = {"tls-certificate", "tls", LEDGER_NOT_CONNECTED,
		"the server's certificate cannot be trusted"},
	[FAULT_TLS_TIMEOUT] = {"tls-timeout", "tls", LEDGER_NOT_CONNECTED,
		"connected, but no end of the TLS handshake within [timeouts] connect"},
	[FAULT_TLS] = {"tls", "tls", LEDGER_NOT_CONNECTED, "the TLS handshake failed"},
	[FAULT_GENERATOR] = {"generator", "connect", LEDGER_NOT_CONNECTED,
		"this host ran out of descriptors, ports or memory"},
	[FAULT_SEND] = {"send", "send", LEDGER_CONNECTION_ERROR, "sending failed"},
	[FAULT_CLOSED] = {"closed", "receive", LEDGER_CONNECTION_ERROR,
		"the server closed before its response was complete"},
	[FAULT_RESET] = {"reset", "receive", LEDGER_CONNECTION_ERROR,
		"the server reset the connection"},
	[FAULT_RECEIVE] = {"receive", "receive", LEDGER_CONNECTION_ERROR, "receiving failed"},
	[FAULT_BAD_RESPONSE] = {"bad-response", "parse", LEDGER_BAD_RESPONSE,
		"the answer is not HTTP/1.1"},
	[FAULT_TIMEOUT] = {"timeout", "timeout", LEDGER_TIMEOUT,
		"no complete response within [timeouts] request"},
	[FAULT_STATUS] = {"status", "status", LEDGER_HTTP_ERROR, "a status of 400 or more"},
};

enum fault fault_of_connect_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAULT_CONNECT_REFUSED;
	case ETIMEDOUT:
		return FAULT_CONNECT_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case EPERM:
		return FAULT_GENERATOR;
	default:
		return FAULT_CONNECT_ERROR;
	}
}
