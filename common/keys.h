/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of configuration keys, for run files and for rpsd.conf: parser, defaults, check,
 * show, the manuals' lists and the tests come from it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct ini_doc;
struct problems;

enum keys_file {
	KEYS_RUN,    /* a run file */
	KEYS_DAEMON, /* rpsd.conf and its drop-ins */
};

enum key_type {
	KEY_TEXT,
	KEY_BOOL, /* yes | no (also true, false, on, off, 1, 0) */
	KEY_UINT,
	KEY_RATE, /* struct rate; "max" is 0/0 where the key allows it */
	KEY_TIME, /* int64_t ns */
	KEY_SHARE,
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
	const char *limits;   /* "1..1000000" in the key's unit, or NULL */
	const char *const *choices; /* NULL-terminated, KEY_CHOICE */
	bool repeated;		    /* may stand several times */
	size_t offset;		    /* of the field in struct plan (KEYS_RUN) or settings */
	const char *help;	    /* one line */
};

extern const struct key keys_table[];
extern const size_t keys_n;

/* NULL when unknown. */
const struct key *keys_find(enum keys_file file, const char *section, const char *name);

/* Checks every entry and section of doc against the table (unknown section or key with the nearest
 * known one, a section argument that is missing or too many, a single-valued key twice in one
 * file, bad value, unit, limit), fills the defaults and then the values into base (a struct plan or
 * struct settings) by the table's offsets. An entry from a later file or flag overrides an earlier
 * one. Sections with an argument (request, origin) and KEY_CUSTOM are left to the caller.
 * Text fields are char *, owned by base. 0 or -ENOMEM. */
int keys_apply(enum keys_file file, const struct ini_doc *doc, void *base,
	struct problems *problems);
