/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of what a request says of itself and its answer: path, auth, expect-…. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct plan_statuses;

enum plan_auth_scheme {
	PLAN_AUTH_NONE,
	PLAN_AUTH_BASIC,
	PLAN_AUTH_BEARER,
};

struct plan_auth {
	enum plan_auth_scheme scheme;
	const char *user; /* PLAN_AUTH_BASIC: user_len bytes of the value */
	size_t user_len;
	const char *secret; /* "@FILE" or "cred:NAME", to the value's end; NULL: none */
};

/* Each 0, or -EINVAL with reterr, which quotes nothing that may be a secret. */
int plan_parse_auth(const char *value, struct plan_auth *ret, struct err *reterr);
/* "200,201", "200-299", "2xx" and any list of these. */
int plan_parse_statuses(const char *value, struct plan_statuses *ret, struct err *reterr);
/* "SIZE", "MIN..MAX" with either end left out; UINT64_MAX: no upper end. */
int plan_parse_sizes(const char *value, uint64_t *ret_min, uint64_t *ret_max, struct err *reterr);
int plan_parse_sha256(const char *value, uint8_t ret[static 32], struct err *reterr);

/* For the key table. An empty expect-size, -sha256 or -body asks for nothing. */
int plan_check_request_path(const char *value, struct err *reterr);
int plan_check_auth(const char *value, struct err *reterr);
int plan_check_statuses(const char *value, struct err *reterr);
int plan_check_sizes(const char *value, struct err *reterr);
int plan_check_sha256(const char *value, struct err *reterr);
