/* SPDX-License-Identifier: Apache-2.0 */
/* A script for a hostile server: what it does on each connection, as words.
 *
 *	request send "HTTP/1.1 200 OK\r\n" forever { send "X: y\r\n" }
 *
 *	request                   waits for one, with its body where it has a Content-Length
 *	send TEXT                 in quotes where it has blanks; \r \n \t \0 \xNN \\ \" as in C
 *	send-slowly N TIME TEXT   N bytes of it each TIME
 *	raw TEXT                  past TLS, where there is TLS
 *	delay TIME
 *	repeat N { ... }
 *	forever { ... }           until the client goes or the limit is reached
 *	cut WHERE HOW             WHERE bytes more go out, those of TLS counted, then HOW: rst, fin,
 *	                          or hang. WHERE: N (0: instead of the first byte), or index: no
 *	                          byte on the first connection, 1 on the second, ...
 *	fin                       ends our side alone; what follows can only read
 *	rst                       ends the connection by a reset
 *	close                     ends it as it is, without a goodbye of TLS
 *	hang                      reads and says nothing, until the client goes
 *	read-not                  does not even read
 *
 *	handshake                 TLS from here on
 *	alpn TEXT                 the protocol that is chosen, offered or not; before the handshake
 *	goodbye                   close_notify
 *	alert                     a fatal one, as if the client had broken a record
 *	renegotiate               asks for it (TLS 1.2)
 *	key-update                wants new keys (TLS 1.3)
 *
 *	accept N                  as the first word only: no more than N connections are accepted
 *
 * A `#` begins a comment. The end of a script closes the connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum hostile_verb {
	HOSTILE_ACCEPT,
	HOSTILE_ALERT,
	HOSTILE_ALPN,
	HOSTILE_CLOSE,
	HOSTILE_CUT,
	HOSTILE_DELAY,
	HOSTILE_FIN,
	HOSTILE_FOREVER,
	HOSTILE_GOODBYE,
	HOSTILE_HANDSHAKE,
	HOSTILE_HANG,
	HOSTILE_KEY_UPDATE,
	HOSTILE_RAW,
	HOSTILE_READ_NOT,
	HOSTILE_RENEGOTIATE,
	HOSTILE_REPEAT,
	HOSTILE_REQUEST,
	HOSTILE_RST,
	HOSTILE_SEND,
	HOSTILE_SEND_SLOWLY,
	HOSTILE_VERB_COUNT,
};

enum hostile_cut {
	HOSTILE_CUT_RST,
	HOSTILE_CUT_FIN,
	HOSTILE_CUT_HANG,
};

#define HOSTILE_INDEX UINT64_MAX /* for a number: the index of the connection */

struct hostile_step {
	enum hostile_verb verb;
	uint64_t number;
	int64_t time_ns;
	enum hostile_cut how;
	char *text; /* may hold NULs */
	size_t len;
	size_t n_inner; /* so many of the steps after it are its block */
};

struct hostile_script {
	struct hostile_step *steps;
	size_t n_steps;
	size_t cap;
};

/* 0, -EINVAL with reterr, or -ENOMEM. Nothing to free then. */
int hostile_script_parse(struct hostile_script *s, const char *text, struct err *reterr);
void hostile_script_fini(struct hostile_script *s);
bool hostile_script_has(const struct hostile_script *s, enum hostile_verb verb);
