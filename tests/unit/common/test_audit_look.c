/* SPDX-License-Identifier: Apache-2.0 */
/* The command that shows one answer: of the request that failed most, as the run sends it. */
#include <stdlib.h>

#include "common/result/audit.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_judged.h"

#define LOOK "look at one answer: curl "
#define LOOK_WITH(what) "look at one answer (add its " what "): curl "

static const struct {
	const char *url, *connect_to;
	bool is_tls;
	struct audit_run_request request;
	const char *try_text;
} one[] = {
	{"http://shop.test/", "127.0.0.1:18560", false, {"", "GET", "/", 0, 0, 0},
		LOOK "-i --connect-to ::127.0.0.1:18560 http://shop.test/"},
	{"http://shop.test/", "10.0.0.7", false, {"", "GET", "/", 0, 0, 0},
		LOOK "-i --connect-to ::10.0.0.7: http://shop.test/"},
	{"http://shop.test/", "[::1]:81", false, {"", "GET", "/", 0, 0, 0},
		LOOK "-i --connect-to '::[::1]:81' http://shop.test/"},
	{"http://shop.test/", "::1", false, {"", "GET", "/", 0, 0, 0},
		LOOK "-i --connect-to '::[::1]:' http://shop.test/"},
	/* The path of [request NAME], not that of the URL. */
	{"http://shop.test:81/start?x=1", NULL, false, {"buy", "GET", "/cart?a=1&b=2", 0, 0, 0},
		LOOK "-i 'http://shop.test:81/cart?a=1&b=2'"},
	{"unix:/run/app.sock:/start", NULL, false, {"buy", "PUT", "/cart", 0, 0, 0},
		LOOK "-i -X PUT --unix-socket /run/app.sock http://localhost/cart"},
	{"http://shop.test", NULL, false, {"", "POST", "/a", 3, 0, 0},
		LOOK_WITH("body") "-i -X POST http://shop.test/a"},
	{"http://shop.test/", NULL, false, {"", "GET", "/", 0, 2, 0},
		LOOK_WITH("headers") "-i http://shop.test/"},
	{"https://shop.test/", "10.0.0.7:8443", true, {"", "POST", "/", 3, 1, 0},
		LOOK_WITH("body and headers") "-i -X POST --connect-to ::10.0.0.7:8443 "
					      "https://shop.test/"},
	/* Nothing of a document that might do something else in a shell. */
	{"http://shop.test/", "10.0.0.7;'x", false, {"", "GET", "/", 0, 0, 0}, LOOK "-i URL"},
	{"http://shop.test/", NULL, false, {"", "GET", "/'", 0, 0, 0}, LOOK "-i URL"},
	{"http://shop.test/", NULL, false, {"", "GE T", "/", 0, 0, 0}, LOOK "-i URL"},
	{"http://shop.test/", NULL, false,
		{"", "GET",
			"/a-path-that-is-so-long-that-no-command-has-room-for-it-and-it-goes-on-"
			"and-on-and-on-until-no-more-fits-and-yet-a-bit-more-so-that-it-is-cut/////"
			"////////////"
			"////////////////////////////////////////////////////////////////////////",
			0, 0, 0},
		LOOK "-i URL"},
};

START_TEST(test_the_only_request)
{
	struct audit_run in = audit_run_well();

	spoil(&in, LEDGER_HTTP_ERROR, 18000);
	in.answers = 30000;
	in.url = one[_i].url;
	in.connect_to = one[_i].connect_to;
	in.is_tls = one[_i].is_tls;
	in.requests = &one[_i].request;
	in.n_requests = 1;
	ck_assert_str_eq(judged(&in).try_text, one[_i].try_text);
}
END_TEST

START_TEST(test_the_request_that_failed_most)
{
	static const struct audit_run_request requests[] = {
		{"list", "GET", "/list", 0, 0, 10},
		{"buy", "POST", "/cart", 3, 0, 5980},
		{"pay", "POST", "/pay", 9, 1, 10},
	};
	struct audit_run in = audit_run_well();

	spoil(&in, LEDGER_HTTP_ERROR, 6000);
	in.answers = 30000;
	in.url = "http://shop.test/start";
	in.method = "GET";
	in.requests = requests;
	in.n_requests = 3;
	ck_assert_str_eq(judged(&in).try_text, "look at one answer of [request buy] (add its "
					       "body): curl -i -X POST http://shop.test/cart");
	/* What it looked like is not known of an older document. */
	in.url = NULL;
	ck_assert_str_eq(judged(&in).try_text, "look at one answer of [request buy]: curl -i URL");
}
END_TEST

/* Not one answer in time: the server may only be slower than the timeout. */
START_TEST(test_a_timeout_that_is_too_short)
{
	static const char advice[] = "a longer --timeout if an answer takes more than 100 ms; ";
	struct audit_run in = audit_run_well();
	char url[200] = "http://shop.test/", wanted[300];

	spoil(&in, LEDGER_TIMEOUT, 30000);
	in.response_p50 = in.response_p99 = in.service_p50 = in.service_p99 = -1;
	in.url = url;
	in.request_timeout = 100 * NSEC_PER_MSEC;
	(void)snprintf(wanted, sizeof(wanted), "%s" LOOK "-i %s", advice, url);
	ck_assert_str_eq(judged(&in).try_text, wanted);
	/* Where there is no room for both, what can be pasted is whole. */
	memset(url + strlen(url), 'x', 160);
	(void)snprintf(wanted, sizeof(wanted), LOOK "-i %s", url);
	ck_assert_str_eq(judged(&in).try_text, wanted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit: look at one answer");
	TCase *t = tcase_create("look");

	tcase_add_loop_test(t, test_the_only_request, 0, sizeof(one) / sizeof(one[0]));
	tcase_add_test(t, test_the_request_that_failed_most);
	tcase_add_test(t, test_a_timeout_that_is_too_short);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
