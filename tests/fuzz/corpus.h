/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds every file of a corpus to a property, for the tests that replay it. Include after check.h.
 */
#pragma once

#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define CORPUS_FILE_MAX (1u << 20)

/* Each input in memory of just its size, where a sanitizer sees a read past its end. */
static inline void corpus_feed(const char *path, void (*property)(const uint8_t *, size_t))
{
	static uint8_t data[CORPUS_FILE_MAX];
	FILE *f = fopen(path, "re");
	uint8_t *input;
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(data, 1, sizeof(data), f);
	ck_assert_int_eq(ferror(f), 0);
	fclose(f);
	input = malloc(n > 0 ? n : 1);
	ck_assert_ptr_nonnull(input);
	for (size_t i = 0; i < n; i++)
		input[i] = data[i];
	property(input, n);
	free(input);
}

/* Returns how many there were. */
static inline size_t corpus_replay(const char *folder, void (*property)(const uint8_t *, size_t))
{
	DIR *dir = opendir(folder);
	char path[512];
	struct dirent *e;
	size_t n = 0;

	ck_assert_msg(dir != NULL, "%s", folder);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		corpus_feed(path, property);
		n++;
	}
	closedir(dir);
	return n;
}

/* A test program of one corpus alone: tests/fuzz/corpus/NAME, which has so many files or more. */
#define CORPUS_MAIN(name, n_least)                                                                 \
	START_TEST(test_corpus)                                                                    \
	{                                                                                          \
		ck_assert_uint_ge(                                                                 \
			corpus_replay("tests/fuzz/corpus/" #name, name##_property_holds),          \
			n_least);                                                                  \
	}                                                                                          \
	END_TEST                                                                                   \
	int main(void)                                                                             \
	{                                                                                          \
		Suite *suite = suite_create(#name "_corpus");                                      \
		TCase *tcase = tcase_create("corpus");                                             \
                                                                                                   \
		tcase_set_timeout(tcase, 60);                                                      \
		tcase_add_test(tcase, test_corpus);                                                \
		suite_add_tcase(suite, tcase);                                                     \
		return suite_main(suite);                                                          \
	}
