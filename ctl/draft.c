/* SPDX-License-Identifier: Apache-2.0 */
/* From words of a command line to the parameters of Start.
 *
 * The daemon never opens a caller's path and knows no caller's environment: texts travel as they
 * were written, and with them the variables and the contents of the files that their values name.
 * So a result shows ${NAME} and not what it stood for. To learn which variables and files these
 * are, all texts are read here into one document in the daemon's order (run file, overlays, flags)
 * and filled; the last entry that names a file says where it is looked up: beside its own file, or
 * in the working directory where a flag names it.
 *
 * What is wrong with a plan that goes to the service is said by the service; here problems are only
 * what keeps us from reading. A credential is of the one who reads: ours, where the service manager
 * has started rpsctl, as it has the daemon. draft_plan makes the same plan from the same document
 * for check and
 * --dry-run, which send nothing, and for private runs, so that no daemon is started for a plan that
 * is none. */
#include "ctl/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/digest.h"
#include "common/exit_codes.h"
#include "common/file.h"
#include "common/fill.h"
#include "common/keys.h"
#include "common/plan/plan.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/default_load.h"
#include "ctl/options.h"
#include "ctl/problem.h"
#include "ctl/what.h"

/* Of all texts together. */
#define DRAFT_TEXT_MAX ((size_t)1 << 20)
/* Files in base64, the texts, and what else a call has. */
_Static_assert(PLAN_SERVICE_BYTES_MAX / 3 * 4 + 2 * DRAFT_TEXT_MAX < VARLINK_START_MAX,
	"a call to the service holds what it may");

static int draft_out_of_memory(struct err *reterr)
{
	err_set(reterr, "out of memory for the files and flags of the run");
	return EXIT_NO_DAEMON;
}

/* In front of it the path. */
#define DRAFT_IS_RESULT "this is the result of a run: rpsctl report shows it"

/* A file's first bytes, with a zero behind them. 0 also where it cannot be read. */
struct draft_beginning {
	char text[4096 + 1];
};

static size_t draft_begin(const char *path, struct draft_beginning *ret)
{
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd != -1) {
		n = read(fd, ret->text, sizeof(ret->text) - 1);
		(void)close(fd);
	}
	n = n > 0 ? n : 0;
	ret->text[n] = '\0';
	return (size_t)n;
}

/* text begins as what -o FILE.json writes. */
static bool draft_is_result(const char *text)
{
	const char *schema =
		text[strspn(text, " \t\r\n")] == '{' ? strstr(text, "\"schema\"") : NULL;

	return schema && schema - text < 1024 && strstr(schema, "\"" RESULT_SCHEMA "\"");
}

const char *draft_odd_text(const char *path)
{
	struct draft_beginning b;
	size_t n = draft_begin(path, &b);

	if (memchr(b.text, '\0', n))
		return "this is not a text file";
	return draft_is_result(b.text) ? DRAFT_IS_RESULT : NULL;
}

static int draft_unreadable(const char *path, int error, struct err *reterr)
{
	const char *odd = error == -EFBIG ? draft_odd_text(path) : NULL;

	if (odd) {
		err_set(reterr, "%.300s: %s", path, odd);
		return EXIT_CONFIG;
	}
	err_set(reterr, "%.300s: %s", path,
		error == -EFBIG ? "too large for a run" : strerror(-error));
	return EXIT_NO_INPUT;
}

/* JSON carries nothing else. */
static bool draft_is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

/* ---------------------------------------------------------------- texts */

/* A new string. used: bytes of texts read before. */
static int draft_read_text(const char *path, size_t used, char **ret, struct err *reterr)
{
	bool is_text;
	size_t len;
	int r = file_read_stream(path, DRAFT_TEXT_MAX - used, ret, &len);

	if (r)
		return draft_unreadable(path, r, reterr);
	is_text = strlen(*ret) == len && draft_is_utf8(*ret);
	if (is_text && !draft_is_result(*ret))
		return 0;
	free(*ret);
	*ret = NULL;
	err_set(reterr, "%.300s: %s", path,
		is_text ? DRAFT_IS_RESULT : "this is not a text file in UTF-8");
	return EXIT_CONFIG;
}

/* A bad URL as WHAT is told here in one line; a good one goes with the flags (draft_add_settings).
 */
static int draft_check_url(const char *what, struct err *reterr)
{
	const struct key *key = keys_find(KEYS_RUN, "target", "url");
	struct err err = {0};
	int r = keys_parse(key, what, NULL, &err);

	if (r == -ENOMEM)
		return draft_out_of_memory(reterr);
	if (r) {
		err_set(reterr, "%s%s", str_starts(err.text, "URL ") ? "" : "URL: ", err.text);
		return EXIT_USAGE;
	}
	return 0;
}

/* WHAT itself: name or text, and what the daemon shall call it. */
static int draft_add_what(
	struct draft *d, enum what_kind kind, const char *what, struct err *reterr)
{
	const char *text = d->named_text;
	char name[WHAT_NAME_SIZE];
	int failed = 0;
	int r = 0;

	what_name(what, name);
	if (kind == WHAT_PATH)
		r = draft_read_text(what, 0, &d->text, reterr);
	else if (kind == WHAT_URL)
		r = draft_check_url(what, reterr);
	if (r)
		return r;
	/* A URL's run is named by the daemon. */
	if (kind == WHAT_PATH)
		failed = json_object_set_new(d->parameters, "name", json_string(name)) |
			 json_object_set_new(d->parameters, "file", json_string(what));
	else if (kind == WHAT_NAME)
		failed = json_object_set_new(d->parameters, "name", json_string(what));
	if (d->text) {
		failed |= json_object_set_new(d->parameters, "text", json_string(d->text));
		text = d->text;
	}
	if (failed == 0 && text)
		failed = ini_read(&d->doc, what, text, strlen(text), &d->problems);
	return failed ? draft_out_of_memory(reterr) : 0;
}

static int draft_add_overlay(
	struct draft *d, json_t *overlays, const char *path, size_t *used, struct err *reterr)
{
	char *text = NULL;
	int r;

	if (access(path, F_OK) == -1 && errno == ENOENT) {
		if (what_judge(path) == WHAT_URL)
			err_set(reterr,
				"%.200s: a run has one target; several requests to it are [request "
				"NAME] sections of a run file, several targets are several runs",
				path);
		else
			err_set(reterr,
				"%.200s: no such file; the words after the first one are overlays, "
				"which are run files",
				path);
		return what_judge(path) == WHAT_URL ? EXIT_USAGE : EXIT_NO_INPUT;
	}
	r = draft_read_text(path, *used, &text, reterr);
	if (r)
		return r;
	*used += strlen(text);
	if (json_array_append_new(overlays, json_pack("{s:s, s:s}", "file", path, "text", text)) ||
		ini_read(&d->doc, path, text, strlen(text), &d->problems))
		r = draft_out_of_memory(reterr);
	free(text);
	return r;
}

static int draft_add_overlays(
	struct draft *d, const char *const *paths, size_t n, struct err *reterr)
{
	size_t used = d->text ? strlen(d->text) : 0;
	json_t *overlays = json_array();
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = draft_add_overlay(d, overlays, paths[i], &used, reterr);
	if (r == 0 && n && json_object_set(d->parameters, "overlays", overlays))
		r = draft_out_of_memory(reterr);
	json_decref(overlays);
	return r;
}

/* ---------------------------------------------------------------- variables */

struct draft_environment {
	json_t *found;	 /* NULL: none is to be had */
	const char *bad; /* borrowed from nobody: "" or why */
	char name[64];
};

static const char *draft_lookup(void *userdata, const char *name)
{
	struct draft_environment *e = userdata;
	const char *value = e->found ? getenv(name) : NULL;

	if (value && json_object_set_new(e->found, name, json_string(value))) {
		e->bad = "its value is not text in UTF-8";
		(void)snprintf(e->name, sizeof(e->name), "%.60s", name);
	}
	return value;
}

/* The named run's own entries are filled as the service does it: without an environment. */
static int draft_fill(struct draft *d, size_t n_named, struct err *reterr)
{
	struct draft_environment none = {0};
	struct draft_environment ours = {.found = json_object()};
	struct fill fill = {draft_lookup, &none};
	size_t n_before = d->problems.n;
	size_t n_entries = d->doc.n_entries;
	int r;

	d->doc.n_entries = n_named;
	r = fill_doc(&d->doc, 0, &fill, &d->problems);
	d->doc.n_entries = n_entries;
	fill.userdata = &ours;
	if (r == 0)
		r = fill_doc(&d->doc, n_named, &fill, &d->problems);
	if (r == 0 && json_object_size(ours.found))
		r = json_object_set(d->parameters, "variables", ours.found);
	json_decref(ours.found);
	if (r)
		return draft_out_of_memory(reterr);
	if (ours.bad) {
		err_set(reterr, "${%s}: %s", ours.name, ours.bad);
		return EXIT_CONFIG;
	}
	d->is_unfilled = d->problems.n > n_before;
	return d->is_unfilled ? EXIT_CONFIG : 0;
}

/* ---------------------------------------------------------------- flags */

static int draft_add_setting(struct draft *d, json_t *set, const char *key, const char *value,
	const char *origin, struct err *reterr)
{
	json_t *one = json_pack("{s:s, s:s, s:s}", "key", key, "value", value, "origin", origin);
	int r;

	if (json_array_append_new(set, one)) {
		err_set(reterr, "a flag's value is not text in UTF-8");
		return EXIT_USAGE;
	}
	r = ini_set_path(&d->doc, origin, key, value);
	/* What is no key is the daemon's to refuse. */
	return r == 0 || r == -EINVAL ? 0 : draft_out_of_memory(reterr);
}

/* What is sent where nothing says at which rate. */
static int draft_add_load(struct draft *d, enum what_kind kind, json_t *set, struct err *reterr)
{
	const struct ini_entry *users = kind == WHAT_URL ? default_load_users(&d->doc) : NULL;

	/* A named run's file is not here. */
	if (kind != WHAT_NAME)
		default_load_describe(&d->doc, users, d->load, sizeof(d->load));
	return users ? draft_add_setting(d, set, "load.model", "closed", users->file, reterr) : 0;
}

/* A URL is a word of the command line like the flags: no ${NAME} in it is filled, it overrides
 * what files say, and messages name it PROBLEM_URL. */
static int draft_add_settings(struct draft *d, enum what_kind kind, const char *what,
	const struct options *o, struct err *reterr)
{
	json_t *set = json_array();
	int r = 0;

	if (kind == WHAT_URL)
		r = draft_add_setting(d, set, "target.url", what, PROBLEM_URL, reterr);
	for (size_t i = 0; i < o->n_settings && r == 0; i++)
		r = draft_add_setting(d, set, o->settings[i].key, o->settings[i].value,
			o->settings[i].origin, reterr);
	/* A body on a URL without a method: what hands and curl mean is POST. */
	if (r == 0 && kind == WHAT_URL && options_setting(o, "defaults.body") &&
		!options_setting(o, "defaults.method"))
		r = draft_add_setting(d, set, "defaults.method", "POST", "--data", reterr);
	if (r == 0)
		r = draft_add_load(d, kind, set, reterr);
	if (r == 0 && json_object_set(d->parameters, "set", set))
		r = draft_out_of_memory(reterr);
	json_decref(set);
	return r;
}

/* ---------------------------------------------------------------- files that values name */

/* Of a credential, and none was given to us. */
static bool draft_is_out_of_reach(const char *name)
{
	return plan_credential(name) && !getenv("CREDENTIALS_DIRECTORY");
}

/* False: the path is too long. */
static bool draft_path(const struct ini_doc *doc, const char *name, char path[static PATH_MAX])
{
	const struct ini_entry *e = plan_file_entry(doc, name);
	const char *slash = e && e->line ? strrchr(e->file, '/') : NULL;

	if (str_eq(name, PLAN_STDIN))
		return snprintf(path, PATH_MAX, "/dev/stdin") < PATH_MAX;
	if (plan_credential(name))
		return snprintf(path, PATH_MAX, "%s/%s", getenv("CREDENTIALS_DIRECTORY"),
			       plan_credential(name)) < PATH_MAX;
	if (name[0] == '/' || !slash)
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	return snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - e->file), e->file, name) <
	       PATH_MAX;
}

static int draft_put_piece(
	struct draft *d, const char *name, size_t offset, size_t len, struct err *reterr)
{
	json_t *piece =
		json_pack("{s:I, s:I}", "offset", (json_int_t)offset, "len", (json_int_t)len);

	return json_object_set_new(d->_pieces, name, piece) ? draft_out_of_memory(reterr) : 0;
}

/* Told here; for the plan, which may have more to tell, it is there and empty. path NULL: it is a
 * credential, and there are none. */
static int draft_miss_file(
	struct draft *d, const char *name, const char *path, int error, struct err *reterr)
{
	plan_file_unreadable(&d->doc, name, path, error, &d->problems);
	d->is_unreadable = true;
	return draft_put_piece(d, name, 0, 0, reterr);
}

static int draft_add_file(struct draft *d, const char *name, struct err *reterr)
{
	bool is_stdin = str_eq(name, PLAN_STDIN);
	char path[PATH_MAX] = "";
	size_t offset, len;
	int r;

	/* A check says what the file means, which is told without its secrets. */
	if (draft_is_out_of_reach(name))
		return d->is_check ? 0 : draft_miss_file(d, name, NULL, 0, reterr);
	r = draft_path(&d->doc, name, path)
		    ? content_add(&d->content, is_stdin ? NULL : path, &offset, &len)
		    : -ENAMETOOLONG;
	if (r == -EFBIG && !d->is_service) {
		err_set(reterr,
			"%.200s: the files of this run have more than %zu MiB with it, a quarter "
			"of the memory that is available",
			path, content_private_max() >> 20);
		return EXIT_NO_INPUT;
	}
	if (r)
		return draft_miss_file(d, name, *path ? path : name, r, reterr);
	return draft_put_piece(d, name, offset, len, reterr);
}

/* The daemon would refuse it too, but then it has crossed the socket. */
static int draft_check_key(const struct draft *d, size_t first, struct err *reterr)
{
	const struct ini_entry *e = plan_key_entry(&d->doc, first);

	if (!e || !d->is_service)
		return 0;
	if (e->line)
		err_set(reterr, "%s:%u: %s: %s", e->file, e->line, e->key, plan_key_refused);
	else
		err_set(reterr, "%s: %s", e->file, plan_key_refused);
	return EXIT_CONFIG;
}

/* A private daemon gets the content as a descriptor, and here its pieces; the service gets it here.
 */
static int draft_put_files(struct draft *d, struct err *reterr)
{
	json_t *files = json_object();
	const char *content, *name;
	json_t *piece;
	int failed = 0;
	int r = content_map(&d->content, &content);

	if (r) {
		err_set(reterr, "cannot hold the run's files: %s", strerror(-r));
		json_decref(files);
		return EXIT_NO_DAEMON;
	}
	if (json_object_size(d->_pieces) > 0 && !d->is_service)
		failed = json_object_set(d->parameters, "held", d->_pieces);
	json_object_foreach(d->is_service ? d->_pieces : NULL, name, piece)
	{
		char *base64 = digest_base64_encode(
			content + json_integer_value(json_object_get(piece, "offset")),
			(size_t)json_integer_value(json_object_get(piece, "len")));

		failed |= !base64 || json_object_set_new(files, name, json_string(base64));
		free(base64);
	}
	if (json_object_size(files) > 0)
		failed |= json_object_set(d->parameters, "files", files);
	json_decref(files);
	return failed ? draft_out_of_memory(reterr) : 0;
}

/* first: of the entries whose files are rpsctl's to read; those before are a named run's. */
static int draft_add_files(struct draft *d, size_t first, struct err *reterr)
{
	size_t n = 0;
	const char **names = plan_file_names(&d->doc, &n);
	int r = content_open(
		&d->content, d->is_service ? PLAN_SERVICE_BYTES_MAX : content_private_max());

	if (r) {
		err_set(reterr, "cannot hold the run's files: %s", strerror(-r));
		r = EXIT_NO_DAEMON;
	}
	d->_pieces = json_object();
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct ini_entry *e = plan_file_entry(&d->doc, names[i]);

		if (!e || e >= d->doc.entries + first)
			r = draft_add_file(d, names[i], reterr);
	}
	free(names);
	return r ? r : draft_put_files(d, reterr);
}

/* ---------------------------------------------------------------- the whole */

int draft_make(struct draft *d, const char *const *words, size_t n, const struct options *o,
	struct err *reterr)
{
	enum what_kind kind = d->is_check ? WHAT_PATH : what_judge(words[0]);
	size_t n_named = 0;
	int r;

	d->parameters = json_object();
	r = draft_add_what(d, kind, words[0], reterr);
	if (kind == WHAT_NAME)
		n_named = d->doc.n_entries;
	if (r == 0)
		r = draft_add_overlays(d, words + 1, n - 1, reterr);
	if (r == 0)
		r = draft_fill(d, n_named, reterr);
	if (r == 0)
		r = draft_add_settings(d, kind, words[0], o, reterr);
	if (r == 0)
		r = draft_check_key(d, n_named, reterr);
	if (r == 0)
		r = draft_add_files(d, n_named, reterr);
	return r;
}

/* Those that were read; returns how many there are. */
static size_t draft_take_files(struct draft *d, struct plan_file *files)
{
	const char *content = "", *name;
	json_t *piece;
	size_t n = 0;

	(void)content_map(&d->content, &content);
	json_object_foreach(d->_pieces, name, piece)
	{
		size_t offset = (size_t)json_integer_value(json_object_get(piece, "offset"));
		size_t len = (size_t)json_integer_value(json_object_get(piece, "len"));

		/* One that could not be read is not judged. */
		files[n++] = (struct plan_file){
			name, len || !d->is_unreadable ? content + offset : NULL, len};
	}
	return n;
}

/* Those that only the service can read, as ones that are not known. */
static size_t draft_take_unread(
	const struct draft *d, struct plan_file *files, const char **names, size_t n)
{
	size_t n_unread = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_unread = d->named_text || (d->is_check && draft_is_out_of_reach(names[i]));

		if (!is_unread || json_object_get(d->_pieces, names[i]))
			continue;
		files[n_unread] = (struct plan_file){names[i], NULL, 0};
		names[n_unread++] = names[i];
	}
	return n_unread;
}

int draft_plan(struct draft *d, struct plan **ret, const char ***ret_unread, size_t *ret_n_unread)
{
	size_t n = 0;
	const char **names = plan_file_names(&d->doc, &n);
	struct plan_file *files = calloc(n + json_object_size(d->_pieces) + 1, sizeof(*files));
	size_t n_read, n_unread;
	int r;

	if (!files) {
		free(names);
		return -ENOMEM;
	}
	n_read = draft_take_files(d, files);
	n_unread = draft_take_unread(d, files + n_read, names, n);
	r = plan_build_within(d->content.max,
		json_string_value(json_object_get(d->parameters, "name")), &d->doc, d->text, files,
		n_read + n_unread, ret, &d->problems);
	free(files);
	*ret_unread = names;
	*ret_n_unread = n_unread;
	return r;
}

int draft_put_notes(const char *const *unread, size_t n, struct buf *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_printf(ret,
			"  note         %s%s is read by the service, its bytes are not counted\n",
			plan_credential(unread[i]) ? "" : "@", unread[i]);
	return r;
}

int draft_status(const struct draft *d)
{
	for (size_t i = 0; i < d->problems.n; i++)
		if (!problem_is_of_command_line(d->problems.texts[i]))
			return EXIT_CONFIG;
	return d->problems.n ? EXIT_USAGE : EXIT_CONFIG;
}

void draft_print_problems(struct draft *d)
{
	problems_finish(&d->problems);
	for (size_t i = 0; i < d->problems.n; i++)
		problem_print(d->problems.texts[i]);
}

void draft_fini(struct draft *d)
{
	json_decref(d->parameters);
	json_decref(d->_pieces);
	content_fini(&d->content);
	ini_fini(&d->doc);
	problems_fini(&d->problems);
	free(d->text);
	*d = (struct draft){0};
}
