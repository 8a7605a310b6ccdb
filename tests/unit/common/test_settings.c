/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings: values, origins, drop-ins, and the file that is shipped. */
#include "common/settings/settings.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/config/keys.h"
#include "common/settings/settings_keys.h"
#include "common/settings/settings_files.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_doc.h"

static struct settings *build_doc(struct conf_doc *d)
{
	struct settings *s = NULL;
	int r;

	r = settings_build(&d->ini, &s, &d->problems);
	ck_assert_msg(r == 0, "%d: %s", r, conf_problems(d));
	return s;
}

static struct settings *build(const char *text)
{
	struct conf_doc d = {0};
	struct settings *s;

	conf_read(&d, "rpsd.conf", text);
	s = build_doc(&d);
	conf_fini(&d);
	return s;
}

static void expect_problems(const char *text, const char *const *wanted)
{
	struct conf_doc d = {0};
	struct settings *s = NULL;

	conf_read(&d, "rpsd.conf", text);
	ck_assert_int_eq(settings_build(&d.ini, &s, &d.problems), -EINVAL);
	ck_assert_ptr_null(s);
	conf_expect(&d, wanted);
	conf_fini(&d);
}

#define EXPECT(text, ...) expect_problems(text, (const char *const[]){__VA_ARGS__, NULL})

static void expect_delay(const struct settings_origin *o, enum settings_delay_kind kind, int64_t ns)
{
	ck_assert_uint_eq(o->delay.n, 1);
	ck_assert_double_eq(o->delay.parts[0].upto, 1);
	ck_assert_int_eq(o->delay.parts[0].delay.kind, kind);
	ck_assert_int_eq(o->delay.parts[0].delay.ns, ns);
}

static void expect_defaults(const struct settings *s)
{
	ck_assert_uint_eq(s->keep_runs, 64);
	ck_assert_str_eq(s->socket, "/run/rpsd/control.socket");
	ck_assert_str_eq(s->observe, "/run/rpsd/observe.socket");
	ck_assert_uint_eq(s->max_rate, 200000);
	ck_assert_uint_eq(s->max_connections, 10000);
	ck_assert_int_eq(s->max_duration_ns, 24 * 3600 * NSEC_PER_SEC);
	ck_assert_uint_eq(s->max_runs, 16);
}

START_TEST(nothing_gives_defaults)
{
	struct settings *s = build("");

	expect_defaults(s);
	ck_assert_uint_eq(s->n_allow, 0);
	ck_assert_uint_eq(s->n_origins, 0);
	ck_assert_ptr_null(settings_free(s));
	ck_assert_ptr_null(settings_free(NULL));
}
END_TEST

START_TEST(values_are_read)
{
	struct settings *s = build("[daemon]\nkeep-runs = 5\n[control]\nsocket = /tmp/x\n"
				   "[policy]\nallow = 10.0.0.0/8\nallow = [2001:db8::]/32:443\n"
				   "max-rate = 90/m\nmax-connections = 7\nmax-duration = 1m30s\n");

	ck_assert_uint_eq(s->keep_runs, 5);
	ck_assert_str_eq(s->socket, "/tmp/x");
	ck_assert_uint_eq(s->n_allow, 2);
	ck_assert_str_eq(s->allow[0], "10.0.0.0/8");
	ck_assert_str_eq(s->allow[1], "[2001:db8::]/32:443");
	ck_assert_uint_eq(s->max_rate, 1);
	ck_assert_uint_eq(s->max_connections, 7);
	ck_assert_int_eq(s->max_duration_ns, 90 * NSEC_PER_SEC);
	settings_free(s);
}
END_TEST

START_TEST(later_files_override_and_allow_adds_up)
{
	struct conf_doc d = {0};
	struct settings *s;

	conf_read(&d, "rpsd.conf",
		"[policy]\nallow = 10.0.0.1\nmax-rate = 10\nmax-connections = 1\n"
		"[origin a]\nlisten = 127.0.0.1:1\ndelay = 1s\n");
	conf_read(&d, "50.conf",
		"[policy]\nallow = 10.0.0.2\nmax-rate = 20\n"
		"[origin b]\nlisten = 127.0.0.1:2\n[origin a]\nbody = 5B\n");
	s = build_doc(&d);
	ck_assert_uint_eq(s->n_allow, 2);
	ck_assert_str_eq(s->allow[0], "10.0.0.1");
	ck_assert_str_eq(s->allow[1], "10.0.0.2");
	ck_assert_uint_eq(s->max_rate, 20);
	ck_assert_uint_eq(s->max_connections, 1);
	ck_assert_uint_eq(s->n_origins, 2);
	ck_assert_str_eq(s->origins[0].name, "a");
	ck_assert_str_eq(s->origins[0].listen, "127.0.0.1:1");
	expect_delay(&s->origins[0], SETTINGS_DELAY_FIXED, NSEC_PER_SEC);
	ck_assert_uint_eq(s->origins[0].body_bytes, 5);
	ck_assert_str_eq(s->origins[1].name, "b");
	settings_free(s);
	conf_fini(&d);
}
END_TEST

START_TEST(origin_defaults)
{
	struct settings *s = build("[origin null]\nlisten = 127.0.0.1:0\n");

	ck_assert_uint_eq(s->n_origins, 1);
	ck_assert_str_eq(s->origins[0].name, "null");
	ck_assert_str_eq(s->origins[0].listen, "127.0.0.1:0");
	expect_delay(&s->origins[0], SETTINGS_DELAY_FIXED, 0);
	ck_assert_uint_eq(s->origins[0].body_bytes, 1024);
	ck_assert_double_eq(s->origins[0].error_share, 0);
	ck_assert_uint_eq(s->origins[0].error_status, 503);
	ck_assert_uint_eq(s->origins[0].seed, 42);
	ck_assert_uint_eq(s->origins[0].backlog, 4096);
	ck_assert(!s->origins[0].error_has_delay && !s->origins[0].burn);
	ck_assert_uint_eq(s->origins[0].drip_pieces, 0);
	ck_assert_uint_eq(s->origins[0].read_bytes, 0);
	ck_assert_uint_eq(s->origins[0].close_after, 0);
	ck_assert_uint_eq(s->origins[0].freeze, 0);
	ck_assert_int_eq(s->origins[0].service.ns, 0);
	ck_assert_int_eq(s->origins[0].idle_ns, 0);
	ck_assert_int_eq(s->origins[0].stall.length_ns, 0);
	ck_assert_int_eq(s->origins[0].accept_stall.length_ns, 0);
	ck_assert_double_eq(s->origins[0].hang_share, 0);
	ck_assert_ptr_null(s->origins[0].gaps);
	settings_free(s);
}
END_TEST

START_TEST(origin_from_flags)
{
	struct conf_doc d = {0};
	struct settings *s;

	ck_assert_int_eq(ini_set(&d.ini, "--listen", "origin", "x", "listen", "[::1]:8000"), 0);
	ck_assert_int_eq(ini_set(&d.ini, "--delay", "origin", "x", "delay", "exp:5ms"), 0);
	ck_assert_int_eq(ini_set(&d.ini, "--errors", "origin", "x", "errors", "20% 503"), 0);
	s = build_doc(&d);
	ck_assert_uint_eq(s->n_origins, 1);
	expect_delay(&s->origins[0], SETTINGS_DELAY_EXPONENTIAL, 5 * NSEC_PER_MSEC);
	ck_assert_double_eq_tol(s->origins[0].error_share, 0.2, 1e-12);
	settings_free(s);
	conf_fini(&d);
}
END_TEST

START_TEST(problems_have_their_lines)
{
	EXPECT("[origin a]\n[origin b]\nlisten = 127.0.0.1:1\n[daemon]\nkeep-runs = 0\n"
	       "[policy]\nallow = nowhere\nallow = 127.0.0.1\nmax-rate = 0.5\n[polcy]\n",
		"rpsd.conf:1: [origin a] listen is missing",
		"rpsd.conf:5: keep-runs: '0' is out of range: 1..10000",
		"rpsd.conf:7: allow: ", "rpsd.conf:9: max-rate: '0.5' is not a rate of 1/s or more",
		"rpsd.conf:10: unknown section [polcy]: did you mean [policy]?");
	EXPECT("[control]\nsocket = control.socket\n", "rpsd.conf:2: socket: ");
	EXPECT("[control]\nsocket =\n", "rpsd.conf:2: socket: ");
	EXPECT("[load]\nrate = 5\n", "rpsd.conf:1: unknown section [load]");
}
END_TEST

START_TEST(observers_have_a_path_of_their_own_or_none)
{
	struct settings *s = build("[control]\nobserve =\n");

	ck_assert_str_eq(s->observe, "");
	settings_free(s);
	EXPECT("[control]\nobserve = look\n", "rpsd.conf:2: observe: 'look' is not a path");
	EXPECT("[control]\nobserve = /x\nsocket = /x\n",
		"rpsd.conf:2: observe: socket and observe are the same path");
	EXPECT("[control]\nsocket = /run/rpsd/observe.socket\n",
		"rpsd.conf:2: socket: socket and observe are the same path");
}
END_TEST

START_TEST(socket_path_fits_the_kernel)
{
	char path[128];
	char text[256];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	snprintf(text, sizeof(text), "[control]\nsocket = %s\n", path);
	settings_free(build(text));
	path[107] = 'a';
	path[108] = '\0';
	snprintf(text, sizeof(text), "[control]\nsocket = %s\n", path);
	EXPECT(text, "rpsd.conf:2: socket: ");
}
END_TEST

START_TEST(too_many_origins)
{
	struct conf_doc d = {0};
	struct settings *s = NULL;
	struct buf text = {0};

	for (int i = 0; i < 65; i++)
		ck_assert_int_eq(
			buf_printf(&text, "[origin o%d]\nlisten = 127.0.0.1:%d\n", i, i), 0);
	conf_read(&d, "rpsd.conf", text.data);
	ck_assert_int_eq(settings_build(&d.ini, &s, &d.problems), -EINVAL);
	ck_assert_str_eq(
		d.problems.texts[0], "rpsd.conf:129: more than 64 origins: remove some of them");
	conf_fini(&d);
	buf_fini(&text);
}
END_TEST

/* ---- files ---- */

static char directory[64];

static void files_setup(void)
{
	strcpy(directory, "/tmp/rpsd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void files_teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(drop_ins_are_read_in_the_order_of_names)
{
	struct conf_doc d = {0};
	struct settings *s;

	write_file("rpsd.conf", "[daemon]\nkeep-runs = 1\n");
	ck_assert_int_eq(mkdir(path_of("rpsd.conf.d"), 0700), 0);
	write_file("rpsd.conf.d/60-b.conf", "[daemon]\nkeep-runs = 60\n");
	write_file("rpsd.conf.d/10-a.conf", "[daemon]\nkeep-runs = 10\n[policy]\nmax-rate = 5\n");
	write_file("rpsd.conf.d/99-no.conf.old", "[daemon]\nkeep-runs = 99\n");
	write_file("rpsd.conf.d/.99-no.conf", "[daemon]\nkeep-runs = 98\n");
	ck_assert_int_eq(symlink("nowhere", path_of("rpsd.conf.d/70-gone.conf")), 0);
	ck_assert_int_eq(symlink("/dev/null", path_of("rpsd.conf.d/80-masked.conf")), 0);
	ck_assert_int_eq(settings_files_read(path_of("rpsd.conf"), true, &d.ini, &d.problems), 0);
	s = build_doc(&d);
	ck_assert_uint_eq(s->keep_runs, 60);
	ck_assert_uint_eq(s->max_rate, 5);
	settings_free(s);
	conf_fini(&d);
}
END_TEST

START_TEST(problem_in_a_drop_in_names_it)
{
	struct conf_doc d = {0};
	struct settings *s = NULL;

	ck_assert_int_eq(mkdir(path_of("rpsd.conf.d"), 0700), 0);
	write_file("rpsd.conf.d/10-a.conf", "[daemon]\nkeep-runs = x\n");
	ck_assert_int_eq(settings_files_read(path_of("rpsd.conf"), false, &d.ini, &d.problems), 0);
	ck_assert_int_eq(settings_build(&d.ini, &s, &d.problems), -EINVAL);
	conf_expect(
		&d, (const char *const[]){
			    "rpsd.conf.d/10-a.conf:2: keep-runs: 'x' is not a whole number", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(missing_file)
{
	struct conf_doc d = {0};

	ck_assert_int_eq(settings_files_read(path_of("rpsd.conf"), false, &d.ini, &d.problems), 0);
	conf_expect_none(&d);
	ck_assert_uint_eq(d.ini.n_entries, 0);
	ck_assert_int_eq(
		settings_files_read(path_of("rpsd.conf"), true, &d.ini, &d.problems), -ENOENT);
	conf_expect(&d, (const char *const[]){"rpsd.conf: no such file", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(unreadable_files)
{
	struct conf_doc d = {0};

	/* A directory where a file should be, and the other way round. */
	ck_assert_int_eq(mkdir(path_of("a.conf"), 0700), 0);
	ck_assert_int_lt(settings_files_read(path_of("a.conf"), false, &d.ini, &d.problems), 0);
	ck_assert_uint_eq(d.problems.n, 1);
	write_file("b.conf", "");
	write_file("b.conf.d", "");
	ck_assert_int_eq(
		settings_files_read(path_of("b.conf"), true, &d.ini, &d.problems), -ENOTDIR);
	ck_assert_uint_eq(d.problems.n, 2);
	ck_assert_ptr_nonnull(strstr(d.problems.texts[1], "b.conf.d: "));
	/* To open it would wait for a writer. */
	write_file("c.conf", "");
	ck_assert_int_eq(mkdir(path_of("c.conf.d"), 0700), 0);
	ck_assert_int_eq(mkfifo(path_of("c.conf.d/fifo.conf"), 0600), 0);
	ck_assert_int_lt(settings_files_read(path_of("c.conf"), true, &d.ini, &d.problems), 0);
	ck_assert_uint_eq(d.problems.n, 3);
	ck_assert_ptr_nonnull(strstr(d.problems.texts[2], "fifo.conf: not a regular file"));
	conf_fini(&d);
}
END_TEST

START_TEST(shipped_file_is_valid_and_all_defaults)
{
	struct conf_doc d = {0};
	struct settings *s;

	ck_assert_int_eq(settings_files_read("conf/rpsd.conf", true, &d.ini, &d.problems), 0);
	/* The talk's service, and nothing else that is not the default. */
	ck_assert_uint_eq(d.ini.n_entries, 2);
	ck_assert_str_eq(d.ini.entries[0].section, "origin");
	ck_assert_str_eq(d.ini.entries[1].section, "origin");
	s = build_doc(&d);
	expect_defaults(s);
	settings_free(s);
	conf_fini(&d);
}
END_TEST

/* With its examples taken in ("#key = value") the shipped file still reads, shows every key of the
 * daemon, and what it shows is the default where a key has one. */
START_TEST(shipped_file_shows_every_key)
{
	struct conf_doc d = {0};
	struct settings *s;
	char *text;
	size_t len;

	ck_assert_int_eq(file_read("conf/rpsd.conf", 65536, &text, &len), 0);
	for (char *line = text; *line; line = strchr(line, '\n') + 1)
		if (line[0] == '#' && (line[1] == '[' || (line[1] >= 'a' && line[1] <= 'z')))
			memmove(line, line + 1, strlen(line));
	conf_read(&d, "rpsd.conf", text);
	s = build_doc(&d);
	expect_defaults(s);
	ck_assert_uint_eq(s->n_allow, 4);
	ck_assert_uint_eq(s->n_origins, 1);
	ck_assert_str_eq(s->origins[0].listen, "127.0.0.1:8000");
	expect_delay(&s->origins[0], SETTINGS_DELAY_FIXED, 5 * NSEC_PER_SEC);
	for (size_t i = 0; i < settings_keys.n; i++) {
		const struct key *k = &settings_keys.rows[i];
		const struct ini_entry *e;

		/* That one is for rpsctl origin alone. */
		if (str_eq(k->name, "gaps"))
			continue;
		e = keys_last(&d.ini, k->section, k->named ? "talk" : "", k->name);
		ck_assert_msg(e, "[%s] %s is not shown", k->section, k->name);
		if (k->fallback && !str_eq(k->name, "delay"))
			ck_assert_str_eq(e->value, k->fallback);
	}
	settings_free(s);
	free(text);
	conf_fini(&d);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("settings");
	TCase *values = tcase_create("values");
	TCase *files = tcase_create("files");
	TCase *shipped = tcase_create("shipped");

	tcase_add_test(values, nothing_gives_defaults);
	tcase_add_test(values, values_are_read);
	tcase_add_test(values, later_files_override_and_allow_adds_up);
	tcase_add_test(values, origin_defaults);
	tcase_add_test(values, origin_from_flags);
	tcase_add_test(values, problems_have_their_lines);
	tcase_add_test(values, observers_have_a_path_of_their_own_or_none);
	tcase_add_test(values, socket_path_fits_the_kernel);
	tcase_add_test(values, too_many_origins);
	suite_add_tcase(s, values);
	tcase_add_checked_fixture(files, files_setup, files_teardown);
	tcase_add_test(files, drop_ins_are_read_in_the_order_of_names);
	tcase_add_test(files, problem_in_a_drop_in_names_it);
	tcase_add_test(files, missing_file);
	tcase_add_test(files, unreadable_files);
	suite_add_tcase(s, files);
	tcase_add_test(shipped, shipped_file_is_valid_and_all_defaults);
	tcase_add_test(shipped, shipped_file_shows_every_key);
	suite_add_tcase(s, shipped);
	return suite_main(s);
}
