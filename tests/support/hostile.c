/* SPDX-License-Identifier: Apache-2.0 */
/* Plays scripts. A connection is a thread with blocking calls (mini_server); a step that comes to
 * the end of the connection returns false, and so does everything above it.
 *
 * TLS works in memory: its bytes are carried to and from the socket here, so that all that goes
 * out, encrypted or not, passes through hostile_out and can be cut at any byte.
 *
 * Bounded: no call waits longer than the limit, no block is begun anew behind it, and the end of
 * the server wakes everybody. */
#include "tests/support/hostile.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/err.h"

#define HOSTILE_LIMIT_NS (10 * NSEC_PER_SEC)
#define HOSTILE_HEAD_MAX 65536

struct hostile_conn {
	struct hostile *h;
	struct mini_conn *conn;
	int64_t deadline_ns;
	SSL *ssl; /* NULL: plain */
	BIO *in, *out;
	bool is_cut_set;
	uint64_t cut_left; /* bytes that still go out */
	enum hostile_cut cut;
};

/* ---------------------------------------------------------------- bytes */

/* Reads nothing: until the client goes or the time is over. */
static void hostile_stare(struct hostile_conn *c)
{
	struct pollfd p = {.fd = c->conn->fd, .events = POLLRDHUP};
	int64_t left_ns = c->deadline_ns - clock_now_ns();

	if (left_ns > 0)
		(void)poll(&p, 1, (int)(left_ns / NSEC_PER_MSEC) + 1);
}

static void hostile_cut_off(struct hostile_conn *c)
{
	if (c->cut == HOSTILE_CUT_RST) {
		mini_reset(c->conn);
		return;
	}
	if (c->cut == HOSTILE_CUT_FIN)
		(void)shutdown(c->conn->fd, SHUT_WR);
	mini_linger(c->conn);
}

/* All that goes out goes out here. */
static bool hostile_out(struct hostile_conn *c, const char *data, size_t len)
{
	size_t n = c->is_cut_set && c->cut_left < len ? (size_t)c->cut_left : len;

	if (!mini_write_bytes(c->conn, data, n))
		return false;
	if (!c->is_cut_set)
		return true;
	c->cut_left -= n;
	if (c->cut_left > 0)
		return true;
	hostile_cut_off(c);
	return false;
}

/* What TLS has to say. */
static bool hostile_flush(struct hostile_conn *c)
{
	char buf[16384];
	int n;

	ERR_clear_error();
	while ((n = BIO_read(c->out, buf, sizeof(buf))) > 0)
		if (!hostile_out(c, buf, (size_t)n))
			return false;
	return true;
}

/* What the client has said, into TLS. */
static bool hostile_take(struct hostile_conn *c)
{
	char buf[16384];
	ssize_t n = recv(c->conn->fd, buf, sizeof(buf), 0);

	return n > 0 && BIO_write(c->in, buf, (int)n) == n;
}

/* A call of OpenSSL has not succeeded. True: call it again. */
static bool hostile_goes_on(struct hostile_conn *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	return hostile_flush(c) && error == SSL_ERROR_WANT_READ && hostile_take(c);
}

static bool hostile_get(struct hostile_conn *c, char *ret)
{
	int r;

	if (!c->ssl)
		return recv(c->conn->fd, ret, 1, 0) == 1;
	while ((r = SSL_read(c->ssl, ret, 1)) != 1)
		if (!hostile_goes_on(c, r))
			return false;
	return true;
}

static bool hostile_send(struct hostile_conn *c, const char *data, size_t len)
{
	if (!c->ssl)
		return hostile_out(c, data, len);
	return len == 0 || (SSL_write(c->ssl, data, (int)len) == (int)len && hostile_flush(c));
}

/* ---------------------------------------------------------------- steps */

/* Byte by byte, so that nothing behind it is taken. */
static bool hostile_read_request(struct hostile_conn *c)
{
	static const char name[] = "\r\ncontent-length:";
	char *head = malloc(HOSTILE_HEAD_MAX);
	const char *length = NULL;
	bool goes_on = head != NULL;
	size_t n = 0;
	char byte;

	while (goes_on && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0))
		goes_on = n < HOSTILE_HEAD_MAX - 1 && hostile_get(c, &head[n++]);
	if (goes_on) {
		head[n] = '\0';
		length = strcasestr(head, name);
	}
	for (uint64_t left = length ? strtoull(length + strlen(name), NULL, 10) : 0;
		goes_on && left > 0; left--)
		goes_on = hostile_get(c, &byte);
	free(head);
	if (goes_on)
		mini_count_request(c->conn);
	return goes_on;
}

static bool hostile_send_slowly(struct hostile_conn *c, const struct hostile_step *step)
{
	size_t n;

	for (size_t at = 0; at < step->len; at += n) {
		n = step->len - at < step->number ? step->len - at : (size_t)step->number;
		if (!mini_delay(c->conn, step->time_ns) || !hostile_send(c, step->text + at, n))
			return false;
	}
	return true;
}

static void hostile_begin_cut(struct hostile_conn *c, const struct hostile_step *step)
{
	c->is_cut_set = true;
	c->cut = step->how;
	c->cut_left = step->number == HOSTILE_INDEX ? c->conn->index : step->number;
}

/* The server chooses without looking at what is offered. */
static int hostile_choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned offered_len, void *arg)
{
	const struct hostile_step *step = arg;

	(void)ssl, (void)offered, (void)offered_len;
	*ret = (const unsigned char *)step->text;
	*ret_len = (unsigned char)step->len;
	return SSL_TLSEXT_ERR_OK;
}

static bool hostile_shake_hands(struct hostile_conn *c)
{
	int r;

	c->ssl = SSL_new(c->h->tls.ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	if (!c->ssl || !c->in || !c->out)
		abort();
	(void)BIO_set_mem_eof_return(c->in, -1);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_accept_state(c->ssl);
	while ((r = SSL_do_handshake(c->ssl)) != 1)
		if (!hostile_goes_on(c, r))
			return false;
	return hostile_flush(c);
}

/* OpenSSL has no call for an alert; what it sees here makes it send one. */
static bool hostile_alert(struct hostile_conn *c)
{
	static const char broken[] = "\x17\x03\x03\x00\x20 thirty-two bytes that are no data ";
	char byte;

	(void)BIO_write(c->in, broken, 5 + 32);
	while (SSL_read(c->ssl, &byte, 1) == 1)
		;
	return hostile_flush(c);
}

static bool hostile_play_tls(struct hostile_conn *c, const struct hostile_step *step)
{
	if (!c->ssl)
		return false; /* the script is wrong */
	switch (step->verb) {
	case HOSTILE_ALERT:
		return hostile_alert(c);
	case HOSTILE_GOODBYE:
		(void)SSL_shutdown(c->ssl);
		return hostile_flush(c);
	case HOSTILE_KEY_UPDATE:
		return SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
		       SSL_do_handshake(c->ssl) == 1 && hostile_flush(c);
	default: /* HOSTILE_RENEGOTIATE */
		return SSL_renegotiate(c->ssl) == 1 && SSL_do_handshake(c->ssl) == 1 &&
		       hostile_flush(c);
	}
}

static bool hostile_play_step(struct hostile_conn *c, const struct hostile_step *step)
{
	switch (step->verb) {
	case HOSTILE_ACCEPT:
	case HOSTILE_ALPN:
		return true; /* of the server, and done */
	case HOSTILE_CUT:
		hostile_begin_cut(c, step);
		return true;
	case HOSTILE_DELAY:
		return mini_delay(c->conn, step->time_ns);
	case HOSTILE_FIN:
		return shutdown(c->conn->fd, SHUT_WR) == 0;
	case HOSTILE_HANDSHAKE:
		return hostile_shake_hands(c);
	case HOSTILE_RAW:
		return hostile_out(c, step->text, step->len);
	case HOSTILE_REQUEST:
		return hostile_read_request(c);
	case HOSTILE_SEND:
		return hostile_send(c, step->text, step->len);
	case HOSTILE_SEND_SLOWLY:
		return hostile_send_slowly(c, step);
	case HOSTILE_CLOSE:
		return false;
	case HOSTILE_RST:
		mini_reset(c->conn);
		return false;
	case HOSTILE_HANG:
		mini_linger(c->conn);
		return false;
	case HOSTILE_READ_NOT:
		hostile_stare(c);
		return false;
	default:
		return hostile_play_tls(c, step);
	}
}

static bool hostile_play(struct hostile_conn *c, const struct hostile_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i += 1 + steps[i].n_inner) {
		const struct hostile_step *step = &steps[i];
		bool is_block = step->verb == HOSTILE_REPEAT || step->verb == HOSTILE_FOREVER;
		uint64_t turns = step->verb == HOSTILE_FOREVER ? UINT64_MAX : step->number;

		if (!is_block && !hostile_play_step(c, step))
			return false;
		for (; is_block && turns > 0; turns--)
			if (clock_now_ns() >= c->deadline_ns ||
				!hostile_play(c, step + 1, step->n_inner))
				return false;
	}
	return true;
}

/* ---------------------------------------------------------------- a connection */

static void hostile_limit(int fd, int64_t limit_ns)
{
	struct timeval limit = {.tv_sec = (time_t)(limit_ns / NSEC_PER_SEC),
		.tv_usec = (suseconds_t)(limit_ns % NSEC_PER_SEC / NSEC_PER_USEC)};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static void hostile_serve(struct mini_conn *conn)
{
	struct hostile *h = conn->server->userdata;
	struct hostile_conn c = {
		.h = h, .conn = conn, .deadline_ns = clock_now_ns() + h->_limit_ns};

	hostile_limit(conn->fd, h->_limit_ns);
	if (conn->index + 1 == h->_n_accepted_max)
		h->_filler = mini_server_fill(&h->server);
	(void)hostile_play(&c, h->_script.steps, h->_script.n_steps);
	SSL_free(c.ssl);
	ERR_clear_error();
}

/* ---------------------------------------------------------------- the server */

static void hostile_open_tls(struct hostile *h, const struct hostile_config *config)
{
	if (!hostile_script_has(&h->_script, HOSTILE_HANDSHAKE))
		return;
	mini_tls_open(&h->tls, config->who, config->tls_version);
	for (size_t i = 0; i < h->_script.n_steps; i++)
		if (h->_script.steps[i].verb == HOSTILE_ALPN)
			SSL_CTX_set_alpn_select_cb(
				h->tls.ctx, hostile_choose_alpn, &h->_script.steps[i]);
}

static void hostile_fini(struct hostile *h)
{
	if (h->tls.ctx)
		mini_tls_close(&h->tls);
	hostile_script_fini(&h->_script);
}

int hostile_open(struct hostile *h, const struct hostile_config *config, struct err *reterr)
{
	const struct hostile_step *first;
	bool is_limited;
	int r;

	*h = (struct hostile){
		._limit_ns = config->limit_ns ? config->limit_ns : HOSTILE_LIMIT_NS, ._filler = -1};
	r = hostile_script_parse(&h->_script, config->script, reterr);
	if (r < 0)
		return r;
	hostile_open_tls(h, config);
	first = h->_script.steps;
	is_limited = h->_script.n_steps > 0 && first->verb == HOSTILE_ACCEPT;
	h->_n_accepted_max = MINI_CONNECTIONS_MAX;
	if (is_limited && first->number < MINI_CONNECTIONS_MAX)
		h->_n_accepted_max = (unsigned)first->number;
	/* A backlog of 0 is one place. Once it is taken, the handshake of TCP itself waits. */
	r = mini_server_open_limited(
		&h->server, is_limited ? 0 : 1024, h->_n_accepted_max, hostile_serve, h);
	if (r < 0) {
		err_set(reterr, "cannot listen: %s", strerror(-r));
		hostile_fini(h);
		return r;
	}
	if (h->_n_accepted_max == 0)
		h->_filler = mini_server_fill(&h->server);
	return 0;
}

void hostile_close(struct hostile *h)
{
	mini_server_close(&h->server);
	if (h->_filler >= 0)
		mini_reset_fd(h->_filler);
	hostile_fini(h);
}
