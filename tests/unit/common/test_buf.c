/* SPDX-License-Identifier: Apache-2.0 */
/* buf: bytes come out as they went in, a NUL always follows, failure changes nothing. */
#include "common/buf.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

START_TEST(starts_empty)
{
	struct buf b = {0};

	ck_assert_ptr_null(b.data);
	buf_consume(&b, 5);
	ck_assert_int_eq(buf_append(&b, NULL, 0), 0);
	ck_assert_str_eq(b.data, "");
	ck_assert_uint_eq(b.len, 0);
	buf_fini(&b);
	buf_fini(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(appends_bytes_and_text)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_append(&b, "a\0b", 3), 0);
	ck_assert_int_eq(buf_puts(&b, "cd"), 0);
	ck_assert_int_eq(buf_printf(&b, "-%04d-%s", 42, "e"), 0);
	ck_assert_uint_eq(b.len, 12);
	ck_assert_mem_eq(b.data, "a\0bcd-0042-e", 13);
	buf_fini(&b);
}
END_TEST

/* Every length around the sizes where memory is taken anew. */
START_TEST(grows_at_every_length)
{
	struct buf b = {0};
	char byte;

	for (int i = 0; i < _i; i++) {
		byte = (char)('a' + i % 26);
		ck_assert_int_eq(buf_append(&b, &byte, 1), 0);
	}
	ck_assert_int_eq(buf_printf(&b, "%s", "end"), 0);
	ck_assert_uint_eq(b.len, (size_t)_i + 3);
	ck_assert_uint_eq(strlen(b.data), b.len);
	ck_assert_str_eq(b.data + _i, "end");
	for (int i = 0; i < _i; i++)
		ck_assert_int_eq(b.data[i], 'a' + i % 26);
	buf_fini(&b);
}
END_TEST

START_TEST(prints_long_text)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_printf(&b, "%0*d", 100000, 7), 0);
	ck_assert_uint_eq(b.len, 100000);
	ck_assert_int_eq(b.data[99999], '7');
	buf_fini(&b);
}
END_TEST

START_TEST(reserve_leaves_room_and_a_nul)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "head"), 0);
	ck_assert_int_eq(buf_reserve(&b, 1000), 0);
	ck_assert_uint_eq(b.len, 4);
	memset(b.data + b.len, 'x', 600);
	b.len += 600;
	ck_assert_uint_eq(strlen(b.data), 604);
	/* The same room again, filled to the last byte. */
	ck_assert_int_eq(buf_reserve(&b, 1000), 0);
	memset(b.data + b.len, 'y', 1000);
	b.len += 1000;
	ck_assert_uint_eq(strlen(b.data), 1604);
	/* What stood there before does not show through. */
	buf_consume(&b, 1600);
	ck_assert_int_eq(buf_reserve(&b, 1000), 0);
	memcpy(b.data + b.len, "end", 3);
	b.len += 3;
	ck_assert_str_eq(b.data, "yyyyend");
	buf_fini(&b);
}
END_TEST

START_TEST(consumes_from_the_front)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "0123456789"), 0);
	buf_consume(&b, 0);
	ck_assert_str_eq(b.data, "0123456789");
	buf_consume(&b, 4);
	ck_assert_str_eq(b.data, "456789");
	ck_assert_uint_eq(b.len, 6);
	ck_assert_int_eq(buf_puts(&b, "ab"), 0);
	ck_assert_str_eq(b.data, "456789ab");
	buf_consume(&b, SIZE_MAX);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(b.data, "");
	buf_fini(&b);
}
END_TEST

START_TEST(too_much_leaves_it_alone)
{
	struct buf b = {0};
	const char *data;

	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ck_assert_ptr_null(b.data);
	ck_assert_int_eq(buf_puts(&b, "kept"), 0);
	data = b.data;
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
	ck_assert_int_eq(buf_append(&b, data, SIZE_MAX - 3), -ENOMEM);
	ck_assert_ptr_eq(b.data, data);
	ck_assert_str_eq(b.data, "kept");
	ck_assert_uint_eq(b.len, 4);
	buf_fini(&b);
}
END_TEST

START_TEST(cuts_at_the_end)
{
	struct buf b = {0};

	buf_cut(&b, 0);
	ck_assert_int_eq(buf_puts(&b, "abcdef"), 0);
	buf_cut(&b, 7);
	ck_assert_str_eq(b.data, "abcdef");
	buf_cut(&b, 4);
	ck_assert_str_eq(b.data, "abcd");
	ck_assert_uint_eq(b.len, 4);
	buf_cut(&b, 0);
	ck_assert_str_eq(b.data, "");
	buf_fini(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buf");
	TCase *tcase = tcase_create("buf");

	tcase_add_test(tcase, starts_empty);
	tcase_add_test(tcase, appends_bytes_and_text);
	tcase_add_loop_test(tcase, grows_at_every_length, 55, 70);
	tcase_add_loop_test(tcase, grows_at_every_length, 120, 132);
	tcase_add_test(tcase, prints_long_text);
	tcase_add_test(tcase, reserve_leaves_room_and_a_nul);
	tcase_add_test(tcase, consumes_from_the_front);
	tcase_add_test(tcase, cuts_at_the_end);
	tcase_add_test(tcase, too_much_leaves_it_alone);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
