/* SPDX-License-Identifier: Apache-2.0 */
/* Named requests, checks, authentication, chunked uploads and credentials: what a plan makes of
 * them, and what it refuses. */
#include "common/plan/plan.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define SHOP "[target]\nurl = http://127.0.0.1:8000/shop/index?x=1\n"
#define DEFAULTS CONF_TARGET "[defaults]\n" /* what follows is line 4 */

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48BB"

static const struct plan_file some_files[] = {
	{"token", "abc.DEF\r\n", 9},
	{"pw", "geheim\n", 7},
	{"cred:token", "from-cred\n", 10},
	{"cred:pw", "x:y z", 5},
	{"cart.json", "{\"id\": 1}\n", 10},
	{"two", "a\nb\n", 4},
	{"blank", "a b\n", 4},
	{"empty", "", 0},
	{"cred:unknown", NULL, 0},
};
#define N_FILES (sizeof(some_files) / sizeof(*some_files))

static struct plan *plan_of(const char *text)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	p = conf_build(&d, "f", text, some_files, N_FILES);
	conf_fini(&d);
	return p;
}

static const char *value_of(const struct plan_request *r, const char *name)
{
	const struct plan_header *h = plan_find_header(r, name);

	return h ? h->value : NULL;
}

/* ---- which requests there are ---- */

START_TEST(without_names_there_is_one)
{
	struct plan *p = plan_of(SHOP);

	ck_assert_uint_eq(p->n_requests, 1);
	ck_assert_uint_eq(plan_n_named(p), 0);
	ck_assert_str_eq(p->requests[0].name, "");
	ck_assert_uint_eq(p->requests[0].weight, 1);
	ck_assert_str_eq(p->requests[0].method, "GET");
	ck_assert_ptr_null(p->requests[0].path);
	ck_assert_str_eq(p->requests[0].target, "/shop/index?x=1");
	ck_assert_ptr_null(p->requests[0].body);
	ck_assert_uint_eq(p->requests[0].chunk_bytes, 0);
	ck_assert_uint_eq(p->requests[0].n_expect_headers, 0);
	ck_assert_ptr_null(p->requests[0].expect_body);
	ck_assert(!p->requests[0].has_expect_size);
	ck_assert(!p->requests[0].has_expect_sha256);
	for (unsigned status = 0; status < 700; status++)
		ck_assert_int_eq(plan_statuses_has(&p->requests[0].expect_statuses, status),
			status >= 200 && status < 400);
	ck_assert_str_eq(p->requests[0].expect_statuses.text, "");
	plan_free(p);
}
END_TEST

/* As they are told of where another one came. */
START_TEST(statuses_in_words)
{
	static const char *const rows[][2] = {
		{"200-399", ""},
		{"2xx, 3xx", ""},
		{"200,204", "200,204"},
		{"200, 201, 202, 203, 204, 205, 206", "200, 201, 202, 203, 204,..."},
	};
	char text[256];
	struct plan *p;

	(void)snprintf(text, sizeof(text), SHOP "[defaults]\nexpect-status = %s\n", rows[_i][0]);
	p = plan_of(text);
	ck_assert_str_eq(p->requests[0].expect_statuses.text, rows[_i][1]);
	plan_free(p);
}
END_TEST

START_TEST(requests_in_the_order_of_the_file)
{
	struct plan *p = plan_of(SHOP "[request b.2]\nweight = 8\npath = products?page=2\n"
				      "[request a]\n[request c]\npath = /\nmethod = HEAD\n");

	ck_assert_uint_eq(p->n_requests, 3);
	ck_assert_uint_eq(plan_n_named(p), 3);
	ck_assert_str_eq(p->requests[0].name, "b.2");
	ck_assert_uint_eq(p->requests[0].weight, 8);
	ck_assert_str_eq(p->requests[0].path, "products?page=2");
	ck_assert_str_eq(p->requests[0].target, "/shop/products?page=2");
	ck_assert_str_eq(p->requests[1].name, "a");
	ck_assert_uint_eq(p->requests[1].weight, 1);
	ck_assert_str_eq(p->requests[1].target, "/shop/index?x=1");
	ck_assert_str_eq(p->requests[2].target, "/");
	ck_assert_str_eq(p->requests[2].method, "HEAD");
	plan_free(p);
}
END_TEST

START_TEST(single_values_come_from_defaults)
{
	struct plan *p = plan_of(SHOP "[request own]\nmethod = PUT\nbody = mine\nchunked = no\n"
				      "expect-status = 201\nexpect-size = 1KiB..\n"
				      "expect-body = this\nexpect-sha256 =\n"
				      "[request theirs]\n[request none]\nbody =\nexpect-body =\n"
				      "expect-size =\n"
				      "[defaults]\nmethod = POST\nbody = @cart.json\n"
				      "chunked = 4KiB\nexpect-status = 2xx\nexpect-size = ..9MiB\n"
				      "expect-body = ok @cart.json\nexpect-sha256 = " OF_A "\n");
	const struct plan_request *own = &p->requests[0], *theirs = &p->requests[1],
				  *none = &p->requests[2];

	ck_assert_str_eq(own->method, "PUT");
	ck_assert_str_eq(own->body, "mine");
	ck_assert_uint_eq(own->chunk_bytes, 0);
	ck_assert(plan_statuses_has(&own->expect_statuses, 201));
	ck_assert(!plan_statuses_has(&own->expect_statuses, 200));
	ck_assert_str_eq(own->expect_statuses.text, "201");
	ck_assert_str_eq(theirs->expect_statuses.text, "2xx");
	ck_assert_uint_eq(own->expect_size_min, 1024);
	ck_assert_uint_eq(own->expect_size_max, UINT64_MAX);
	ck_assert_str_eq(own->expect_body, "this");
	ck_assert(!own->has_expect_sha256);
	ck_assert_str_eq(theirs->method, "POST");
	ck_assert_uint_eq(theirs->body_len, 10);
	ck_assert_uint_eq(theirs->chunk_bytes, 4096);
	ck_assert(plan_statuses_has(&theirs->expect_statuses, 299));
	ck_assert(!plan_statuses_has(&theirs->expect_statuses, 300));
	ck_assert_uint_eq(theirs->expect_size_min, 0);
	ck_assert_uint_eq(theirs->expect_size_max, 9 << 20);
	/* Without the file's last line end. */
	ck_assert_str_eq(theirs->expect_body, "ok {\"id\": 1}");
	ck_assert(theirs->has_expect_sha256);
	ck_assert_uint_eq(theirs->expect_sha256[0], 0xca);
	ck_assert_uint_eq(theirs->expect_sha256[31], 0xbb);
	ck_assert_uint_eq(none->body_len, 0);
	ck_assert_uint_eq(none->chunk_bytes, 0);
	ck_assert_ptr_null(none->expect_body);
	ck_assert(!none->has_expect_size);
	plan_free(p);
}
END_TEST

START_TEST(headers_go_by_name)
{
	struct plan *p = plan_of(SHOP "[defaults]\nheader = Accept: a\nheader = Cookie: 1\n"
				      "header = Cookie: 2\nexpect-header = ETag\n"
				      "expect-header = Content-Type: text/html\n"
				      "[request one]\nheader = COOKIE: 3\nheader = Cookie: 4\n"
				      "header = X-One: @token\nexpect-header = etag: \"7\"\n"
				      "[request two]\n");
	const struct plan_request *one = &p->requests[0], *two = &p->requests[1];

	ck_assert_uint_eq(one->n_headers, 4);
	ck_assert_str_eq(one->headers[0].value, "a");
	ck_assert_str_eq(one->headers[1].value, "3");
	ck_assert_str_eq(one->headers[2].value, "4");
	ck_assert_str_eq(one->headers[3].value, "abc.DEF");
	ck_assert_uint_eq(one->n_expect_headers, 2);
	ck_assert_str_eq(one->expect_headers[0].name, "Content-Type");
	ck_assert_str_eq(one->expect_headers[1].name, "etag");
	ck_assert_str_eq(one->expect_headers[1].value, "\"7\"");
	ck_assert_uint_eq(two->n_headers, 3);
	ck_assert_str_eq(two->headers[2].value, "2");
	ck_assert_uint_eq(two->n_expect_headers, 2);
	ck_assert_ptr_null(two->expect_headers[0].value);
	ck_assert_str_eq(two->expect_headers[1].value, "text/html");
	plan_free(p);
}
END_TEST

START_TEST(overlays_and_flags)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini",
		SHOP "[defaults]\nmethod = PUT\n[request a]\nweight = 2\nheader = A: 1\n"
		     "header = A: 2\n[request b]\nmethod = PATCH\n");
	conf_read(&d, "over.ini",
		"[request c]\n[request a]\nweight = 3\nheader = a: 3\n[defaults]\nheader = B: 4\n");
	conf_set(&d, "-X", "defaults", "method", "POST");
	ck_assert_int_eq(ini_set_path(&d.ini, "--set", "request.a.path", "/a"), 0);
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_uint_eq(p->n_requests, 3);
	ck_assert_str_eq(p->requests[0].name, "a");
	ck_assert_str_eq(p->requests[1].name, "b");
	ck_assert_str_eq(p->requests[2].name, "c");
	ck_assert_uint_eq(p->requests[0].weight, 3);
	ck_assert_str_eq(p->requests[0].target, "/a");
	ck_assert_str_eq(p->requests[0].method, "POST");
	ck_assert_str_eq(p->requests[1].method, "PATCH");
	ck_assert_uint_eq(p->requests[0].n_headers, 2);
	ck_assert_str_eq(p->requests[0].headers[0].value, "4");
	ck_assert_str_eq(p->requests[0].headers[1].value, "3");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(flags_name_requests_where_no_file_does)
{
	struct conf_doc d = {0};
	struct plan *p = NULL, *again;

	conf_set(&d, "URL", "target", "url", "http://127.0.0.1:8000/");
	ck_assert_int_eq(ini_set_path(&d.ini, "--set", "request.a.b.weight", "3"), 0);
	ck_assert_int_eq(ini_set_path(&d.ini, "--set", "request.c.path", "c"), 0);
	ck_assert_int_eq(ini_set_path(&d.ini, "--set", "request.a.b.path", "b"), 0);
	p = conf_build(&d, "f", NULL, NULL, 0);
	ck_assert_uint_eq(p->n_requests, 2);
	ck_assert_str_eq(p->requests[0].name, "a.b");
	ck_assert_str_eq(p->text, "[target]\nurl = http://127.0.0.1:8000/\n[request a.b]\n"
				  "weight = 3\npath = b\n[request c]\npath = c\n");
	again = conf_plan(p->text);
	ck_assert_str_eq(again->requests[0].target, "/b");
	ck_assert_str_eq(again->sha256, p->sha256);
	plan_free(again);
	plan_free(p);
	conf_fini(&d);
	p = NULL;
	conf_read(&d, "f.ini", SHOP "[request browse]\n");
	ck_assert_int_eq(ini_set_path(&d.ini, "--set one", "request.brwose.weight", "3"), 0);
	ck_assert_int_eq(ini_set_path(&d.ini, "--set two", "request.weight", "3"), 0);
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){
				"--set one: there is no [request brwose]: did you mean 'browse'?",
				"--set two: [request] needs a name", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(too_many_requests)
{
	struct conf_doc d = {0};
	struct buf text = {0};
	struct plan *p = NULL;

	ck_assert_int_eq(buf_puts(&text, CONF_TARGET), 0);
	for (int i = 0; i < PLAN_REQUESTS_MAX; i++)
		ck_assert_int_eq(buf_printf(&text, "[request r%d]\n", i), 0);
	p = conf_plan(text.data);
	ck_assert_uint_eq(p->n_requests, PLAN_REQUESTS_MAX);
	ck_assert_str_eq(p->requests[63].name, "r63");
	plan_free(p);
	p = NULL;
	for (int i = 0; i < 936; i++)
		ck_assert_int_eq(buf_printf(&text, "[request more%d]\n", i), 0);
	conf_read(&d, "f.ini", text.data);
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"f.ini:67: the run has more than 64 named requests: "
					      "divide them among several runs (and 935 more)",
				NULL});
	conf_fini(&d);
	buf_fini(&text);
}
END_TEST

START_TEST(headers_have_a_limit_in_each_section)
{
	struct buf text = {0};
	struct plan *p;

	ck_assert_int_eq(buf_puts(&text, DEFAULTS), 0);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(buf_printf(&text, "header = X-%d: y\n", i), 0);
	ck_assert_int_eq(buf_puts(&text, "[request a]\n"), 0);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(buf_printf(&text, "header = Y-%d: y\n", i), 0);
	p = conf_plan(text.data);
	ck_assert_uint_eq(p->requests[0].n_headers, 400);
	plan_free(p);
	ck_assert_int_eq(buf_puts(&text, "header = Z: y\n[request b]\n"), 0);
	CONF_EXPECT(text.data, "f.ini:405: more than 200 headers");
	buf_fini(&text);
}
END_TEST

/* ---- auth ---- */

static const struct {
	const char *keys;
	const char *value; /* of Authorization, NULL: none */
} auths[] = {
	/* RFC 7617 section 2 has the second; RFC 6750 section 2.1. */
	{"auth = basic alice @pw", "Basic YWxpY2U6Z2VoZWlt"},
	{"auth = Basic Aladdin cred:pw", "Basic QWxhZGRpbjp4Onkgeg=="},
	{"auth = basic a user  @empty", "Basic YSB1c2VyOg=="},
	{"auth = bearer @token", "Bearer abc.DEF"},
	{"auth = BEARER\tcred:token", "Bearer from-cred"},
	{"auth = bearer cred:unknown", "Bearer "},
	{"auth = none", NULL},
};

START_TEST(auth_makes_a_header)
{
	char text[256];
	struct plan *p;

	snprintf(text, sizeof(text), DEFAULTS "%s\n", auths[_i].keys);
	p = plan_of(text);
	ck_assert_uint_eq(p->requests[0].n_headers, auths[_i].value ? 1 : 0);
	if (auths[_i].value)
		ck_assert_str_eq(value_of(p->requests, "authorization"), auths[_i].value);
	/* The text keeps the reference. */
	ck_assert_str_eq(p->text, text);
	plan_free(p);
}
END_TEST

START_TEST(auth_of_requests)
{
	struct plan *p = plan_of(SHOP "[defaults]\nauth = bearer @token\n[request same]\n"
				      "[request other]\nauth = basic u @pw\n"
				      "[request none]\nauth = none\n"
				      "[request by-hand]\nheader = Authorization: Digest x\n");

	ck_assert_str_eq(value_of(&p->requests[0], "Authorization"), "Bearer abc.DEF");
	ck_assert_str_eq(value_of(&p->requests[1], "Authorization"), "Basic dTpnZWhlaW0=");
	ck_assert_uint_eq(p->requests[1].n_headers, 1);
	ck_assert_uint_eq(p->requests[2].n_headers, 0);
	ck_assert_str_eq(value_of(&p->requests[3], "Authorization"), "Digest x");
	ck_assert_uint_eq(p->requests[3].n_headers, 1);
	plan_free(p);
	p = plan_of(SHOP "[defaults]\nheader = AUTHORIZATION: x\nheader = A: b\n[request one]\n"
			 "auth = bearer @token\n[request two]\nauth = none\n[request three]\n");
	ck_assert_uint_eq(p->requests[0].n_headers, 2);
	ck_assert_str_eq(value_of(&p->requests[0], "Authorization"), "Bearer abc.DEF");
	ck_assert_uint_eq(p->requests[1].n_headers, 1);
	ck_assert_str_eq(value_of(&p->requests[2], "Authorization"), "x");
	plan_free(p);
}
END_TEST

START_TEST(auth_and_header_of_two_files)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", DEFAULTS "auth = bearer @token\n");
	conf_set(&d, "-H", "defaults", "header", "authorization: mine");
	p = conf_build(&d, "f", "", some_files, N_FILES);
	ck_assert_uint_eq(p->requests[0].n_headers, 1);
	ck_assert_str_eq(p->requests[0].headers[0].value, "mine");
	plan_free(p);
	conf_fini(&d);
	conf_read(&d, "f.ini", DEFAULTS "header = Authorization: theirs\n");
	conf_read(&d, "over.ini", "[defaults]\nauth = bearer @token\n");
	p = conf_build(&d, "f", "", some_files, N_FILES);
	ck_assert_uint_eq(p->requests[0].n_headers, 1);
	ck_assert_str_eq(p->requests[0].headers[0].value, "Bearer abc.DEF");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* ---- what is taken and what is refused ---- */

/* After DEFAULTS, or where it begins with '[', after the target; NULL: it is fine. */
static const struct {
	const char *keys;
	const char *problem;
} contract[] = {
	/* sections and their keys */
	{"weight = 2", "f.ini:4: key 'weight' belongs in [request], not in [defaults]"},
	{"path = /x", "f.ini:4: key 'path' belongs in [request], not in [defaults]"},
	{"[request]\n", "f.ini:3: [request] needs a name, as in [request one]"},
	{"[request -a]\n", "f.ini:3: "},
	{"[request a]\nweight = 0\n", "f.ini:4: weight: '0' is out of range: 1..1000000"},
	{"[request a]\nweight = 1000000\n", NULL},
	{"[request a]\nweight = 1000001\n", "f.ini:4: weight: '1000001' is out of range"},
	{"[request a]\nweight = -1\n", "f.ini:4: weight: '-1' is out of range: 1..1000000"},
	{"[request a]\nweight = 0.5\n", "f.ini:4: weight: '0.5' is not a whole number"},
	{"[request a]\nweight = 1\nweight = 2\n", "f.ini:5: weight is given twice"},
	{"[request a]\n[request b]\n[request a]\n", "f.ini:5: "},
	{"[request a]\nrate = 2\n", "f.ini:4: key 'rate' belongs in [load], not in [request a]"},
	{"[request a]\nwieght = 2\n", "f.ini:4: unknown key 'wieght' in [request a]"},
	/* path */
	{"[request a]\npath =\n", NULL},
	{"[request a]\npath = ?page=2\n", NULL},
	{"[request a]\npath = a b\n", NULL},
	{"[request a]\npath = a:b?c=http://d/\n", NULL},
	{"[request a]\npath = http://127.0.0.1:8000/x\n", "f.ini:4: path: 'http://127"},
	{"[request a]\npath = //elsewhere.test/x\n", "f.ini:4: path: '//elsewhere"},
	{"[request a]\npath = a\x01\n", "f.ini:4: path: the path has a control"},
	/* headers, body and what they refer to */
	{"header = Transfer-Encoding: chunked",
		"f.ini:4: header: Transfer-Encoding belongs to how a body is sent: write chunked = "
		"16KiB (--set defaults.chunked=16KiB)"},
	{"header = X: cred:token", NULL},
	{"header = X: half cred:token", NULL},
	{"header = X: cred:none", "f.ini:4: header: 'cred:none' is missing"},
	{"header = X: @none", "f.ini:4: header: file 'none' is missing"},
	{"header = X: @two", "f.ini:4: header: the file for X has a control character"},
	{"body = @cart.json", NULL},
	{"body = cred:../token", "f.ini:4: body: 'cred:../token' is not a credential"},
	{"body = cred:.", "f.ini:4: body: 'cred:.' is not a credential"},
	{"body = @@none", NULL},
	{"auth = bearer @@token", "f.ini:4: auth: a secret must not be in a run file"},
	{"body = @cred:token", "f.ini:4: body: '@cred:token': write cred:token for"},
	/* chunked */
	{"chunked = 16KiB\nbody = x", NULL},
	{"chunked = 16MiB\nbody = x", NULL},
	{"chunked = 17MiB\nbody = x", "f.ini:4: chunked: '17MiB' is out of range: 0..16MiB, or no"},
	{"chunked = yes\nbody = x", "f.ini:4: chunked: 'yes' is not a size"},
	{"chunked = 16KiB", "f.ini:4: chunked: there is no body to send in chunks"},
	{"chunked = 0", NULL},
	{"chunked = 1KiB\n[request a]\n[request b]\nbody = x", NULL},
	{"chunked = 1KiB\nbody = abc\nheader = Content-Length: 3",
		"f.ini:6: header Content-Length: a body that is chunked has none"},
	{"header = Content-Length: 3\nbody = cred:unknown", NULL},
	{"[request a]\nheader = content-length: 3\nbody = ab\n[request b]\n",
		"f.ini:4: header Content-Length: 3, but the body has 2 bytes"},
	/* auth */
	{"auth = bearer abcdef", "f.ini:4: auth: a secret must not be in a run file: write it to"},
	{"auth = basic alice abcdef",
		"f.ini:4: auth: a secret must not be in a run file: write it to a file and name "
		"that, as in basic USER @FILE"},
	{"auth = basic alice:abcdef @pw", "f.ini:4: auth: the user may have no ':'"},
	{"auth = basic @pw", "f.ini:4: auth: basic has a user: write basic USER @FILE"},
	{"auth = bearer me @token", "f.ini:4: auth: bearer has no user"},
	{"auth = bearer", "f.ini:4: auth: unknown authentication: write basic"},
	{"auth = abcdef", "f.ini:4: auth: unknown authentication"},
	{"auth = digest u @pw", "f.ini:4: auth: unknown authentication"},
	{"auth = none of it", "f.ini:4: auth: unknown authentication"},
	{"auth =", "f.ini:4: auth: unknown authentication"},
	{"auth = bearer cred:a/b", "f.ini:4: auth: 'cred:a/b' is not a credential"},
	{"auth = bearer @none", "f.ini:4: auth: file 'none' is missing"},
	{"auth = bearer cred:none", "f.ini:4: auth: 'cred:none' is missing"},
	{"auth = bearer @two", "f.ini:4: auth: @two has a control character in it"},
	{"auth = basic u @two", "f.ini:4: auth: @two has a control character in it"},
	{"auth = bearer @blank", "f.ini:4: auth: @blank has a blank in it"},
	{"auth = bearer @empty", "f.ini:4: auth: @empty is empty"},
	{"auth = bearer @token\nauth = none", "f.ini:5: auth is given twice"},
	{"auth = bearer @token\nheader = authorization: x",
		"f.ini:5: auth makes the header Authorization, and header gives one"},
	{"header = Authorization: x\nauth = none\n[request a]\n[request b]\n",
		"f.ini:5: auth makes the header Authorization, and header gives one"},
	{"[request a]\nheader = Authorization: x\nauth = none\n[request b]\n",
		"f.ini:5: auth makes the header Authorization, and header gives one"},
	{"header = Authorization-Info: x\nauth = bearer @token", NULL},
	/* statuses */
	{"expect-status = 200", NULL},
	{"expect-status = 200,201 , 3xx,400-4XX", NULL},
	{"expect-status = 100-299", NULL},
	{"expect-status =", "f.ini:4: expect-status: '' is not a list of statuses"},
	{"expect-status = 20", "f.ini:4: expect-status: '20' is not a list of statuses"},
	{"expect-status = 2000", "f.ini:4: expect-status: "},
	{"expect-status = 600", "f.ini:4: expect-status: "},
	{"expect-status = 099", "f.ini:4: expect-status: "},
	{"expect-status = 2x", "f.ini:4: expect-status: "},
	{"expect-status = 200,", "f.ini:4: expect-status: "},
	{"expect-status = 200 201", "f.ini:4: expect-status: "},
	{"expect-status = 299-200", "f.ini:4: expect-status: "},
	{"expect-status = 200-", "f.ini:4: expect-status: "},
	{"expect-status = !500", "f.ini:4: expect-status: "},
	{"expect-status = 100", "f.ini:4: expect-status: '100' is never a final"},
	{"expect-status = 100,102-199", "f.ini:4: expect-status: '100,102-199' is never a final"},
	/* headers of answers */
	{"expect-header = ETag", NULL},
	{"expect-header = Content-Type: text/html; charset=utf-8", NULL},
	{"expect-header = E Tag", "f.ini:4: expect-header: 'E Tag' is not a header"},
	{"expect-header = : x", "f.ini:4: expect-header: "},
	{"expect-header =", "f.ini:4: expect-header: "},
	{"expect-header = A: x\x01", "f.ini:4: expect-header: header A has a control character"},
	/* content of answers */
	{"expect-body = @cart.json", NULL},
	{"expect-body = @none", "f.ini:4: expect-body: file 'none' is missing"},
	{"expect-size = 5B", NULL},
	{"expect-size = 0", NULL},
	{"expect-size = 1KiB..64KiB", NULL},
	{"expect-size = 1KiB..1KiB", NULL},
	{"expect-size = 1KiB..", NULL},
	{"expect-size = ..1MiB", NULL},
	{"expect-size = ..", "f.ini:4: expect-size: '..' is not a size"},
	{"expect-size = 5", NULL},
	{"expect-size = 5..10", NULL},
	{"expect-size = 10..5", "f.ini:4: expect-size: '10..5' is an empty range"},
	{"expect-size = 5.", "f.ini:4: expect-size: '5.' is not a size"},
	{"expect-size = 1KiB-2KiB", "f.ini:4: expect-size: "},
	{"expect-size = 2KiB..1KiB", "f.ini:4: expect-size: '2KiB..1KiB' is an empty range"},
	{"expect-sha256 = " OF_NOTHING, NULL},
	{"expect-sha256 = " OF_NOTHING "00", "f.ini:4: expect-sha256: "},
	{"expect-sha256 = e3b0", "f.ini:4: expect-sha256: 'e3b0' is not a SHA-256"},
	{"expect-sha256 = x", "f.ini:4: expect-sha256: "},
	/* what can never be met */
	{"method = HEAD\nexpect-body = x",
		"f.ini:5: expect-body can never be met: an answer to HEAD has no body"},
	{"expect-body = x\n[request a]\nmethod = HEAD\n",
		"f.ini:4: expect-body of request a can never be met: an answer to HEAD"},
	{"expect-body = x\n[request a]\nmethod = HEAD\nexpect-body =\n", NULL},
	{"method = HEAD\nexpect-size = 1B..", "f.ini:5: expect-size can never be met: an answer"},
	{"method = HEAD\nexpect-size = ..1B", NULL},
	{"method = HEAD\nexpect-sha256 = " OF_A, "f.ini:5: expect-sha256 can never be met"},
	{"method = HEAD\nexpect-sha256 = " OF_NOTHING, NULL},
	{"expect-status = 204,304\nexpect-body = x",
		"f.ini:5: expect-body can never be met: an answer of status 101, 204 or 304"},
	{"expect-status = 101",
		"f.ini:4: expect-status can never be met: 101 answers only a request with"},
	{"expect-status = 1xx", "f.ini:4: expect-status can never be met: 101 answers only"},
	{"expect-status = 101\nheader = Upgrade: x", NULL},
	{"expect-status = 101,200", NULL},
	{"header = upgrade: x\n[connections]\npipeline = 2",
		"f.ini:4: header Upgrade: after status 101 a connection speaks another protocol"},
	{"header = Upgrade: x\n[connections]\npipeline = 1", NULL},
	{"expect-status = 101\nheader = Upgrade: x\nexpect-body = x",
		"f.ini:6: expect-body can never be met: an answer of status 101"},
	{"expect-status = 200,204\nexpect-body = x", NULL},
	{"expect-body = four\nexpect-size = ..3B",
		"f.ini:4: expect-body can never be met: it is longer than expect-size"},
	{"expect-body = four\nexpect-size = ..4B", NULL},
	{"expect-size = 0\nexpect-sha256 = " OF_A,
		"f.ini:5: expect-sha256 can never be met: expect-size = 0"},
};

START_TEST(keys_are_taken_or_refused)
{
	const char *keys = contract[_i].keys;
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[512];

	snprintf(text, sizeof(text), "%s%s\n", *keys == '[' ? CONF_TARGET : DEFAULTS, keys);
	conf_read(&d, "f.ini", text);
	if (contract[_i].problem) {
		ck_assert_int_eq(
			plan_build("f", &d.ini, text, some_files, N_FILES, &p, &d.problems),
			-EINVAL);
		conf_expect(&d, (const char *const[]){contract[_i].problem, NULL});
		ck_assert_msg(!strstr(d.problems.texts[0], "abcdef"), "%s", d.problems.texts[0]);
	} else {
		p = conf_build(&d, "f", text, some_files, N_FILES);
	}
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(text_to_expect_has_a_limit)
{
	static char large[65538];
	const struct plan_file files[] = {{"large", large, 65536}, {"larger", large, 65537}};
	struct conf_doc d = {0};
	struct plan *p;

	memset(large, 'x', sizeof(large) - 1);
	conf_read(&d, "f.ini", DEFAULTS "expect-body = @large\n");
	p = conf_build(&d, "f", "", files, 2);
	ck_assert_uint_eq(p->requests[0].expect_body_len, 65536);
	plan_free(p);
	conf_fini(&d);
	conf_expect_problems(DEFAULTS "expect-body = @larger\n", files, 2,
		(const char *const[]){"f.ini:4: expect-body: more than 65536 bytes", NULL});
}
END_TEST

/* ---- files and credentials ---- */

START_TEST(names_of_files_and_credentials)
{
	struct conf_doc d = {0};
	const char **names;
	size_t n;

	conf_read(&d, "f.ini",
		DEFAULTS
		"auth = bearer cred:token\nheader = A: x @a\nbody = @lost\n"
		"expect-body = @want\n[request one]\nbody = cred:body\nauth = basic u @pw\n"
		"[request two]\nbody = cred:a/b\nheader = B: @cred:x\nauth = none\n"
		"[tls]\nkey = cred:key\ncertificate = cred:c/d\nca-file = ca.pem\n");
	conf_set(&d, "--data", "defaults", "body", "@data");
	names = plan_file_names(&d.ini, &n);
	ck_assert_uint_eq(n, 8);
	ck_assert_str_eq(names[0], "cred:token");
	ck_assert_str_eq(names[1], "a");
	ck_assert_str_eq(names[2], "want");
	ck_assert_str_eq(names[3], "cred:body");
	ck_assert_str_eq(names[4], "pw");
	ck_assert_str_eq(names[5], "cred:key");
	ck_assert_str_eq(names[6], "ca.pem");
	ck_assert_str_eq(names[7], "data");
	ck_assert_uint_eq(plan_file_entry(&d.ini, "cred:body")->line, 9);
	ck_assert_ptr_null(plan_file_entry(&d.ini, "cred:a/b"));
	ck_assert_str_eq(plan_credential("cred:token"), "token");
	ck_assert_ptr_null(plan_credential("token"));
	free(names);
	conf_fini(&d);
}
END_TEST

/* Values whose last word begins with '@' and is no file. */
static const struct {
	const char *value;
	const char *text;
} literals[] = {
	{"@@joe", "@joe"},
	{"mail @@joe", "mail @joe"},
	{"@a @@joe", "@a @joe"},
	{"@@a @@@b", "@@a @@b"},
	{"@@cred:token", "@cred:token"},
	{"@@", "@"},
	{"a @", "a @"},
	{"joe@shop.test", "joe@shop.test"},
};

START_TEST(text_that_begins_with_an_at)
{
	const char *value = literals[_i].value, *text = literals[_i].text;
	char file[512];
	struct plan *p;

	(void)snprintf(file, sizeof(file),
		DEFAULTS "body = %s\nheader = X-To: %s\nexpect-body = %s\n", value, value, value);
	p = plan_of(file);
	ck_assert_str_eq(p->requests[0].body, text);
	ck_assert_uint_eq(p->requests[0].body_len, strlen(text));
	ck_assert_str_eq(value_of(&p->requests[0], "X-To"), text);
	ck_assert_str_eq(p->requests[0].expect_body, text);
	plan_free(p);
}
END_TEST

START_TEST(missing_file_may_be_a_text)
{
	struct conf_doc d = {0};

	conf_read(&d, "f.ini", DEFAULTS "body = to @joe\n[tls]\nca-file = ca\n");
	plan_file_unreadable(&d.ini, "joe", "d/joe", -ENOENT, &d.problems);
	plan_file_unreadable(&d.ini, "joe", "d/joe", -EACCES, &d.problems);
	plan_file_unreadable(&d.ini, "ca", "d/ca", -ENOENT, &d.problems);
	conf_expect(
		&d, (const char *const[]){"f.ini:4: body: cannot read d/joe: No such file or "
					  "directory (to send the text itself, write @@joe)",
			    "f.ini:4: body: cannot read d/joe: Permission denied",
			    "f.ini:6: ca-file: cannot read d/ca: No such file or directory", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(no_credentials_here)
{
	struct conf_doc d = {0};

	conf_read(&d, "f.ini", DEFAULTS "auth = bearer cred:token\n");
	conf_set(&d, "-H", "defaults", "header", "X: cred:other");
	plan_file_unreadable(&d.ini, "cred:token", NULL, 0, &d.problems);
	plan_file_unreadable(&d.ini, "cred:other", NULL, 0, &d.problems);
	plan_file_unreadable(&d.ini, "cred:token", "/run/c/token", -EACCES, &d.problems);
	conf_expect(&d,
		(const char *const[]){"f.ini:4: auth: cred:token: no credentials here: "
				      "$CREDENTIALS_DIRECTORY is not set (LoadCredential= in the "
				      "unit)",
			"-H: cred:other: no credentials here: ",
			"f.ini:4: auth: cannot read /run/c/token: Permission denied", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(private_key_is_no_secret_to_send)
{
	conf_expect_problems("[target]\nurl = https://127.0.0.1/\n[tls]\ncertificate = cred:pw\n"
			     "[defaults]\nauth = basic u cred:pw\n",
		some_files, N_FILES,
		(const char *const[]){"f.ini:4: certificate: cred:pw: the file has no certificate",
			"f.ini:6: auth: 'cred:pw' is a private file of [tls]", NULL});
}
END_TEST

START_TEST(digest_covers_requests_and_no_secrets)
{
	static const char text[] = DEFAULTS "auth = basic u cred:pw\nheader = A: @a\nbody = @b\n"
					    "[request a]\n[request b]\n";
	char digests[4][DIGEST_SHA256_HEX_SIZE];

	for (size_t i = 0; i < 4; i++) {
		struct plan_file files[] = {{"cred:pw", i == 1 ? "two" : "one", 3},
			{"a", i == 1 ? "2" : "1", 1}, {"b", i == 2 ? "2" : "1", 1}};
		struct conf_doc d = {0};
		struct plan *p;

		conf_read(&d, "f.ini", text);
		if (i == 3)
			ck_assert_int_eq(ini_set_path(&d.ini, "--set", "request.a.weight", "2"), 0);
		p = conf_build(&d, "f", text, files, 3);
		memcpy(digests[i], p->sha256, sizeof(digests[i]));
		plan_free(p);
		conf_fini(&d);
	}
	ck_assert_str_eq(digests[0], digests[1]);
	ck_assert_str_ne(digests[0], digests[2]);
	ck_assert_str_ne(digests[0], digests[3]);
}
END_TEST

/* ---- in words ---- */

static void expect_words(const char *text, const char *const *wanted)
{
	struct plan *p = plan_of(text);
	struct buf b = {0};

	ck_assert_int_eq(plan_describe(p, &b), 0);
	for (; *wanted; wanted++)
		ck_assert_msg(strstr(b.data, *wanted), "'%s' is not in:\n%s", *wanted, b.data);
	ck_assert_msg(!strstr(b.data, "geheim") && !strstr(b.data, "Z2VoZWlt"), "%s", b.data);
	buf_fini(&b);
	plan_free(p);
}

START_TEST(description_of_requests)
{
	expect_words(SHOP "[defaults]\nauth = basic u @pw\n[request browse]\nweight = 8\n"
			  "path = /p\n[request buy]\nmethod = POST\nbody = @cart.json\n"
			  "chunked = 1KiB\nexpect-status = 200-202,404\nexpect-header = ETag: x\n"
			  "expect-size = 1KiB..2MiB\nexpect-body = order\n"
			  "expect-sha256 = " OF_A "\n[request x]\nauth = none\npath = x\n",
		(const char *const[]){"f: 3 requests to http://127.0.0.1:8000/shop/index?x=1\n",
			"\n  requests     browse    80%  GET  /p\n                 with Auth",
			"\n               buy       10%  POST /shop/index?x=1\n",
			"with Authorization, body of 10 bytes in chunks of 1 KiB\n",
			"expects status 200-202,404, header ETag, 1 KiB to 2 MiB, a text of 5 "
			"bytes in the body, SHA-256 ca978112...\n",
			"\n               x         10%  GET  /shop/x\n  load",
			"bytes each on average", NULL});
	/* Of what is between quotes they are a part. */
	expect_words(DEFAULTS "method = POST\nbody = 'x'\nexpect-body = \"items\"\n",
		(const char *const[]){"  with         body of 3 bytes (quotes included)\n"
				      "  expects      a text of 7 bytes (quotes included) in the "
				      "body\n",
			NULL});
	expect_words(DEFAULTS "auth = basic u @pw\nbody = x\nexpect-size = ..1B\n",
		(const char *const[]){
			"f: GET http://127.0.0.1:8000/\n  with         "
			"Authorization, body of 1 byte\n  expects      at most 1 byte\n",
			NULL});
	expect_words(
		CONF_TARGET, (const char *const[]){"f: GET http://127.0.0.1:8000/\n  load", NULL});
}
END_TEST

/* What is written there is what goes over the wire, see test_request.c. */
START_TEST(bytes_are_an_average)
{
	expect_words(CONF_TARGET "[load]\nrequests = 4\n[defaults]\nheader = User-Agent: a\n"
				 "header = Accept: a\nheader = Host: a\n"
				 "[request one]\nweight = 3\n[request two]\nmethod = POST\n"
				 "body = abcde\n[request three]\nweight = 4\nmethod = PUT\n"
				 "body = abcde\nchunked = 2B\n",
		/* 3 of 18 + 35 bytes, 1 of 19 + 35 + 19 + 5, 4 of 18 + 35 + 28 + 5 + 4 * 5 */
		(const char *const[]){"about 83 bytes each on average", NULL});
}
END_TEST

START_TEST(summary_counts_requests)
{
	struct plan *p = plan_of(SHOP "[request a]\n[request b]\n");
	struct buf b = {0};

	ck_assert_int_eq(plan_summary(p, &b), 0);
	ck_assert_str_eq(b.data, "open 100/s for 10s, 2 kinds of requests");
	buf_fini(&b);
	plan_free(p);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("plan_requests");
	TCase *requests = tcase_create("requests");
	TCase *values = tcase_create("values");
	TCase *words = tcase_create("words");

	tcase_add_test(requests, without_names_there_is_one);
	tcase_add_loop_test(requests, statuses_in_words, 0, 4);
	tcase_add_test(requests, requests_in_the_order_of_the_file);
	tcase_add_test(requests, single_values_come_from_defaults);
	tcase_add_test(requests, headers_go_by_name);
	tcase_add_test(requests, overlays_and_flags);
	tcase_add_test(requests, flags_name_requests_where_no_file_does);
	tcase_add_test(requests, too_many_requests);
	tcase_add_test(requests, headers_have_a_limit_in_each_section);
	suite_add_tcase(s, requests);
	tcase_add_loop_test(values, auth_makes_a_header, 0, N(auths));
	tcase_add_test(values, auth_of_requests);
	tcase_add_test(values, auth_and_header_of_two_files);
	tcase_add_loop_test(values, keys_are_taken_or_refused, 0, N(contract));
	tcase_add_test(values, text_to_expect_has_a_limit);
	tcase_add_test(values, names_of_files_and_credentials);
	tcase_add_loop_test(values, text_that_begins_with_an_at, 0,
		(int)(sizeof(literals) / sizeof(literals[0])));
	tcase_add_test(values, missing_file_may_be_a_text);
	tcase_add_test(values, no_credentials_here);
	tcase_add_test(values, private_key_is_no_secret_to_send);
	tcase_add_test(values, digest_covers_requests_and_no_secrets);
	suite_add_tcase(s, values);
	tcase_add_test(words, description_of_requests);
	tcase_add_test(words, bytes_are_an_average);
	tcase_add_test(words, summary_counts_requests);
	suite_add_tcase(s, words);
	return suite_main(s);
}
