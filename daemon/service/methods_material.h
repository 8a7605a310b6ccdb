/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made of when a client starts or lists runs: a text, the files that it names and
 * the settings that override it. For methods*.c alone. Main thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/err.h"
#include "common/ini.h"
#include "common/plan/plan.h"
#include "daemon/service/control.h"

#define METHODS_RUN_FILE_MAX (1u << 20)
#define METHODS_FILES_MAX 256

/* What is gathered for one plan. */
struct methods_material {
	char *path;	   /* of a named run's file; NULL: ad hoc */
	const char *label; /* what problems call the text; borrowed */
	char *text;	   /* NULL: settings alone */
	struct ini_doc doc;
	/* Entries and sections of doc that a named run's file has; those after them came with the
	 * call. */
	size_t n_named, n_named_sections;
	struct plan_file files[METHODS_FILES_MAX]; /* owned names and data */
	size_t n_files;
	size_t n_bytes;	     /* of those that are no piece of content */
	const char *content; /* borrowed; its pieces are not to be freed */
	size_t content_len;
	struct problems problems;
};

/* Problem i as role may see it. A problem quotes what it complains of: of a named run's file a
 * line's problem is told whole to those who may see all of the line. */
json_t *methods_json_problem(const struct methods_material *m, size_t i, enum control_role role);

/* Of one from calloc, which it frees. */
void methods_material_fini(struct methods_material *m);

/* The run file of name in dir, and its files. 0 or -errno (-ENOENT: there is no such run). */
enum methods_files {
	METHODS_READ, /* with their content */
	METHODS_LOOK, /* whether they are there; a word stands for their content */
};
int methods_read_named(struct methods_material *material, const char *dir, const char *name,
	enum methods_files how);
/* variables: Start's parameter, or NULL. text NULL is fine: settings alone. 0 or -errno. */
int methods_read_text(struct methods_material *material, const char *text, json_t *variables);
/* Start's parameter overlays. 0, -EINVAL (not []Overlay), -ENOMEM. */
int methods_read_overlays(struct methods_material *m, const json_t *overlays, json_t *variables);
/* Start's parameter set. 0, -EINVAL (not []Setting), -ENOMEM. */
int methods_read_set(struct methods_material *m, const json_t *settings);
/* Start's parameter held: pieces of content. 0, -EINVAL (not [string]Piece, or not in there),
 * -ENOMEM. */
int methods_take_held(struct methods_material *m, json_t *held);
/* Start's parameter files. 0, -EINVAL (not [string]string of base64), -ENOMEM. */
int methods_take_files(struct methods_material *m, json_t *files);
