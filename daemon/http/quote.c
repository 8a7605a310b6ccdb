/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/quote.h"

#include <stdbool.h>
#include <string.h>

const char *quote_bytes(struct quote *q, const char *data, size_t len, size_t max)
{
	bool is_cut = len >= max;

	len = is_cut ? max : len;
	for (size_t i = 0; i < len; i++) {
		char byte = data[i];

		q->text[i] = byte == '\n' || byte == '\t' || byte == '\r' ? ' ' : byte;
		if (byte == '\0')
			q->text[i] = '?';
	}
	if (is_cut) {
		while (len > 0 && ((unsigned char)q->text[len - 1] & 0xc0) == 0x80)
			len--;
		if (len > 0 && (unsigned char)q->text[len - 1] >= 0xc0)
			len--;
		memcpy(q->text + len, "...", 4);
	} else {
		q->text[len] = '\0';
	}
	return q->text;
}
