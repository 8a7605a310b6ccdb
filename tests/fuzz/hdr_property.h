/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of a histogram in its text, whatever the text is: it is refused, or its count
 * is the sum of its slots, its extremes are those of its slots, its quantiles rise, and writing and
 * reading it again makes the same.
 *
 * An input is one byte that says how, and then the text itself ('t'), or the uncompressed form of
 * it (any other byte), which is given the envelope, the checksum and base64 here. */
#pragma once

#include <errno.h>

#include "common/digest.h"
#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "tests/fuzz/property.h"

/* One stored block. */
#define HDR_PROPERTY_MAX UINT16_MAX
#define HDR_PROPERTY_SLOTS_MAX (1u << 20)

static inline uint8_t *hdr_property_put(uint8_t *p, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (uint8_t)(v >> shift);
	return p;
}

/* RFC 1950, 1951. */
static inline char *hdr_property_wrap(const uint8_t *raw, size_t len)
{
	const uint8_t head[] = {0x78, 0x01, 0x01, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len,
		(uint8_t)(~len >> 8)};
	uint8_t *stream = malloc(8 + sizeof(head) + len + 4), *p = stream;
	uint32_t a = 1, b = 0;
	char *text;

	PROPERTY(stream != NULL);
	p = hdr_property_put(p, 0x1c849314);
	p = hdr_property_put(p, (uint32_t)(sizeof(head) + len + 4));
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	for (size_t i = 0; i < len; i++) {
		*p++ = raw[i];
		a = (a + raw[i]) % 65521;
		b = (b + a) % 65521;
	}
	p = hdr_property_put(p, b << 16 | a);
	text = digest_base64_encode(stream, (size_t)(p - stream));
	PROPERTY(text != NULL);
	free(stream);
	return text;
}

static inline void hdr_property_sound(const struct histogram *h)
{
	uint32_t first = UINT32_MAX, last = 0;
	uint64_t total = 0;
	int64_t before = 0;

	PROPERTY(h->n_slots <= HDR_PROPERTY_SLOTS_MAX);
	for (uint32_t i = 0; i < h->n_slots; i++) {
		PROPERTY(!__builtin_add_overflow(total, h->slots[i], &total));
		if (h->slots[i] == 0)
			continue;
		first = first < i ? first : i;
		last = i;
	}
	PROPERTY(total == h->count && total <= INT64_MAX);
	if (total == 0) {
		PROPERTY(h->min == INT64_MAX && h->max == 0 && h->sum == 0);
		return;
	}
	PROPERTY(h->min == histogram_slot_low(h, first));
	PROPERTY(h->max == histogram_slot_high(h, last));
	PROPERTY(histogram_mean(h) >= (double)h->min && histogram_stddev(h) >= 0);
	for (unsigned i = 0; i < quantile_n_names; i++) {
		int64_t value = quantile_served(h, quantile_names[i].q);

		PROPERTY(value >= before && value >= h->min && value <= h->max);
		before = value;
	}
}

static inline void hdr_property_again(const struct histogram *h)
{
	char *text = hdr_encode(h), *again;
	struct histogram back;

	PROPERTY(text != NULL);
	PROPERTY(hdr_decode(text, &back) == 0);
	PROPERTY(back.n_slots == h->n_slots && back.count == h->count);
	PROPERTY(back.min == h->min && back.max == h->max);
	PROPERTY(memcmp(back.slots, h->slots, h->n_slots * sizeof(*h->slots)) == 0);
	again = hdr_encode(&back);
	PROPERTY(again != NULL && strcmp(again, text) == 0);
	histogram_fini(&back);
	free(again);
	free(text);
}

static inline void hdr_property_holds(const uint8_t *input, size_t size)
{
	struct histogram h;
	char *text;
	int r;

	if (size < 1 || size > HDR_PROPERTY_MAX)
		return;
	text = input[0] == 't' ? property_text(input + 1, size - 1)
			       : hdr_property_wrap(input + 1, size - 1);
	r = hdr_decode(text, &h);
	PROPERTY(r == 0 || r == -EINVAL);
	if (r == 0) {
		hdr_property_sound(&h);
		hdr_property_again(&h);
		histogram_fini(&h);
	}
	free(text);
}
