/* SPDX-License-Identifier: Apache-2.0 */
/* The interchange form of a histogram: HdrHistogram V2, compressed, in base64 ("HISTFAAA…"), as the
 * Java, JavaScript, Go and Rust libraries read it. Format: measurement page B. Pure. */
#pragma once

struct histogram;

/* A new string, or NULL when out of memory. */
char *hdr_encode(const struct histogram *h);

/* Fills an uninitialised histogram. The text does not contain the exact figures: min and max are
 * the edges of the decoded slots, the sums are of their middles (so the mean is the one that Java
 * prints). 0, -EINVAL (not such a text, an index offset or a ratio, or beyond the limits 1..5
 * digits, 2^20 slots and 2^63 - 1 values), -ENOMEM; *ret is untouched on failure. */
int hdr_decode(const char *text, struct histogram *ret);
