/* SPDX-License-Identifier: Apache-2.0 */
/* How rpsctl prints what is wrong with a plan: "FILE:LINE: message" stays as it is, for editors and
 * scripts; what is wrong with the command line begins with the program's name. */
#pragma once

#include <stdbool.h>

struct buf;

/* How messages name a URL that is WHAT. */
#define PROBLEM_URL "URL"

/* text is of a flag, or of the URL, and not of a file. */
bool problem_is_of_command_line(const char *text);
/* One line. 0 or -ENOMEM. */
int problem_write(const char *text, struct buf *ret);
/* The same to stderr. */
void problem_print(const char *text);
