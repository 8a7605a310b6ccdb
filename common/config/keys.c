/* SPDX-License-Identifier: Apache-2.0 */
/* Reads configuration entries by the table of keys.
 *
 * The tables are data; this file is their only reader. A value is read in two steps: by
 * its type into struct keys_value, then against the key's limits, which are written in the table as
 * values of the same type, so that "1ms..1h" needs no second notation. For every key a bad value is
 * reported in one line that names the expected form and shows an example.
 *
 * keys_apply walks sections and entries together in the order of their lines, so that problems come
 * in the order in which a person reads the file. It goes on after each problem; a bad value leaves
 * the default in place, so base is always complete. Each value is read once. Overriding needs no
 * rule: later entries are written over earlier ones. Runs on any thread, keeps no state. */
#include "common/config/keys.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/str.h"
#include "common/units.h"

#define KEYS_NAMES_MAX 64 /* names of one section, sections of one file */

struct keys_value {
	uint64_t number; /* KEY_UINT, KEY_SIZE, KEY_CHOICE */
	struct rate rate;
	int64_t ns;
};

/* How messages name a value of each type, with an example. */
static const struct {
	const char *noun;
	const char *how;
} keys_words[] = {
	[KEY_TEXT] = {"text", "some text"},
	[KEY_UINT] = {"a whole number", "digits alone, as in 100"},
	[KEY_RATE] = {"a rate", "a number and /s, /m or /h, as in 2000, 2k/s or 30/m"},
	[KEY_TIME] = {"a time", "a number and ns, us, ms, s, m or h, as in 30s, 250ms or 1m30s"},
	[KEY_SIZE] = {"a size", "a number and B, KiB or MiB, as in 64KiB"},
	[KEY_CHOICE] = {"known here", ""},
	[KEY_CUSTOM] = {"text", "some text"},
};

bool keys_section_has_figures(const struct key_table *table, const char *section)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->rows[i].is_figure && str_eq(table->rows[i].section, section))
			return true;
	return false;
}

const struct key *keys_of_section(const struct key_table *table, const char *section)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->rows[i].section, section))
			return &table->rows[i];
	return NULL;
}

const struct key *keys_find(const struct key_table *table, const char *section, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->rows[i].section, section) && str_eq(table->rows[i].name, name))
			return &table->rows[i];
	return NULL;
}

const struct ini_entry *keys_last(
	const struct ini_doc *doc, const char *section, const char *arg, const char *name)
{
	for (size_t i = doc->n_entries; i-- > 0;) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->key, name) && str_eq(e->section, section) && str_eq(e->arg, arg))
			return e;
	}
	return NULL;
}

/* ---- values ---- */

static int keys_read_uint(const char *value, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*value)
		return UNITS_E_SYNTAX;
	for (const char *p = value; *p; p++) {
		if (*p < '0' || *p > '9')
			return UNITS_E_SYNTAX;
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return UNITS_E_RANGE;
	}
	*ret = n;
	return 0;
}

static int keys_read_choice(const char *const *choices, const char *value, uint64_t *ret)
{
	for (uint64_t i = 0; choices[i]; i++) {
		if (str_eq(value, choices[i])) {
			*ret = i;
			return 0;
		}
	}
	return UNITS_E_SYNTAX;
}

/* 0 or UNITS_E_…; without the key's limits and word. */
static int keys_read(const struct key *key, const char *value, struct keys_value *ret)
{
	switch (key->type) {
	case KEY_UINT:
		return keys_read_uint(value, &ret->number);
	case KEY_RATE:
		return units_parse_rate(value, &ret->rate);
	case KEY_TIME:
		return units_parse_time(value, &ret->ns);
	case KEY_SIZE:
		return units_parse_size(value, &ret->number);
	case KEY_CHOICE:
		return keys_read_choice(key->choices, value, &ret->number);
	case KEY_TEXT:
	case KEY_CUSTOM:
		break;
	}
	return 0;
}

static bool keys_less(enum key_type type, const struct keys_value *a, const struct keys_value *b)
{
	switch (type) {
	case KEY_RATE:
		return (unsigned __int128)a->rate.num * b->rate.den <
		       (unsigned __int128)b->rate.num * a->rate.den;
	case KEY_TIME:
		return a->ns < b->ns;
	default:
		return a->number < b->number;
	}
}

static bool keys_within(const struct key *key, const struct keys_value *v)
{
	const char *dots = strstr(key->limits, "..");
	struct keys_value low = {0}, high = {0};
	char text[UNITS_TEXT_MAX] = "";

	memcpy(text, key->limits, (size_t)(dots - key->limits));
	(void)keys_read(key, text, &low);
	(void)keys_read(key, dots + 2, &high);
	return !keys_less(key->type, v, &low) && !keys_less(key->type, &high, v);
}

static void keys_store(enum key_type type, const struct keys_value *v, void *field)
{
	switch (type) {
	case KEY_UINT:
	case KEY_SIZE:
		*(uint64_t *)field = v->number;
		break;
	case KEY_RATE:
		*(struct rate *)field = v->rate;
		break;
	case KEY_TIME:
		*(int64_t *)field = v->ns;
		break;
	case KEY_CHOICE:
		*(unsigned *)field = (unsigned)v->number;
		break;
	case KEY_TEXT:
	case KEY_CUSTOM:
		break;
	}
}

/* "a, b, c" or "[a], [b], [c]"; truncated where memory runs out. */
static void keys_join(
	struct buf *b, const char *const *names, size_t n, const char *open, const char *close)
{
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(b, "%s%s%s%s", i ? ", " : "", open, names[i], close);
}

static size_t keys_count_choices(const char *const *choices)
{
	size_t n = 0;

	while (choices[n])
		n++;
	return n;
}

/* Comments after values are what other programs' files have. NULL: there is none. */
static const char *keys_comment(const char *value)
{
	for (const char *c = value; *c; c++)
		if ((*c == ';' || *c == '#') && c > value && strchr(" \t", c[-1]))
			return c;
	return NULL;
}

static void keys_explain_comment(const char *value, struct err *reterr)
{
	err_set(reterr,
		"'%.60s': a comment is not allowed after a value: write it as a line of its own",
		value);
}

/* A number as it is written for this key, but for its sign. */
static bool keys_is_negative(const struct key *key, const char *value)
{
	struct keys_value ignored;
	int r;

	if (value[0] != '-' || key->type == KEY_CHOICE)
		return false;
	r = keys_read(key, value + 1, &ignored);
	return r == 0 || r == UNITS_E_RANGE;
}

static void keys_explain_range(const struct key *key, const char *value, struct err *reterr)
{
	err_set(reterr, "'%.60s' is out of range: %s%s%s", value, key->limits,
		key->word ? ", or " : "", key->word ? key->word : "");
}

/* The number at the end without a unit, as in "10" and "1h30"; NULL: there is none. */
static const char *keys_bare_number(const char *value)
{
	const char *bare = value + strlen(value);

	while (bare > value && strchr("0123456789.", bare[-1]))
		bare--;
	return *bare ? bare : NULL;
}

/* One line on a value that could not be read. */
static void keys_explain(const struct key *key, const char *value, int code, struct err *reterr)
{
	const char *word_or = key->word ? ", or " : "";
	const char *word = key->word ? key->word : "";

	if (keys_comment(value)) {
		keys_explain_comment(value, reterr);
	} else if (key->type == KEY_CHOICE) {
		size_t n = keys_count_choices(key->choices);
		const char *near = str_nearest(value, key->choices, n);
		struct buf b = {0};

		keys_join(&b, key->choices, n, "", "");
		err_set(reterr, "'%.60s' is not a known value: write %s%s%s%s%s", value,
			n > 1 ? "one of " : "", b.data ? b.data : "", near ? " (" : "",
			near ? near : "", near ? "?)" : "");
		buf_fini(&b);
	} else if (keys_is_negative(key, value) && key->limits) {
		keys_explain_range(key, value, reterr);
	} else if (keys_is_negative(key, value)) {
		err_set(reterr, "'%.60s' is below 0: write %s%s%s", value,
			keys_words[key->type].how, word_or, word);
	} else if (code == UNITS_E_RANGE) {
		err_set(reterr, "'%.60s' is too large%s: write %s%s%s%s%s", value,
			strchr(value, '.') ? " or has too many decimals" : "",
			keys_words[key->type].how, word_or, word,
			key->limits ? "; the range is " : "", key->limits ? key->limits : "");
	} else if (code == UNITS_E_UNIT) {
		const char *bare = keys_bare_number(value);

		err_set(reterr, "'%.60s' %s%.20s: write %s%s%s", value,
			!bare		? "has a unit that is not known here"
			: bare == value ? "has no unit"
					: "has no unit after ",
			bare && bare != value ? bare : "", keys_words[key->type].how, word_or,
			word);
	} else {
		err_set(reterr, "'%.60s' is not %s: write %s%s%s", value,
			keys_words[key->type].noun, keys_words[key->type].how, word_or, word);
	}
}

static int keys_parse_text(
	const struct key *key, const char *value, char **field, struct err *reterr)
{
	int r = key->check ? key->check(value, reterr) : 0;
	char *copy;

	if (r || !field)
		return r;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int keys_parse_value(
	const struct key *key, const char *value, void *field, struct err *reterr)
{
	struct keys_value v = {0};
	int r;

	if (key->type == KEY_CUSTOM && key->parse)
		return key->parse(value, field, reterr);
	if (key->type == KEY_CUSTOM)
		return key->check(value, reterr);
	if (key->type == KEY_TEXT)
		return keys_parse_text(key, value, field, reterr);
	if (!key->word || !str_eq(value, key->word)) {
		r = keys_read(key, value, &v);
		if (r) {
			keys_explain(key, value, r, reterr);
			return -EINVAL;
		}
		if (key->limits && !keys_within(key, &v)) {
			keys_explain_range(key, value, reterr);
			return -EINVAL;
		}
	}
	if (field)
		keys_store(key->type, &v, field);
	return 0;
}

/* len bytes of value are one. */
static bool keys_is_value(const struct key *key, const char *value, size_t len)
{
	struct err ignored = {0};
	char *part = strndup(value, len);
	bool is_value = part && keys_parse_value(key, part, NULL, &ignored) == 0;

	free(part);
	return is_value;
}

/* Where the value is one but for what other programs' files have around it, that is the mistake. */
static void keys_explain_around(const struct key *key, const char *value, struct err *reterr)
{
	const char *comment = keys_comment(value);
	size_t len = strlen(value);

	if (len > 2 && strchr("\"'", value[0]) && value[len - 1] == value[0] &&
		keys_is_value(key, value + 1, len - 2)) {
		err_set(reterr, "the value is in quotes: leave them out");
		return;
	}
	while (comment && comment > value && strchr(" \t", comment[-1]))
		comment--;
	if (comment && keys_is_value(key, value, (size_t)(comment - value)))
		keys_explain_comment(value, reterr);
}

int keys_parse(const struct key *key, const char *value, void *field, struct err *reterr)
{
	int r = keys_parse_value(key, value, field, reterr);

	if (r == -EINVAL)
		keys_explain_around(key, value, reterr);
	return r;
}

/* ---- sections and entries ---- */

/* The names of the table's sections (section NULL), or of the keys in one. */
static size_t keys_names(const struct key_table *table, const char *section,
	const char *names[static KEYS_NAMES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < table->n && n < KEYS_NAMES_MAX; i++) {
		const struct key *k = &table->rows[i];
		const char *name = section ? k->name : k->section;

		if (section && !str_eq(k->section, section))
			continue;
		/* The keys of a section are adjacent in the table. */
		if (!n || !str_eq(names[n - 1], name))
			names[n++] = name;
	}
	return n;
}

/* The section that an unknown one most likely means; NULL: none. */
static const char *keys_near_section(const struct key_table *table, const char *section)
{
	const char *names[KEYS_NAMES_MAX];
	size_t n = keys_names(table, NULL, names);

	return str_nearest(section, names, n);
}

/* Reports what is wrong with a section's name and argument. */
static bool keys_check_section(const struct key_table *table, const char *name, const char *arg,
	const char *where, unsigned line, bool is_mended, struct problems *problems)
{
	const struct key *key = keys_of_section(table, name);
	const char *names[KEYS_NAMES_MAX];

	if (!key) {
		size_t n = keys_names(table, NULL, names);
		const char *near = keys_near_section(table, name);
		struct buf b = {0};

		keys_join(&b, near ? &near : names, near ? 1 : n, "[", "]");
		problems_add(problems, where, line,
			near ? "unknown section [%.60s]: did you mean %s?"
			     : "unknown section [%.60s]: there are %s",
			name, b.data ? b.data : "");
		buf_fini(&b);
	} else if (is_mended) {
		return true;
	} else if (key->named && !*arg) {
		problems_add(
			problems, where, line, "[%s] needs a name, as in [%s one]", name, name);
	} else if (key->named && !str_is_name(arg)) {
		problems_add(problems, where, line,
			"'%.60s' is not a name for [%s]: letters, digits, '_', '-' and '.', at "
			"most 64",
			arg, name);
	} else if (!key->named && *arg) {
		problems_add(
			problems, where, line, "[%s %.60s]: [%s] takes no name", name, arg, name);
	} else {
		return true;
	}
	return false;
}

/* Another section that has a key of that name; NULL: none. */
static const char *keys_other_section(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->rows[i].name, name))
			return table->rows[i].section;
	return NULL;
}

/* name is one of "data|payload". */
static bool keys_is_among(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = words; at && len > 0;
		at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
		if (strcspn(at, "|") == len && memcmp(at, name, len) == 0)
			return true;
	return false;
}

/* The key that people call so, rather one of that section; NULL: none. */
static const struct key *keys_known_as(
	const struct key_table *table, const char *section, const char *name)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < table->n; i++) {
		const struct key *k = &table->rows[i];

		if (keys_is_among(k->also, name) && (!found || str_eq(k->section, section)))
			found = k;
	}
	return found;
}

/* section: e's, or the one that it most likely means. */
static void keys_unknown(const struct key_table *table, const char *section,
	const struct ini_entry *e, struct problems *problems)
{
	const char *names[KEYS_NAMES_MAX];
	size_t n = keys_names(table, section, names);
	const char *space = *e->arg ? " " : "";
	const char *near = str_nearest(e->key, names, n);
	const char *other = keys_other_section(table, e->key);
	const struct key *known = keys_known_as(table, section, e->key);
	bool is_here = known && str_eq(known->section, section);
	struct buf b = {0};

	if (is_here)
		near = known->name;

	if (other && is_here) {
		problems_add(problems, e->file, e->line,
			"key '%.60s' belongs in [%s]; what [%s%s%s] has is '%s'", e->key, other,
			section, space, e->arg, near);
	} else if (other) {
		problems_add(problems, e->file, e->line,
			"key '%.60s' belongs in [%s], not in [%s%s%s]", e->key, other, section,
			space, e->arg);
	} else if (known && !is_here) {
		problems_add(problems, e->file, e->line,
			"unknown key '%.60s' in [%s%s%s]: did you mean [%s] %s?", e->key, section,
			space, e->arg, known->section, known->name);
	} else if (near) {
		problems_add(problems, e->file, e->line,
			"unknown key '%.60s' in [%s%s%s]: did you mean '%s'?", e->key, section,
			space, e->arg, near);
	} else {
		keys_join(&b, names, n, "", "");
		problems_add(problems, e->file, e->line,
			"unknown key '%.60s' in [%s%s%s]: there are %s", e->key, section, space,
			e->arg, b.data ? b.data : "");
		buf_fini(&b);
	}
}

/* The state of keys_apply from line to line. */
struct keys_walk {
	const struct keys_reading *rd;
	size_t next_section;	       /* not yet checked */
	const struct ini_entry **seen; /* for each key of the table: its last entry */
};

/* Checks the sections that come before entry e (NULL: all that are left). */
static void keys_check_sections(struct keys_walk *w, const struct ini_entry *e)
{
	const struct ini_doc *doc = w->rd->doc;

	for (; w->next_section < doc->n_sections; w->next_section++) {
		const struct ini_section *s = &doc->sections[w->next_section];

		if (e && e->line) {
			bool same = str_eq(s->file, e->file);

			/* A section of another file comes before e, unless the sections of e's own
			 * file have all been checked: then it belongs to a later file. */
			if (same ? s->line > e->line
				 : w->next_section > 0 &&
						str_eq(doc->sections[w->next_section - 1].file,
							e->file))
				return;
		}
		(void)keys_check_section(w->rd->table, s->name, s->arg, s->file, s->line,
			s->is_mended, w->rd->problems);
	}
}

static void keys_mark_bad(const struct keys_reading *rd, const struct ini_entry *e)
{
	if (rd->is_bad)
		rd->is_bad[e - rd->doc->entries] = true;
}

/* seen: the previous entry of this key; NULL: there is none. */
static bool keys_is_repeat(const struct keys_walk *w, const struct key *key,
	const struct ini_entry *seen, const struct ini_entry *e)
{
	if (key->repeated || !seen || !e->line || !seen->line)
		return false;
	if (!str_eq(seen->file, e->file) || !str_eq(seen->arg, e->arg))
		return false;
	problems_add(w->rd->problems, e->file, e->line, "%s is given twice, first in line %u",
		key->name, seen->line);
	return true;
}

/* The address at which the entry's value is stored; NULL: nowhere. */
static void *keys_field(
	const struct keys_reading *rd, const struct key *key, const struct ini_entry *e)
{
	void *base = rd->base;

	if (key->named)
		base = rd->named && *e->arg ? rd->named(base, e->section, e->arg) : NULL;
	return base ? (char *)base + key->offset : NULL;
}

static int keys_read_entry(const struct keys_reading *rd, const struct key *key,
	const struct ini_entry *e, void *field)
{
	struct err err = {0};
	int r = keys_parse(key, e->value, field, &err);

	if (r != -EINVAL)
		return r;
	keys_mark_bad(rd, e);
	problems_add_kind(rd->problems, key->name, e->file, e->line, "%s%s%s",
		e->line ? key->name : "", e->line ? ": " : "", err.text);
	return 0;
}

static int keys_apply_entry(struct keys_walk *w, const struct ini_entry *e)
{
	const struct keys_reading *rd = w->rd;
	const struct ini_entry *seen;
	const struct key *key;
	const char *section = e->section;
	void *field;

	/* A flag has no section line that was checked before it. */
	if (!e->line &&
		!keys_check_section(rd->table, e->section, e->arg, e->file, 0, false, rd->problems))
		return 0;
	/* The keys of a misspelt section are checked as those of the section that was meant. */
	if (!keys_of_section(rd->table, section))
		section = keys_near_section(rd->table, section);
	if (!section)
		return 0;
	key = keys_find(rd->table, section, e->key);
	if (!key) {
		keys_unknown(rd->table, section, e, rd->problems);
		return 0;
	}
	if (section != e->section)
		return keys_read_entry(rd, key, e, NULL);
	seen = w->seen[key - rd->table->rows];
	w->seen[key - rd->table->rows] = e;
	if (keys_is_repeat(w, key, seen, e)) {
		keys_mark_bad(rd, e);
		return 0;
	}
	field = keys_field(rd, key, e);
	if (field && key->by_file && seen && seen->precedence != e->precedence)
		key->clear(field);
	return keys_read_entry(rd, key, e, field);
}

int keys_fill_defaults(const struct key_table *table, const char *section, void *base)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct key *k = &table->rows[i];
		int r;

		if (!k->fallback)
			continue;
		if (section ? !str_eq(k->section, section) : k->named)
			continue;
		r = keys_parse(k, k->fallback, (char *)base + k->offset, NULL);
		if (r)
			return r;
	}
	return 0;
}

int keys_reset(const struct key *key, void *base)
{
	const struct keys_value none = {0};
	void *field = (char *)base + key->offset;

	if (key->fallback)
		return keys_parse(key, key->fallback, field, NULL);
	if (key->clear) {
		key->clear(field);
	} else if (key->type == KEY_TEXT) {
		free(*(char **)field);
		*(char **)field = NULL;
	} else {
		keys_store(key->type, &none, field);
	}
	return 0;
}

int keys_apply(const struct keys_reading *reading)
{
	struct keys_walk w = {.rd = reading};
	const struct ini_doc *doc = reading->doc;
	int r;

	r = keys_fill_defaults(reading->table, NULL, reading->base);
	if (r)
		return r;
	w.seen = calloc(reading->table->n, sizeof(struct ini_entry *));
	if (!w.seen)
		return -ENOMEM;
	for (size_t i = 0; i < doc->n_entries && !r; i++) {
		keys_check_sections(&w, &doc->entries[i]);
		r = keys_apply_entry(&w, &doc->entries[i]);
	}
	keys_check_sections(&w, NULL);
	free(w.seen);
	return r;
}
