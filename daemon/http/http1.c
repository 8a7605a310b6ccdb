/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 response, read as a state machine over bytes (RFC 9112, the client's side).
 *
 * A message is lines, and bodies between lines. Everything made of lines (status line, header
 * fields, chunk sizes, trailers) goes through http1_feed_line, which alone checks the limit; in a
 * line, _state tells what the next byte may be, and _field the kind of the line, which decides the
 * meaning of its end. Runs of bytes without meaning here (names, values of other fields, bodies)
 * are skipped in bulk and stored nowhere.
 *
 * Invariant: the effect of a byte depends on the struct and on that byte, never on where a buffer
 * began or ended; so the verdict and the end of the message do not depend on how the message is
 * split into buffers.
 *
 * Decisions where the RFC leaves a choice, or servers differ (sections of RFC 9112 unless another
 * is named):
 *
 * Lines. A bare LF ends the status line, header and trailer lines and the empty line (2.2 allows
 * it, and an endpoint forwards nothing that could be smuggled); in chunk framing it does not (7.1).
 * A bare CR and every other control character but tab is refused everywhere (2.2, RFC 9110 5.5).
 * Bytes above 0x7f may be in reasons, values and quoted strings.
 * Status line. "HTTP/1." in capitals and one digit, a later minor version read as 1.1 (RFC 9110
 * 6.2); any three digits, of which those below 100 and above 599 have no class (RFC 9110 15); the
 * reason may be missing together with its blank. Empty lines before it are skipped, since some
 * servers end a body with one (2.2, 9.2). Fields. No blank before the colon (5.1); names are
 * tokens; a value that continues after a line end is one value (5.2: a user agent replaces obs-fold
 * by blanks), but not before the first field (2.2). Framing fields are evaluated when the next line
 * does not continue them. Content-Length. Digits up to 2^64 - 1; repeated only if equal, as lines
 * or a list without empty elements (6.3). An invalid one is refused even where there is no body.
 * Transfer-Encoding. Tokens with well-formed parameters, empty elements in the list ignored (RFC
 * 9110 5.6.1). chunked last: chunks; anything else last: until the connection closes (6.3).
 * Refused: chunked twice, also with others between (6.1), chunked with a parameter (7), an empty
 * list. From an HTTP/1.0 server it is obeyed, but the connection is not used again (6.1). Both:
 * refused (6.3: "ought to be handled as an error"), but if there is no body in any case, in answers
 * to HEAD and in 1xx, 204 and 304, both are ignored (6.3, rule 1). Chunks. Blanks after a size are
 * skipped, as some servers pad it; before it they are refused. Extensions have to be well-formed
 * and are ignored (7.1.1); trailers are parsed like headers and ignored (7.1.2), whatever their
 * names. Connection. Tokens; close overrides keep-alive; a malformed element is treated like an
 * unknown one. Informational. Up to HTTP1_INFORMATIONAL_MAX; their fields are ignored, and the
 * limit on headers applies to each separately. 101 is a complete response if the request asked for
 * an upgrade, and the bytes after it belong to another protocol (RFC 9110 7.8); otherwise it is
 * refused.
 *
 * Pure; used by workers' threads. */
#include "daemon/http/http1.h"

#include <assert.h>
#include <string.h>

#include "daemon/http/http1_line.h"
#include "daemon/http/http1_scan.h"

static_assert(sizeof(struct http1) <= 128, "one for each connection");

void http1_start(struct http1 *p, unsigned asked)
{
	*p = (struct http1){._flags = (uint16_t)asked};
}

static void http1_end_status_line(struct http1 *p)
{
	bool is_upgrade = p->_number == 101;

	p->_state = HTTP1_FIELD;
	if (p->_number / 100 != 1 || (is_upgrade && (p->_flags & HTTP1_ASKED_UPGRADE))) {
		p->status = (unsigned)p->_number;
		p->has_status = true;
	} else if (is_upgrade) {
		http1_line_refuse(p, "status 101, but no upgrade was asked for");
	} else if (++p->_informational > HTTP1_INFORMATIONAL_MAX) {
		http1_line_refuse(p, "too many 1xx responses");
	}
}

static void http1_begin_chunk_line(struct http1 *p, enum http1_state state, enum http1_field field)
{
	p->_state = state;
	p->_field = field;
	p->_number = 0;
	p->_value_len = 0;
	/* The limit applies to each chunk line: their number is limited by the body. */
	p->_block_bytes = 0;
}

/* The headers are complete: determines the length of the body (section 6.3), and whether the
 * connection may be reused (section 9.3). */
static void http1_end_head(struct http1 *p)
{
	const uint16_t flags = p->_flags;
	bool has_no_body = (flags & HTTP1_ASKED_HEAD) || p->status == 101 || p->status == 204 ||
			   p->status == 304;

	if (!p->has_status) {
		p->_flags = flags & HTTP1_ASKED;
		p->_block_bytes = 0;
		p->_state = HTTP1_START;
		return;
	}
	if ((flags & HTTP1_HAS_LENGTH) && (flags & HTTP1_HAS_CODING) && !has_no_body) {
		http1_line_refuse(p, "both Content-Length and Transfer-Encoding");
		return;
	}

	p->_flags |= HTTP1_IN_BODY;
	if (flags & HTTP1_IS_1_1)
		p->keep_alive = !(flags & HTTP1_SAYS_CLOSE);
	else
		p->keep_alive = (flags & HTTP1_SAYS_KEEP_ALIVE) && !(flags & HTTP1_SAYS_CLOSE) &&
				!(flags & HTTP1_HAS_CODING);
	/* The bytes after 101 belong to another protocol. */
	if (p->status == 101)
		p->keep_alive = false;

	if (has_no_body) {
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
		p->_state = HTTP1_FIELD;
		break;
	case HTTP1_FIELD_CONTENT_LENGTH:
	case HTTP1_FIELD_TRANSFER_ENCODING:
	case HTTP1_FIELD_CONNECTION:
		p->_state = HTTP1_AFTER_VALUE;
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

/* Skips the usual beginning of a response in one step if all of it is there; anything else is left
 * to http1_line_take. */
static const char *http1_pass_version(struct http1 *p, const char *s, const char *end)
{
	if (end - s < 13 || memcmp(s, "HTTP/1.1 ", 9) != 0 || s[12] != ' ')
		return s;
	for (size_t i = 9; i < 12; i++) {
		if (!http1_scan_is_digit((unsigned char)s[i]))
			return s;
	}
	p->_number = (uint64_t)((s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0'));
	p->_flags |= HTTP1_IS_1_1;
	p->_field = HTTP1_LINE_STATUS;
	p->_state = HTTP1_TEXT;
	return s + 13;
}

/* Skips header lines without meaning here, and then the name and colon of one that matters. An
 * incomplete or malformed line is left to the states, from its beginning. */
static const char *http1_pass_fields(struct http1 *p, const char *s, const char *end)
{
	const char *line = s;
	int field;

	for (;;) {
		s = http1_scan_token(line, end);
		if (s == line || s == end || *s != ':')
			return line;
		field = http1_line_find_field(p, line, (size_t)(s - line));
		if (field >= 0) {
			http1_line_begin_value(p, field);
			return s + 1;
		}
		s = http1_scan_text(s + 1, end);
		if (end - s < 2 || s[0] != '\r' || s[1] != '\n')
			return line;
		line = s + 2;
		p->_field = HTTP1_FIELD_OTHER;
	}
}

/* A name or token, perhaps in pieces: its beginning is kept; one that does not fit matches nothing.
 */
static const char *http1_pass_token(
	char *kept, uint8_t *kept_len, size_t size, const char *s, const char *end)
{
	for (; s < end && http1_scan_is_tchar[(unsigned char)*s]; s++) {
		if (*kept_len < size)
			kept[(*kept_len)++] = *s;
	}
	return s;
}

/* Skips the bytes of the present line that can be skipped in bulk. */
static const char *http1_pass_run(struct http1 *p, const char *s, const char *end)
{
	switch (p->_state) {
	case HTTP1_FIELD:
		if (!http1_scan_is_tchar[(unsigned char)*s])
			return s;
		p->_name_len = 0;
		p->_state = HTTP1_NAME;
		/* fall through */
	case HTTP1_NAME:
		return http1_pass_token(p->_name, &p->_name_len, sizeof(p->_name), s, end);
	case HTTP1_TOKENS:
		return http1_pass_token(p->_value, &p->_value_len, sizeof(p->_value), s, end);
	case HTTP1_TEXT:
		return http1_scan_text(s, end);
	default:
		return s;
	}
}

/* The CR or LF that ends a line's content. */
static bool http1_pass_line_end(struct http1 *p, char c)
{
	if (!http1_line_close(p))
		return false;
	if (c == '\n' && p->_field >= HTTP1_LINE_CHUNK_SIZE)
		return http1_line_refuse(p, "LF without CR in chunk framing");
	return true;
}

/* Reads up to the end of the present line at most. Returns where it stopped: at stop, after the
 * line's LF (*ret_ended), or at a byte that was refused. */
static const char *http1_pass_line(
	struct http1 *p, const char *s, const char *stop, bool *ret_ended)
{
	if (p->_state == HTTP1_START)
		s = http1_pass_version(p, s, stop);
	for (; s < stop; s++) {
		s = http1_pass_run(p, s, stop);
		if (s == stop)
			break;
		if (*s != '\n' && (*s != '\r' || p->_state == HTTP1_LF)) {
			if (!http1_line_take(p, (unsigned char)*s))
				break;
			continue;
		}
		if (p->_state != HTTP1_LF && !http1_pass_line_end(p, *s))
			break;
		if (*s == '\r' && stop - s > 1 && s[1] == '\n')
			s++;
		if (*s == '\n') {
			*ret_ended = true;
			return s + 1;
		}
		p->_state = HTTP1_LF;
	}
	return s;
}

/* Reads header lines without meaning here, and then at most one more line, within the limit.
 * Returns where it stopped. */
static const char *http1_feed_line(struct http1 *p, const char *s, const char *end)
{
	size_t room = HTTP1_HEADERS_MAX - p->_block_bytes;
	bool in_head = !(p->_flags & HTTP1_IN_BODY), ended = false;
	const char *start = s, *stop = end;

	if ((size_t)(end - s) > room)
		stop = s + room;
	if (p->_state == HTTP1_AFTER_VALUE && s < stop && !http1_line_go_on(p, (unsigned char)*s))
		return s;
	if (p->_state == HTTP1_FIELD)
		s = http1_pass_fields(p, s, stop);

	s = http1_pass_line(p, s, stop, &ended);
	p->_block_bytes += (uint32_t)(s - start);
	if (in_head)
		p->head_bytes += (uint64_t)(s - start);
	if (ended)
		http1_end_line(p);
	else if (s == stop && stop < end)
		http1_line_refuse(p, in_head ? "headers of more than 1 MiB"
					     : "chunk framing or trailers of more than 1 MiB");
	return s;
}

/* n bytes of content have been read. */
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

/* The next bytes of a line are passed to on_head: they belong to a line of the final response's
 * header. */
static bool http1_is_in_head(const struct http1 *p)
{
	return p->has_status && !(p->_flags & HTTP1_IN_BODY);
}

static inline void http1_tell(
	void (*on)(void *arg, const char *data, size_t len), void *arg, const char *s, size_t n)
{
	if (on != NULL && n > 0)
		on(arg, s, n);
}

/* Reads from `used` on, up to the end of the message or of the data. sink: NULL in the fast paths,
 * which are compiled without it. */
static inline __attribute__((always_inline)) enum http1_result http1_feed_from(struct http1 *p,
	const struct http1_sink *sink, const char *data, size_t len, size_t used, size_t *ret_used)
{
	const char *s;
	uint64_t n;
	bool in_head;

	for (; used < len && p->_state < HTTP1_STATE_DONE; used += n) {
		s = data + used;
		n = len - used;
		switch (p->_state) {
		case HTTP1_BODY:
		case HTTP1_CHUNK_DATA:
			if (n > p->_left)
				n = p->_left;
			http1_pass_body(p, n);
			if (sink != NULL)
				http1_tell(sink->on_body, sink->arg, s, n);
			break;
		case HTTP1_UNTIL_CLOSE:
			p->body_bytes += n;
			if (sink != NULL)
				http1_tell(sink->on_body, sink->arg, s, n);
			break;
		default:
			in_head = sink != NULL && http1_is_in_head(p);
			n = (uint64_t)(http1_feed_line(p, s, data + len) - s);
			if (in_head)
				http1_tell(sink->on_head, sink->arg, s, n);
		}
	}
	*ret_used = used;
	return http1_verdict(p);
}

enum http1_result http1_feed(struct http1 *p, const char *data, size_t len, size_t *ret_used)
{
	return http1_feed_from(p, NULL, data, len, 0, ret_used);
}

enum http1_result http1_feed_sink(struct http1 *p, const struct http1_sink *sink, const char *data,
	size_t len, size_t *ret_used)
{
	return http1_feed_from(p, sink, data, len, 0, ret_used);
}

/* The head equals that of the memo and has been skipped. */
static __attribute__((noinline)) enum http1_result http1_feed_behind(
	struct http1 *p, const char *data, size_t len, size_t used, size_t *ret_used)
{
	return http1_feed_from(p, NULL, data, len, used, ret_used);
}

/* The head differs from the memo's, or is incomplete. */
static __attribute__((noinline)) enum http1_result http1_feed_anew(
	struct http1 *p, struct http1_memo *memo, const char *data, size_t len, size_t *ret_used)
{
	bool is_first = http1_is_untouched(p);
	size_t used = 0;

	while (used < len && p->_state < HTTP1_STATE_DONE && !(p->_flags & HTTP1_IN_BODY))
		used = (size_t)(http1_feed_line(p, data + used, data + len) - data);
	if (is_first && used <= HTTP1_MEMO_MAX && (p->_flags & HTTP1_IN_BODY) &&
		http1_verdict(p) != HTTP1_ERROR) {
		memcpy(memo->_head, data, used);
		memo->_len = (uint32_t)used;
		memo->_after = *p;
	}
	return http1_feed_from(p, NULL, data, len, used, ret_used);
}

enum http1_result http1_feed_memo(
	struct http1 *p, struct http1_memo *memo, const char *data, size_t len, size_t *ret_used)
{
	size_t used = memo->_len;

	if (!http1_is_untouched(p) || used == 0 || len < used ||
		((memo->_after._flags ^ p->_flags) & HTTP1_ASKED) != 0 ||
		memcmp(data, memo->_head, used) != 0)
		return http1_feed_anew(p, memo, data, len, ret_used);
	*p = memo->_after;
	if (p->_state != HTTP1_BODY || len - used < p->_left)
		return http1_feed_behind(p, data, len, used, ret_used);
	/* The common case: the whole body has arrived with its head. */
	*ret_used = used + p->_left;
	p->body_bytes = p->_left;
	p->_left = 0;
	p->_state = HTTP1_STATE_DONE;
	return HTTP1_DONE;
}

enum http1_result http1_end(struct http1 *p)
{
	/* It stays untouched: the owner may check for that, because such a request may be sent
	 * again. */
	if (http1_is_untouched(p)) {
		p->error = "closed before the response";
		return HTTP1_ERROR;
	}
	if (p->_state == HTTP1_UNTIL_CLOSE)
		p->_state = HTTP1_STATE_DONE;
	else if (p->_state < HTTP1_STATE_DONE)
		http1_line_refuse(p, p->_flags & HTTP1_IN_BODY ? "closed within the body"
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
