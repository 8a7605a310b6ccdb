/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of configuration keys, for run files and for rpsd.conf: parser, defaults, check,
 * show, the manuals' lists and the tests come from it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct ini_doc;
struct ini_entry;
struct problems;

enum keys_file {
	KEYS_RUN,    /* a run file */
	KEYS_DAEMON, /* rpsd.conf and its drop-ins */
};

enum key_type {
	KEY_TEXT,
	KEY_UINT,
	KEY_RATE, /* struct rate; "max" is 0/0 where the key allows it */
	KEY_TIME, /* int64_t ns */
	KEY_SIZE,
	KEY_CHOICE, /* index into choices */
	KEY_CUSTOM, /* KEY_TEXT with a grammar of its own, read by a function of the plan */
};

struct key {
	enum keys_file file;
	const char *section;
	const char *name;
	enum key_type type;
	const char *fallback; /* the default as text, parsed as a value; NULL: none */
	const char *limits;   /* "1..1000000", both ends written as values of the key, or NULL */
	const char *word; /* taken instead of a value: "auto" is 0, "max" the rate 0/0; or NULL */
	const char *const *choices; /* NULL-terminated, KEY_CHOICE */
	/* KEY_TEXT, KEY_CUSTOM: a grammar of its own, or NULL. 0, -ENOMEM or -EINVAL with reterr.
	 */
	int (*check)(const char *value, struct err *reterr);
	bool repeated; /* may stand several times; always KEY_CUSTOM */
	bool named;    /* its section has an argument: [origin NAME] */
	/* A figure of the load: who may start a named run may give another value. All else says
	 * what is sent, where to and as whom, and is the file's. */
	bool is_figure;
	size_t offset; /* of the field in struct plan, settings or settings_origin; not KEY_CUSTOM
			*/
	const char *help; /* one line */
};

extern const struct key keys_table[];
extern const size_t keys_n;

/* Some key of the section is a figure. */
bool keys_section_has_figures(enum keys_file file, const char *section);

/* NULL when unknown. */
const struct key *keys_find(enum keys_file file, const char *section, const char *name);

/* Reads value as the key's into *field, whose C type the key's type says (char *: a new string, the
 * old one is freed). KEY_CUSTOM: only checks; field may be NULL.
 * 0, -EINVAL with what is expected and an example in reterr, -ENOMEM. */
int keys_parse(const struct key *key, const char *value, void *field, struct err *reterr);

/* The entry in force: the last one of that key; NULL when there is none. */
const struct ini_entry *keys_last(
	const struct ini_doc *doc, const char *section, const char *arg, const char *name);

/* Checks every entry and section of doc against the table (unknown section or key with the nearest
 * known one, a section argument that is missing or too many, a single-valued key twice in one
 * file, bad value, unit, limit), in the order of the files' lines; fills the defaults and then the
 * values into base (a struct plan or struct settings) by the table's offsets. An entry from a later
 * file or flag overrides an earlier one. Sections with an argument (origin) are checked, but filled
 * by keys_apply_named; KEY_CUSTOM is checked and left to the caller.
 * Text fields are char *, owned by base. 0 or -ENOMEM. */
int keys_apply(
	enum keys_file file, const struct ini_doc *doc, void *base, struct problems *problems);

/* Fills the defaults and values of [section arg] into base (a struct settings_origin). The doc has
 * been through keys_apply: what that found bad is passed over. 0 or -ENOMEM. */
int keys_apply_named(enum keys_file file, const struct ini_doc *doc, const char *section,
	const char *arg, void *base);
