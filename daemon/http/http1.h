/* SPDX-License-Identifier: Apache-2.0 */
/* Incremental parser of HTTP/1.1 responses (RFC 9112), the client's side. It keeps a few small
 * fields between calls and no copy of the message, so the verdict cannot depend on how the bytes
 * were split, and a connection needs no buffer of its own. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_result {
	HTTP1_MORE, /* the message goes on */
	HTTP1_DONE, /* complete; bytes behind *ret_used belong to somebody else */
	HTTP1_ERROR,
};

/* Limits against responses without end: beyond them the response is bad. No byte of these is kept,
 * so a line may be as long as its block. */
#define HTTP1_HEADERS_MAX (1 << 20) /* status line and headers; one chunk's line; the trailers */
#define HTTP1_INFORMATIONAL_MAX 16  /* 1xx responses before the final one */

/* What the request asked for, so that the end of its response can be found. */
#define HTTP1_ASKED_HEAD 1    /* no body, whatever the response says (RFC 9112 section 6.3) */
#define HTTP1_ASKED_UPGRADE 2 /* 101 is a whole answer (RFC 9110 section 15.2.2) */

/* What the bytes are that do not begin a response. */
enum http1_foreign {
	HTTP1_NOT_FOREIGN, /* they began with "HTTP/" */
	HTTP1_FOREIGN_OTHER,
	HTTP1_FOREIGN_TLS,   /* an alert: this port expects TLS */
	HTTP1_FOREIGN_HTTP2, /* a SETTINGS frame (RFC 9113 section 3.4) */
};

struct http1 {
	/* read by the owner */
	unsigned status; /* of the final response, once its status line is complete */
	bool has_status;
	bool keep_alive;	 /* when done: the connection may carry another request */
	bool is_close_delimited; /* the body ends with the connection */
	uint64_t body_bytes;	 /* content received so far, without chunk framing */
	uint64_t head_bytes;	 /* status line and headers, all responses */
	const char *error;	 /* HTTP1_ERROR: why, a constant */
	uint8_t foreign;	 /* HTTP1_ERROR: enum http1_foreign */

	/* the parser's own */
	uint8_t _state;
	uint8_t _field; /* which header field the present line is */
	uint8_t _informational;
	uint8_t _name_len;
	uint8_t _value_len;
	uint8_t _resume; /* the state that a folded line goes on with */
	uint16_t _flags;
	char _name[20];	 /* of the present field; longer names match nothing */
	char _value[24]; /* of the present token */
	uint32_t _block_bytes;
	uint64_t _left; /* bytes of the body or chunk still to come */
	uint64_t _content_length;
	uint64_t _number; /* being read: status, length or chunk size */
};

/* The head of the last response, and where it left the parser: a server sends the same head over
 * and over, and equal bytes at the start of a message mean the same thing, so a comparison spares
 * parsing them. One for many connections of a thread; zero-initialise. */
#define HTTP1_MEMO_MAX 1024
struct http1_memo {
	uint32_t _len; /* 0: nothing yet */
	char _head[HTTP1_MEMO_MAX];
	struct http1 _after;
};

/* Who wants to see what a response says; either may be NULL. The pieces follow each other without a
 * gap, but where they are cut depends on how the bytes came. */
struct http1_sink {
	/* The header lines of the final response, from behind its status line up to and with the
	 * empty line; neither informational responses nor trailers. */
	void (*on_head)(void *arg, const char *data, size_t len);
	/* Content, without chunk framing. */
	void (*on_body)(void *arg, const char *data, size_t len);
	void *arg;
};

/* Before each response. asked: HTTP1_ASKED_... of its request. */
void http1_start(struct http1 *p, unsigned asked);

/* Takes bytes up to the end of the message at most. After DONE or ERROR call http1_start. With
 * ERROR *ret_used counts the bytes before the one that was refused (a value that is wrong as a
 * whole is refused at the first byte behind its line, as that might have gone on with it). */
enum http1_result http1_feed(struct http1 *p, const char *data, size_t len, size_t *ret_used);
/* The same, with the same result, telling the sink. Bytes given to http1_skipped it does not see.
 */
enum http1_result http1_feed_sink(struct http1 *p, const struct http1_sink *sink, const char *data,
	size_t len, size_t *ret_used);
/* As http1_feed, with the same result, faster where the whole head comes at once and is known. */
enum http1_result http1_feed_memo(
	struct http1 *p, struct http1_memo *memo, const char *data, size_t len, size_t *ret_used);

/* The peer has closed: DONE for a close-delimited body, ERROR for anything else. */
enum http1_result http1_end(struct http1 *p);

/* How many of the next bytes are body content that nobody needs to see (of known length, so not
 * close-delimited): the owner may throw away up to that many from the socket and then tell
 * http1_skipped. 0 while in headers or chunk framing. */
uint64_t http1_skippable(const struct http1 *p);
enum http1_result http1_skipped(struct http1 *p, uint64_t n);

/* Not one byte of the response has come. */
bool http1_is_untouched(const struct http1 *p);
