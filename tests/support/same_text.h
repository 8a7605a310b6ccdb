/* SPDX-License-Identifier: Apache-2.0 */
/* Compares texts of many lines. A failure tells the first line that differs: of a text of many
 * kilobytes check would say no more than "Message string too long". */
#pragma once

#include <check.h>
#include <string.h>

#include "common/str.h"

#define SAME_TEXT_SHOWN ((size_t)500) /* bytes of a line */

/* at: the first byte of the line that differs. */
static inline void same_text_fail(
	const char *name, unsigned line, size_t at, const char *got, const char *want)
{
	const size_t from = at < SAME_TEXT_SHOWN / 2 ? 0 : at - SAME_TEXT_SHOWN / 2;
	const char *texts[] = {got + from, want + from};
	int shown[2];

	for (int i = 0; i < 2; i++) {
		const size_t n = strcspn(texts[i], "\n");

		shown[i] = (int)(n < SAME_TEXT_SHOWN ? n : SAME_TEXT_SHOWN);
	}
	ck_abort_msg("%s:%u:%zu: the texts differ\nwant: %.*s\n got: %.*s", name, line, at + 1,
		shown[1], texts[1], shown[0], texts[0]);
}

/* name: of the text, for the message. */
static inline void assert_same_text(const char *name, const char *got, const char *want)
{
	for (unsigned line = 1; !str_eq(got, want); line++) {
		size_t at = 0;

		while (got[at] == want[at] && got[at] != '\n')
			at++;
		if (got[at] != want[at])
			same_text_fail(name, line, at, got, want);
		got += at + 1;
		want += at + 1;
	}
}
