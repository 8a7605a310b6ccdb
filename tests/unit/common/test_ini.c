/* SPDX-License-Identifier: Apache-2.0 */
/* ini: what a person wrote arrives whole and with its line, and what is wrong is told with its
 * line, all of it, in words; no input crashes or hangs the reader. */
#include "common/config/ini.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "tests/support/suite.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char sample[] = "; a shop\n"
			     "# written by hand\n"
			     "[target]\n"
			     "url = https://shop.test:8443/\n"
			     "\n"
			     "[load]\n"
			     "stage = ramp from 50 to 500 over 30s\n"
			     "stage=hold 500 for 5m   \n"
			     "arrivals\t=\tpoisson\n"
			     "[defaults]\n"
			     "header = Accept: a/b ; q=1, c/d # e\n"
			     "[request browse]\n"
			     "weight = 8\n"
			     "body =\n"
			     "[request  buy]\n"
			     "weight = 2\n"
			     "path = cart?a=b&c==d\n"
			     "[thresholds]\n";

static struct ini_doc doc;
static struct problems problems;

static void read_text(const char *text, size_t len)
{
	ck_assert_int_eq(ini_read(&doc, "a.ini", text, len, &problems), 0);
}

static void finish(void)
{
	ini_fini(&doc);
	problems_fini(&problems);
}

static void assert_entry(size_t i, const char *section, const char *arg, const char *key,
	const char *value, unsigned line)
{
	ck_assert_uint_lt(i, doc.n_entries);
	ck_assert_str_eq(doc.entries[i].section, section);
	ck_assert_str_eq(doc.entries[i].arg, arg);
	ck_assert_str_eq(doc.entries[i].key, key);
	ck_assert_str_eq(doc.entries[i].value, value);
	ck_assert_str_eq(doc.entries[i].file, "a.ini");
	ck_assert_uint_eq(doc.entries[i].line, line);
}

static void assert_sample(void)
{
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 9);
	assert_entry(0, "target", "", "url", "https://shop.test:8443/", 4);
	assert_entry(1, "load", "", "stage", "ramp from 50 to 500 over 30s", 7);
	assert_entry(2, "load", "", "stage", "hold 500 for 5m", 8);
	assert_entry(3, "load", "", "arrivals", "poisson", 9);
	assert_entry(4, "defaults", "", "header", "Accept: a/b ; q=1, c/d # e", 11);
	assert_entry(5, "request", "browse", "weight", "8", 13);
	assert_entry(6, "request", "browse", "body", "", 14);
	assert_entry(7, "request", "buy", "weight", "2", 16);
	assert_entry(8, "request", "buy", "path", "cart?a=b&c==d", 17);
	ck_assert_uint_eq(doc.n_sections, 6);
	ck_assert_str_eq(doc.sections[4].name, "request");
	ck_assert_str_eq(doc.sections[4].arg, "buy");
	ck_assert_uint_eq(doc.sections[4].line, 15);
	ck_assert_str_eq(doc.sections[5].name, "thresholds");
	ck_assert_str_eq(doc.sections[5].arg, "");
	ck_assert_uint_eq(doc.sections[5].line, 18);
}

START_TEST(reads_a_sample)
{
	read_text(sample, strlen(sample));
	assert_sample();
	finish();
	ck_assert_ptr_null(doc.entries);
	finish();
}
END_TEST

START_TEST(reads_crlf_and_bom)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "\xef\xbb\xbf"), 0);
	for (const char *c = sample; *c; c++)
		ck_assert_int_eq(*c == '\n' ? buf_puts(&b, "\r\n") : buf_append(&b, c, 1), 0);
	read_text(b.data, b.len);
	assert_sample();
	buf_fini(&b);
	finish();
}
END_TEST

static const char *const empty_texts[] = {
	"", "\n", "\r\n", "\n\n\n", "; only\n", "# only", "\xef\xbb\xbf", "  \t\n \n", "\r"};

START_TEST(reads_nothing)
{
	read_text(empty_texts[_i], strlen(empty_texts[_i]));
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 0);
	ck_assert_uint_eq(doc.n_sections, 0);
	finish();
}
END_TEST

START_TEST(reads_without_a_last_newline)
{
	const char text[] = "[load]\nrate = 5";

	read_text(text, strlen(text));
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 1);
	assert_entry(0, "load", "", "rate", "5", 2);
	finish();
}
END_TEST

/* Lengths around inih's own limits, thousands of bytes, and the longest line there may be. */
static const size_t lengths[] = {
	1, 49, 50, 51, 190, 198, 199, 200, 201, 5000, 40000, INI_LINE_MAX - 4};

START_TEST(reads_long_values)
{
	size_t len = lengths[_i];
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "[s]\nk = "), 0);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(buf_append(&b, i % 7 == 3 ? ";" : i % 7 == 2 ? " " : "v", 1), 0);
	b.data[b.len - 1] = 'e';
	ck_assert_int_eq(buf_puts(&b, "\nnext = 1\n"), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 2);
	ck_assert_uint_eq(strlen(doc.entries[0].value), len);
	ck_assert_mem_eq(doc.entries[0].value, b.data + 8, len);
	assert_entry(1, "s", "", "next", "1", 3);
	buf_fini(&b);
	finish();
}
END_TEST

#define NAME_48 "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff"
#define NAME_64 NAME_48 "gggggggghhhhhhhh"

START_TEST(takes_the_longest_names)
{
	const char text[] = "[" NAME_48 " " NAME_64 "]\n" NAME_48 " = x\n";

	read_text(text, strlen(text));
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 1);
	assert_entry(0, NAME_48, NAME_64, NAME_48, "x", 2);
	finish();
}
END_TEST

/* One mistake each; "[z]" and "k = 1" after it are still read. */
static const struct {
	const char *text, *problem;
} mistakes[] = {
	{"[s]\n  k = 5", "a.ini:2: \"k = 5\" is indented: begin the line at the margin"},
	{"[s]\n\tfoo", "a.ini:2: \"foo\" is indented: begin the line at the margin"},
	{" [s]", "a.ini:1: \"[s]\" is indented: begin the line at the margin"},
	{"[s]\n ; comment", "a.ini:2: \"; comment\" is indented: begin the line at the margin"},
	{"[s]\nrate 5", "a.ini:2: \"rate 5\" is neither \"key = value\" nor \"[section]\""},
	{"[s]\nrate: 5", "a.ini:2: \"rate: 5\" is neither \"key = value\" nor \"[section]\""},
	{"[s]\nrate", "a.ini:2: \"rate\" is neither \"key = value\" nor \"[section]\""},
	{"[s]\n= 5", "a.ini:2: no key before the \"=\": write KEY = VALUE"},
	{"[s]\na b = 5",
		"a.ini:2: \"a b\" is not a key: only letters, digits, \"-\", \"_\" and \".\""},
	{"[s]\na:b = 5",
		"a.ini:2: \"a:b\" is not a key: only letters, digits, \"-\", \"_\" and \".\""},
	{"[s]\na;b = 5",
		"a.ini:2: \"a;b\" is not a key: only letters, digits, \"-\", \"_\" and \".\""},
	{"[s]\n" NAME_48 "x = 5",
		"a.ini:2: the key \"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee...\" "
		"is longer than 48 bytes: shorten it"},
	{"rate = 5",
		"a.ini:1: \"rate\" comes before the first [section]: write the section above it"},
	{"rate = 5\nduration = 3s",
		"a.ini:1: \"rate\" comes before the first [section]: write the section above it"},
	{"[r", "a.ini:1: the \"]\" of \"[r\" is missing: add it"},
	{"[", "a.ini:1: the \"]\" of \"[\" is missing: add it"},
	{"[s] key = x", "a.ini:1: text after the \"]\" of \"[s] key = x\": a section has its line "
			"to itself"},
	{"[s] ; x",
		"a.ini:1: text after the \"]\" of \"[s] ; x\": a section has its line to itself"},
	{"[[s]]", "a.ini:1: text after the \"]\" of \"[[s]]\": a section has its line to itself"},
	{"[]", "a.ini:1: the section has no name: write [NAME]"},
	{"[  ]", "a.ini:1: the section has no name: write [NAME]"},
	{"[ s ]", "a.ini:1: blanks inside the brackets: write [s]"},
	{"[s/t]", "a.ini:1: \"s/t\" is not a section name: only letters, digits, \"-\", \"_\" and "
		  "\".\""},
	{"[" NAME_48 "x]", "a.ini:1: the section name "
			   "\"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee...\" is longer than 48 "
			   "bytes: shorten it"},
	{"[request a b]",
		"a.ini:1: \"a b\" after \"[request\" must be one word of at most 64 letters, "
		"digits, \"-\", \"_\" and \".\", and not begin with \"-\" or \".\""},
	{"[request -a]",
		"a.ini:1: \"-a\" after \"[request\" must be one word of at most 64 letters, "
		"digits, \"-\", \"_\" and \".\", and not begin with \"-\" or \".\""},
	{"[request " NAME_64 "x]", "a.ini:1: \"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee\" after "
				   "\"[request\" must be one word of at most 64 letters, digits, "
				   "\"-\", \"_\" and \".\", and not begin with \"-\" or \".\""},
	{"\n\n\n[load]\n[s]\n[load]",
		"a.ini:6: duplicate section [load] (first at line 4): join the two"},
	{"[request a]\n[request b]\n[request a]",
		"a.ini:3: duplicate section [request a] (first at line 1): join the two, or give "
		"one another name"},
	{"[s]\n\x1b[31mred = 1",
		"a.ini:2: \"?[31mred\" is not a key: only letters, digits, \"-\", \"_\" and \".\""},
};

START_TEST(tells_a_mistake)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_printf(&b, "%s\n[z]\nk = 1\n", mistakes[_i].text), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_str_eq(problems.texts[0], mistakes[_i].problem);
	ck_assert_uint_eq(doc.n_entries, 1);
	ck_assert_str_eq(doc.entries[0].section, "z");
	ck_assert_str_eq(doc.entries[0].key, "k");
	buf_fini(&b);
	finish();
}
END_TEST

/* The keys after a section line that is not in order have a home all the same. */
static const struct {
	const char *line;
	const char *name, *arg; /* name NULL: what it means is not known */
} mended[] = {
	{"[load", "load", ""},
	{"[ load ]", "load", ""},
	{"[load] ; x", "load", ""},
	{"[request a b]", "request", "a"},
	{"[request a", "request", "a"},
	{"[request " NAME_64 "x]", "request", NAME_64},
	{"[request -a]", NULL, NULL},
	{"[s/t]", NULL, NULL},
	{"[]", NULL, NULL},
};

START_TEST(keys_after_a_bad_section_line)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_printf(&b, "%s\nk = 1\n", mended[_i].line), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_uint_eq(doc.n_entries, mended[_i].name ? 1 : 0);
	if (mended[_i].name) {
		assert_entry(0, mended[_i].name, mended[_i].arg, "k", "1", 2);
		ck_assert(doc.sections[0].is_mended);
	}
	ck_assert(doc.is_incomplete);
	buf_fini(&b);
	finish();
}
END_TEST

START_TEST(tells_nul_bytes)
{
	static const char text[] = "[s]\na = x\0y\n; c\0c\n[t\0]\nb = 1\n";

	read_text(text, sizeof(text) - 1);
	/* Once is enough. */
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_str_eq(problems.texts[0],
		"a.ini:2: a NUL byte: this is not a text file, or not in UTF-8: save it as such");
	finish();
}
END_TEST

/* Comments may be anything; what is read may not. */
START_TEST(tells_a_line_that_is_not_utf8)
{
	static const char *const lines[] = {"a = \xe4", "a = \xc2", "\xff = 1", "a = \xc2\xc2\x8e"};
	char text[64];

	(void)snprintf(text, sizeof(text), "# \xe4\n[s]\nb = \xc3\xa4\n%s\n", lines[_i]);
	read_text(text, strlen(text));
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_str_eq(problems.texts[0], "a.ini:4: the line is not text in UTF-8: convert the "
					    "file, as with iconv -f latin1 -t utf-8");
	ck_assert_uint_eq(doc.n_entries, 1);
	finish();
}
END_TEST

START_TEST(tells_a_line_too_long)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "[s]\na = "), 0);
	for (size_t i = 4; i < INI_LINE_MAX; i++)
		ck_assert_int_eq(buf_puts(&b, "v"), 0);
	ck_assert_int_eq(buf_puts(&b, "\r\nb = "), 0);
	for (size_t i = 4; i < INI_LINE_MAX + 1; i++)
		ck_assert_int_eq(buf_puts(&b, "v"), 0);
	ck_assert_int_eq(buf_puts(&b, "\nc = 1"), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_str_eq(problems.texts[0],
		"a.ini:3: the line has 65537 bytes, more than 65536: long text can come from a "
		"file, @FILE");
	ck_assert_uint_eq(doc.n_entries, 2);
	ck_assert_uint_eq(strlen(doc.entries[0].value), INI_LINE_MAX - 4);
	assert_entry(1, "s", "", "c", "1", 4);
	buf_fini(&b);
	finish();
}
END_TEST

START_TEST(tells_all_mistakes_in_order)
{
	static const char text[] = "early = 1\n"
				   "[load]\n"
				   "rate 5\n"
				   "  x = 1\n"
				   "duration = 3s\n"
				   "[load]\n"
				   "warmup = 1s\n"
				   "[bad\n"
				   "lost = 1\n"
				   "lost too\n";
	static const unsigned lines[] = {1, 3, 4, 6, 8, 10};

	read_text(text, strlen(text));
	ck_assert_uint_eq(problems.n, COUNT(lines));
	for (int i = 0; i < COUNT(lines); i++) {
		char place[32];

		snprintf(place, sizeof(place), "a.ini:%u: ", lines[i]);
		ck_assert_ptr_eq(strstr(problems.texts[i], place), problems.texts[i]);
	}
	/* Keys of a duplicate section belong to the first. */
	ck_assert_uint_eq(doc.n_entries, 3);
	assert_entry(0, "load", "", "duration", "3s", 5);
	assert_entry(1, "load", "", "warmup", "1s", 7);
	assert_entry(2, "bad", "", "lost", "1", 9);
	ck_assert_uint_eq(doc.n_sections, 2);
	finish();
}
END_TEST

START_TEST(second_appearance_counts_as_the_first)
{
	static const char text[] = "[request a]\n[request b]\n[request a]\nk = 1\n[z]\n";

	read_text(text, strlen(text));
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_uint_eq(doc.n_entries, 1);
	assert_entry(0, "request", "a", "k", "1", 4);
	ck_assert_uint_eq(doc.n_sections, 3);
	finish();
}
END_TEST

START_TEST(appends_files_and_flags)
{
	static const char first[] = "[load]\nrate = 5\n", second[] = "[load]\nrate = 6\n[tls]\n";
	char origin[] = "-r", value[] = "7";

	ck_assert_int_eq(ini_read(&doc, "a.ini", first, strlen(first), &problems), 0);
	ck_assert_int_eq(ini_read(&doc, "b.ini", second, strlen(second), &problems), 0);
	ck_assert_int_eq(ini_set(&doc, origin, "load", "", "rate", value), 0);
	/* Everything is copied. */
	origin[1] = value[0] = 'x';
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 3);
	ck_assert_str_eq(doc.entries[1].file, "b.ini");
	ck_assert_str_eq(doc.entries[1].value, "6");
	ck_assert_str_eq(doc.entries[2].file, "-r");
	ck_assert_str_eq(doc.entries[2].section, "load");
	ck_assert_str_eq(doc.entries[2].key, "rate");
	ck_assert_str_eq(doc.entries[2].value, "7");
	ck_assert_uint_eq(doc.entries[2].line, 0);
	ck_assert_uint_eq(doc.entries[0].precedence, 0);
	ck_assert_uint_eq(doc.entries[1].precedence, 1);
	ck_assert_uint_eq(doc.entries[2].precedence, INI_FLAGS);
	ck_assert_uint_eq(doc.n_sections, 3);
	ck_assert_str_eq(doc.sections[1].file, "b.ini");
	finish();
}
END_TEST

START_TEST(paths_of_keys)
{
	static const char *const bad[] = {"", "load", ".rate", "load.", "request.a."};

	ck_assert_int_eq(ini_set_path(&doc, "-x", "load.rate", "1"), 0);
	ck_assert_int_eq(ini_set_path(&doc, "-x", "request.a.weight", "2"), 0);
	ck_assert_int_eq(ini_set_path(&doc, "-x", "request.a.b.weight", ""), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(ini_set_path(&doc, "-x", bad[i], "3"), -EINVAL);
	ck_assert_uint_eq(doc.n_entries, 3);
	ck_assert_str_eq(doc.entries[0].section, "load");
	ck_assert_str_eq(doc.entries[0].arg, "");
	ck_assert_str_eq(doc.entries[0].key, "rate");
	ck_assert_str_eq(doc.entries[0].value, "1");
	ck_assert_str_eq(doc.entries[1].arg, "a");
	ck_assert_str_eq(doc.entries[2].section, "request");
	ck_assert_str_eq(doc.entries[2].arg, "a.b");
	ck_assert_str_eq(doc.entries[2].key, "weight");
	ck_assert_str_eq(doc.entries[2].file, "-x");
	ck_assert_uint_eq(doc.entries[2].line, 0);
	finish();
}
END_TEST

START_TEST(gives_up_on_rubbish)
{
	struct buf b = {0};

	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(buf_puts(&b, "rubbish\n"), 0);
	read_text(b.data, b.len);
	problems_finish(&problems);
	ck_assert_uint_eq(problems.n, 2);
	ck_assert_str_eq(problems.texts[0], "a.ini:1: \"rubbish\" is neither \"key = value\" nor "
					    "\"[section]\" (and 9999 more)");
	ck_assert_str_eq(problems.texts[1],
		"a.ini:10000: 10000 problems are enough: reading stopped here; mend these first");
	buf_fini(&b);
	finish();
}
END_TEST

START_TEST(bounds_sections_and_keys)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "[s]\n"), 0);
	for (int i = 0; i < 70000; i++)
		ck_assert_int_eq(
			buf_printf(&b, "%s%d%s\n", _i ? "k" : "[s", i, _i ? " = 1" : "]"), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 1);
	ck_assert_ptr_nonnull(strstr(problems.texts[0], _i ? "keys" : "sections"));
	ck_assert_uint_le(doc.n_entries, 16385);
	ck_assert_uint_le(doc.n_sections, 4097);
	buf_fini(&b);
	finish();
}
END_TEST

/* A call can bring hundreds of files. */
START_TEST(bounds_all_files_together)
{
	struct buf b = {0};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(buf_printf(&b, "[s%d]\n", i), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ini_read(&doc, "a.ini", b.data, b.len, &problems), 0);
	ck_assert_uint_gt(problems.n, 0);
	ck_assert_uint_le(problems.n, 20);
	ck_assert_ptr_nonnull(strstr(problems.texts[0], "more than 4096 sections"));
	ck_assert_uint_le(doc.n_sections, 4097);
	buf_fini(&b);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(buf_printf(&b, "%sk%d = 1\n", i ? "" : "[s]\n", i), 0);
	ini_fini(&doc);
	problems_fini(&problems);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ini_read(&doc, "a.ini", b.data, b.len, &problems), 0);
	ck_assert_ptr_nonnull(strstr(problems.texts[0], "more than 16384 keys"));
	ck_assert_uint_le(doc.n_entries, 16385 + 20);
	buf_fini(&b);
	finish();
}
END_TEST

START_TEST(many_keys_keep_their_values)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "[s]\n"), 0);
	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(buf_printf(&b, "k%d = v%d ; %d\n", i, i * 3, i), 0);
	read_text(b.data, b.len);
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 5000);
	for (int i = 0; i < 5000; i++) {
		char key[16], value[32];

		snprintf(key, sizeof(key), "k%d", i);
		snprintf(value, sizeof(value), "v%d ; %d", i * 3, i);
		assert_entry((size_t)i, "s", "", key, value, (unsigned)i + 2);
	}
	buf_fini(&b);
	finish();
}
END_TEST

/* Reads a text that ends where memory ends. */
static void read_at_guard_page(const char *text, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_uint_le(len, page);
	ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
	memcpy(map + page - len, text, len);
	read_text(map + page - len, len);
	ck_assert_int_eq(munmap(map, 2 * page), 0);
}

static void check_truncation(size_t len)
{
	size_t n_lines = 0;

	read_at_guard_page(sample, len);
	for (size_t i = 0; i < len; i++)
		n_lines += sample[i] == '\n';
	/* Only the line that was cut can be wrong, and what stands above it is kept. */
	ck_assert_uint_le(problems.n, 1);
	if (problems.n == 1) {
		char place[32];

		snprintf(place, sizeof(place), "a.ini:%zu: ", n_lines + 1);
		ck_assert_ptr_eq(strstr(problems.texts[0], place), problems.texts[0]);
	}
	for (size_t i = 0; i < doc.n_entries; i++)
		ck_assert_uint_le(doc.entries[i].line, n_lines + 1);
	finish();
}

/* In eight processes: one for each length is slow under the sanitizers. */
START_TEST(every_truncation_is_read)
{
	for (size_t len = (size_t)_i; len <= strlen(sample); len += 8)
		check_truncation(len);
}
END_TEST

/* Each byte of the sample becomes each of these; whatever comes out, it is told with a line. */
START_TEST(every_changed_byte_is_read)
{
	static const char others[] = {'\0', '\n', '\r', ' ', '[', ']', '=', ';', '\xff'};
	char text[sizeof(sample)];

	for (size_t i = 0; i < strlen(sample); i++) {
		memcpy(text, sample, sizeof(text));
		text[i] = others[_i];
		read_at_guard_page(text, strlen(sample));
		for (size_t j = 0; j < problems.n; j++)
			ck_assert_ptr_eq(strstr(problems.texts[j], "a.ini:"), problems.texts[j]);
		for (size_t j = 0; j < doc.n_entries; j++)
			ck_assert_uint_gt(strlen(doc.entries[j].key), 0);
		finish();
	}
}
END_TEST

START_TEST(random_bytes_are_read)
{
	static const char alphabet[] = "[]=;#\n\r\t ab:\"\\\xef\xbb\xbf";
	uint32_t x = 2463534242u + (uint32_t)_i;
	char text[512];

	for (int round = 0; round < 500; round++) {
		size_t len;

		for (size_t i = 0; i < sizeof(text); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			/* The terminating NUL is one of them. */
			text[i] = alphabet[x % sizeof(alphabet)];
		}
		len = x % (sizeof(text) + 1);
		read_at_guard_page(text, len);
		finish();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ini");
	TCase *tcase = tcase_create("ini");

	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, reads_a_sample);
	tcase_add_test(tcase, reads_crlf_and_bom);
	tcase_add_loop_test(tcase, reads_nothing, 0, COUNT(empty_texts));
	tcase_add_test(tcase, reads_without_a_last_newline);
	tcase_add_loop_test(tcase, reads_long_values, 0, COUNT(lengths));
	tcase_add_test(tcase, takes_the_longest_names);
	tcase_add_loop_test(tcase, tells_a_mistake, 0, COUNT(mistakes));
	tcase_add_loop_test(
		tcase, keys_after_a_bad_section_line, 0, (int)(sizeof(mended) / sizeof(mended[0])));
	tcase_add_test(tcase, tells_nul_bytes);
	tcase_add_loop_test(tcase, tells_a_line_that_is_not_utf8, 0, 4);
	tcase_add_test(tcase, tells_a_line_too_long);
	tcase_add_test(tcase, tells_all_mistakes_in_order);
	tcase_add_test(tcase, second_appearance_counts_as_the_first);
	tcase_add_test(tcase, appends_files_and_flags);
	tcase_add_test(tcase, paths_of_keys);
	tcase_add_test(tcase, gives_up_on_rubbish);
	tcase_add_loop_test(tcase, bounds_sections_and_keys, 0, 2);
	tcase_add_test(tcase, bounds_all_files_together);
	tcase_add_test(tcase, many_keys_keep_their_values);
	tcase_add_loop_test(tcase, every_truncation_is_read, 0, 8);
	tcase_add_loop_test(tcase, every_changed_byte_is_read, 0, 9);
	tcase_add_loop_test(tcase, random_bytes_are_read, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
