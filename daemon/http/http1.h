/* SPDX-License-Identifier: Apache-2.0 */
/* Incremental parser of HTTP/1.1 responses (RFC 9112), the client's side. It keeps a few small
 * fields between calls and no copy of the message, so the verdict cannot depend on how the bytes
 * were split, and a connection needs no buffer of its own. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_result {
	HTTP1_MORE, /* the message is not complete */
	HTTP1_DONE, /* complete; bytes after *ret_used are not part of the message */
	HTTP1_ERROR,
};

/* Limits against endless responses: a response that exceeds them is bad. These bytes are not
 * stored, so a line may be as long as its block. */
#define HTTP1_HEADERS_MAX (1 << 20) /* status line and headers; one chunk's line; the trailers */
#define HTTP1_INFORMATIONAL_MAX 16  /* 1xx responses before the final one */

/* Properties of the request that determine the end of its response. */
#define HTTP1_ASKED_HEAD 1    /* no body, whatever the headers say (RFC 9112 section 6.3) */
#define HTTP1_ASKED_UPGRADE 2 /* 101 is a complete answer (RFC 9110 section 15.2.2) */

/* The protocol of bytes that do not begin a response. */
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
	bool is_close_delimited; /* the end of the connection ends the body */
	uint64_t body_bytes;	 /* content received so far, without chunk framing */
	uint64_t head_bytes;	 /* status line and headers, all responses */
	const char *error;	 /* HTTP1_ERROR: the reason, a constant */
	uint8_t foreign;	 /* HTTP1_ERROR: enum http1_foreign */

	/* the parser's own */
	uint8_t _state;
	uint8_t _field; /* header field of the present line */
	uint8_t _informational;
	uint8_t _name_len;
	uint8_t _value_len;
	uint8_t _resume; /* the state in which a folded line continues */
	uint16_t _flags;
	char _name[20];	 /* of the present field; longer names match nothing */
	char _value[24]; /* of the present token */
	uint32_t _block_bytes;
	uint64_t _left; /* bytes of the body or chunk still to come */
	uint64_t _content_length;
	uint64_t _number; /* being read: status, length or chunk size */
};

/* The head of the last response, and the state of the parser after it: a server sends the same head
 * over and over, and equal bytes at the start of a message mean the same thing, so a comparison
 * saves parsing them. One for many connections of a thread; zero-initialise. */
#define HTTP1_MEMO_MAX 1024
struct http1_memo {
	uint32_t _len; /* 0: nothing yet */
	char _head[HTTP1_MEMO_MAX];
	struct http1 _after;
};

/* Callbacks for the content of a response; either may be NULL. The pieces follow each other without
 * a gap, but where they are cut depends on how the bytes arrived. */
struct http1_sink {
	/* The header lines of the final response, from the end of its status line up to and
	 * including the empty line; neither informational responses nor trailers. */
	void (*on_head)(void *arg, const char *data, size_t len);
	/* Content, without chunk framing. */
	void (*on_body)(void *arg, const char *data, size_t len);
	void *arg;
};

/* To be called before each response. asked: HTTP1_ASKED_... of its request. */
void http1_start(struct http1 *p, unsigned asked);

/* Takes bytes up to the end of the message at most. After DONE or ERROR call http1_start. With
 * ERROR *ret_used counts the bytes before the one that was refused (a value that is wrong as a
 * whole is refused at the first byte after its line, as that might have continued it). */
enum http1_result http1_feed(struct http1 *p, const char *data, size_t len, size_t *ret_used);
/* The same, with the same result, calling the sink. The sink does not see bytes given to
 * http1_skipped. */
enum http1_result http1_feed_sink(struct http1 *p, const struct http1_sink *sink, const char *data,
	size_t len, size_t *ret_used);
/* Like http1_feed, with the same result, faster if the whole head arrives at once and is known. */
enum http1_result http1_feed_memo(
	struct http1 *p, struct http1_memo *memo, const char *data, size_t len, size_t *ret_used);

/* The peer has closed: DONE for a close-delimited body, ERROR for anything else. */
enum http1_result http1_end(struct http1 *p);

/* The number of next bytes that are body content and need not be read (of known length, so not
 * close-delimited): the owner may discard up to that many from the socket and then call
 * http1_skipped. 0 while in headers or chunk framing. */
uint64_t http1_skippable(const struct http1 *p);
enum http1_result http1_skipped(struct http1 *p, uint64_t n);

/* No byte of the response has arrived. */
bool http1_is_untouched(const struct http1 *p);
