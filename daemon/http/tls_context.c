/* SPDX-License-Identifier: Apache-2.0 */
/* Makes from a configuration the state that a worker's connections share: OpenSSL's context, the
 * last session of each address, counts, the text of the last failure, a scratch buffer.
 *
 * The reason for one context per worker: reading and writing on an open connection use nothing
 * shared, but each handshake counts references of the context and takes the locks of its
 * certificate store and of its statistics, for all threads that use it. The price is one store per
 * worker: if the system has it in one file, 900 KB and 20 ms of reading (measured with 140
 * authorities), which workers do in parallel; a directory is searched when an issuer is needed.
 * (The lock of OpenSSL 3.0 for the whole process, for fetching algorithms, cannot be avoided.)
 *
 * Sessions are kept here and not in OpenSSL's cache: a client looks them up by address. The last
 * one is used for every connection to its address until a newer comes, as most servers allow; one
 * whose handshake fails is dropped. There is no prompt for passphrases: a daemon has no
 * terminal. */
#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "daemon/http/tls_internal.h"

#define TLS_PEM_MAX (16u << 20)
#define TLS_HASH_DIGITS 8

/* ---------------------------------------------------------------- PEM */

/* An open tls_pem. */
struct tls_pem_source {
	BIO *bio;
	char *own; /* content that was read here */
	size_t own_len;
};

static void tls_pem_close(struct tls_pem_source *s)
{
	BIO_free(s->bio);
	/* It may contain a key. */
	if (s->own)
		OPENSSL_cleanse(s->own, s->own_len);
	free(s->own);
}

static int tls_pem_open(const struct tls_pem *pem, struct tls_pem_source *ret, struct err *reterr)
{
	const char *text = pem->text;
	size_t len = pem->len;
	int r;

	*ret = (struct tls_pem_source){0};
	if (!text) {
		r = file_read(pem->name, TLS_PEM_MAX, &ret->own, &ret->own_len);
		if (r < 0) {
			err_set(reterr, "%s: %s", pem->name, file_error(r));
			return r;
		}
		text = ret->own ? ret->own : "";
		len = ret->own_len;
	}
	/* BIO_new_mem_buf takes an int, and -1 means a string. */
	ret->bio = BIO_new_mem_buf(text, len < TLS_PEM_MAX ? (int)len : (int)TLS_PEM_MAX);
	if (!ret->bio) {
		tls_pem_close(ret);
		return -ENOMEM;
	}
	return 0;
}

static int tls_no_passphrase(char *buf, int size, int is_writing, void *user)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	*(bool *)user = true;
	return -1;
}

/* Reads the next certificate. 1 and *ret, 0 at the end, -EINVAL. */
static int tls_pem_next(
	struct tls_pem_source *s, const struct tls_pem *pem, X509 **ret, struct err *reterr)
{
	bool is_encrypted = false;
	X509 *x509;

	ERR_clear_error();
	x509 = PEM_read_bio_X509_AUX(s->bio, NULL, tls_no_passphrase, &is_encrypted);
	if (x509) {
		*ret = x509;
		return 1;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		return 0;
	err_set(reterr, "%s: a broken certificate: %s", pem->name, tls_fault_reason());
	return -EINVAL;
}

/* ---------------------------------------------------------------- whom to trust */

/* Does a directory contain files that OpenSSL would find: HHHHHHHH.N? */
static bool tls_has_certificates(const char *path)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(path);

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = strspn(entry->d_name, "0123456789abcdef") == TLS_HASH_DIGITS &&
			entry->d_name[TLS_HASH_DIGITS] == '.';
	(void)closedir(dir);
	return found;
}

/* The same rule as OpenSSL: the variable's directories, else the built-in one. */
static bool tls_system_has_directory(void)
{
	const char *list = secure_getenv(X509_get_default_cert_dir_env());
	char *copy = strdup(list ? list : X509_get_default_cert_dir()), *rest = NULL;
	bool found = false;

	for (char *path = copy ? strtok_r(copy, ":", &rest) : NULL; path && !found;
		path = strtok_r(NULL, ":", &rest))
		found = tls_has_certificates(path);
	free(copy);
	return found;
}

static int tls_trust_system(SSL_CTX *ctx, struct err *reterr)
{
	STACK_OF(X509_OBJECT) * objects;

	ERR_clear_error();
	(void)SSL_CTX_set_default_verify_paths(ctx);
	/* The bundle is loaded now, if there is such a file; a directory is searched later. */
	objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
	if (sk_X509_OBJECT_num(objects) > 0 || tls_system_has_directory())
		return 0;
	err_set(reterr, "no CA bundle on this system: install ca-certificates, or give --cacert "
			"FILE ([tls] ca-file)");
	return -ENOENT;
}

static int tls_trust_given(SSL_CTX *ctx, const struct tls_pem *ca, struct err *reterr)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	struct tls_pem_source source;
	size_t n = 0;
	X509 *x509;
	int r = tls_pem_open(ca, &source, reterr);

	if (r < 0)
		return r;
	while ((r = tls_pem_next(&source, ca, &x509, reterr)) > 0) {
		bool added = X509_STORE_add_cert(store, x509) == 1;

		X509_free(x509);
		if (!added) {
			r = -ENOMEM;
			break;
		}
		n++;
	}
	tls_pem_close(&source);
	if (r == 0 && n == 0) {
		err_set(reterr, "%s: the file has no certificate (PEM)", ca->name);
		r = -EINVAL;
	}
	return r;
}

static int tls_set_trust(struct tls_context *c, const struct tls_config *config, struct err *reterr)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ssl_ctx);
	int r;

	if (config->skip_verify)
		return 0;
	SSL_CTX_set_verify(c->ssl_ctx, SSL_VERIFY_PEER, tls_fault_on_verify);
	r = config->ca.name ? tls_trust_given(c->ssl_ctx, &config->ca, reterr)
			    : tls_trust_system(c->ssl_ctx, reterr);
	if (r < 0)
		return r;
	/* Certificates in ca-file are trusted, root or not. The system's store may contain
	 * intermediates that only serve to complete chains. */
	if (config->ca.name)
		(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	/* RFC 9525, section 6.3: the subject's common name is not used as a host name. */
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	r = c->sni ? X509_VERIFY_PARAM_set1_host(param, c->host, 0)
		   : X509_VERIFY_PARAM_set1_ip_asc(param, c->host);
	return r == 1 ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------- who we are */

static int tls_use_certificate(SSL_CTX *ctx, const struct tls_pem *pem, struct err *reterr)
{
	struct tls_pem_source source;
	X509 *x509;
	int r = tls_pem_open(pem, &source, reterr);

	if (r < 0)
		return r;
	for (size_t n = 0; (r = tls_pem_next(&source, pem, &x509, reterr)) > 0; n++) {
		bool used = n == 0 ? SSL_CTX_use_certificate(ctx, x509) == 1
				   : SSL_CTX_add1_chain_cert(ctx, x509) == 1;

		X509_free(x509);
		if (!used) {
			err_set(reterr, "%s: %s", pem->name, tls_fault_reason());
			r = -EINVAL;
			break;
		}
	}
	if (r == 0 && !SSL_CTX_get0_certificate(ctx)) {
		err_set(reterr, "%s: the file has no certificate (PEM)", pem->name);
		r = -EINVAL;
	}
	tls_pem_close(&source);
	return r;
}

/* certificate: in use already; it may be in the same file. */
static int tls_use_key(SSL_CTX *ctx, const struct tls_pem *pem, const struct tls_pem *certificate,
	struct err *reterr)
{
	struct tls_pem_source source;
	bool is_encrypted = false, used;
	EVP_PKEY *key;
	int r = tls_pem_open(pem, &source, reterr);

	if (r < 0)
		return r;
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(source.bio, NULL, tls_no_passphrase, &is_encrypted);
	tls_pem_close(&source);
	if (is_encrypted) {
		EVP_PKEY_free(key);
		err_set(reterr,
			"%s: the private key has a passphrase, which is not supported: remove it",
			pem->name);
		return -EINVAL;
	}
	if (!key) {
		if (pem == certificate)
			err_set(reterr,
				"%s: the file has a certificate, but no private key (PEM): --key "
				"FILE ([tls] key) names the file that has it",
				pem->name);
		else
			err_set(reterr,
				"%s: the file has no private key (PEM): --key FILE ([tls] key) "
				"must name the one that belongs to %s",
				pem->name, certificate->name);
		return -EINVAL;
	}
	used = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
	EVP_PKEY_free(key);
	if (!used) {
		err_set(reterr, "%s: the key does not belong to the certificate in %s: %s",
			pem->name, certificate->name, tls_fault_reason());
		return -EINVAL;
	}
	return 0;
}

static int tls_set_identity(
	struct tls_context *c, const struct tls_config *config, struct err *reterr)
{
	const struct tls_pem *key = config->key.name ? &config->key : &config->certificate;
	int r;

	if (!config->certificate.name) {
		if (!config->key.name)
			return 0;
		err_set(reterr,
			"%s: a key without its certificate: --cert FILE ([tls] certificate) names "
			"it",
			config->key.name);
		return -EINVAL;
	}
	r = tls_use_certificate(c->ssl_ctx, &config->certificate, reterr);
	return r < 0 ? r : tls_use_key(c->ssl_ctx, key, &config->certificate, reterr);
}

/* ---------------------------------------------------------------- how we speak */

static int tls_set_versions(SSL_CTX *ctx, const struct tls_config *config, struct err *reterr)
{
	static const int versions[] = {
		[TLS_VERSION_1_2] = TLS1_2_VERSION,
		[TLS_VERSION_1_3] = TLS1_3_VERSION,
	};
	int min = versions[config->min_version], max = versions[config->max_version];

	/* The system's configuration may be stricter than the default of rpsd, but does not
	 * override an explicit version. */
	if (min == 0)
		min = (int)SSL_CTX_get_min_proto_version(ctx);
	if (min < TLS1_2_VERSION)
		min = TLS1_2_VERSION;
	if (max != 0 && min > max) {
		if (config->min_version != TLS_VERSION_DEFAULT) {
			err_set(reterr, "the lowest version of TLS is above the highest");
			return -EINVAL;
		}
		min = max;
	}
	if (!SSL_CTX_set_min_proto_version(ctx, min) ||
		(max != 0 && !SSL_CTX_set_max_proto_version(ctx, max))) {
		err_set(reterr, "OpenSSL refuses these versions of TLS: %s", tls_fault_reason());
		return -EINVAL;
	}
	return 0;
}

static int tls_set_ciphers(SSL_CTX *ctx, const struct tls_config *config, struct err *reterr)
{
	if (config->ciphers && !SSL_CTX_set_cipher_list(ctx, config->ciphers)) {
		err_set(reterr, "ciphers: no cipher of TLS 1.2 in \"%s\"", config->ciphers);
		return -EINVAL;
	}
	if (config->ciphersuites && !SSL_CTX_set_ciphersuites(ctx, config->ciphersuites)) {
		err_set(reterr, "ciphersuites: not cipher suites of TLS 1.3: \"%s\"",
			config->ciphersuites);
		return -EINVAL;
	}
	return 0;
}

/* Converts "h2,http/1.1" to names that are each preceded by their length. */
static int tls_set_alpn(struct tls_context *c, const struct tls_config *config, struct err *reterr)
{
	const char *list = config->alpn ? config->alpn : "http/1.1";
	size_t at = 0;

	for (const char *p = list; *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		if (len == 0 || len > 255 || at + 1 + len > sizeof(c->alpn)) {
			err_set(reterr, "not a list of protocols (ALPN): \"%s\"", list);
			return -EINVAL;
		}
		c->alpn[at] = (unsigned char)len;
		memcpy(c->alpn + at + 1, p, len);
		at += 1 + len;
		p += len;
		if (p[0] == ',' && p[1] == '\0') {
			err_set(reterr, "not a list of protocols (ALPN): \"%s\"", list);
			return -EINVAL;
		}
	}
	c->alpn_len = (unsigned)at;
	if (at > 0 && SSL_CTX_set_alpn_protos(c->ssl_ctx, c->alpn, c->alpn_len) != 0)
		return -ENOMEM;
	return 0;
}

/* Removes the final dot of a name and the zone of an address, which certificates do not have. */
static int tls_set_host(struct tls_context *c, const struct tls_config *config, struct err *reterr)
{
	const char *name = config->server_name ? config->server_name : "";
	size_t len = strcspn(name, "%");
	struct in6_addr address;

	if (len > 1 && name[len] == '\0' && name[len - 1] == '.')
		len--;
	/* OpenSSL would match a name that begins with a dot with any host below it. */
	if (len == 0 || len > 255 || name[0] == '.') {
		err_set(reterr, "not a server name: \"%s\"", name);
		return -EINVAL;
	}
	c->host = strndup(name, len);
	if (!c->host)
		return -ENOMEM;
	if (inet_pton(AF_INET, c->host, &address) != 1 &&
		inet_pton(AF_INET6, c->host, &address) != 1)
		c->sni = c->host;
	return 0;
}

/* ---------------------------------------------------------------- sessions */

/* Called for each new ticket. Returns 1: OpenSSL passes the ownership of the session. */
static int tls_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *tls = tls_of_ssl(ssl);

	if (!tls || !tls->slot || !SSL_SESSION_is_resumable(session))
		return 0;
	tls_slot_drop(tls->slot);
	tls->slot->session = session;
	return 1;
}

struct tls_slot *tls_context_slot(
	struct tls_context *c, const struct sockaddr *address, unsigned address_len)
{
	struct tls_slot *slot;

	if (!c->resumes || address_len > sizeof(slot->address))
		return NULL;
	for (size_t i = 0; i < c->n_slots; i++) {
		slot = &c->slots[i];
		if (slot->address_len == address_len &&
			memcmp(&slot->address, address, address_len) == 0)
			return slot;
	}
	if (c->n_slots == TLS_SLOTS_MAX)
		return NULL;
	slot = &c->slots[c->n_slots++];
	memcpy(&slot->address, address, address_len);
	slot->address_len = address_len;
	return slot;
}

void tls_slot_drop(struct tls_slot *slot)
{
	SSL_SESSION_free(slot->session);
	slot->session = NULL;
}

static void tls_set_sessions(struct tls_context *c, const struct tls_config *config)
{
	c->resumes = !config->no_resumption;
	if (!c->resumes) {
		(void)SSL_CTX_set_session_cache_mode(c->ssl_ctx, SSL_SESS_CACHE_OFF);
		(void)SSL_CTX_set_options(c->ssl_ctx, SSL_OP_NO_TICKET);
		return;
	}
	(void)SSL_CTX_set_session_cache_mode(
		c->ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ssl_ctx, tls_on_session);
}

/* ---------------------------------------------------------------- both ends */

static int tls_context_fill(
	struct tls_context *c, const struct tls_config *config, struct err *reterr)
{
	int r;

	c->bio_method = tls_bio_method_new();
	c->ssl_ctx = SSL_CTX_new(TLS_client_method());
	if (!c->bio_method || !c->ssl_ctx)
		return -ENOMEM;
	(void)SSL_CTX_set_mode(
		c->ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	(void)SSL_CTX_set_options(c->ssl_ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_read_ahead(c->ssl_ctx, 1);
	tls_set_sessions(c, config);
	if ((r = tls_set_host(c, config, reterr)) < 0 ||
		(r = tls_set_versions(c->ssl_ctx, config, reterr)) < 0 ||
		(r = tls_set_ciphers(c->ssl_ctx, config, reterr)) < 0 ||
		(r = tls_set_alpn(c, config, reterr)) < 0 ||
		(r = tls_set_identity(c, config, reterr)) < 0)
		return r;
	return tls_set_trust(c, config, reterr);
}

int tls_context_new(const struct tls_config *config, struct tls_context **ret, struct err *reterr)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int r = c ? tls_context_fill(c, config, reterr) : -ENOMEM;

	ERR_clear_error();
	if (r < 0) {
		if (r == -ENOMEM)
			err_set(reterr, "out of memory for TLS: " MEMORY_REMEDY);
		tls_context_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct tls_context *tls_context_free(struct tls_context *c)
{
	if (!c)
		return NULL;
	assert(c->n_open == 0);
	for (size_t i = 0; i < c->n_slots; i++)
		tls_slot_drop(&c->slots[i]);
	SSL_CTX_free(c->ssl_ctx);
	BIO_meth_free(c->bio_method);
	free(c->host);
	free(c);
	return NULL;
}

struct tls_counts tls_context_counts(const struct tls_context *c)
{
	return c->counts;
}

const char *tls_context_certificate_name(const struct tls_context *c)
{
	return c->certificate_name;
}
