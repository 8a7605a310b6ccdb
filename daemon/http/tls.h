/* SPDX-License-Identifier: Apache-2.0 */
/* TLS behind the transport interface: the client's side, by OpenSSL over a non-blocking socket.
 * A context holds what all connections of a worker share; tls_connect fills a struct transport.
 *
 * What differs from TCP for whoever drives the transport:
 * - transport_finish_connect also shakes hands: call it on each event until it is not IO_AGAIN.
 *   Afterwards, as on every event at an idle connection, read once: IO_AGAIN means that there was
 *   nothing but TLS's own messages (session tickets come that way), all else is the peer's end or
 *   its speaking out of turn.
 * - is_drained, is_crossed and is_truncated of transport.h matter; a short read says nothing.
 * - A write that came to IO_AGAIN is repeated with the same bytes, at least as many; they may have
 *   moved.
 * - IO_ERROR may be TLS's own: tls_get_fault tells, transport.error is EPROTO then.
 * - transport_close says goodbye (close_notify) where the socket takes it at once.
 *
 * Thread: a context and its connections belong to one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/transport.h"

struct tls_context;

enum tls_version {
	TLS_VERSION_DEFAULT, /* 1.2 and later, or what the system's openssl.cnf has stricter */
	TLS_VERSION_1_2,
	TLS_VERSION_1_3,
};

/* Certificates or a key in PEM. */
struct tls_pem {
	const char *name; /* of the file, also in messages; NULL: not given */
	const char *text; /* its content; NULL: it is read from the file */
	size_t len;
};

/* Zero: verified against the system's store, resumed, TLS 1.2 and later, ALPN http/1.1. Borrowed
 * by tls_context_new only. */
struct tls_config {
	const char *server_name; /* for SNI and the check of the certificate: a name, or an address
				    without brackets; required */
	bool skip_verify;
	bool no_resumption;
	enum tls_version min_version;
	enum tls_version max_version;
	const char *ciphers; /* of TLS 1.2, a list as in `openssl ciphers`; NULL: its default */
	const char *ciphersuites; /* of TLS 1.3, as in TLS_AES_128_GCM_SHA256:…; NULL: default */
	const char *alpn;	  /* "h2,http/1.1"; NULL: "http/1.1"; "": no ALPN */
	struct tls_pem ca; /* trusted instead of the system's store; any of them ends a chain */
	struct tls_pem certificate; /* ours, and its chain behind it */
	struct tls_pem key;	    /* without a passphrase; not given: in the certificate's file */
};

/* One for each worker: then no lock of a context is ever contended (OpenSSL guards its certificate
 * store, its sessions and its counts with them). May take 20 ms, for the system's store: to be made
 * before the load starts. 0, -ENOMEM, or with reterr -EINVAL (bad config), -ENOENT (no CA bundle on
 * this system), -errno of a file that cannot be read. */
int tls_context_new(const struct tls_config *config, struct tls_context **ret, struct err *reterr);
/* After its connections are closed. NULL is fine; returns NULL. */
struct tls_context *tls_context_free(struct tls_context *c);

struct tls_counts {
	uint64_t handshakes; /* completed */
	uint64_t resumed;    /* of these */
	uint64_t failed;     /* after TCP was connected */
};
struct tls_counts tls_context_counts(const struct tls_context *c);
/* The first host, of letters, digits, '.' and '-' only, that the last certificate for another host
 * is for: what server_name could have been. "": there was none. */
const char *tls_context_certificate_name(const struct tls_context *c);

/* As tcp_connect; the context is borrowed until the transport is closed. */
int tls_connect(struct transport *t, struct tls_context *c, const struct sockaddr *sa,
	unsigned sa_len, const struct transport_options *options, const struct guard *guard,
	struct err *reterr);

/* For who stamps the phases: the first half of finish_connect, which it repeats without cost.
 * IO_OK: TCP is connected, and nothing of the handshake has been computed yet. */
enum io tls_finish_tcp(struct transport *t);

enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_EXPIRED,
	TLS_FAULT_NOT_YET_VALID,
	TLS_FAULT_SELF_SIGNED,
	TLS_FAULT_UNKNOWN_ISSUER,
	TLS_FAULT_WRONG_HOST,
	TLS_FAULT_CERTIFICATE, /* it has some other flaw */
	TLS_FAULT_ALPN,	       /* no protocol in common */
	TLS_FAULT_NOT_TLS,     /* other bytes instead of the handshake */
	TLS_FAULT_PROTOCOL,    /* no version in common, a broken record */
	TLS_FAULT_ALERT,       /* the server sent one: its reason is in the text */
	TLS_FAULT_CLOSED,      /* closed or reset during the handshake */
	TLS_FAULT_OURS,	       /* out of memory, or OpenSSL is */
	TLS_FAULT_COUNT,
};

/* Why the last IO_ERROR came. NONE: it was TCP's, and transport.error alone tells; also when
 * closed. */
enum tls_fault tls_get_fault(const struct transport *t);
/* One line; borrowed until the context's next failure, so it outlives transport_close. */
const char *tls_fault_text(const struct transport *t);

/* What was agreed on. After the handshake, until closed. */
struct tls_info {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	char alpn[32]; /* "": the server chose none */
	bool resumed;
};
void tls_get_info(const struct transport *t, struct tls_info *ret);
