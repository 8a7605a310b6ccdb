/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser against a table of responses. Each is fed whole, byte by byte, and cut in two
 * at every place, always from memory that ends at a page nobody may read; verdict, end, fields
 * and even the reason of an error must be the same each time. */
#include "daemon/http/http1.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---------------------------------------------------------------- the table */

enum {
	HEAD = 1,  /* answers a HEAD request */
	KEEP = 2,  /* the connection may be used again */
	CLOSE = 4, /* after the input the peer closes, and that completes the message */
};

#define WHOLE ((size_t)-1)
#define OK11 "HTTP/1.1 200 OK\r\n"
#define OK10 "HTTP/1.0 200 OK\r\n"

struct sample {
	const char *name;
	const char *input;
	size_t len; /* 0: strlen(input) */
	enum http1_result result;
	size_t used; /* WHOLE, or where the message or the good bytes end */
	unsigned status;
	unsigned flags;
	uint64_t body;
};

#define TEXT(t) t, sizeof(t) - 1

static const struct sample samples[] = {
	/* Content-Length */
	{"length", TEXT(OK11 "Content-Length: 5\r\n\r\nhello"), HTTP1_DONE, WHOLE, 200, KEEP, 5},
	{"length, more behind", TEXT(OK11 "Content-Length: 5\r\n\r\nhelloHTTP"), HTTP1_DONE, 43,
		200, KEEP, 5},
	{"length 0", TEXT(OK11 "Content-Length: 0\r\n\r\n"), HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"length, body missing", TEXT(OK11 "Content-Length: 5\r\n\r\nhell"), HTTP1_MORE, WHOLE, 200,
		KEEP, 4},
	{"length, name in capitals", TEXT(OK11 "CONTENT-LENGTH:2\r\n\r\nab"), HTTP1_DONE, WHOLE,
		200, KEEP, 2},
	{"length with blanks around", TEXT(OK11 "Content-Length: \t 3 \t\r\n\r\nabc"), HTTP1_DONE,
		WHOLE, 200, KEEP, 3},
	{"length with leading zeros",
		TEXT(OK11 "Content-Length: 00000000000000000000003\r\n\r\nabc"), HTTP1_DONE, WHOLE,
		200, KEEP, 3},
	{"length twice, the same", TEXT(OK11 "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
		HTTP1_DONE, WHOLE, 200, KEEP, 3},
	{"length in a list, the same", TEXT(OK11 "Content-Length: 3, 3 ,03\r\n\r\nabc"), HTTP1_DONE,
		WHOLE, 200, KEEP, 3},
	{"length twice, different", TEXT(OK11 "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
		HTTP1_ERROR, 53, 200, 0, 0},
	{"length in a list, different", TEXT(OK11 "Content-Length: 3, 4\r\n\r\nabcd"), HTTP1_ERROR,
		37, 200, 0, 0},
	{"length empty", TEXT(OK11 "Content-Length: \r\n\r\n"), HTTP1_ERROR, 33, 200, 0, 0},
	{"length, list with a hole", TEXT(OK11 "Content-Length: 3,,3\r\n\r\nabc"), HTTP1_ERROR, 35,
		200, 0, 0},
	{"length, list open at its end", TEXT(OK11 "Content-Length: 3,\r\n\r\nabc"), HTTP1_ERROR,
		35, 200, 0, 0},
	{"length negative", TEXT(OK11 "Content-Length: -1\r\n\r\n"), HTTP1_ERROR, 33, 200, 0, 0},
	{"length with a plus", TEXT(OK11 "Content-Length: +1\r\n\r\na"), HTTP1_ERROR, 33, 200, 0,
		0},
	{"length in hex", TEXT(OK11 "Content-Length: 0x1\r\n\r\na"), HTTP1_ERROR, 34, 200, 0, 0},
	{"length of two numbers", TEXT(OK11 "Content-Length: 1 2\r\n\r\na"), HTTP1_ERROR, 35, 200,
		0, 0},
	{"length giant", TEXT(OK11 "Content-Length: 9223372036854775799\r\n\r\nabc"), HTTP1_MORE,
		WHOLE, 200, KEEP, 3},
	{"length too large", TEXT(OK11 "Content-Length: 18446744073709551617\r\n\r\na"),
		HTTP1_ERROR, 52, 200, 0, 0},
	{"name like a length",
		TEXT(OK11 "Content-Lengths: x\r\nXContent-Length: y\r\n"
			  "Content-Length: 1\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, KEEP, 1},

	/* no body */
	{"HEAD with a length", TEXT(OK11 "Content-Length: 5\r\n\r\n"), HTTP1_DONE, WHOLE, 200,
		HEAD | KEEP, 0},
	{"HEAD, chunked", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n5\r\n"), HTTP1_DONE, 47, 200,
		HEAD | KEEP, 0},
	{"HEAD without a length", TEXT(OK11 "\r\n"), HTTP1_DONE, WHOLE, 200, HEAD | KEEP, 0},
	{"HEAD after 100", TEXT("HTTP/1.1 100 C\r\n\r\n" OK11 "Content-Length: 5\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, HEAD | KEEP, 0},
	{"204", TEXT("HTTP/1.1 204 No Content\r\n\r\n"), HTTP1_DONE, WHOLE, 204, KEEP, 0},
	{"204 with a length, body behind",
		TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"), HTTP1_DONE, 46,
		204, KEEP, 0},
	{"304 with a length", TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 300\r\n\r\n"),
		HTTP1_DONE, WHOLE, 304, KEEP, 0},
	{"205 has a body", TEXT("HTTP/1.1 205 Reset\r\nContent-Length: 1\r\n\r\na"), HTTP1_DONE,
		WHOLE, 205, KEEP, 1},

	/* chunked */
	{"chunked", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 5},
	{"chunked, several, more behind",
		TEXT(OK11 "Transfer-Encoding: Chunked\r\n\r\n"
			  "1\r\na\r\n0A\r\n0123456789\r\n000\r\n\r\nHTTP"),
		HTTP1_DONE, 76, 200, KEEP, 11},
	{"chunked, no end", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
		HTTP1_MORE, WHOLE, 200, KEEP, 5},
	{"chunked, extensions",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n"
			  "2;a=b;c=\"d;\"\r\nhi\r\n0 ; last\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 2},
	{"chunked, trailers",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n"
			  "2\r\nhi\r\n0\r\nContent-Length: x\r\nConnection: close\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 2},
	{"chunked, folded trailer",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n"), HTTP1_ERROR, 56,
		200, KEEP, 0},
	{"chunked, trailer without colon",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n0\r\nA\r\n"), HTTP1_ERROR, 51, 200,
		KEEP, 0},
	{"chunked, blanks behind a size",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n"
			  "2 \t\r\nhi\r\n0  \r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 2},
	{"chunked, two numbers", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n2 2\r\nhi\r\n"),
		HTTP1_ERROR, 49, 200, KEEP, 0},
	{"chunked, blank before a size",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n 2\r\nhi\r\n"), HTTP1_ERROR, 47, 200,
		KEEP, 0},
	{"chunked, no size", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n\r\n"), HTTP1_ERROR, 47,
		200, KEEP, 0},
	{"chunked, size missing before an extension",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n;a\r\n"), HTTP1_ERROR, 47, 200, KEEP,
		0},
	{"chunked, bad digit", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n1g\r\n"), HTTP1_ERROR,
		48, 200, KEEP, 0},
	{"chunked, size negative", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n-1\r\n"),
		HTTP1_ERROR, 47, 200, KEEP, 0},
	{"chunked, 0x", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n"), HTTP1_ERROR,
		48, 200, KEEP, 0},
	{"chunked, size too large",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), HTTP1_ERROR,
		63, 200, KEEP, 0},
	{"chunked, largest size",
		TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nab"), HTTP1_MORE,
		WHOLE, 200, KEEP, 2},
	{"chunked, data too long", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"),
		HTTP1_ERROR, 51, 200, KEEP, 1},
	{"chunked, NUL in an extension", TEXT(OK11 "Transfer-Encoding: chunked\r\n\r\n1;\0\r\na"),
		HTTP1_ERROR, 49, 200, KEEP, 0},
	{"chunked, bare LF", TEXT(OK11 "Transfer-Encoding: chunked\n\n1\na\n0\nA: b\n\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 1},

	/* Transfer-Encoding */
	{"coding and length",
		TEXT(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc"),
		HTTP1_ERROR, 66, 200, 0, 0},
	{"length and other coding",
		TEXT(OK11 "Content-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\nabc"), HTTP1_ERROR,
		63, 200, 0, 0},
	{"chunked is last of several",
		TEXT(OK11 "Transfer-Encoding: gzip , chunked\r\n\r\n0\r\n\r\n"), HTTP1_DONE, WHOLE,
		200, KEEP, 0},
	{"chunked is last of several lines",
		TEXT(OK11 "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"chunked is not last", TEXT(OK11 "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, CLOSE, 5},
	{"chunked is not last, lines",
		TEXT(OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, CLOSE, 5},
	{"identity", TEXT(OK11 "Transfer-Encoding: identity\r\n\r\nabc"), HTTP1_DONE, WHOLE, 200,
		CLOSE, 3},
	{"xchunked", TEXT(OK11 "Transfer-Encoding: xchunked\r\n\r\nabc"), HTTP1_DONE, WHOLE, 200,
		CLOSE, 3},
	{"a long coding",
		TEXT(OK11 "Transfer-Encoding: chunkedchunkedchunkedchunkedchunked\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, CLOSE, 1},
	{"coding with parameters",
		TEXT(OK11 "Transfer-Encoding: x;a=\"b,chunked\\\",\", chunked\r\n\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"chunked within a quoted parameter",
		TEXT(OK11 "Transfer-Encoding: x;a=\", chunked\"\r\n\r\nabc"), HTTP1_DONE, WHOLE,
		200, CLOSE, 3},
	{"coding, open quote", TEXT(OK11 "Transfer-Encoding: x;a=\"b\r\n\r\nabc"), HTTP1_ERROR, 42,
		200, 0, 0},
	{"chunked with a parameter", TEXT(OK11 "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n"),
		HTTP1_ERROR, 43, 200, 0, 0},
	{"chunked twice", TEXT(OK11 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
		HTTP1_ERROR, 52, 200, 0, 0},
	{"coding of two words", TEXT(OK11 "Transfer-Encoding: gzip chunked\r\n\r\n0\r\n\r\n"),
		HTTP1_ERROR, 41, 200, 0, 0},
	{"coding empty", TEXT(OK11 "Transfer-Encoding: \r\n\r\n"), HTTP1_ERROR, 36, 200, 0, 0},
	{"coding with empty elements",
		TEXT(OK11 "Transfer-Encoding: ,, chunked ,\r\n\r\n0\r\n\r\n"), HTTP1_DONE, WHOLE,
		200, KEEP, 0},
	{"chunked with HTTP/1.0",
		TEXT(OK10 "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, 0, 0},

	/* until the connection closes */
	{"no length", TEXT(OK11 "Server: x\r\n\r\nabc"), HTTP1_DONE, WHOLE, 200, CLOSE, 3},
	{"no length, no body", TEXT(OK11 "\r\n"), HTTP1_DONE, WHOLE, 200, CLOSE, 0},
	{"no length, keep-alive", TEXT(OK11 "Connection: keep-alive\r\n\r\nabc"), HTTP1_DONE, WHOLE,
		200, CLOSE, 3},
	{"no length, HTTP/1.0", TEXT(OK10 "\r\nabc"), HTTP1_DONE, WHOLE, 200, CLOSE, 3},

	/* may the connection live on */
	{"1.1 close", TEXT(OK11 "Connection: close\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE,
		WHOLE, 200, 0, 0},
	{"1.1 CLOSE", TEXT(OK11 "connection:CLOSE\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE, WHOLE,
		200, 0, 0},
	{"1.1 close in a list",
		TEXT(OK11 "Connection: foo ,\tClose , bar\r\nContent-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, 0, 0},
	{"1.1 close beats keep-alive",
		TEXT(OK11 "Connection: close, keep-alive\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE,
		WHOLE, 200, 0, 0},
	{"1.1 close in a second line",
		TEXT(OK11 "Connection: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, 0, 0},
	{"1.1 words that are not close",
		TEXT(OK11 "Connection: closed, not close, close=1, "
			  "closeclosecloseclosecloseclose,\r\nContent-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"1.1 empty Connection", TEXT(OK11 "Connection:\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE,
		WHOLE, 200, KEEP, 0},
	{"1.1 Proxy-Connection", TEXT(OK11 "Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"1.0", TEXT(OK10 "Content-Length: 1\r\n\r\na"), HTTP1_DONE, WHOLE, 200, 0, 1},
	{"1.0 keep-alive", TEXT(OK10 "Connection: Keep-Alive\r\nContent-Length: 1\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, KEEP, 1},
	{"1.0 keep-alive and close",
		TEXT(OK10 "Connection: keep-alive\r\nConnection: close\r\nContent-Length: "
			  "1\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, 0, 1},
	{"1.2 is read as 1.1", TEXT("HTTP/1.2 200 OK\r\nContent-Length: 1\r\n\r\na"), HTTP1_DONE,
		WHOLE, 200, KEEP, 1},

	/* 1xx */
	{"100 before 200", TEXT("HTTP/1.1 100 Continue\r\n\r\n" OK11 "Content-Length: 1\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, KEEP, 1},
	{"103 with headers that do not count",
		TEXT("HTTP/1.1 103 Early Hints\r\nConnection: close\r\nContent-Length: "
		     "9\r\n\r\n" OK11 "Content-Length: 1\r\n\r\na"),
		HTTP1_DONE, WHOLE, 200, KEEP, 1},
	{"100, then silence", TEXT("HTTP/1.1 100 Continue\r\n\r\n"), HTTP1_MORE, WHOLE, 0, 0, 0},
	{"101", TEXT("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), HTTP1_ERROR, 24, 0, 0, 0},
	{"101 after 100", TEXT("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 101 S\r\n\r\n"), HTTP1_ERROR, 34, 0,
		0, 0},

	/* the status line */
	{"no reason", TEXT("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE, WHOLE, 200,
		KEEP, 0},
	{"no reason, no blank", TEXT("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE,
		WHOLE, 200, KEEP, 0},
	{"reason with tab and high bytes",
		TEXT("HTTP/1.1 404 n\xc3\xb6\tp\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE, WHOLE,
		404, KEEP, 0},
	{"999", TEXT("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"), HTTP1_DONE, WHOLE, 999, KEEP,
		0},
	{"099", TEXT("HTTP/1.1 099 x\r\n"), HTTP1_ERROR, 9, 0, 0, 0},
	{"four digits", TEXT("HTTP/1.1 2000 x\r\n"), HTTP1_ERROR, 12, 0, 0, 0},
	{"two digits", TEXT("HTTP/1.1 20 x\r\n"), HTTP1_ERROR, 11, 0, 0, 0},
	{"no blank before the status", TEXT("HTTP/1.1/200 OK\r\n"), HTTP1_ERROR, 8, 0, 0, 0},
	{"a letter in the status", TEXT("HTTP/1.1 2x0 OK\r\n"), HTTP1_ERROR, 10, 0, 0, 0},
	{"no status", TEXT("HTTP/1.1\r\n"), HTTP1_ERROR, 8, 0, 0, 0},
	{"status cut short", TEXT("HTTP/1.1 20\n"), HTTP1_ERROR, 11, 0, 0, 0},
	{"two blanks", TEXT("HTTP/1.1  200 OK\r\n"), HTTP1_ERROR, 9, 0, 0, 0},
	{"HTTP/2", TEXT("HTTP/2 200\r\n"), HTTP1_ERROR, 5, 0, 0, 0},
	{"HTTP/0.9", TEXT("<html>"), HTTP1_ERROR, 0, 0, 0, 0},
	{"lower case", TEXT("http/1.1 200 OK\r\n"), HTTP1_ERROR, 0, 0, 0, 0},
	{"version without number", TEXT("HTTP/1.x 200 OK\r\n"), HTTP1_ERROR, 7, 0, 0, 0},
	{"NUL in the reason", TEXT("HTTP/1.1 200 \0\r\n"), HTTP1_ERROR, 13, 0, 0, 0},
	{"CR alone in the reason", TEXT("HTTP/1.1 200 O\rK\r\n"), HTTP1_ERROR, 15, 0, 0, 0},
	{"CR CR LF", TEXT("HTTP/1.1 200 OK\r\r\n"), HTTP1_ERROR, 16, 0, 0, 0},
	{"two empty lines first", TEXT("\r\n\n" OK11 "Content-Length: 0\r\n\r\n"), HTTP1_DONE,
		WHOLE, 200, KEEP, 0},
	{"three empty lines first", TEXT("\r\n\r\n\r\n" OK11), HTTP1_ERROR, 4, 0, 0, 0},
	{"empty lines around 100", TEXT("\nHTTP/1.1 100 C\n\n\n\n" OK11), HTTP1_ERROR, 18, 0, 0, 0},
	{"nothing", TEXT(""), HTTP1_MORE, WHOLE, 0, 0, 0},

	/* header lines */
	{"bare LF everywhere", TEXT("HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nab"), HTTP1_DONE,
		WHOLE, 200, KEEP, 2},
	{"folded", TEXT(OK11 "A: b\r\n c: d\r\n\r\n"), HTTP1_ERROR, 23, 200, 0, 0},
	{"folded with a tab", TEXT(OK11 "A: b\r\n\tc\r\n\r\n"), HTTP1_ERROR, 23, 200, 0, 0},
	{"blank before the first header", TEXT(OK11 " A: b\r\n\r\n"), HTTP1_ERROR, 17, 200, 0, 0},
	{"blank before the colon", TEXT(OK11 "Content-Length : 5\r\n\r\n"), HTTP1_ERROR, 31, 200, 0,
		0},
	{"tab before the colon", TEXT(OK11 "A\t: 5\r\n\r\n"), HTTP1_ERROR, 18, 200, 0, 0},
	{"no colon", TEXT(OK11 "Server\r\n\r\n"), HTTP1_ERROR, 23, 200, 0, 0},
	{"no name", TEXT(OK11 ": x\r\n\r\n"), HTTP1_ERROR, 17, 200, 0, 0},
	{"bad character in a name", TEXT(OK11 "A(b): x\r\n\r\n"), HTTP1_ERROR, 18, 200, 0, 0},
	{"high byte in a name", TEXT(OK11 "A\xe4: x\r\n\r\n"), HTTP1_ERROR, 18, 200, 0, 0},
	{"NUL in a name", TEXT(OK11 "A\0: x\r\n\r\n"), HTTP1_ERROR, 18, 200, 0, 0},
	{"NUL in a value", TEXT(OK11 "Server: abcdefghijk\0lm\r\n\r\n"), HTTP1_ERROR, 36, 200, 0,
		0},
	{"control in a value", TEXT(OK11 "Server: abcdefghi\x1f\r\n\r\n"), HTTP1_ERROR, 34, 200, 0,
		0},
	{"DEL in a value", TEXT(OK11 "Server: abcdefghijklmnopqrstuvwxyz\x7f\r\n\r\n"), HTTP1_ERROR,
		51, 200, 0, 0},
	{"CR in a value", TEXT(OK11 "Server: a\rb\r\n\r\n"), HTTP1_ERROR, 27, 200, 0, 0},
	{"CR alone for the empty line", TEXT(OK11 "\rA"), HTTP1_ERROR, 18, 200, 0, 0},
	{"values with all that may be in them",
		TEXT(OK11 "A:\r\nB: \r\nC:\t\x80\xff !~\t\t\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n"
			  "Content-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"names as long as those that matter",
		TEXT(OK11 "Connextion: close\r\nContent-Langth: 7\r\nTransfer-Encodinx: chunked\r\n"
			  "Content-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"a long name",
		TEXT(OK11
			"Transfer-Encodingtransfer-encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
		HTTP1_DONE, WHOLE, 200, KEEP, 0},
	{"headers not complete", TEXT(OK11 "Content-Length: 0\r\n\r"), HTTP1_MORE, WHOLE, 200, 0,
		0},
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* ---------------------------------------------------------------- memory that ends */

#define ROOM (256 * 1024)

static char *guard_end;		/* the byte here may not be touched */
static struct http1_memo *memo; /* NULL: without */

static void setup_guard(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *m = mmap(NULL, ROOM + (size_t)page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(m, MAP_FAILED);
	ck_assert_int_eq(mprotect(m + ROOM, (size_t)page, PROT_NONE), 0);
	guard_end = m + ROOM;
}

static enum http1_result feed_at_guard(
	struct http1 *p, const char *data, size_t len, size_t *ret_used)
{
	memcpy(guard_end - len, data, len);
	if (memo)
		return http1_feed_memo(p, memo, guard_end - len, len, ret_used);
	return http1_feed(p, guard_end - len, len, ret_used);
}

/* ---------------------------------------------------------------- ways of feeding */

struct message {
	const char *data;
	size_t len;
	bool is_head;
	bool is_closed;
};

struct outcome {
	enum http1_result result;
	size_t used;
	struct http1 p;
};

/* Feeds pieces: the first of size first, all others of size rest. */
static struct outcome feed_pieces(const struct message *m, size_t first, size_t rest)
{
	struct outcome o = {.result = HTTP1_MORE};
	size_t n, used = 0;

	http1_start(&o.p, m->is_head);
	ck_assert(http1_is_untouched(&o.p));
	for (size_t at = 0; at < m->len && o.result == HTTP1_MORE; at += n) {
		n = at == 0 ? first : rest;
		if (n > m->len - at)
			n = m->len - at;
		o.result = feed_at_guard(&o.p, m->data + at, n, &used);
		o.used += used;
		if (o.result == HTTP1_MORE)
			ck_assert_uint_eq(used, n);
		ck_assert_uint_le(used, n);
		ck_assert(!http1_is_untouched(&o.p));
	}
	if (m->is_closed && o.result == HTTP1_MORE)
		o.result = http1_end(&o.p);
	return o;
}

/* Body bytes are skipped, at most `most` at once, and everything else is fed byte by byte. */
static struct outcome feed_skipping(const struct message *m, uint64_t most)
{
	struct outcome o = {.result = HTTP1_MORE};
	size_t used;
	uint64_t n;

	http1_start(&o.p, m->is_head);
	while (o.used < m->len && o.result == HTTP1_MORE) {
		n = http1_skippable(&o.p);
		if (n > most)
			n = most;
		if (n > m->len - o.used)
			n = m->len - o.used;
		if (n > 0) {
			o.result = http1_skipped(&o.p, n);
			o.used += n;
			most = most == 1 ? 2 : most;
		}
		if (o.used < m->len && o.result == HTTP1_MORE) {
			o.result = feed_at_guard(&o.p, m->data + o.used, 1, &used);
			o.used += used;
		}
	}
	if (m->is_closed && o.result == HTTP1_MORE)
		o.result = http1_end(&o.p);
	return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	ck_assert_int_eq(a->result, b->result);
	ck_assert_uint_eq(a->used, b->used);
	ck_assert_uint_eq(a->p.status, b->p.status);
	ck_assert_int_eq(a->p.has_status, b->p.has_status);
	ck_assert_int_eq(a->p.is_close_delimited, b->p.is_close_delimited);
	ck_assert_int_eq(a->p.keep_alive, b->p.keep_alive);
	ck_assert_uint_eq(a->p.body_bytes, b->p.body_bytes);
	ck_assert_uint_eq(a->p.head_bytes, b->p.head_bytes);
	ck_assert_ptr_eq(a->p.error, b->p.error);
}

static void assert_splits_agree(const struct message *m, const struct outcome *whole, size_t step)
{
	struct outcome o;

	o = feed_pieces(m, 1, 1);
	assert_same(whole, &o);
	o = feed_pieces(m, 1, 7);
	assert_same(whole, &o);
	for (size_t cut = 1; cut < m->len; cut += step) {
		o = feed_pieces(m, cut, m->len);
		assert_same(whole, &o);
	}
	for (uint64_t most = 1; most < 4; most++) {
		o = feed_skipping(m, most);
		assert_same(whole, &o);
	}
	o = feed_skipping(m, UINT64_MAX);
	assert_same(whole, &o);
}

/* ---------------------------------------------------------------- tests */

START_TEST(test_sample)
{
	const struct sample *s = &samples[_i];
	struct message m = {s->input, s->len, s->flags & HEAD, s->flags & CLOSE};
	struct outcome o = feed_pieces(&m, m.len, m.len);

	ck_assert_msg(o.result == s->result, "%s: verdict %d (%s)", s->name, o.result,
		o.p.error ? o.p.error : "");
	ck_assert_msg(o.used == (s->used == WHOLE ? s->len : s->used), "%s: used %zu (%s)", s->name,
		o.used, o.p.error ? o.p.error : "");
	ck_assert_msg(o.p.status == s->status, "%s: status %u", s->name, o.p.status);
	ck_assert_msg(o.p.has_status == (s->status != 0), "%s: has_status", s->name);
	ck_assert_msg(o.p.body_bytes == s->body, "%s: body", s->name);
	ck_assert_msg(o.p.is_close_delimited == !!(s->flags & CLOSE), "%s: delimited", s->name);
	ck_assert_msg(o.p.keep_alive == !!(s->flags & KEEP), "%s: keep_alive", s->name);
	ck_assert_msg((o.p.error != NULL) == (o.result == HTTP1_ERROR), "%s: error", s->name);
	assert_splits_agree(&m, &o, 1);
}
END_TEST

/* The same table: what the memo holds, this head or another, changes nothing. */
START_TEST(test_memo_changes_nothing)
{
	static struct http1_memo m0;
	const struct sample *s = &samples[_i];
	struct message m = {s->input, s->len, s->flags & HEAD, s->flags & CLOSE};
	struct outcome plain = feed_pieces(&m, m.len, m.len);
	struct outcome o;

	memo = &m0;
	for (size_t other = 0; other < N_SAMPLES; other++) {
		const struct sample *b = &samples[other];
		struct message mb = {b->input, b->len, b->flags & HEAD, b->flags & CLOSE};

		(void)feed_pieces(&mb, mb.len, mb.len);
		for (int again = 0; again < 2; again++) {
			o = feed_pieces(&m, m.len, m.len);
			assert_same(&plain, &o);
		}
	}
	assert_splits_agree(&m, &plain, 1);
	memo = NULL;
}
END_TEST

/* The same table: a peer that closes in the middle completes only what is delimited by that. */
START_TEST(test_closed_at_every_byte)
{
	const struct sample *s = &samples[_i];
	struct message m = {s->input, 0, s->flags & HEAD, false};
	enum http1_result before;
	struct outcome o;
	bool delimited;

	for (m.len = 0; m.len <= s->len; m.len++) {
		o = feed_pieces(&m, m.len, m.len);
		before = o.result;
		delimited = o.p.is_close_delimited;
		o.result = http1_end(&o.p);
		if (before == HTTP1_MORE)
			ck_assert_int_eq(o.result, delimited ? HTTP1_DONE : HTTP1_ERROR);
		else
			ck_assert_int_eq(o.result, before);
		if (o.result == HTTP1_ERROR)
			ck_assert_ptr_nonnull(o.p.error);
	}
}
END_TEST

START_TEST(test_closed_untouched)
{
	struct http1 p;

	http1_start(&p, false);
	ck_assert_int_eq(http1_end(&p), HTTP1_ERROR);
	ck_assert_str_eq(p.error, "closed before the response");
	/* The engine asks this to know whether it may send the request again. */
	ck_assert(http1_is_untouched(&p));
}
END_TEST

START_TEST(test_nothing_after_the_end)
{
	struct http1 p;
	size_t used = 99;

	http1_start(&p, true);
	ck_assert_int_eq(http1_feed(&p, "HTTP/1.1 200\n\n", 14, &used), HTTP1_DONE);
	ck_assert_int_eq(http1_feed(&p, "HTTP", 4, &used), HTTP1_DONE);
	ck_assert_uint_eq(used, 0);
	http1_start(&p, false);
	ck_assert_int_eq(http1_feed(&p, "X", 1, &used), HTTP1_ERROR);
	ck_assert(!http1_is_untouched(&p));
	ck_assert_int_eq(http1_feed(&p, "HTTP", 4, &used), HTTP1_ERROR);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(http1_skippable(&p), 0);
}
END_TEST

START_TEST(test_no_bytes)
{
	struct http1 p;
	size_t used = 99;

	http1_start(&p, false);
	ck_assert_int_eq(http1_feed(&p, NULL, 0, &used), HTTP1_MORE);
	ck_assert_uint_eq(used, 0);
	ck_assert(http1_is_untouched(&p));
}
END_TEST

START_TEST(test_head_bytes)
{
	static const char text[] = "\n"
				   "HTTP/1.1 100 C\r\n\r\n" OK11
				   "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n";
	struct http1 p;
	size_t used;

	http1_start(&p, false);
	ck_assert_int_eq(http1_feed(&p, text, sizeof(text) - 1, &used), HTTP1_DONE);
	ck_assert_uint_eq(p.head_bytes, 1 + 18 + 17 + 28 + 2);
	ck_assert_uint_eq(p.body_bytes, 1);
}
END_TEST

struct told {
	size_t head_len, body_len;
	char head[128], body[32];
};

static void told_head(void *arg, const char *data, size_t len)
{
	struct told *t = arg;

	memcpy(t->head + t->head_len, data, len);
	t->head_len += len;
}

static void told_body(void *arg, const char *data, size_t len)
{
	struct told *t = arg;

	memcpy(t->body + t->body_len, data, len);
	t->body_len += len;
}

/* Only the final response's header lines and the content, however they come. */
START_TEST(test_sink)
{
	static const char text[] = "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK11
				   "A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "2;ext\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: t\r\n\r\nHTTP";
	size_t used, at, n, len = sizeof(text) - 1;
	struct told told;
	const struct http1_sink sink = {told_head, told_body, &told};
	enum http1_result result;
	struct http1 p;

	for (size_t step = 1; step <= len; step++) {
		told = (struct told){0};
		http1_start(&p, false);
		result = HTTP1_MORE;
		for (at = 0; result == HTTP1_MORE && at < len; at += used) {
			n = len - at < step ? len - at : step;
			result = http1_feed_sink(&p, &sink, text + at, n, &used);
		}
		ck_assert_int_eq(result, HTTP1_DONE);
		ck_assert_uint_eq(at, len - 4);
		ck_assert_str_eq(told.head, "A: b\r\nTransfer-Encoding: chunked\r\n\r\n");
		ck_assert_str_eq(told.body, "abcde");
	}
}
END_TEST

START_TEST(test_skip_giant)
{
	static const char head[] = OK11 "Content-Length: 9000000000000000001\r\n\r\n";
	uint64_t giant = UINT64_C(9000000000000000000);
	struct http1 p;
	size_t used;

	http1_start(&p, false);
	ck_assert_int_eq(http1_feed(&p, head, sizeof(head) - 1, &used), HTTP1_MORE);
	ck_assert_uint_eq(http1_skippable(&p), giant + 1);
	ck_assert_int_eq(http1_skipped(&p, 0), HTTP1_MORE);
	ck_assert_int_eq(http1_skipped(&p, giant), HTTP1_MORE);
	ck_assert_uint_eq(http1_skippable(&p), 1);
	ck_assert_int_eq(http1_skipped(&p, 1), HTTP1_DONE);
	ck_assert_uint_eq(p.body_bytes, giant + 1);
	ck_assert(p.keep_alive);
}
END_TEST

/* Every byte in every kind of place: only the bytes that may stand there are taken. */
START_TEST(test_every_byte)
{
	static const char *const before[] = {"HTTP/1.1 200 ", OK11 "A", OK11 "A: "};
	char text[64];
	struct http1 p;
	size_t used, len = strlen(before[_i]);
	bool good;

	for (int c = 0; c < 256; c++) {
		memcpy(text, before[_i], len);
		text[len] = (char)c;
		memcpy(text + len + 1, "abcdefgh", 8);
		http1_start(&p, false);
		good = http1_feed(&p, text, len + 9, &used) == HTTP1_MORE;
		if (_i == 1)
			ck_assert_int_eq(good,
				c == ':' || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL) ||
					(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
					(c >= 'A' && c <= 'Z'));
		else
			ck_assert_int_eq(good, c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f));
	}
}
END_TEST

/* ---------------------------------------------------------------- limits */

struct text {
	char *data;
	size_t len;
};

static void text_add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	t->data = realloc(t->data, t->len + n);
	ck_assert_ptr_nonnull(t->data);
	memcpy(t->data + t->len, s, n);
	t->len += n;
}

static void text_fill(struct text *t, char c, size_t n)
{
	t->data = realloc(t->data, t->len + n);
	ck_assert_ptr_nonnull(t->data);
	memset(t->data + t->len, c, n);
	t->len += n;
}

static void assert_limit(struct text *t, enum http1_result result, size_t used, const char *error)
{
	struct message m = {t->data, t->len, false, false};
	struct outcome o = feed_pieces(&m, m.len, m.len);

	ck_assert_int_eq(o.result, result);
	ck_assert_uint_eq(o.used, used);
	if (error != NULL)
		ck_assert_str_eq(o.p.error, error);
	else
		ck_assert_ptr_null(o.p.error);
	assert_splits_agree(&m, &o, m.len / 61 + 1);
	free(t->data);
}

#define CHUNKED OK11 "Transfer-Encoding: chunked\r\n\r\n"

/* A line of exactly the limit passes, one byte more does not. */
START_TEST(test_line_limit)
{
	static const struct {
		const char *before, *line;
	} kinds[] = {
		{"", "HTTP/1.1 200 "},
		{OK11, "A: "},
		{OK11, "A"},
		{OK11, "Connection: "},
		{CHUNKED, "5;"},
		{CHUNKED "0\r\n", "A: "},
	};
	struct text t = {0}, u = {0};
	size_t fill = HTTP1_LINE_MAX - strlen(kinds[_i].line) - 1;
	size_t start = strlen(kinds[_i].before);
	bool is_name = strcmp(kinds[_i].line, "A") == 0;

	text_add(&t, kinds[_i].before);
	text_add(&t, kinds[_i].line);
	text_fill(&t, 'x', fill);
	if (is_name)
		t.data[t.len - 1] = ':';
	text_add(&t, "\n");
	assert_limit(&t, HTTP1_MORE, start + HTTP1_LINE_MAX, NULL);

	text_add(&u, kinds[_i].before);
	text_add(&u, kinds[_i].line);
	text_fill(&u, 'x', fill + 1);
	text_add(&u, "\n");
	assert_limit(&u, HTTP1_ERROR, start + HTTP1_LINE_MAX, "a line is too long");
}
END_TEST

/* Endless headers (0) and endless trailers (1), each line short. */
START_TEST(test_block_limit)
{
	struct text t = {0};
	size_t start = 0;

	if (_i == 1)
		text_add(&t, CHUNKED "1\r\na\r\n0\r\n");
	else
		text_add(&t, OK11);
	start = _i == 1 ? t.len : 0;
	while (t.len < start + HTTP1_HEADERS_MAX + 100)
		text_add(&t, "X-Header-Of-No-Interest: and its value\r\n");
	assert_limit(&t, HTTP1_ERROR, start + HTTP1_HEADERS_MAX, "the headers are too long");
}
END_TEST

START_TEST(test_block_exactly_full)
{
	struct text t = {0};

	text_add(&t, OK11 "Content-Length: 1\r\n");
	while (HTTP1_HEADERS_MAX - t.len > 10000 + 2) {
		text_add(&t, "A:");
		text_fill(&t, 'x', 997);
		text_add(&t, "\n");
	}
	text_add(&t, "A:");
	text_fill(&t, 'x', HTTP1_HEADERS_MAX - t.len - 2);
	text_add(&t, "\n\nb");
	assert_limit(&t, HTTP1_DONE, HTTP1_HEADERS_MAX + 1, NULL);
}
END_TEST

/* Many small chunks, each with an extension, are more than a header block may be: no limit. */
START_TEST(test_many_chunks)
{
	struct text t = {0};

	text_add(&t, CHUNKED);
	while (t.len < 2 * HTTP1_HEADERS_MAX)
		text_add(&t, "1;extension\r\na\r\n");
	text_add(&t, "0\r\n\r\n");
	assert_limit(&t, HTTP1_DONE, t.len, NULL);
}
END_TEST

START_TEST(test_informational_limit)
{
	struct text t = {0}, u = {0};

	for (int i = 0; i < HTTP1_INFORMATIONAL_MAX; i++) {
		text_add(&t, "HTTP/1.1 102 x\r\n\r\n");
		text_add(&u, "HTTP/1.1 102 x\r\n\r\n");
	}
	text_add(&t, OK11 "Content-Length: 0\r\n\r\n");
	assert_limit(&t, HTTP1_DONE, t.len, NULL);
	text_add(&u, "HTTP/1.1 102 x\r\n\r\n");
	assert_limit(&u, HTTP1_ERROR, u.len - 2, "too many 1xx responses");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http1");
	TCase *table = tcase_create("table"), *rest = tcase_create("rest");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(table, setup_guard, NULL);
	tcase_add_loop_test(table, test_sample, 0, N_SAMPLES);
	tcase_add_loop_test(table, test_closed_at_every_byte, 0, N_SAMPLES);
	tcase_add_loop_test(table, test_memo_changes_nothing, 0, N_SAMPLES);
	suite_add_tcase(suite, table);

	tcase_add_checked_fixture(rest, setup_guard, NULL);
	tcase_add_test(rest, test_closed_untouched);
	tcase_add_test(rest, test_nothing_after_the_end);
	tcase_add_test(rest, test_no_bytes);
	tcase_add_test(rest, test_head_bytes);
	tcase_add_test(rest, test_sink);
	tcase_add_test(rest, test_skip_giant);
	tcase_add_loop_test(rest, test_every_byte, 0, 3);
	tcase_add_loop_test(rest, test_line_limit, 0, 6);
	tcase_add_loop_test(rest, test_block_limit, 0, 2);
	tcase_add_test(rest, test_block_exactly_full);
	tcase_add_test(rest, test_many_chunks);
	tcase_add_test(rest, test_informational_limit);
	suite_add_tcase(suite, rest);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
