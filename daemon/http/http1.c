/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 response, read as a state machine over bytes (RFC 9112, the client's side).
 *
 * A message is lines, and bodies between lines. Everything made of lines (status line, header
 * fields, chunk sizes, trailers) goes through http1_feed_line, which alone knows the limits; in a
 * line, _state says what the next byte may be, and _field what the line is, so that its end means
 * the right thing. Runs of bytes that say nothing (names, uninteresting values, bodies) are passed
 * over in bulk and stored nowhere.
 *
 * Invariant: what happens to a byte depends on the struct and on that byte, never on where a buffer
 * began or ended; so the verdict and the end of the message do not depend on the splitting.
 *
 * Policy where the RFC leaves a choice. Accepted: a bare LF as the end of any line (section 2.2
 * allows it for a recipient, and an endpoint forwards nothing that could be smuggled), two empty
 * lines before the status line, no blank behind the status code, blanks behind a chunk size,
 * repeated equal Content-Length (section 6.3), chunked from an HTTP/1.0 server, but then the
 * connection is not used again (section 6.1). Refused: a bare CR and every other control character
 * (section 2.2, RFC 9110 section 5.5), folded lines (section 5.2), blanks before the colon
 * (section 5.1), Content-Length together with Transfer-Encoding (section 6.3: "ought to be handled
 * as an error"), status 101, as no upgrade was asked for. Pure; used by workers' threads. */
#include "daemon/http/http1.h"

#include <assert.h>
#include <string.h>

#define HTTP1_BLANK_LINES_MAX 2
/* So that nobody who counts in signed 64 bits can be made to overflow. */
#define HTTP1_NUMBER_MAX ((uint64_t)INT64_MAX)

static_assert(sizeof(struct http1) <= 128, "one for each connection");

enum http1_state {
	HTTP1_START,   /* nothing of this response has come */
	HTTP1_VERSION, /* in "HTTP/1." */
	HTTP1_MINOR,
	HTTP1_SPACE, /* behind the version */
	HTTP1_CODE,
	HTTP1_AFTER_CODE,
	HTTP1_FIELD, /* first byte of a header or trailer line, or of the empty one */
	HTTP1_NAME,
	HTTP1_TEXT,   /* up to the line's end nothing matters: reason, other values, extensions */
	HTTP1_LENGTH, /* Content-Length: a number, or blanks before it */
	HTTP1_AFTER_LENGTH,
	HTTP1_TOKENS, /* Connection, Transfer-Encoding: a token, or blanks before it */
	HTTP1_AFTER_TOKEN,
	HTTP1_PARAMETER, /* of a transfer coding */
	HTTP1_QUOTED,
	HTTP1_ESCAPED,
	HTTP1_CHUNK_SIZE,
	HTTP1_AFTER_CHUNK_SIZE,
	HTTP1_CHUNK_END, /* the line end behind a chunk's data */
	HTTP1_LF,	 /* CR was seen */
	HTTP1_BODY,	 /* _left bytes, then done */
	HTTP1_CHUNK_DATA,
	HTTP1_UNTIL_CLOSE,
	HTTP1_STATE_DONE, /* this and what follows take no bytes */
	HTTP1_STATE_ERROR,
	HTTP1_STATE_COUNT,
};

/* What the present line is. */
enum http1_field {
	HTTP1_FIELD_OTHER,
	HTTP1_FIELD_CONTENT_LENGTH,
	HTTP1_FIELD_TRANSFER_ENCODING,
	HTTP1_FIELD_CONNECTION,
	HTTP1_LINE_BLANK, /* before the status line */
	HTTP1_LINE_STATUS,
	HTTP1_LINE_EMPTY, /* ends the headers or trailers */
	HTTP1_LINE_CHUNK_SIZE,
	HTTP1_LINE_CHUNK_END,
};

enum {
	HTTP1_IS_HEAD = 1,
	HTTP1_IS_1_1 = 2, /* or a later minor version */
	HTTP1_HAS_LENGTH = 4,
	HTTP1_HAS_CODING = 8,
	HTTP1_IS_CHUNKED = 16, /* the last coding so far */
	HTTP1_SAYS_CLOSE = 32,
	HTTP1_SAYS_KEEP_ALIVE = 64,
	HTTP1_IN_BODY = 128, /* header fields are trailers now */
};

/* The fields that frame a message; all others are passed over. */
static const struct {
	const char *name;
	uint8_t len;
	uint8_t field;
	uint8_t state;
} http1_fields[] = {
	{"connection", 10, HTTP1_FIELD_CONNECTION, HTTP1_TOKENS},
	{"content-length", 14, HTTP1_FIELD_CONTENT_LENGTH, HTTP1_LENGTH},
	{"transfer-encoding", 17, HTTP1_FIELD_TRANSFER_ENCODING, HTTP1_TOKENS},
};

/* Why a line may not end in a state; NULL where it may. */
static const char *const http1_unfinished[HTTP1_STATE_COUNT] = {
	[HTTP1_VERSION] = "the status line is cut short",
	[HTTP1_MINOR] = "the status line is cut short",
	[HTTP1_SPACE] = "the status line is cut short",
	[HTTP1_CODE] = "the status line is cut short",
	[HTTP1_NAME] = "a header line has no colon",
	[HTTP1_QUOTED] = "a quoted string in Transfer-Encoding does not end",
	[HTTP1_ESCAPED] = "a quoted string in Transfer-Encoding does not end",
};

/* tchar of RFC 9110 section 5.6.2: 0 for what is none, else with the bit that makes it lower case.
 */
static const unsigned char http1_token[256] = {
	['!'] = 1,
	['#' ... '\''] = 1,
	['*' ... '+'] = 1,
	['-' ... '.'] = 1,
	['0' ... '9'] = 1,
	['A' ... 'Z'] = 1 | 0x20,
	['^' ... 'z'] = 1,
	['|'] = 1,
	['~'] = 1,
};

void http1_start(struct http1 *p, bool is_head)
{
	*p = (struct http1){._flags = is_head ? HTTP1_IS_HEAD : 0};
}

static bool http1_refuse(struct http1 *p, const char *why)
{
	p->_state = HTTP1_STATE_ERROR;
	p->error = why;
	return false;
}

static bool http1_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool http1_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool http1_is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* ---------------------------------------------------------------- bytes inside lines */

/* status-line = "HTTP/1." DIGIT SP 3DIGIT SP reason (section 4). */
static bool http1_take_status(struct http1 *p, unsigned char c)
{
	static const char version[] = "HTTP/1.";

	switch (p->_state) {
	case HTTP1_START:
		p->_field = HTTP1_LINE_STATUS;
		p->_value_len = 0;
		p->_state = HTTP1_VERSION;
		/* fall through */
	case HTTP1_VERSION:
		if (c != version[p->_value_len])
			return http1_refuse(p, "this is not an HTTP/1 response");
		if (++p->_value_len == sizeof(version) - 1)
			p->_state = HTTP1_MINOR;
		return true;
	case HTTP1_MINOR:
		if (!http1_is_digit(c))
			return http1_refuse(p, "the HTTP version is not a number");
		/* A higher minor version is read as the highest known (RFC 9110 section 6.2). */
		if (c != '0')
			p->_flags |= HTTP1_IS_1_1;
		p->_state = HTTP1_SPACE;
		return true;
	case HTTP1_SPACE:
		if (c != ' ')
			return http1_refuse(p, "no blank between version and status");
		p->_number = 0;
		p->_value_len = 0;
		p->_state = HTTP1_CODE;
		return true;
	case HTTP1_CODE:
		if (!http1_is_digit(c) || (p->_value_len == 0 && c == '0'))
			return http1_refuse(p, "the status is not three digits");
		p->_number = p->_number * 10 + (c - '0');
		if (++p->_value_len == 3)
			p->_state = HTTP1_AFTER_CODE;
		return true;
	default: /* HTTP1_AFTER_CODE */
		if (c != ' ')
			return http1_refuse(p, "the status is not three digits");
		p->_state = HTTP1_TEXT;
		return true;
	}
}

static bool http1_take_colon(struct http1 *p, unsigned char c)
{
	if (http1_is_blank(c))
		return http1_refuse(p, "blank in a header name or before its colon");
	if (c != ':')
		return http1_refuse(p, "a header name has a character it may not have");

	p->_field = HTTP1_FIELD_OTHER;
	p->_state = HTTP1_TEXT;
	p->_value_len = 0;
	p->_number = 0;
	if (p->_flags & HTTP1_IN_BODY)
		return true;
	for (size_t i = 0; i < sizeof(http1_fields) / sizeof(http1_fields[0]); i++) {
		if (p->_name_len == http1_fields[i].len &&
			memcmp(p->_name, http1_fields[i].name, p->_name_len) == 0) {
			p->_field = http1_fields[i].field;
			p->_state = http1_fields[i].state;
			break;
		}
	}
	return true;
}

/* A number of Content-Length is complete. All of them must say the same (section 6.3). */
static bool http1_end_length(struct http1 *p)
{
	if (p->_value_len == 0)
		return http1_refuse(p, "Content-Length is not a number");
	if ((p->_flags & HTTP1_HAS_LENGTH) && p->_content_length != p->_number)
		return http1_refuse(p, "Content-Length is given twice and differs");
	p->_flags |= HTTP1_HAS_LENGTH;
	p->_content_length = p->_number;
	p->_number = 0;
	p->_value_len = 0;
	return true;
}

static bool http1_take_length(struct http1 *p, unsigned char c)
{
	if (c == ',') {
		p->_state = HTTP1_LENGTH;
		return http1_end_length(p);
	}
	if (http1_is_blank(c)) {
		if (p->_value_len > 0)
			p->_state = HTTP1_AFTER_LENGTH;
		return true;
	}
	if (!http1_is_digit(c) || p->_state == HTTP1_AFTER_LENGTH)
		return http1_refuse(p, "Content-Length is not a number");
	if (p->_number > (HTTP1_NUMBER_MAX - 9) / 10)
		return http1_refuse(p, "Content-Length is too large");
	p->_number = p->_number * 10 + (c - '0');
	p->_value_len = 1;
	return true;
}

static bool http1_token_is(const struct http1 *p, const char *token)
{
	return p->_value_len == strlen(token) && memcmp(p->_value, token, p->_value_len) == 0;
}

/* A token of Connection (section 9.6) or Transfer-Encoding (section 6.1) is complete. */
static bool http1_end_token(struct http1 *p)
{
	if (p->_value_len == 0)
		return true;
	if (p->_field == HTTP1_FIELD_CONNECTION) {
		if (http1_token_is(p, "close"))
			p->_flags |= HTTP1_SAYS_CLOSE;
		else if (http1_token_is(p, "keep-alive"))
			p->_flags |= HTTP1_SAYS_KEEP_ALIVE;
	} else if (!http1_token_is(p, "chunked")) {
		p->_flags |= HTTP1_HAS_CODING;
		p->_flags &= ~HTTP1_IS_CHUNKED;
	} else if (p->_flags & HTTP1_IS_CHUNKED) {
		return http1_refuse(p, "the response is chunked twice");
	} else {
		p->_flags |= HTTP1_HAS_CODING | HTTP1_IS_CHUNKED;
	}
	p->_value_len = 0;
	return true;
}

static bool http1_take_token(struct http1 *p, unsigned char c)
{
	bool is_coding = p->_field == HTTP1_FIELD_TRANSFER_ENCODING;

	if (c == ',') {
		p->_state = HTTP1_TOKENS;
		return http1_end_token(p);
	}
	if (http1_is_blank(c)) {
		if (p->_value_len > 0)
			p->_state = HTTP1_AFTER_TOKEN;
		return true;
	}
	if (is_coding && c == ';') {
		if (p->_value_len == 0 || http1_token_is(p, "chunked"))
			return http1_refuse(p, "a parameter in Transfer-Encoding is misplaced");
		p->_state = HTTP1_PARAMETER;
		return http1_end_token(p);
	}
	if (http1_token[c] == 0 || p->_state == HTTP1_AFTER_TOKEN) {
		/* How the body is framed must be clear; what else Connection says need not. */
		if (is_coding)
			return http1_refuse(p, "Transfer-Encoding is not a list of tokens");
		p->_value_len = sizeof(p->_value);
		p->_state = HTTP1_TOKENS;
		return true;
	}
	if (p->_value_len < sizeof(p->_value))
		p->_value[p->_value_len++] = (char)(c | (http1_token[c] & 0x20));
	return true;
}

static bool http1_take_parameter(struct http1 *p, unsigned char c)
{
	if (p->_state == HTTP1_ESCAPED)
		p->_state = HTTP1_QUOTED;
	else if (p->_state == HTTP1_QUOTED && c == '\\')
		p->_state = HTTP1_ESCAPED;
	else if (p->_state == HTTP1_QUOTED && c == '"')
		p->_state = HTTP1_PARAMETER;
	else if (p->_state == HTTP1_PARAMETER && c == '"')
		p->_state = HTTP1_QUOTED;
	else if (p->_state == HTTP1_PARAMETER && c == ',')
		p->_state = HTTP1_TOKENS;
	return true;
}

/* chunk = 1*HEXDIG [ chunk-ext ] CRLF (section 7.1). */
static bool http1_take_chunk_size(struct http1 *p, unsigned char c)
{
	unsigned char lower = c | 0x20;
	unsigned digit;

	if (http1_is_digit(c)) {
		digit = c - '0';
	} else if (lower >= 'a' && lower <= 'f') {
		digit = lower - 'a' + 10;
	} else if (p->_value_len > 0 && c == ';') {
		p->_state = HTTP1_TEXT;
		return true;
	} else if (p->_value_len > 0 && http1_is_blank(c)) {
		p->_state = HTTP1_AFTER_CHUNK_SIZE;
		return true;
	} else {
		return http1_refuse(p, "a chunk size is not a number");
	}
	if (p->_state == HTTP1_AFTER_CHUNK_SIZE)
		return http1_refuse(p, "a chunk size is not a number");
	if (p->_number > HTTP1_NUMBER_MAX >> 4)
		return http1_refuse(p, "a chunk size is too large");
	p->_number = p->_number << 4 | digit;
	p->_value_len = 1;
	return true;
}

/* One byte of a line, not of its end. False: refused. */
static bool http1_take(struct http1 *p, unsigned char c)
{
	if (p->_state == HTTP1_LF)
		return http1_refuse(p, "CR without LF");
	if (http1_is_control(c) && c != '\t')
		return http1_refuse(p, "a control character in a line");

	switch (p->_state) {
	case HTTP1_FIELD:
		if (http1_is_blank(c))
			return http1_refuse(p, "a folded header line");
		return http1_refuse(p, "a header name has a character it may not have");
	case HTTP1_NAME:
		return http1_take_colon(p, c);
	case HTTP1_TEXT:
		return true;
	case HTTP1_LENGTH:
	case HTTP1_AFTER_LENGTH:
		return http1_take_length(p, c);
	case HTTP1_TOKENS:
	case HTTP1_AFTER_TOKEN:
		return http1_take_token(p, c);
	case HTTP1_PARAMETER:
	case HTTP1_QUOTED:
	case HTTP1_ESCAPED:
		return http1_take_parameter(p, c);
	case HTTP1_CHUNK_SIZE:
	case HTTP1_AFTER_CHUNK_SIZE:
		return http1_take_chunk_size(p, c);
	case HTTP1_CHUNK_END:
		return http1_refuse(p, "a chunk is longer than its size");
	default:
		return http1_take_status(p, c);
	}
}

/* ---------------------------------------------------------------- ends of lines */

/* The content of a line is complete: CR or LF has come. False: it may not end here. */
static bool http1_close_line(struct http1 *p)
{
	switch (p->_state) {
	case HTTP1_START:
		p->_field = HTTP1_LINE_BLANK;
		if (++p->_blank_lines > HTTP1_BLANK_LINES_MAX)
			return http1_refuse(p, "empty lines instead of a response");
		return true;
	case HTTP1_FIELD:
		p->_field = HTTP1_LINE_EMPTY;
		return true;
	case HTTP1_LENGTH:
	case HTTP1_AFTER_LENGTH:
		return http1_end_length(p);
	case HTTP1_TOKENS:
	case HTTP1_AFTER_TOKEN:
		if (!http1_end_token(p))
			return false;
		if (p->_field == HTTP1_FIELD_TRANSFER_ENCODING && !(p->_flags & HTTP1_HAS_CODING))
			return http1_refuse(p, "Transfer-Encoding is empty");
		return true;
	case HTTP1_CHUNK_SIZE:
		if (p->_value_len == 0)
			return http1_refuse(p, "a chunk size is not a number");
		return true;
	default:
		if (http1_unfinished[p->_state] != NULL)
			return http1_refuse(p, http1_unfinished[p->_state]);
		return true;
	}
}

static void http1_end_status_line(struct http1 *p)
{
	p->_state = HTTP1_FIELD;
	if (p->_number >= 200) {
		p->status = (unsigned)p->_number;
		p->has_status = true;
	} else if (p->_number == 101) {
		http1_refuse(p, "status 101, but no upgrade was asked for");
	} else if (++p->_informational > HTTP1_INFORMATIONAL_MAX) {
		http1_refuse(p, "too many 1xx responses");
	}
}

static void http1_begin_chunk_line(struct http1 *p, enum http1_state state, enum http1_field field)
{
	p->_state = state;
	p->_field = field;
	p->_number = 0;
	p->_value_len = 0;
	/* Chunk lines are bounded one by one: their number is the body's affair. */
	p->_block_bytes = 0;
}

/* The headers are complete: how long is the body (section 6.3), and may the connection live on
 * (section 9.3)? */
static void http1_end_head(struct http1 *p)
{
	const uint8_t flags = p->_flags;

	if ((flags & HTTP1_HAS_LENGTH) && (flags & HTTP1_HAS_CODING)) {
		http1_refuse(p, "both Content-Length and Transfer-Encoding");
		return;
	}
	if (!p->has_status) {
		p->_flags = flags & HTTP1_IS_HEAD;
		p->_block_bytes = 0;
		p->_state = HTTP1_START;
		return;
	}

	p->_flags |= HTTP1_IN_BODY;
	if (flags & HTTP1_IS_1_1)
		p->keep_alive = !(flags & HTTP1_SAYS_CLOSE);
	else
		p->keep_alive = (flags & HTTP1_SAYS_KEEP_ALIVE) && !(flags & HTTP1_SAYS_CLOSE) &&
				!(flags & HTTP1_HAS_CODING);

	if ((flags & HTTP1_IS_HEAD) || p->status == 204 || p->status == 304) {
		p->_state = HTTP1_STATE_DONE;
	} else if (flags & HTTP1_IS_CHUNKED) {
		http1_begin_chunk_line(p, HTTP1_CHUNK_SIZE, HTTP1_LINE_CHUNK_SIZE);
	} else if (flags & HTTP1_HAS_LENGTH) {
		p->_left = p->_content_length;
		p->_state = p->_left > 0 ? HTTP1_BODY : HTTP1_STATE_DONE;
	} else {
		p->is_close_delimited = true;
		p->keep_alive = false;
		p->_state = HTTP1_UNTIL_CLOSE;
	}
}

static void http1_end_line(struct http1 *p)
{
	switch ((enum http1_field)p->_field) {
	case HTTP1_LINE_BLANK:
		p->_state = HTTP1_START;
		break;
	case HTTP1_LINE_STATUS:
		http1_end_status_line(p);
		break;
	case HTTP1_FIELD_OTHER:
	case HTTP1_FIELD_CONTENT_LENGTH:
	case HTTP1_FIELD_TRANSFER_ENCODING:
	case HTTP1_FIELD_CONNECTION:
		p->_state = HTTP1_FIELD;
		break;
	case HTTP1_LINE_EMPTY:
		if (p->_flags & HTTP1_IN_BODY)
			p->_state = HTTP1_STATE_DONE;
		else
			http1_end_head(p);
		break;
	case HTTP1_LINE_CHUNK_SIZE:
		p->_left = p->_number;
		p->_block_bytes = 0;
		p->_state = p->_left > 0 ? HTTP1_CHUNK_DATA : HTTP1_FIELD;
		break;
	case HTTP1_LINE_CHUNK_END:
		http1_begin_chunk_line(p, HTTP1_CHUNK_SIZE, HTTP1_LINE_CHUNK_SIZE);
		break;
	}
}

/* ---------------------------------------------------------------- runs of bytes */

/* Passes over characters of a header name, keeping the first in lower case. */
static const char *http1_pass_name(struct http1 *p, const char *s, const char *end)
{
	size_t n = p->_name_len;
	unsigned char kind;

	for (; s < end && (kind = http1_token[(unsigned char)*s]) != 0; s++) {
		if (n < sizeof(p->_name))
			p->_name[n++] = (char)(*s | (kind & 0x20));
	}
	p->_name_len = (uint8_t)n;
	return s;
}

/* Passes over everything but control characters, eight bytes at a time: memchr would find the
 * line's end, but not what may not be in a line. */
static const char *http1_pass_text(const char *s, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t word, del;

	for (; end - s >= 8; s += 8) {
		memcpy(&word, s, sizeof(word));
		del = word ^ (ones * 0x7f);
		if ((((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & tops)
			break;
	}
	while (s < end && !http1_is_control((unsigned char)*s))
		s++;
	return s;
}

/* Up to the end of the present line at most. Returns where it stopped: at stop, behind the line's
 * LF
 * (*ret_ended), or at a byte that was refused. */
static const char *http1_pass_line(
	struct http1 *p, const char *s, const char *stop, bool *ret_ended)
{
	while (s < stop) {
		if (p->_state == HTTP1_FIELD && http1_token[(unsigned char)*s] != 0) {
			p->_name_len = 0;
			p->_state = HTTP1_NAME;
		}
		if (p->_state == HTTP1_NAME)
			s = http1_pass_name(p, s, stop);
		else if (p->_state == HTTP1_TEXT)
			s = http1_pass_text(s, stop);
		if (s == stop)
			break;

		if (*s == '\n') {
			if (p->_state != HTTP1_LF && !http1_close_line(p))
				break;
			*ret_ended = true;
			return s + 1;
		}
		if (*s == '\r' && p->_state != HTTP1_LF) {
			if (!http1_close_line(p))
				break;
			p->_state = HTTP1_LF;
		} else if (!http1_take(p, (unsigned char)*s)) {
			break;
		}
		s++;
	}
	return s;
}

/* At most one line, within the limits. Returns where it stopped. */
static const char *http1_feed_line(struct http1 *p, const char *s, const char *end)
{
	size_t room = HTTP1_LINE_MAX - p->_line_bytes;
	bool in_head = !(p->_flags & HTTP1_IN_BODY);
	const char *start = s, *stop = end;
	bool ended = false;
	uint32_t n;

	if (room > HTTP1_HEADERS_MAX - p->_block_bytes)
		room = HTTP1_HEADERS_MAX - p->_block_bytes;
	if ((size_t)(end - s) > room)
		stop = s + room;

	s = http1_pass_line(p, s, stop, &ended);
	n = (uint32_t)(s - start);
	p->_line_bytes += n;
	p->_block_bytes += n;
	if (in_head)
		p->head_bytes += n;
	if (ended) {
		p->_line_bytes = 0;
		http1_end_line(p);
	} else if (s == stop && stop < end) {
		http1_refuse(p, p->_line_bytes == HTTP1_LINE_MAX ? "a line is too long"
								 : "the headers are too long");
	}
	return s;
}

/* n bytes of content have been passed over. */
static void http1_pass_body(struct http1 *p, uint64_t n)
{
	p->body_bytes += n;
	p->_left -= n;
	if (p->_left > 0)
		return;
	if (p->_state == HTTP1_BODY)
		p->_state = HTTP1_STATE_DONE;
	else
		http1_begin_chunk_line(p, HTTP1_CHUNK_END, HTTP1_LINE_CHUNK_END);
}

static enum http1_result http1_verdict(const struct http1 *p)
{
	if (p->_state < HTTP1_STATE_DONE)
		return HTTP1_MORE;
	return p->_state == HTTP1_STATE_DONE ? HTTP1_DONE : HTTP1_ERROR;
}

enum http1_result http1_feed(struct http1 *p, const char *data, size_t len, size_t *ret_used)
{
	size_t used = 0;
	uint64_t n;

	while (used < len && p->_state < HTTP1_STATE_DONE) {
		n = len - used;
		switch (p->_state) {
		case HTTP1_BODY:
		case HTTP1_CHUNK_DATA:
			if (n > p->_left)
				n = p->_left;
			http1_pass_body(p, n);
			used += n;
			break;
		case HTTP1_UNTIL_CLOSE:
			p->body_bytes += n;
			used = len;
			break;
		default:
			used = (size_t)(http1_feed_line(p, data + used, data + len) - data);
		}
	}
	*ret_used = used;
	return http1_verdict(p);
}

enum http1_result http1_end(struct http1 *p)
{
	/* It stays untouched: the owner may ask, because such a request may be sent again. */
	if (http1_is_untouched(p)) {
		p->error = "closed before the response";
		return HTTP1_ERROR;
	}
	if (p->_state == HTTP1_UNTIL_CLOSE)
		p->_state = HTTP1_STATE_DONE;
	else if (p->_state < HTTP1_STATE_DONE)
		http1_refuse(p, p->_flags & HTTP1_IN_BODY ? "closed within the body"
							  : "closed within the headers");
	return http1_verdict(p);
}

uint64_t http1_skippable(const struct http1 *p)
{
	if (p->_state == HTTP1_BODY || p->_state == HTTP1_CHUNK_DATA)
		return p->_left;
	return 0;
}

enum http1_result http1_skipped(struct http1 *p, uint64_t n)
{
	assert(n <= http1_skippable(p));
	if (n > 0)
		http1_pass_body(p, n);
	return http1_verdict(p);
}

bool http1_is_untouched(const struct http1 *p)
{
	return p->_state == HTTP1_START && p->head_bytes == 0;
}
