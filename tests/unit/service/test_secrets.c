/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "daemon/service/secrets.h"

static const struct {
	const char *text;
	const char *shown;
} test_texts[] = {
	{"", ""},
	{"\n", "\n"},
	{"[load]\nrate = 5\n", "[load]\nrate = 5\n"},
	{"header = Authorization: Bearer abc\n", "header = Authorization: ***\n"},
	{"header = Authorization: Bearer abc", "header = Authorization: ***"},
	{"header=Cookie:a=b; c=d\nrate = 5\n", "header=Cookie: ***\nrate = 5\n"},
	{"header = X-Api-Key: 1 2\r\n", "header = X-Api-Key: ***\n"},
	{"header = X-AUTH-TOKEN: 1\n", "header = X-AUTH-TOKEN: ***\n"},
	{"header = proxy-authorization: x\n", "header = proxy-authorization: ***\n"},
	{"; header = Cookie: old\n", "; header = Cookie: ***\n"},
	{"header = Authorization: Bearer @token\n", "header = Authorization: Bearer @token\n"},
	{"header = Authorization: cred:token \n", "header = Authorization: cred:token \n"},
	{"header = Authorization: a@b c\n", "header = Authorization: ***\n"},
	{"header = Authorization: a @\n", "header = Authorization: ***\n"},
	{"header = Accept: text/html\n", "header = Accept: text/html\n"},
	{"header = nonsense\nheader\n", "header = nonsense\nheader\n"},
	{"url = http://a.test/?key:1\n", "url = http://a.test/?key:1\n"},
};

START_TEST(secrets_are_masked_and_nothing_else)
{
	const char *text = test_texts[_i].text;
	struct buf out = {0};

	ck_assert_int_eq(secrets_mask(text, strlen(text), &out), 0);
	ck_assert_str_eq(out.data ? out.data : "", test_texts[_i].shown);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secrets");
	TCase *t = tcase_create("secrets");
	SRunner *runner;
	int n_failed;

	tcase_add_loop_test(t, secrets_are_masked_and_nothing_else, 0,
		(int)(sizeof(test_texts) / sizeof(test_texts[0])));
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? 0 : 1;
}
