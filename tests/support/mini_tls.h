/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server's side for tests: an authority and a certificate made on the spot, and what a
 * behaviour of mini_server says through them. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#define MINI_TLS_HOST "good.test" /* and 127.0.0.1 */

enum mini_tls_who {
	MINI_TLS_GOOD,
	MINI_TLS_EXPIRED,
	MINI_TLS_WRONG_HOST,
	MINI_TLS_UNKNOWN, /* by an authority that is not ca_pem */
	MINI_TLS_WHO_COUNT,
};

struct mini_tls {
	SSL_CTX *ctx;
	char *ca_pem;
};

/* version: TLS1_2_VERSION, TLS1_3_VERSION; 0: any. Ends the test program where it cannot. */
void mini_tls_open(struct mini_tls *m, enum mini_tls_who who, int version);
void mini_tls_close(struct mini_tls *m);
/* Of clients. */
void mini_tls_require_certificate(struct mini_tls *m);

/* ---- for behaviours: blocking; NULL or false: it is over */

SSL *mini_tls_accept(struct mini_tls *m, int fd);
/* One request without a body. */
bool mini_tls_read_request(SSL *ssl);
bool mini_tls_write(SSL *ssl, const char *text);
/* Says goodbye first where is_polite; the descriptor stays the caller's. */
void mini_tls_end(SSL *ssl, bool is_polite);
