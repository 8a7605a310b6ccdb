/* SPDX-License-Identifier: Apache-2.0 */
/* The durations of an exchange: response = our delay + connection wait + service, always. */
#include "daemon/engine/exchange.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

static const struct {
	int64_t planned_ns, picked_ns, sent_ns, done_ns;
} stamps[] = {
	{0, 0, 0, 0},
	{1000, 1010, 1100, 2100},
	{1000, 1000, 1000, 1001}, /* at once */
	{1, INT64_C(4000000000000), INT64_C(4000000000000),
		INT64_C(7600000000000)}, /* an hour late */
	{INT64_MAX - 9, INT64_MAX - 6, INT64_MAX - 2, INT64_MAX},
};

START_TEST(parts_make_the_response_time)
{
	struct exchange x = {.planned_ns = stamps[_i].planned_ns,
		.picked_ns = stamps[_i].picked_ns,
		.sent_ns = stamps[_i].sent_ns,
		.done_ns = stamps[_i].done_ns};

	ck_assert_int_eq(exchange_response_ns(&x), exchange_our_delay_ns(&x) +
							   exchange_connection_wait_ns(&x) +
							   exchange_service_ns(&x));
	ck_assert_int_ge(exchange_our_delay_ns(&x), 0);
	ck_assert_int_ge(exchange_connection_wait_ns(&x), 0);
	ck_assert_int_ge(exchange_service_ns(&x), 0);
}
END_TEST

START_TEST(each_part_is_what_its_name_says)
{
	struct exchange x = {
		.planned_ns = 1000, .picked_ns = 1010, .sent_ns = 1110, .done_ns = 2110};

	ck_assert_int_eq(exchange_our_delay_ns(&x), 10);
	ck_assert_int_eq(exchange_connection_wait_ns(&x), 100);
	ck_assert_int_eq(exchange_service_ns(&x), 1000);
	ck_assert_int_eq(exchange_response_ns(&x), 1110);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exchange");
	TCase *t = tcase_create("exchange");

	tcase_add_loop_test(t, parts_make_the_response_time, 0, sizeof(stamps) / sizeof(stamps[0]));
	tcase_add_test(t, each_part_is_what_its_name_says);
	suite_add_tcase(s, t);
	return suite_main(s);
}
