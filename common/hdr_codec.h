/* SPDX-License-Identifier: Apache-2.0 */
/* The interchange form of a histogram: HdrHistogram V2, compressed, in base64 ("HISTFAAA…"), as the
 * Java, JavaScript, Go and Rust libraries read it. Format: measurement page B. Pure. */
#pragma once

struct histogram;

/* A new string, or NULL when out of memory. */
char *hdr_encode(const struct histogram *h);

/* Fills an uninitialised histogram. min, max, sum are those of the decoded slots (their edges).
 * 0, -EINVAL (not such a text, or beyond the limits 1..5 digits and 2^20 slots), -ENOMEM. */
int hdr_decode(const char *text, struct histogram *ret);
