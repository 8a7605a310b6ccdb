/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration keys by a table: parser, defaults, check, show, the manuals' lists and the tests
 * come from it. There are two, of run files (plan_keys.h) and of rpsd.conf (settings_keys.h). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct ini_doc;
struct ini_entry;
struct problems;

enum key_type {
	KEY_TEXT,
	KEY_UINT,
	KEY_RATE, /* struct rate; "max" is 0/0 where the key allows it */
	KEY_TIME, /* int64_t ns */
	KEY_SIZE,
	KEY_CHOICE, /* index into choices */
	KEY_CUSTOM, /* has a grammar of its own, read by the key's function */
};

struct key {
	const char *section;
	const char *name;
	enum key_type type;
	const char *fallback; /* the default as text, parsed as a value; NULL: none */
	const char *limits;   /* "1..1000000", both ends written as values of the key, or NULL */
	const char *word; /* taken instead of a value: "auto" is 0, "max" the rate 0/0; or NULL */
	const char *const *choices; /* NULL-terminated, KEY_CHOICE */
	/* KEY_TEXT: checks the form, or NULL. KEY_CUSTOM without parse: the same, for a text that
	 * is combined with others or with files later. 0, -ENOMEM or -EINVAL with reterr. */
	int (*check)(const char *value, struct err *reterr);
	/* KEY_CUSTOM: reads value into *field; a repeated key adds to what is there; field NULL:
	 * only checks it. Returns as check does, and leaves *field as it was on failure. */
	int (*parse)(const char *value, void *field, struct err *reterr);
	/* KEY_CUSTOM: frees what parse has put into *field; NULL: there is nothing to free. */
	void (*clear)(void *field);
	bool repeated; /* may be given several times; always KEY_CUSTOM */
	bool by_file;  /* repeated: the lines of a later file replace those of an earlier one */
	bool named;    /* its section has an argument: [origin NAME] */
	/* A figure of the load: the client that starts a named run may override it. All other keys
	 * tell what is sent, where to and with which credentials, and only the file can set
	 * them. */
	bool is_figure;
	/* Offset of the field in the struct that the table fills; for a named section in the struct
	 * of one such section. KEY_CUSTOM may have such a struct itself as its field. */
	size_t offset;
	/* The member with its value in plan.effective of documents (KEY_UINT, KEY_TIME in ns,
	 * KEY_CHOICE as its word); NULL: there is none. */
	const char *document;
	const char *also; /* "data|payload": other words that people write for it; or NULL */
	const char *help; /* one line of text */
};

/* The keys of one kind of file; those of a section are adjacent. */
struct key_table {
	const struct key *rows;
	size_t n;
};

/* At least one key of the section is a figure. */
bool keys_section_has_figures(const struct key_table *table, const char *section);

/* Any key of the section; NULL: the section is unknown. */
const struct key *keys_of_section(const struct key_table *table, const char *section);

/* NULL when unknown. */
const struct key *keys_find(const struct key_table *table, const char *section, const char *name);

/* Reads value as the key's into *field, whose C type the key's type says (char *: a new string, the
 * old one is freed). field NULL: only checks it. 0, -EINVAL with what is expected and an example in
 * reterr, -ENOMEM. */
int keys_parse(const struct key *key, const char *value, void *field, struct err *reterr);

/* The entry in force: the last one of that key; NULL when there is none. */
const struct ini_entry *keys_last(
	const struct ini_doc *doc, const char *section, const char *arg, const char *name);

/* The input of keys_apply and its destination. */
struct keys_reading {
	const struct key_table *table;
	const struct ini_doc *doc;
	void *base; /* the struct that the table fills */
	/* The struct that receives the keys of [section arg], set to its defaults; NULL: the keys
	 * are only checked. */
	void *(*named)(void *base, const char *section, const char *arg);
	/* Set for each entry that was not accepted: a bad value, or a repetition in one file; NULL:
	 * not requested. */
	bool *is_bad;
	struct problems *problems;
};

/* Fills the defaults into base, then reads every entry of doc once, into its field, in the order of
 * the lines; an entry from a later file or flag overrides an earlier one. Reports what is wrong
 * with entries and sections (unknown section or key with the nearest known one, a missing or
 * superfluous section argument, a single-valued key twice in one file, bad value, unit, limit).
 * base owns the values. 0 or -ENOMEM. */
int keys_apply(const struct keys_reading *reading);

/* Resets a key: the field of an unnamed section gets its default, or is emptied. 0 or -ENOMEM. */
int keys_reset(const struct key *key, void *base);

/* Stores the defaults of a section with arguments in base, or (section NULL) those of all others. 0
 * or -ENOMEM. */
int keys_fill_defaults(const struct key_table *table, const char *section, void *base);
