/* SPDX-License-Identifier: Apache-2.0 */
/* A server that plays a script (hostile_script.h) on each connection, good or bad, plain or over
 * TLS, and counts: connections accepted and whole requests read, the side of the ledger that is not
 * ours. Every connection ends by itself within the limit. */
#pragma once

#include <stdint.h>

#include "tests/support/hostile_script.h"
#include "tests/support/mini_server.h"
#include "tests/support/mini_tls.h"

struct err;

struct hostile_config {
	const char *script;
	enum mini_tls_who who; /* whose certificate */
	int tls_version;       /* as in mini_tls_open */
	int64_t limit_ns;      /* of each connection; 0: 10 s */
};

struct hostile {
	struct mini_server server; /* for its address and its counts */
	struct mini_tls tls;	   /* for ca_pem; nothing where the script has no handshake */
	/* the server's own */
	struct hostile_script _script;
	int64_t _limit_ns;
	unsigned _n_accepted_max;
	int _filler; /* takes the last place of who is not accepted; -1: none */
};

/* 0, or -errno with reterr; nothing to close then. The config is borrowed for the call. */
int hostile_open(struct hostile *h, const struct hostile_config *config, struct err *reterr);
/* Ends every connection. */
void hostile_close(struct hostile *h);
