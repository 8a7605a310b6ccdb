/* SPDX-License-Identifier: Apache-2.0 */
/* The [tls] section of a plan: its files, and whether it fits the target. Part of the plan. Pure.
 */
#pragma once

#include <stdbool.h>

struct err;
struct ini_doc;
struct ini_entry;
struct plan;
struct plan_input;

/* Values of enum tls_version, in the order of the key table's words. */
#define PLAN_TLS_1_2 1
#define PLAN_TLS_1_3 2

/* To be called after keys_apply: adds the contents of files, and the server's name. 0 (also with
 * problems) or -ENOMEM. */
int plan_resolve_tls(const struct plan_input *in);
void plan_fini_tls(struct plan *p);

/* The file that an entry of [tls] names; NULL: none. */
const char *plan_tls_file(const struct ini_entry *e);
/* At least one entry has, or may have, a private key in that file. */
bool plan_tls_is_private(const struct ini_doc *doc, const char *name);

/* For the key table: characters and, as there are only five, the names of TLS 1.3. Whether OpenSSL
 * knows a cipher is checked when the run prepares. 0, -EINVAL with reterr. */
int plan_check_ciphers(const char *value, struct err *reterr);
int plan_check_ciphersuites(const char *value, struct err *reterr);
