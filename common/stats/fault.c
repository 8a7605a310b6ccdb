/* SPDX-License-Identifier: Apache-2.0 */
#include "common/stats/fault.h"

#include <errno.h>

const char *const fault_phase_names[FAULT_PHASE_COUNT] = {
	[FAULT_PHASE_NONE] = "",
	[FAULT_PHASE_QUEUE] = "queue",
	[FAULT_PHASE_RESOLVE] = "resolve",
	[FAULT_PHASE_CONNECT] = "connect",
	[FAULT_PHASE_TLS] = "tls",
	[FAULT_PHASE_SEND] = "send",
	[FAULT_PHASE_RECEIVE] = "receive",
	[FAULT_PHASE_PARSE] = "parse",
	[FAULT_PHASE_TIMEOUT] = "timeout",
	[FAULT_PHASE_STATUS] = "status",
	[FAULT_PHASE_CHECK] = "check",
	[FAULT_PHASE_GENERATOR] = "generator",
};

const struct fault_info fault_table[FAULT_COUNT] = {
	[FAULT_NONE] = {"none", FAULT_PHASE_NONE, LEDGER_OK, "a good answer"},

	[FAULT_DROPPED] = {"dropped", FAULT_PHASE_QUEUE, LEDGER_DROPPED,
		"no connection was free, and the queue was full or not allowed"},
	[FAULT_EXPIRED] = {"expired", FAULT_PHASE_QUEUE, LEDGER_EXPIRED,
		"the request timeout passed while waiting for a connection"},

	[FAULT_RESOLVE] = {"resolve", FAULT_PHASE_RESOLVE, LEDGER_NOT_CONNECTED,
		"the name of the target has no address"},

	[FAULT_CONNECT_REFUSED] = {"connect-refused", FAULT_PHASE_CONNECT, LEDGER_NOT_CONNECTED,
		"no process listens at this address"},
	[FAULT_CONNECT_BACKLOG] = {"connect-backlog", FAULT_PHASE_CONNECT, LEDGER_NOT_CONNECTED,
		"the server's queue of new connections is full (its listen backlog)"},
	[FAULT_CONNECT_TIMEOUT] = {"connect-timeout", FAULT_PHASE_CONNECT, LEDGER_NOT_CONNECTED,
		"the connection attempt was not answered within [timeouts] connect or request"},
	[FAULT_CONNECT_ERROR] = {"connect-error", FAULT_PHASE_CONNECT, LEDGER_NOT_CONNECTED,
		"the connection failed: reset by the server, no route, or no such socket"},

	[FAULT_TLS_EXPIRED] = {"tls-expired", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server's certificate has expired"},
	[FAULT_TLS_NOT_YET_VALID] = {"tls-not-yet-valid", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server's certificate is not valid yet"},
	[FAULT_TLS_SELF_SIGNED] = {"tls-self-signed", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server's certificate is self-signed and not trusted"},
	[FAULT_TLS_UNTRUSTED] = {"tls-untrusted", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the issuer of the server's certificate is not trusted"},
	[FAULT_TLS_WRONG_HOST] = {"tls-wrong-host", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server's certificate is for another host"},
	[FAULT_TLS_CERTIFICATE] = {"tls-certificate", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server's certificate has some other flaw"},
	[FAULT_TLS_ALPN] = {"tls-alpn", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server supports none of the protocols offered (ALPN)"},
	[FAULT_TLS_ALERT] = {"tls-alert", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server ended the TLS handshake with an alert"},
	[FAULT_TLS_CLOSED] = {"tls-closed", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server closed the connection during the TLS handshake"},
	[FAULT_TLS_TIMEOUT] = {"tls-timeout", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the TLS handshake took longer than [timeouts] connect or request"},
	[FAULT_NOT_TLS] = {"not-tls", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"the server does not speak TLS at this port"},
	[FAULT_TLS_PROTOCOL] = {"tls-protocol", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"no TLS version in common, or an invalid handshake"},
	[FAULT_TLS_SETUP] = {"tls-setup", FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED,
		"a file or a list of [tls] cannot be used"},

	[FAULT_SEND] = {"send", FAULT_PHASE_SEND, LEDGER_CONNECTION_ERROR, "sending failed"},

	[FAULT_STALE] = {"stale", FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR,
		"the server was closing a kept connection just as it was used again"},
	[FAULT_CLOSED] = {"closed", FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR,
		"the server closed the connection before the response was complete"},
	[FAULT_TRUNCATED] = {"truncated", FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR,
		"the connection ended without TLS close_notify: the body may be cut"},
	[FAULT_RESET] = {"reset", FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR,
		"the server reset the connection"},
	[FAULT_RECEIVE] = {"receive", FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR,
		"receiving failed"},

	[FAULT_NOT_HTTP] = {"not-http", FAULT_PHASE_PARSE, LEDGER_BAD_RESPONSE,
		"the answer does not begin with HTTP/"},
	[FAULT_SPEAKS_TLS] = {"speaks-tls", FAULT_PHASE_PARSE, LEDGER_BAD_RESPONSE,
		"the server speaks TLS at this port: try https://"},
	[FAULT_SPEAKS_HTTP2] = {"speaks-http2", FAULT_PHASE_PARSE, LEDGER_BAD_RESPONSE,
		"the server speaks HTTP/2 at this port, which rpsd does not"},
	[FAULT_BAD_RESPONSE] = {"bad-response", FAULT_PHASE_PARSE, LEDGER_BAD_RESPONSE,
		"the answer is not valid HTTP/1.1, or its headers have more than 1 MiB"},

	[FAULT_TIMEOUT] = {"timeout", FAULT_PHASE_TIMEOUT, LEDGER_TIMEOUT,
		"no complete response within [timeouts] request"},

	[FAULT_STATUS] = {"status", FAULT_PHASE_STATUS, LEDGER_HTTP_ERROR,
		"the status is not expected: 400 or more, or outside expect-status"},

	[FAULT_CHECK_HEADER] = {"check-header", FAULT_PHASE_CHECK, LEDGER_CHECK_FAILED,
		"the answer lacks a header of expect-header"},
	[FAULT_CHECK_BODY] = {"check-body", FAULT_PHASE_CHECK, LEDGER_CHECK_FAILED,
		"the answer's body lacks the text of expect-body"},
	[FAULT_CHECK_SIZE] = {"check-size", FAULT_PHASE_CHECK, LEDGER_CHECK_FAILED,
		"the size of the answer's body is not that of expect-size"},
	[FAULT_CHECK_HASH] = {"check-hash", FAULT_PHASE_CHECK, LEDGER_CHECK_FAILED,
		"the hash of the answer's body is not that of expect-sha256"},

	[FAULT_NO_DESCRIPTORS] = {"no-descriptors", FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED,
		"this process or host has no free descriptor left for a connection"},
	[FAULT_NO_PORTS] = {"no-ports", FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED,
		"this host has no free port left for a connection to the server"},
	[FAULT_NO_MEMORY] = {"no-memory", FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED,
		"this host has no memory left for a connection"},
	[FAULT_FORBIDDEN] = {"forbidden", FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED,
		"the policy, the permissions of a socket or this host's packet filter forbid it"},
	[FAULT_EVENT_LOOP] = {"event-loop", FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED,
		"the event loop of a worker failed"},
};

enum fault fault_of_connect_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAULT_CONNECT_REFUSED;
	case EAGAIN: /* unix(7) */
		return FAULT_CONNECT_BACKLOG;
	case ETIMEDOUT:
		return FAULT_CONNECT_TIMEOUT;
	case EMFILE:
	case ENFILE:
		return FAULT_NO_DESCRIPTORS;
	case EADDRNOTAVAIL:
	case EADDRINUSE:
		return FAULT_NO_PORTS;
	case ENOMEM:
	case ENOBUFS:
		return FAULT_NO_MEMORY;
	case EPERM:
	case EACCES:
		return FAULT_FORBIDDEN;
	default:
		return FAULT_CONNECT_ERROR;
	}
}
