/* SPDX-License-Identifier: Apache-2.0 */
/* A request parser that stores no bytes. A head is read line by line, each line as a whole; only a
 * few flags are kept. So a connection needs memory for bytes only while a line is split, and none
 * while it waits for its delay. Bodies are counted, not examined.
 *
 * It is strict where leniency would hide a fault of the client under test: exactly one Host in
 * HTTP/1.1, no space before the colon, no folded lines, no length beside chunks. A line may end in
 * a bare LF, and empty lines before a request are skipped, as RFC 9112 (2.2) allows. */
#include "daemon/origin/origin_request.h"

#include <string.h>
#include <strings.h>

/* The maximum length of a chunk's size with its extensions. */
#define ORIGIN_REQUEST_CHUNK_LINE_MAX 4096

/* Part of a line, without its end. */
struct span {
	const char *data;
	size_t len;
};

void origin_request_init(struct origin_request *r)
{
	*r = (struct origin_request){.state = ORIGIN_REQUEST_START};
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.data, text, s.len) == 0;
}

static struct span span_trim(struct span s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A method or a header's name (RFC 9110, 5.6.2). */
static bool span_is_token(struct span s)
{
	static const char specials[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || !strchr(specials, c))
			return false;
	}
	return s.len > 0;
}

static bool span_is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.data[i] <= ' ' || s.data[i] == 0x7f)
			return false;
	}
	return s.len > 0;
}

static bool origin_request_read_start(struct origin_request *r, struct span line)
{
	const char *space = memchr(line.data, ' ', line.len);
	const char *last = memrchr(line.data, ' ', line.len);
	struct span method;
	struct span target;
	struct span version;

	if (!space || space == last)
		return false;
	method = (struct span){line.data, (size_t)(space - line.data)};
	target = (struct span){space + 1, (size_t)(last - space - 1)};
	version = (struct span){last + 1, (size_t)(line.data + line.len - last - 1)};
	if (!span_is_token(method) || !span_is_visible(target))
		return false;
	if (version.len != 8 || memcmp(version.data, "HTTP/1.", 7) != 0)
		return false;
	if (version.data[7] != '0' && version.data[7] != '1')
		return false;
	r->is_http10 = version.data[7] == '0';
	r->is_head = method.len == 4 && memcmp(method.data, "HEAD", 4) == 0;
	return true;
}

static bool origin_request_read_length(struct origin_request *r, struct span value)
{
	uint64_t length = 0;

	if (value.len == 0 || value.len > 18) /* 10^18 is enough, and cannot overflow */
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		length = length * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (r->has_length && r->body_left != length)
		return false;
	r->has_length = true;
	r->body_left = length;
	return true;
}

static void origin_request_read_connection(struct origin_request *r, struct span value)
{
	while (value.len > 0) {
		const char *comma = memchr(value.data, ',', value.len);
		size_t len = comma ? (size_t)(comma - value.data) : value.len;
		struct span word = span_trim((struct span){value.data, len});

		if (span_is(word, "close"))
			r->wants_close = true;
		else if (span_is(word, "keep-alive"))
			r->wants_keep_alive = true;
		len += comma ? 1 : 0;
		value.data += len;
		value.len -= len;
	}
}

static bool origin_request_read_header(struct origin_request *r, struct span line)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct span name;
	struct span value;

	if (!colon)
		return false;
	name = (struct span){line.data, (size_t)(colon - line.data)};
	value = span_trim((struct span){colon + 1, line.len - name.len - 1});
	if (!span_is_token(name))
		return false;
	if (span_is(name, "host")) {
		if (r->has_host)
			return false;
		r->has_host = true;
	} else if (span_is(name, "connection")) {
		origin_request_read_connection(r, value);
	} else if (span_is(name, "content-length")) {
		return origin_request_read_length(r, value);
	} else if (span_is(name, "transfer-encoding")) {
		if (r->is_chunked || r->is_http10 || !span_is(value, "chunked"))
			return false;
		r->is_chunked = true;
	} else if (span_is(name, "expect")) {
		/* In HTTP/1.0 it must be ignored (RFC 9110, 10.1.1). */
		r->expects_100 = !r->is_http10 && span_is(value, "100-continue");
	}
	return true;
}

/* The empty line after the headers. */
static bool origin_request_end_head(struct origin_request *r)
{
	if (!r->is_http10 && !r->has_host)
		return false;
	if (r->is_chunked && r->has_length)
		return false;
	r->head_bytes = 0;
	if (r->is_chunked)
		r->state = ORIGIN_REQUEST_CHUNK_SIZE;
	else if (r->body_left > 0)
		r->state = ORIGIN_REQUEST_BODY;
	else
		r->state = ORIGIN_REQUEST_DONE;
	r->at_body = r->state != ORIGIN_REQUEST_DONE;
	return true;
}

static bool origin_request_read_chunk_size(struct origin_request *r, struct span line)
{
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < line.len; i++) {
		char c = line.data[i];
		char lower = c | 0x20;

		if (c >= '0' && c <= '9')
			size = size * 16 + (uint64_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			size = size * 16 + (uint64_t)(lower - 'a' + 10);
		else
			break;
		if (i == 15) /* more than 60 bits */
			return false;
	}
	if (i == 0)
		return false;
	if (i < line.len && line.data[i] != ';' && line.data[i] != ' ' && line.data[i] != '\t')
		return false;
	r->body_left = size;
	r->head_bytes = 0;
	r->state = size > 0 ? ORIGIN_REQUEST_CHUNK_DATA : ORIGIN_REQUEST_TRAILER;
	return true;
}

/* line is without its end. Returns whether it is valid. */
static bool origin_request_read_line(struct origin_request *r, struct span line)
{
	if (memchr(line.data, '\r', line.len) || memchr(line.data, '\0', line.len))
		return false;
	switch (r->state) {
	case ORIGIN_REQUEST_START:
		if (line.len == 0)
			return true;
		r->state = ORIGIN_REQUEST_HEADER;
		return origin_request_read_start(r, line);
	case ORIGIN_REQUEST_HEADER:
		if (line.len == 0)
			return origin_request_end_head(r);
		return origin_request_read_header(r, line);
	case ORIGIN_REQUEST_CHUNK_SIZE:
		return origin_request_read_chunk_size(r, line);
	case ORIGIN_REQUEST_CHUNK_END:
		r->state = ORIGIN_REQUEST_CHUNK_SIZE;
		return line.len == 0;
	case ORIGIN_REQUEST_TRAILER:
		if (line.len == 0)
			r->state = ORIGIN_REQUEST_DONE;
		return true;
	default:
		return false;
	}
}

static size_t origin_request_line_max(const struct origin_request *r)
{
	switch (r->state) {
	case ORIGIN_REQUEST_CHUNK_SIZE:
		return ORIGIN_REQUEST_CHUNK_LINE_MAX;
	case ORIGIN_REQUEST_CHUNK_END:
		return 2;
	default:
		return ORIGIN_REQUEST_HEAD_MAX - r->head_bytes;
	}
}

/* Reads one line; returns 0 when it is not complete yet, or too long (then the state is BAD). */
static size_t origin_request_feed_line(struct origin_request *r, const char *data, size_t len)
{
	size_t max = origin_request_line_max(r);
	const char *end = memchr(data, '\n', len < max ? len : max);
	struct span line;
	size_t used;

	if (!end) {
		if (len >= max)
			r->state = ORIGIN_REQUEST_BAD;
		return 0;
	}
	used = (size_t)(end - data) + 1;
	line = (struct span){data, used - 1};
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	r->head_bytes += (uint32_t)used;
	if (!origin_request_read_line(r, line))
		r->state = ORIGIN_REQUEST_BAD;
	return used;
}

uint64_t origin_request_skippable(const struct origin_request *r)
{
	if (r->state == ORIGIN_REQUEST_BODY || r->state == ORIGIN_REQUEST_CHUNK_DATA)
		return r->body_left;
	return 0;
}

void origin_request_skip(struct origin_request *r, uint64_t len)
{
	r->body_left -= len;
	if (r->body_left > 0)
		return;
	r->state = r->state == ORIGIN_REQUEST_BODY ? ORIGIN_REQUEST_DONE : ORIGIN_REQUEST_CHUNK_END;
}

size_t origin_request_feed(struct origin_request *r, const char *data, size_t len)
{
	size_t used = 0;

	r->at_body = false;
	while (used < len && !r->at_body && r->state != ORIGIN_REQUEST_DONE &&
		r->state != ORIGIN_REQUEST_BAD) {
		uint64_t skippable = origin_request_skippable(r);
		size_t n = len - used;

		if (skippable > 0) {
			if (n > skippable)
				n = (size_t)skippable;
			origin_request_skip(r, n);
		} else {
			n = origin_request_feed_line(r, data + used, n);
			if (n == 0)
				break;
		}
		used += n;
	}
	return used;
}

bool origin_request_keeps_alive(const struct origin_request *r)
{
	if (r->wants_close)
		return false;
	return !r->is_http10 || r->wants_keep_alive;
}
