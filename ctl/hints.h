/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of wrk, hey, oha, ab, h2load and others, with the corresponding ones of rpsctl. Pure. */
#pragma once

#include <stdbool.h>

struct err;

/* A flag that the command does not have; value: what comes after it, or NULL. is_origin: the
 * command serves load instead of sending it. True: there is one line in reterr that says the right
 * one. */
bool hints_unknown(bool is_origin, const char *flag, const char *value, struct err *reterr);
/* The same of a command that shows a report, for flags that choose its form. */
bool hints_unknown_form(const char *flag, struct err *reterr);
/* One that it has, with a value that would fit the same flag of another tool. */
bool hints_misused(const char *flag, const char *value, struct err *reterr);
/* "http://...", "unix:/...", "localhost:8000", "127.0.0.1", and no text that has one in it. */
bool hints_is_url(const char *value);
