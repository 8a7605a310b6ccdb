/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of bytes in HTTP lines (RFC 9110 section 5.6.2), and how to pass over runs of them eight
 * at a time: most bytes of a head say nothing, and a response must not cost more to read than to
 * receive. memchr would find the end of a line, but not what may not be in a line. Pure. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/* For each of eight bytes, its top bit: is it from low to high, and ASCII? */
static inline uint64_t http1_scan_between(uint64_t word, unsigned char low, unsigned char high)
{
	uint64_t ascii = word & ~HTTP1_SCAN_TOPS;

	return (ascii + HTTP1_SCAN_ONES * (0x80 - low)) &
	       ~(ascii + HTTP1_SCAN_ONES * (0x7f - high)) & ~word & HTTP1_SCAN_TOPS;
}

/* Passes over tchar: letters, digits and '-' eight at a time, the rare others one by one. */
static inline const char *http1_scan_token(const char *s, const char *end)
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

/* Passes over everything but control characters. (memchr would find the line's end, but not what
 * may not be in a line.) */
static inline const char *http1_scan_text(const char *s, const char *end)
{
	uint64_t word, del, control;

	for (; end - s >= 8; s += 8) {
		word = http1_scan_load(s);
		del = word ^ HTTP1_SCAN_ONES * 0x7f;
		/* A borrow can mark bytes behind the first control character, never before it. */
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
