/* SPDX-License-Identifier: Apache-2.0 */
/* TLS in a plan. Files are named without an @ and are passed like those of bodies: here they are
 * looked up among the files that the caller has read. That a file is of another kind is told here,
 * so that a check finds it; all else of its content is checked by the code that makes connections.
 *
 * Keys of [tls] make no sense with an http target: in the same file, or written later, they are a
 * problem; an overlay or a flag that changes the target drops those before it.
 *
 * The private key must never be sent: a file named in [tls] cannot also be a body or a header,
 * since a client that may override keys of a named run could otherwise have the private key sent to
 * itself. */
#include "common/plan/plan_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_input.h"
#include "common/str.h"

#define PLAN_CIPHERS_MAX 4096

/* ---------------------------------------------------------------- values */

int plan_check_ciphers(const char *value, struct err *reterr)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.+!=@:,";
	size_t len = strlen(value);

	if (!len || len > PLAN_CIPHERS_MAX || value[strspn(value, known)]) {
		err_set(reterr,
			"'%.60s' is not a list of ciphers: write names separated by colons, as in "
			"ECDHE-RSA-AES128-GCM-SHA256:HIGH",
			value);
		return -EINVAL;
	}
	return 0;
}

/* RFC 8446, B.4. OpenSSL would treat a list with a misspelt name like no list at all. */
int plan_check_ciphersuites(const char *value, struct err *reterr)
{
	static const char *const known[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
		"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
		"TLS_AES_128_CCM_8_SHA256"};
	const size_t n_known = sizeof(known) / sizeof(*known);
	const char *at = value;

	if (strlen(value) > PLAN_CIPHERS_MAX) {
		err_set(reterr, "the list has more than %d bytes: write fewer ciphers",
			PLAN_CIPHERS_MAX);
		return -EINVAL;
	}
	for (;; at++) {
		size_t len = strcspn(at, ":"), i = 0;
		const char *near;
		char name[64] = "";

		while (i < n_known && (strlen(known[i]) != len || memcmp(known[i], at, len) != 0))
			i++;
		if (i == n_known) {
			memcpy(name, at, len < sizeof(name) ? len : sizeof(name) - 1);
			near = str_nearest(name, known, n_known);
			err_set(reterr,
				"'%s' is not a cipher suite of TLS 1.3%s%s%s: there are %s, %s, "
				"%s, %s and %s, separated by colons",
				name, near ? " (" : "", near ? near : "", near ? "?)" : "",
				known[0], known[1], known[2], known[3], known[4]);
			return -EINVAL;
		}
		at += len;
		if (!*at)
			return 0;
	}
}

/* ---------------------------------------------------------------- files */

static bool plan_is_tls(const struct ini_entry *e)
{
	return str_eq(e->section, "tls");
}

static bool plan_is_tls_identity(const struct ini_entry *e)
{
	return plan_is_tls(e) && (str_eq(e->key, "key") || str_eq(e->key, "certificate"));
}

const char *plan_tls_file(const struct ini_entry *e)
{
	bool is_file = plan_is_tls_identity(e) || (plan_is_tls(e) && str_eq(e->key, "ca-file"));

	return is_file && e->value[0] ? e->value : NULL;
}

bool plan_tls_is_private(const struct ini_doc *doc, const char *name)
{
	for (size_t i = 0; i < doc->n_entries; i++)
		if (plan_is_tls_identity(&doc->entries[i]) && str_eq(doc->entries[i].value, name))
			return true;
	return false;
}

const char plan_key_refused[] = "a private key never crosses the service's socket: run it "
				"privately, or put the run into runs.d";

const struct ini_entry *plan_key_entry(const struct ini_doc *doc, size_t first)
{
	const struct ini_entry *e = keys_last(doc, "tls", "", "key");

	/* Without the key `key` the private key is in the certificate's file. */
	if (!e)
		e = keys_last(doc, "tls", "", "certificate");
	return e && e >= doc->entries + first ? e : NULL;
}

static void plan_fini_pem(struct plan_pem *pem)
{
	if (pem->text)
		explicit_bzero(pem->text, pem->len);
	free(pem->text);
	free(pem->name);
	*pem = (struct plan_pem){0};
}

void plan_fini_tls(struct plan *p)
{
	plan_fini_pem(&p->tls_ca);
	plan_fini_pem(&p->tls_certificate);
	plan_fini_pem(&p->tls_key);
	free(p->tls_server_name);
	free(p->tls_ciphers);
	free(p->tls_ciphersuites);
	p->tls_server_name = p->tls_ciphers = p->tls_ciphersuites = NULL;
}

/* Bad values have been reported and have no name. */
static int plan_take_pem(const struct plan_input *in, const char *key, struct plan_pem *pem)
{
	const struct ini_entry *e = keys_last(in->doc, "tls", "", key);
	char digest[DIGEST_SHA256_HEX_SIZE];

	if (!pem->name || !e)
		return 0;
	for (size_t i = 0; i < in->n_files; i++) {
		const struct plan_file *file = &in->files[i];

		if (!str_eq(file->name, pem->name))
			continue;
		pem->text = malloc(file->len + 1);
		if (!pem->text)
			return -ENOMEM;
		if (file->len)
			memcpy(pem->text, file->data, file->len);
		pem->text[file->len] = '\0';
		pem->len = file->len;
		digest_sha256_hex(file->data, file->len, digest);
		return buf_printf(in->canon, "@%s %s\n", pem->name, digest);
	}
	problems_add(
		in->problems, e->file, e->line, "%s: file '%.200s' is missing", key, pem->name);
	return 0;
}

/* A line of PEM: "-----BEGIN X509 CERTIFICATE-----". */
static bool plan_pem_has(const struct plan_pem *pem, const char *what)
{
	static const char begin[] = "-----BEGIN ";
	size_t len = strlen(what);

	for (const char *at = pem->text; (at = strstr(at, begin));) {
		const char *end = strstr(at += strlen(begin), "-----");

		if (end && (size_t)(end - at) >= len && memcmp(end - len, what, len) == 0)
			return true;
	}
	return false;
}

static void plan_refuse_pem(
	const struct plan_input *in, const char *key, const struct plan_pem *pem, const char *why)
{
	const struct ini_entry *e = keys_last(in->doc, "tls", "", key);

	if (e && e->line)
		problems_add(in->problems, e->file, e->line, "%s: %.200s: %s", key, pem->name, why);
	else if (e)
		problems_add(in->problems, e->file, e->line, "%.200s: %s", pem->name, why);
}

/* What could not be read is empty, and has been reported; what only the service reads is so too. */
static void plan_judge_pems(const struct plan_input *in)
{
	const struct plan *p = in->plan;
	const struct plan_pem *ca = &p->tls_ca, *own = &p->tls_certificate, *key = &p->tls_key;
	static const char certificate[] = "CERTIFICATE", private_key[] = "PRIVATE KEY";
	static const char no_certificate[] = "the file has no certificate (PEM)";

	if (ca->len > 0 && p->tls_verify && !plan_pem_has(ca, certificate))
		plan_refuse_pem(in, "ca-file", ca, no_certificate);
	if (own->len > 0 && !plan_pem_has(own, certificate))
		plan_refuse_pem(in, "certificate", own, no_certificate);
	else if (own->len > 0 && !key->name && !plan_pem_has(own, private_key))
		plan_refuse_pem(in, "certificate", own,
			"the file has a certificate, but no private key (PEM): --key FILE ([tls] "
			"key) names the file that has it");
	if (key->len > 0 && !plan_pem_has(key, private_key))
		plan_refuse_pem(in, "key", key, "the file has no private key (PEM)");
}

int plan_resolve_tls(const struct plan_input *in)
{
	struct plan *p = in->plan;
	int r;

	if (!p->url.tls)
		return 0;
	r = plan_take_pem(in, "ca-file", &p->tls_ca);
	if (r == 0)
		r = plan_take_pem(in, "certificate", &p->tls_certificate);
	if (r == 0)
		r = plan_take_pem(in, "key", &p->tls_key);
	if (r == 0)
		plan_judge_pems(in);
	if (r == 0 && !p->tls_server_name) {
		p->tls_server_name = strdup(p->url.host);
		r = p->tls_server_name ? 0 : -ENOMEM;
	}
	return r;
}
