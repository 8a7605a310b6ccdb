/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and base64 (RFC 4648 section 4), from libcrypto. Pure. */
#pragma once

#include <stddef.h>

#define DIGEST_SHA256_HEX_SIZE 65

void digest_sha256_hex(const void *data, size_t len, char ret[static DIGEST_SHA256_HEX_SIZE]);

/* New NUL-terminated strings; NULL when out of memory or (decode) not valid base64.
 * ret_len: bytes, without the NUL. */
char *digest_base64_encode(const void *data, size_t len);
char *digest_base64_decode(const char *text, size_t *ret_len);
