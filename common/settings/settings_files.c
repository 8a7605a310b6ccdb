/* SPDX-License-Identifier: Apache-2.0 */
/* Reads rpsd.conf and its drop-ins into one document. Main thread, at start and reload. */
#include "common/settings/settings_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/file.h"
#include "common/config/ini.h"
#include "common/str.h"

#define SETTINGS_FILE_MAX (1024 * 1024)

/* The caller decides about -ENOENT; any other error is added as a problem. */
static int settings_files_read_one(const char *path, struct ini_doc *doc, struct problems *problems)
{
	char *text;
	size_t len;
	int r;

	r = file_read(path, SETTINGS_FILE_MAX, &text, &len);
	if (r) {
		if (r != -ENOENT)
			problems_add(problems, path, 0, "%s", file_error(r));
		return r;
	}
	r = ini_read(doc, path, text, len, problems);
	free(text);
	return r;
}

static int settings_files_is_drop_in(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, ".conf");
}

/* Compares bytes: the order must not depend on the locale. */
static int settings_files_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int settings_files_read_drop_ins(
	const char *directory, struct ini_doc *doc, struct problems *problems)
{
	struct dirent **entries;
	int r = 0;
	int n;

	n = scandir(directory, &entries, settings_files_is_drop_in, settings_files_compare);
	if (n == -1) {
		r = -errno;
		if (r == -ENOENT)
			return 0;
		problems_add(problems, directory, 0, "%s", strerror(-r));
		return r;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		if (!r && snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name) <
				  (int)sizeof(path))
			r = settings_files_read_one(path, doc, problems);
		/* Removed since the directory was read, or a link to nothing. */
		if (r == -ENOENT)
			r = 0;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int settings_files_read(
	const char *path, bool must_exist, struct ini_doc *doc, struct problems *problems)
{
	char directory[PATH_MAX];
	int r;

	r = settings_files_read_one(path, doc, problems);
	if (r == -ENOENT && !must_exist)
		r = 0;
	else if (r == -ENOENT)
		problems_add(problems, path, 0, "no such file");
	if (r)
		return r;
	if (snprintf(directory, sizeof(directory), "%s.d", path) >= (int)sizeof(directory))
		return 0;
	return settings_files_read_drop_ins(directory, doc, problems);
}
