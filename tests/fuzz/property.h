/* SPDX-License-Identifier: Apache-2.0 */
/* What properties are made of: a condition that aborts with its text, which both a fuzzer and a
 * test's process report, and inputs as terminated strings. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTY(holds)                                                                            \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds);                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A new string of these bytes: what follows a NUL among them is not seen. */
static inline char *property_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	PROPERTY(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
