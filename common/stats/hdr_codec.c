/* SPDX-License-Identifier: Apache-2.0 */
/* HdrHistogram V2: a 40-byte big-endian header that tells the layout, then the slots from 0 to the
 * last used one, each as a signed number in ZigZag LEB128 of at most nine bytes (the ninth carries
 * eight bits, unlike protobuf): a count, or minus the length of a run of zeros. The whole is one
 * zlib stream after an 8-byte envelope, and base64 around that. Level 9, as the Java log writer
 * does: the texts are the same to the byte.
 *
 * A text may come from an untrusted file. Every size in it is checked against a limit before memory
 * is allocated: the layout against the number of slots, the payload against the maximum that those
 * slots can need, the stream against the payload; so a short text cannot expand to a large one.
 * Header values that would shift or scale the values (an index offset, a ratio) are refused
 * although the format allows them: no figure is better than a wrong one. */
#include "common/stats/hdr_codec.h"

#include "common/digest.h"
#include "common/stats/histogram.h"
#include "common/memory.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HDR_COOKIE UINT32_C(0x1c849313)
#define HDR_COOKIE_COMPRESSED UINT32_C(0x1c849314)
#define HDR_RATIO_ONE UINT64_C(0x3ff0000000000000) /* 1.0 */
#define HDR_SLOTS_MAX (UINT32_C(1) << 20)
#define HDR_LEVEL 9
#define HDR_COUNT_SIZE_MAX 9

struct hdr_header {
	uint32_t cookie;
	uint32_t payload_len;
	uint32_t index_offset;
	uint32_t digits;
	uint64_t lowest;
	uint64_t highest;
	uint64_t ratio;
};

struct hdr_envelope {
	uint32_t cookie;
	uint32_t len;
};

_Static_assert(sizeof(struct hdr_header) == 40, "the header of the format");
_Static_assert(sizeof(struct hdr_envelope) == 8, "the envelope of the format");

/* ---------------------------------------------------------------- encoding */

static uint8_t *hdr_put_count(uint8_t *p, int64_t count)
{
	uint64_t zigzag = ((uint64_t)count << 1) ^ (uint64_t)(count >> 63);

	for (int i = 0; i < HDR_COUNT_SIZE_MAX - 1 && zigzag >= 0x80; i++) {
		*p++ = (uint8_t)(zigzag | 0x80);
		zigzag >>= 7;
	}
	*p++ = (uint8_t)zigzag;
	return p;
}

static uint32_t hdr_count_used(const struct histogram *h)
{
	uint32_t n = h->n_slots;

	while (n > 1 && h->slots[n - 1] == 0)
		n--;
	return n;
}

/* Writes n slots; p has room for HDR_COUNT_SIZE_MAX bytes for each. */
static uint8_t *hdr_put_slots(uint8_t *p, const uint64_t *slots, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t run = 0;

		while (i + run < n && slots[i + run] == 0)
			run++;
		/* A single zero is written as the count 0, as in Java. */
		if (run > 1) {
			p = hdr_put_count(p, -(int64_t)run);
			i += run;
		} else {
			p = hdr_put_count(p, (int64_t)slots[i++]);
		}
	}
	return p;
}

/* The uncompressed form, newly allocated; NULL: no memory. */
static uint8_t *hdr_pack(const struct histogram *h, size_t *ret_len)
{
	uint32_t n = hdr_count_used(h);
	struct hdr_header header = {
		.cookie = htobe32(HDR_COOKIE),
		.digits = htobe32((uint32_t)h->digits),
		.lowest = htobe64((uint64_t)h->lowest),
		.highest = htobe64((uint64_t)h->highest),
		.ratio = htobe64(HDR_RATIO_ONE),
	};
	uint8_t *raw = memory_malloc(sizeof(header) + (size_t)n * HDR_COUNT_SIZE_MAX);
	uint8_t *end;

	if (!raw)
		return NULL;
	end = hdr_put_slots(raw + sizeof(header), h->slots, n);
	*ret_len = (size_t)(end - raw);
	header.payload_len = htobe32((uint32_t)(*ret_len - sizeof(header)));
	memcpy(raw, &header, sizeof(header));
	return raw;
}

/* A stream at its beginning; NULL: no memory. Its state has 268 KB, which take longer to allocate
 * than a text takes to be compressed, and a result may have thousands: so a thread keeps one. */
static z_stream *hdr_stream(void)
{
	static _Thread_local z_stream stream;
	int r = stream.state ? deflateReset(&stream) : deflateInit(&stream, HDR_LEVEL);

	return r == Z_OK ? &stream : NULL;
}

/* Envelope and zlib stream, newly allocated; NULL: no memory. */
static uint8_t *hdr_deflate(const uint8_t *raw, size_t len, size_t *ret_len)
{
	struct hdr_envelope envelope = {.cookie = htobe32(HDR_COOKIE_COMPRESSED)};
	size_t packed_max = compressBound(len);
	uint8_t *packed = memory_malloc(sizeof(envelope) + packed_max);
	z_stream *stream = packed ? hdr_stream() : NULL;

	if (!stream) {
		free(packed);
		return NULL;
	}
	stream->next_in = (uint8_t *)raw; /* zlib does not write to it */
	stream->avail_in = (uInt)len;
	stream->next_out = packed + sizeof(envelope);
	stream->avail_out = (uInt)packed_max;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END) {
		free(packed);
		return NULL;
	}
	envelope.len = htobe32((uint32_t)stream->total_out);
	memcpy(packed, &envelope, sizeof(envelope));
	*ret_len = sizeof(envelope) + stream->total_out;
	return packed;
}

char *hdr_encode(const struct histogram *h)
{
	uint8_t *raw = NULL, *packed = NULL;
	char *text = NULL;
	size_t len;

	raw = hdr_pack(h, &len);
	if (raw)
		packed = hdr_deflate(raw, len, &len);
	if (packed)
		text = digest_base64_encode(packed, len);
	free(packed);
	free(raw);
	return text;
}

/* ---------------------------------------------------------------- decoding */

/* Reads one number and moves *p past it. 0 or -EINVAL. */
static int hdr_get_count(const uint8_t **p, const uint8_t *end, int64_t *ret)
{
	uint64_t zigzag = 0;

	for (int i = 0; i < HDR_COUNT_SIZE_MAX; i++) {
		uint8_t byte;

		if (*p == end)
			return -EINVAL;
		byte = *(*p)++;
		if (i == HDR_COUNT_SIZE_MAX - 1 || byte < 0x80) {
			zigzag |= (uint64_t)byte << (7 * i);
			break;
		}
		zigzag |= (uint64_t)(byte & 0x7f) << (7 * i);
	}
	*ret = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
	return 0;
}

/* The text does not contain the exact figures; these are the best that its slots, which come in
 * ascending order, allow. */
static void hdr_set_slot(struct histogram *h, uint32_t i, uint64_t count)
{
	int64_t low = histogram_slot_low(h, i), high = histogram_slot_high(h, i);
	double middle = (double)(low + (high - low + 1) / 2);

	h->slots[i] = count;
	h->count += count;
	if (h->min == INT64_MAX)
		h->min = low;
	h->max = high;
	h->sum += middle * (double)count;
	h->sum_squares += middle * middle * (double)count;
}

/* The time depends on the length of the payload alone, however many slots its runs of zeros cover.
 * Values above highest are counted in the slot of highest, so a count in a later slot is
 * invalid. */
static int hdr_get_slots(const uint8_t *p, size_t len, struct histogram *h)
{
	const uint8_t *end = p + len;
	uint32_t last = histogram_index(h, h->highest);
	uint32_t i = 0;

	while (p < end) {
		int64_t count;

		if (hdr_get_count(&p, end, &count) < 0)
			return -EINVAL;
		if (count < 0) {
			/* Compared as negative numbers: there is no positive INT64_MIN. */
			if (count < -(int64_t)(h->n_slots - i))
				return -EINVAL;
			i += (uint32_t)-count;
			continue;
		}
		if (i == h->n_slots || count > INT64_MAX - (int64_t)h->count)
			return -EINVAL;
		if (count > 0 && i > last)
			return -EINVAL;
		if (count > 0)
			hdr_set_slot(h, i, (uint64_t)count);
		i++;
	}
	return 0;
}

/* Makes the empty histogram that the header describes. */
static int hdr_init(const struct hdr_header *header, struct histogram *ret)
{
	uint32_t digits = be32toh(header->digits), payload_len = be32toh(header->payload_len);
	int r;

	if (be32toh(header->cookie) != HDR_COOKIE || header->index_offset != 0 ||
		be64toh(header->ratio) != HDR_RATIO_ONE)
		return -EINVAL;
	r = histogram_init(ret, (int64_t)be64toh(header->lowest), (int64_t)be64toh(header->highest),
		(int)digits);
	if (r < 0)
		return r;
	if (ret->n_slots > HDR_SLOTS_MAX || payload_len == 0 ||
		payload_len > (size_t)ret->n_slots * HDR_COUNT_SIZE_MAX) {
		histogram_fini(ret);
		return -EINVAL;
	}
	return 0;
}

/* Inflates exactly the rest of the stream, which must be len bytes, into the slots. */
static int hdr_inflate_slots(z_stream *z, uint32_t len, struct histogram *h)
{
	/* One byte more than promised shows a stream that goes on. */
	uint8_t *payload = memory_malloc((size_t)len + 1);
	int r;

	if (!payload)
		return -ENOMEM;
	z->next_out = payload;
	z->avail_out = len + 1;
	r = inflate(z, Z_FINISH);
	if (r == Z_MEM_ERROR)
		r = -ENOMEM;
	else if (r != Z_STREAM_END || z->avail_out != 1 || z->avail_in != 0)
		r = -EINVAL;
	else
		r = hdr_get_slots(payload, len, h);
	free(payload);
	return r;
}

static int hdr_inflate(const char *packed, size_t len, struct histogram *ret)
{
	z_stream z = {.next_in = (Bytef *)packed, .avail_in = (uInt)len};
	struct hdr_header header;
	struct histogram h;
	int r;

	if (inflateInit(&z) != Z_OK)
		return -ENOMEM;
	z.next_out = (Bytef *)&header;
	z.avail_out = sizeof(header);
	r = inflate(&z, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		r = -ENOMEM;
	else if ((r != Z_OK && r != Z_STREAM_END) || z.avail_out != 0)
		r = -EINVAL;
	else
		r = hdr_init(&header, &h);
	if (r < 0)
		goto out;
	r = hdr_inflate_slots(&z, be32toh(header.payload_len), &h);
	if (r < 0) {
		histogram_fini(&h);
		goto out;
	}
	*ret = h;
out:
	(void)inflateEnd(&z);
	return r;
}

int hdr_decode(const char *text, struct histogram *ret)
{
	struct hdr_envelope envelope;
	char *packed;
	size_t len;
	int r = -EINVAL;

	packed = digest_base64_decode(text, &len);
	if (!packed)
		return -EINVAL;
	if (len >= sizeof(envelope) && len <= INT_MAX) {
		memcpy(&envelope, packed, sizeof(envelope));
		len -= sizeof(envelope);
		if (be32toh(envelope.cookie) == HDR_COOKIE_COMPRESSED &&
			be32toh(envelope.len) == len)
			r = hdr_inflate(packed + sizeof(envelope), len, ret);
	}
	free(packed);
	return r;
}
