/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of single values in run files: spacing, headers, references to files. Part of the
 * plan; the key table names the checks. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct rate;

/* The length of the name in a valid "Name: value"; *ret_value: the text after the colon and blanks,
 * NULL if there is no colon. */
size_t plan_split_header(const char *value, const char **ret_value);

/* A field value has no control characters but tabs (RFC 9110 section 5.5). */
bool plan_is_field_value(const char *value, size_t len);

/* "file" of "[text] @file", "cred:name" of "[text] cred:name", or NULL. It extends to the end of
 * the value. *ret_text_len: length of the text before it; may be NULL. */
const char *plan_file_reference(const char *value, size_t *ret_text_len);
/* The last word if it begins with "@@": it means the text without the first '@', not a file. NULL:
 * it does not. */
const char *plan_literal_word(const char *value);
/* A valid name of a systemd credential: one component of a path. */
bool plan_is_credential(const char *name);

/* For the key table (keys.h): parse functions read into the field that is named here, NULL: only
 * check. 0, -EINVAL with reterr, -ENOMEM. */
int plan_parse_url(const char *value, void *plan, struct err *reterr); /* url_text and url */
void plan_clear_url(void *plan);
/* "constant", "poisson", "jitter:0.3" or "jitter:30%". */
int plan_parse_arrivals(const char *value, void *plan, struct err *reterr);
/* "auto" (-1) or 0..10ms. */
int plan_parse_gap(const char *value, void *int64_ns, struct err *reterr);
/* "x0.1" or "0.1": the factor for all rates. */
int plan_parse_scale(const char *value, void *rate, struct err *reterr);
/* What an active run's rate is set to: a rate, or with *ret_is_scale a factor of the present one. 0
 * or -EINVAL. */
int plan_parse_new_rate(
	const char *value, struct rate *ret, bool *ret_is_scale, struct err *reterr);
/* "NAME=TEXT"; if two labels have the same name the last one is in force. */
int plan_parse_label(const char *value, void *plan, struct err *reterr);
void plan_clear_labels(void *plan);
int plan_check_path(const char *value, struct err *reterr);
int plan_check_server_name(const char *value, struct err *reterr);
int plan_check_method(const char *value, struct err *reterr);
int plan_check_header(const char *value, struct err *reterr);
int plan_check_expect_header(const char *value, struct err *reterr);
/* Text that may end in @file or cred:name. */
int plan_check_body(const char *value, struct err *reterr);
