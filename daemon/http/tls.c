/* SPDX-License-Identifier: Apache-2.0 */
/* TLS connections, as one more transport over that of TCP.
 *
 * OpenSSL reads and writes through a custom BIO, which only calls the TCP transport below: so a
 * broken pipe is an errno and no signal, and this file sees the result of each recv. OpenSSL reads
 * ahead (one recv for several records and their headers), so bytes may wait in three places:
 * decrypted in OpenSSL, undecrypted in OpenSSL, and in the socket. The first two cause no event. A
 * read has drained all three only if the last recv was short or empty and OpenSSL holds nothing;
 * is_drained tells that, and IO_AGAIN, which is returned only after recv had nothing, implies it.
 *
 *	tls_connect -> TCP connects -> handshake -> open -> closed
 *	               `----- finish_connect ----'
 *
 * The SSL object is made when TCP is connected: a refused connection costs none. It frees its
 * buffers whenever they are empty, as most connections of a load wait most of the time. After a
 * failure OpenSSL is not called again, and the failure is kept. Renegotiation is off; a KeyUpdate
 * that requests an answer gets it before the next write. A call of OpenSSL continues as long as
 * there are messages of TLS itself to read; a server that never stops sending them would block the
 * whole worker there, so the amount that one call may read is limited.
 *
 * Thread: that of the loop, one for a context and all its connections. */
#include "daemon/http/tls.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "daemon/http/tls_internal.h"

static const struct transport_ops tls_ops;

/* NULL when closed or not TLS. */
static struct tls *tls_of(const struct transport *t)
{
	return t->ops == &tls_ops ? t->impl : NULL;
}

/* ---------------------------------------------------------------- OpenSSL's way to the socket */

struct tls *tls_of_ssl(const SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

static int tls_bio_read(BIO *bio, char *buf, int size)
{
	struct tls *tls = BIO_get_data(bio);
	size_t n;

	BIO_clear_retry_flags(bio);
	if (size <= 0)
		return 0;
	if (tls->may_take == 0) {
		tls->is_flooded = true;
		return -1;
	}
	switch (transport_read(&tls->below, buf, (size_t)size, &n)) {
	case IO_OK:
		tls->is_drained = tls->below.is_drained;
		if (tls->first_len == 0) {
			tls->first_len =
				(unsigned char)(n < sizeof(tls->first) ? n : sizeof(tls->first));
			memcpy(tls->first, buf, tls->first_len);
		}
		tls->may_take -= n < tls->may_take ? (unsigned)n : tls->may_take;
		return (int)n;
	case IO_AGAIN:
		tls->is_drained = true;
		BIO_set_retry_read(bio);
		return -1;
	case IO_EOF:
		tls->is_at_end = true;
		return 0;
	case IO_ERROR:
		break;
	}
	tls->error = tls->below.error;
	return -1;
}

static int tls_bio_write(BIO *bio, const char *data, int len)
{
	struct tls *tls = BIO_get_data(bio);
	size_t n;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	switch (transport_write(&tls->below, data, (size_t)len, &n)) {
	case IO_OK:
		return (int)n;
	case IO_AGAIN:
		BIO_set_retry_write(bio);
		return -1;
	case IO_EOF:
	case IO_ERROR:
		break;
	}
	tls->error = tls->below.error;
	return -1;
}

/* A flush is the only request of OpenSSL that matters. It is not told of the end of the connection
 * (BIO_CTRL_EOF): it would send an alert, where this file only needs to know. */
static long tls_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "transport");

	if (!method || !BIO_meth_set_read(method, tls_bio_read) ||
		!BIO_meth_set_write(method, tls_bio_write) ||
		!BIO_meth_set_ctrl(method, tls_bio_ctrl)) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/* OpenSSL calls this for each step of a message of TLS itself. The only way to make it stop between
 * two of them is to pretend that the peer has sent close_notify. */
static void tls_on_info(const SSL *ssl, int where, int result)
{
	struct tls *tls = tls_of_ssl(ssl);

	(void)result;
	if (!(where & SSL_CB_LOOP) || ++tls->n_steps <= TLS_STEPS_MAX)
		return;
	tls->is_flooded = true;
	SSL_set_shutdown(tls->ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

/* To be called before each call of OpenSSL that may read. */
static void tls_begin_call(struct tls *tls, unsigned may_take)
{
	ERR_clear_error();
	tls->may_take = may_take;
	tls->n_steps = 0;
}

static int tls_attach_ssl(struct tls *tls)
{
	struct tls_context *c = tls->context;
	SSL *ssl = SSL_new(c->ssl_ctx);
	BIO *bio = BIO_new(c->bio_method);

	if (!ssl || !bio || (c->sni && !SSL_set_tlsext_host_name(ssl, c->sni))) {
		BIO_free(bio);
		SSL_free(ssl);
		return -ENOMEM;
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	SSL_set_info_callback(ssl, tls_on_info);
	if (tls->slot && tls->slot->session && !SSL_set_session(ssl, tls->slot->session))
		tls_slot_drop(tls->slot);
	tls->ssl = ssl;
	return 0;
}

/* ---------------------------------------------------------------- what a call has come to */

static enum io tls_failed(struct transport *t, int error)
{
	struct tls *tls = t->impl;

	tls->error = error;
	t->error = error;
	return IO_ERROR;
}

/* The result of a call of OpenSSL that has not succeeded. */
static enum io tls_judge(struct transport *t, int result, bool is_writing)
{
	struct tls *tls = t->impl;

	if (tls->is_flooded) {
		tls->is_spoilt = true;
		tls_fault_set(tls, TLS_FAULT_PROTOCOL, "the server sends TLS messages without end");
		return tls_failed(t, EPROTO);
	}
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		t->is_crossed = is_writing;
		return IO_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		t->is_crossed = !is_writing;
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		t->is_truncated = false;
		return IO_EOF;
	case SSL_ERROR_SYSCALL:
		if (tls->error != 0)
			return tls_failed(t, tls->error);
		if (tls->is_at_end) {
			t->is_truncated = true;
			return IO_EOF;
		}
		break;
	default:
		break;
	}
	tls->is_spoilt = true;
	tls_fault_from_queue(tls);
	return tls_failed(t, tls->fault == TLS_FAULT_OURS ? ENOMEM : EPROTO);
}

/* ---------------------------------------------------------------- connecting */

enum io tls_finish_tcp(struct transport *t)
{
	struct tls *tls = t->impl;
	enum io io;

	if (tls->ssl)
		return IO_OK;
	if (tls->error != 0)
		return tls_failed(t, tls->error);
	io = transport_finish_connect(&tls->below);
	if (io == IO_ERROR)
		return tls_failed(t, tls->below.error);
	if (io == IO_OK && tls_attach_ssl(tls) < 0) {
		tls_fault_set(
			tls, TLS_FAULT_OURS, "out of memory for a TLS connection: " MEMORY_REMEDY);
		return tls_failed(t, ENOMEM);
	}
	return io;
}

/* The server may choose a protocol that was not offered; early versions of OpenSSL 3.0 accept
 * that. */
static bool tls_alpn_is_ours(const struct tls *tls)
{
	const struct tls_context *c = tls->context;
	const unsigned char *chosen;
	unsigned len;

	SSL_get0_alpn_selected(tls->ssl, &chosen, &len);
	if (len == 0)
		return true;
	for (unsigned at = 0; at < c->alpn_len; at += 1u + c->alpn[at])
		if (c->alpn[at] == len && memcmp(c->alpn + at + 1, chosen, len) == 0)
			return true;
	return false;
}

static enum io tls_handshake_failed(struct transport *t, enum io io)
{
	struct tls *tls = t->impl;

	tls->context->counts.failed++;
	/* The session may have been the cause; but a server that drops connections under load must
	 * not get the cost of full handshakes for it. */
	if (tls->slot && tls->is_spoilt)
		tls_slot_drop(tls->slot);
	if (io == IO_EOF) {
		tls_fault_set(tls, TLS_FAULT_CLOSED,
			"the server closed the connection during the TLS handshake");
		return tls_failed(t, EPROTO);
	}
	if (tls->fault == TLS_FAULT_NONE)
		tls_fault_set(tls, TLS_FAULT_CLOSED,
			"the connection broke during the TLS handshake: %s", strerror(tls->error));
	return IO_ERROR;
}

static enum io tls_finish_connect(struct transport *t)
{
	struct tls *tls = t->impl;
	enum io io = tls_finish_tcp(t);
	int r;

	if (io != IO_OK || tls->is_open)
		return io;
	if (tls->error != 0)
		return tls_failed(t, tls->error);
	tls_begin_call(tls, TLS_SHAKE_MAX);
	r = SSL_do_handshake(tls->ssl);
	if (r != 1) {
		io = tls_judge(t, r, false);
		/* The handshake continues with either event. */
		t->is_crossed = false;
		return io == IO_AGAIN ? IO_AGAIN : tls_handshake_failed(t, io);
	}
	if (!tls_alpn_is_ours(tls)) {
		tls->is_spoilt = true;
		tls_fault_alpn_not_offered(tls);
		(void)tls_failed(t, EPROTO);
		return tls_handshake_failed(t, IO_ERROR);
	}
	tls->is_open = true;
	tls->context->counts.handshakes++;
	tls->context->counts.resumed += SSL_session_reused(tls->ssl) == 1;
	return IO_OK;
}

/* ---------------------------------------------------------------- reading and writing */

static enum io tls_read(struct transport *t, void *buf, size_t size, size_t *ret_n)
{
	struct tls *tls = t->impl;
	size_t n;
	int r;

	assert(size > 0 && tls->is_open);
	if (tls->error != 0)
		return tls_failed(t, tls->error);
	tls_begin_call(tls, TLS_READ_MAX);
	tls->below.wants_stamp = t->wants_stamp;
	r = SSL_read_ex(tls->ssl, buf, size, &n);
	if (r != 1)
		return tls_judge(t, r, false);
	/* Bytes that were decrypted before came with the last recv, or an earlier one. */
	t->received_ns = tls->below.received_ns;
	t->is_drained = tls->is_drained && !SSL_has_pending(tls->ssl);
	*ret_n = n;
	return IO_OK;
}

/* Encrypted bytes cannot be discarded in the kernel: the records have to be checked. */
static enum io tls_discard(struct transport *t, size_t n, size_t *ret_n)
{
	struct tls *tls = t->impl;
	size_t size = n < TLS_SCRATCH_SIZE ? n : TLS_SCRATCH_SIZE;

	return tls_read(t, tls->context->scratch, size, ret_n);
}

static enum io tls_write(struct transport *t, const void *data, size_t len, size_t *ret_n)
{
	struct tls *tls = t->impl;
	enum io io;
	size_t n;
	int r;

	assert(len > 0 && tls->is_open);
	if (tls->error != 0)
		return tls_failed(t, tls->error);
	tls_begin_call(tls, TLS_READ_MAX);
	r = SSL_write_ex(tls->ssl, data, len, &n);
	if (r != 1) {
		io = tls_judge(t, r, true);
		return io == IO_EOF ? tls_failed(t, EPIPE) : io;
	}
	*ret_n = n;
	return IO_OK;
}

static struct transport_account tls_account(const struct transport *t)
{
	const struct tls *tls = t->impl;

	return transport_get_account(&tls->below);
}

/* ---------------------------------------------------------------- both ends */

/* Sends close_notify if that is possible at once, and no reset follows. A session outlives its
 * connection unless TLS failed; OpenSSL would drop it also if no close_notify was exchanged, which
 * many servers do not send. */
static void tls_say_goodbye(struct tls *tls)
{
	if (tls->is_spoilt || !tls->is_open)
		return;
	if (tls->error == 0 && !tls->is_at_end && !tls->below.resets) {
		ERR_clear_error();
		(void)SSL_shutdown(tls->ssl);
	}
	SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static void tls_close(struct transport *t)
{
	struct tls *tls = t->impl;

	if (tls->ssl) {
		tls_say_goodbye(tls);
		SSL_free(tls->ssl);
		ERR_clear_error();
	}
	transport_close(&tls->below);
	tls->context->n_open--;
	free(tls);
	t->impl = NULL;
	t->fd = -1;
}

static const struct transport_ops tls_ops = {
	.finish_connect = tls_finish_connect,
	.read = tls_read,
	.write = tls_write,
	.discard = tls_discard,
	.account = tls_account,
	.close = tls_close,
};

int tls_connect(struct transport *t, struct tls_context *c, const struct sockaddr *sa,
	unsigned sa_len, const struct transport_options *options, const struct guard *guard,
	struct err *reterr)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r;

	*t = (struct transport){.ops = &tls_ops, .fd = -1};
	if (!tls) {
		err_set(reterr, "out of memory for a TLS connection: " MEMORY_REMEDY);
		return -ENOMEM;
	}
	r = tcp_connect(&tls->below, sa, sa_len, options, guard, reterr);
	if (r < 0) {
		free(tls);
		return r;
	}
	tls->context = c;
	tls->slot = tls_context_slot(c, sa, sa_len);
	c->n_open++;
	t->impl = tls;
	t->fd = tls->below.fd;
	return 0;
}

/* ---------------------------------------------------------------- what others ask */

enum tls_fault tls_get_fault(const struct transport *t)
{
	const struct tls *tls = tls_of(t);

	return tls ? (enum tls_fault)tls->fault : TLS_FAULT_NONE;
}

const char *tls_fault_text(const struct transport *t)
{
	const struct tls *tls = tls_of(t);

	return tls && tls->fault != TLS_FAULT_NONE ? tls->context->why.text : "";
}

void tls_get_info(const struct transport *t, struct tls_info *ret)
{
	const struct tls *tls = tls_of(t);
	const unsigned char *alpn;
	unsigned len;

	*ret = (struct tls_info){0};
	if (!tls || !tls->is_open)
		return;
	SSL_get0_alpn_selected(tls->ssl, &alpn, &len);
	(void)snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(tls->ssl));
	(void)snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(tls->ssl));
	(void)snprintf(ret->alpn, sizeof(ret->alpn), "%.*s", (int)len, alpn ? (char *)alpn : "");
	ret->resumed = SSL_session_reused(tls->ssl) == 1;
}
