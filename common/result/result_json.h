/* SPDX-License-Identifier: Apache-2.0 */
/* A result as a document and back, by the table. Pure. */
#pragma once

#include <jansson.h>

#include "common/result/result.h"

struct err;
struct result_table;

/* A list has more members than any result: reterr says which. */
#define RESULT_E_TOO_MANY 1

/* A value of another type is absent, an unknown member is passed over, and figures beyond their
 * bounds are read as these (result_table.h): a document may come from anywhere. ret is to be ended
 * by result_fini, whatever is returned. 0, RESULT_E_TOO_MANY, -ENOMEM. */
int result_read(const json_t *doc, struct result *ret, struct err *reterr);

/* New reference; NULL: no memory. */
json_t *result_write(const struct result *r);

/* The same for one struct that a table is of; reading wants it absent. */
int result_table_read(
	const struct result_table *t, const json_t *object, void *ret, struct err *reterr);
json_t *result_table_write(const struct result_table *t, const void *at);
