/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers of all commands. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct client_answer;
struct options;

/* "rpsctl: " and one line on stderr. */
void command_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for "out of memory for " what is named, with a remedy; returns the exit status. */
int command_out_of_memory(const char *what);
/* poll has failed, errno says how: complains, and returns the exit status to end with. */
int command_cannot_wait(void);
/* Signals cannot be read: the same. */
int command_without_signals(int error);
/* How often a complaint was made. */
unsigned command_complaints(void);
/* Composed text (style.h) to stdout, as the place there allows. */
void command_print(const char *text);
/* Adds the name of a run as a member of the parameters of a call, which may be NULL: no memory. 0,
 * or the exit status, the reason said on stderr and the parameters dropped. */
int command_put_run(
	const struct options *o, json_t *parameters, const char *member, const char *run);
/* One question to the service; parameters are taken over. 0 and an answer without error, or the
 * exit status to end with, the reason said on stderr. */
int command_ask(const struct options *o, bool is_query, const char *method, json_t *parameters,
	struct client_answer *ret);
