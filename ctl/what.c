/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run, and the parameters of Start made from it.
 *
 * The daemon never opens a caller's path: the run file's text travels, and with it the contents of
 * every file that a value names ("body = @cart.json"). Such a name is looked up beside the run file
 * where the file says it and in the working directory where a flag does; if both name the same, the
 * flag wins, as flags do. What is wrong in the file is said by the daemon, which has the one parser
 * of plans; here problems are only what keeps us from reading. */
#include "ctl/what.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/ini.h"
#include "common/plan.h"
#include "common/str.h"
#include "common/url.h"
#include "common/varlink.h"
#include "ctl/options.h"

/* Of all files together, so that the call with its base64 stays below VARLINK_START_MAX. */
#define WHAT_FILES_MAX ((size_t)VARLINK_START_MAX / 4 * 3 - (2u << 20))
#define WHAT_TEXT_MAX ((size_t)1 << 20)

enum what_kind what_judge(const char *what)
{
	struct in_addr v4;
	struct stat st;

	if (strstr(what, "://"))
		return WHAT_URL;
	if (what[0] == '.' || what[0] == '/' || str_ends(what, ".ini"))
		return WHAT_PATH;
	if (strpbrk(what, "/:"))
		return stat(what, &st) == 0 && S_ISREG(st.st_mode) ? WHAT_PATH : WHAT_URL;
	if (str_eq(what, "localhost") || inet_pton(AF_INET, what, &v4) == 1)
		return WHAT_URL;
	return WHAT_NAME;
}

void what_name(const char *path, char ret[static WHAT_NAME_SIZE])
{
	const char *slash = strrchr(path, '/');
	const char *from = slash ? slash + 1 : path;
	size_t len = strlen(from);

	if (str_ends(from, ".ini"))
		len -= strlen(".ini");
	if (len >= WHAT_NAME_SIZE)
		len = WHAT_NAME_SIZE - 1;
	for (size_t i = 0; i < len; i++) {
		bool fits = isalnum((unsigned char)from[i]) || from[i] == '_' ||
			    (i > 0 && (from[i] == '-' || from[i] == '.'));

		ret[i] = fits ? from[i] : '_';
	}
	ret[len] = '\0';
	if (len == 0)
		(void)strcpy(ret, "run");
}

/* ---------------------------------------------------------------- files that values name */

static int what_out_of_memory(struct err *reterr)
{
	err_set(reterr, "out of memory");
	return EXIT_NO_DAEMON;
}

static int what_unreadable(const char *path, int error, struct err *reterr)
{
	err_set(reterr, "%.300s: %s", path,
		error == -EFBIG ? "too large for a run" : strerror(-error));
	return EXIT_NO_INPUT;
}

struct what_files {
	json_t *contents; /* name -> base64 */
	size_t bytes;
	const char *beside; /* the run file's path, or NULL: the working directory */
};

static int what_add_file(struct what_files *f, const char *name, struct err *reterr)
{
	const char *slash = f->beside ? strrchr(f->beside, '/') : NULL;
	char path[PATH_MAX];
	char *data;
	char *base64;
	size_t len;
	int r;

	if (json_object_get(f->contents, name))
		return 0;
	if (name[0] == '/' || !slash)
		r = snprintf(path, sizeof(path), "%s", name);
	else
		r = snprintf(
			path, sizeof(path), "%.*s/%s", (int)(slash - f->beside), f->beside, name);
	if (r >= (int)sizeof(path))
		return what_unreadable(name, -ENAMETOOLONG, reterr);
	r = str_read_file(path, WHAT_FILES_MAX - f->bytes, &data, &len);
	if (r)
		return what_unreadable(path, r, reterr);
	f->bytes += len;
	base64 = digest_base64_encode(data, len);
	free(data);
	r = base64 ? json_object_set_new(f->contents, name, json_string(base64)) : -1;
	free(base64);
	return r ? what_out_of_memory(reterr) : 0;
}

static int what_add_files(struct what_files *f, const struct ini_doc *doc, struct err *reterr)
{
	size_t n = 0;
	const char **names = plan_file_names(doc, &n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = what_add_file(f, names[i], reterr);
	free(names);
	return r;
}

/* Those that flags name. */
static int what_add_flag_files(struct what_files *f, const struct options *o, struct err *reterr)
{
	struct ini_doc doc = {0};
	int r = 0;

	for (size_t i = 0; i < o->n_settings && r == 0; i++) {
		const struct options_setting *s = &o->settings[i];
		char section[INI_NAME_MAX + 1];
		const char *dot = strchr(s->key, '.');

		if (!dot || (size_t)(dot - s->key) >= sizeof(section))
			continue;
		(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - s->key), s->key);
		r = ini_set(&doc, s->origin, section, "", dot + 1, s->value);
	}
	f->beside = NULL;
	r = r ? what_out_of_memory(reterr) : what_add_files(f, &doc, reterr);
	ini_fini(&doc);
	return r;
}

static int what_add_text_files(
	struct what_files *f, const char *path, const char *text, struct err *reterr)
{
	struct ini_doc doc = {0};
	struct problems problems = {0};
	int r = ini_read(&doc, path, text, strlen(text), &problems);

	/* Its problems are the daemon's to tell. */
	problems_fini(&problems);
	f->beside = path;
	r = r ? what_out_of_memory(reterr) : what_add_files(f, &doc, reterr);
	ini_fini(&doc);
	return r;
}

/* ---------------------------------------------------------------- the parameters */

/* JSON carries nothing else. */
static bool what_is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

/* A new string with the text of the plan. */
static int what_text(enum what_kind kind, const char *what, char **ret, struct err *reterr)
{
	struct url url = {0};
	size_t len;
	int r;

	if (kind == WHAT_PATH) {
		r = str_read_file(what, WHAT_TEXT_MAX, ret, &len);
		if (r)
			return what_unreadable(what, r, reterr);
		if (strlen(*ret) == len && what_is_utf8(*ret))
			return 0;
		free(*ret);
		*ret = NULL;
		err_set(reterr, "%.300s: this is no text in UTF-8", what);
		return EXIT_CONFIG;
	}
	r = url_parse(what, &url, reterr);
	if (r)
		return r == -ENOMEM ? what_out_of_memory(reterr) : EXIT_CONFIG;
	url_fini(&url);
	if (asprintf(ret, "[target]\nurl = %s\n", what) == -1)
		return what_out_of_memory(reterr);
	return 0;
}

/* Null when a value is no UTF-8, which JSON cannot carry. */
static json_t *what_settings(const struct options *o, bool is_url)
{
	json_t *set = json_array();

	for (size_t i = 0; i < o->n_settings && set; i++) {
		const struct options_setting *s = &o->settings[i];
		json_t *one = json_pack(
			"{s:s, s:s, s:s}", "key", s->key, "value", s->value, "origin", s->origin);

		if (!one || json_array_append_new(set, one)) {
			json_decref(set);
			return NULL;
		}
	}
	/* A body on a URL without a method: what hands and curl mean is POST. */
	if (is_url && options_setting(o, "defaults.body") && !options_setting(o, "defaults.method"))
		(void)json_array_append_new(
			set, json_pack("{s:s, s:s, s:s}", "key", "defaults.method", "value", "POST",
				     "origin", "--data"));
	return set;
}

static int what_fill(json_t *parameters, enum what_kind kind, const char *what,
	const struct options *o, struct err *reterr)
{
	struct what_files files = {.contents = json_object()};
	char name[WHAT_NAME_SIZE];
	char *text = NULL;
	int r = what_add_flag_files(&files, o, reterr);

	if (r == 0 && kind != WHAT_NAME) {
		r = what_text(kind, what, &text, reterr);
		if (r == 0 && kind == WHAT_PATH)
			r = what_add_text_files(&files, what, text, reterr);
	}
	if (r == 0) {
		int failed = 0;

		/* A URL's run is named by the daemon. */
		if (kind == WHAT_NAME)
			failed = json_object_set_new(parameters, "name", json_string(what));
		what_name(what, name);
		if (kind == WHAT_PATH)
			failed = json_object_set_new(parameters, "name", json_string(name)) |
				 json_object_set_new(parameters, "file", json_string(what));
		if (text)
			failed |= json_object_set_new(parameters, "text", json_string(text));
		if (json_object_size(files.contents))
			failed |= json_object_set(parameters, "files", files.contents);
		if (failed)
			r = what_out_of_memory(reterr);
	}
	free(text);
	json_decref(files.contents);
	return r;
}

int what_parameters(
	const char *what, const struct options *o, bool hold, json_t **ret, struct err *reterr)
{
	json_t *parameters = json_pack("{s:b}", "hold", hold);
	enum what_kind kind = what_judge(what);
	json_t *set = what_settings(o, kind == WHAT_URL);
	int r;

	if (!parameters || !set || json_object_set(parameters, "set", set)) {
		err_set(reterr, "a flag's value is not text in UTF-8");
		r = EXIT_USAGE;
	} else {
		r = what_fill(parameters, kind, what, o, reterr);
	}
	json_decref(set);
	if (r) {
		json_decref(parameters);
		return r;
	}
	*ret = parameters;
	return 0;
}
