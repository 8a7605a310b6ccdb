/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a run: an http URL in its parts (RFC 3986 section 3, RFC 9110 section 4.2), or a
 * Unix socket written like one. Pure. */
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
	/* The socket of unix:/PATH[:/REQUEST]; NULL: TCP. The text is unix:PATH:/REQUEST then, host
	 * and authority are "localhost", the port is http's. */
	char *unix_path;
};

/* The longest path that fits a sockaddr_un with its NUL. */
#define URL_UNIX_PATH_MAX 107

/* The scheme may be left out (http is meant); unix:/PATH is a socket, also unix:///PATH. User info,
 * blanks, control characters, an empty host and a port outside 1..65535 are refused in one line
 * that quotes no password. A fragment is dropped, dot segments are resolved, bytes beyond ASCII in
 * the path percent-encoded. 0, -EINVAL with reterr filled, or -ENOMEM. */
int url_parse(const char *text, struct url *ret, struct err *reterr);
/* Path (with query) joined to a base URL's directory as a browser would for a relative path:
 * "products" on http://h/shop/ -> /shop/products; "/x" -> /x. New string or NULL (no memory). */
char *url_join(const struct url *base, const char *path);
void url_fini(struct url *u);

/* A place to connect to. */
struct url_place {
	char *host; /* without brackets; NULL where unix_path says it */
	char *unix_path;
	uint16_t port; /* 0: not given */
};

/* HOST, HOST:PORT or [ADDRESS]:PORT as in a URL, or unix:/PATH. Returns as url_parse does. */
int url_parse_place(const char *text, struct url_place *ret, struct err *reterr);
void url_place_fini(struct url_place *p);
