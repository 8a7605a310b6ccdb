/* SPDX-License-Identifier: Apache-2.0 */
/* One slice of a schedule that several hosts share, and the instant at which all start. Part of the
 * plan; the key table names the parsers. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct ini_entry;
struct plan;

#define PLAN_SLICES_MAX 1000

/* For the key table (keys.h): parses into the field that is named here, NULL: only checks. 0,
 * -EINVAL with reterr. */
/* "2/5": slice 2 of 5. */
int plan_parse_slice(const char *value, void *plan, struct err *reterr);
/* "2026-11-22T17:00:00Z", or seconds since 1970; both with up to nine decimals. */
int plan_parse_instant(const char *value, void *int64_unix_ns, struct err *reterr);

/* 0, or -ERANGE with reterr: the start time of the plan is in the past, too near or too far ahead
 * of now_unix_ns. */
int plan_check_start(const struct plan *plan, int64_t now_unix_ns, struct err *reterr);

/* The entry selects the slice or the start time, and is not part of the plan itself. */
bool plan_is_of_slice(const struct ini_entry *e);
