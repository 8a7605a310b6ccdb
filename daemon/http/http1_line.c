/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of each byte in a line of a response: the status line, the three header fields that
 * frame a message, chunk sizes. _state tells what may come next; http1.c calls http1_line_take for
 * every byte that it cannot skip in bulk, and http1_line_close before a line's end. The policy of
 * what is accepted and refused is at the top of http1.c; section numbers are those of RFC 9112.
 * Pure. */
#include "daemon/http/http1_line.h"

#include <stdint.h>
#include <string.h>

#include "daemon/http/http1_scan.h"

/* The first bytes of other protocols that are found at ports meant for HTTP; '?' is any byte. No
 * two of them begin with the same byte. */
static const struct {
	char bytes[4];
	uint8_t len;
	uint8_t foreign;
	const char *error;
} http1_line_foreign[] = {
	{"\x15\x03", 2, HTTP1_FOREIGN_TLS, "this server speaks TLS at this port: try https://"},
	{{0, 0, '?', 4}, 4, HTTP1_FOREIGN_HTTP2, "this server speaks HTTP/2, which rpsd does not"},
};

#define HTTP1_N_FOREIGN (sizeof(http1_line_foreign) / sizeof(http1_line_foreign[0]))

/* The fields that frame a message; all others are skipped. */
static const struct {
	const char *name;
	uint8_t len;
	uint8_t field;
	uint8_t state;
} http1_line_fields[] = {
	{"connection", 10, HTTP1_FIELD_CONNECTION, HTTP1_TOKENS},
	{"content-length", 14, HTTP1_FIELD_CONTENT_LENGTH, HTTP1_LENGTH},
	{"transfer-encoding", 17, HTTP1_FIELD_TRANSFER_ENCODING, HTTP1_TOKENS},
};

#define HTTP1_N_FIELDS ((int)(sizeof(http1_line_fields) / sizeof(http1_line_fields[0])))

/* "HTTP/" has not been read completely. */
static bool http1_line_is_foreign(const struct http1 *p)
{
	return p->_informational == 0 &&
	       (p->_state < HTTP1_VERSION ||
		       (p->_state == HTTP1_VERSION && p->_value_len < strlen("HTTP/")));
}

bool http1_line_refuse(struct http1 *p, const char *why)
{
	if (http1_line_is_foreign(p))
		p->foreign = HTTP1_FOREIGN_OTHER;
	p->_state = HTTP1_STATE_ERROR;
	p->error = why;
	return false;
}

/* text consists of tchar; word is in lower case and has letters and '-' only. */
static bool http1_line_is_word(const char *text, size_t len, const char *word, size_t word_len)
{
	if (len != word_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((text[i] | 0x20) != word[i])
			return false;
	}
	return true;
}

#define HTTP1_IS_FOREIGN "this is not an HTTP response"

/* The first bytes, if they are no response: which other protocol are they? _field is the row of the
 * table that they match so far. */
static bool http1_line_take_foreign(struct http1 *p, unsigned char c)
{
	char expected;

	if (p->_state == HTTP1_START) {
		p->_value_len = 0;
		p->_state = HTTP1_FOREIGN;
		for (p->_field = 0; c != (unsigned char)http1_line_foreign[p->_field].bytes[0];)
			if (++p->_field == HTTP1_N_FOREIGN)
				return http1_line_refuse(p, HTTP1_IS_FOREIGN);
	}
	expected = http1_line_foreign[p->_field].bytes[p->_value_len++];
	if (c != (unsigned char)expected && expected != '?')
		return http1_line_refuse(p, HTTP1_IS_FOREIGN);
	if (p->_value_len < http1_line_foreign[p->_field].len)
		return true;
	(void)http1_line_refuse(p, http1_line_foreign[p->_field].error);
	p->foreign = http1_line_foreign[p->_field].foreign;
	return false;
}

/* status-line = "HTTP/1." DIGIT SP 3DIGIT SP reason (section 4). */
static bool http1_line_take_status(struct http1 *p, unsigned char c)
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
			return http1_line_refuse(p, http1_line_is_foreign(p)
							    ? HTTP1_IS_FOREIGN
							    : "the version is not HTTP/1");
		if (++p->_value_len == sizeof(version) - 1)
			p->_state = HTTP1_MINOR;
		return true;
	case HTTP1_MINOR:
		if (!http1_scan_is_digit(c))
			return http1_line_refuse(p, "the HTTP version is not a number");
		/* A higher minor version is read as the highest known (RFC 9110 section 6.2). */
		if (c != '0')
			p->_flags |= HTTP1_IS_1_1;
		p->_state = HTTP1_SPACE;
		return true;
	case HTTP1_SPACE:
		if (c != ' ')
			return http1_line_refuse(p, "no blank between version and status");
		p->_number = 0;
		p->_value_len = 0;
		p->_state = HTTP1_CODE;
		return true;
	case HTTP1_CODE:
		if (p->_value_len == 0 && http1_scan_is_blank(c))
			return http1_line_refuse(p, "more than one blank before the status");
		if (!http1_scan_is_digit(c))
			return http1_line_refuse(p, "the status is not three digits");
		p->_number = p->_number * 10 + (c - '0');
		if (++p->_value_len == 3)
			p->_state = HTTP1_AFTER_CODE;
		return true;
	default: /* HTTP1_AFTER_CODE */
		if (c != ' ')
			return http1_line_refuse(p, "the status is not three digits");
		p->_state = HTTP1_TEXT;
		return true;
	}
}

int http1_line_find_field(const struct http1 *p, const char *name, size_t len)
{
	if (p->_flags & HTTP1_IN_BODY)
		return -1;
	for (int i = 0; i < HTTP1_N_FIELDS; i++) {
		if (http1_line_is_word(
			    name, len, http1_line_fields[i].name, http1_line_fields[i].len))
			return i;
	}
	return -1;
}

void http1_line_begin_value(struct http1 *p, int field)
{
	p->_field = field < 0 ? HTTP1_FIELD_OTHER : http1_line_fields[field].field;
	p->_state = field < 0 ? HTTP1_TEXT : http1_line_fields[field].state;
	p->_value_len = 0;
	p->_number = 0;
}

static bool http1_line_take_colon(struct http1 *p, unsigned char c)
{
	if (http1_scan_is_blank(c))
		return http1_line_refuse(p, "blank in a header name or before its colon");
	if (c != ':')
		return http1_line_refuse(p, "a header name has a character it may not have");
	http1_line_begin_value(p, http1_line_find_field(p, p->_name, p->_name_len));
	return true;
}

/* A number of Content-Length is complete. All of them must be equal (section 6.3). */
static bool http1_line_end_length(struct http1 *p)
{
	if (p->_value_len == 0)
		return http1_line_refuse(p, "Content-Length is not a number");
	if ((p->_flags & HTTP1_HAS_LENGTH) && p->_content_length != p->_number)
		return http1_line_refuse(p, "Content-Length is given twice and differs");
	p->_flags |= HTTP1_HAS_LENGTH;
	p->_content_length = p->_number;
	p->_number = 0;
	p->_value_len = 0;
	return true;
}

static bool http1_line_take_length(struct http1 *p, unsigned char c)
{
	if (c == ',') {
		p->_state = HTTP1_LENGTH;
		return http1_line_end_length(p);
	}
	if (http1_scan_is_blank(c)) {
		if (p->_value_len > 0)
			p->_state = HTTP1_AFTER_LENGTH;
		return true;
	}
	if (!http1_scan_is_digit(c) || p->_state == HTTP1_AFTER_LENGTH)
		return http1_line_refuse(p, "Content-Length is not a number");
	if (__builtin_mul_overflow(p->_number, 10, &p->_number) ||
		__builtin_add_overflow(p->_number, c - '0', &p->_number))
		return http1_line_refuse(p, "Content-Length is too large");
	p->_value_len = 1;
	return true;
}

static bool http1_line_token_is(const struct http1 *p, const char *token)
{
	return http1_line_is_word(p->_value, p->_value_len, token, strlen(token));
}

/* A token of Connection (section 9.6) or Transfer-Encoding (section 6.1) is complete. */
static bool http1_line_end_token(struct http1 *p)
{
	if (p->_value_len == 0)
		return true;
	if (p->_field == HTTP1_FIELD_CONNECTION) {
		if (http1_line_token_is(p, "close"))
			p->_flags |= HTTP1_SAYS_CLOSE;
		else if (http1_line_token_is(p, "keep-alive"))
			p->_flags |= HTTP1_SAYS_KEEP_ALIVE;
	} else if (!http1_line_token_is(p, "chunked")) {
		p->_flags |= HTTP1_HAS_CODING;
		p->_flags &= ~HTTP1_IS_CHUNKED;
	} else if (p->_flags & HTTP1_HAS_CHUNKED) {
		return http1_line_refuse(p, "the response is chunked twice");
	} else {
		p->_flags |= HTTP1_HAS_CODING | HTTP1_HAS_CHUNKED | HTTP1_IS_CHUNKED;
	}
	p->_value_len = 0;
	return true;
}

/* Handles all bytes but those of a token, which http1.c skips. */
static bool http1_line_take_token(struct http1 *p, unsigned char c)
{
	bool is_coding = p->_field == HTTP1_FIELD_TRANSFER_ENCODING;

	if (c == ',') {
		p->_state = HTTP1_TOKENS;
		return http1_line_end_token(p);
	}
	if (http1_scan_is_blank(c)) {
		if (p->_value_len > 0)
			p->_state = HTTP1_AFTER_TOKEN;
		return true;
	}
	if (is_coding && c == ';') {
		if (p->_value_len == 0 || http1_line_token_is(p, "chunked"))
			return http1_line_refuse(
				p, "a parameter in Transfer-Encoding is misplaced");
		p->_state = HTTP1_PARAM;
		return http1_line_end_token(p);
	}
	/* The framing of the body must be unambiguous; other options of Connection need not be. */
	if (is_coding)
		return http1_line_refuse(p, "Transfer-Encoding is not a list of tokens");
	p->_value_len = sizeof(p->_value);
	p->_state = HTTP1_TOKENS;
	return true;
}

static bool http1_line_is_chunk(const struct http1 *p)
{
	return p->_field == HTTP1_LINE_CHUNK_SIZE;
}

/* May the line, or one of several codings, end here? A chunk extension needs no value (section
 * 7.1.1), a parameter of a coding does (RFC 9110 section 10.1.4). */
static bool http1_line_param_may_end(const struct http1 *p, unsigned state)
{
	switch (state) {
	case HTTP1_PARAM_NAME:
	case HTTP1_PARAM_AFTER_NAME:
		return http1_line_is_chunk(p);
	case HTTP1_PARAM_VALUE:
	case HTTP1_PARAM_AFTER_VALUE:
		return true;
	default:
		return false;
	}
}

static bool http1_line_refuse_param(struct http1 *p)
{
	return http1_line_refuse(p, http1_line_is_chunk(p)
					    ? "a chunk extension is malformed"
					    : "a parameter in Transfer-Encoding is malformed");
}

/* The separators of parameters and their parts: ';' '=' ',' and blanks. */
static bool http1_line_take_separator(struct http1 *p, unsigned char c)
{
	bool may_end = http1_line_param_may_end(p, p->_state);
	bool in_name = p->_state == HTTP1_PARAM_NAME || p->_state == HTTP1_PARAM_AFTER_NAME;

	if (http1_scan_is_blank(c)) {
		if (p->_state == HTTP1_PARAM_NAME)
			p->_state = HTTP1_PARAM_AFTER_NAME;
		else if (p->_state == HTTP1_PARAM_VALUE)
			p->_state = HTTP1_PARAM_AFTER_VALUE;
	} else if (c == '=' && in_name) {
		p->_state = HTTP1_PARAM_EQUALS;
	} else if (c == ';' && may_end) {
		p->_state = HTTP1_PARAM;
	} else if (c == ',' && may_end && !http1_line_is_chunk(p)) {
		p->_state = HTTP1_TOKENS;
	} else if (c == '"' && p->_state == HTTP1_PARAM_EQUALS) {
		p->_state = HTTP1_PARAM_QUOTED;
	} else {
		return http1_line_refuse_param(p);
	}
	return true;
}

/* name [ "=" ( token / quoted-string ) ], with blanks around each of them. */
static bool http1_line_take_param(struct http1 *p, unsigned char c)
{
	switch (p->_state) {
	case HTTP1_PARAM_ESCAPED:
		p->_state = HTTP1_PARAM_QUOTED;
		return true;
	case HTTP1_PARAM_QUOTED:
		if (c == '\\')
			p->_state = HTTP1_PARAM_ESCAPED;
		else if (c == '"')
			p->_state = HTTP1_PARAM_AFTER_VALUE;
		return true;
	default:
		break;
	}
	if (!http1_scan_is_tchar[c])
		return http1_line_take_separator(p, c);
	if (p->_state == HTTP1_PARAM)
		p->_state = HTTP1_PARAM_NAME;
	else if (p->_state == HTTP1_PARAM_EQUALS)
		p->_state = HTTP1_PARAM_VALUE;
	else if (p->_state != HTTP1_PARAM_NAME && p->_state != HTTP1_PARAM_VALUE)
		return http1_line_refuse_param(p);
	return true;
}

/* chunk = 1*HEXDIG [ chunk-ext ] CRLF (section 7.1). */
static bool http1_line_take_chunk_size(struct http1 *p, unsigned char c)
{
	unsigned char lower = c | 0x20;
	unsigned digit;

	if (http1_scan_is_digit(c)) {
		digit = c - '0';
	} else if (lower >= 'a' && lower <= 'f') {
		digit = lower - 'a' + 10;
	} else if (p->_value_len > 0 && c == ';') {
		p->_state = HTTP1_PARAM;
		return true;
	} else if (p->_value_len > 0 && http1_scan_is_blank(c)) {
		p->_state = HTTP1_AFTER_CHUNK_SIZE;
		return true;
	} else {
		return http1_line_refuse(p, "a chunk size is not a number");
	}
	if (p->_state == HTTP1_AFTER_CHUNK_SIZE)
		return http1_line_refuse(p, "a chunk size is not a number");
	if (p->_number > UINT64_MAX >> 4)
		return http1_line_refuse(p, "a chunk size is too large");
	p->_number = p->_number << 4 | digit;
	p->_value_len = 1;
	return true;
}

bool http1_line_take(struct http1 *p, unsigned char c)
{
	if (p->_state == HTTP1_LF)
		return http1_line_refuse(p, "CR without LF");
	if (p->_state == HTTP1_FOREIGN || (p->_state == HTTP1_START && c != 'H'))
		return http1_line_take_foreign(p, c);
	if (http1_scan_is_control(c) && c != '\t')
		return http1_line_refuse(p, "a control character in a line");

	switch (p->_state) {
	case HTTP1_FIELD:
		if (!http1_scan_is_blank(c))
			return http1_line_refuse(
				p, "a header name has a character it may not have");
		if (p->_field != HTTP1_FIELD_OTHER)
			return http1_line_refuse(p, "a blank before the first header field");
		p->_state = HTTP1_TEXT;
		return true;
	case HTTP1_NAME:
		return http1_line_take_colon(p, c);
	case HTTP1_TEXT:
		return true;
	case HTTP1_LENGTH:
	case HTTP1_AFTER_LENGTH:
		return http1_line_take_length(p, c);
	case HTTP1_TOKENS:
	case HTTP1_AFTER_TOKEN:
		return http1_line_take_token(p, c);
	case HTTP1_CHUNK_SIZE:
	case HTTP1_AFTER_CHUNK_SIZE:
		return http1_line_take_chunk_size(p, c);
	case HTTP1_PARAM ... HTTP1_PARAM_AFTER_VALUE:
		return http1_line_take_param(p, c);
	case HTTP1_CHUNK_END:
		return http1_line_refuse(p, "a chunk is longer than its size");
	default:
		return http1_line_take_status(p, c);
	}
}

bool http1_line_close(struct http1 *p)
{
	switch (p->_state) {
	case HTTP1_START:
		p->_field = HTTP1_LINE_BLANK;
		return true;
	case HTTP1_FOREIGN ... HTTP1_CODE:
		return http1_line_refuse(p, "the status line is cut short");
	case HTTP1_FIELD:
		p->_field = HTTP1_LINE_EMPTY;
		return true;
	case HTTP1_NAME:
		return http1_line_refuse(p, "a header line has no colon");
	case HTTP1_CHUNK_SIZE:
		if (p->_value_len == 0)
			return http1_line_refuse(p, "a chunk size is not a number");
		return true;
	default:
		if (http1_line_is_chunk(p) && p->_state >= HTTP1_PARAM &&
			!http1_line_param_may_end(p, p->_state))
			return http1_line_refuse_param(p);
		/* A value is evaluated when the next line does not continue it. */
		p->_resume = p->_state;
		return true;
	}
}

/* The value of Content-Length, Connection or Transfer-Encoding is complete. */
static bool http1_line_end_value(struct http1 *p)
{
	if (p->_field == HTTP1_FIELD_CONTENT_LENGTH)
		return http1_line_end_length(p);
	if (p->_resume >= HTTP1_PARAM)
		return http1_line_param_may_end(p, p->_resume) || http1_line_refuse_param(p);
	if (!http1_line_end_token(p))
		return false;
	if (p->_field == HTTP1_FIELD_TRANSFER_ENCODING && !(p->_flags & HTTP1_HAS_CODING))
		return http1_line_refuse(p, "Transfer-Encoding is empty");
	return true;
}

bool http1_line_go_on(struct http1 *p, unsigned char c)
{
	if (http1_scan_is_blank(c)) {
		p->_state = p->_resume;
		return true;
	}
	p->_state = HTTP1_FIELD;
	return http1_line_end_value(p);
}
