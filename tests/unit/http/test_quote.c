/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/quote.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static const struct {
	const char *data;
	size_t len, max;
	const char *text;
} rows[] = {
	{"", 0, 8, ""},
	{"220 mail", 8, 40, "220 mail"},
	{"a\r\nb\tc", 6, 40, "a  b c"},
	{"a\0b", 3, 40, "a?b"},
	{"12345678", 8, 8, "12345678..."}, /* more may have followed */
	{"123456789", 9, 8, "12345678..."},
	/* No character is cut. */
	{"1234567\xc3\xa4", 9, 8, "1234567..."},
	{"123456\xe2\x82\xac", 9, 8, "123456..."},
};

START_TEST(test_quote)
{
	struct quote q;

	ck_assert_str_eq(quote_bytes(&q, rows[_i].data, rows[_i].len, rows[_i].max), rows[_i].text);
}
END_TEST

/* The longest fits, whatever it consists of. */
START_TEST(test_longest)
{
	char data[2 * QUOTE_MAX];
	struct quote q;

	memset(data, _i, sizeof(data));
	ck_assert_uint_le(strlen(quote_bytes(&q, data, sizeof(data), QUOTE_MAX)), QUOTE_MAX + 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quote");
	TCase *t = tcase_create("quote");

	tcase_add_loop_test(t, test_quote, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, test_longest, 0, 256);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
