/* SPDX-License-Identifier: Apache-2.0 */
/* The internal interface between the parts of the TLS transport: tls.c moves bytes, tls_context.c
 * makes contexts and keeps sessions, tls_fault.c writes messages. Not for other files. */
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "common/err.h"
#include "daemon/http/tls.h"

#define TLS_SLOTS_MAX 32       /* maximum number of addresses of a name */
#define TLS_SCRATCH_SIZE 16384 /* for discard: one record */
#define TLS_NAME_MAX 80

/* Limits for one call on messages of TLS itself, without a handshake completed or data read: steps
 * of OpenSSL, about five for each message, because new keys cost 100 us each time; and bytes,
 * because not all messages are steps. A handshake with its certificates and tickets stays far below
 * both. */
#define TLS_STEPS_MAX 256
#define TLS_SHAKE_MAX 131072
#define TLS_READ_MAX 49152

/* The last session of one address. */
struct tls_slot {
	struct sockaddr_storage address;
	unsigned address_len;
	SSL_SESSION *session;
};

struct tls_context {
	/* set once */
	SSL_CTX *ssl_ctx;
	BIO_METHOD *bio_method; /* tls.c's */
	char *host;		/* for messages and the check */
	const char *sni;	/* host, or NULL: it is an address */
	unsigned char alpn[256];
	unsigned alpn_len;
	bool resumes;

	struct tls_slot slots[TLS_SLOTS_MAX];
	size_t n_slots;
	struct tls_counts counts;
	struct err why;			     /* the last failure */
	char certificate_name[TLS_NAME_MAX]; /* the result of tls_context_certificate_name */
	size_t n_open;
	char scratch[TLS_SCRATCH_SIZE];
};

/* One connection. It exists as long as its descriptor. */
struct tls {
	struct transport below; /* the TCP socket */
	struct tls_context *context;
	SSL *ssl;	       /* NULL until TCP is connected */
	struct tls_slot *slot; /* NULL: sessions with this address are not kept */
	int error;	       /* errno of the failure; after it OpenSSL is not called again */
	unsigned may_take;     /* number of bytes that the present call may still read from the
				* socket */
	unsigned n_steps;      /* steps of messages of TLS itself in the present call */
	unsigned char fault;   /* enum tls_fault */
	bool is_open;	       /* the handshake is done */
	bool is_drained;       /* the last recv has emptied the socket */
	bool is_at_end;	       /* the socket has reached EOF */
	bool is_spoilt;	       /* TLS failed, its session must not be used again */
	bool is_flooded;       /* the call has reached its limit */
	unsigned char first_len;
	char first[8]; /* the first bytes of the peer */
};

/* tls.c */
struct tls *tls_of_ssl(const SSL *ssl);
BIO_METHOD *tls_bio_method_new(void);

/* tls_context.c */
struct tls_slot *tls_context_slot(
	struct tls_context *c, const struct sockaddr *address, unsigned address_len);
void tls_slot_drop(struct tls_slot *slot);

/* tls_fault.c */
int tls_fault_on_verify(int is_fine, X509_STORE_CTX *store_ctx);
/* Writes the text from OpenSSL's error queue, unless on_verify has already written a better one. */
void tls_fault_from_queue(struct tls *tls);
void tls_fault_set(struct tls *tls, enum tls_fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void tls_fault_alpn_not_offered(struct tls *tls);
/* The last error of OpenSSL, as its own text. */
const char *tls_fault_reason(void);
