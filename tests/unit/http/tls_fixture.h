/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of TLS: certificates made on the spot, a server played by the test, and a
 * client under strict edge-triggered rules.
 *
 * The server's OpenSSL works in memory; the test carries its bytes to the socket, as few at a time
 * as it likes, and may stop or reset anywhere. The client is called only after epoll has reported
 * an edge of EPOLLIN (not of EPOLLOUT, which would hide an event that is missing), so whatever is
 * left lying in OpenSSL makes the test wait until it fails. Each thread has a fixture of its own.
 */
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/guard.h"
#include "daemon/http/tls.h"
#include "tests/support/suite.h"

#define FIXTURE_WAIT_MS 10000 /* only a broken test waits that long */
#define FIXTURE_ALL SIZE_MAX
#define FIXTURE_HOST "good.test"
#define FIXTURE_DAY 86400

/* ---------------------------------------------------------------- certificates */

enum fixture_who {
	FIXTURE_CA,
	FIXTURE_OTHER_CA, /* not trusted */
	FIXTURE_GOOD,
	FIXTURE_EXPIRED,
	FIXTURE_FUTURE,
	FIXTURE_SELF_SIGNED,
	FIXTURE_UNKNOWN, /* by the other CA */
	FIXTURE_WRONG_HOST,
	FIXTURE_NO_NAMES,     /* a common name, and no subjectAltName */
	FIXTURE_INTERMEDIATE, /* an authority below the CA */
	FIXTURE_BELOW,	      /* by FIXTURE_INTERMEDIATE */
	FIXTURE_WILDCARD,     /* *.w.test */
	FIXTURE_CLIENT,
	FIXTURE_WHO_COUNT,
};

struct fixture_identity {
	X509 *x509;
	EVP_PKEY *key;
	char *pem; /* of the certificate */
	char *key_pem;
};
static struct fixture_identity fixture_identities[FIXTURE_WHO_COUNT];

static inline char *fixture_pem_of(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	text = strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

static inline void fixture_extend(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (!extension || !X509_add_ext(x509, extension, -1))
		abort();
	X509_EXTENSION_free(extension);
}

/* names: NULL for a CA. The days count from today. */
static inline void fixture_issue(enum fixture_who who, enum fixture_who issuer,
	const char *common_name, const char *names, int from_day, int to_day)
{
	struct fixture_identity *i = &fixture_identities[who], *by = &fixture_identities[issuer];
	BIO *bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	X509_NAME *name;

	i->key = EVP_EC_gen("P-256");
	i->x509 = X509_new();
	name = X509_get_subject_name(i->x509);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
	X509_set_version(i->x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(i->x509), 100 + who);
	X509_gmtime_adj(X509_getm_notBefore(i->x509), from_day * FIXTURE_DAY);
	X509_gmtime_adj(X509_getm_notAfter(i->x509), to_day * FIXTURE_DAY);
	X509_set_issuer_name(i->x509, X509_get_subject_name(by->x509));
	X509_set_pubkey(i->x509, i->key);
	if (names)
		fixture_extend(i->x509, NID_subject_alt_name, names);
	else
		fixture_extend(i->x509, NID_basic_constraints, "critical,CA:TRUE");
	if (!X509_sign(i->x509, by->key, EVP_sha256()) || !PEM_write_bio_X509(bio, i->x509) ||
		!PEM_write_bio_PrivateKey(key_bio, i->key, NULL, NULL, 0, NULL, NULL))
		abort();
	i->pem = fixture_pem_of(bio);
	i->key_pem = fixture_pem_of(key_bio);
}

/* Once, before the tests fork. */
static inline void fixture_make_identities(void)
{
	fixture_issue(FIXTURE_CA, FIXTURE_CA, "Test CA", NULL, -10, 10);
	fixture_issue(FIXTURE_OTHER_CA, FIXTURE_OTHER_CA, "Other\tCA", NULL, -10, 10);
	fixture_issue(FIXTURE_GOOD, FIXTURE_CA, "leaf", "DNS:" FIXTURE_HOST ",IP:127.0.0.1,IP:::1",
		-1, 9);
	fixture_issue(FIXTURE_EXPIRED, FIXTURE_CA, "leaf", "DNS:" FIXTURE_HOST, -9, -1);
	fixture_issue(FIXTURE_FUTURE, FIXTURE_CA, "leaf", "DNS:" FIXTURE_HOST, 1, 9);
	fixture_issue(FIXTURE_SELF_SIGNED, FIXTURE_SELF_SIGNED, "leaf", "DNS:" FIXTURE_HOST, -1, 9);
	fixture_issue(FIXTURE_UNKNOWN, FIXTURE_OTHER_CA, "leaf", "DNS:" FIXTURE_HOST, -1, 9);
	fixture_issue(FIXTURE_WRONG_HOST, FIXTURE_CA, "leaf",
		"DNS:a.test,DNS:b.test,IP:192.0.2.1,DNS:*.c.test,DNS:d.test,DNS:e.test", -1, 9);
	fixture_issue(FIXTURE_NO_NAMES, FIXTURE_CA, FIXTURE_HOST, NULL, -1, 9);
	fixture_issue(FIXTURE_INTERMEDIATE, FIXTURE_CA, "Test CA 2", NULL, -10, 10);
	fixture_issue(FIXTURE_BELOW, FIXTURE_INTERMEDIATE, "leaf", "DNS:" FIXTURE_HOST, -1, 9);
	fixture_issue(FIXTURE_WILDCARD, FIXTURE_CA, "leaf", "DNS:*.w.test", -1, 9);
	fixture_issue(FIXTURE_CLIENT, FIXTURE_CA, "client", "DNS:client.test", -1, 9);
}

static inline void fixture_free_identities(void)
{
	for (int i = 0; i < FIXTURE_WHO_COUNT; i++) {
		X509_free(fixture_identities[i].x509);
		EVP_PKEY_free(fixture_identities[i].key);
		free(fixture_identities[i].pem);
		free(fixture_identities[i].key_pem);
	}
}

/* The text alone; there is no such file. */
static inline struct tls_pem fixture_pem(const char *name, const char *text)
{
	return (struct tls_pem){.name = name, .text = text, .len = strlen(text)};
}

/* ---------------------------------------------------------------- state */

struct fixture_server {
	SSL *ssl;
	BIO *in;  /* what has come */
	BIO *out; /* what is to go; the test decides when */
	int fd;
	size_t n_sent; /* to the socket */
	bool is_open;
	char sni[64];
};

struct fixture_client {
	struct transport t;
	char *data; /* all that was read */
	size_t len;
	size_t n_reads;
	enum io end; /* IO_AGAIN: not ended */
};

static _Thread_local struct {
	struct guard guard; /* zero: loopback only */
	struct sockaddr_in address;
	int listener;
	int epoll;
	bool peer_closes; /* the last edge told so */
	SSL_CTX *server_ctx;
	struct tls_config config;
	struct tls_context *context;
	/* set by a test that wants it otherwise */
	struct {
		const char *alpn; /* what the server chooses; NULL: nothing; "": alert */
		size_t read_size; /* 0: 16 KiB */
	} wish;
} fixture;

/* ---------------------------------------------------------------- the server */

static inline int fixture_on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned len, void *user)
{
	(void)ssl, (void)offered, (void)len, (void)user;
	if (!fixture.wish.alpn)
		return SSL_TLSEXT_ERR_NOACK;
	if (fixture.wish.alpn[0] == '\0')
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = (const unsigned char *)fixture.wish.alpn;
	*ret_len = (unsigned char)strlen(fixture.wish.alpn);
	return SSL_TLSEXT_ERR_OK;
}

/* version: TLS1_2_VERSION, TLS1_3_VERSION; 0: any. */
static inline void fixture_serve_as(enum fixture_who who, int version)
{
	SSL_CTX_free(fixture.server_ctx);
	fixture.server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(fixture.server_ctx, fixture_identities[who].x509);
	SSL_CTX_use_PrivateKey(fixture.server_ctx, fixture_identities[who].key);
	SSL_CTX_set_alpn_select_cb(fixture.server_ctx, fixture_on_alpn, NULL);
	SSL_CTX_set_session_id_context(fixture.server_ctx, (const unsigned char *)"fixture", 3);
	SSL_CTX_set_min_proto_version(fixture.server_ctx, version);
	SSL_CTX_set_max_proto_version(fixture.server_ctx, version);
}

static inline void fixture_require_client_certificate(void)
{
	SSL_CTX_set_verify(
		fixture.server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	ck_assert_int_eq(X509_STORE_add_cert(SSL_CTX_get_cert_store(fixture.server_ctx),
				 fixture_identities[FIXTURE_CA].x509),
		1);
}

static inline void fixture_open(enum fixture_who who, int version)
{
	socklen_t len = sizeof(fixture.address);

	fixture.address.sin_family = AF_INET;
	fixture.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fixture.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fixture.listener, (struct sockaddr *)&fixture.address, len), 0);
	ck_assert_int_eq(listen(fixture.listener, 128), 0);
	ck_assert_int_eq(
		getsockname(fixture.listener, (struct sockaddr *)&fixture.address, &len), 0);
	fixture.epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ge(fixture.epoll, 0);
	fixture.config.server_name = FIXTURE_HOST;
	fixture.config.ca = fixture_pem("ca.pem", fixture_identities[FIXTURE_CA].pem);
	fixture.wish.alpn = "http/1.1";
	fixture_serve_as(who, version);
}

/* Of fixture.config. */
static inline void fixture_make_context(void)
{
	struct err err = {0};

	ck_assert_msg(
		tls_context_new(&fixture.config, &fixture.context, &err) == 0, "%s", err.text);
}

static inline void fixture_close(void)
{
	fixture.context = tls_context_free(fixture.context);
	SSL_CTX_free(fixture.server_ctx);
	close(fixture.epoll);
	close(fixture.listener);
}

static inline void fixture_server_start(struct fixture_server *s)
{
	int one = 1;

	*s = (struct fixture_server){.fd = accept4(fixture.listener, NULL, NULL, SOCK_NONBLOCK)};
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	s->ssl = SSL_new(fixture.server_ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(s->in, -1);
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_accept_state(s->ssl);
}

/* From the socket into OpenSSL. True: something came. */
static inline bool fixture_server_take(struct fixture_server *s)
{
	char buf[16384];
	bool took = false;
	ssize_t n;

	while ((n = recv(s->fd, buf, sizeof(buf), 0)) > 0) {
		ck_assert_int_eq(BIO_write(s->in, buf, (int)n), n);
		took = true;
	}
	return took;
}

static inline size_t fixture_server_pending(struct fixture_server *s)
{
	return BIO_ctrl_pending(s->out);
}

/* From OpenSSL to the socket, at most max bytes. What the socket does not take is an error. */
static inline size_t fixture_server_give(struct fixture_server *s, size_t max)
{
	char buf[16384];
	size_t given = 0;

	while (given < max && fixture_server_pending(s) > 0) {
		size_t left = max - given;
		int n = BIO_read(s->out, buf, (int)(left < sizeof(buf) ? left : sizeof(buf)));

		/* The peer may have gone; that is for the test to see. */
		(void)!send(s->fd, buf, (size_t)n, MSG_NOSIGNAL);
		given += (size_t)n;
	}
	s->n_sent += given;
	return given;
}

static inline void fixture_server_shake(struct fixture_server *s)
{
	const char *sni;

	ERR_clear_error();
	if (s->is_open || SSL_do_handshake(s->ssl) != 1)
		return;
	s->is_open = true;
	sni = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	strncpy(s->sni, sni ? sni : "", sizeof(s->sni) - 1);
}

/* Encrypts; fixture_server_give sends it. */
static inline void fixture_server_say(struct fixture_server *s, const void *data, size_t len)
{
	ck_assert_int_eq(SSL_write(s->ssl, data, (int)len), (int)len);
}

static inline void fixture_server_reset(struct fixture_server *s)
{
	struct linger linger = {.l_onoff = 1};

	ck_assert_int_eq(setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(s->fd);
	s->fd = -1;
}

static inline void fixture_server_end(struct fixture_server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	SSL_free(s->ssl);
	*s = (struct fixture_server){.fd = -1};
}

/* ---------------------------------------------------------------- the client */

static inline void fixture_client_start(struct fixture_client *c)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
	struct err err = {0};
	int r;

	*c = (struct fixture_client){.end = IO_AGAIN};
	r = tls_connect(&c->t, fixture.context, (struct sockaddr *)&fixture.address,
		sizeof(fixture.address), NULL, &fixture.guard, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_int_eq(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, c->t.fd, &event), 0);
}

/* One edge of the only client, within so many ms. */
static inline bool fixture_edge(int wait_ms)
{
	struct epoll_event event;
	int n = epoll_wait(fixture.epoll, &event, 1, wait_ms);

	ck_assert_int_ge(n, 0);
	if (n == 1)
		fixture.peer_closes = event.events & EPOLLRDHUP;
	return n == 1;
}

/* Until one of both has something to do. */
static inline void fixture_wait(struct fixture_server *s)
{
	struct pollfd fds[] = {
		{.fd = fixture.epoll, .events = POLLIN},
		{.fd = s->fd, .events = POLLIN},
	};

	ck_assert_msg(poll(fds, 2, FIXTURE_WAIT_MS) > 0, "nothing moves");
}

static inline void fixture_client_end(struct fixture_client *c)
{
	transport_close(&c->t);
	free(c->data);
	*c = (struct fixture_client){.t.fd = -1};
}

/* Until the client has an answer. The server's bytes come in chunks. */
static inline enum io fixture_shake(
	struct fixture_client *c, struct fixture_server *s, size_t chunk)
{
	enum io io = transport_finish_connect(&c->t); /* the socket is connected: on loopback */
	bool moved;

	while (io == IO_AGAIN) {
		moved = fixture_server_take(s);
		fixture_server_shake(s);
		moved |= fixture_server_give(s, chunk) > 0;
		if (!moved)
			fixture_wait(s);
		if (fixture_edge(0))
			io = transport_finish_connect(&c->t);
	}
	/* The client's last flight. */
	while (io == IO_OK && !s->is_open && SSL_get_error(s->ssl, -1) == SSL_ERROR_WANT_READ) {
		fixture_wait(s);
		(void)fixture_server_take(s);
		fixture_server_shake(s);
	}
	return io;
}

/* After an edge: all that there is. */
static inline void fixture_client_drain(struct fixture_client *c)
{
	size_t size = fixture.wish.read_size ? fixture.wish.read_size : 16384;
	enum io io;
	size_t n;

	do {
		c->data = realloc(c->data, c->len + size);
		io = transport_read(&c->t, c->data + c->len, size, &n);
		if (io == IO_OK)
			c->len += n;
		c->n_reads++;
	} while (io == IO_OK && (!c->t.is_drained || fixture.peer_closes));
	if (io == IO_EOF || io == IO_ERROR)
		c->end = io;
}

/* Reads by the rules until so much has come, or the end. */
static inline void fixture_client_read(struct fixture_client *c, size_t until)
{
	while (c->len < until && c->end == IO_AGAIN) {
		ck_assert_msg(fixture_edge(FIXTURE_WAIT_MS), "no event, and %zu of %zu bytes",
			c->len, until);
		fixture_client_drain(c);
	}
}

/* With FIXTURE_WAIT_MS for the end. */
static inline enum io fixture_client_read_end(struct fixture_client *c)
{
	fixture_client_read(c, FIXTURE_ALL);
	return c->end;
}

static inline void fixture_client_say(struct fixture_client *c, const char *text)
{
	size_t n;

	ck_assert_int_eq(transport_write(&c->t, text, strlen(text), &n), IO_OK);
	ck_assert_uint_eq(n, strlen(text));
}

/* The server hears text. */
static inline void fixture_server_hears(struct fixture_server *s, const char *text)
{
	char buf[256];
	int n;

	while ((n = SSL_read(s->ssl, buf, sizeof(buf))) <= 0) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};

		ck_assert_int_eq(SSL_get_error(s->ssl, n), SSL_ERROR_WANT_READ);
		ck_assert_int_eq(poll(&p, 1, FIXTURE_WAIT_MS), 1);
		ck_assert(fixture_server_take(s));
	}
	ck_assert_int_eq(n, (int)strlen(text));
	ck_assert_mem_eq(buf, text, (size_t)n);
}

/* Connects and shakes hands, the server's bytes coming in chunks. */
static inline enum io fixture_meet(struct fixture_client *c, struct fixture_server *s, size_t chunk)
{
	if (!fixture.context)
		fixture_make_context();
	fixture_client_start(c);
	fixture_server_start(s);
	return fixture_shake(c, s, chunk);
}

/* As fixture_meet, successfully; the tickets have come, too. */
static inline void fixture_pair(struct fixture_client *c, struct fixture_server *s)
{
	ck_assert_msg(fixture_meet(c, s, FIXTURE_ALL) == IO_OK, "%s", tls_fault_text(&c->t));
	ck_assert(s->is_open);
	if (fixture_server_give(s, FIXTURE_ALL) > 0)
		ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	fixture_client_drain(c);
	ck_assert_int_eq(c->end, IO_AGAIN);
	ck_assert_uint_eq(c->len, 0);
}

static inline int fixture_run(Suite *suite)
{
	int status;

	fixture_make_identities();
	status = suite_main(suite);
	fixture_free_identities();
	return status;
}
