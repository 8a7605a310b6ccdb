/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and base64 (RFC 4648 section 4), from libcrypto. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX_SIZE 65

/* Uses libcrypto once, to make the allocations of its first use, without which it could crash
 * later. To be called at program start. 0 or -ENOMEM. */
int digest_prepare(void);

void digest_sha256_hex(const void *data, size_t len, char ret[static DIGEST_SHA256_HEX_SIZE]);
/* Lower case. */
void digest_hex(
	const uint8_t digest[static DIGEST_SHA256_SIZE], char ret[static DIGEST_SHA256_HEX_SIZE]);

/* The same in pieces, for one text after the other; after new only libcrypto itself allocates. */
struct digest_sha256;
struct digest_sha256 *digest_sha256_new(void); /* NULL: out of memory, or libcrypto has none */
struct digest_sha256 *digest_sha256_free(struct digest_sha256 *d); /* NULL is fine; returns NULL */
void digest_sha256_reset(struct digest_sha256 *d);		   /* before each text */
void digest_sha256_update(struct digest_sha256 *d, const void *data, size_t len);
/* false where libcrypto failed on the way; ret is untouched then. Then reset. */
bool digest_sha256_final(struct digest_sha256 *d, uint8_t ret[static DIGEST_SHA256_SIZE]);

/* New NUL-terminated strings; NULL when out of memory or (decode) not valid base64.
 * ret_len: bytes, without the NUL. */
char *digest_base64_encode(const void *data, size_t len);
char *digest_base64_decode(const char *text, size_t *ret_len);
