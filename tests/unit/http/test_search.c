/* SPDX-License-Identifier: Apache-2.0 */
/* The search against the plainest one there is: every pattern and text over a small alphabet, every
 * split, long texts that repeat themselves, and time that grows with the text alone. */
#include "daemon/http/search.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static bool found_plainly(const char *pattern, size_t len, const char *text, size_t n)
{
	for (size_t at = 0; at + len <= n; at++)
		if (memcmp(text + at, pattern, len) == 0)
			return true;
	return false;
}

/* In pieces of `size` bytes, the first of `first`. Each piece is a copy that ends where it ends. */
static bool found_in_pieces(
	const char *pattern, size_t len, const char *text, size_t n, size_t first, size_t size)
{
	struct search_table table;
	struct search s;
	bool is_found;
	size_t at = 0;

	suite_assert(search_table_init(&table, pattern, len) == 0);
	search_start(&s);
	is_found = search_feed(&s, &table, text, 0);
	while (at < n) {
		size_t piece = at == 0 && first > 0 ? first : size;

		if (piece > n - at)
			piece = n - at;
		is_found = search_feed(&s, &table, text + at, piece);
		at += piece;
	}
	search_table_fini(&table);
	return is_found;
}

static void expect_same(const char *pattern, size_t len, const char *text, size_t n, size_t size)
{
	bool expected = found_plainly(pattern, len, text, n);

	suite_assert_msg(found_in_pieces(pattern, len, text, n, 0, size) == expected,
		"%.*s in %.*s by %zu", (int)len, pattern, (int)n, text, size);
}

static void spell(unsigned number, unsigned n_letters, char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		text[i] = (char)('a' + number % n_letters);
		number /= n_letters;
	}
}

/* _i: the pattern's length. */
START_TEST(test_every_text_of_two_letters)
{
	size_t len = (size_t)_i, n = 10;
	char pattern[16], text[16];

	for (unsigned p = 0; p < 1u << len; p++) {
		spell(p, 2, pattern, len);
		for (unsigned t = 0; t < 1u << n; t++) {
			spell(t, 2, text, n);
			expect_same(pattern, len, text, n, 1);
			expect_same(pattern, len, text, n, 3);
			for (size_t split = 1; split < n; split += 3)
				suite_assert(found_in_pieces(pattern, len, text, n, split, n) ==
					     found_plainly(pattern, len, text, n));
		}
	}
}
END_TEST

START_TEST(test_every_text_of_three_letters)
{
	size_t len = (size_t)_i, n = 7;
	char pattern[16], text[16];
	unsigned n_patterns = 1, n_texts = 2187;

	for (size_t i = 0; i < len; i++)
		n_patterns *= 3;
	for (unsigned p = 0; p < n_patterns; p++) {
		spell(p, 3, pattern, len);
		for (unsigned t = 0; t < n_texts; t++) {
			spell(t, 3, text, n);
			expect_same(pattern, len, text, n, 1);
		}
	}
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Long words with structure: a few blocks, repeated, with a letter changed here and there. */
static size_t invent(uint32_t *random, char *text, size_t max)
{
	size_t block = 1 + next_random(random) % 9, n = 0;

	while (n < max - 1 && next_random(random) % 64 != 0) {
		if (n < block || next_random(random) % 24 == 0)
			text[n] = (char)('a' + next_random(random) % 2);
		else
			text[n] = text[n - block];
		if (next_random(random) % 50 == 0)
			block = 1 + next_random(random) % 9;
		n++;
	}
	return n;
}

START_TEST(test_words_that_repeat_themselves)
{
	uint32_t random = (uint32_t)_i;
	char text[600];

	for (int round = 0; round < 400; round++) {
		size_t n = 0, from, len;
		char pattern[600];

		for (int i = 0; i < 6; i++)
			n += invent(&random, text + n, sizeof(text) / 6);
		if (n < 4)
			continue;
		from = next_random(&random) % (n / 2);
		len = 1 + next_random(&random) % (n - from);
		memcpy(pattern, text + from, len);
		ck_assert(found_in_pieces(pattern, len, text, n, 0, 1));
		ck_assert(found_in_pieces(pattern, len, text, n, 0, 1 + (size_t)round % 17));
		pattern[next_random(&random) % len] ^= 3; /* 'a' and 'b' change places */
		expect_same(pattern, len, text, n, 1);
		expect_same(pattern, len, text, n, 1 + (size_t)round % 17);
	}
}
END_TEST

/* Where a search begins anew for each candidate these take hours, not parts of a second. */
START_TEST(test_time_grows_with_the_text_alone)
{
	size_t len = 200 * 1000, n = 2 * 1000 * 1000;
	char *pattern = malloc(len), *text = malloc(n);

	ck_assert(pattern && text);
	memset(text, 'a', n);
	memset(pattern, 'a', len);
	pattern[len - 1] = 'b';
	ck_assert(!found_in_pieces(pattern, len, text, n, 0, 1));
	pattern[len - 1] = 'a';
	pattern[len / 2] = 'b';
	ck_assert(!found_in_pieces(pattern, len, text, n, 0, 1));
	pattern[len / 2] = 'a';
	pattern[0] = 'b';
	ck_assert(!found_in_pieces(pattern, len, text, n, 0, 1));
	/* The text is nearly the pattern, over and over. */
	memset(pattern, 'a', len);
	for (size_t at = 999; at < n; at += 1000)
		text[at] = 'c';
	memcpy(pattern, text, len);
	pattern[len - 2] = 'b';
	ck_assert(!found_in_pieces(pattern, len, text, n, 0, 1));
	ck_assert(!found_in_pieces(pattern, len, text, n, 0, 777));
	memcpy(text + n - len, pattern, len);
	ck_assert(found_in_pieces(pattern, len, text, n, 0, 777));
	free(pattern);
	free(text);
}
END_TEST

/* Fibonacci's words are where most of a matched candidate must be passed over at once. */
START_TEST(test_fibonacci)
{
	static char words[2][60000];
	size_t before = 1, len = 1;
	int now = 0;

	words[0][0] = 'b';
	words[1][0] = 'a';
	for (int i = 0; i < 21; i++) {
		int last = !now;

		/* words[now] was the one before last, words[last] the last. */
		memmove(words[now] + len, words[now], before);
		memcpy(words[now], words[last], len);
		len += before;
		before = len - before;
		now = last;
	}
	now = !now;
	for (size_t cut = 2; cut < 40; cut++) {
		size_t pattern_len = len / cut;
		char *pattern = malloc(pattern_len);

		ck_assert_ptr_nonnull(pattern);
		memcpy(pattern, words[now], pattern_len);
		ck_assert(found_in_pieces(pattern, pattern_len, words[now], len, 0, 1));
		pattern[pattern_len - 1] ^= 3;
		ck_assert_int_eq(found_in_pieces(pattern, pattern_len, words[now], len, 0, 1),
			memmem(words[now], len, pattern, pattern_len) != NULL);
		pattern[pattern_len - 1] = 'c';
		ck_assert(!found_in_pieces(pattern, pattern_len, words[now], len, 0, 1));
		free(pattern);
	}
}
END_TEST

START_TEST(test_edges)
{
	struct search_table x, empty, two;
	struct search s;

	ck_assert_int_eq(search_table_init(&x, "x", 1), 0);
	ck_assert_int_eq(search_table_init(&empty, "", 0), 0);
	ck_assert_int_eq(search_table_init(&two, "\0\xff", 2), 0);
	search_start(&s);
	ck_assert(!search_feed(&s, &x, "", 0));
	ck_assert(search_feed(&s, &empty, "", 0)); /* nothing is everywhere */
	search_start(&s);
	ck_assert(!search_feed(&s, &two, "a\0", 2));
	ck_assert(search_feed(&s, &two, "\xff", 1));
	ck_assert(search_feed(&s, &two, "zzz", 3)); /* found stays found */
	search_start(&s);
	ck_assert(!search_feed(&s, &two, "\xff", 1)); /* and is forgotten */
	search_table_fini(&x);
	search_table_fini(&empty);
	search_table_fini(&two);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("search");
	TCase *tcase = tcase_create("search");

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, test_every_text_of_two_letters, 1, 7);
	tcase_add_loop_test(tcase, test_every_text_of_three_letters, 1, 5);
	tcase_add_loop_test(tcase, test_words_that_repeat_themselves, 0, 8);
	tcase_add_test(tcase, test_time_grows_with_the_text_alone);
	tcase_add_test(tcase, test_fibonacci);
	tcase_add_test(tcase, test_edges);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
