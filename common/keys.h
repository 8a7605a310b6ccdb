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
	KEY_CUSTOM, /* a grammar of its own, read by the key's function */
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
	/* KEY_TEXT: what it may look like, or NULL. KEY_CUSTOM without parse: the same, of a text
	 * that is put together with others or with files later. 0, -ENOMEM or -EINVAL with reterr.
	 */
	int (*check)(const char *value, struct err *reterr);
	/* KEY_CUSTOM: reads value into *field, of a repeated key beside what is there; field NULL:
	 * only checks it. Returns as check does, and leaves *field as it was on failure. */
	int (*parse)(const char *value, void *field, struct err *reterr);
	/* KEY_CUSTOM: frees what parse has put into *field; NULL: there is nothing to free. */
	void (*clear)(void *field);
	bool repeated; /* may stand several times; always KEY_CUSTOM */
	bool by_file;  /* repeated: the lines of a later file replace those of an earlier one */
	bool named;    /* its section has an argument: [origin NAME] */
	/* A figure of the load: who may start a named run may give another value. All else says
	 * what is sent, where to and as whom, and is the file's. */
	bool is_figure;
	/* Of the field in struct plan or settings; of a named section in plan_request or
	 * settings_origin. KEY_CUSTOM may have such a struct itself as its field. */
	size_t offset;
	const char *help; /* one line */
};

extern const struct key keys_table[];
extern const size_t keys_n;

/* Some key of the section is a figure. */
bool keys_section_has_figures(enum keys_file file, const char *section);

/* NULL when unknown. */
const struct key *keys_find(enum keys_file file, const char *section, const char *name);

/* Reads value as the key's into *field, whose C type the key's type says (char *: a new string, the
 * old one is freed). field NULL: only checks it. 0, -EINVAL with what is expected and an example in
 * reterr, -ENOMEM. */
int keys_parse(const struct key *key, const char *value, void *field, struct err *reterr);

/* The entry in force: the last one of that key; NULL when there is none. */
const struct ini_entry *keys_last(
	const struct ini_doc *doc, const char *section, const char *arg, const char *name);

/* What keys_apply reads, and into what. */
struct keys_reading {
	enum keys_file file;
	const struct ini_doc *doc;
	void *base; /* a struct plan or settings */
	/* The struct that the keys of [section arg] fill, filled with its defaults; NULL: they are
	 * only checked. */
	void *(*named)(void *base, const char *section, const char *arg);
	/* Set for each entry that its key does not take: a bad value, or one too many in a file;
	 * NULL: unasked. */
	bool *is_bad;
	struct problems *problems;
};

/* Fills the defaults into base, then reads every entry of doc once, into its field, in the order of
 * the lines; an entry from a later file or flag overrides an earlier one. Adds what is wrong with
 * entries and sections (unknown section or key with the nearest known one, a section argument that
 * is missing or too many, a single-valued key twice in one file, bad value, unit, limit).
 * What is filled is owned by base. 0 or -ENOMEM. */
int keys_apply(const struct keys_reading *reading);

/* As if the key were not written: the field of an unnamed section gets its default, or is empty. 0
 * or -ENOMEM. */
int keys_reset(const struct key *key, void *base);

/* Fills the defaults of a section with arguments into base, or (section NULL) of all others. 0 or
 * -ENOMEM. */
int keys_fill_defaults(enum keys_file file, const char *section, void *base);
