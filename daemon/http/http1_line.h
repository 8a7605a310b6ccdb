/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of the response parser: its states, and the meaning of each byte of one line
 * (http1_line.c). Whole lines and messages are handled in http1.c. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/http1.h"

enum http1_state {
	HTTP1_START,   /* no byte of this response has arrived */
	HTTP1_FOREIGN, /* in the first bytes of another protocol */
	HTTP1_VERSION, /* in "HTTP/1." */
	HTTP1_MINOR,
	HTTP1_SPACE, /* after the version */
	HTTP1_CODE,
	HTTP1_AFTER_CODE,
	HTTP1_FIELD, /* first byte of a header or trailer line, or of the empty one */
	HTTP1_NAME,
	HTTP1_TEXT,   /* ignored up to the line's end: reason, values of other fields */
	HTTP1_LENGTH, /* Content-Length: a number, or blanks before it */
	HTTP1_AFTER_LENGTH,
	HTTP1_TOKENS, /* Connection, Transfer-Encoding: a token, or blanks before it */
	HTTP1_AFTER_TOKEN,
	HTTP1_AFTER_VALUE, /* one of these lines has ended; is the next one folded? */
	HTTP1_CHUNK_SIZE,
	HTTP1_AFTER_CHUNK_SIZE,
	/* After the ';' of a transfer coding or a chunk size. */
	HTTP1_PARAM, /* blanks before the name */
	HTTP1_PARAM_NAME,
	HTTP1_PARAM_AFTER_NAME,
	HTTP1_PARAM_EQUALS, /* and blanks after it */
	HTTP1_PARAM_VALUE,
	HTTP1_PARAM_QUOTED,
	HTTP1_PARAM_ESCAPED,
	HTTP1_PARAM_AFTER_VALUE,
	HTTP1_CHUNK_END, /* the line end after a chunk's data */
	HTTP1_LF,	 /* CR was read */
	HTTP1_BODY,	 /* _left bytes, then done */
	HTTP1_CHUNK_DATA,
	HTTP1_UNTIL_CLOSE,
	HTTP1_STATE_DONE, /* this state and those after it read no bytes */
	HTTP1_STATE_ERROR,
};

/* The kind of the present line; at the beginning of a line, that of the last one. */
enum http1_field {
	HTTP1_LINE_BLANK, /* before the status line */
	HTTP1_LINE_STATUS,
	HTTP1_FIELD_OTHER,
	HTTP1_FIELD_CONTENT_LENGTH,
	HTTP1_FIELD_TRANSFER_ENCODING,
	HTTP1_FIELD_CONNECTION,
	HTTP1_LINE_EMPTY, /* ends the headers or trailers */
	HTTP1_LINE_CHUNK_SIZE,
	HTTP1_LINE_CHUNK_END,
};

enum {
	HTTP1_ASKED = HTTP1_ASKED_HEAD | HTTP1_ASKED_UPGRADE,
	HTTP1_IS_1_1 = 4, /* or a later minor version */
	HTTP1_HAS_LENGTH = 8,
	HTTP1_HAS_CODING = 16,
	HTTP1_HAS_CHUNKED = 32, /* among the codings so far */
	HTTP1_IS_CHUNKED = 64,	/* the last coding so far */
	HTTP1_SAYS_CLOSE = 128,
	HTTP1_SAYS_KEEP_ALIVE = 256,
	HTTP1_IN_BODY = 512, /* header fields are trailers now */
};

/* Makes the response bad; why is a constant. Always returns false, so that it can be returned. */
bool http1_line_refuse(struct http1 *p, const char *why);

/* Reads one byte of a line, except its end and the bytes that http1.c skips in bulk: those of
 * names, of tokens and of text. False: refused. */
bool http1_line_take(struct http1 *p, unsigned char c);
/* The content of a line is complete: CR or LF was read. False: it may not end here. */
bool http1_line_close(struct http1 *p);
/* In HTTP1_AFTER_VALUE: c, not read yet, begins the next line, and tells whether it continues the
 * value. False: it does not, and the value is a bad one. */
bool http1_line_go_on(struct http1 *p, unsigned char c);

/* The field of a name, for http1_line_begin_value; -1 for one without meaning here. */
int http1_line_find_field(const struct http1 *p, const char *name, size_t len);
/* A header's name and colon are complete: selects how its value is read. */
void http1_line_begin_value(struct http1 *p, int field);
