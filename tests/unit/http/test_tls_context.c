/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: files, the system's store, and configurations that are refused. */
#include "tests/unit/http/tls_fixture.h"

#include <stdio.h>

static void refuses(const struct tls_config *config, int r, const char *text)
{
	struct tls_context *context = NULL;
	struct err err = {0};

	ck_assert_int_eq(tls_context_new(config, &context, &err), r);
	ck_assert_ptr_null(context);
	ck_assert_msg(strstr(err.text, text), "\"%s\" is not in \"%s\"", text, err.text);
	ck_assert_ptr_null(strstr(err.text, "PRIVATE"));
	ck_assert_int_eq(tls_context_new(config, &context, NULL), r);
}

START_TEST(test_bad_words)
{
	static const char *const no_names[] = {NULL, "", "%eth0", ".", ".w.test"};
	static const char *const no_alpns[] = {",", "a,,b", "a,", ",a"};
	const struct tls_config good = {.server_name = FIXTURE_HOST, .skip_verify = true};
	struct tls_config bad;
	char name[300];

	for (size_t i = 0; i < sizeof(no_names) / sizeof(*no_names); i++) {
		bad = good;
		bad.server_name = no_names[i];
		refuses(&bad, -EINVAL, "not a server name");
	}
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	bad = good;
	bad.server_name = name;
	refuses(&bad, -EINVAL, "not a server name");
	bad = good;
	bad.ciphers = "NO-SUCH-CIPHER";
	refuses(&bad, -EINVAL, "ciphers: no cipher of TLS 1.2 in \"NO-SUCH-CIPHER\"");
	bad = good;
	bad.ciphersuites = "TLS_NO_SUCH";
	refuses(&bad, -EINVAL, "ciphersuites: not cipher suites of TLS 1.3: \"TLS_NO_SUCH\"");
	for (size_t i = 0; i < sizeof(no_alpns) / sizeof(*no_alpns); i++) {
		bad = good;
		bad.alpn = no_alpns[i];
		refuses(&bad, -EINVAL, "not a list of protocols (ALPN)");
	}
	bad = good;
	bad.alpn = name;
	refuses(&bad, -EINVAL, "not a list of protocols (ALPN)");
}
END_TEST

static char *encrypted_key(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, fixture_identities[FIXTURE_CLIENT].key,
				 EVP_aes_128_cbc(), "secret", 6, NULL, NULL),
		1);
	return fixture_pem_of(bio);
}

START_TEST(test_bad_files)
{
	const struct tls_config good = {.server_name = FIXTURE_HOST, .skip_verify = true};
	const struct fixture_identity *client = &fixture_identities[FIXTURE_CLIENT];
	char *encrypted = encrypted_key(), *broken = strdup(client->pem);
	struct tls_config bad = good;

	bad.certificate = fixture_pem("c.pem", client->pem);
	refuses(&bad, -EINVAL,
		"c.pem: the file has a certificate, but no private key (PEM): --key FILE ([tls] "
		"key) names the file that has it");
	bad.key = fixture_pem("c.key", client->pem);
	refuses(&bad, -EINVAL,
		"c.key: the file has no private key (PEM): --key FILE ([tls] key) must name the "
		"one that belongs to c.pem");
	bad.key = fixture_pem("c.key", fixture_identities[FIXTURE_GOOD].key_pem);
	refuses(&bad, -EINVAL, "c.key: the key does not belong to the certificate in c.pem: ");
	bad.key = fixture_pem("c.key", encrypted);
	refuses(&bad, -EINVAL, "c.key: the private key has a passphrase");
	bad.key = fixture_pem("c.key", client->key_pem);
	bad.certificate = fixture_pem("c.pem", client->key_pem);
	refuses(&bad, -EINVAL, "c.pem: the file has no certificate (PEM)");
	memset(broken + 60, '!', 20);
	bad.certificate = fixture_pem("c.pem", broken);
	refuses(&bad, -EINVAL, "c.pem: a broken certificate");
	bad.certificate = fixture_pem("c.pem", "");
	refuses(&bad, -EINVAL, "c.pem: the file has no certificate (PEM)");
	bad.certificate = (struct tls_pem){0};
	refuses(&bad, -EINVAL,
		"c.key: a key without its certificate: --cert FILE ([tls] certificate) names "
		"it");
	bad.certificate = (struct tls_pem){.name = "/nonexistent/c.pem"};
	refuses(&bad, -ENOENT, "/nonexistent/c.pem: No such file or directory");

	bad = good;
	bad.skip_verify = false;
	bad.ca = fixture_pem("ca.pem", "nothing\n");
	refuses(&bad, -EINVAL, "ca.pem: the file has no certificate (PEM)");
	bad.ca = fixture_pem("ca.pem", broken);
	refuses(&bad, -EINVAL, "ca.pem: a broken certificate");
	bad.ca = (struct tls_pem){.name = "/nonexistent/ca.pem"};
	refuses(&bad, -ENOENT, "/nonexistent/ca.pem: No such file or directory");
	free(encrypted);
	free(broken);
}
END_TEST

/* ---------------------------------------------------------------- files */

static void write_file(
	const char *dir, const char *name, const char *one, const char *two, char *ret, size_t size)
{
	FILE *f;

	(void)snprintf(ret, size, "%s/%s", dir, name);
	f = fopen(ret, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(one, f), 0);
	ck_assert_int_ge(fputs(two, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* The CA as the system's one, by the environment's variables: as a bundle (0), as a directory of
 * hashed names (1), named in the configuration (2). The key stands in the certificate's file. */
START_TEST(test_files)
{
	char dir[] = "/tmp/rpsd-tls.XXXXXX", ca[64], identity[64], hash[32];
	const struct fixture_identity *client = &fixture_identities[FIXTURE_CLIENT];
	struct fixture_client c;
	struct fixture_server s;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(hash, sizeof(hash), "%08lx.0",
		X509_subject_name_hash(fixture_identities[FIXTURE_CA].x509));
	write_file(dir, _i == 1 ? hash : "ca.pem", fixture_identities[FIXTURE_CA].pem, "", ca,
		sizeof(ca));
	write_file(dir, "client.pem", client->key_pem, client->pem, identity, sizeof(identity));
	setenv("SSL_CERT_FILE", _i == 0 ? ca : "/nonexistent", 1);
	setenv("SSL_CERT_DIR", _i == 1 ? dir : "/nonexistent", 1);

	fixture_open(FIXTURE_GOOD, 0);
	fixture_require_client_certificate();
	fixture.config.ca = (struct tls_pem){.name = _i == 2 ? ca : NULL};
	fixture.config.certificate = (struct tls_pem){.name = identity};
	fixture_pair(&c, &s);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	unlink(ca);
	unlink(identity);
	rmdir(dir);
}
END_TEST

/* An authority that is no root: trusted where ca-file names it (1), not as a file of the system's
 * store (0). */
START_TEST(test_intermediate)
{
	char dir[] = "/tmp/rpsd-tls.XXXXXX", ca[64];
	struct fixture_client c;
	struct fixture_server s;
	enum io io;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "ca.pem", fixture_identities[FIXTURE_INTERMEDIATE].pem, "", ca, sizeof(ca));
	setenv("SSL_CERT_FILE", ca, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	fixture_open(FIXTURE_BELOW, 0);
	fixture.config.ca = (struct tls_pem){.name = _i == 1 ? ca : NULL};
	io = fixture_meet(&c, &s, FIXTURE_ALL);
	ck_assert_int_eq(io, _i == 1 ? IO_OK : IO_ERROR);
	ck_assert_int_eq(tls_get_fault(&c.t), _i == 1 ? TLS_FAULT_NONE : TLS_FAULT_UNKNOWN_ISSUER);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	unlink(ca);
	rmdir(dir);
}
END_TEST

static const struct {
	const char *host;
	bool is_covered;
} wildcards[] = {
	{"a.w.test", true},
	{"A.W.test.", true},
	{"w.test", false},
	{"a.b.w.test", false},
};

START_TEST(test_wildcard)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_WILDCARD, 0);
	fixture.config.server_name = wildcards[_i].host;
	ck_assert_int_eq(
		fixture_meet(&c, &s, FIXTURE_ALL), wildcards[_i].is_covered ? IO_OK : IO_ERROR);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

START_TEST(test_no_ca_bundle)
{
	const struct tls_config config = {.server_name = FIXTURE_HOST};
	char dir[] = "/tmp/rpsd-tls.XXXXXX", file[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "README", "not a certificate\n", "", file, sizeof(file));
	setenv("SSL_CERT_FILE", file, 1);
	setenv("SSL_CERT_DIR", dir, 1);
	refuses(&config, -ENOENT,
		"no CA bundle on this system: install ca-certificates, or give --cacert FILE "
		"([tls] ca-file)");
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	setenv("SSL_CERT_DIR", "/nonexistent:/nonexistent/too", 1);
	refuses(&config, -ENOENT,
		"no CA bundle on this system: install ca-certificates, or give --cacert FILE "
		"([tls] ca-file)");
	unlink(file);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_context");
	TCase *tcase = tcase_create("tls_context");

	tcase_add_test(tcase, test_bad_words);
	tcase_add_test(tcase, test_bad_files);
	tcase_add_loop_test(tcase, test_files, 0, 3);
	tcase_add_loop_test(tcase, test_intermediate, 0, 2);
	tcase_add_loop_test(tcase, test_wildcard, 0, sizeof(wildcards) / sizeof(*wildcards));
	tcase_add_test(tcase, test_no_ca_bundle);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
