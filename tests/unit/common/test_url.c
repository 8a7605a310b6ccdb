/* SPDX-License-Identifier: Apache-2.0 */
/* url: the parts of what people type, one clear refusal for what they did not mean, and relative
 * paths as a browser joins them. */
#include "common/url.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "tests/support/suite.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *in, *text, *host, *authority, *path;
	uint16_t port;
	bool tls, is_ipv6;
} good[] = {
	{"http://h/", "http://h/", "h", "h", "/", 80, false, false},
	{"h", "http://h/", "h", "h", "/", 80, false, false},
	{"localhost:8000", "http://localhost:8000/", "localhost", "localhost:8000", "/", 8000,
		false, false},
	{"localhost:8000/a?b", "http://localhost:8000/a?b", "localhost", "localhost:8000", "/a?b",
		8000, false, false},
	{"HTTPS://Shop.Test:8443/A", "https://shop.test:8443/A", "shop.test", "shop.test:8443",
		"/A", 8443, true, false},
	{"http://h:80/", "http://h/", "h", "h", "/", 80, false, false},
	{"https://h:443", "https://h/", "h", "h", "/", 443, true, false},
	{"https://h:80", "https://h:80/", "h", "h:80", "/", 80, true, false},
	{"http://h:0080/", "http://h/", "h", "h", "/", 80, false, false},
	{"http://h:65535/", "http://h:65535/", "h", "h:65535", "/", 65535, false, false},
	{"http://h:/x", "http://h/x", "h", "h", "/x", 80, false, false},
	{"https://h:", "https://h/", "h", "h", "/", 443, true, false},
	{"h:?q", "http://h/?q", "h", "h", "/?q", 80, false, false},
	{"http://[::1]:/", "http://[::1]/", "::1", "[::1]", "/", 80, false, true},
	{"http://h?q=1", "http://h/?q=1", "h", "h", "/?q=1", 80, false, false},
	{"http://h#f", "http://h/", "h", "h", "/", 80, false, false},
	{"http://h/a#f?q", "http://h/a", "h", "h", "/a", 80, false, false},
	{"http://h/a?b#c", "http://h/a?b", "h", "h", "/a?b", 80, false, false},
	{"http://h/a?u=http://x/../y", "http://h/a?u=http://x/../y", "h", "h", "/a?u=http://x/../y",
		80, false, false},
	{"h/a?u=https://x@y:1", "http://h/a?u=https://x@y:1", "h", "h", "/a?u=https://x@y:1", 80,
		false, false},
	{"http://127.0.0.1:1/", "http://127.0.0.1:1/", "127.0.0.1", "127.0.0.1:1", "/", 1, false,
		false},
	{"[::1]", "http://[::1]/", "::1", "[::1]", "/", 80, false, true},
	{"http://[::1]:8080/x", "http://[::1]:8080/x", "::1", "[::1]:8080", "/x", 8080, false,
		true},
	{"https://[2001:DB8:0:0::1]/", "https://[2001:db8::1]/", "2001:db8::1", "[2001:db8::1]",
		"/", 443, true, true},
	{"http://[::ffff:192.0.2.7]/", "http://[::ffff:192.0.2.7]/", "::ffff:192.0.2.7",
		"[::ffff:192.0.2.7]", "/", 80, false, true},
	{"http://h./", "http://h./", "h.", "h.", "/", 80, false, false},
	{"http://my_svc.ns-1/", "http://my_svc.ns-1/", "my_svc.ns-1", "my_svc.ns-1", "/", 80, false,
		false},
	{"http://http/", "http://http/", "http", "http", "/", 80, false, false},
	{"http", "http://http/", "http", "http", "/", 80, false, false},
	{"http://h/a/./b/../c", "http://h/a/c", "h", "h", "/a/c", 80, false, false},
	{"http://h/../..", "http://h/", "h", "h", "/", 80, false, false},
	{"http://h/a//b%20c;d=e&f'(!*$,)", "http://h/a//b%20c;d=e&f'(!*$,)", "h", "h",
		"/a//b%20c;d=e&f'(!*$,)", 80, false, false},
	{"http://h/\xc3\xbc?\xc3\xbc", "http://h/%C3%BC?%C3%BC", "h", "h", "/%C3%BC?%C3%BC", 80,
		false, false},
};

START_TEST(takes_apart)
{
	struct err e = {0};
	struct url u = {0};

	ck_assert_msg(url_parse(good[_i].in, &u, &e) == 0, "%s: %s", good[_i].in, e.text);
	ck_assert_str_eq(u.text, good[_i].text);
	ck_assert_str_eq(u.host, good[_i].host);
	ck_assert_str_eq(u.authority, good[_i].authority);
	ck_assert_str_eq(u.path, good[_i].path);
	ck_assert_uint_eq(u.port, good[_i].port);
	ck_assert_int_eq(u.tls, good[_i].tls);
	ck_assert_int_eq(u.is_ipv6, good[_i].is_ipv6);
	url_fini(&u);
	ck_assert_ptr_null(u.text);
	url_fini(&u);
}
END_TEST

/* The normalised text means the same URL. */
START_TEST(normalised_text_stays)
{
	struct url u = {0}, again = {0};

	ck_assert_int_eq(url_parse(good[_i].in, &u, NULL), 0);
	ck_assert_int_eq(url_parse(u.text, &again, NULL), 0);
	ck_assert_str_eq(again.text, u.text);
	ck_assert_str_eq(again.path, u.path);
	ck_assert_str_eq(again.host, u.host);
	ck_assert_uint_eq(again.port, u.port);
	url_fini(&u);
	url_fini(&again);
}
END_TEST

static const struct {
	const char *in, *why;
} bad[] = {
	{"", "no host"},
	{"http://", "no host"},
	{"http:///x", "no host"},
	{"//h/x", "no host"},
	{"/x", "no host"},
	{":80", "no host: write HOST:PORT, as in localhost:8000"},
	{"8000", "a number alone is no host: a port comes after one"},
	{"http://8000/", "a number alone is no host"},
	{"http://:80/", "no host"},
	{"https://.w.test/", "a host does not begin with a dot: leave it out"},
	{"http://?q", "no host"},
	{"ftp://h/", "scheme"},
	{"httpx://h/", "scheme"},
	{"ws://h/", "WebSocket is not supported"},
	{"WSS://h/", "WebSocket is not supported"},
	{"h2://h/", "HTTP/2 is not supported yet"},
	{"grpc://h/", "gRPC and HTTP/2 are not supported yet"},
	{"http3://h/", "HTTP/3 is not supported"},
	{"://h/", "scheme"},
	{"http:/h/", "two slashes"},
	{"https:h", "two slashes"},
	{"http//h/", "a colon follows the scheme: http://HOST/"},
	{"HTTPS//h", "a colon follows the scheme: https://HOST/"},
	{"http://u@h/", "user"},
	{"http://u:p@h/", "--set 'defaults.auth=basic USER @FILE'"},
	{"http://good:80@evil/", "user"},
	{"http://h:0/", "1 to 65535"},
	{"http://h:65536/", "1 to 65535"},
	{"http://h:99999999999999999999/", "1 to 65535"},
	{"http://h:-1/", "the port is not a number: write 1 to 65535"},
	{"http://h:80x/", "not a number"},
	{"h:path", "not a number"},
	{"http://h:0x50/", "not a number"},
	{"http://::1/", "brackets"},
	{"::1", "brackets"},
	{"http://[::1/", "the \"]\" of the IPv6 address is missing, as in [::1]:8000"},
	{"http://[]/", "no IPv6 address between the brackets: write one, as in [::1]"},
	{"http://[127.0.0.1]/", "no IPv6 address"},
	{"http://[::1::]/", "no IPv6 address"},
	{"http://[1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4:5:6:7:8:9]/", "no IPv6 address"},
	{"http://[fe80::1%25eth0]/", "is not supported: name an address without one"},
	{"http://[::1]x/", "only a port may follow the \"]\", as in [::1]:8000"},
	{"http://[::1]80/", "only a port"},
	{"http://a b/", "blanks"},
	{" http://h/", "blanks"},
	{"http://h/a b", "blanks"},
	{"http://h/\r\nX: y", "blanks"},
	{"http://h/\x7f", "blanks"},
	{"http://h/#\n", "blanks"},
	{"http://gr\xc3\xbc\xc3\x9f/", "ASCII"},
	{"http://a%20b/", "host is made of"},
	{"http://a\\b/", "host is made of"},
	{"http://${HOST}/", "host is made of"},
	{"http://a,b/", "host is made of"},
	{"unix:", "begins with \"/\", as in unix:/run/app.sock"},
	{"unix:app.sock", "begins with \"/\""},
	{"unix:@app", "begins with \"/\""},
	{"unix://run/app.sock", "a socket's path has no host before"},
	{"unix://", "a socket's path has no host before"},
	{"unix:/", "directory"},
	{"unix:///", "directory, not of a socket: name the socket in it"},
	{"unix:/run/:/x", "directory"},
	{"unix:/s:", "the path to request must follow"},
	{"unix:/s:x", "the path to request must follow"},
	{"unix:/s::/x", "the path to request must follow"},
	{"unix:/s?x", "unix:/run/app.sock:/path?query"},
	{"unix:/s#x:/y", "unix:/run/app.sock:/path?query"},
	{"unix:/a b", "blanks and control characters are not allowed: remove them"},
	{"unix:/a:/\n", "blanks and control characters are not allowed"},
	{"http+unix:///run/app.sock", "unix:/PATH"},
	{"http://unix:/run/app.sock", "no http:// before it"},
	{"https://unix:/run/app.sock:/x", "no TLS over a Unix socket"},
};

START_TEST(refuses)
{
	struct url u = {.port = 77};
	struct err e = {0};

	ck_assert_msg(url_parse(bad[_i].in, &u, &e) == -EINVAL, "%s", bad[_i].in);
	ck_assert_msg(strstr(e.text, bad[_i].why) != NULL, "%s", e.text);
	ck_assert_ptr_eq(strstr(e.text, "URL \""), e.text);
	ck_assert_uint_eq(u.port, 77);
	ck_assert_ptr_null(u.text);
	ck_assert_int_eq(url_parse(bad[_i].in, &u, NULL), -EINVAL);
}
END_TEST

START_TEST(refusals_keep_secrets)
{
	static const char *const texts[] = {"http://u:secret@h/", "http://u:sec@secret@h/",
		"ftp://u:secret@h/", "http://u:secret @h/", "http://u:secret/x@h/"};
	struct err e = {0};
	struct url u = {0};

	ck_assert_int_eq(url_parse(texts[_i], &u, &e), -EINVAL);
	ck_assert_ptr_eq(strstr(e.text, "URL \"***@h/\": "), e.text);
	ck_assert_ptr_null(strstr(e.text, "secret"));
}
END_TEST

START_TEST(bounds_the_host)
{
	char text[400] = "http://";
	struct err e = {0};
	struct url u = {0};

	memset(text + 7, 'a', 253);
	ck_assert_int_eq(url_parse(text, &u, &e), 0);
	ck_assert_uint_eq(strlen(u.host), 253);
	url_fini(&u);
	text[7 + 253] = 'a';
	ck_assert_int_eq(url_parse(text, &u, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "too long"));
}
END_TEST

/* ---- Unix sockets ---- */

static const struct {
	const char *in, *text, *socket, *path;
} sockets[] = {
	{"unix:/run/app.sock", "unix:/run/app.sock:/", "/run/app.sock", "/"},
	{"unix:/run/app.sock:/", "unix:/run/app.sock:/", "/run/app.sock", "/"},
	{"unix:/run/app.sock:/a/b?c=d:/e", "unix:/run/app.sock:/a/b?c=d:/e", "/run/app.sock",
		"/a/b?c=d:/e"},
	{"UNIX:/Run/App.sock:/A", "unix:/Run/App.sock:/A", "/Run/App.sock", "/A"},
	{"unix:///run/app.sock:/x", "unix:/run/app.sock:/x", "/run/app.sock", "/x"},
	{"unix:////run//app.sock", "unix:/run//app.sock:/", "/run//app.sock", "/"},
	{"unix:/s:/a/../b/./c#f", "unix:/s:/b/c", "/s", "/b/c"},
	/* A file's name stays as it is. */
	{"unix:/a/../s%20@1,\xc3\xbc:/\xc3\xbc", "unix:/a/../s%20@1,\xc3\xbc:/%C3%BC",
		"/a/../s%20@1,\xc3\xbc", "/%C3%BC"},
};

START_TEST(takes_a_socket_apart)
{
	struct err e = {0};
	struct url u = {0}, again = {0};
	char *joined;

	ck_assert_msg(url_parse(sockets[_i].in, &u, &e) == 0, "%s: %s", sockets[_i].in, e.text);
	ck_assert_str_eq(u.text, sockets[_i].text);
	ck_assert_str_eq(u.unix_path, sockets[_i].socket);
	ck_assert_str_eq(u.path, sockets[_i].path);
	ck_assert_str_eq(u.host, "localhost");
	ck_assert_str_eq(u.authority, "localhost");
	ck_assert_uint_eq(u.port, 80);
	ck_assert(!u.tls && !u.is_ipv6);
	ck_assert_int_eq(url_parse(u.text, &again, NULL), 0);
	ck_assert_str_eq(again.text, u.text);
	ck_assert_str_eq(again.unix_path, u.unix_path);
	joined = url_join(&u, "/x?y");
	ck_assert_pstr_eq(joined, "/x?y");
	free(joined);
	url_fini(&again);
	url_fini(&u);
	ck_assert_ptr_null(u.unix_path);
}
END_TEST

START_TEST(a_host_may_be_called_unix)
{
	struct url u = {0};

	ck_assert_int_eq(url_parse("unix:8000/x", &u, NULL), 0);
	ck_assert_ptr_null(u.unix_path);
	ck_assert_str_eq(u.text, "http://unix:8000/x");
	url_fini(&u);
	ck_assert_int_eq(url_parse("http://unix/", &u, NULL), 0);
	ck_assert_ptr_null(u.unix_path);
	url_fini(&u);
}
END_TEST

START_TEST(bounds_the_sockets_path)
{
	char text[400] = "unix:/";
	struct err e = {0};
	struct url_place p = {0};
	struct url u = {0};

	memset(text + 6, 's', URL_UNIX_PATH_MAX - 1);
	ck_assert_int_eq(url_parse(text, &u, &e), 0);
	ck_assert_uint_eq(strlen(u.unix_path), 107);
	url_fini(&u);
	ck_assert_int_eq(url_parse_place(text, &p, &e), 0);
	url_place_fini(&p);
	text[6 + URL_UNIX_PATH_MAX - 1] = 's';
	ck_assert_int_eq(url_parse(text, &u, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "has 108 bytes, 107 are the most"));
	e = (struct err){0};
	ck_assert_int_eq(url_parse_place(text, &p, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "has 108 bytes, 107 are the most"));
	ck_assert_ptr_null(p.unix_path);
}
END_TEST

/* ---- places ---- */

static const struct {
	const char *in, *host, *socket;
	uint16_t port;
} places[] = {
	{"10.0.0.7:8443", "10.0.0.7", NULL, 8443},
	{"Shop.Test", "shop.test", NULL, 0},
	{"shop.test:80", "shop.test", NULL, 80},
	{"shop.test:", "shop.test", NULL, 0},
	{"[::1]:", "::1", NULL, 0},
	{"[::1]", "::1", NULL, 0},
	{"[2001:DB8:0::1]:443", "2001:db8::1", NULL, 443},
	{"unix:/run/app.sock", NULL, "/run/app.sock", 0},
	{"unix:///run/app.sock", NULL, "/run/app.sock", 0},
	{"unix:80", "unix", NULL, 80},
};

START_TEST(takes_a_place)
{
	struct url_place p = {0};
	struct err e = {0};

	ck_assert_msg(url_parse_place(places[_i].in, &p, &e) == 0, "%s", e.text);
	ck_assert_pstr_eq(p.host, places[_i].host);
	ck_assert_pstr_eq(p.unix_path, places[_i].socket);
	ck_assert_uint_eq(p.port, places[_i].port);
	url_place_fini(&p);
	ck_assert_ptr_null(p.host);
	url_place_fini(&p);
}
END_TEST

static const struct {
	const char *in, *why;
} bad_places[] = {
	{"", "no host"},
	{":80", "no host"},
	{"18003", "a number alone is no host"},
	{"h:/", "only a host and a port"},
	{"h:0", "1 to 65535"},
	{"h:65536", "1 to 65535"},
	{"h:x", "not a number"},
	{"::1", "brackets"},
	{"[::1", "\"]\" of the IPv6 address is missing"},
	{"[::1]80", "only a port"},
	{"http://h", "HOST:PORT"},
	{"h/", "HOST:PORT"},
	{"u@h", "user"},
	{"h 1", "blanks and control characters are not allowed"},
	{"unix:", "begins with \"/\""},
	{"unix:s", "begins with \"/\""},
	{"unix:/", "directory"},
	{"unix:/s:/x", "expected only a socket's path"},
	{"unix:/s?x", "expected only a socket's path"},
	{"unix:/s 1", "blanks and control characters are not allowed"},
};

START_TEST(refuses_a_place)
{
	struct url_place p = {.port = 77};
	struct err e = {0};

	ck_assert_msg(
		url_parse_place(bad_places[_i].in, &p, &e) == -EINVAL, "%s", bad_places[_i].in);
	ck_assert_msg(strstr(e.text, bad_places[_i].why) != NULL, "%s", e.text);
	ck_assert_uint_eq(p.port, 77);
	ck_assert_ptr_null(p.host);
}
END_TEST

START_TEST(takes_a_long_path)
{
	static char text[60000] = "http://h/";
	struct url u = {0};

	memset(text + 9, 'p', sizeof(text) - 10);
	ck_assert_int_eq(url_parse(text, &u, NULL), 0);
	ck_assert_str_eq(u.text, text);
	ck_assert_str_eq(u.path, text + 8);
	url_fini(&u);
}
END_TEST

/* RFC 3986, 5.4, as far as it concerns paths, and what the header promises. */
static const struct {
	const char *base, *path, *joined;
} joins[] = {
	{"http://h/shop/", "products", "/shop/products"},
	{"http://h/shop", "products", "/products"},
	{"http://h/shop/", "/x", "/x"},
	{"http://h", "x", "/x"},
	{"http://a/b/c/d;p?q", "", "/b/c/d;p?q"},
	{"http://a/b/c/d;p?q", "#s", "/b/c/d;p?q"},
	{"http://a/b/c/d;p?q", "g", "/b/c/g"},
	{"http://a/b/c/d;p?q", "./g", "/b/c/g"},
	{"http://a/b/c/d;p?q", "g/", "/b/c/g/"},
	{"http://a/b/c/d;p?q", "/g", "/g"},
	{"http://a/b/c/d;p?q", "?y", "/b/c/d;p?y"},
	{"http://a/b/c/d;p?q", "g?y", "/b/c/g?y"},
	{"http://a/b/c/d;p?q", "g#s", "/b/c/g"},
	{"http://a/b/c/d;p?q", "g?y#s", "/b/c/g?y"},
	{"http://a/b/c/d;p?q", ";x", "/b/c/;x"},
	{"http://a/b/c/d;p?q", ".", "/b/c/"},
	{"http://a/b/c/d;p?q", "./", "/b/c/"},
	{"http://a/b/c/d;p?q", "..", "/b/"},
	{"http://a/b/c/d;p?q", "../", "/b/"},
	{"http://a/b/c/d;p?q", "../g", "/b/g"},
	{"http://a/b/c/d;p?q", "../..", "/"},
	{"http://a/b/c/d;p?q", "../../g", "/g"},
	{"http://a/b/c/d;p?q", "../../../../g", "/g"},
	{"http://a/b/c/d;p?q", "/./g", "/g"},
	{"http://a/b/c/d;p?q", "/../g", "/g"},
	{"http://a/b/c/d;p?q", "g.", "/b/c/g."},
	{"http://a/b/c/d;p?q", ".g", "/b/c/.g"},
	{"http://a/b/c/d;p?q", "..g", "/b/c/..g"},
	{"http://a/b/c/d;p?q", "./../g", "/b/g"},
	{"http://a/b/c/d;p?q", "./g/.", "/b/c/g/"},
	{"http://a/b/c/d;p?q", "g/./h", "/b/c/g/h"},
	{"http://a/b/c/d;p?q", "g/../h", "/b/c/h"},
	{"http://a/b/c/d;p?q", "g?y/./x", "/b/c/g?y/./x"},
	{"http://a/b/c/d;p?q", "g?y/../x", "/b/c/g?y/../x"},
	{"http://a/b?q=/x/y", "g", "/g"},
	{"http://a/b/", "a b\r\nX: y", "/b/a%20b%0D%0AX:%20y"},
	{"http://a/b/", "\xc3\xbc", "/b/%C3%BC"},
	{"http://a/b/", "//evil/x", "//evil/x"},
	{"http://a/b/", "..?q", "/?q"},
};

START_TEST(joins_paths)
{
	struct url u = {0};
	char *joined;

	ck_assert_int_eq(url_parse(joins[_i].base, &u, NULL), 0);
	joined = url_join(&u, joins[_i].path);
	ck_assert_pstr_eq(joined, joins[_i].joined);
	free(joined);
	url_fini(&u);
}
END_TEST

START_TEST(random_text_makes_a_url_or_a_refusal)
{
	static const char alphabet[] = "ah:/?#[]@.%1\\ \xc3\xbc";
	static const char prefix[] = "unix:/";
	size_t before = _i % 2 ? sizeof(prefix) - 1 : 0;
	uint32_t x = 2463534242u + (uint32_t)_i;

	for (int round = 0; round < 20000; round++) {
		struct url u = {0}, again = {0};
		char text[24];
		size_t len;

		memcpy(text, prefix, before);
		for (size_t i = before; i < sizeof(text); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			text[i] = alphabet[x % (sizeof(alphabet) - 1)];
		}
		len = x % sizeof(text);
		text[len] = '\0';
		if (url_parse(text, &u, NULL) != 0)
			continue;
		ck_assert_int_eq(u.path[0], '/');
		ck_assert_uint_gt(strlen(u.host), 0);
		ck_assert_msg(url_parse(u.text, &again, NULL) == 0, "%s", u.text);
		ck_assert_str_eq(again.text, u.text);
		ck_assert_pstr_eq(again.unix_path, u.unix_path);
		url_fini(&u);
		url_fini(&again);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tcase = tcase_create("url");

	tcase_add_loop_test(tcase, takes_apart, 0, COUNT(good));
	tcase_add_loop_test(tcase, normalised_text_stays, 0, COUNT(good));
	tcase_add_loop_test(tcase, refuses, 0, COUNT(bad));
	tcase_add_loop_test(tcase, refusals_keep_secrets, 0, 5);
	tcase_add_test(tcase, bounds_the_host);
	tcase_add_test(tcase, takes_a_long_path);
	tcase_add_loop_test(tcase, takes_a_socket_apart, 0, COUNT(sockets));
	tcase_add_test(tcase, a_host_may_be_called_unix);
	tcase_add_test(tcase, bounds_the_sockets_path);
	tcase_add_loop_test(tcase, takes_a_place, 0, COUNT(places));
	tcase_add_loop_test(tcase, refuses_a_place, 0, COUNT(bad_places));
	tcase_add_loop_test(tcase, joins_paths, 0, COUNT(joins));
	tcase_add_loop_test(tcase, random_text_makes_a_url_or_a_refusal, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
