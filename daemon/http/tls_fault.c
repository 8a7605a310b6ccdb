/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for TLS failures: the certificate, its dates, its hosts, its issuer, and the remedy.
 * OpenSSL reports a bad certificate while it verifies it, so the text is made at that time; for
 * other failures it leaves a queue of error numbers. Texts quote certificates and alerts of the
 * peer; err_set makes them safe to print. Thread: that of the context. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/memory.h"
#include "daemon/http/quote.h"
#include "daemon/http/tls_internal.h"

#define TLS_FAULT_NAMES 4 /* number of names shown of a certificate for another host */

void tls_fault_set(struct tls *tls, enum tls_fault fault, const char *format, ...)
{
	char text[sizeof(tls->context->why.text)];
	va_list args;

	tls->fault = (unsigned char)fault;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&tls->context->why, "%s", text);
}

/* ---------------------------------------------------------------- certificates */

static void tls_fault_print_time(const ASN1_TIME *when, char *ret, size_t size)
{
	struct tm tm;

	if (!when || !ASN1_TIME_to_tm(when, &tm) ||
		strftime(ret, size, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		(void)snprintf(ret, size, "an unreadable date");
}

static void tls_fault_print_name(const X509_NAME *name, char *ret, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) > 0)
		n = BIO_read(bio, ret, (int)size - 1);
	ret[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		(void)snprintf(ret, size, "(no name)");
	BIO_free(bio);
}

/* One name of a certificate: a host, or an address. "" for others. */
static void tls_fault_print_subject(const GENERAL_NAME *name, char *ret, size_t size)
{
	int type, len;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	const unsigned char *data;

	ret[0] = '\0';
	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	data = ASN1_STRING_get0_data(value);
	len = ASN1_STRING_length(value);
	if (type == GEN_DNS) {
		(void)snprintf(ret, size, "%.*s", len, (const char *)data);
		return;
	}
	if (len == 4)
		(void)snprintf(ret, size, "%d.%d.%d.%d", data[0], data[1], data[2], data[3]);
	else
		(void)snprintf(ret, size, "an IPv6 address");
}

/* Keeps the first name that can be used as a host. The server has chosen it, and it will be part of
 * a command that is shown to the user. */
static void tls_fault_note_name(struct tls_context *c, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-.";

	if (c->certificate_name[0] == '\0' && strlen(name) < sizeof(c->certificate_name) &&
		name[0] != '-' && name[strspn(name, plain)] == '\0')
		(void)strcpy(c->certificate_name, name);
}

/* The hosts that a certificate is for: "a.test, b.test and 3 more"; "" if it has no subjectAltName
 * that names any. */
static void tls_fault_print_hosts(struct tls_context *c, X509 *x509, char *ret, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	int n = names ? sk_GENERAL_NAME_num(names) : 0, shown = 0, more = 0;
	char one[128];
	size_t len = 0;

	ret[0] = '\0';
	c->certificate_name[0] = '\0';
	for (int i = 0; i < n; i++) {
		tls_fault_print_subject(sk_GENERAL_NAME_value(names, i), one, sizeof(one));
		if (one[0] == '\0')
			continue;
		tls_fault_note_name(c, one);
		if (shown == TLS_FAULT_NAMES || len + strlen(one) + 24 > size) {
			more++;
			continue;
		}
		len += (size_t)snprintf(ret + len, size - len, "%s%s", shown++ ? ", " : "", one);
	}
	if (more > 0)
		(void)snprintf(ret + len, size - len, " and %d more", more);
	GENERAL_NAMES_free(names);
}

static void tls_fault_of_host(struct tls *tls, X509 *x509, const char *whose)
{
	const char *host = tls->context->host;
	char text[256];

	tls_fault_print_hosts(tls->context, x509, text, sizeof(text));
	if (text[0] != '\0') {
		tls_fault_set(tls, TLS_FAULT_WRONG_HOST, "%s is not for %s but for %s", whose, host,
			text);
		return;
	}
	tls_fault_print_name(X509_get_subject_name(x509), text, sizeof(text));
	tls_fault_set(tls, TLS_FAULT_WRONG_HOST,
		"%s is not for %s: it names no host in a subjectAltName: %s", whose, host, text);
}

static void tls_fault_of_dates(struct tls *tls, X509 *x509, enum tls_fault fault, const char *whose)
{
	char when[64];

	if (fault == TLS_FAULT_EXPIRED) {
		tls_fault_print_time(X509_get0_notAfter(x509), when, sizeof(when));
		tls_fault_set(tls, fault, "%s expired on %s", whose, when);
		return;
	}
	tls_fault_print_time(X509_get0_notBefore(x509), when, sizeof(when));
	tls_fault_set(tls, fault, "%s is not valid before %s", whose, when);
}

static enum tls_fault tls_fault_of_verify(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_FAULT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_FAULT_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return TLS_FAULT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return TLS_FAULT_UNKNOWN_ISSUER;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_FAULT_WRONG_HOST;
	case X509_V_ERR_OUT_OF_MEM:
		return TLS_FAULT_OURS;
	default:
		return TLS_FAULT_CERTIFICATE;
	}
}

static void tls_fault_of_certificate(struct tls *tls, X509 *x509, int error, int depth)
{
	const char *whose =
		depth == 0 ? "the server's certificate" : "a certificate above the server's";
	enum tls_fault fault = tls_fault_of_verify(error);
	char name[256];

	switch (fault) {
	case TLS_FAULT_EXPIRED:
	case TLS_FAULT_NOT_YET_VALID:
		tls_fault_of_dates(tls, x509, fault, whose);
		return;
	case TLS_FAULT_SELF_SIGNED:
		tls_fault_set(tls, fault, "%s is self-signed and not trusted", whose);
		return;
	case TLS_FAULT_UNKNOWN_ISSUER:
		tls_fault_print_name(X509_get_issuer_name(x509), name, sizeof(name));
		tls_fault_set(tls, fault, "the issuer of %s is not trusted: %s", whose, name);
		return;
	case TLS_FAULT_WRONG_HOST:
		tls_fault_of_host(tls, x509, whose);
		return;
	default:
		tls_fault_set(tls, fault, "%s was refused: %s", whose,
			X509_verify_cert_error_string(error));
	}
}

int tls_fault_on_verify(int is_fine, X509_STORE_CTX *store_ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *x509 = X509_STORE_CTX_get_current_cert(store_ctx);
	int error = X509_STORE_CTX_get_error(store_ctx);
	struct tls *tls = tls_of_ssl(ssl);

	if (is_fine || tls->fault != TLS_FAULT_NONE)
		return is_fine;
	if (x509)
		tls_fault_of_certificate(
			tls, x509, error, X509_STORE_CTX_get_error_depth(store_ctx));
	else
		tls_fault_set(tls, tls_fault_of_verify(error),
			"the server's certificate was refused: %s",
			X509_verify_cert_error_string(error));
	return 0;
}

/* ---------------------------------------------------------------- the rest */

const char *tls_fault_reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = ERR_SYSTEM_ERROR(e) ? strerrordesc_np(ERR_GET_REASON(e))
					       : ERR_reason_error_string(e);

	return text ? text : "unknown reason";
}

/* "handshake failure". OpenSSL's list of alerts lacks those of TLS 1.3, its list of reasons has all
 * of them: "tlsv13 alert certificate required". */
static const char *tls_fault_alert_name(unsigned long e)
{
	static const char word[] = "alert ";
	const char *text = ERR_reason_error_string(e);
	const char *name = text ? strstr(text, word) : NULL;

	return name ? name + sizeof(word) - 1 : text ? text : "unknown";
}

static void tls_fault_of_alert(struct tls *tls, unsigned long e)
{
	int alert = ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET;

	switch (alert) {
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		tls_fault_set(tls, TLS_FAULT_ALPN,
			"the server speaks none of the protocols offered (ALPN)");
		return;
	case SSL_AD_PROTOCOL_VERSION:
		tls_fault_set(tls, TLS_FAULT_PROTOCOL,
			"the server speaks no version of TLS that is allowed here (it sent the "
			"alert \"protocol version\")");
		return;
	default:
		tls_fault_set(tls, TLS_FAULT_ALERT, "the server sent the TLS alert \"%s\" (%d)",
			tls_fault_alert_name(e), alert);
	}
}

void tls_fault_alpn_not_offered(struct tls *tls)
{
	tls_fault_set(
		tls, TLS_FAULT_ALPN, "the server chose a protocol that was not offered (ALPN)");
}

/* What came begins with text, as far as it is known. */
static bool tls_fault_begins(const struct tls *tls, const char *text)
{
	size_t n = strlen(text);

	return strncasecmp(tls->first, text, tls->first_len < n ? tls->first_len : n) == 0;
}

/* A server of HTTP answers that it has read no request. Some take the bytes for HTTP/0.9, whose
 * answer has no status line. */
static void tls_fault_of_other_bytes(struct tls *tls)
{
	struct quote quote;

	if (tls->is_open)
		tls_fault_set(tls, TLS_FAULT_PROTOCOL,
			"the server sent what is not TLS (wrong version number)");
	else if (tls_fault_begins(tls, "HTTP/"))
		tls_fault_set(tls, TLS_FAULT_NOT_TLS,
			"the server does not speak TLS at this port: try http://");
	else if (tls_fault_begins(tls, "<!DOCTYPE") || tls_fault_begins(tls, "<html"))
		tls_fault_set(tls, TLS_FAULT_NOT_TLS,
			"the server does not speak TLS at this port (it begins: %s, a page of "
			"HTML): try http://",
			quote_bytes(&quote, tls->first, tls->first_len, QUOTE_SHORT_MAX));
	else
		tls_fault_set(tls, TLS_FAULT_NOT_TLS,
			"the server speaks neither TLS nor HTTP at this port; it begins: %s",
			quote_bytes(&quote, tls->first, tls->first_len, QUOTE_SHORT_MAX));
}

void tls_fault_from_queue(struct tls *tls)
{
	const char *function = NULL;
	unsigned long e = ERR_peek_error_all(NULL, NULL, &function, NULL, NULL);
	int reason = ERR_GET_REASON(e);

	if (tls->fault != TLS_FAULT_NONE)
		return;
	if (ERR_GET_LIB(e) != ERR_LIB_SSL) {
		tls_fault_set(tls,
			reason == ERR_R_MALLOC_FAILURE ? TLS_FAULT_OURS : TLS_FAULT_PROTOCOL,
			"TLS failed: %s", tls_fault_reason());
		return;
	}
	if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
		tls_fault_of_alert(tls, e);
		return;
	}
	switch (reason) {
	case ERR_R_MALLOC_FAILURE:
		tls_fault_set(
			tls, TLS_FAULT_OURS, "out of memory for a TLS connection: " MEMORY_REMEDY);
		return;
	case SSL_R_WRONG_VERSION_NUMBER:
		tls_fault_of_other_bytes(tls);
		return;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_SSL_VERSION:
		tls_fault_set(tls, TLS_FAULT_PROTOCOL,
			"the server speaks no version of TLS that is allowed here (%s)",
			ERR_reason_error_string(e));
		return;
	case SSL_R_BAD_EXTENSION:
		/* Later versions of 3.0 check the server's choice themselves, and have no number
		 * for that. */
		if (function && strstr(function, "alpn")) {
			tls_fault_alpn_not_offered(tls);
			return;
		}
		/* fall through */
	default:
		tls_fault_set(tls, TLS_FAULT_PROTOCOL, "TLS failed: %s",
			ERR_reason_error_string(e) ? ERR_reason_error_string(e) : "unknown reason");
	}
}
