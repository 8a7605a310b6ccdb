/* SPDX-License-Identifier: Apache-2.0 */
/* INI text into a flat list of entries with line numbers. A line reader of this module feeds inih,
 * which splits and trims; the reader does what inih cannot do: long values, ';' in values, line
 * numbers, duplicate and misspelt sections (platform page, section 1). Pure: text in, list out. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct problems;

/* After the place of such a line. */
#define INI_NO_UTF8                                                                                \
	"the line is not text in UTF-8: convert the file, as with iconv -f latin1 -t utf-8"
#define INI_LINE_MAX 65536 /* bytes in a line, without its newline */
#define INI_NAME_MAX 48	   /* bytes in a section name or key; inih cuts longer ones */
#define INI_FLAGS UINT_MAX /* the precedence of flags */

struct ini_entry {
	const char *section; /* "load", "request", "origin"; borrowed from the doc */
	const char *arg;     /* "browse" of [request browse]; "" where there is none */
	const char *key;
	const char *value; /* trimmed; may be empty */
	const char *file;
	unsigned line; /* 0: not from a file (a flag); then file names the flag */
	/* The number of its file in the order of reading, from 0: a later file has precedence.
	 * Flags count as one file after all others. */
	unsigned precedence;
	bool filled; /* the value was replaced by ini_replace */
};

struct ini_section {
	const char *name;
	const char *arg;
	const char *file;
	unsigned line;
	bool is_mended; /* its line has been reported as a problem; name and arg hold the valid
			 * part */
};

struct ini_doc {
	struct ini_entry *entries;
	size_t n_entries;
	struct ini_section *sections; /* also the empty ones, in file order */
	size_t n_sections;
	struct ini_pool *pool;	/* owns every string */
	const char *first_file; /* the name of the first file read; NULL: no file was read */
	unsigned n_files;	/* number of files that were read */
	bool is_incomplete;	/* a line was refused: a missing entry may have been in it */
};

/* Reads text (len bytes, not necessarily terminated; NUL inside is a problem) named file and
 * appends to doc (zero-initialised, or holding earlier files). Every problem found is added with
 * its line; what is well-formed is kept. A section may appear once in a file: the keys of its
 * second appearance are added to the first; those after a malformed section line belong to the
 * section that it most likely means, or they are dropped. Names of sections and keys are letters,
 * digits, '-', '_' and '.'; an arg is a str_is_name. Reading stops with a problem after 10,000
 * problems, 4,096 sections or 65,536 keys. The key table decides which sections are known. 0 or
 * -ENOMEM (entries and sections as before); problems->n tells whether the text is valid. */
int ini_read(struct ini_doc *doc, const char *file, const char *text, size_t len,
	struct problems *problems);

/* Appends one entry that does not come from a file ("-r", "--set load.rate"). */
int ini_set(struct ini_doc *doc, const char *origin, const char *section, const char *arg,
	const char *key, const char *value);

/* The same with path "section.key" or "section.arg.key"; the arg may contain dots. 0, -EINVAL (path
 * is neither) or -ENOMEM. */
int ini_set_path(struct ini_doc *doc, const char *origin, const char *path, const char *value);

/* Replaces the value that entry i has in its file. 0 or -ENOMEM. */
int ini_replace(struct ini_doc *doc, size_t i, const char *value);

void ini_fini(struct ini_doc *doc);
