/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of reports: recorded documents, changes of them, and their text in a form. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json_path.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "tests/support/recorded.h"

/* object: its path in the document. Steals the value. */
static inline void fixture_set(json_t *doc, const char *object, const char *name, json_t *value)
{
	json_t *at = (json_t *)json_path_at(doc, object);

	ck_assert_msg(json_object_set_new(at, name, value) == 0, "%s.%s", object, name);
}

/* The caller frees it. */
static inline char *fixture_render(
	const struct format *format, const json_t *doc, struct style style)
{
	struct buf text = {0};

	ck_assert_int_eq(format->render(doc, &style, &text), 0);
	ck_assert_ptr_nonnull(text.data);
	return text.data;
}
