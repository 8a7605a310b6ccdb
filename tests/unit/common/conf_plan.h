/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of plans: one from text, or the problems it has. */
#pragma once

#include <check.h>
#include <errno.h>

#include "common/plan/plan.h"
#include "tests/unit/common/conf_doc.h"

#define CONF_TARGET "[target]\nurl = http://127.0.0.1:8000/\n"

static inline struct plan *conf_build(struct conf_doc *d, const char *name, const char *text,
	const struct plan_file *files, size_t n_files)
{
	struct plan *p = NULL;
	int r;

	r = plan_build(name, &d->ini, text, files, n_files, &p, &d->problems);
	ck_assert_msg(r == 0, "%d: %s", r, conf_problems(d));
	ck_assert_ptr_nonnull(p);
	return p;
}

/* The plan of one run file; ended by plan_free. */
static inline struct plan *conf_plan(const char *text)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	p = conf_build(&d, "f", text, NULL, 0);
	conf_fini(&d);
	return p;
}

static inline void conf_expect_problems(
	const char *text, const struct plan_file *files, size_t n_files, const char *const *wanted)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", text);
	ck_assert_int_eq(plan_build("f", &d.ini, text, files, n_files, &p, &d.problems), -EINVAL);
	ck_assert_ptr_null(p);
	conf_expect(&d, wanted);
	conf_fini(&d);
}

#define CONF_EXPECT(text, ...)                                                                     \
	conf_expect_problems(text, NULL, 0, (const char *const[]){__VA_ARGS__, NULL})

static inline void conf_expect_rate(struct rate got, uint64_t num, uint64_t den)
{
	ck_assert_uint_eq(got.num, num);
	ck_assert_uint_eq(got.den, den);
}
