/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate on P-256, TLS 1.2 and 1.3, no tickets and no session cache: a client that would
 * resume gets a whole handshake, as the one that cannot. One cipher of TLS 1.3 alone, as clients
 * differ in which they like best, and their cost with it. Read-ahead makes a request one read, not
 * one for each record's head and one for its rest. */
#include "tests/bench/null_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static SSL_CTX *null_tls_context;

static void null_tls_die(const char *what)
{
	fprintf(stderr, "null_server: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void null_tls_extend(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (!extension || X509_add_ext(certificate, extension, -1) != 1)
		null_tls_die(value);
	X509_EXTENSION_free(extension);
}

static X509 *null_tls_certificate(EVP_PKEY *key)
{
	static const unsigned char name[] = "null server";
	X509 *certificate = X509_new();
	X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;

	if (!subject || X509_set_version(certificate, X509_VERSION_3) != 1 ||
		ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
		!X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) ||
		!X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600) ||
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) != 1 ||
		X509_set_issuer_name(certificate, subject) != 1 ||
		X509_set_pubkey(certificate, key) != 1)
		null_tls_die("a certificate");
	null_tls_extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
	null_tls_extend(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	if (X509_sign(certificate, key, EVP_sha256()) == 0)
		null_tls_die("a signature");
	return certificate;
}

static void null_tls_write(const X509 *certificate, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f || PEM_write_X509(f, certificate) != 1 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

void null_tls_open(const char *path)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate;

	if (!context || !key)
		null_tls_die("a key");
	certificate = null_tls_certificate(key);
	if (SSL_CTX_use_certificate(context, certificate) != 1 ||
		SSL_CTX_use_PrivateKey(context, key) != 1 ||
		SSL_CTX_set_num_tickets(context, 0) != 1 ||
		SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
		null_tls_die("a context");
	(void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	null_tls_write(certificate, path);
	X509_free(certificate);
	EVP_PKEY_free(key);
	null_tls_context = context;
}

struct ssl_st *null_tls_new(int fd)
{
	SSL *tls = SSL_new(null_tls_context);

	if (!tls || SSL_set_fd(tls, fd) != 1)
		null_tls_die("a connection");
	SSL_set_accept_state(tls);
	return tls;
}

void null_tls_free(struct ssl_st *tls)
{
	if (!tls)
		return;
	/* Not in the middle of a handshake, where it is an error of the caller. */
	if (SSL_is_init_finished(tls))
		(void)SSL_shutdown(tls);
	ERR_clear_error();
	SSL_free(tls);
}

/* What OpenSSL has answered, as a system call says it. */
static ssize_t null_tls_result(SSL *tls, int done, size_t n)
{
	if (done == 1)
		return (ssize_t)n;
	switch (SSL_get_error(tls, done)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error();
		errno = EPIPE;
		return -1;
	}
}

ssize_t null_tls_recv(struct ssl_st *tls, void *bytes, size_t len)
{
	size_t n = 0;
	int done = SSL_read_ex(tls, bytes, len, &n);

	return null_tls_result(tls, done, n);
}

ssize_t null_tls_send(struct ssl_st *tls, const void *bytes, size_t len)
{
	size_t n = 0;
	int done = SSL_write_ex(tls, bytes, len, &n);

	return null_tls_result(tls, done, n);
}
