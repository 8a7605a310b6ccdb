/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a path, member by member. */
#include "common/json_path.h"

#include <math.h>
#include <string.h>

const json_t *json_path_at(const json_t *doc, const char *path)
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

bool json_path_int(const json_t *doc, const char *path, int64_t *ret)
{
	const json_t *value = json_path_at(doc, path);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	if (*ret > JSON_PATH_INT_MAX)
		*ret = JSON_PATH_INT_MAX;
	else if (*ret < -JSON_PATH_INT_MAX)
		*ret = -JSON_PATH_INT_MAX;
	return true;
}

bool json_path_real(const json_t *doc, const char *path, double *ret)
{
	const json_t *value = json_path_at(doc, path);

	if (!json_is_number(value))
		return false;
	/* NaN is none of these. */
	*ret = fmin(fmax(json_number_value(value), -(double)JSON_PATH_INT_MAX),
		(double)JSON_PATH_INT_MAX);
	return true;
}

bool json_path_bool(const json_t *doc, const char *path, bool *ret)
{
	const json_t *value = json_path_at(doc, path);

	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

const char *json_path_text(const json_t *doc, const char *path)
{
	const json_t *value = json_path_at(doc, path);

	return json_is_string(value) ? json_string_value(value) : "";
}
