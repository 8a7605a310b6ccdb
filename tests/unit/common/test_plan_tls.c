/* SPDX-License-Identifier: Apache-2.0 */
/* The [tls] section of plans. */
#include "common/plan/plan_tls.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/digest.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define HTTPS "[target]\nurl = https://Shop.test/\n"

#define CA "-----BEGIN CERTIFICATE-----\nCA\n"
#define CERT "-----BEGIN X509 CERTIFICATE-----\nC\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nK\n"
#define OTHER "-----BEGIN EC PRIVATE KEY-----\nO\n"
#define FILE_OF(name, text)                                                                        \
	{                                                                                          \
		name, text, sizeof(text) - 1                                                       \
	}

static const struct plan_file files[] = {FILE_OF("ca.pem", CA), FILE_OF("c.pem", CERT),
	FILE_OF("c.key", KEY), FILE_OF("d/c.key", OTHER), FILE_OF("both.pem", CERT KEY),
	FILE_OF("passwd", "root:x:0:0\n"), {"cred:c", NULL, 0}};
#define N_FILES (sizeof(files) / sizeof(*files))

static struct plan *plan_of(const char *text)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", text);
	p = conf_build(&d, "f", text, files, N_FILES);
	conf_fini(&d);
	return p;
}

static void expect_pem(const struct plan_pem *pem, const char *name, const char *text)
{
	ck_assert_str_eq(pem->name, name);
	ck_assert_str_eq(pem->text, text);
	ck_assert_uint_eq(pem->len, strlen(text));
}

START_TEST(what_nothing_says)
{
	struct plan *p = plan_of(HTTPS);

	ck_assert(p->url.tls);
	ck_assert_uint_eq(p->url.port, 443);
	ck_assert_uint_eq(p->tls_verify, 1);
	ck_assert_uint_eq(p->tls_resume, 1);
	ck_assert_uint_eq(p->tls_min_version, 0);
	ck_assert_str_eq(p->tls_server_name, "shop.test");
	ck_assert_ptr_null(p->tls_ca.name);
	ck_assert_ptr_null(p->tls_certificate.name);
	ck_assert_ptr_null(p->tls_key.name);
	plan_free(p);
}
END_TEST

START_TEST(all_that_can_be_said)
{
	struct plan *p = plan_of(
		HTTPS "[tls]\nverify = no\nca-file = ca.pem\ncertificate = c.pem\nkey = c.key\n"
		      "server-name = other.test\nmin-version = 1.3\nresume = no\n");

	ck_assert_uint_eq(p->tls_verify, 0);
	ck_assert_uint_eq(p->tls_resume, 0);
	ck_assert_uint_eq(p->tls_min_version, 2);
	ck_assert_str_eq(p->tls_server_name, "other.test");
	expect_pem(&p->tls_ca, "ca.pem", CA);
	expect_pem(&p->tls_certificate, "c.pem", CERT);
	expect_pem(&p->tls_key, "c.key", KEY);
	plan_free(p);
}
END_TEST

/* A file that is another is found before a run. */
static const struct {
	const char *lines, *problem;
} contents[] = {
	{"ca-file = passwd\n", "f.ini:4: ca-file: passwd: the file has no certificate (PEM)"},
	{"ca-file = c.key\n", "f.ini:4: ca-file: c.key: the file has no certificate (PEM)"},
	{"certificate = passwd\nkey = c.key\n",
		"f.ini:4: certificate: passwd: the file has no certificate (PEM)"},
	{"certificate = c.pem\nkey = ca.pem\n",
		"f.ini:5: key: ca.pem: the file has no private key (PEM)"},
	{"certificate = c.pem\n",
		"f.ini:4: certificate: c.pem: the file has a certificate, but no private key "
		"(PEM): --key FILE ([tls] key) names the file that has it"},
	{"certificate = both.pem\n", NULL},
	{"certificate = cred:c\n", NULL}, /* what only the service can read */
};

START_TEST(what_files_have)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[256];

	(void)snprintf(text, sizeof(text), HTTPS "[tls]\n%s", contents[_i].lines);
	conf_read(&d, "f.ini", text);
	ck_assert_int_eq(plan_build("f", &d.ini, text, files, N_FILES, &p, &d.problems),
		contents[_i].problem ? -EINVAL : 0);
	conf_expect(&d, (const char *const[]){contents[_i].problem, NULL});
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(mistakes)
{
	CONF_EXPECT(
		HTTPS "[tls]\nca-file = no.pem\n", "f.ini:4: ca-file: file 'no.pem' is missing");
	CONF_EXPECT(
		HTTPS "[tls]\nca-file = @ca.pem\n", "f.ini:4: ca-file: '@ca.pem' is not a file");
	CONF_EXPECT(HTTPS "[tls]\ncertificate =\n", "f.ini:4: certificate: ");
	CONF_EXPECT(
		HTTPS "[tls]\nkey = cred:k/x\n", "f.ini:4: key: 'cred:k/x' is not a credential");
	CONF_EXPECT(HTTPS "[tls]\nkey = no\n", "f.ini:4: key: file 'no' is missing",
		"f.ini:4: key: the certificate that it belongs to is missing");
	CONF_EXPECT(HTTPS "[tls]\nverify = maybe\n", "f.ini:4: verify: ");
	CONF_EXPECT(HTTPS "[tls]\nmin-version = 1.1\n", "f.ini:4: min-version: ");
	CONF_EXPECT(HTTPS "[tls]\nserver-name = a:443\n", "f.ini:4: server-name: ");
	CONF_EXPECT(HTTPS "[tls]\nserver-name = http://a\n", "f.ini:4: server-name: ");
	CONF_EXPECT(HTTPS "[tls]\nserver-name = .w.test\n", "f.ini:4: server-name: ");
	CONF_EXPECT(CONF_TARGET "[tls]\nverify = yes\nresume = no\n",
		"f.ini:4: verify is for https, and the URL is http",
		"f.ini:5: resume is for https, and the URL is http");
	/* What is wrong with the target is said once. */
	CONF_EXPECT("[target]\nurl = ftp://x/\n[tls]\nverify = no\n", "f.ini:2: url: ");
}
END_TEST

#define SUITES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

START_TEST(versions_and_ciphers)
{
	struct plan *p = plan_of(HTTPS "[tls]\nmin-version = 1.2\nmax-version = 1.2\n"
				       "ciphers = ECDHE+AESGCM:!aNULL:@STRENGTH,TLSv1.2\n");

	ck_assert_uint_eq(p->tls_min_version, 1);
	ck_assert_uint_eq(p->tls_max_version, 1);
	ck_assert_str_eq(p->tls_ciphers, "ECDHE+AESGCM:!aNULL:@STRENGTH,TLSv1.2");
	ck_assert_ptr_null(p->tls_ciphersuites);
	plan_free(p);
	p = plan_of(
		HTTPS "[tls]\nmin-version = 1.3\nmax-version = 1.3\nciphersuites = " SUITES "\n");
	ck_assert_uint_eq(p->tls_max_version, 2);
	ck_assert_str_eq(p->tls_ciphersuites, SUITES);
	plan_free(p);
}
END_TEST

START_TEST(bad_versions_and_ciphers)
{
	CONF_EXPECT(HTTPS "[tls]\nmax-version = 1.1\n", "f.ini:4: max-version: '1.1'");
	CONF_EXPECT(HTTPS "[tls]\nmax-version = 1.2\nmin-version = 1.3\n",
		"f.ini:5: min-version = 1.3 contradicts max-version = 1.2 (line 4): the lowest "
		"version is above the highest: change one of them");
	CONF_EXPECT(HTTPS "[tls]\nciphers =\n", "f.ini:4: ciphers: '' is not a list of ciphers");
	CONF_EXPECT(HTTPS "[tls]\nciphers = A B\n", "f.ini:4: ciphers: 'A B' is not a list");
	CONF_EXPECT(HTTPS "[tls]\nciphersuites =\n", "f.ini:4: ciphersuites: '' is not a cipher");
	CONF_EXPECT(HTTPS "[tls]\nciphersuites = TLS_AES_128_GCM_SHA257\n",
		"f.ini:4: ciphersuites: 'TLS_AES_128_GCM_SHA257' is not a cipher suite of TLS 1.3 "
		"(TLS_AES_128_GCM_SHA256?)");
	CONF_EXPECT(
		HTTPS "[tls]\nciphersuites = " SUITES ":\n", "ciphersuites: '' is not a cipher");
	CONF_EXPECT(
		HTTPS "[tls]\nciphersuites = :" SUITES "\n", "ciphersuites: '' is not a cipher");
	CONF_EXPECT(HTTPS "[tls]\nciphers = HIGH\nmin-version = 1.3\n",
		"f.ini:5: min-version = 1.3 contradicts ciphers = HIGH (line 4): TLS 1.3 takes "
		"ciphersuites: write those, or lower min-version");
	CONF_EXPECT(HTTPS "[tls]\nmax-version = 1.2\nciphersuites = " SUITES "\n",
		"f.ini:5: ciphersuites = ");
	CONF_EXPECT(CONF_TARGET "[tls]\nmax-version = 1.2\nciphers = HIGH\n",
		"f.ini:4: max-version is for https, and the URL is http",
		"f.ini:5: ciphers is for https, and the URL is http");
	CONF_EXPECT("[target]\nurl = unix:/s\n[tls]\nverify = no\n",
		"f.ini:4: verify is for https, and the URL is a Unix socket, over which there is "
		"no "
		"TLS");
	/* Of a bad value nobody says what it contradicts. */
	CONF_EXPECT(HTTPS "[tls]\nmin-version = 1.4\nmax-version = 1.2\n",
		"f.ini:4: min-version: '1.4'");
}
END_TEST

/* A file, then a flag of [tls]; versions and whether ciphers and suites are left. */
static const struct {
	const char *text, *key, *value;
	unsigned min, max;
	bool ciphers, suites;
} later_tls[] = {
	{"min-version = 1.3", "max-version", "1.2", 0, 1, false, false},
	{"max-version = 1.2", "min-version", "1.3", 2, 0, false, false},
	{"ciphers = HIGH", "min-version", "1.3", 2, 0, false, false},
	{"min-version = 1.3", "ciphers", "HIGH", 0, 0, true, false},
	{"ciphersuites = " SUITES, "max-version", "1.2", 0, 1, false, false},
	{"max-version = 1.2", "ciphersuites", SUITES, 0, 0, false, true},
};

START_TEST(a_later_version_wins)
{
	struct conf_doc d = {0};
	struct plan *p;
	char text[256];

	(void)snprintf(text, sizeof(text), HTTPS "[tls]\n%s\n", later_tls[_i].text);
	conf_read(&d, "f.ini", text);
	conf_set(&d, "--set", "tls", later_tls[_i].key, later_tls[_i].value);
	p = conf_build(&d, "f", text, NULL, 0);
	ck_assert_uint_eq(p->tls_min_version, later_tls[_i].min);
	ck_assert_uint_eq(p->tls_max_version, later_tls[_i].max);
	ck_assert(later_tls[_i].ciphers == (p->tls_ciphers != NULL));
	ck_assert(later_tls[_i].suites == (p->tls_ciphersuites != NULL));
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* Of two files the later one turns the target around. */
START_TEST(a_later_target_decides)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", HTTPS "[tls]\nca-file = ca.pem\nserver-name = x.test\n");
	conf_set(&d, "URL", "target", "url", "http://shop.test/");
	p = conf_build(&d, "f", NULL, files, N_FILES);
	ck_assert(!p->url.tls);
	ck_assert_ptr_null(p->tls_ca.name);
	ck_assert_ptr_null(p->tls_server_name);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(a_later_flag_does_not_fit)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", CONF_TARGET);
	conf_set(&d, "-k", "tls", "verify", "no");
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d,
		(const char *const[]){"-k: [tls] verify is for https, and the URL is http", NULL});
	conf_fini(&d);
}
END_TEST

/* As files of bodies, each once; of what is overridden none. */
START_TEST(its_files_are_listed)
{
	static const char *const wanted[] = {"ca.pem", "both", "d/c.key"};
	struct conf_doc d = {0};
	const char **names;
	size_t n;

	conf_read(&d, "f.ini",
		HTTPS "[tls]\nca-file = ca.pem\ncertificate = both\nkey = c.key\n"
		      "server-name = @no\n");
	conf_set(&d, "--key", "tls", "key", "d/c.key");
	names = plan_file_names(&d.ini, &n);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(names[i], wanted[i]);
	free(names);
	conf_fini(&d);
}
END_TEST

/* Where else it could be sent, to whom it is not for. */
START_TEST(a_key_is_no_body)
{
	static const char *const values[][2] = {{"body", "@c.key"}, {"header", "X: @c.key"},
		{"header", "X: @c.pem"}, {"body", "@d/c.key"}};
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[64];

	/* Also one that is not in force. */
	conf_read(&d, "f.ini", HTTPS "[tls]\ncertificate = c.pem\nkey = c.key\n");
	conf_set(&d, "--key", "tls", "key", "d/c.key");
	conf_set(&d, "flag", "defaults", values[_i][0], values[_i][1]);
	ck_assert_int_eq(plan_build("f", &d.ini, "", files, N_FILES, &p, &d.problems), -EINVAL);
	(void)snprintf(text, sizeof(text), "flag: %s: '%s' is a private file of [tls]",
		values[_i][0], strchr(values[_i][1], '@') + 1);
	conf_expect(&d, (const char *const[]){text, NULL});
	conf_fini(&d);
}
END_TEST

/* What is in force, from any file. */
START_TEST(who_brings_the_key)
{
	struct conf_doc d = {0};
	size_t first;

	conf_read(&d, "f.ini", HTTPS "[tls]\ncertificate = c.pem\n");
	first = d.ini.n_entries;
	ck_assert_str_eq(plan_key_entry(&d.ini, 0)->key, "certificate");
	ck_assert_ptr_null(plan_key_entry(&d.ini, first));
	conf_set(&d, "--cacert", "tls", "ca-file", "ca.pem");
	ck_assert_ptr_null(plan_key_entry(&d.ini, first));
	conf_set(&d, "--cert", "tls", "certificate", "d.pem");
	ck_assert_str_eq(plan_key_entry(&d.ini, first)->key, "certificate");
	conf_set(&d, "--key", "tls", "key", "c.key");
	ck_assert_str_eq(plan_key_entry(&d.ini, first)->key, "key");
	conf_fini(&d);
}
END_TEST

START_TEST(a_certificate_of_the_call_with_a_key_of_the_file)
{
	struct conf_doc d = {0};
	size_t first;

	conf_read(&d, "f.ini", HTTPS "[tls]\ncertificate = c.pem\nkey = c.key\n");
	first = d.ini.n_entries;
	conf_set(&d, "--cert", "tls", "certificate", "d.pem");
	ck_assert_ptr_null(plan_key_entry(&d.ini, first));
	conf_fini(&d);
}
END_TEST

/* Who is trusted decides what is loaded. */
START_TEST(the_digest_covers_its_files)
{
	static const struct plan_file other[] = {FILE_OF("ca.pem", CERT)};
	static const char text[] = HTTPS "[tls]\nca-file = ca.pem\n";
	struct conf_doc d = {0};
	struct plan *a = plan_of(text), *b;

	conf_read(&d, "f.ini", text);
	b = conf_build(&d, "f", text, other, 1);
	ck_assert_str_ne(a->sha256, b->sha256);
	plan_free(a);
	plan_free(b);
	conf_fini(&d);
}
END_TEST

static const struct {
	const char *text;
	const char *wanted;
} descriptions[] = {
	{"", "  tls          certificate verified for shop.test by the system's authorities\n"},
	{"[tls]\nverify = no\nmin-version = 1.3\n",
		"  tls          certificate NOT verified, TLS 1.3 and later\n"},
	{"[tls]\nca-file = ca.pem\nserver-name = x.test\ncertificate = both.pem\nresume = no\n",
		"  tls          certificate verified for x.test by ca.pem, client certificate "
		"both.pem, no session is resumed\n"},
};

START_TEST(in_words)
{
	char text[256];
	struct buf b = {0};
	struct plan *p;

	(void)snprintf(text, sizeof(text), HTTPS "%s", descriptions[_i].text);
	p = plan_of(text);
	ck_assert_int_eq(plan_describe(p, &b), 0);
	ck_assert_msg(strstr(b.data, descriptions[_i].wanted) != NULL, "%s", b.data);
	buf_fini(&b);
	plan_free(p);
}
END_TEST

START_TEST(no_words_without_it)
{
	struct plan *p = conf_plan(CONF_TARGET);
	struct buf b = {0};

	ck_assert_int_eq(plan_describe(p, &b), 0);
	ck_assert_ptr_null(strstr(b.data, "tls"));
	buf_fini(&b);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_tls");
	TCase *t = tcase_create("plan_tls");

	tcase_add_test(t, what_nothing_says);
	tcase_add_test(t, all_that_can_be_said);
	tcase_add_loop_test(t, what_files_have, 0, sizeof(contents) / sizeof(*contents));
	tcase_add_test(t, mistakes);
	tcase_add_test(t, versions_and_ciphers);
	tcase_add_test(t, bad_versions_and_ciphers);
	tcase_add_loop_test(t, a_later_version_wins, 0, 6);
	tcase_add_test(t, a_later_target_decides);
	tcase_add_test(t, a_later_flag_does_not_fit);
	tcase_add_test(t, its_files_are_listed);
	tcase_add_loop_test(t, a_key_is_no_body, 0, 4);
	tcase_add_test(t, who_brings_the_key);
	tcase_add_test(t, a_certificate_of_the_call_with_a_key_of_the_file);
	tcase_add_test(t, the_digest_covers_its_files);
	tcase_add_loop_test(t, in_words, 0, (int)(sizeof(descriptions) / sizeof(*descriptions)));
	tcase_add_test(t, no_words_without_it);
	suite_add_tcase(s, t);
	return suite_main(s);
}
