/* SPDX-License-Identifier: Apache-2.0 */
/* Converts the words of a command line to the parameters of Start. The daemon never opens a
 * caller's path and does not know a caller's environment: texts are sent as they were written, and
 * with them the variables and the contents of the files that their values name. So a result shows
 * ${NAME} and not its value. To find out which variables and files these are, all texts are read
 * here into one document in the daemon's order (run file, overlays, flags) and expanded; the last
 * entry that names a file determines where it is looked up: beside its own file, or in the working
 * directory if a flag names it.
 *
 * Problems of a plan that goes to the service are reported by the service; here only those that
 * prevent reading are. A credential belongs to the process that reads it: to rpsctl, if the service
 * manager has started it, as it has the daemon. start_request_plan makes the same plan from the
 * same document for check and --dry-run, which send nothing, and for private runs, so that no
 * daemon is started for an invalid plan. */
#include "ctl/start/start_request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/exit_codes.h"
#include "common/file.h"
#include "common/config/variables.h"
#include "common/config/keys.h"
#include "common/memory.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "common/result/result.h"
#include "common/json_path.h"
#include "common/result/result.h"
#include "common/str.h"
#include "ctl/command.h"
#include "ctl/start/default_load.h"
#include "ctl/options.h"
#include "ctl/problem.h"
#include "ctl/start/run_spec.h"

/* The limit for all texts together. */
#define START_REQUEST_TEXT_MAX ((size_t)1 << 20)
/* Files in base64, the texts, and what else a call has. */
_Static_assert(PLAN_SERVICE_BYTES_MAX / 3 * 4 + 2 * START_REQUEST_TEXT_MAX < VARLINK_START_MAX,
	"a call to the service holds what it may");

static int start_request_out_of_memory(struct err *reterr)
{
	err_set(reterr, "out of memory for the files and flags of the run: " MEMORY_REMEDY);
	return EXIT_NO_DAEMON;
}

/* In front of it what has the value. */
#define START_REQUEST_NO_TEXT                                                                      \
	": its value is not text in UTF-8: other bytes can come from a file, @FILE"
/* In front of it the path. */
#define START_REQUEST_IS_RESULT "this is the result of a run: rpsctl report shows it"

/* A file's first bytes, followed by a zero byte. Returns 0 bytes also if it cannot be read. */
struct start_request_beginning {
	char text[4096 + 1];
};

static size_t start_request_begin(const char *path, struct start_request_beginning *ret)
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
static bool start_request_is_result(const char *text)
{
	const char *schema =
		text[strspn(text, " \t\r\n")] == '{' ? strstr(text, "\"schema\"") : NULL;

	return schema && schema - text < 1024 && strstr(schema, "\"" RESULT_SCHEMA "\"");
}

const char *start_request_odd_text(const char *path)
{
	struct start_request_beginning b;
	size_t n = start_request_begin(path, &b);

	if (n >= 2 && (memcmp(b.text, "\xff\xfe", 2) == 0 || memcmp(b.text, "\xfe\xff", 2) == 0))
		return "this is text in UTF-16: convert it, as with iconv -f utf-16 -t utf-8";
	if (memchr(b.text, '\0', n))
		return "this is not a text file: name a run file";
	return start_request_is_result(b.text) ? START_REQUEST_IS_RESULT : NULL;
}

static int start_request_unreadable(const char *path, int error, struct err *reterr)
{
	const char *odd = error == -EFBIG ? start_request_odd_text(path) : NULL;

	if (odd) {
		err_set(reterr, "%.300s: %s", path, odd);
		return EXIT_CONFIG;
	}
	if (error == -ENOMEM) {
		err_set(reterr, "out of memory for %.300s: " MEMORY_REMEDY, path);
		return EXIT_NO_DAEMON;
	}
	err_set(reterr, "%.300s: %s", path,
		error == -EFBIG ? "too large for a run: its texts have 1 MiB at most, together"
				: strerror(-error));
	return EXIT_NO_INPUT;
}

/* ---------------------------------------------------------------- texts */

/* text, which was read from path and has len bytes and a NUL. */
static void start_request_refuse_text(
	const char *path, const char *text, size_t len, struct err *reterr)
{
	const char *odd = start_request_odd_text(path);
	unsigned line = 1;

	if (!odd && strlen(text) < len)
		odd = "this is not a text file: name a run file";
	if (odd) {
		err_set(reterr, "%.300s: %s", path, odd);
		return;
	}
	for (size_t n; *text && (n = str_utf8_len(text)) > 0; text += n)
		line += *text == '\n';
	err_set(reterr, "%.300s:%u: " INI_NO_UTF8, path, line);
}

/* A new string. used: bytes of texts read before. */
static int start_request_read_text(const char *path, size_t used, char **ret, struct err *reterr)
{
	size_t len;
	int r = file_read_stream(path, START_REQUEST_TEXT_MAX - used, ret, &len);

	if (r)
		return start_request_unreadable(path, r, reterr);
	if (strlen(*ret) == len && str_is_utf8(*ret) && !start_request_is_result(*ret))
		return 0;
	start_request_refuse_text(path, *ret, len, reterr);
	free(*ret);
	*ret = NULL;
	return EXIT_CONFIG;
}

/* A bad URL as WHAT is told here in one line; a good one goes with the flags
 * (start_request_add_settings).
 */
static int start_request_check_url(const char *what, struct err *reterr)
{
	const struct key *key = keys_find(&plan_keys, "target", "url");
	struct err err = {0};
	int r = keys_parse(key, what, NULL, &err);

	if (r == -ENOMEM)
		return start_request_out_of_memory(reterr);
	if (r) {
		err_set(reterr, "%s%s", str_starts(err.text, "URL ") ? "" : "URL: ", err.text);
		return EXIT_USAGE;
	}
	return 0;
}

/* WHAT itself: name or text, and what the daemon shall call it. A URL's run is named by the daemon.
 */
static int start_request_add_what(
	struct start_request *d, enum run_spec_kind kind, const char *what, struct err *reterr)
{
	int r = 0;

	if (kind == RUN_SPEC_PATH)
		r = start_request_read_text(what, 0, &d->text, reterr);
	else if (kind == RUN_SPEC_URL)
		r = start_request_check_url(what, reterr);
	if (r)
		return r;
	if (kind == RUN_SPEC_PATH) {
		run_spec_name(what, d->_name);
		d->start.name = d->_name;
		d->start.file = what;
		d->start.text = d->text;
	} else if (kind == RUN_SPEC_NAME) {
		d->start.name = what;
	}
	return 0;
}

/* A URL that comes after files, which takes its plan from them if it comes before. */
static void start_request_explain_url(const struct start_request *d, const char *url,
	const char *const *paths, size_t n, struct err *reterr)
{
	struct buf files = {0};
	size_t n_urls = 0;

	for (size_t i = 0; i < n; i++) {
		if (run_spec_kind(paths[i]) == RUN_SPEC_URL)
			n_urls++;
		else
			(void)buf_printf(&files, " %s", paths[i]);
	}
	if (d->start.file && n_urls == 1)
		err_set(reterr,
			"%.100s: a URL comes before the files; to load it with their plan: rpsctl "
			"%.100s %.100s%.100s",
			url, url, d->start.file, files.data ? files.data : "");
	else
		err_set(reterr,
			"%.200s: a run has one target; several requests to it are [request NAME] "
			"sections of a run file, several targets are several runs",
			url);
	buf_fini(&files);
}

/* Tells what a word that is no file was probably meant as. The exit status. */
static int start_request_miss_overlay(const char *word, struct err *reterr)
{
	size_t n_digits = strspn(word, "0123456789");

	err_set(reterr,
		"%.200s: no such file; the words after the first one are overlays, which "
		"are run files%s",
		word,
		!word[n_digits] ? "; a port belongs to the URL, as in localhost:8000, a rate to -r"
		: word[0] == '/' && !str_ends(word, ".ini")
			? "; a path belongs to the URL, as in localhost:8000/path"
		: !word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
			? "; a method is a flag, as in -X POST"
			: "");
	return EXIT_NO_INPUT;
}

/* Its keys would contradict themselves. */
static bool start_request_is_named(const struct start_request *d, const char *path)
{
	for (size_t i = 0; i < d->start.n_overlays; i++)
		if (str_eq(d->start.overlays[i].file, path))
			return true;
	return d->start.file && str_eq(d->start.file, path);
}

static int start_request_add_overlay(
	struct start_request *d, const char *path, size_t *used, struct err *reterr)
{
	char *text = NULL;
	int r;

	if (access(path, F_OK) == -1 && errno == ENOENT)
		return start_request_miss_overlay(path, reterr);
	if (start_request_is_named(d, path)) {
		err_set(reterr, "%.200s is named twice: name it once", path);
		return EXIT_USAGE;
	}
	r = start_request_read_text(path, *used, &text, reterr);
	if (r)
		return r;
	*used += strlen(text);
	if (start_add_overlay(&d->start, path, text) == 0)
		return 0;
	free(text);
	return start_request_out_of_memory(reterr);
}

static int start_request_add_overlays(
	struct start_request *d, const char *const *paths, size_t n, struct err *reterr)
{
	size_t used = d->text ? strlen(d->text) : 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (run_spec_kind(paths[i]) == RUN_SPEC_URL && access(paths[i], F_OK) == -1) {
			start_request_explain_url(d, paths[i], paths, n, reterr);
			return EXIT_USAGE;
		}
		r = start_request_add_overlay(d, paths[i], &used, reterr);
	}
	return r;
}

/* ---------------------------------------------------------------- variables */

struct start_request_environment {
	struct start_request *d;
	bool is_bad;  /* a value is not text in UTF-8 */
	bool is_lost; /* there was no memory for one */
	char name[64];
};

static const char *start_request_lookup(void *userdata, const char *name)
{
	struct start_request_environment *e = userdata;
	const char *value = getenv(name);

	if (value && !str_is_utf8(value)) {
		e->is_bad = true;
		(void)snprintf(e->name, sizeof(e->name), "%.60s", name);
	} else if (value && json_object_set_new(e->d->start.variables, name, json_string(value))) {
		e->is_lost = true;
	}
	return value;
}

/* variables NULL: without any variables. 0 or -ENOMEM. */
static int start_request_fill(
	struct start_request *d, size_t first, const struct variables *variables)
{
	size_t n_before = d->problems.n;
	int r = variables ? variables_expand(&d->doc, first, variables, &d->problems)
			  : start_fill(NULL, first, &d->doc, &d->problems);

	d->is_unfilled |= d->problems.n > n_before;
	return r;
}

/* All texts into the document: a named run's file as the service reads it, the others filled from
 * the environment, of which the call takes what they need. */
static int start_request_read(
	struct start_request *d, const char *what, size_t *ret_n_named, struct err *reterr)
{
	struct start_request_environment ours = {.d = d};
	const struct variables variables = {start_request_lookup, &ours};
	const char *named = d->named_text;
	int r = 0;

	d->start.variables = json_object();
	if (named)
		r = ini_read(&d->doc, what, named, strlen(named), &d->problems);
	if (named && r == 0)
		r = start_request_fill(d, 0, NULL);
	*ret_n_named = d->doc.n_entries;
	if (r == 0)
		r = start_read_texts(&d->start, &d->doc, &d->problems);
	if (r == 0)
		r = start_request_fill(d, *ret_n_named, &variables);
	if (r || ours.is_lost)
		return start_request_out_of_memory(reterr);
	if (ours.is_bad) {
		err_set(reterr, "${%s}" START_REQUEST_NO_TEXT, ours.name);
		return EXIT_CONFIG;
	}
	return d->is_unfilled ? EXIT_CONFIG : 0;
}

/* ---------------------------------------------------------------- flags */

static int start_request_add_setting(struct start_request *d, const char *key, const char *value,
	const char *origin, struct err *reterr)
{
	if (!str_is_utf8(key) || !str_is_utf8(value) || !str_is_utf8(origin)) {
		err_set(reterr, "%.200s" START_REQUEST_NO_TEXT, origin);
		return EXIT_USAGE;
	}
	return start_add_setting(&d->start, key, value, origin)
		       ? start_request_out_of_memory(reterr)
		       : 0;
}

static int start_request_read_settings(struct start_request *d, size_t first, struct err *reterr)
{
	/* The daemon refuses unknown keys. */
	return start_read_settings(&d->start, first, &d->doc, NULL)
		       ? start_request_out_of_memory(reterr)
		       : 0;
}

/* Sets the load if no rate is given. */
static int start_request_add_load(
	struct start_request *d, enum run_spec_kind kind, struct err *reterr)
{
	const struct ini_entry *users = kind == RUN_SPEC_URL ? default_load_users(&d->doc) : NULL;
	size_t first = d->start.n_set;
	int r;

	/* A named run's file is not here. */
	if (kind != RUN_SPEC_NAME)
		default_load_describe(&d->doc, users, d->load, sizeof(d->load));
	r = users ? start_request_add_setting(d, "load.model", "closed", users->file, reterr) : 0;
	return r ? r : start_request_read_settings(d, first, reterr);
}

/* A URL is a word of the command line like the flags: no ${NAME} in it is filled, it overrides
 * what files say, and messages name it PROBLEM_URL. */
static int start_request_add_settings(struct start_request *d, enum run_spec_kind kind,
	const char *what, const struct options *o, struct err *reterr)
{
	int r = 0;

	if (kind == RUN_SPEC_URL)
		r = start_request_add_setting(d, "target.url", what, PROBLEM_URL, reterr);
	for (size_t i = 0; i < o->n_settings && r == 0; i++)
		r = start_request_add_setting(
			d, o->settings[i].key, o->settings[i].value, o->settings[i].origin, reterr);
	/* A body on a URL without a method means POST, as in curl. */
	if (r == 0 && kind == RUN_SPEC_URL && options_setting(o, "defaults.body") &&
		!options_setting(o, "defaults.method"))
		r = start_request_add_setting(d, "defaults.method", "POST", "--data", reterr);
	if (r == 0)
		r = start_request_read_settings(d, 0, reterr);
	return r ? r : start_request_add_load(d, kind, reterr);
}

/* ---------------------------------------------------------------- files that values name */

/* The file is a credential, and rpsctl was given none. */
static bool start_request_is_out_of_reach(const char *name)
{
	return plan_credential(name) && !getenv("CREDENTIALS_DIRECTORY");
}

/* For the plan, which may have more to tell, its content is not known. path NULL: there are no
 * credentials. */
static int start_request_miss_file(
	struct start_request *d, const char *name, const char *path, int error)
{
	plan_file_unreadable(&d->doc, name, path, error, &d->problems);
	d->is_unreadable = true;
	return start_add_file(&d->start, name, NULL, 0);
}

/* Its place in the content is in *ret_offset. */
static int start_request_add_file(
	struct start_request *d, const char *name, size_t *ret_offset, struct err *reterr)
{
	char path[PATH_MAX] = "/dev/stdin";
	bool is_stdin = str_eq(name, PLAN_STDIN);
	int where = is_stdin
			    ? 0
			    : start_file_path(&d->doc, name, getenv("CREDENTIALS_DIRECTORY"), path);
	size_t len = 0;
	int r = where;

	/* A check says what the file means, which is told without its secrets. */
	if (where == START_E_NOWHERE && d->is_check)
		return 0;
	if (r == 0)
		r = content_add(&d->content, is_stdin ? NULL : path, ret_offset, &len);
	if (r == -EFBIG && !d->is_service) {
		err_set(reterr,
			"%.200s: the files of this run have more than %zu MiB with it, a quarter "
			"of the memory that is available",
			path, content_private_max() >> 20);
		return EXIT_NO_INPUT;
	}
	r = r ? start_request_miss_file(d, name, where == START_E_NOWHERE ? NULL : path, r)
	      : start_add_file(&d->start, name, "", len);
	return r ? start_request_out_of_memory(reterr) : 0;
}

/* The daemon would refuse it too, but then it has crossed the socket. */
static int start_request_check_key(const struct start_request *d, size_t first, struct err *reterr)
{
	const struct ini_entry *e = plan_key_entry(&d->doc, first);

	if (!e || !d->is_service)
		return 0;
	if (e->line)
		err_set(reterr, "%s:%u: %s: %s", e->file, e->line, e->key, plan_key_refused);
	else
		err_set(reterr, "%s: %s", e->file, plan_key_refused);
	return e->line ? EXIT_CONFIG : EXIT_USAGE;
}

/* first: of the entries whose files are rpsctl's to read; those before are a named run's. A private
 * daemon gets the content as a descriptor, and in the call the places in it. */
static int start_request_add_files(struct start_request *d, size_t first, struct err *reterr)
{
	struct start *s = &d->start;
	size_t offsets[START_FILES_MAX];
	size_t n = 0;
	const char **names = plan_file_names(&d->doc, &n);
	int r = 0;
	int failed = content_open(
		&d->content, d->is_service ? PLAN_SERVICE_BYTES_MAX : content_private_max());

	for (size_t i = 0; i < n && r == 0 && failed == 0 && s->n_files < START_FILES_MAX; i++) {
		const struct ini_entry *e = plan_file_entry(&d->doc, names[i]);

		if (!e || e >= d->doc.entries + first)
			r = start_request_add_file(d, names[i], &offsets[s->n_files], reterr);
	}
	free(names);
	if (n > START_FILES_MAX)
		problems_add(&d->problems, d->doc.first_file ? d->doc.first_file : "run", 0,
			"the run names %zu files, and at most %d can be sent: divide its requests "
			"among several runs",
			n, START_FILES_MAX);
	if (failed == 0)
		failed = content_map(&d->content, &s->content);
	if (failed) {
		s->n_files = 0;
		err_set(reterr, "cannot hold the run's files: %s", strerror(-failed));
		return EXIT_NO_DAEMON;
	}
	s->content_len = d->content.len;
	s->is_held = !d->is_service;
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].data)
			s->files[i].data = s->content + offsets[i];
	return r;
}

/* ---------------------------------------------------------------- the whole */

int start_request_make(struct start_request *d, const char *const *words, size_t n,
	const struct options *o, struct err *reterr)
{
	enum run_spec_kind kind = d->is_check ? RUN_SPEC_PATH : run_spec_kind(words[0]);
	size_t n_named = 0;
	int r = start_request_add_what(d, kind, words[0], reterr);

	if (r == 0)
		r = start_request_add_overlays(d, words + 1, n - 1, reterr);
	if (r == 0)
		r = start_request_read(d, words[0], &n_named, reterr);
	if (r == 0)
		r = start_request_add_settings(d, kind, words[0], o, reterr);
	if (r == 0)
		r = start_request_check_key(d, n_named, reterr);
	if (r == 0)
		r = start_request_add_files(d, n_named, reterr);
	if (r)
		return r;
	d->parameters = start_write(&d->start);
	return d->parameters ? 0 : start_request_out_of_memory(reterr);
}

static bool start_request_has_file(const struct start_request *d, const char *name)
{
	for (size_t i = 0; i < d->start.n_files; i++)
		if (str_eq(d->start.files[i].name, name))
			return true;
	return false;
}

/* Those that only the service can read, as ones that are not known. */
static size_t start_request_take_unread(
	const struct start_request *d, struct plan_file *files, const char **names, size_t n)
{
	size_t n_unread = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_unread =
			d->named_text || (d->is_check && start_request_is_out_of_reach(names[i]));

		if (!is_unread || start_request_has_file(d, names[i]))
			continue;
		files[n_unread] = (struct plan_file){names[i], NULL, 0};
		names[n_unread++] = names[i];
	}
	return n_unread;
}

int start_request_plan(
	struct start_request *d, struct plan **ret, const char ***ret_unread, size_t *ret_n_unread)
{
	size_t n = 0;
	const char **names = plan_file_names(&d->doc, &n);
	size_t n_read = d->start.n_files;
	struct plan_file *files = calloc(n + n_read + 1, sizeof(*files));
	size_t n_unread;
	int r;

	if (!files) {
		free(names);
		(void)command_out_of_memory("the plan of the run");
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_read; i++)
		files[i] = d->start.files[i];
	n_unread = start_request_take_unread(d, files + n_read, names, n);
	r = plan_build_within(d->content.max, d->start.name, &d->doc, d->text, files,
		n_read + n_unread, ret, &d->problems);
	free(files);
	if (r == -ENOMEM)
		(void)command_out_of_memory("the plan of the run");
	*ret_unread = names;
	*ret_n_unread = n_unread;
	return r;
}

int start_request_put_notes(const char *const *unread, size_t n, struct buf *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_printf(ret,
			"  note         %s%s is read by the service, its bytes are not counted\n",
			plan_credential(unread[i]) ? "" : "@", unread[i]);
	return r;
}

int start_request_status(const struct start_request *d)
{
	for (size_t i = 0; i < d->problems.n; i++)
		if (!problem_is_of_command_line(d->problems.texts[i]))
			return EXIT_CONFIG;
	return d->problems.n ? EXIT_USAGE : EXIT_CONFIG;
}

void start_request_print_problems(struct start_request *d)
{
	problems_finish(&d->problems);
	for (size_t i = 0; i < d->problems.n; i++)
		problem_print(d->problems.texts[i]);
	/* Values that are not filled in would be told as wrong, and others with them. */
	if (d->is_unfilled)
		command_complain("the rest is checked when this is mended");
}

/* Methods are case-sensitive (RFC 9110 section 9.1), so another case is another method. */
static const char *start_request_method_meant(const char *typed)
{
	static const char *const methods[] = {
		"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcasecmp(typed, methods[i]) == 0)
			return str_eq(typed, methods[i]) ? NULL : methods[i];
	return NULL;
}

void start_request_print_hints(const struct start_request *d)
{
	for (size_t i = 0; i < d->doc.n_entries; i++) {
		const struct ini_entry *e = &d->doc.entries[i];
		const char *meant =
			str_eq(e->key, "method") ? start_request_method_meant(e->value) : NULL;
		char text[400];

		if (!meant)
			continue;
		if (e->line)
			(void)snprintf(text, sizeof(text), "%.200s:%u: method", e->file, e->line);
		else
			(void)snprintf(text, sizeof(text), "%.200s", e->file);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			": %s is sent as it is written, and methods are case-sensitive: did you "
			"mean %s?",
			e->value, meant);
		problem_print(text);
	}
}

void start_request_fini(struct start_request *d)
{
	for (size_t i = 0; i < d->start.n_overlays; i++)
		free((char *)d->start.overlays[i].text);
	start_fini(&d->start);
	json_decref(d->parameters);
	content_fini(&d->content);
	ini_fini(&d->doc);
	problems_fini(&d->problems);
	free(d->text);
	*d = (struct start_request){0};
}
