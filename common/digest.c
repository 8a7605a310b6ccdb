/* SPDX-License-Identifier: Apache-2.0 */
/* A thin wrapper around libcrypto. Its base64 decoder is lenient: it skips blanks at both ends,
 * reads '=' anywhere as a zero, and does not tell how many bytes the padding took. So a text is
 * checked here first, and text that is not base64 of RFC 4648 section 4 never reaches the decoder.
 * Any thread. */
#include "common/digest.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* libcrypto makes its context at its first use, and crashes in its second step when the first had
 * no memory. */
static bool digest_is_ready(void)
{
	return OSSL_LIB_CTX_get0_global_default() != NULL;
}

void digest_hex(
	const uint8_t digest[static DIGEST_SHA256_SIZE], char ret[static DIGEST_SHA256_HEX_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < DIGEST_SHA256_SIZE; i++) {
		ret[2 * i] = hex[digest[i] >> 4];
		ret[2 * i + 1] = hex[digest[i] & 15];
	}
	ret[2 * (size_t)DIGEST_SHA256_SIZE] = '\0';
}

int digest_prepare(void)
{
	struct digest_sha256 *d;

	if (!OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL))
		return -ENOMEM;
	d = digest_sha256_new();
	if (!d)
		return -ENOMEM;
	digest_sha256_free(d);
	return 0;
}

void digest_sha256_hex(const void *data, size_t len, char ret[static DIGEST_SHA256_HEX_SIZE])
{
	uint8_t digest[DIGEST_SHA256_SIZE];

	ret[0] = '\0';
	/* Fails only without memory or with a crippled libcrypto: then there is no digest. */
	if (digest_is_ready() && EVP_Digest(len ? data : "", len, digest, NULL, EVP_sha256(), NULL))
		digest_hex(digest, ret);
	else
		memory_note();
}

struct digest_sha256 {
	EVP_MD_CTX *context;
	bool is_bad;
};

struct digest_sha256 *digest_sha256_new(void)
{
	struct digest_sha256 *d = digest_is_ready() ? memory_calloc(1, sizeof(*d)) : NULL;

	if (!d)
		return NULL;
	d->context = EVP_MD_CTX_new();
	if (!d->context || !EVP_DigestInit_ex(d->context, EVP_sha256(), NULL))
		return digest_sha256_free(d);
	return d;
}

struct digest_sha256 *digest_sha256_free(struct digest_sha256 *d)
{
	if (!d)
		return NULL;
	EVP_MD_CTX_free(d->context);
	free(d);
	return NULL;
}

void digest_sha256_reset(struct digest_sha256 *d)
{
	/* The algorithm is not named again, so it need not be looked up. OpenSSL 3.0 makes a new
	 * state all the same: one small malloc for each text. */
	d->is_bad = !EVP_DigestInit_ex(d->context, NULL, NULL);
}

void digest_sha256_update(struct digest_sha256 *d, const void *data, size_t len)
{
	if (len > 0 && !EVP_DigestUpdate(d->context, data, len))
		d->is_bad = true;
}

bool digest_sha256_final(struct digest_sha256 *d, uint8_t ret[static DIGEST_SHA256_SIZE])
{
	uint8_t digest[DIGEST_SHA256_SIZE];

	if (!EVP_DigestFinal_ex(d->context, digest, NULL) || d->is_bad)
		return false;
	memcpy(ret, digest, sizeof(digest));
	return true;
}

char *digest_base64_encode(const void *data, size_t len)
{
	char *text;

	/* libcrypto counts in int, and the encoded length is 4/3 of len. */
	if (len > INT_MAX / 4 * 3 - 3)
		return NULL;
	text = memory_malloc((len + 2) / 3 * 4 + 1);
	if (!text)
		return NULL;
	text[0] = '\0';
	if (len)
		(void)EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	return text;
}

/* The number of '=' at the end, or -1 when the text is not base64. */
static int digest_base64_check(const char *text, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n_pads = len - strspn(text, alphabet);

	if (len % 4 || n_pads > 2 || strspn(text + len - n_pads, "=") != n_pads)
		return -1;
	return (int)n_pads;
}

char *digest_base64_decode(const char *text, size_t *ret_len)
{
	size_t len = strlen(text);
	int n_pads = digest_base64_check(text, len);
	char *data;

	if (n_pads == -1 || len > INT_MAX)
		return NULL;
	data = memory_malloc(len / 4 * 3 + 1);
	if (!data)
		return NULL;
	if (len && EVP_DecodeBlock((unsigned char *)data, (const unsigned char *)text, (int)len) ==
			   -1) {
		free(data);
		return NULL;
	}
	*ret_len = len / 4 * 3 - (size_t)n_pads;
	data[*ret_len] = '\0';
	return data;
}
