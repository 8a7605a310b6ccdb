/* SPDX-License-Identifier: Apache-2.0 */
/* The files that values refer to: by their path, after an @ or directly in [tls], and systemd
 * credentials as cred:NAME. The plan never opens a file: the code that collects the inputs asks
 * here for the names, reads the files with its own permissions and passes the contents, so that the
 * service, a private daemon and `rpsctl check` make the same plan.
 *
 * A credential is a file whose name begins with "cred:". No path looks like that: after an @ it is
 * refused, and in [tls] cred:x is the credential, ./cred:x the file. After a second @ there is no
 * path but a text: "@@joe" is "@joe". "@-" is rpsctl's standard input. */
#include "common/plan/plan_files.h"

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
#include "common/plan/plan_tls.h"
#include "common/plan/plan_values.h"
#include "common/str.h"

static const struct plan_file *plan_find_file(const struct plan_input *in, const char *name)
{
	for (size_t i = 0; i < in->n_files; i++)
		if (str_eq(in->files[i].name, name))
			return &in->files[i];
	return NULL;
}

const struct plan_file *plan_value_file(const struct plan_input *in, const char *value)
{
	const char *name = plan_file_reference(value, NULL);

	return name ? plan_find_file(in, name) : NULL;
}

/* Appends a value that refers to no file. */
static int plan_put_text(const char *value, struct buf *ret)
{
	const char *word = plan_literal_word(value);
	int r;

	if (!word)
		return buf_puts(ret, value);
	r = buf_append(ret, value, (size_t)(word - value));
	return r ? r : buf_puts(ret, word + 1);
}

int plan_expand(const struct plan_input *in, const struct ini_entry *e, const char *value,
	bool is_line, struct buf *ret)
{
	size_t text_len;
	const char *name = plan_file_reference(value, &text_len);
	const struct plan_file *file;
	char digest[DIGEST_SHA256_HEX_SIZE];
	size_t len;
	int r;

	if (!name)
		return plan_put_text(value, ret);
	file = plan_find_file(in, name);
	if (!file) {
		problems_add(in->problems, e->file, e->line, "%s: %s'%.200s' is missing", e->key,
			plan_credential(name) ? "" : "file ", name);
		return -EINVAL;
	}
	if (plan_tls_is_private(in->doc, name)) {
		problems_add(in->problems, e->file, e->line,
			"%s: '%.200s' is a private file of [tls], which is never sent: name "
			"another file",
			e->key, name);
		return -EINVAL;
	}
	len = file->len;
	while (is_line && len && (file->data[len - 1] == '\n' || file->data[len - 1] == '\r'))
		len--;
	r = buf_append(ret, value, text_len);
	if (!r)
		r = buf_append(ret, file->data, len);
	if (r)
		return r;
	/* The content of a file in a header or in auth identifies the sender, is mostly a secret,
	 * and may be so short that it could be guessed from a digest. */
	if (is_line)
		return buf_printf(in->canon, "@%s\n", name);
	digest_sha256_hex(file->data, file->len, digest);
	return buf_printf(in->canon, "@%s %s\n", name, digest);
}

/* ---- for those who gather the material ---- */

const char *plan_credential(const char *name)
{
	return str_starts(name, PLAN_CREDENTIAL) ? name + strlen(PLAN_CREDENTIAL) : NULL;
}

static bool plan_refers(const struct ini_entry *e)
{
	static const char *const keys[] = {"body", "header", "auth", "expect-body"};
	bool is_request = str_eq(e->section, "defaults") || str_eq(e->section, "request");

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && is_request; i++)
		if (str_eq(e->key, keys[i]))
			return true;
	return false;
}

const char *plan_entry_file(const struct ini_entry *e)
{
	/* Only the value of a header comes from a file. */
	bool is_header = str_eq(e->key, "header") && e->value[0] == '@';
	const char *name = is_header	    ? NULL
			   : plan_refers(e) ? plan_file_reference(e->value, NULL)
					    : plan_tls_file(e);

	/* An invalid credential name is refused by the plan, and not looked up. */
	return name && plan_credential(name) && !plan_is_credential(plan_credential(name)) ? NULL
											   : name;
}

const struct ini_entry *plan_file_entry(const struct ini_doc *doc, const char *name)
{
	for (size_t i = doc->n_entries; i-- > 0;) {
		const char *named = plan_entry_file(&doc->entries[i]);

		if (named && str_eq(named, name))
			return &doc->entries[i];
	}
	return NULL;
}

static const char *plan_unreadable_text(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
	case -EAGAIN:
		return "not a regular file (@- is standard input)";
	default:
		return strerror(-error);
	}
}

/* The message for path NULL. */
static const char *plan_absent_text(const char *name)
{
	return str_eq(name, PLAN_STDIN)
		       ? "only rpsctl reads standard input; a file of that name is written @./-"
		       : "no credentials here: $CREDENTIALS_DIRECTORY is not set "
			 "(LoadCredential= in the unit)";
}

void plan_file_unreadable(const struct ini_doc *doc, const char *name, const char *path, int error,
	struct problems *problems)
{
	const struct ini_entry *e = plan_file_entry(doc, name);
	const char *place = e ? e->file : path ? path : name;
	const char *key = e && e->line ? e->key : "";
	unsigned line = e ? e->line : 0;

	/* The user may have meant it as a text. */
	bool may_be_text = e && error == -ENOENT && plan_refers(e) && !str_eq(e->key, "auth") &&
			   !plan_credential(name);

	/* The place of a flag is its name. */
	if (error == -EFBIG)
		problems_add(problems, place, line,
			"%s%s%s: the files of a run in the service have more than %zu MiB with it; "
			"a private run (rpsctl PATH) takes what fits into memory",
			key, *key ? ": " : "", path, PLAN_SERVICE_BYTES_MAX >> 20);
	else if (!path)
		problems_add(problems, place, line, "%s%s%s: %s", key, *key ? ": " : "", name,
			plan_absent_text(name));
	else if (may_be_text)
		problems_add(problems, place, line,
			"%s%scannot read %s: %s (to send the text itself, write @@%.60s)", key,
			*key ? ": " : "", path, plan_unreadable_text(error), name);
	else
		problems_add(problems, place, line, "%s%scannot read %s: %s", key, *key ? ": " : "",
			path, plan_unreadable_text(error));
}

const char **plan_file_names(const struct ini_doc *doc, size_t *ret_n)
{
	const char **names = NULL;
	size_t n = 0;

	*ret_n = 0;
	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];
		const char *name = plan_entry_file(e);

		/* Several headers may be in force. */
		if (name && !str_eq(e->key, "header") &&
			keys_last(doc, e->section, e->arg, e->key) != e)
			name = NULL;
		for (size_t k = 0; k < n && name; k++)
			if (str_eq(names[k], name))
				name = NULL;
		if (!name)
			continue;
		if (!names)
			names = calloc(doc->n_entries, sizeof(*names));
		if (!names)
			return NULL;
		names[n++] = name;
	}
	*ret_n = n;
	return names;
}
