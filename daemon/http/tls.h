/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as an implementation of the transport interface: the client's side, by OpenSSL over a
 * non-blocking socket. A context holds the state that all connections of a worker share;
 * tls_connect fills a struct transport. Users of the transport must know these differences to TCP:
 * - transport_finish_connect also does the handshake: call it on each event until it is not
 *   IO_AGAIN. Afterwards, as on every event at an idle connection, read once: IO_AGAIN means that
 *   there were only messages of TLS itself (session tickets for example), any other result is the
 *   peer's end or data that was not requested.
 * - is_drained, is_crossed and is_truncated of transport.h matter; a short read has no meaning.
 * - A write that returned IO_AGAIN is repeated with the same bytes, at least as many; their address
 *   may have changed.
 * - IO_ERROR may come from TLS: tls_get_fault tells, transport.error is EPROTO then.
 * - transport_close sends close_notify if the socket accepts it at once.
 *
 * Thread: a context and its connections belong to one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/transport.h"

struct tls_context;

enum tls_version {
	TLS_VERSION_DEFAULT, /* 1.2 and later, or stricter if the system's openssl.cnf is */
	TLS_VERSION_1_2,
	TLS_VERSION_1_3,
};

/* Certificates or a key in PEM. */
struct tls_pem {
	const char *name; /* of the file, also used in messages; NULL: not given */
	const char *text; /* its content; NULL: read from the file */
	size_t len;
};

/* All zero: verified against the system's store, resumed, TLS 1.2 and later, ALPN http/1.1.
 * Borrowed by tls_context_new only. */
struct tls_config {
	const char *server_name; /* for SNI and the check of the certificate: a name, or an address
				    without brackets; required */
	bool skip_verify;
	bool no_resumption;
	enum tls_version min_version;
	enum tls_version max_version;
	const char *ciphers;	  /* for TLS 1.2, in the format of `openssl ciphers`; NULL: its
				   * default */
	const char *ciphersuites; /* for TLS 1.3, as in TLS_AES_128_GCM_SHA256:…; NULL: default */
	const char *alpn;	  /* "h2,http/1.1"; NULL: "http/1.1"; "": no ALPN */
	struct tls_pem ca; /* trusted instead of the system's store; any of them can end a chain */
	struct tls_pem certificate; /* the client's, followed by its chain */
	struct tls_pem key;	    /* without a passphrase; not given: in the certificate's file */
};

/* Each worker has its own context: then no lock of a context is ever contended (OpenSSL protects
 * its certificate store, its sessions and its reference counts with them). May take 20 ms, for the
 * system's store: to be called before the load starts. 0, -ENOMEM, or with reterr -EINVAL (bad
 * config), -ENOENT (no CA bundle on this system), -errno of a file that cannot be read. */
int tls_context_new(const struct tls_config *config, struct tls_context **ret, struct err *reterr);
/* To be called after its connections are closed. NULL is fine; returns NULL. */
struct tls_context *tls_context_free(struct tls_context *c);

struct tls_counts {
	uint64_t handshakes; /* completed */
	uint64_t resumed;    /* number of these that were resumed */
	uint64_t failed;     /* after TCP was connected */
};
struct tls_counts tls_context_counts(const struct tls_context *c);
/* The first host, of letters, digits, '.' and '-' only, in the last certificate that was for
 * another host: a candidate for server_name. "": there was none. */
const char *tls_context_certificate_name(const struct tls_context *c);

/* Like tcp_connect; the context is borrowed until the transport is closed. */
int tls_connect(struct transport *t, struct tls_context *c, const struct sockaddr *sa,
	unsigned sa_len, const struct transport_options *options, const struct guard *guard,
	struct err *reterr);

/* The first half of finish_connect, for callers that record the time of each phase; finish_connect
 * repeats it without cost. IO_OK: TCP is connected, and nothing of the handshake has been computed
 * yet. */
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
	TLS_FAULT_ALERT,       /* the server sent an alert: its reason is in the text */
	TLS_FAULT_CLOSED,      /* closed or reset during the handshake */
	TLS_FAULT_OURS,	       /* out of memory, or an internal error of OpenSSL */
	TLS_FAULT_COUNT,
};

/* The reason of the last IO_ERROR. NONE: it came from TCP, and only transport.error has it; also
 * when closed. */
enum tls_fault tls_get_fault(const struct transport *t);
/* One line; borrowed until the context's next failure, so it outlives transport_close. */
const char *tls_fault_text(const struct transport *t);

/* The negotiated parameters. Available after the handshake, until closed. */
struct tls_info {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	char alpn[32]; /* "": the server chose none */
	bool resumed;
};
void tls_get_info(const struct transport *t, struct tls_info *ret);
