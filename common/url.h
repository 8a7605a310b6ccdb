/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a run: an http URL in its parts (RFC 3986 section 3, RFC 9110 section 4.2). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct url {
	char *text;	 /* normalised: scheme://authority/path?query, no fragment */
	char *host;	 /* without brackets */
	char *authority; /* the Host header: host, brackets where IPv6, port unless the default */
	char *path;	 /* request target: path and query, begins with '/' */
	uint16_t port;
	bool tls; /* https */
	bool is_ipv6;
};

/* The scheme may be left out (http is meant). User info, blanks, control characters, an empty
 * host and a port outside 1..65535 are refused in one line that quotes no password. A fragment is
 * dropped, dot segments are resolved, bytes beyond ASCII in the path percent-encoded.
 * 0, -EINVAL with reterr filled, or -ENOMEM. */
int url_parse(const char *text, struct url *ret, struct err *reterr);
/* Path (with query) joined to a base URL's directory as a browser would for a relative path:
 * "products" on http://h/shop/ -> /shop/products; "/x" -> /x. New string or NULL (no memory). */
char *url_join(const struct url *base, const char *path);
void url_fini(struct url *u);
