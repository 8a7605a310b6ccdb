/* SPDX-License-Identifier: Apache-2.0 */
/* Head and body are in one piece of memory, so an answer is one send. Of a long body only the
 * beginning is stored, and that piece is sent again and again: its size costs no memory. */
#include "daemon/origin/origin_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_ANSWER_PIECE ((size_t)256 * 1024)

static const char *const origin_answer_connection[ORIGIN_ANSWER_COUNT] = {
	[ORIGIN_ANSWER_STAYS] = "",
	[ORIGIN_ANSWER_STAYS_HTTP10] = "Connection: keep-alive\r\n",
	[ORIGIN_ANSWER_CLOSES] = "Connection: close\r\n",
};

static const struct origin_answer_reason {
	unsigned status;
	const char *text;
} origin_answer_reasons[] = {
	{100, "Continue"},
	{200, "OK"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

/* An empty reason is allowed by the grammar. */
static const char *origin_answer_reason(unsigned status)
{
	size_t n = sizeof(origin_answer_reasons) / sizeof(origin_answer_reasons[0]);

	for (size_t i = 0; i < n; i++) {
		if (origin_answer_reasons[i].status == status)
			return origin_answer_reasons[i].text;
	}
	return "";
}

int origin_answer_build(
	struct origin_answer *a, unsigned status, enum origin_answer_kind kind, uint64_t body_bytes)
{
	bool has_body = status >= 200 && status != 204 && status != 304;
	char head[256];
	size_t piece;
	int len;

	len = snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\n%s", status,
		origin_answer_reason(status), origin_answer_connection[kind]);
	if (has_body)
		len += snprintf(head + len, sizeof(head) - (size_t)len,
			"Content-Type: text/plain\r\nContent-Length: %" PRIu64 "\r\n", body_bytes);
	else
		body_bytes = 0;
	len += snprintf(head + len, sizeof(head) - (size_t)len, "\r\n");
	piece = body_bytes < ORIGIN_ANSWER_PIECE ? (size_t)body_bytes : ORIGIN_ANSWER_PIECE;

	a->block = malloc((size_t)len + piece);
	if (!a->block)
		return -ENOMEM;
	memcpy(a->block, head, (size_t)len);
	memset(a->block + len, 'x', piece);
	a->head_len = (size_t)len;
	a->block_len = (size_t)len + piece;
	a->total = (uint64_t)len + body_bytes;
	return 0;
}

void origin_answer_fini(struct origin_answer *a)
{
	free(a->block);
	*a = (struct origin_answer){0};
}

size_t origin_answer_at(const struct origin_answer *a, uint64_t offset, const char **ret)
{
	uint64_t left = a->total - offset;
	size_t piece = a->block_len - a->head_len;

	if (offset < a->block_len) {
		*ret = a->block + offset;
		return a->block_len - (size_t)offset;
	}
	*ret = a->block + a->head_len;
	return left < piece ? (size_t)left : piece;
}
