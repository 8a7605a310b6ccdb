/* SPDX-License-Identifier: Apache-2.0 */
/* The interchange text: byte for byte what Java writes, read back from either of its forms, and
 * every kind of damage refused. Texts of our own are built here by hand (stored and fixed-Huffman
 * deflate blocks), so that the decoder is tested against bytes that no encoder would write. */
#include "common/stats/hdr_codec.h"

#include "common/digest.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/support/suite.h"

#define VECTOR_HEADER                                                                              \
	"1c84931300000013000000000000000300000000000000010000034630b8a0003ff0000000000000"
#define VECTOR_PAYLOAD "0002cb0f04ab100202bf8e010a8139029d6606"
#define VECTOR_DEFLATED                                                                            \
	"HISTFAAAADN42pNpmSzMwMAAwiDADKUZgUw3gx0LGOw/QEWYTvOzrBZgYtrfx8jVaMk0N40NANBfCRo="
#define VECTOR_STORED                                                                              \
	"HISTFAAAAEZ4AQE7AMT/HISTEwAAABMAAAAAAAAAAwAAAAAAAAABAAADRjC4oAA/"                         \
	"8AAAAAAAAAACyw8EqxACAr+OAQqBOQKdZgbQXwka"
#define EMPTY_DEFLATED "HISTFAAAACF42pNpmSzMwMDAyAABzFAayGd2M9ixgMH+A1QEAFKmBEw="

/* ---------------------------------------------------------------- building texts */

struct bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
	unsigned n_bits; /* of the last byte that are in use, 0: all */
};

static void put(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->cap) {
		b->cap = 2 * (b->len + len) + 64;
		b->data = realloc(b->data, b->cap);
		ck_assert_ptr_nonnull(b->data);
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void put_hex(struct bytes *b, const char *hex)
{
	for (; *hex; hex += 2) {
		unsigned byte;

		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		put(b, &(uint8_t){(uint8_t)byte}, 1);
	}
}

static void put_u32(struct bytes *b, uint32_t v)
{
	put(b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v},
		4);
}

static void put_u64(struct bytes *b, uint64_t v)
{
	put_u32(b, (uint32_t)(v >> 32));
	put_u32(b, (uint32_t)v);
}

/* The header of a layout, for a payload of that length. */
static void put_header(
	struct bytes *b, int64_t lowest, int64_t highest, uint32_t digits, uint32_t payload_len)
{
	put_u32(b, 0x1c849313);
	put_u32(b, payload_len);
	put_u32(b, 0);
	put_u32(b, digits);
	put_u64(b, (uint64_t)lowest);
	put_u64(b, (uint64_t)highest);
	put_u64(b, UINT64_C(0x3ff0000000000000));
}

static uint32_t adler(const uint8_t *data, size_t len, uint64_t n_zeros_behind)
{
	uint64_t a = 1, c = 0;

	for (size_t i = 0; i < len; i++) {
		a = (a + data[i]) % 65521;
		c = (c + a) % 65521;
	}
	return (uint32_t)((c + n_zeros_behind % 65521 * a) % 65521 << 16 | a);
}

/* Envelope and base64 around a zlib stream; fini of the stream. */
static char *wrap(struct bytes *stream)
{
	struct bytes b = {0};
	char *text;

	put_u32(&b, 0x1c849314);
	put_u32(&b, (uint32_t)stream->len);
	put(&b, stream->data, stream->len);
	text = digest_base64_encode(b.data, b.len);
	ck_assert_ptr_nonnull(text);
	free(b.data);
	free(stream->data);
	return text;
}

/* The text of an uncompressed form, in one stored block; fini of raw. */
static char *stored(struct bytes *raw)
{
	struct bytes z = {0};
	uint16_t len = (uint16_t)raw->len;

	ck_assert_uint_le(raw->len, UINT16_MAX);
	put(&z,
		(uint8_t[]){0x78, 0x01, 0x01, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len,
			(uint8_t)(~len >> 8)},
		7);
	put(&z, raw->data, raw->len);
	put_u32(&z, adler(raw->data, raw->len, 0));
	free(raw->data);
	return wrap(&z);
}

/* n bits of code, the highest first, as Huffman codes stand in a stream. */
static void put_code(struct bytes *b, unsigned code, unsigned n)
{
	while (n-- > 0) {
		if (b->n_bits == 0)
			put(b, &(uint8_t){0}, 1);
		b->data[b->len - 1] |= (uint8_t)((code >> n & 1) << b->n_bits);
		b->n_bits = (b->n_bits + 1) % 8;
	}
}

/* The text of raw with 1 + 258 * n_runs zeros after it, deflated to 13 bits for each 258; fini of
 * raw. */
static char *bomb(struct bytes *raw, size_t n_runs)
{
	struct bytes z = {0};

	put(&z, (uint8_t[]){0x78, 0x01}, 2);
	put_code(&z, 1, 1); /* the last block */
	put_code(&z, 2, 2); /* fixed codes: 01, the lower bit first */
	for (size_t i = 0; i < raw->len; i++) {
		if (raw->data[i] < 144)
			put_code(&z, 0x30 + raw->data[i], 8);
		else
			put_code(&z, 0x190 + raw->data[i] - 144, 9);
	}
	put_code(&z, 0x30, 8);
	for (size_t i = 0; i < n_runs; i++) {
		put_code(&z, 0xc5, 8); /* length 258 */
		put_code(&z, 0, 5);    /* distance 1 */
	}
	put_code(&z, 0, 7);
	put_u32(&z, adler(raw->data, raw->len, 1 + 258 * n_runs));
	free(raw->data);
	return wrap(&z);
}

/* ---------------------------------------------------------------- comparing */

static struct histogram run_histogram(void)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	return h;
}

static struct histogram vector(void)
{
	static const int64_t values[] = {1, 1000, 1000, 2047, 2048, 1000000, 1000000, 1000000,
		1000000, 1000000, 12345678, 1000000000, 1000000000, 1000000000};
	struct histogram h = run_histogram();

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		histogram_record(&h, values[i]);
	return h;
}

static void assert_same_slots(const struct histogram *a, const struct histogram *b)
{
	ck_assert_int_eq(a->lowest, b->lowest);
	ck_assert_int_eq(a->highest, b->highest);
	ck_assert_int_eq(a->digits, b->digits);
	ck_assert_uint_eq(a->n_slots, b->n_slots);
	ck_assert_uint_eq(a->count, b->count);
	ck_assert_mem_eq(a->slots, b->slots, a->n_slots * sizeof(*a->slots));
}

static void assert_round_trip(const struct histogram *h)
{
	char *text = hdr_encode(h), *again;
	struct histogram back;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(strncmp(text, "HISTFAAA", 8), 0);
	ck_assert_int_eq(hdr_decode(text, &back), 0);
	assert_same_slots(&back, h);
	again = hdr_encode(&back);
	ck_assert_str_eq(again, text);
	histogram_fini(&back);
	free(again);
	free(text);
}

/* Whatever the decoder lets through must be sound. True when it did. */
static bool decode_is_sound(const char *text)
{
	struct histogram h = {.digits = 77};
	uint64_t total = 0;
	int r = hdr_decode(text, &h);

	if (r != 0) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_int_eq(h.digits, 77);
		ck_assert_ptr_null(h.slots);
		return false;
	}
	ck_assert_uint_le(h.n_slots, 1 << 20);
	/* An assertion for each slot would take longer than all the rest. */
	for (uint32_t i = 0; i < h.n_slots; i++)
		if (__builtin_add_overflow(total, h.slots[i], &total))
			ck_abort_msg("the sum of the slots overflows");
	ck_assert_uint_eq(total, h.count);
	if (h.count) {
		ck_assert_int_ge(h.min, 0);
		ck_assert_int_ge(h.max, h.min);
		ck_assert_int_le(quantile_served(&h, 1), h.max);
	}
	histogram_fini(&h);
	return true;
}

static void assert_refused(char *text)
{
	ck_assert(!decode_is_sound(text));
	free(text);
}

/* ---------------------------------------------------------------- the format */

START_TEST(test_vector_encode)
{
	struct histogram h = vector();
	char *text = hdr_encode(&h);

	ck_assert_str_eq(text, VECTOR_DEFLATED);
	free(text);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_vector_bytes)
{
	struct bytes raw = {0};
	struct histogram h = vector(), back;
	char *text;

	/* Header and payload, by themselves, are what the stored text wraps … */
	put_hex(&raw, VECTOR_HEADER VECTOR_PAYLOAD);
	ck_assert_uint_eq(raw.len, 59);
	text = stored(&raw);
	ck_assert_str_eq(text, VECTOR_STORED);
	/* … and what the slots say. */
	ck_assert_int_eq(hdr_decode(text, &back), 0);
	assert_same_slots(&back, &h);
	free(text);
	histogram_fini(&back);
	histogram_fini(&h);
}
END_TEST

static const char *const vector_texts[] = {VECTOR_DEFLATED, VECTOR_STORED};

START_TEST(test_vector_decode)
{
	struct histogram h;

	ck_assert_int_eq(hdr_decode(vector_texts[_i], &h), 0);
	ck_assert_uint_eq(h.count, 14);
	ck_assert_int_eq(h.lowest, 1);
	ck_assert_int_eq(h.highest, HISTOGRAM_HIGHEST_NS);
	ck_assert_int_eq(h.digits, 3);
	ck_assert_int_eq(h.min, 1);
	ck_assert_int_eq(h.max, 1000341503);
	ck_assert_int_eq(quantile_served(&h, 0.5), 1000447);
	ck_assert_int_eq(quantile_served(&h, 0.99), 1000341503);
	/* As Java and JavaScript say. */
	ck_assert_double_eq_tol(histogram_mean(&h), 215542469.785714, 1e-6);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_empty)
{
	struct histogram h = run_histogram(), back;
	char *text = hdr_encode(&h);

	ck_assert_str_eq(text, EMPTY_DEFLATED);
	ck_assert_int_eq(hdr_decode(text, &back), 0);
	assert_same_slots(&back, &h);
	ck_assert_int_eq(back.min, INT64_MAX);
	ck_assert_int_eq(back.max, 0);
	ck_assert_double_eq(histogram_mean(&back), 0);
	free(text);
	histogram_fini(&back);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_round_trip_layouts)
{
	static const struct {
		int64_t lowest;
		int64_t highest;
		int digits;
	} layouts[] = {
		{1, 2, 1},
		{HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS},
		{3, 1000000, 2},
		{1, 100000000, 4},
		{1000, INT64_C(1000000000), 5},
		{1, INT64_MAX, 3},
	};
	struct histogram h;
	uint64_t seed = 5;

	ck_assert_int_eq(
		histogram_init(&h, layouts[_i].lowest, layouts[_i].highest, layouts[_i].digits), 0);
	assert_round_trip(&h);
	for (int i = 0; i < 3000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		histogram_record(&h, (int64_t)((seed >> 7) % (uint64_t)layouts[_i].highest));
		histogram_record(&h, (int64_t)(seed >> 1 >> (seed >> 32) % 63));
	}
	assert_round_trip(&h);
	histogram_record(&h, h.highest);
	histogram_record(&h, INT64_MAX);
	assert_round_trip(&h);
	histogram_reset(&h);
	histogram_record(&h, 0);
	assert_round_trip(&h);
	histogram_fini(&h);
}
END_TEST

/* Counts at every length of their code, up to the nine bytes of the largest. */
START_TEST(test_round_trip_counts)
{
	struct histogram h = run_histogram();

	for (int bit = 0; bit < 61; bit++) {
		h.slots[3 * bit] = UINT64_C(1) << bit;
		h.slots[3 * bit + 1] = (UINT64_C(1) << bit) - 1;
		h.count += h.slots[3 * bit] + h.slots[3 * bit + 1];
	}
	assert_round_trip(&h);

	histogram_reset(&h);
	/* All eight bits of the ninth byte, and a slot after that would show a tenth. */
	h.slots[5] = INT64_MAX - 7;
	h.slots[6] = 7;
	h.count = INT64_MAX;
	assert_round_trip(&h);
	histogram_fini(&h);
}
END_TEST

/* Payloads of the layout 1..1000 with 1 digit (112 slots), and what they mean. */
static const struct {
	const char *payload;
	int r;
	uint64_t count;
	int64_t max;
} payloads[] = {
	{"00", 0, 0, 0},
	{"01", 0, 0, 0}, /* a single zero as C writes it */
	{"02", 0, 1, 0},
	{"0102", 0, 1, 1},	   /* run of 1 */
	{"0002", 0, 1, 1},	   /* count 0 */
	{"8000", 0, 0, 0},	   /* 0 in two bytes */
	{"820002", 0, 2, 1},	   /* 1 in two bytes */
	{"800102", 0, 65, 1},	   /* 64 */
	{"02dd01", 0, 1, 0},	   /* and all others 0 */
	{"02df01", -EINVAL, 0, 0}, /* one more than there are */
	{"dd01", 0, 0, 0},	   /* run of 111 */
	{"df01", 0, 0, 0},	   /* run of 112: all slots */
	{"dd0102", 0, 1, 1023},
	{"df0102", -EINVAL, 0, 0}, /* a count after the last slot */
	{"e101", -EINVAL, 0, 0},   /* run of 113 */
	{"df0100", -EINVAL, 0, 0},
	{"df0101", -EINVAL, 0, 0},
	{"ffffffff0f", -EINVAL, 0, 0},	       /* run of 2^31 */
	{"ffffffff1f", -EINVAL, 0, 0},	       /* run of 2^32: 0 when cut to 32 bits */
	{"ffffffffffffffffff", -EINVAL, 0, 0}, /* run of 2^63 */
	{"fdffffffffffffffff", -EINVAL, 0, 0}, /* run of 2^63 - 1 */
	{"feffffffffffffffff", 0, INT64_MAX, 0},
	{"feffffffffffffffff00", 0, INT64_MAX, 0},
	{"feffffffffffffffff02", -EINVAL, 0, 0}, /* the sum overflows */
	{"feffffffffffffffff"
	 "feffffffffffffffff",
		-EINVAL, 0, 0}, /* … to -2 */
	{"feffffffffffffffff"
	 "feffffffffffffffff"
	 "04",
		-EINVAL, 0, 0}, /* … and around to 0 */
	{"80", -EINVAL, 0, 0},	/* ends inside a number */
	{"0280", -EINVAL, 0, 0},
	{"feffffffffffffff", -EINVAL, 0, 0},
	{"", -EINVAL, 0, 0},
};
#define N_PAYLOADS ((int)(sizeof(payloads) / sizeof(payloads[0])))

START_TEST(test_payload)
{
	struct bytes raw = {0};
	struct histogram h = {.digits = 77};
	char *text;

	put_header(&raw, 1, 1000, 1, (uint32_t)strlen(payloads[_i].payload) / 2);
	put_hex(&raw, payloads[_i].payload);
	text = stored(&raw);
	ck_assert_int_eq(hdr_decode(text, &h), payloads[_i].r);
	if (payloads[_i].r == 0) {
		ck_assert_uint_eq(h.n_slots, 112);
		ck_assert_uint_eq(h.count, payloads[_i].count);
		ck_assert_int_eq(h.max, payloads[_i].max);
		histogram_fini(&h);
	} else {
		ck_assert_int_eq(h.digits, 77);
	}
	free(text);
}
END_TEST

/* ---------------------------------------------------------------- damage */

static const struct {
	int64_t lowest;
	int64_t highest;
	uint32_t digits;
	bool is_fine;
} headers[] = {
	{1, 1000, 1, true},
	{1, 2, 5, true},
	{1, INT64_MAX, 4, true},
	{0, 1000, 1, false},
	{-1, 1000, 1, false},
	{1, 1, 1, false},
	{1, 0, 1, false},
	{1, -1, 1, false},
	{INT64_MIN, INT64_MIN, 1, false},
	{600, 1000, 1, false},
	{1, 1000, 0, false},
	{1, 1000, 6, false},
	{1, 1000, 0x7fffffff, false},
	{1, 1000, 0x80000001, false},
	{1, 1000, 0xffffffff, false},
	{INT64_C(1) << 58, INT64_MAX, 1, false},
	/* Sound, but 47 * 2^17 slots. */
	{1, INT64_MAX, 5, false},
};
#define N_HEADERS ((int)(sizeof(headers) / sizeof(headers[0])))

START_TEST(test_header)
{
	struct bytes raw = {0};
	char *text;

	put_header(&raw, headers[_i].lowest, headers[_i].highest, headers[_i].digits, 1);
	put_hex(&raw, "02");
	text = stored(&raw);
	ck_assert_int_eq(decode_is_sound(text), headers[_i].is_fine);
	free(text);
}
END_TEST

/* Header fields of the test vector that must be just so: the cookies of older versions, an index
 * offset (as an old Go library wrote), a ratio of 2. */
START_TEST(test_header_constants)
{
	static const struct {
		unsigned at;
		uint8_t byte;
	} changes[] = {{3, 0x08}, {3, 0x09}, {3, 0x03}, {3, 0x02}, {3, 0x14}, {11, 1}, {8, 0x80},
		{32, 0x40}, {39, 1}, {32, 0xbf}};

	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct bytes raw = {0};

		put_hex(&raw, VECTOR_HEADER VECTOR_PAYLOAD);
		ck_assert_uint_ne(raw.data[changes[i].at], changes[i].byte);
		raw.data[changes[i].at] = changes[i].byte;
		assert_refused(stored(&raw));
	}
}
END_TEST

START_TEST(test_payload_len)
{
	static const uint32_t lens[] = {0, 1, 0x12, 0x14, 0x100, 33792 * 9, 33792 * 9 + 1,
		0x7fffffff, 0x80000000, 0xffffffff, 0xffffffec};

	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct bytes raw = {0};

		put_header(&raw, 1, HISTOGRAM_HIGHEST_NS, 3, lens[i]);
		put_hex(&raw, VECTOR_PAYLOAD);
		assert_refused(stored(&raw));
	}
}
END_TEST

/* An uncompressed form that ends anywhere before its end, in a stream that is whole. */
START_TEST(test_raw_truncated)
{
	for (size_t len = 0; len < 59; len++) {
		struct bytes raw = {0};

		put_hex(&raw, VECTOR_HEADER VECTOR_PAYLOAD);
		raw.len = len;
		assert_refused(stored(&raw));
	}
}
END_TEST

/* Every prefix of the text is refused; it ends at a page that may not be read. */
START_TEST(test_text_truncated)
{
	const char *text = vector_texts[_i];
	size_t page = 4096, len = strlen(text);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(pages, MAP_FAILED);
	ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t n = 0; n <= len; n++) {
		char *end = pages + page - 1;

		memcpy(end - n, text, n);
		*end = '\0';
		ck_assert_int_eq(decode_is_sound(end - n), n == len);
	}
	munmap(pages, 2 * page);
}
END_TEST

/* The bytes below base64, cut anywhere, with and without an envelope that admits it. */
START_TEST(test_stream_truncated)
{
	size_t len, n_whole = 0;
	char *packed = digest_base64_decode(vector_texts[_i], &len);

	for (size_t n = 0; n <= len; n++) {
		char *text = digest_base64_encode(packed, n);

		n_whole += decode_is_sound(text);
		free(text);
		if (n < 8 || n == len)
			continue;

		struct bytes stream = {0};

		put(&stream, packed + 8, n - 8);
		assert_refused(wrap(&stream));
	}
	ck_assert_uint_eq(n_whole, 1);
	free(packed);
}
END_TEST

/* Each byte of the text replaced by each of some others. */
START_TEST(test_text_corrupted)
{
	static const char others[] = "AHz09+/= \n\x80\xff-_gQ";
	const char *good = vector_texts[_i];
	size_t len = strlen(good);
	unsigned n_refused = 0, n_tried = 0;

	for (size_t at = 0; at < len; at++) {
		for (const char *other = others; *other; other++) {
			char *text = strdup(good);

			text[at] = *other;
			if (*other != good[at]) {
				n_tried++;
				n_refused += !decode_is_sound(text);
			}
			free(text);
		}
	}
	/* The checksum lets nothing through but the unused bits of the stream and of base64. */
	ck_assert_uint_ge(n_refused, n_tried - 30);
}
END_TEST

/* Each byte below the checksum replaced by each other value: the text is whole, its meaning is
 * not. Cookie, index offset and ratio have one right value; elsewhere other layouts and other
 * counts may come out, but sound ones. */
START_TEST(test_raw_corrupted)
{
	bool is_fixed = _i < 4 || (_i >= 8 && _i < 12) || (_i >= 32 && _i < 40);

	for (unsigned change = 1; change < 256; change++) {
		struct bytes raw = {0};
		char *text;

		put_hex(&raw, VECTOR_HEADER VECTOR_PAYLOAD);
		raw.data[_i] ^= (uint8_t)change;
		text = stored(&raw);
		if (decode_is_sound(text))
			ck_assert(!is_fixed);
		free(text);
	}
}
END_TEST

START_TEST(test_envelope)
{
	static const struct {
		unsigned at;
		uint8_t byte;
	} changes[] = {
		{0, 0}, {3, 0x13}, {3, 0x04}, {4, 0x80}, {4, 0xff}, {7, 0}, {7, 0x32}, {7, 0x34}};
	size_t len;

	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *packed = digest_base64_decode(VECTOR_DEFLATED, &len);

		packed[changes[i].at] = (char)changes[i].byte;
		assert_refused(digest_base64_encode(packed, len));
		free(packed);
	}

	/* Bytes after the stream, in the envelope's length and outside of it. */
	struct bytes b = {0};
	char *packed = digest_base64_decode(VECTOR_DEFLATED, &len);

	put(&b, packed, len);
	put(&b, "", 1);
	assert_refused(digest_base64_encode(b.data, b.len));
	b.data[7]++;
	assert_refused(digest_base64_encode(b.data, b.len));
	free(b.data);
	free(packed);
}
END_TEST

static const char *const not_texts[] = {"", "=", "====", "HISTFAAA", "HISTFAAAAAA=", "hello",
	"null", "HISTFAAA\xff", "AAAAAAAAAAAAAAAA", " " VECTOR_DEFLATED, VECTOR_DEFLATED "\n",
	VECTOR_DEFLATED VECTOR_DEFLATED};
#define N_NOT_TEXTS ((int)(sizeof(not_texts) / sizeof(not_texts[0])))

START_TEST(test_not_a_text)
{
	ck_assert(!decode_is_sound(not_texts[_i]));
}
END_TEST

static long max_rss_kib(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* 258 MiB in 1.7 MB, with a right checksum; the memory that it takes stays near that of its text.
 */
START_TEST(test_bomb)
{
	static const uint32_t promised[] = {1, 33792 * 9, 1 + 258 * 1048576};
	struct bytes raw = {0};
	char *text;
	long before;

	put_header(&raw, 1, HISTOGRAM_HIGHEST_NS, 3, promised[_i]);
	text = bomb(&raw, 1048576);
	before = max_rss_kib();
	ck_assert(!decode_is_sound(text));
	ck_assert_int_lt(max_rss_kib() - before, 32 * 1024);
	free(text);
}
END_TEST

/* The builder of bombs builds sound texts: 259 times the count 0. */
START_TEST(test_bomb_control)
{
	struct bytes raw = {0};
	char *text;

	put_header(&raw, 1, HISTOGRAM_HIGHEST_NS, 3, 259);
	text = bomb(&raw, 1);
	ck_assert(decode_is_sound(text));
	free(text);
}
END_TEST

/* Payloads of random bytes. */
START_TEST(test_random_payload)
{
	uint64_t seed = (uint64_t)_i + 1;
	unsigned n_sound = 0;

	for (int n = 0; n < 500; n++) {
		struct bytes raw = {0};
		uint8_t payload[40];
		char *text;

		for (unsigned i = 0; i < sizeof(payload); i++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			payload[i] = (uint8_t)(seed >> 56);
		}
		put_header(&raw, 1, 1000000, 2, 1 + (uint32_t)n % 40);
		put(&raw, payload, 1 + (size_t)n % 40);
		text = stored(&raw);
		n_sound += decode_is_sound(text);
		free(text);
	}
	/* Both happen, or the test would show nothing. */
	ck_assert_uint_gt(n_sound, 0);
	ck_assert_uint_lt(n_sound, 500);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* A run of 1,000 stages has 2,000 texts: each is made in memory that is there already. */
START_TEST(test_encode_takes_no_new_memory)
{
	struct rusage before, after;
	struct histogram h;
	char *text;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_INTERVAL_DIGITS),
		0);
	for (int64_t ns = 1000; ns < 100000000; ns += ns / 20)
		histogram_record(&h, ns);
	free(hdr_encode(&h));
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
	for (int i = 0; i < 1000; i++) {
		text = hdr_encode(&h);
		ck_assert_ptr_nonnull(text);
		free(text);
	}
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
	ck_assert_int_lt(after.ru_minflt - before.ru_minflt, 1000);
	histogram_fini(&h);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("hdr_codec");
	TCase *t = tcase_create("format");

	tcase_add_test(t, test_vector_encode);
	tcase_add_test(t, test_vector_bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test(t, test_encode_takes_no_new_memory);
#endif
	tcase_add_loop_test(t, test_vector_decode, 0, 2);
	tcase_add_test(t, test_empty);
	tcase_add_loop_test(t, test_round_trip_layouts, 0, 6);
	tcase_add_test(t, test_round_trip_counts);
	tcase_add_loop_test(t, test_payload, 0, N_PAYLOADS);
	suite_add_tcase(s, t);

	t = tcase_create("damage");
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_header, 0, N_HEADERS);
	tcase_add_test(t, test_header_constants);
	tcase_add_test(t, test_payload_len);
	tcase_add_test(t, test_raw_truncated);
	tcase_add_loop_test(t, test_text_truncated, 0, 2);
	tcase_add_loop_test(t, test_stream_truncated, 0, 2);
	tcase_add_loop_test(t, test_text_corrupted, 0, 2);
	tcase_add_loop_test(t, test_raw_corrupted, 0, 59);
	tcase_add_test(t, test_envelope);
	tcase_add_loop_test(t, test_not_a_text, 0, N_NOT_TEXTS);
	tcase_add_loop_test(t, test_bomb, 0, 3);
	tcase_add_test(t, test_bomb_control);
	tcase_add_loop_test(t, test_random_payload, 0, 4);
	suite_add_tcase(s, t);

	return suite_main(s);
}
