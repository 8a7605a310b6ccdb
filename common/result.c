/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a result by their paths. */
#include "common/result.h"

#include <math.h>
#include <string.h>

const json_t *result_at(const json_t *doc, const char *path)
{
	while (doc) {
		size_t len = strcspn(path, ".");

		doc = json_object_getn(doc, path, len);
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	return doc;
}

bool result_int(const json_t *doc, const char *path, int64_t *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	if (*ret > RESULT_INT_MAX)
		*ret = RESULT_INT_MAX;
	else if (*ret < -RESULT_INT_MAX)
		*ret = -RESULT_INT_MAX;
	return true;
}

bool result_real(const json_t *doc, const char *path, double *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_number(value))
		return false;
	/* NaN is none of these. */
	*ret = fmin(
		fmax(json_number_value(value), -(double)RESULT_INT_MAX), (double)RESULT_INT_MAX);
	return true;
}

bool result_bool(const json_t *doc, const char *path, bool *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

const char *result_text(const json_t *doc, const char *path)
{
	const json_t *value = result_at(doc, path);

	return json_is_string(value) ? json_string_value(value) : "";
}
