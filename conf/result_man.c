/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build: the members of a result ("members") and the columns of its CSV ("csv") as
 * mdoc, from the table that documents are written and read by. So the manual cannot say anything
 * else than rpsd does.
 *
 *	result_man members|csv */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/result/result_table.h"
#include "common/str.h"
#include "conf/roff.h"

#define RESULT_MAN_TABLES_MAX 64
#define RESULT_MAN_PATHS_MAX 8

/* Each kind of object has one section, whose title says where it is found. */
struct result_man_section {
	const struct result_table *table;
	char paths[RESULT_MAN_PATHS_MAX][96];
	size_t n_paths;
};

static struct result_man_section result_man_sections[RESULT_MAN_TABLES_MAX];
static size_t result_man_n_sections;

static const char *const result_man_types[] = {
	[RESULT_INT] = "integer",
	[RESULT_COUNT] = "integer",
	[RESULT_ANY_INT] = "integer",
	[RESULT_REAL] = "number",
	[RESULT_FLAG] = "true or false",
	[RESULT_TEXT] = "text",
	[RESULT_JSON] = "object",
	[RESULT_PART] = "object",
	[RESULT_ROWS] = "array",
	[RESULT_NAMED] = "object",
};

static bool result_man_is_value(const struct result_table *t)
{
	return t->fields[0].name[0] == '\0';
}

static struct result_man_section *result_man_section(const struct result_table *t)
{
	for (size_t i = 0; i < result_man_n_sections; i++)
		if (result_man_sections[i].table == t)
			return &result_man_sections[i];
	result_man_sections[result_man_n_sections].table = t;
	return &result_man_sections[result_man_n_sections++];
}

/* In the order in which they are met. An object found inside another one at two places is told of
 * once for each of them. */
static void result_man_collect(const struct result_table *t, const char *path)
{
	struct result_man_section *s = result_man_section(t);

	if (s->n_paths == RESULT_MAN_PATHS_MAX)
		return;
	(void)snprintf(s->paths[s->n_paths++], sizeof(s->paths[0]), "%s", path);
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];
		const char *below = f->type == RESULT_ROWS    ? "[]"
				    : f->type == RESULT_NAMED ? ".NAME"
							      : "";
		char its[96];

		if (!f->table || result_man_is_value(f->table))
			continue;
		(void)snprintf(
			its, sizeof(its), "%.60s%s%.20s%s", path, *path ? "." : "", f->name, below);
		result_man_collect(f->table, its);
	}
}

/* "integer, ns", "array of objects". */
static void result_man_type(const struct result_field *f)
{
	const struct result_table *t = f->table;

	(void)fputs(result_man_types[f->type], stdout);
	if (f->type == RESULT_ROWS || f->type == RESULT_NAMED)
		(void)printf(" of %ss",
			result_man_is_value(t) ? result_man_types[t->fields[0].type] : "object");
	if (f->unit != RESULT_NO_UNIT)
		(void)printf(", %s", result_unit_names[f->unit]);
}

static void result_man_field(const struct result_field *f)
{
	bool is_same = f->null_when && f->absent_when && str_eq(f->null_when, f->absent_when);

	(void)fputs(".It Ic ", stdout);
	roff_put(f->name);
	(void)fputs(" Pq ", stdout);
	result_man_type(f);
	(void)putchar('\n');
	roff_put(f->help);
	if (f->null_when) {
		(void)fputs(is_same ? "; null or absent where " : "; null where ", stdout);
		roff_put(f->null_when);
	}
	if (f->absent_when && !is_same) {
		(void)fputs("; absent where ", stdout);
		roff_put(f->absent_when);
	}
	(void)putchar('\n');
}

static void result_man_print(const struct result_man_section *s)
{
	for (size_t i = 0; i < s->n_paths; i++) {
		if (i == 0)
			(void)fputs(".Ss ", stdout);
		else
			(void)fputs(", ", stdout);
		roff_put(*s->paths[i] ? s->paths[i] : "The members");
	}
	(void)fputs("\nThis is ", stdout);
	roff_put(s->table->what);
	(void)puts(".\n.Bl -tag -width Ds");
	for (size_t i = 0; i < s->table->n; i++)
		result_man_field(&s->table->fields[i]);
	(void)puts(".El");
}

static void result_man_members(void)
{
	result_man_collect(&result_table, "");
	for (size_t i = 0; i < result_man_n_sections; i++)
		result_man_print(&result_man_sections[i]);
}

static void result_man_csv(void)
{
	const struct result_table *t = &result_row_table;

	(void)puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];

		if (!f->csv)
			continue;
		(void)fputs(".It Ic ", stdout);
		roff_put(f->csv);
		(void)printf(" Pq %s\n", str_ends(f->csv, "_ms")  ? "ms"
					 : str_ends(f->csv, "_s") ? "s"
					 : f->type == RESULT_FLAG ? "0 or 1"
								  : "integer");
		roff_put(f->help);
		if (f->null_when) {
			(void)fputs("; empty where ", stdout);
			roff_put(f->null_when);
		}
		(void)putchar('\n');
	}
	(void)puts(".El");
}

int main(int argc, char *argv[])
{
	if (argc == 2 && str_eq(argv[1], "members")) {
		result_man_members();
	} else if (argc == 2 && str_eq(argv[1], "csv")) {
		result_man_csv();
	} else {
		(void)fputs("usage: result_man members|csv\n", stderr);
		return 64;
	}
	return roff_finish();
}
