/* SPDX-License-Identifier: Apache-2.0 */
/* Text of tables as roff, for the small programs of the build that write lists of the manuals. */
#pragma once

#include <stddef.h>

/* Text to stdout so that a manual shows it letter by letter: in running lines as in the arguments
 * of macros, where what holds blanks needs quotes around it. */
void roff_put(const char *text);
/* The same for the first len bytes. */
void roff_put_part(const char *text, size_t len);

/* What a program that writes lists does at its end: the exit status, after a last look at stdout.
 */
int roff_finish(void);
