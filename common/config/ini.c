/* SPDX-License-Identifier: Apache-2.0 */
/* INI text into entries.
 *
 * inih as packaged cuts lines at 199 bytes, takes " ;" inside a value for a comment, joins indented
 * lines to the key above, gives no line numbers and does not report duplicate, empty and misspelt
 * sections. So it sees a tidy copy of the file, which it asks for line by line:
 *
 *	file                            inih                            handler
 *	[request browse]                [request]
 *	; what most people do           (nothing)
 *	path = /a;b ; 4,000 bytes       path = 17                       path, values[17]
 *	method POST                     (nothing, a problem)
 *
 * The reader checks each line, keeps the value with its line and section in a list and gives inih
 * only the value's index; the handler turns the index back into the value. Values that never
 * reached the handler are counted and reported, so that nothing is lost silently.
 *
 * Limits keep hostile text cheap: lines, names and problems are limited for one reading, keys and
 * sections for a whole doc, because a call can bring hundreds of small files. Strings live in a
 * pool and stay where they are while arrays grow. Pure. */
#include "common/config/ini.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"

#define INI_PROBLEMS_MAX 10000
#define INI_SECTIONS_MAX 4096
#define INI_KEYS_MAX 16384
#define INI_QUOTE_MAX 40 /* bytes of a bad line that are shown */
#define INI_ARG_MAX 64	 /* limit of str_is_name */

/* Values of ini_reading.section that are not an index. */
#define INI_NO_SECTION SIZE_MAX
#define INI_BAD_SECTION (SIZE_MAX - 1) /* reported already: its keys belong to no section */

struct ini_pool {
	struct ini_pool *next;
	size_t size;
	char text[];
};

struct ini_slice {
	const char *at;
	size_t len;
};

/* A value while it passes through inih. */
struct ini_value {
	const char *text;
	unsigned line;
	size_t section;
};

struct ini_reading {
	struct ini_doc *doc;
	const char *file; /* the doc's copy */
	struct ini_slice rest;
	unsigned line;
	size_t section;	      /* index into doc->sections, or one of the above */
	size_t first_section; /* of this file */
	size_t n_entries_before;
	struct ini_value *values;
	size_t n_values;
	struct problems *problems;
	size_t n_problems_before;
	int r;
};

/* ---------------------------------------------------------------- memory */

static const char *ini_keep(struct ini_doc *doc, struct ini_slice s)
{
	struct ini_pool *piece = malloc(sizeof(*piece) + s.len + 1);

	if (!piece)
		return NULL;
	if (s.len > 0)
		memcpy(piece->text, s.at, s.len);
	piece->text[s.len] = '\0';
	piece->size = s.len;
	piece->next = doc->pool;
	doc->pool = piece;
	return piece->text;
}

static const char *ini_keep_text(struct ini_doc *doc, const char *text)
{
	return ini_keep(doc, (struct ini_slice){text, strlen(text)});
}

/* The array with room for one more element after the first n, or NULL. Its memory doubles when n is
 * a power of two, so that no capacity need be stored. */
static void *ini_room(void *array, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return array;
	return reallocarray(array, n > 0 ? n * 2 : 1, size);
}

static int ini_add_entry(struct ini_doc *doc, const struct ini_entry *entry)
{
	struct ini_entry *entries = ini_room(doc->entries, doc->n_entries, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	doc->entries = entries;
	entries[doc->n_entries++] = *entry;
	return 0;
}

/* ---------------------------------------------------------------- lines */

static bool ini_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct ini_slice ini_trim(struct ini_slice s)
{
	while (s.len > 0 && ini_is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && ini_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* The characters of section names and keys. None of them is special to inih. */
static bool ini_is_word(struct ini_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.len > 0;
}

/* For "%.*s". */
static int ini_quote(struct ini_slice s)
{
	return s.len > INI_QUOTE_MAX ? INI_QUOTE_MAX : (int)s.len;
}

/* Takes the next line without its end; false at the end of the text. */
static bool ini_next_line(struct ini_reading *rd, struct ini_slice *ret)
{
	struct ini_slice line = rd->rest;
	const char *end;

	if (rd->rest.len == 0)
		return false;
	end = memchr(line.at, '\n', line.len);
	if (end)
		line.len = (size_t)(end - line.at);
	rd->rest.at += line.len + (end ? 1 : 0);
	rd->rest.len -= line.len + (end ? 1 : 0);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	rd->line++;
	*ret = line;
	return true;
}

/* Reports what is wrong with the current line; always false. */
static bool ini_refuse(struct ini_reading *rd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool ini_refuse(struct ini_reading *rd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	problems_vadd(rd->problems, format, rd->file, rd->line, format, args);
	va_end(args);
	rd->doc->is_incomplete = true;
	return false;
}

/* Stops reading a file that is mostly wrong, or far too large. */
static bool ini_is_too_much(struct ini_reading *rd)
{
	if (rd->problems->n_told - rd->n_problems_before >= INI_PROBLEMS_MAX)
		(void)ini_refuse(rd,
			"%d problems are enough: reading stopped here; mend these first",
			INI_PROBLEMS_MAX);
	else if (rd->doc->n_sections > INI_SECTIONS_MAX)
		(void)ini_refuse(rd, "more than %d sections: reading stopped here; divide the file",
			INI_SECTIONS_MAX);
	else if (rd->n_entries_before + rd->n_values > INI_KEYS_MAX)
		(void)ini_refuse(rd, "more than %d keys: reading stopped here; divide the file",
			INI_KEYS_MAX);
	else
		return false;
	return true;
}

/* ---------------------------------------------------------------- sections */

static bool ini_check_section(struct ini_reading *rd, struct ini_slice name, struct ini_slice arg)
{
	char text[INI_ARG_MAX + 1];

	if (name.len > INI_NAME_MAX)
		return ini_refuse(rd,
			"the section name \"%.*s...\" is longer than %d bytes: shorten it",
			ini_quote(name), name.at, INI_NAME_MAX);
	if (!ini_is_word(name))
		return ini_refuse(rd,
			"\"%.*s\" is not a section name: only letters, digits, \"-\", \"_\" and "
			"\".\"",
			ini_quote(name), name.at);
	if (arg.len == 0)
		return true;
	(void)snprintf(text, sizeof(text), "%.*s", ini_quote(arg), arg.at);
	if (arg.len <= INI_ARG_MAX) {
		memcpy(text, arg.at, arg.len);
		text[arg.len] = '\0';
		if (str_is_name(text))
			return true;
	}
	return ini_refuse(rd,
		"\"%s\" after \"[%.*s\" must be one word of at most %d letters, digits, \"-\", "
		"\"_\" and \".\", and not begin with \"-\" or \".\"",
		text, (int)name.len, name.at, INI_ARG_MAX);
}

/* Splits "[name]" or "[name ARG]". False when it is neither, which has been reported; the name may
 * still be known then, so that the lines that follow are checked as well. */
static bool ini_split_section(struct ini_reading *rd, struct ini_slice line,
	struct ini_slice *ret_name, struct ini_slice *ret_arg)
{
	const char *close = memchr(line.at, ']', line.len);
	struct ini_slice inner, name, arg;
	bool is_good = true;

	line = ini_trim(line);
	inner = (struct ini_slice){line.at + 1, line.len - 1};
	if (close)
		inner.len = (size_t)(close - inner.at);
	if (!close)
		is_good = ini_refuse(
			rd, "the \"]\" of \"%.*s\" is missing: add it", ini_quote(line), line.at);
	else if (close + 1 < line.at + line.len)
		is_good = ini_refuse(rd,
			"text after the \"]\" of \"%.*s\": a section has its line to itself",
			ini_quote(line), line.at);
	name = ini_trim(inner);
	if (is_good && name.len == 0)
		return ini_refuse(rd, "the section has no name: write [NAME]");
	if (is_good && name.len != inner.len)
		is_good = ini_refuse(
			rd, "blanks inside the brackets: write [%.*s]", ini_quote(name), name.at);
	arg = name;
	while (arg.len > 0 && !ini_is_blank(arg.at[0])) {
		arg.at++;
		arg.len--;
	}
	name.len -= arg.len;
	arg = ini_trim(arg);
	if (is_good)
		is_good = ini_check_section(rd, name, arg);
	if (!is_good && (!ini_is_word(name) || name.len > INI_NAME_MAX))
		return false;
	*ret_name = name;
	*ret_arg = arg;
	return is_good;
}

/* The valid part of a bad arg. */
static struct ini_slice ini_mend_arg(struct ini_slice arg)
{
	struct ini_slice good = {arg.at, 0};

	while (good.len < arg.len && good.len < INI_ARG_MAX &&
		ini_is_word((struct ini_slice){arg.at + good.len, 1}))
		good.len++;
	if (good.len > 0 && (good.at[0] == '-' || good.at[0] == '.'))
		good.len = 0;
	return good;
}

static bool ini_slice_eq(struct ini_slice s, const char *text)
{
	return strlen(text) == s.len && memcmp(text, s.at, s.len) == 0;
}

/* The section's index. A section that this file already has is reported, and its keys are added to
 * the first one. */
static int ini_open_section(
	struct ini_reading *rd, struct ini_slice name, struct ini_slice arg, bool is_mended)
{
	struct ini_doc *doc = rd->doc;
	struct ini_section section = {.file = rd->file, .line = rd->line, .is_mended = is_mended};
	struct ini_section *sections;

	for (size_t i = rd->first_section; i < doc->n_sections; i++) {
		const struct ini_section *s = &doc->sections[i];

		if (!ini_slice_eq(name, s->name) || !ini_slice_eq(arg, s->arg))
			continue;
		rd->section = i;
		(void)ini_refuse(rd,
			"duplicate section [%s%s%s] (first at line %u): join the two%s", s->name,
			*s->arg ? " " : "", s->arg, s->line,
			*s->arg ? ", or give one another name" : "");
		return 0;
	}
	section.name = ini_keep(doc, name);
	section.arg = ini_keep(doc, arg);
	sections = ini_room(doc->sections, doc->n_sections, sizeof(*sections));
	if (sections)
		doc->sections = sections;
	if (!section.name || !section.arg || !sections)
		return -ENOMEM;
	rd->section = doc->n_sections;
	sections[doc->n_sections++] = section;
	return 0;
}

/* Like ini_take_key below. */
static bool ini_take_section(struct ini_reading *rd, struct ini_slice line, char *str, size_t size)
{
	struct ini_slice name = {0}, arg = {0};
	bool is_mended = !ini_split_section(rd, line, &name, &arg);

	if (is_mended) {
		struct ini_slice good = ini_mend_arg(arg);

		if (name.len == 0 || (good.len == 0 && arg.len > 0)) {
			rd->section = INI_BAD_SECTION;
			return false;
		}
		arg = good;
	}
	rd->r = ini_open_section(rd, name, arg, is_mended);
	if (rd->r < 0)
		return false;
	(void)snprintf(str, size, "[%.*s]\n", (int)name.len, name.at);
	return true;
}

/* ---------------------------------------------------------------- keys */

static bool ini_check_key(struct ini_reading *rd, struct ini_slice key)
{
	if (key.len == 0)
		return ini_refuse(rd, "no key before the \"=\": write KEY = VALUE");
	if (key.len > INI_NAME_MAX)
		return ini_refuse(rd, "the key \"%.*s...\" is longer than %d bytes: shorten it",
			ini_quote(key), key.at, INI_NAME_MAX);
	if (!ini_is_word(key))
		return ini_refuse(rd,
			"\"%.*s\" is not a key: only letters, digits, \"-\", \"_\" and \".\"",
			ini_quote(key), key.at);
	if (rd->section == INI_NO_SECTION) {
		/* Reported once: one section line repairs all lines that follow. */
		rd->section = INI_BAD_SECTION;
		return ini_refuse(rd,
			"\"%.*s\" comes before the first [section]: write the section above it",
			(int)key.len, key.at);
	}
	return rd->section != INI_BAD_SECTION;
}

static int ini_push_value(struct ini_reading *rd, struct ini_slice value)
{
	const char *text = ini_keep(rd->doc, value);
	struct ini_value *values = ini_room(rd->values, rd->n_values, sizeof(*values));

	if (values)
		rd->values = values;
	if (!values || !text)
		return -ENOMEM;
	values[rd->n_values++] = (struct ini_value){text, rd->line, rd->section};
	return 0;
}

/* True when str holds a line for inih; false when there is nothing to hand over, or rd->r is set.
 */
static bool ini_take_key(struct ini_reading *rd, struct ini_slice line, char *str, size_t size)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct ini_slice key, value;

	if (!equals)
		return ini_refuse(rd, "\"%.*s\" is neither \"key = value\" nor \"[section]\"",
			ini_quote(line), line.at);
	key = ini_trim((struct ini_slice){line.at, (size_t)(equals - line.at)});
	value = ini_trim((struct ini_slice){equals + 1, line.len - (size_t)(equals + 1 - line.at)});
	if (!ini_check_key(rd, key))
		return false;
	rd->r = ini_push_value(rd, value);
	if (rd->r < 0)
		return false;
	(void)snprintf(str, size, "%.*s = %zu\n", (int)key.len, key.at, rd->n_values - 1);
	return true;
}

/* ---------------------------------------------------------------- both sides of inih */

/* A line may end where memory does. */
static bool ini_is_utf8(struct ini_slice line)
{
	for (size_t i = 0, n; i < line.len; i += n) {
		char next[5] = "";

		memcpy(next, line.at + i, line.len - i < 4 ? line.len - i : 4);
		n = str_utf8_len(next);
		if (n == 0)
			return false;
	}
	return true;
}

static bool ini_take_line(struct ini_reading *rd, struct ini_slice line, char *str, size_t size)
{
	if (memchr(line.at, '\0', line.len)) {
		/* A binary file: further problems in it would tell nothing new. */
		rd->rest.len = 0;
		return ini_refuse(rd,
			"a NUL byte: this is not a text file, or not in UTF-8: save it as such");
	}
	if (line.len > INI_LINE_MAX)
		return ini_refuse(rd,
			"the line has %zu bytes, more than %d: long text can come from a file, "
			"@FILE",
			line.len, INI_LINE_MAX);
	if (ini_trim(line).len == 0 || line.at[0] == ';' || line.at[0] == '#')
		return false;
	if (!ini_is_utf8(line))
		return ini_refuse(rd, INI_NO_UTF8);
	if (ini_is_blank(line.at[0])) {
		line = ini_trim(line);
		return ini_refuse(rd, "\"%.*s\" is indented: begin the line at the margin",
			ini_quote(line), line.at);
	}
	if (line.at[0] == '[')
		return ini_take_section(rd, line, str, size);
	return ini_take_key(rd, line, str, size);
}

static char *ini_on_read(char *str, int num, void *stream)
{
	struct ini_reading *rd = stream;
	struct ini_slice line;

	while (rd->r == 0 && !ini_is_too_much(rd) && ini_next_line(rd, &line))
		if (ini_take_line(rd, line, str, (size_t)num))
			return str;
	/* Also ends the reading for callers that ask again. */
	rd->rest.len = 0;
	return NULL;
}

static int ini_on_key(void *user, const char *section, const char *name, const char *value)
{
	struct ini_reading *rd = user;
	struct ini_entry entry = {.file = rd->file, .precedence = rd->doc->n_files};
	const struct ini_section *s;
	const struct ini_value *v;
	size_t index;

	if (!name || !value)
		return 1;
	index = strtoul(value, NULL, 10);
	if (index >= rd->n_values)
		return 0;
	v = &rd->values[index];
	s = &rd->doc->sections[v->section];
	if (!str_eq(s->name, section))
		return 0;
	entry.section = s->name;
	entry.arg = s->arg;
	entry.key = ini_keep_text(rd->doc, name);
	entry.value = v->text;
	entry.line = v->line;
	rd->r = entry.key ? ini_add_entry(rd->doc, &entry) : -ENOMEM;
	return rd->r == 0;
}

int ini_read(struct ini_doc *doc, const char *file, const char *text, size_t len,
	struct problems *problems)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t n_entries = doc->n_entries, n_sections = doc->n_sections;
	struct ini_reading rd = {
		.doc = doc,
		.rest = {text, len},
		.section = INI_NO_SECTION,
		.first_section = n_sections,
		.n_entries_before = n_entries,
		.problems = problems,
		.n_problems_before = problems->n_told,
	};

	if (len >= strlen(bom) && memcmp(text, bom, strlen(bom)) == 0)
		rd.rest = (struct ini_slice){text + strlen(bom), len - strlen(bom)};
	rd.file = ini_keep_text(doc, file);
	if (!rd.file)
		return -ENOMEM;
	if (!doc->first_file)
		doc->first_file = rd.file;
	if (ini_parse_stream(ini_on_read, &rd, ini_on_key, &rd) == -2)
		rd.r = -ENOMEM;
	free(rd.values);
	if (rd.r < 0) {
		doc->n_entries = n_entries;
		doc->n_sections = n_sections;
		return rd.r;
	}
	if (doc->n_entries - n_entries != rd.n_values)
		problems_add(problems, rd.file, 0,
			"the INI library lost %zu of %zu keys: report this as a bug of rpsd",
			rd.n_values - (doc->n_entries - n_entries), rd.n_values);
	doc->n_files++;
	return 0;
}

int ini_set(struct ini_doc *doc, const char *origin, const char *section, const char *arg,
	const char *key, const char *value)
{
	struct ini_entry entry = {
		.section = ini_keep_text(doc, section),
		.arg = ini_keep_text(doc, arg),
		.key = ini_keep_text(doc, key),
		.value = ini_keep_text(doc, value),
		.file = ini_keep_text(doc, origin),
		.precedence = INI_FLAGS,
	};

	if (!entry.section || !entry.arg || !entry.key || !entry.value || !entry.file)
		return -ENOMEM;
	return ini_add_entry(doc, &entry);
}

int ini_set_path(struct ini_doc *doc, const char *origin, const char *path, const char *value)
{
	const char *first = strchr(path, '.');
	const char *last = strrchr(path, '.');
	char *copy;
	int r;

	if (!first || first == path || !last[1])
		return -EINVAL;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	copy[first - path] = '\0';
	copy[last - path] = '\0';
	r = ini_set(
		doc, origin, copy, first == last ? "" : copy + (first + 1 - path), last + 1, value);
	free(copy);
	return r;
}

int ini_replace(struct ini_doc *doc, size_t i, const char *value)
{
	const char *copy = ini_keep_text(doc, value);

	if (!copy)
		return -ENOMEM;
	doc->entries[i].value = copy;
	doc->entries[i].filled = true;
	return 0;
}

void ini_fini(struct ini_doc *doc)
{
	while (doc->pool) {
		struct ini_pool *piece = doc->pool;

		doc->pool = piece->next;
		/* It may be a password. */
		explicit_bzero(piece->text, piece->size);
		free(piece);
	}
	free(doc->entries);
	free(doc->sections);
	*doc = (struct ini_doc){0};
}
