/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzer has kept, fed to the parser again by the same property, so that a finding stays
 * found; and the same for the table. */
#include <check.h>
#include <dirent.h>

#include "tests/fuzz/http1_property.h"
#include "tests/unit/http/http1_cases.h"

#define CORPUS "tests/fuzz/corpus/http1"

static size_t read_file(const char *name, uint8_t *data, size_t size)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), CORPUS "/%s", name);
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s", path);
	n = fread(data, 1, size, f);
	ck_assert_int_eq(ferror(f), 0);
	fclose(f);
	return n;
}

START_TEST(test_corpus)
{
	static uint8_t data[HTTP1_PROPERTY_MAX + 1];
	size_t n = 0;
	struct dirent *e;
	DIR *dir = opendir(CORPUS);

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		http1_property_holds(data, read_file(e->d_name, data, sizeof(data)));
		n++;
	}
	closedir(dir);
	ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(test_table)
{
	static uint8_t data[4096];

	for (size_t i = 0; i < N_CASES; i++) {
		const struct http1_case *c = &cases[i];

		memcpy(data + 1, c->taken, c->taken_len);
		memcpy(data + 1 + c->taken_len, c->rest, c->rest_len);
		for (unsigned how = 0; how < 256; how += 5) {
			data[0] = (uint8_t)how;
			http1_property_holds(data, 1 + c->taken_len + c->rest_len);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http1_corpus");
	TCase *tcase = tcase_create("corpus");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_corpus);
	tcase_add_test(tcase, test_table);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
