/* SPDX-License-Identifier: Apache-2.0 */
/* TLS in a plan. Files are named without an @ and travel as those of bodies do: here they are taken
 * from what the caller has read. What is in them is for who makes the connections to judge.
 *
 * Keys of [tls] make no sense with an http target: in the same file, or written later, they are a
 * problem; an overlay or a flag that turns the target around makes those before it forgotten.
 *
 * The private key is the one content that must go nowhere: what [tls] names cannot be a body or a
 * header too, or whoever may override a named run's keys could have its key sent to him. */
#include "common/plan_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/ini.h"
#include "common/keys.h"
#include "common/plan.h"
#include "common/str.h"

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

	/* Without a key it is in the certificate's file. */
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
	p->tls_server_name = NULL;
}

/* The target is http. */
static void plan_refuse_tls(const struct plan_tls_input *in)
{
	const struct ini_entry *url = keys_last(in->doc, "target", "", "url");
	size_t at = url ? (size_t)(url - in->doc->entries) : 0;

	for (size_t i = 0; i < in->doc->n_entries; i++) {
		const struct ini_entry *e = &in->doc->entries[i];

		if (plan_is_tls(e) && in->layers[i] >= in->layers[at])
			problems_add(in->problems, e->file, e->line,
				"%s is for https, and the URL is http", e->key);
	}
}

/* Bad values have been reported and have no name. */
static int plan_take_pem(const struct plan_tls_input *in, const char *key, struct plan_pem *pem)
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

int plan_settle_tls(struct plan *p, const struct plan_tls_input *in)
{
	const struct ini_entry *key = keys_last(in->doc, "tls", "", "key");
	int r;

	/* A bad target has been reported. */
	if (!p->url.text)
		return 0;
	if (!p->url.tls) {
		plan_refuse_tls(in);
		plan_fini_tls(p);
		return 0;
	}
	if (key && p->tls_key.name && !keys_last(in->doc, "tls", "", "certificate"))
		problems_add(in->problems, key->file, key->line,
			"key: the certificate that it belongs to is missing");
	r = plan_take_pem(in, "ca-file", &p->tls_ca);
	if (r == 0)
		r = plan_take_pem(in, "certificate", &p->tls_certificate);
	if (r == 0)
		r = plan_take_pem(in, "key", &p->tls_key);
	if (r == 0 && !p->tls_server_name) {
		p->tls_server_name = strdup(p->url.host);
		r = p->tls_server_name ? 0 : -ENOMEM;
	}
	return r;
}
