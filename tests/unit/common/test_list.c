/* SPDX-License-Identifier: Apache-2.0 */
/* list: order, harmless double removal, and removal while walking. */
#include "common/list.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

struct item {
	int number;
	struct list link;
};

static struct item items[5];
static struct list head;

static void setup(void)
{
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		list_init(&items[i].link);
	}
}

/* The list holds exactly the numbers of digits, seen from both ends. */
static void assert_order(const struct list *l, const char *digits)
{
	const struct list *node = l;

	for (const char *c = digits; *c; c++) {
		ck_assert_ptr_eq(node->next->prev, node);
		node = node->next;
		ck_assert_ptr_ne(node, l);
		ck_assert_int_eq(container_of(node, struct item, link)->number, *c - '0');
	}
	ck_assert_ptr_eq(node->next, l);
	ck_assert_ptr_eq(l->prev, node);
	ck_assert_int_eq(list_empty(l), *digits == '\0');
}

START_TEST(pushes_and_pops)
{
	assert_order(&head, "");
	ck_assert_ptr_null(list_pop_front(&head));
	list_push_back(&head, &items[1].link);
	list_push_back(&head, &items[2].link);
	list_push_front(&head, &items[0].link);
	list_insert_after(&items[1].link, &items[4].link);
	assert_order(&head, "0142");
	ck_assert_ptr_eq(list_pop_front(&head), &items[0].link);
	ck_assert(list_empty(&items[0].link));
	assert_order(&head, "142");
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(list_pop_front(&head));
	ck_assert_ptr_null(list_pop_front(&head));
	assert_order(&head, "");
}
END_TEST

START_TEST(removes_from_anywhere_twice)
{
	for (int i = 0; i < 5; i++)
		list_push_back(&head, &items[i].link);
	list_remove(&items[_i].link);
	list_remove(&items[_i].link);
	ck_assert(list_empty(&items[_i].link));
	list_push_back(&head, &items[_i].link);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(container_of(list_pop_front(&head), struct item, link)->number,
			i < _i ? i : i + 1);
	ck_assert_ptr_eq(list_pop_front(&head), &items[_i].link);
}
END_TEST

START_TEST(splices)
{
	struct list from;

	list_init(&from);
	list_splice_back(&head, &from);
	assert_order(&head, "");
	list_push_back(&from, &items[0].link);
	list_push_back(&from, &items[1].link);
	list_splice_back(&head, &from);
	assert_order(&head, "01");
	assert_order(&from, "");
	list_push_back(&from, &items[2].link);
	list_push_back(&from, &items[3].link);
	list_splice_back(&head, &from);
	assert_order(&head, "0123");
	assert_order(&from, "");
	list_splice_back(&head, &from);
	assert_order(&head, "0123");
}
END_TEST

START_TEST(walks)
{
	int n = 0;

	list_for_each (node, &head)
		ck_abort_msg("walked an empty list");
	for (int i = 0; i < 5; i++)
		list_push_back(&head, &items[i].link);
	list_for_each (node, &head)
		ck_assert_int_eq(container_of(node, struct item, link)->number, n++);
	ck_assert_int_eq(n, 5);
}
END_TEST

START_TEST(walks_while_removing)
{
	int n = 0;

	for (int i = 0; i < 5; i++)
		list_push_back(&head, &items[i].link);
	list_for_each_safe (node, &head) {
		ck_assert_int_eq(container_of(node, struct item, link)->number, n);
		if (n++ % 2 == 0)
			list_remove(node);
	}
	ck_assert_int_eq(n, 5);
	assert_order(&head, "13");
	list_for_each_safe (node, &head)
		list_remove(node);
	assert_order(&head, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = tcase_create("list");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, pushes_and_pops);
	tcase_add_loop_test(tcase, removes_from_anywhere_twice, 0, 5);
	tcase_add_test(tcase, splices);
	tcase_add_test(tcase, walks);
	tcase_add_test(tcase, walks_while_removing);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
