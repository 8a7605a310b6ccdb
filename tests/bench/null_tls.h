/* SPDX-License-Identifier: Apache-2.0 */
/* The null server's side of TLS: a certificate made at the start, and send and recv as the system
 * calls are, on connections that do not block. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct ssl_st;

/* Makes key and certificate (for localhost and 127.0.0.1, its own issuer) and writes the
 * certificate to path. Ends the program when it cannot. */
void null_tls_open(const char *path);

struct ssl_st *null_tls_new(int fd);
/* Says goodbye as far as the kernel takes it. NULL: nothing. */
void null_tls_free(struct ssl_st *tls);

/* As recv and send: -1 and EAGAIN where the peer is waited for; handshakes happen on the way. */
ssize_t null_tls_recv(struct ssl_st *tls, void *bytes, size_t len);
ssize_t null_tls_send(struct ssl_st *tls, const void *bytes, size_t len);
