/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the target's URL and puts it together again in normalised form.
 *
 *	HTTP://Shop.test:80/a/../b?q#f
 *	scheme    "http", also when left out; tls is its other value
 *	host      "shop.test", for the resolver and for TLS
 *	authority "shop.test", for the Host header and :authority
 *	path      "/b?q", what goes on the request line
 *	text      "http://shop.test/b?q", what people are shown
 *
 * A Unix socket is written as nginx has it, "unix:/run/app.sock:/b?q": the socket's path up to the
 * second colon, and after that the request-target. It is a file's name and no URL: nothing in it is
 * decoded or resolved.
 *
 * The text comes from users and is sent to a server, so the parser accepts only text that every
 * program reads in the same way: no blanks or control characters, a host of characters that every
 * resolver reads in the same way, no user info (which makes http://good@evil/ look harmless). Bytes
 * beyond ASCII in the path are percent-encoded, dot segments resolved, as browsers and curl do;
 * nothing else is rewritten. Pure. */
#include "common/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/str.h"

#define URL_HOST_MAX 253 /* RFC 1035 in text form */
#define URL_QUOTE_MAX 200
#define URL_WHY_SIZE 96
#define URL_UNIX "unix:"

struct url_slice {
	const char *at;
	size_t len;
};

/* A possible user name and password is not quoted. */
static int url_refuse(struct err *reterr, const char *noun, const char *whole, const char *why)
{
	struct url_slice text = {whole, strlen(whole)};
	const char *at = memrchr(text.at, '@', text.len);

	if (at) {
		text.len -= (size_t)(at - text.at);
		text.at = at;
	}
	err_set(reterr, "%s\"%s%.*s\": %s", noun, at ? "***" : "",
		text.len > URL_QUOTE_MAX ? URL_QUOTE_MAX : (int)text.len, text.at, why);
	return -EINVAL;
}

static bool url_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ---------------------------------------------------------------- path */

/* Appends text up to a fragment; characters that a request line must not contain are
 * percent-encoded. */
static int url_put_encoded(struct buf *b, const char *text)
{
	int r = 0;

	for (; *text && *text != '#' && r == 0; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f)
			r = buf_printf(b, "%%%02X", c);
		else
			r = buf_append(b, text, 1);
	}
	return r;
}

/* Resolves "." and ".." segments in place (RFC 3986, 5.2.4); path begins with '/'. The query is
 * moved along untouched. */
static void url_remove_dots(char *path)
{
	char *in = path, *out = path;

	while (*in == '/') {
		size_t len = 1 + strcspn(in + 1, "/?");
		bool is_last = in[len] != '/';
		bool is_up = len == 3 && in[1] == '.' && in[2] == '.';

		if (is_up)
			while (out > path && *--out != '/')
				;
		if (is_up || (len == 2 && in[1] == '.')) {
			/* A directory stays a directory: "/a/.." is "/". */
			if (is_last)
				*out++ = '/';
		} else {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	memmove(out, in, strlen(in) + 1);
}

/* Makes a request-target from prefix (prefix_len bytes, encoded already) and text, which is encoded
 * here. */
static char *url_make_path(const char *prefix, size_t prefix_len, const char *text)
{
	struct buf b = {0};

	if (buf_append(&b, prefix, prefix_len) < 0 || url_put_encoded(&b, text) < 0) {
		buf_fini(&b);
		return NULL;
	}
	url_remove_dots(b.data);
	return b.data;
}

char *url_join(const struct url *base, const char *path)
{
	size_t base_len = strcspn(base->path, "?");

	switch (*path) {
	case '\0':
	case '#':
		return strdup(base->path);
	case '/':
		return url_make_path("", 0, path);
	case '?':
		return url_make_path(base->path, base_len, path);
	default:
		while (base_len > 1 && base->path[base_len - 1] != '/')
			base_len--;
		return url_make_path(base->path, base_len, path);
	}
}

/* ---------------------------------------------------------------- host and port */

/* Schemes that users may expect but that are not supported. */
static const struct {
	const char *scheme;
	const char *why;
} url_unsupported[] = {
	{"ws", "WebSocket is not supported; the scheme is http or https"},
	{"wss", "WebSocket is not supported; the scheme is http or https"},
	{"h2", "HTTP/2 is not supported yet; with http or https HTTP/1.1 is spoken"},
	{"h2c", "HTTP/2 is not supported yet; with http or https HTTP/1.1 is spoken"},
	{"http2", "HTTP/2 is not supported yet; with http or https HTTP/1.1 is spoken"},
	{"grpc", "gRPC and HTTP/2 are not supported yet; with http or https HTTP/1.1 is spoken"},
	{"grpcs", "gRPC and HTTP/2 are not supported yet; with http or https HTTP/1.1 is spoken"},
	{"h3", "HTTP/3 is not supported; with http or https HTTP/1.1 is spoken"},
	{"http3", "HTTP/3 is not supported; with http or https HTTP/1.1 is spoken"},
	{"quic", "HTTP/3 is not supported; with http or https HTTP/1.1 is spoken"},
};

static const char *url_refuse_scheme(struct url_slice scheme)
{
	for (size_t i = 0; i < sizeof(url_unsupported) / sizeof(*url_unsupported); i++) {
		if (strlen(url_unsupported[i].scheme) == scheme.len &&
			strncasecmp(url_unsupported[i].scheme, scheme.at, scheme.len) == 0)
			return url_unsupported[i].why;
	}
	return "the scheme must be http or https, or it is unix:/PATH";
}

/* Moves *text past the scheme. */
static int url_read_scheme(const char **text, bool *ret_tls, const char **ret_why)
{
	size_t len = strcspn(*text, ":/?#");
	const char *at = *text;

	*ret_tls = false;
	if (strncmp(at + len, "://", 3) != 0) {
		/* "http:/h" would otherwise be read as the host "http". */
		if ((len == 4 && strncasecmp(at, "http:", 5) == 0) ||
			(len == 5 && strncasecmp(at, "https:", 6) == 0)) {
			*ret_why = "two slashes follow the scheme: http://HOST/";
			return -EINVAL;
		}
		/* The same of "http//h". */
		if (len == 4 && strncasecmp(at, "http//", 6) == 0)
			*ret_why = "a colon follows the scheme: http://HOST/";
		else if (len == 5 && strncasecmp(at, "https//", 7) == 0)
			*ret_why = "a colon follows the scheme: https://HOST/";
		else
			return 0;
		return -EINVAL;
	}
	if (len == 5 && strncasecmp(at, "https", len) == 0) {
		*ret_tls = true;
	} else if (len != 4 || strncasecmp(at, "http", len) != 0) {
		*ret_why = url_refuse_scheme((struct url_slice){at, len});
		return -EINVAL;
	}
	*text = at + len + 3;
	return 0;
}

/* Returns what is wrong, or NULL. port: the digits after the ':'. */
static const char *url_read_port(struct url_slice port, uint16_t *ret)
{
	unsigned value = 0;

	for (size_t i = 0; i < port.len; i++) {
		if (port.at[i] < '0' || port.at[i] > '9')
			return "the port is not a number: write 1 to 65535";
		value = value * 10 + (unsigned)(port.at[i] - '0');
		if (value > UINT16_MAX)
			break;
	}
	if (value < 1 || value > UINT16_MAX)
		return "the port must be in 1 to 65535";
	*ret = (uint16_t)value;
	return NULL;
}

/* Returns what is wrong, or NULL; the address is put into its shortest form. */
static const char *url_check_ipv6(struct url_slice host, char ret[static INET6_ADDRSTRLEN])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (memchr(host.at, '%', host.len))
		return "a zone in an IPv6 address is not supported: name an address without one";
	if (host.len >= sizeof(text))
		return "no IPv6 address between the brackets: write one, as in [::1]";
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return "no IPv6 address between the brackets: write one, as in [::1]";
	(void)inet_ntop(AF_INET6, &address, ret, INET6_ADDRSTRLEN);
	return NULL;
}

/* Returns what is wrong, or NULL; ret must have room for URL_HOST_MAX + 1 bytes. */
static const char *url_check_name(struct url_slice host, char *ret)
{
	if (host.len == 0)
		return "no host: write HOST:PORT, as in localhost:8000";
	if (host.at[0] == '.')
		return "a host does not begin with a dot: leave it out";
	if (host.len > URL_HOST_MAX)
		return "the host name is too long: a name has 253 bytes at most";
	for (size_t i = 0; i < host.len; i++) {
		char c = host.at[i];

		if ((unsigned char)c >= 0x80)
			return "write the host in ASCII (xn--...)";
		if (!url_is_alnum(c) && c != '-' && c != '.' && c != '_')
			return "a host is made of letters, digits, \"-\", \"_\" and \".\"";
		ret[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	ret[host.len] = '\0';
	/* The C library takes it for an address: 8000 for 0.0.31.64. */
	if (strspn(ret, "0123456789") == host.len && strtoull(ret, NULL, 10) <= UINT16_MAX)
		return "a number alone is no host: a port comes after one, as in localhost:8000";
	return NULL;
}

/* Splits HOST[:PORT] or [ADDRESS][:PORT]; returns what is wrong, or NULL. */
static const char *url_read_authority(struct url_slice authority, struct url *u, char *ret_host)
{
	struct url_slice host = authority, port = {NULL, 0};
	const char *end = authority.at + authority.len, *colon, *why;

	if (memchr(authority.at, '@', authority.len))
		return "user and password are not taken from a URL: --set 'defaults.auth=basic "
		       "USER @FILE' "
		       "([defaults] auth) sends them, with the password in the file";
	u->is_ipv6 = authority.len > 0 && authority.at[0] == '[';
	if (u->is_ipv6) {
		const char *close = memchr(authority.at, ']', authority.len);

		if (!close)
			return "the \"]\" of the IPv6 address is missing, as in [::1]:8000";
		host = (struct url_slice){authority.at + 1, (size_t)(close - authority.at) - 1};
		colon = close + 1 < end ? close + 1 : NULL;
		if (colon && *colon != ':')
			return "only a port may follow the \"]\", as in [::1]:8000";
	} else {
		colon = memchr(authority.at, ':', authority.len);
		if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
			return "an IPv6 address must be in brackets: [::1]";
		if (colon)
			host.len = (size_t)(colon - authority.at);
	}
	why = u->is_ipv6 ? url_check_ipv6(host, ret_host) : url_check_name(host, ret_host);
	if (why)
		return why;
	u->port = u->tls ? 443 : 80;
	/* An empty port means the scheme's default (RFC 3986, section 3.2.3). */
	if (!colon || colon + 1 == end)
		return NULL;
	port = (struct url_slice){colon + 1, (size_t)(end - colon - 1)};
	return url_read_port(port, &u->port);
}

/* ---------------------------------------------------------------- Unix sockets */

/* "unix:80" is a host of that name. */
static bool url_is_unix(const char *text)
{
	size_t len = strlen(URL_UNIX);

	return strncasecmp(text, URL_UNIX, len) == 0 && !(text[len] >= '0' && text[len] <= '9');
}

/* Returns what is wrong (room is for a message that contains a number), or NULL; the three slashes
 * of unix:///PATH become one. */
static const char *url_check_unix(struct url_slice *path, char room[static URL_WHY_SIZE])
{
	size_t slashes = 0;

	while (slashes < path->len && path->at[slashes] == '/')
		slashes++;
	if (slashes == 0)
		return "a socket's path begins with \"/\", as in unix:/run/app.sock";
	if (slashes == 2)
		return "a socket's path has no host before it: unix:/run/app.sock";
	path->at += slashes - 1;
	path->len -= slashes - 1;
	if (path->at[path->len - 1] == '/')
		return "this is the path of a directory, not of a socket: name the socket in it";
	if (memchr(path->at, '?', path->len) || memchr(path->at, '#', path->len))
		return "the path to request follows the socket's path and a \":\", as in "
		       "unix:/run/app.sock:/path?query";
	if (path->len <= URL_UNIX_PATH_MAX)
		return NULL;
	(void)snprintf(room, URL_WHY_SIZE,
		"the socket's path has %zu bytes, %d are the most: shorten it", path->len,
		URL_UNIX_PATH_MAX);
	return room;
}

static int url_fill_unix(struct url *u, struct url_slice socket, const char *path)
{
	struct buf text = {0};
	int r;

	u->port = 80;
	u->unix_path = strndup(socket.at, socket.len);
	u->host = strdup("localhost");
	u->authority = strdup("localhost");
	u->path = url_make_path("", 0, *path ? path : "/");
	if (!u->unix_path || !u->host || !u->authority || !u->path)
		return -ENOMEM;
	r = buf_printf(&text, URL_UNIX "%s:%s", u->unix_path, u->path);
	u->text = text.data;
	return r;
}

/* Returns what is wrong, or NULL with the result in *ret_r. */
static const char *url_read_unix(
	const char *text, struct url *u, char room[static URL_WHY_SIZE], int *ret_r)
{
	const char *at = text + strlen(URL_UNIX), *path = at + strcspn(at, ":"), *why;
	struct url_slice socket = {at, (size_t)(path - at)};

	why = url_check_unix(&socket, room);
	if (why)
		return why;
	if (*path == ':' && *++path != '/')
		return "the path to request must follow the socket's path and its \":\", as in "
		       "unix:/run/app.sock:/path";
	*ret_r = url_fill_unix(u, socket, path);
	return NULL;
}

/* ---------------------------------------------------------------- the whole */

/* Refuses bytes that end a line or a word, in any part of the URL. */
static const char *url_check_bytes(const char *text, bool is_http)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return is_http ? "blanks and control characters are not "
					 "allowed, write them as %20 and the like"
				       : "blanks and control characters are not allowed: remove "
					 "them";
	return NULL;
}

static int url_fill(struct url *u, const char *host, const char *path)
{
	struct buf authority = {0}, text = {0};
	int r;

	r = buf_printf(&authority, u->is_ipv6 ? "[%s]" : "%s", host);
	if (r == 0 && u->port != (u->tls ? 443 : 80))
		r = buf_printf(&authority, ":%u", u->port);
	u->authority = authority.data;
	u->host = strdup(host);
	u->path = url_make_path("/", *path == '/' ? 0 : 1, path);
	if (r < 0 || !u->host || !u->path)
		return -ENOMEM;
	r = buf_printf(&text, "http%s://%s%s", u->tls ? "s" : "", u->authority, u->path);
	u->text = text.data;
	return r;
}

/* Like url_read_unix, for http and https. */
static const char *url_read_http(const char *text, struct url *u, int *ret_r)
{
	const char *at = text, *why = NULL;
	char host[URL_HOST_MAX + 1];
	struct url_slice authority;

	if (url_read_scheme(&at, &u->tls, &why) < 0)
		return why;
	if (at != text && url_is_unix(at))
		return u->tls ? "there is no TLS over a Unix socket; without: unix:/run/app.sock"
			      : "a Unix socket has no http:// before it: unix:/run/app.sock";
	authority = (struct url_slice){at, strcspn(at, "/?#")};
	why = url_read_authority(authority, u, host);
	if (!why)
		*ret_r = url_fill(u, host, at + authority.len);
	return why;
}

int url_parse(const char *text, struct url *ret, struct err *reterr)
{
	char room[URL_WHY_SIZE];
	struct url u = {0};
	bool is_unix = url_is_unix(text);
	const char *why = url_check_bytes(text, !is_unix);
	int r = 0;

	if (!why)
		why = is_unix ? url_read_unix(text, &u, room, &r) : url_read_http(text, &u, &r);
	if (why)
		return url_refuse(reterr, "URL ", text, why);
	if (r < 0) {
		url_fini(&u);
		return r;
	}
	*ret = u;
	return 0;
}

void url_fini(struct url *u)
{
	free(u->text);
	free(u->host);
	free(u->authority);
	free(u->path);
	free(u->unix_path);
	*u = (struct url){0};
}

/* ---------------------------------------------------------------- places */

/* Returns what is wrong, or NULL; copies a valid place into *ret if there is memory. */
static const char *url_read_place(
	const char *text, struct url_place *ret, char room[static URL_WHY_SIZE])
{
	struct url_slice whole = {text, strlen(text)};
	char host[URL_HOST_MAX + 1];
	struct url u = {0};
	const char *why, *colon;

	if (url_is_unix(text)) {
		whole.at += strlen(URL_UNIX);
		whole.len -= strlen(URL_UNIX);
		if (strpbrk(whole.at, ":?#"))
			return "expected only a socket's path: unix:/run/app.sock";
		why = url_check_unix(&whole, room);
		if (!why)
			ret->unix_path = strndup(whole.at, whole.len);
		return why;
	}
	if (strchr(text, '/'))
		return "expected only a host and a port: HOST:PORT";
	why = url_read_authority(whole, &u, host);
	if (why)
		return why;
	ret->host = strdup(host);
	/* The colons of a bracketed address do not begin a port. */
	colon = strchr(u.is_ipv6 ? strchr(text, ']') : text, ':');
	if (colon && colon[1])
		ret->port = u.port;
	return NULL;
}

int url_parse_place(const char *text, struct url_place *ret, struct err *reterr)
{
	const char *why = url_check_bytes(text, false);
	char room[URL_WHY_SIZE];
	struct url_place p = {0};

	if (!why)
		why = url_read_place(text, &p, room);
	if (why)
		return url_refuse(reterr, "", text, why);
	if (!p.host && !p.unix_path)
		return -ENOMEM;
	*ret = p;
	return 0;
}

void url_place_fini(struct url_place *p)
{
	free(p->host);
	free(p->unix_path);
	*p = (struct url_place){0};
}
