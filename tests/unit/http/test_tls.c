/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration makes of a handshake: versions, names, protocols, certificates of both
 * sides, sessions; and configurations that are refused. Loops: TLS 1.2 (_i = 0) and 1.3 (_i = 1).
 */
#include "tests/unit/http/tls_rig.h"

#include <stdio.h>

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
static const char *const version_names[] = {"TLSv1.2", "TLSv1.3"};

/* ---------------------------------------------------------------- agreeing */

START_TEST(test_there_and_back)
{
	struct rig_client c;
	struct rig_server s;
	struct tls_info info;
	struct tls_counts counts;

	rig_open(RIG_GOOD, versions[_i]);
	rig_pair(&c, &s);
	ck_assert_str_eq(s.sni, RIG_HOST);
	tls_get_info(&c.t, &info);
	ck_assert_str_eq(info.version, version_names[_i]);
	ck_assert_str_eq(info.alpn, "http/1.1");
	ck_assert_str_ne(info.cipher, "");
	ck_assert(!info.resumed);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	ck_assert_str_eq(tls_fault_text(&c.t), "");
	/* Asking again does no harm. */
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_OK);

	rig_client_say(&c, "hello");
	rig_server_hears(&s, "hello");
	rig_server_say(&s, "there", 5);
	rig_server_give(&s, RIG_ALL);
	rig_client_read(&c, 5);
	ck_assert_uint_eq(c.len, 5);
	ck_assert_mem_eq(c.data, "there", 5);

	counts = tls_context_counts(rig.context);
	ck_assert_uint_eq(counts.handshakes, 1);
	ck_assert_uint_eq(counts.resumed, 0);
	ck_assert_uint_eq(counts.failed, 0);
	rig_client_end(&c);
	ck_assert_int_eq(c.t.fd, -1);
	transport_close(&c.t);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* TCP first, and then the handshake, for who measures both. */
START_TEST(test_phases)
{
	struct rig_client c;
	struct rig_server s;

	rig_open(RIG_GOOD, versions[_i]);
	rig_make_context();
	rig_client_start(&c);
	rig_server_start(&s);
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	ck_assert(!rig_server_take(&s));
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
	rig_wait(&s);
	ck_assert(rig_server_take(&s));
	ck_assert_int_eq(rig_shake(&c, &s, RIG_ALL), IO_OK);
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

static void check_version(enum tls_version min, enum tls_version max, int server, bool agrees)
{
	struct rig_client c;
	struct rig_server s;

	rig_serve_as(RIG_GOOD, server);
	rig.config.min_version = min;
	rig.config.max_version = max;
	if (agrees) {
		rig_pair(&c, &s);
	} else {
		ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_ERROR);
		ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_PROTOCOL);
		ck_assert_msg(
			strstr(tls_fault_text(&c.t), "no version of TLS that is allowed here"),
			"%s", tls_fault_text(&c.t));
	}
	rig_client_end(&c);
	rig_server_end(&s);
	rig.context = tls_context_free(rig.context);
}

START_TEST(test_versions)
{
	struct tls_config config;
	struct err err = {0};

	rig_open(RIG_GOOD, 0);
	check_version(TLS_VERSION_1_2, TLS_VERSION_1_2, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_1_2, TLS_VERSION_1_2, TLS1_3_VERSION, false);
	check_version(TLS_VERSION_1_2, TLS_VERSION_DEFAULT, TLS1_3_VERSION, true);
	check_version(TLS_VERSION_DEFAULT, TLS_VERSION_1_2, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_DEFAULT, TLS_VERSION_1_3, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_1_3, TLS_VERSION_DEFAULT, TLS1_3_VERSION, true);
	check_version(TLS_VERSION_1_3, TLS_VERSION_DEFAULT, TLS1_2_VERSION, false);

	config = rig.config;
	config.min_version = TLS_VERSION_1_3;
	config.max_version = TLS_VERSION_1_2;
	ck_assert_int_eq(tls_context_new(&config, &rig.context, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the lowest version of TLS is above the highest");
	ck_assert_ptr_null(rig.context);
	rig_close();
}
END_TEST

START_TEST(test_ciphers)
{
	const char *const wanted[] = {
		"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256"};
	struct rig_client c;
	struct rig_server s;
	struct tls_info info;

	rig_open(RIG_GOOD, versions[_i]);
	rig.config.ciphers = wanted[0];
	rig.config.ciphersuites = wanted[1];
	rig_pair(&c, &s);
	tls_get_info(&c.t, &info);
	ck_assert_str_eq(info.cipher, wanted[_i]);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* No cipher in common: the server says so with an alert. */
START_TEST(test_alert)
{
	struct rig_client c;
	struct rig_server s;

	rig_open(RIG_GOOD, TLS1_2_VERSION);
	rig.config.max_version = TLS_VERSION_1_2;
	rig.config.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
	SSL_CTX_set_cipher_list(rig.server_ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
	ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_ERROR);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_ALERT);
	ck_assert_int_eq(c.t.error, EPROTO);
	ck_assert_str_eq(
		tls_fault_text(&c.t), "the server sent the TLS alert \"handshake failure\" (40)");
	ck_assert_uint_eq(tls_context_counts(rig.context).failed, 1);
	/* The failure stays. */
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_ERROR);
	ck_assert_uint_eq(tls_context_counts(rig.context).failed, 1);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

static const struct {
	const char *offered;
	const char *chosen;
	bool agrees;
} alpns[] = {
	{NULL, "http/1.1", true},
	{NULL, NULL, true}, /* the server knows nothing of ALPN */
	{"h2,http/1.1", "h2", true},
	{"h2,http/1.1", "http/1.1", true},
	{"", NULL, true},
	{NULL, "", false},   /* it has nothing in common with us */
	{NULL, "h2", false}, /* it takes what was not offered */
	{"h2,http/1.1", "http", false},
};

START_TEST(test_alpn)
{
	int n = (int)(sizeof(alpns) / sizeof(*alpns));
	struct rig_client c;
	struct rig_server s;
	struct tls_info info;

	rig_open(RIG_GOOD, versions[_i / n]);
	rig.config.alpn = alpns[_i % n].offered;
	rig.wish.alpn = alpns[_i % n].chosen;
	if (alpns[_i % n].agrees) {
		rig_pair(&c, &s);
		tls_get_info(&c.t, &info);
		ck_assert_str_eq(info.alpn, rig.wish.alpn ? rig.wish.alpn : "");
	} else {
		ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_ERROR);
		ck_assert_msg(tls_get_fault(&c.t) == TLS_FAULT_ALPN, "%s", tls_fault_text(&c.t));
		ck_assert_ptr_nonnull(strstr(tls_fault_text(&c.t), "(ALPN)"));
		ck_assert_uint_eq(tls_context_counts(rig.context).failed, 1);
		ck_assert_uint_eq(tls_context_counts(rig.context).handshakes, 0);
	}
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* ---------------------------------------------------------------- names */

static const struct {
	const char *name, *sni;
	bool fits;
} names[] = {
	{RIG_HOST, RIG_HOST, true},
	{RIG_HOST ".", RIG_HOST, true},
	{"GOOD.test", "GOOD.test", true},
	{"127.0.0.1", "", true},
	{"::1", "", true},
	{"127.0.0.2", "", false},
	{"other.test", "other.test", false},
};

START_TEST(test_names)
{
	struct rig_client c;
	struct rig_server s;

	rig_open(RIG_GOOD, 0);
	rig.config.server_name = names[_i].name;
	ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), names[_i].fits ? IO_OK : IO_ERROR);
	ck_assert_int_eq(
		tls_get_fault(&c.t), names[_i].fits ? TLS_FAULT_NONE : TLS_FAULT_WRONG_HOST);
	if (names[_i].fits)
		ck_assert_str_eq(s.sni, names[_i].sni);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* Without verification anything goes, and the server still sees the name. */
START_TEST(test_skip_verify)
{
	struct rig_client c;
	struct rig_server s;

	rig_open((enum rig_who)_i, 0);
	rig.config.skip_verify = true;
	rig.config.ca = (struct tls_pem){0};
	rig_pair(&c, &s);
	ck_assert_str_eq(s.sni, RIG_HOST);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* What ca-file names is trusted, also if it is no root: the server's own certificate. */
START_TEST(test_trust_leaf)
{
	struct rig_client c;
	struct rig_server s;

	rig_open((enum rig_who)_i, 0);
	rig.config.ca = rig_pem("leaf.pem", rig_identities[_i].pem);
	rig_pair(&c, &s);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* ---------------------------------------------------------------- our own certificate */

static void require_client_certificate(void)
{
	SSL_CTX_set_verify(rig.server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	ck_assert_int_eq(X509_STORE_add_cert(SSL_CTX_get_cert_store(rig.server_ctx),
				 rig_identities[RIG_CA].x509),
		1);
}

START_TEST(test_client_certificate)
{
	struct rig_client c;
	struct rig_server s;
	X509 *seen;

	rig_open(RIG_GOOD, versions[_i]);
	require_client_certificate();
	rig.config.certificate = rig_pem("client.pem", rig_identities[RIG_CLIENT].pem);
	rig.config.key = rig_pem("client.key", rig_identities[RIG_CLIENT].key_pem);
	rig_pair(&c, &s);
	seen = SSL_get1_peer_certificate(s.ssl);
	ck_assert_ptr_nonnull(seen);
	ck_assert_int_eq(X509_cmp(seen, rig_identities[RIG_CLIENT].x509), 0);
	X509_free(seen);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* TLS 1.2 refuses during the handshake. With 1.3 it is done for the client before the server has
 * judged: the alert comes while reading. */
START_TEST(test_client_certificate_missing)
{
	struct rig_client c;
	struct rig_server s;

	rig_open(RIG_GOOD, versions[_i]);
	require_client_certificate();
	if (_i == 0) {
		ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_ERROR);
		ck_assert_str_eq(tls_fault_text(&c.t),
			"the server sent the TLS alert \"handshake failure\" (40)");
	} else {
		ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_OK);
		ck_assert_uint_gt(rig_server_give(&s, RIG_ALL), 0);
		ck_assert_int_eq(rig_client_read_end(&c), IO_ERROR);
		ck_assert_ptr_nonnull(strstr(tls_fault_text(&c.t), "certificate required"));
	}
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_ALERT);
	ck_assert_int_eq(c.t.error, EPROTO);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
}
END_TEST

/* ---------------------------------------------------------------- sessions */

enum ending {
	GOODBYE,
	CUT, /* the server closes without close_notify */
	ENDINGS,
};

static void visit(enum ending ending, bool expect_resumed)
{
	struct rig_client c;
	struct rig_server s;
	struct tls_info info;

	rig_pair(&c, &s);
	tls_get_info(&c.t, &info);
	ck_assert_int_eq(info.resumed, expect_resumed);
	ck_assert_int_eq(SSL_session_reused(s.ssl), expect_resumed);
	if (ending == CUT) {
		close(s.fd);
		s.fd = -1;
		ck_assert_int_eq(rig_client_read_end(&c), IO_EOF);
	}
	/* So that the server, too, takes it for a good session. */
	SSL_set_shutdown(s.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	rig_client_end(&c);
	rig_server_end(&s);
}

START_TEST(test_resumption)
{
	struct tls_counts counts;

	rig_open(RIG_GOOD, versions[_i / ENDINGS]);
	for (int i = 0; i < 5; i++)
		visit((enum ending)(_i % ENDINGS), i > 0);
	counts = tls_context_counts(rig.context);
	ck_assert_uint_eq(counts.handshakes, 5);
	ck_assert_uint_eq(counts.resumed, 4);

	/* Each address has its own sessions. */
	rig.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	close(rig.listener);
	rig.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		bind(rig.listener, (struct sockaddr *)&rig.address, sizeof(rig.address)), 0);
	ck_assert_int_eq(listen(rig.listener, 16), 0);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	rig_close();
}
END_TEST

START_TEST(test_resumption_off)
{
	struct tls_counts counts;

	rig_open(RIG_GOOD, versions[_i]);
	rig.config.no_resumption = true;
	for (int i = 0; i < 3; i++)
		visit(GOODBYE, false);
	counts = tls_context_counts(rig.context);
	ck_assert_uint_eq(counts.handshakes, 3);
	ck_assert_uint_eq(counts.resumed, 0);
	rig_close();
}
END_TEST

/* A server that has forgotten everything, and one that is another by now: the session does not
 * vouch for it, and is not offered again. */
START_TEST(test_resumption_refused)
{
	struct rig_client c;
	struct rig_server s;

	rig_open(RIG_GOOD, versions[_i]);
	visit(GOODBYE, false);
	rig_serve_as(RIG_GOOD, versions[_i]);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	rig_serve_as(RIG_EXPIRED, versions[_i]);
	ck_assert_int_eq(rig_meet(&c, &s, RIG_ALL), IO_ERROR);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_EXPIRED);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_serve_as(RIG_GOOD, versions[_i]);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	rig_close();
}
END_TEST

/* ---------------------------------------------------------------- refusals before any handshake */

START_TEST(test_guard_is_asked)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
	struct err err = {0};
	struct transport t;
	int before = dup(0), after;

	close(before);
	rig_open(RIG_GOOD, 0);
	rig_make_context();
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
	ck_assert_int_eq(
		tls_connect(&t, rig.context, (struct sockaddr *)&in, sizeof(in), &rig.guard, &err),
		-EPERM);
	ck_assert_str_eq(err.text, "only loopback is allowed; [policy] allow lists more");
	ck_assert_int_eq(t.fd, -1);
	ck_assert_int_eq(tls_get_fault(&t), TLS_FAULT_NONE);
	transport_close(&t);
	rig_close();
	after = dup(0);
	ck_assert_int_eq(before, after);
	close(after);
}
END_TEST

/* That is TCP's fault and none of TLS. */
START_TEST(test_refused)
{
	struct err err = {0};
	struct transport t;
	int r;

	rig_open(RIG_GOOD, 0);
	rig_make_context();
	close(rig.listener);
	rig.listener = -1;
	r = tls_connect(&t, rig.context, (struct sockaddr *)&rig.address, sizeof(rig.address),
		&rig.guard, &err);
	if (r == 0) {
		ck_assert_int_eq(transport_finish_connect(&t), IO_ERROR);
		ck_assert_int_eq(t.error, ECONNREFUSED);
		ck_assert_int_eq(transport_finish_connect(&t), IO_ERROR);
		ck_assert_int_eq(t.error, ECONNREFUSED);
	} else {
		ck_assert_int_eq(r, -ECONNREFUSED);
	}
	ck_assert_int_eq(tls_get_fault(&t), TLS_FAULT_NONE);
	ck_assert_str_eq(tls_fault_text(&t), "");
	ck_assert_uint_eq(tls_context_counts(rig.context).failed, 0);
	transport_close(&t);
	rig_close();
}
END_TEST

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
	static const char *const no_names[] = {NULL, "", "%eth0"};
	static const char *const no_alpns[] = {",", "a,,b", "a,", ",a"};
	const struct tls_config good = {.server_name = RIG_HOST, .skip_verify = true};
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
	refuses(&bad, -EINVAL, "no cipher of TLS 1.2 in \"NO-SUCH-CIPHER\"");
	bad = good;
	bad.ciphersuites = "TLS_NO_SUCH";
	refuses(&bad, -EINVAL, "not cipher suites of TLS 1.3: \"TLS_NO_SUCH\"");
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

	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, rig_identities[RIG_CLIENT].key,
				 EVP_aes_128_cbc(), "secret", 6, NULL, NULL),
		1);
	return rig_pem_of(bio);
}

START_TEST(test_bad_files)
{
	const struct tls_config good = {.server_name = RIG_HOST, .skip_verify = true};
	const struct rig_identity *client = &rig_identities[RIG_CLIENT];
	char *encrypted = encrypted_key(), *broken = strdup(client->pem);
	struct tls_config bad = good;

	bad.certificate = rig_pem("c.pem", client->pem);
	refuses(&bad, -EINVAL, "c.pem: no private key in it");
	bad.key = rig_pem("c.key", rig_identities[RIG_GOOD].key_pem);
	refuses(&bad, -EINVAL, "c.key: the key does not belong to the certificate");
	bad.key = rig_pem("c.key", encrypted);
	refuses(&bad, -EINVAL, "c.key: the key has a passphrase");
	bad.key = rig_pem("c.key", client->key_pem);
	bad.certificate = rig_pem("c.pem", client->key_pem);
	refuses(&bad, -EINVAL, "c.pem: no certificate in it");
	memset(broken + 60, '!', 20);
	bad.certificate = rig_pem("c.pem", broken);
	refuses(&bad, -EINVAL, "c.pem: a broken certificate");
	bad.certificate = rig_pem("c.pem", "");
	refuses(&bad, -EINVAL, "c.pem: no certificate in it");
	bad.certificate = (struct tls_pem){0};
	refuses(&bad, -EINVAL, "c.key: a key without its certificate");
	bad.certificate = (struct tls_pem){.name = "/nonexistent/c.pem"};
	refuses(&bad, -ENOENT, "/nonexistent/c.pem: No such file or directory");

	bad = good;
	bad.skip_verify = false;
	bad.ca = rig_pem("ca.pem", "nothing\n");
	refuses(&bad, -EINVAL, "ca.pem: no certificate in it");
	bad.ca = rig_pem("ca.pem", broken);
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
	const struct rig_identity *client = &rig_identities[RIG_CLIENT];
	struct rig_client c;
	struct rig_server s;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(
		hash, sizeof(hash), "%08lx.0", X509_subject_name_hash(rig_identities[RIG_CA].x509));
	write_file(dir, _i == 1 ? hash : "ca.pem", rig_identities[RIG_CA].pem, "", ca, sizeof(ca));
	write_file(dir, "client.pem", client->key_pem, client->pem, identity, sizeof(identity));
	setenv("SSL_CERT_FILE", _i == 0 ? ca : "/nonexistent", 1);
	setenv("SSL_CERT_DIR", _i == 1 ? dir : "/nonexistent", 1);

	rig_open(RIG_GOOD, 0);
	require_client_certificate();
	rig.config.ca = (struct tls_pem){.name = _i == 2 ? ca : NULL};
	rig.config.certificate = (struct tls_pem){.name = identity};
	rig_pair(&c, &s);
	rig_client_end(&c);
	rig_server_end(&s);
	rig_close();
	unlink(ca);
	unlink(identity);
	rmdir(dir);
}
END_TEST

START_TEST(test_no_ca_bundle)
{
	const struct tls_config config = {.server_name = RIG_HOST};
	char dir[] = "/tmp/rpsd-tls.XXXXXX", file[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "README", "not a certificate\n", "", file, sizeof(file));
	setenv("SSL_CERT_FILE", file, 1);
	setenv("SSL_CERT_DIR", dir, 1);
	refuses(&config, -ENOENT,
		"no CA bundle on this system: install ca-certificates, or name ca-file");
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	setenv("SSL_CERT_DIR", "/nonexistent:/nonexistent/too", 1);
	refuses(&config, -ENOENT,
		"no CA bundle on this system: install ca-certificates, or name ca-file");
	unlink(file);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("tls");

	tcase_add_loop_test(tcase, test_there_and_back, 0, 2);
	tcase_add_loop_test(tcase, test_phases, 0, 2);
	tcase_add_test(tcase, test_versions);
	tcase_add_loop_test(tcase, test_ciphers, 0, 2);
	tcase_add_test(tcase, test_alert);
	tcase_add_loop_test(tcase, test_alpn, 0, 2 * (int)(sizeof(alpns) / sizeof(*alpns)));
	tcase_add_loop_test(tcase, test_names, 0, (int)(sizeof(names) / sizeof(*names)));
	tcase_add_loop_test(tcase, test_skip_verify, RIG_GOOD, RIG_WHO_COUNT);
	tcase_add_loop_test(tcase, test_trust_leaf, RIG_SELF_SIGNED, RIG_UNKNOWN + 1);
	tcase_add_loop_test(tcase, test_client_certificate, 0, 2);
	tcase_add_loop_test(tcase, test_client_certificate_missing, 0, 2);
	tcase_add_loop_test(tcase, test_resumption, 0, 2 * ENDINGS);
	tcase_add_loop_test(tcase, test_resumption_off, 0, 2);
	tcase_add_loop_test(tcase, test_resumption_refused, 0, 2);
	tcase_add_test(tcase, test_guard_is_asked);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_bad_words);
	tcase_add_test(tcase, test_bad_files);
	tcase_add_loop_test(tcase, test_files, 0, 3);
	tcase_add_test(tcase, test_no_ca_bundle);
	suite_add_tcase(suite, tcase);
	return rig_run(suite);
}
