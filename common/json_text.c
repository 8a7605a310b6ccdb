/* SPDX-License-Identifier: Apache-2.0 */
/* JSON is UTF-8, and jansson refuses other bytes. Text from a server, a file or a user may contain
 * any bytes, and its readable part is more useful than a message that it was not valid. */
#include "common/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/str.h"

json_t *json_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memory_malloc(size);
	json_t *value;

	if (!copy)
		return NULL;
	memcpy(copy, text, size);
	for (char *c = copy; *c;) {
		size_t len = str_utf8_len(c);

		if (len == 0)
			*c = '?';
		c += len ? len : 1;
	}
	value = json_string(copy);
	free(copy);
	return value;
}
