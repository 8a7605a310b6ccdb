/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in a test's source, with ' in place of ". */
#pragma once

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* New reference. */
static inline json_t *quoted(const char *text)
{
	char *json = strdup(text);
	json_t *value;

	for (char *c = strchr(json, '\''); c; c = strchr(c, '\''))
		*c = '"';
	value = json_loads(json, 0, NULL);
	ck_assert_msg(value != NULL, "%s", text);
	free(json);
	return value;
}
