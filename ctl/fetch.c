/* SPDX-License-Identifier: Apache-2.0 */
/* The first batch is the document with its first rows; the others carry rows and nothing else, in
 * order. They are moved into the first one's array, so that the result is the document as the
 * daemon has it. */
#include "ctl/fetch.h"

#include <errno.h>

static json_t *fetch_rows(const json_t *parameters)
{
	const json_t *result = json_object_get(parameters, "result");

	return json_object_get(json_object_get(result, "intervals"), "rows");
}

int fetch_join(json_t **whole, json_t *parameters)
{
	json_t *rows = fetch_rows(*whole);
	json_t *more = fetch_rows(parameters);

	if (!*whole) {
		*whole = json_incref(parameters);
		return parameters ? 0 : -EPROTO;
	}
	if (!json_is_array(rows) || !json_is_array(more))
		return -EPROTO;
	return json_array_extend(rows, more) == 0 ? 0 : -ENOMEM;
}
