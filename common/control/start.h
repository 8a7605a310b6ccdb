/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of Start, what a run is made of: written by rpsctl, read by the daemon, and turned
 * by both into the entries of which a plan is built. Pure. */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct ini_doc;
struct plan_file;
struct problems;

/* Files of one run; further ones are left out, and the plan finds them missing. */
#define START_FILES_MAX 256

struct start_overlay {
	const char *file;
	const char *text;
};

struct start_setting {
	const char *key;
	const char *value;
	const char *origin; /* the flag that it comes from; NULL: not known */
};

/* Zero-initialise. All texts are borrowed; NULL: not given. */
struct start {
	const char *name;
	const char *text;
	const char *file; /* what problems call the text */
	struct start_overlay *overlays;
	size_t n_overlays;
	json_t *variables; /* texts by name, a reference of its own; NULL: none */
	struct plan_file *files;
	size_t n_files;
	struct start_setting *set;
	size_t n_set;
	bool hold;

	/* The content in which files may lie as well (borrowed); a private daemon has it already.
	 */
	const char *content;
	size_t content_len;
	bool is_held; /* so the message says where they lie and not what they are */
};

/* 0 or -ENOMEM. A file's data NULL: it is not known (struct plan_file). */
int start_add_overlay(struct start *s, const char *file, const char *text);
int start_add_setting(struct start *s, const char *key, const char *value, const char *origin);
int start_add_file(struct start *s, const char *name, const char *data, size_t len);
bool start_lies_in_content(const struct start *s, const struct plan_file *f);
void start_fini(struct start *s);

/* New reference; NULL: no memory, or a text that is not UTF-8. */
json_t *start_write(const struct start *s);
/* Into a struct whose content is set, if there is any; it borrows from parameters and is to be
 * ended whatever is returned. 0, -EINVAL (*ret_bad: the name of the parameter that is unknown, or
 * of which something is not of its type or not in its bounds) or -ENOMEM. */
int start_read(struct start *s, json_t *parameters, const char **ret_bad);

/* The name of the text in messages about problems. */
const char *start_label(const struct start *s);

/* The entries of text and overlays, and of set from number `first` on, appended to those that a
 * named run's file has; start_fill comes between the two, by the variables of the call (NULL: none)
 * for the entries from number `first` on. Problems are added (to NULL: those of set are passed
 * over, since the daemon tells them). 0 or -ENOMEM. */
int start_read_texts(const struct start *s, struct ini_doc *doc, struct problems *problems);
int start_fill(json_t *variables, size_t first, struct ini_doc *doc, struct problems *problems);
int start_read_settings(
	const struct start *s, size_t first, struct ini_doc *doc, struct problems *problems);

/* Where the file of that name is read from, which a value names: beside the run file that names it
 * last, or in the working directory where a flag does; a credential in the directory credentials.
 * 0, -ENAMETOOLONG, or START_E_NOWHERE: credentials is NULL, or it is standard input. */
#define START_E_NOWHERE 1
int start_file_path(const struct ini_doc *doc, const char *name, const char *credentials,
	char ret[static PATH_MAX]);
