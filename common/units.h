/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers with units of run files: rates, times, shares, sizes.
 * All parsers are strict: no blanks, no trailing text, no sign. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Requests per second as an exact reduced fraction, den >= 1, num 0 = no request.
 * den divides 3600 * 10^6, so that sums over stages stay exact in 128 bits. */
struct rate {
	uint64_t num;
	uint64_t den;
};

enum {
	UNITS_E_SYNTAX = 1, /* not a number, or a number followed by an unknown unit */
	UNITS_E_UNIT,	    /* a number without a unit where one is needed, or the wrong one */
	UNITS_E_RANGE,	    /* too large, more than 6 decimals, or not whole in ns or bytes */
};

/* The longest time that is accepted, 100,000 h: a few of them still add up in an int64_t. */
#define UNITS_TIME_MAX_NS UINT64_C(360000000000000000)

/* Each returns 0 or UNITS_E_…; the output is untouched on failure.
 * rate: number [k|M] [/s|/m|/h], at most 10 million per second.
 * time: one or more number+unit of ns us ms s m h ("1m30s"); "0" alone needs no unit.
 * share: number%, 0 to 100 -> 0.0 to 1.0.  size: number with B, KiB or MiB; "0" alone is fine. */
int units_parse_rate(const char *text, struct rate *ret);
int units_parse_time(const char *text, int64_t *ret_ns);
int units_parse_share(const char *text, double *ret);
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* The shortest exact text that the parsers read back to the same value: "2000/s", "0.2/s", "1/m",
 * "1m30s", "250ms"; 0/0 is "max". Always terminated; needs UNITS_TEXT_MAX bytes. */
#define UNITS_TEXT_MAX 64
void units_format_rate(struct rate rate, char *text, size_t size);
void units_format_time(int64_t ns, char *text, size_t size);

double rate_per_s(struct rate rate);
/* rate * factor, exactly. 0, or UNITS_E_RANGE: too fast, or no rate that can be written exactly. */
int rate_scale(struct rate rate, struct rate factor, struct rate *ret);
