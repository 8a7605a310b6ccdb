/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/mini_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MINI_TLS_DAY 86400

struct mini_tls_identity {
	X509 *x509;
	EVP_PKEY *key;
};

static void mini_tls_extend(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (!extension || !X509_add_ext(x509, extension, -1))
		abort();
	X509_EXTENSION_free(extension);
}

/* by NULL: itself. names NULL: an authority. The days count from today. */
static void mini_tls_issue(struct mini_tls_identity *i, const struct mini_tls_identity *by,
	const char *common_name, const char *names, int from_day, int to_day)
{
	X509_NAME *name;

	i->key = EVP_EC_gen("P-256");
	i->x509 = X509_new();
	if (!i->key || !i->x509)
		abort();
	by = by ? by : i;
	name = X509_get_subject_name(i->x509);
	(void)X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
	(void)X509_set_version(i->x509, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(i->x509), names ? 2 : 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(i->x509), from_day * MINI_TLS_DAY);
	(void)X509_gmtime_adj(X509_getm_notAfter(i->x509), to_day * MINI_TLS_DAY);
	(void)X509_set_issuer_name(i->x509, X509_get_subject_name(by->x509));
	(void)X509_set_pubkey(i->x509, i->key);
	if (names)
		mini_tls_extend(i->x509, NID_subject_alt_name, names);
	else
		mini_tls_extend(i->x509, NID_basic_constraints, "critical,CA:TRUE");
	if (!X509_sign(i->x509, by->key, EVP_sha256()))
		abort();
}

static void mini_tls_forget(struct mini_tls_identity *i)
{
	X509_free(i->x509);
	EVP_PKEY_free(i->key);
}

static char *mini_tls_pem(X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	if (!bio || !PEM_write_bio_X509(bio, x509))
		abort();
	len = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

void mini_tls_open(struct mini_tls *m, enum mini_tls_who who, int version)
{
	static const char here[] = "DNS:" MINI_TLS_HOST ",IP:127.0.0.1";
	struct mini_tls_identity ca, other, leaf;

	/* SSL_write has no MSG_NOSIGNAL. */
	(void)signal(SIGPIPE, SIG_IGN);
	mini_tls_issue(&ca, NULL, "Mini CA", NULL, -10, 10);
	mini_tls_issue(&other, NULL, "Other CA", NULL, -10, 10);
	mini_tls_issue(&leaf, who == MINI_TLS_UNKNOWN ? &other : &ca, "leaf",
		who == MINI_TLS_WRONG_HOST ? "DNS:other.test" : here, -9,
		who == MINI_TLS_EXPIRED ? -1 : 9);
	m->ca_pem = mini_tls_pem(ca.x509);
	m->ctx = SSL_CTX_new(TLS_server_method());
	if (!m->ctx || SSL_CTX_use_certificate(m->ctx, leaf.x509) != 1 ||
		SSL_CTX_use_PrivateKey(m->ctx, leaf.key) != 1 ||
		X509_STORE_add_cert(SSL_CTX_get_cert_store(m->ctx), ca.x509) != 1)
		abort();
	(void)SSL_CTX_set_session_id_context(m->ctx, (const unsigned char *)"mini", 4);
	(void)SSL_CTX_set_min_proto_version(m->ctx, version);
	(void)SSL_CTX_set_max_proto_version(m->ctx, version);
	mini_tls_forget(&ca);
	mini_tls_forget(&other);
	mini_tls_forget(&leaf);
}

void mini_tls_close(struct mini_tls *m)
{
	SSL_CTX_free(m->ctx);
	free(m->ca_pem);
	*m = (struct mini_tls){0};
}

void mini_tls_require_certificate(struct mini_tls *m)
{
	SSL_CTX_set_verify(m->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

SSL *mini_tls_accept(struct mini_tls *m, int fd)
{
	SSL *ssl = SSL_new(m->ctx);

	if (!ssl)
		abort();
	if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
		return ssl;
	ERR_clear_error();
	SSL_free(ssl);
	return NULL;
}

bool mini_tls_read_request(SSL *ssl)
{
	unsigned matched = 0;
	char c;

	while (matched < 4) {
		if (SSL_read(ssl, &c, 1) != 1) {
			ERR_clear_error();
			return false;
		}
		matched = c == "\r\n\r\n"[matched] ? matched + 1 : c == '\r';
	}
	return true;
}

bool mini_tls_write(SSL *ssl, const char *text)
{
	if (SSL_write(ssl, text, (int)strlen(text)) > 0)
		return true;
	ERR_clear_error();
	return false;
}

void mini_tls_end(SSL *ssl, bool is_polite)
{
	if (is_polite)
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
	SSL_free(ssl);
}
