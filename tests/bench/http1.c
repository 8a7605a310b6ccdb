/* SPDX-License-Identifier: Apache-2.0 */
/* What reading a response costs, by kind of head: the best of many short rounds, so that a busy
 * machine disturbs little. Built twice, with the vectorised scan and without (make bench-http1). */
#include "daemon/http/http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200
#define ROUND_BYTES (1 << 20)
#define TEXT_MAX (128 * 1024)

#ifdef HTTP1_SCAN_PORTABLE
static const char scan[] = "portable";
#else
static const char scan[] = "native";
#endif

static char text[TEXT_MAX];
static struct http1_memo memo;
static size_t told;

static void bench_told(void *arg, const char *data, size_t len)
{
	(void)arg;
	told += len + (unsigned char)data[0];
}

static const struct http1_sink sink = {bench_told, bench_told, NULL};

enum path {
	PLAIN,
	MEMO,
	SINK,
};

static const char nginx[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
			    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/html\r\n"
			    "Content-Length: 0\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
			    "Connection: keep-alive\r\nETag: \"6592005e-264\"\r\n"
			    "Accept-Ranges: bytes\r\n\r\n";

static size_t bench_line(size_t at, const char *name, size_t value_len)
{
	at += (size_t)sprintf(text + at, "%s: ", name);
	memset(text + at, 'v', value_len);
	at += value_len;
	memcpy(text + at, "\r\n", 2);
	return at + 2;
}

/* A head whose lines carry so much. */
static size_t bench_make(size_t n_lines, size_t value_len)
{
	size_t at = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");

	for (size_t i = 0; i < n_lines; i++)
		at = bench_line(at, i % 2 == 0 ? "X-Request-Id" : "Cache-Control", value_len);
	memcpy(text + at, "\r\n", 2);
	return at + 2;
}

static void bench_one(enum path path, size_t len)
{
	enum http1_result result;
	struct http1 p;
	size_t used;

	http1_start(&p, false);
	if (path == MEMO)
		result = http1_feed_memo(&p, &memo, text, len, &used);
	else if (path == SINK)
		result = http1_feed_sink(&p, &sink, text, len, &used);
	else
		result = http1_feed(&p, text, len, &used);
	if (result != HTTP1_DONE || used != len)
		abort();
}

static double bench_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void bench_print(const char *name, enum path path, size_t len)
{
	size_t n = ROUND_BYTES / len + 1;
	double best = 1e18, start, ns;

	for (int round = 0; round < ROUNDS; round++) {
		start = bench_now();
		for (size_t i = 0; i < n; i++)
			bench_one(path, len);
		ns = (bench_now() - start) / (double)n;
		best = ns < best ? ns : best;
	}
	printf("%-9s %-28s %7zu B %9.1f ns  %6.3f ns/B\n", scan, name, len, best,
		best / (double)len);
}

int main(void)
{
	size_t len = sizeof(nginx) - 1;

	memcpy(text, nginx, len);
	bench_print("a short head", PLAIN, len);
	bench_print("a short head, known", MEMO, len);
	bench_print("a short head, told", SINK, len);
	len = bench_make(40, 34);
	bench_print("2 KiB in 40 lines", PLAIN, len);
	len = bench_make(8, 240);
	bench_print("2 KiB in 8 lines", PLAIN, len);
	len = bench_make(4, 16000);
	bench_print("64 KiB in 4 lines", PLAIN, len);
	return told == 1;
}
