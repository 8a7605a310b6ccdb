/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of the values that describe a request and its answer: path, auth, expect-…. Pure. */
#pragma once

struct err;

/* For the key table (keys.h): parse functions read into the field that is named here, NULL: only
 * check. 0, or -EINVAL with reterr, which quotes nothing that may be a secret. */
int plan_check_request_path(const char *value, struct err *reterr);
int plan_parse_auth(const char *value, void *plan_auth, struct err *reterr);
/* "200,201", "200-299", "2xx" and any list of these. */
int plan_parse_statuses(const char *value, void *plan_statuses, struct err *reterr);
/* "SIZE", "MIN..MAX" with either end left out; empty: any. */
int plan_parse_sizes(const char *value, void *plan_request, struct err *reterr);
/* Empty: any. */
int plan_parse_sha256(const char *value, void *plan_request, struct err *reterr);
