/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of bytes in HTTP lines (RFC 9110 section 5.6.2), and functions that skip runs of them,
 * sixteen at a time with SSE2, which every x86-64 has, else eight in a machine word: most bytes of
 * a head have no meaning here, and parsing a response must not cost more than receiving it. memchr
 * would find the end of a line, but not what may not be in a line. Wider registers gain nothing on
 * lines of the usual length. Nothing is read at or after end. HTTP1_SCAN_PORTABLE leaves SSE2 out.
 * Pure. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(HTTP1_SCAN_PORTABLE)
#define HTTP1_SCAN_SSE2 1
#include <emmintrin.h>
#endif

/* tchar of RFC 9110 section 5.6.2. */
static const bool http1_scan_is_tchar[256] = {
	['!'] = true,
	['#' ... '\''] = true,
	['*' ... '+'] = true,
	['-' ... '.'] = true,
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['^' ... 'z'] = true,
	['|'] = true,
	['~'] = true,
};

static inline bool http1_scan_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static inline bool http1_scan_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static inline bool http1_scan_is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* Eight bytes, the first in the lowest bits. */
static inline uint64_t http1_scan_load(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return le64toh(word);
}

#define HTTP1_SCAN_ONES UINT64_C(0x0101010101010101)
#define HTTP1_SCAN_TOPS (HTTP1_SCAN_ONES << 7)

/* For each of eight bytes, sets its top bit if it is ASCII and from low to high. */
static inline uint64_t http1_scan_between(uint64_t word, unsigned char low, unsigned char high)
{
	uint64_t ascii = word & ~HTTP1_SCAN_TOPS;

	return (ascii + HTTP1_SCAN_ONES * (0x80 - low)) &
	       ~(ascii + HTTP1_SCAN_ONES * (0x7f - high)) & ~word & HTTP1_SCAN_TOPS;
}

/* Skips tchar: letters, digits and '-' eight at a time, the rare others one by one. */
static inline const char *http1_scan_token_portable(const char *s, const char *end)
{
	uint64_t word, common;

	for (; end - s >= 8; s += 8) {
		word = http1_scan_load(s);
		common = http1_scan_between(word | HTTP1_SCAN_ONES * 0x20, 'a', 'z') |
			 http1_scan_between(word, '0', '9') | http1_scan_between(word, '-', '-');
		if (common != HTTP1_SCAN_TOPS) {
			s += __builtin_ctzll(~common & HTTP1_SCAN_TOPS) / 8;
			break;
		}
	}
	while (s < end && http1_scan_is_tchar[(unsigned char)*s])
		s++;
	return s;
}

/* Skips everything but control characters. */
static inline const char *http1_scan_text_portable(const char *s, const char *end)
{
	uint64_t word, del, control;

	for (; end - s >= 8; s += 8) {
		word = http1_scan_load(s);
		del = word ^ HTTP1_SCAN_ONES * 0x7f;
		/* A borrow can mark bytes after the first control character, never before it. */
		control = (((word - HTTP1_SCAN_ONES * 0x20) & ~word) |
				  ((del - HTTP1_SCAN_ONES) & ~del)) &
			  HTTP1_SCAN_TOPS;
		if (control != 0)
			return s + __builtin_ctzll(control) / 8;
	}
	while (s < end && !http1_scan_is_control((unsigned char)*s))
		s++;
	return s;
}

#ifdef HTTP1_SCAN_SSE2
/* Of sixteen bytes, a bit for each that is neither a letter nor a digit nor '-'. */
static inline unsigned http1_scan_uncommon16(const char *s)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)s);
	__m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
	__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
		_mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
	__m128i digit = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)),
		_mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
	__m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
	__m128i common = _mm_or_si128(_mm_or_si128(letter, digit), dash);

	return (unsigned)_mm_movemask_epi8(common) ^ 0xffff;
}

/* A bit for each control character. */
static inline unsigned http1_scan_control16(const char *s)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)s);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
	__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}
#endif

static inline const char *http1_scan_token(const char *s, const char *end)
{
#ifdef HTTP1_SCAN_SSE2
	unsigned uncommon;

	for (; end - s >= 16; s += 16) {
		uncommon = http1_scan_uncommon16(s);
		if (uncommon == 0)
			continue;
		s += __builtin_ctz(uncommon);
		while (s < end && http1_scan_is_tchar[(unsigned char)*s])
			s++;
		return s;
	}
#endif
	return http1_scan_token_portable(s, end);
}

static inline const char *http1_scan_text(const char *s, const char *end)
{
#ifdef HTTP1_SCAN_SSE2
	unsigned control;

	for (; end - s >= 16; s += 16) {
		control = http1_scan_control16(s);
		if (control != 0)
			return s + __builtin_ctz(control);
	}
#endif
	return http1_scan_text_portable(s, end);
}
