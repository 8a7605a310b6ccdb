/* SPDX-License-Identifier: Apache-2.0 */
/* Common parts of the methods: reading parameters, common errors. For methods*.c alone. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/service/control.h"
#include "daemon/service/methods.h"

struct methods_list_cache;
struct progress_run;
struct result_list;
struct run;

struct methods {
	struct methods_config config;
	int64_t started_ns;
	bool stopping;
	struct methods_list_cache *list_cache; /* NULL until List is called */
	/* The content of a private run's files, mapped until its plan has been made. */
	const char *content;
	size_t content_len;
};

enum methods_type {
	METHODS_TEXT,
	METHODS_BOOL,
	METHODS_ARRAY,
};

/* A parameter; a table of them ends with name NULL. All may be absent or null. */
struct methods_field {
	const char *name;
	enum methods_type type;
};

/* To be called when no further run needs it. */
void methods_unmap_content(struct methods *m);

/* Each parameter is known and of its type. False: the call has been answered with an error. */
bool methods_check(struct control_connection *call, const struct methods_field *fields);
/* NULL, NULL, false where absent or null. */
json_t *methods_value(const struct control_connection *call, const char *name);
const char *methods_text(const struct control_connection *call, const char *name);
bool methods_flag(const struct control_connection *call, const char *name);

/* Text with its URLs as role may see them (secrets.h), an administrator all of them, replaces what
 * field has. 0 or -ENOMEM. */
int methods_set_masked(char **field, const char *text, enum control_role role);
json_t *methods_json_masked(const char *text, enum control_role role);

void methods_no_such_run(struct control_connection *call, const char *run);
/* Answers Refused or Unavailable, with a line in the audit log. what: "start checkout". */
void methods_refuse(
	struct control_connection *call, const char *error, const char *what, const char *reason);

/* io.rpsd.Control.Start, in methods_start.c; the others are named in the same way. */
void methods_start(struct control_connection *call, void *userdata);
void methods_report(struct control_connection *call, void *userdata);
void methods_list(struct control_connection *call, void *userdata);
struct methods_list_cache *methods_list_cache_free(struct methods_list_cache *cache);
void methods_watch(struct control_connection *call, void *userdata);
void methods_set(struct control_connection *call, void *userdata);
void methods_pause(struct control_connection *call, void *userdata);
void methods_resume(struct control_connection *call, void *userdata);
void methods_next(struct control_connection *call, void *userdata);
/* The type Event, alone and as one more of a list. */
struct run_event;
json_t *methods_json_event(const struct run_event *e);
int methods_add_event(const struct run_event *e, struct result_list *to);
/* The type Run, as role may see it. 0 or -ENOMEM. */
int methods_fill_run(const struct run *run, enum control_role role, struct progress_run *to);
json_t *methods_json_run(const struct run *run, enum control_role role);
