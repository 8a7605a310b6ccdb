/* SPDX-License-Identifier: Apache-2.0 */
/* What of a command line goes to the daemon, and what plan it makes. */
#include "ctl/start/start_request.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/plan/plan.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/options.h"
#include "tests/support/suite.h"

/* The working directory of each test, with files in it. */
static char directory[] = "/tmp/rpsd-start.XXXXXX";

static void put(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("runs", 0700), 0);
	put_text("runs/cart", "[target]\nurl = http://h/\n");
	put_text("runs/shop.ini", "[target]\nurl = http://h/\n[defaults]\nbody = @cart.json\n"
				  "header = A: x @token\n");
	put_text("runs/cart.json", "beside");
	put_text("runs/token", "secret");
	put_text("cart.json", "here");
	put_text("flag.json", "flag");
	put_text("runs/vars.ini", "[target]\nurl = http://${START_REQUEST_HOST:-h}/\n[load]\n"
				  "rate = ${START_REQUEST_RATE}\n[defaults]\nbody = "
				  "@${START_REQUEST_FILE:-cart.json}\n");
	put_text("soak.ini", "[load]\nduration = 1h\n");
	put_text("runs/other.ini", "[defaults]\nbody = x @token\n");
}

static void teardown(void)
{
	static const char *const files[] = {"runs/cart", "runs/shop.ini", "runs/cart.json",
		"runs/token", "cart.json", "flag.json", "runs/vars.ini", "soak.ini",
		"runs/other.ini", "runs"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)remove(files[i]);
	ck_assert_int_eq(chdir("/"), 0);
	(void)rmdir(directory);
}

/* As they go to the service. */
static json_t *parameters_of(const char *const *words, size_t n, const struct options *o)
{
	struct start_request d = {.is_service = true};
	struct err err = {0};
	json_t *p;

	ck_assert_msg(start_request_make(&d, words, n, o, &err) == 0, "%s", err.text);
	p = json_incref(d.parameters);
	start_request_fini(&d);
	return p;
}

static json_t *parameters(const char *what, const struct options *o)
{
	return parameters_of(&what, 1, o);
}

static void assert_file(const json_t *p, const char *name, const char *content)
{
	const char *base64 = json_string_value(json_object_get(json_object_get(p, "files"), name));
	size_t len;
	char *data;

	ck_assert_msg(base64 != NULL, "%s", name);
	data = digest_base64_decode(base64, &len);
	ck_assert_str_eq(data, content);
	free(data);
}

static void assert_set(
	const json_t *p, size_t i, const char *key, const char *value, const char *origin)
{
	const json_t *one = json_array_get(json_object_get(p, "set"), i);

	ck_assert_str_eq(json_path_text(one, "key"), key);
	ck_assert_str_eq(json_path_text(one, "value"), value);
	ck_assert_str_eq(json_path_text(one, "origin"), origin);
}

START_TEST(test_url)
{
	struct options o = {0};
	json_t *p = parameters("localhost:8000/x", &o);

	ck_assert_ptr_null(json_object_get(p, "text"));
	ck_assert_ptr_null(json_object_get(p, "name"));
	ck_assert_ptr_null(json_object_get(p, "files"));
	assert_set(p, 0, "target.url", "localhost:8000/x", "URL");
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
}
END_TEST

/* -c without a rate: users, with a URL alone. */
START_TEST(test_connections_mean_users)
{
	struct options o = {0};
	json_t *p;

	ck_assert_int_eq(options_set(&o, "connections.count", "8", "-c"), 0);
	p = parameters("http://h/", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 3);
	assert_set(p, 2, "load.model", "closed", "-c");
	json_decref(p);
	p = parameters("runs/cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	p = parameters("cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	ck_assert_int_eq(options_set(&o, "load.rate", "5", "-r"), 0);
	p = parameters("http://h/", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 3);
	json_decref(p);
	options_fini(&o);
}
END_TEST

/* Of the command line only files are filled. */
START_TEST(test_url_is_not_filled)
{
	static const char what[] = "http://h/?q=${START_REQUEST_HOST}&x=${nothing}";
	static const char *const words[] = {what, "runs/vars.ini"};
	struct start_request d = {0};
	struct err err = {0};
	struct options o = {0};
	struct plan *plan;
	const char **unread;
	size_t n;

	ck_assert_int_eq(setenv("START_REQUEST_HOST", "secret", 1), 0);
	ck_assert_int_eq(setenv("START_REQUEST_RATE", "7", 1), 0);
	ck_assert_msg(start_request_make(&d, words, 2, &o, &err) == 0, "%s", err.text);
	ck_assert_int_eq(start_request_plan(&d, &plan, &unread, &n), 0);
	/* It overrides the file's. */
	ck_assert_str_eq(plan->url_text, what);
	/* What a variable stood for is not in the result. */
	ck_assert_msg(strstr(plan->text, what) != NULL, "%s", plan->text);
	ck_assert_ptr_null(strstr(plan->text, "secret"));
	plan_free(plan);
	free(unread);
	start_request_fini(&d);
}
END_TEST

START_TEST(test_body_means_post)
{
	struct options o = {0};
	json_t *p;

	ck_assert_int_eq(options_set(&o, "defaults.body", "x", "--data"), 0);
	p = parameters("http://h/", &o);
	assert_set(p, 2, "defaults.method", "POST", "--data");
	json_decref(p);
	/* A file and a name have a method of their own. */
	p = parameters("runs/cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	p = parameters("cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	ck_assert_int_eq(options_set(&o, "defaults.method", "PUT", "-X"), 0);
	p = parameters("http://h/", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 3);
	json_decref(p);
	options_fini(&o);
}
END_TEST

START_TEST(test_name_goes_alone)
{
	struct options o = {0};
	json_t *p;

	ck_assert_int_eq(options_set(&o, "load.rate", "5", "-r"), 0);
	p = parameters("checkout", &o);
	ck_assert_str_eq(json_path_text(p, "name"), "checkout");
	ck_assert_ptr_null(json_object_get(p, "text"));
	ck_assert_str_eq(
		json_path_text(json_array_get(json_object_get(p, "set"), 0), "origin"), "-r");
	json_decref(p);
	options_fini(&o);
}
END_TEST

START_TEST(test_path_with_files)
{
	struct options o = {0};
	json_t *p = parameters("runs/shop.ini", &o);

	ck_assert_str_eq(json_path_text(p, "name"), "shop");
	ck_assert_str_eq(json_path_text(p, "file"), "runs/shop.ini");
	ck_assert(str_starts(json_path_text(p, "text"), "[target]\nurl"));
	ck_assert_uint_eq(json_object_size(json_object_get(p, "files")), 2);
	assert_file(p, "cart.json", "beside");
	assert_file(p, "token", "secret");
	json_decref(p);
	/* A flag's file is looked up here, and wins. */
	ck_assert_int_eq(options_set(&o, "defaults.body", "@cart.json", "--data"), 0);
	ck_assert_int_eq(options_set(&o, "defaults.header", "B: @flag.json", "-H"), 0);
	p = parameters("runs/shop.ini", &o);
	assert_file(p, "cart.json", "here");
	assert_file(p, "flag.json", "flag");
	assert_file(p, "token", "secret");
	json_decref(p);
	options_fini(&o);
}
END_TEST

/* For a private daemon the contents lie one after the other in one descriptor, and are what the
 * files held when they were read. */
START_TEST(test_content_is_held)
{
	static const char *const word = "runs/shop.ini";
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	const json_t *held;
	char text[32] = "";

	ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
	put_text("runs/cart.json", "another");
	held = json_object_get(d.parameters, "held");
	ck_assert_uint_eq(json_object_size(held), 2);
	ck_assert_ptr_null(json_object_get(d.parameters, "files"));
	ck_assert_int_eq(pread(content_fd(&d.content), text, sizeof(text) - 1, 0), 12);
	ck_assert_str_eq(text, "besidesecret");
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(held, "token"), "offset")), 6);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(held, "token"), "len")), 6);
	/* Nor can it change any more. */
	ck_assert_int_eq(ftruncate(content_fd(&d.content), 0), -1);
	ck_assert_int_eq(pwrite(content_fd(&d.content), "x", 1, 0), -1);
	start_request_fini(&d);
	put_text("runs/cart.json", "beside");
}
END_TEST

/* One limit for the service, named with its number and what to do; for a private run none that a
 * file of this size would meet. */
START_TEST(test_large_file)
{
	static const char *const word = "http://h/";
	struct options o = {0};
	struct start_request d = {.is_service = _i == 0};
	struct err err = {0};

	put_text("flag.json", "");
	ck_assert_int_eq(truncate("flag.json", 10 * 1024 * 1024 + 1), 0);
	ck_assert_int_eq(options_set(&o, "defaults.body", "@flag.json", "--data"), 0);
	ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
	ck_assert(d.is_unreadable == d.is_service);
	if (d.is_service)
		ck_assert_str_eq(d.problems.texts[0],
			"--data: flag.json: the files of a run in the service have more than 10 "
			"MiB with it; a private run (rpsctl PATH) takes what fits into memory");
	ck_assert_uint_eq(d.problems.n, d.is_service ? 1 : 0);
	start_request_fini(&d);
	options_fini(&o);
}
END_TEST

/* What would not end, or begin. */
START_TEST(test_no_regular_file)
{
	static const char *const word = "http://h/";
	static const char *const paths[] = {"@fifo", "@/dev/zero", "@runs"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(options_set(&o, "defaults.body", paths[_i], "--data"), 0);
	ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
	ck_assert(d.is_unreadable);
	ck_assert_msg(
		strstr(d.problems.texts[0],
			_i == 2 ? "Is a directory" : "not a regular file (@- is standard input)"),
		"%s", d.problems.texts[0]);
	start_request_fini(&d);
	options_fini(&o);
	(void)remove("fifo");
}
END_TEST

/* The first 256 files would be sent, and the others missing without a word. */
START_TEST(too_many_files)
{
	const char *const word = "./many.ini";
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	FILE *f = fopen("many.ini", "w");
	bool is_said = false;

	ck_assert_ptr_nonnull(f);
	(void)fputs("[target]\nurl = http://127.0.0.1:1/\n", f);
	for (int i = 0; i < 260; i++) {
		if (i % 130 == 0)
			(void)fprintf(f, "[request r%d]\n", i);
		(void)fprintf(f, "header = X-%d: @none%d\n", i, i);
	}
	ck_assert_int_eq(fclose(f), 0);
	(void)start_request_make(&d, &word, 1, &o, &err);
	for (size_t i = 0; i < d.problems.n; i++)
		is_said |= strstr(d.problems.texts[i],
				   "names 260 files, and at most 256 can be sent") != NULL;
	ck_assert(is_said);
	start_request_fini(&d);
	options_fini(&o);
	(void)remove("many.ini");
}
END_TEST

static const struct {
	const char *what;
	const char *key, *value; /* a flag, or NULL */
	int status;
	const char *says;
} wrong[] = {
	{"runs/none.ini", NULL, NULL, EXIT_NO_INPUT, "runs/none.ini: No such file"},
	{"./", NULL, NULL, EXIT_NO_INPUT, "./: "},
	{"http://", NULL, NULL, EXIT_USAGE, "URL \"http://\": "},
	{"http://a b/", NULL, NULL, EXIT_USAGE, "URL "},
	{"ftp://h/", NULL, NULL, EXIT_USAGE, "http or https"},
	{"http://h/\nrate=1", NULL, NULL, EXIT_USAGE, "URL "},
	{"http://h/", "defaults.body", "\xff", EXIT_USAGE,
		"flag: its value is not text in UTF-8: other bytes can come from a file, @FILE"},
	{"./bad.ini", NULL, NULL, EXIT_CONFIG,
		"./bad.ini:2: the line is not text in UTF-8: convert "
		"the file, as with iconv -f latin1 -t utf-8"},
	{"./wide.ini", NULL, NULL, EXIT_CONFIG,
		"./wide.ini: this is text in UTF-16: convert it, as "
		"with iconv -f utf-16 -t utf-8"},
	{"./nul.ini", NULL, NULL, EXIT_CONFIG, "not a text file"},
};

START_TEST(test_wrong)
{
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	put_text("bad.ini", "[target]\nurl = \xff\n");
	put("nul.ini", "[target]\0\n", 10);
	put("wide.ini", "\xff\xfe[\0t\0", 6);
	if (wrong[_i].key)
		ck_assert_int_eq(options_set(&o, wrong[_i].key, wrong[_i].value, "flag"), 0);
	ck_assert_int_eq(start_request_make(&d, &wrong[_i].what, 1, &o, &err), wrong[_i].status);
	ck_assert_msg(*err.text && strstr(err.text, wrong[_i].says), "%s", err.text);
	start_request_fini(&d);
	options_fini(&o);
	(void)remove("bad.ini");
	(void)remove("nul.ini");
	(void)remove("wide.ini");
}
END_TEST

/* ---------------------------------------------------------------- overlays */

START_TEST(test_file_named_twice)
{
	static const char *const words[][3] = {{"runs/shop.ini", "runs/shop.ini", NULL},
		{"runs/shop.ini", "soak.ini", "soak.ini"}};
	const char *const *w = words[_i];
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	char says[80];

	ck_assert_int_eq(start_request_make(&d, w, w[2] ? 3 : 2, &o, &err), EXIT_USAGE);
	(void)snprintf(says, sizeof(says), "%s is named twice: name it once", w[1]);
	ck_assert_str_eq(err.text, says);
	start_request_fini(&d);
}
END_TEST

START_TEST(test_overlays)
{
	static const char *const words[] = {"runs/shop.ini", "soak.ini", "runs/other.ini"};
	struct options o = {0};
	json_t *p = parameters_of(words, 3, &o);
	const json_t *overlays = json_object_get(p, "overlays");

	ck_assert_uint_eq(json_array_size(overlays), 2);
	ck_assert_str_eq(json_path_text(json_array_get(overlays, 0), "file"), "soak.ini");
	ck_assert_str_eq(
		json_path_text(json_array_get(overlays, 0), "text"), "[load]\nduration = 1h\n");
	ck_assert_str_eq(json_path_text(json_array_get(overlays, 1), "file"), "runs/other.ini");
	/* The body of an overlay replaces that of the file, whose file need not be there. */
	ck_assert_ptr_null(json_object_get(json_object_get(p, "files"), "cart.json"));
	assert_file(p, "token", "secret");
	json_decref(p);
	/* After a name, too. */
	p = parameters_of((const char *const[]){"shop", "runs/other.ini"}, 2, &o);
	ck_assert_str_eq(json_path_text(p, "name"), "shop");
	ck_assert_uint_eq(json_array_size(json_object_get(p, "overlays")), 1);
	assert_file(p, "token", "secret");
	json_decref(p);
	/* None: the parameter is not there. */
	p = parameters("runs/shop.ini", &o);
	ck_assert_ptr_null(json_object_get(p, "overlays"));
	json_decref(p);
}
END_TEST

START_TEST(test_overlay_that_is_none)
{
	static const char *const words[] = {"localhost:8000", "2000"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	ck_assert_int_eq(start_request_make(&d, words, 2, &o, &err), EXIT_NO_INPUT);
	ck_assert_str_eq(err.text,
		"2000: no such file; the words after the first one are "
		"overlays, which are run files; a port belongs to the URL, as in "
		"localhost:8000, a rate to -r");
	start_request_fini(&d);
}
END_TEST

/* A URL comes first, and the files give it their plan. */
static const struct {
	const char *words[4];
	size_t n;
	const char *says;
} late_urls[] = {
	{{"soak.ini", "localhost:8000"}, 2,
		"localhost:8000: a URL comes before the files; to load it with their plan: rpsctl "
		"localhost:8000 soak.ini"},
	{{"soak.ini", "http://h/", "runs/other.ini"}, 3,
		"http://h/: a URL comes before the files; to load it with their plan: rpsctl "
		"http://h/ soak.ini runs/other.ini"},
	{{"soak.ini", "http://h/", "http://g/"}, 3, "http://h/: a run has one target; several"},
	{{"http://h/", "http://g/"}, 2, "http://g/: a run has one target; several"},
	{{"shop", "http://g/"}, 2, "http://g/: a run has one target; several"},
};

START_TEST(test_late_url)
{
	const char *says = late_urls[_i].says;
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	ck_assert_int_eq(
		start_request_make(&d, late_urls[_i].words, late_urls[_i].n, &o, &err), EXIT_USAGE);
	ck_assert_msg(str_starts(err.text, says), "%s", err.text);
	start_request_fini(&d);
}
END_TEST

START_TEST(test_texts_are_limited_together)
{
	static const char *const words[] = {"runs/cart", "runs/many.ini", "./runs/many.ini"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	FILE *f = fopen("runs/many.ini", "w");

	for (int i = 0; i < 60000; i++)
		(void)fputs("; a comment\n", f);
	ck_assert_int_eq(fclose(f), 0);
	json_decref(parameters_of(words, 2, &o));
	ck_assert_int_eq(start_request_make(&d, words, 3, &o, &err), EXIT_NO_INPUT);
	ck_assert_str_eq(err.text,
		"./runs/many.ini: too large for a run: its texts have 1 MiB at most, together");
	start_request_fini(&d);
	(void)remove("runs/many.ini");
}
END_TEST

/* ---------------------------------------------------------------- variables */

START_TEST(test_variables)
{
	struct options o = {0};
	json_t *p;

	(void)unsetenv("START_REQUEST_HOST");
	(void)setenv("START_REQUEST_RATE", "50", 1);
	(void)setenv("START_REQUEST_FILE", "token", 1);
	(void)setenv("START_REQUEST_UNUSED", "x", 1);
	p = parameters("runs/vars.ini", &o);
	/* The text stays as it is; what it needs goes along, and nothing else. */
	ck_assert_ptr_nonnull(strstr(json_path_text(p, "text"), "${START_REQUEST_HOST:-h}"));
	ck_assert_uint_eq(json_object_size(json_object_get(p, "variables")), 2);
	ck_assert_str_eq(json_path_text(p, "variables.START_REQUEST_RATE"), "50");
	ck_assert_str_eq(json_path_text(p, "variables.START_REQUEST_FILE"), "token");
	assert_file(p, "token", "secret");
	json_decref(p);
	p = parameters("runs/cart", &o);
	ck_assert_ptr_null(json_object_get(p, "variables"));
	json_decref(p);
}
END_TEST

START_TEST(test_variables_that_are_missing)
{
	static const char *const words[] = {"runs/vars.ini"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	(void)unsetenv("START_REQUEST_RATE");
	ck_assert_int_eq(start_request_make(&d, words, 1, &o, &err), EXIT_CONFIG);
	ck_assert(d.is_unfilled);
	ck_assert_str_eq(err.text, "");
	ck_assert_uint_eq(d.problems.n, 1);
	ck_assert_str_eq(d.problems.texts[0],
		"runs/vars.ini:4: rate: ${START_REQUEST_RATE} is not set; "
		"${START_REQUEST_RATE:-DEFAULT} gives it a default");
	start_request_fini(&d);
	(void)setenv("START_REQUEST_RATE", "\xff", 1);
	ck_assert_int_eq(start_request_make(&d, words, 1, &o, &err), EXIT_CONFIG);
	ck_assert_str_eq(err.text,
		"${START_REQUEST_RATE}: its value is not text in UTF-8: other bytes can come "
		"from a file, @FILE");
	start_request_fini(&d);
}
END_TEST

/* ---------------------------------------------------------------- the plan */

START_TEST(test_plan_is_what_would_be_sent)
{
	static const char *const words[] = {"runs/vars.ini", "soak.ini"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	struct plan *plan = NULL;
	const char **unread;
	size_t n_unread;

	(void)setenv("START_REQUEST_RATE", "50", 1);
	(void)unsetenv("START_REQUEST_FILE");
	ck_assert_int_eq(options_set(&o, "load.scale", "x0.1", "-r"), 0);
	ck_assert_msg(start_request_make(&d, words, 2, &o, &err) == 0, "%s", err.text);
	ck_assert_int_eq(start_request_plan(&d, &plan, &unread, &n_unread), 0);
	ck_assert_str_eq(plan->name, "vars");
	ck_assert_str_eq(plan->stage_texts[0], "hold 5/s for 1h");
	ck_assert_uint_eq(plan->requests[0].body_len, strlen("beside"));
	ck_assert_uint_eq(n_unread, 0);
	free(unread);
	plan_free(plan);
	start_request_fini(&d);
	options_fini(&o);
}
END_TEST

START_TEST(test_plan_of_a_named_run)
{
	static const char *const words[] = {"vars", "runs/other.ini"};
	struct options o = {0};
	struct start_request d = {.named_text = "[target]\nurl = http://${START_REQUEST_HOST:-h}/\n"
						"[defaults]\nheader = A: @far\n"};
	struct err err = {0};
	struct plan *plan = NULL;
	const char **unread;
	size_t n_unread;

	/* As in the service: ours does not count. */
	(void)setenv("START_REQUEST_HOST", "other", 1);
	ck_assert_msg(start_request_make(&d, words, 2, &o, &err) == 0, "%s", err.text);
	ck_assert_ptr_null(json_object_get(d.parameters, "text"));
	ck_assert_ptr_null(json_object_get(d.parameters, "variables"));
	ck_assert_int_eq(start_request_plan(&d, &plan, &unread, &n_unread), 0);
	ck_assert_str_eq(plan->url.host, "h");
	ck_assert_str_eq(plan->requests[0].body, "x secret");
	ck_assert_uint_eq(n_unread, 1);
	ck_assert_str_eq(unread[0], "far");
	free(unread);
	plan_free(plan);
	start_request_fini(&d);
}
END_TEST

START_TEST(test_check_tells_all)
{
	static const char *const words[] = {"runs/cart", "runs/wrong.ini"};
	struct options o = {0};
	struct start_request d = {.is_check = true};
	struct err err = {0};
	struct plan *plan = NULL;
	const char **unread;
	size_t n_unread;

	put_text("runs/wrong.ini", "[load]\nrat = 5\n[defaults]\nbody = @none\nheader = x\nx\n");
	ck_assert_msg(start_request_make(&d, words, 2, &o, &err) == 0, "%s", err.text);
	ck_assert_int_eq(start_request_plan(&d, &plan, &unread, &n_unread), -EINVAL);
	ck_assert_uint_eq(d.problems.n, 4);
	ck_assert(str_starts(d.problems.texts[0], "runs/wrong.ini:2: "));
	ck_assert_str_eq(d.problems.texts[1],
		"runs/wrong.ini:4: body: cannot read runs/none: No such file "
		"or directory (to send the text itself, write @@none)");
	ck_assert(str_starts(d.problems.texts[2], "runs/wrong.ini:5: "));
	ck_assert(str_starts(d.problems.texts[3], "runs/wrong.ini:6: "));
	ck_assert(d.is_unreadable);
	ck_assert_int_eq(start_request_status(&d), EXIT_CONFIG);
	free(unread);
	start_request_fini(&d);
	(void)remove("runs/wrong.ini");
}
END_TEST

/* What flags alone have wrong is a mistake of the command line. */
START_TEST(test_settings_of_named_sections)
{
	static const char *const word = "http://h/";
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};
	struct plan *plan = NULL;
	const char **unread;
	size_t n;

	ck_assert_int_eq(options_set(&o, "request.a.b.path", "c", "--set"), 0);
	ck_assert_int_eq(options_set(&o, "nothing", "c", "--set"), 0);
	ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
	ck_assert_int_eq(start_request_plan(&d, &plan, &unread, &n), 0);
	ck_assert_str_eq(plan->requests[0].name, "a.b");
	ck_assert_str_eq(plan->requests[0].target, "/c");
	plan_free(plan);
	free(unread);
	start_request_fini(&d);
	options_fini(&o);
}
END_TEST

static const char credentials_run[] = "[target]\nurl = http://h/\n[defaults]\n"
				      "auth = bearer cred:token\n[request a]\n"
				      "auth = basic u cred:pw\n";

START_TEST(test_credentials)
{
	static const char *const word = "soak.ini";
	struct options o = {0};
	json_t *p;

	put_text("soak.ini", credentials_run);
	put_text("runs/pw", "geheim");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "runs", 1), 0);
	p = parameters(word, &o);
	assert_file(p, "cred:token", "secret");
	assert_file(p, "cred:pw", "geheim");
	ck_assert_uint_eq(json_object_size(json_object_get(p, "files")), 2);
	json_decref(p);
	ck_assert_int_eq(remove("runs/pw"), 0);
}
END_TEST

START_TEST(test_credentials_that_are_missing)
{
	static const char *const word = "soak.ini";
	static const char *const wanted[] = {"soak.ini:4: auth: cred:token: no credentials here: "
					     "$CREDENTIALS_DIRECTORY is not set",
		"soak.ini:6: auth: cred:pw: no credentials here: "};
	struct options o = {0};
	struct err err = {0};
	struct plan *plan = NULL;
	struct buf notes = {0};
	const char **unread;
	size_t n;

	put_text("soak.ini", credentials_run);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	/* A check, which sends nothing, does without; anything else is told so. */
	for (int is_check = 0; is_check < 2; is_check++) {
		struct start_request d = {.is_check = is_check};
		int r;

		ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
		r = start_request_plan(&d, &plan, &unread, &n);
		ck_assert_int_eq(r, is_check ? 0 : -EINVAL);
		ck_assert_uint_eq(d.problems.n, is_check ? 0 : 2);
		for (size_t i = 0; i < d.problems.n; i++)
			ck_assert_ptr_nonnull(strstr(d.problems.texts[i], wanted[i]));
		ck_assert_uint_eq(n, is_check ? 2 : 0);
		ck_assert_int_eq(start_request_put_notes(unread, n, &notes), 0);
		free(unread);
		start_request_fini(&d);
	}
	ck_assert_ptr_nonnull(strstr(notes.data, "note         cred:token is read by the service"));
	plan_free(plan);
	buf_fini(&notes);
	/* Where there are some, a missing one is a problem for a check too. */
	{
		struct start_request d = {.is_check = true};

		ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "runs", 1), 0);
		ck_assert_int_eq(start_request_make(&d, &word, 1, &o, &err), 0);
		ck_assert_uint_eq(d.problems.n, 1);
		ck_assert_str_eq(d.problems.texts[0], "soak.ini:6: auth: cannot read runs/pw: No "
						      "such file or directory");
		start_request_fini(&d);
	}
}
END_TEST

START_TEST(test_status_of_flags)
{
	static const char *const words[] = {"http://h/", "name"};
	struct options o = {0};
	struct start_request d = {0};
	struct err err = {0};

	ck_assert_int_eq(options_set(&o, "defaults.body", "@none", "--data"), 0);
	ck_assert_int_eq(start_request_make(&d, words + _i, 1, &o, &err), 0);
	ck_assert(d.is_unreadable);
	ck_assert_uint_eq(d.problems.n, 1);
	ck_assert_str_eq(d.problems.texts[0], "--data: cannot read none: No such file or directory "
					      "(to send the text itself, write @@none)");
	ck_assert_int_eq(start_request_status(&d), EXIT_USAGE);
	problems_add(&d.problems, "x.ini", 1, "x");
	ck_assert_int_eq(start_request_status(&d), EXIT_CONFIG);
	start_request_fini(&d);
	options_fini(&o);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("start_request");
	Suite *suite = suite_create("start_request");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_url);
	tcase_add_test(tcase, test_connections_mean_users);
	tcase_add_test(tcase, test_url_is_not_filled);
	tcase_add_test(tcase, test_body_means_post);
	tcase_add_test(tcase, test_name_goes_alone);
	tcase_add_test(tcase, test_path_with_files);
	tcase_add_test(tcase, test_content_is_held);
	tcase_add_test(tcase, too_many_files);
	tcase_add_loop_test(tcase, test_large_file, 0, 2);
	tcase_add_loop_test(tcase, test_no_regular_file, 0, 3);
	tcase_add_loop_test(tcase, test_wrong, 0, (int)(sizeof(wrong) / sizeof(*wrong)));
	tcase_add_test(tcase, test_overlays);
	tcase_add_loop_test(tcase, test_file_named_twice, 0, 2);
	tcase_add_test(tcase, test_overlay_that_is_none);
	tcase_add_loop_test(tcase, test_late_url, 0, sizeof(late_urls) / sizeof(*late_urls));
	tcase_add_test(tcase, test_texts_are_limited_together);
	tcase_add_test(tcase, test_variables);
	tcase_add_test(tcase, test_variables_that_are_missing);
	tcase_add_test(tcase, test_plan_is_what_would_be_sent);
	tcase_add_test(tcase, test_plan_of_a_named_run);
	tcase_add_test(tcase, test_check_tells_all);
	tcase_add_test(tcase, test_settings_of_named_sections);
	tcase_add_test(tcase, test_credentials);
	tcase_add_test(tcase, test_credentials_that_are_missing);
	tcase_add_loop_test(tcase, test_status_of_flags, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
