/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against the published vectors (FIPS 180-4, RFC 4648), base64 against everything that is
 * nearly base64. */
#include "common/digest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

START_TEST(test_sha256)
{
	char hex[DIGEST_SHA256_HEX_SIZE];
	static char million[1000000];

	digest_sha256_hex("", 0, hex);
	ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256_hex(NULL, 0, hex);
	ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256_hex("abc", 3, hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(million, 'a', sizeof(million));
	digest_sha256_hex(million, sizeof(million), hex);
	ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* In pieces, and again and again with the same object; an unfinished text leaves nothing behind. */
START_TEST(test_sha256_in_pieces)
{
	struct digest_sha256 *d = digest_sha256_new();
	uint8_t digest[DIGEST_SHA256_SIZE];
	char data[200], hex[DIGEST_SHA256_HEX_SIZE], expected[DIGEST_SHA256_HEX_SIZE];

	ck_assert_ptr_nonnull(d);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 73);
	digest_sha256_hex(data, sizeof(data), expected);
	for (size_t split = 0; split <= sizeof(data); split++) {
		digest_sha256_reset(d);
		digest_sha256_update(d, data, split);
		digest_sha256_update(d, NULL, 0);
		digest_sha256_update(d, data + split, sizeof(data) - split);
		ck_assert(digest_sha256_final(d, digest));
		digest_hex(digest, hex);
		ck_assert_str_eq(hex, expected);
	}
	digest_sha256_reset(d);
	digest_sha256_update(d, "left over", 9);
	digest_sha256_reset(d);
	ck_assert(digest_sha256_final(d, digest));
	digest_hex(digest, hex);
	ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ck_assert_ptr_null(digest_sha256_free(d));
	ck_assert_ptr_null(digest_sha256_free(NULL));
}
END_TEST

static const struct {
	const char *data;
	const char *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

START_TEST(test_base64_vectors)
{
	const char *data = vectors[_i].data, *text = vectors[_i].text;
	size_t len = 99;
	char *encoded = digest_base64_encode(data, strlen(data));
	char *decoded = digest_base64_decode(text, &len);

	ck_assert_str_eq(encoded, text);
	ck_assert_str_eq(decoded, data);
	ck_assert_uint_eq(len, strlen(data));
	free(encoded);
	free(decoded);
}
END_TEST

START_TEST(test_base64_round_trip)
{
	unsigned char data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 167 + (i >> 3));
	for (size_t n = 0; n <= sizeof(data); n++) {
		size_t len = 0;
		char *text = digest_base64_encode(data, n);
		char *back = digest_base64_decode(text, &len);

		ck_assert_uint_eq(strlen(text), (n + 2) / 3 * 4);
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(back, data, n);
		ck_assert_int_eq(back[n], '\0');
		free(text);
		free(back);
	}
}
END_TEST

static const char *const refused[] = {
	"Z",
	"Zg",
	"Zg=",
	"Zg===",
	"=",
	"==",
	"===",
	"====",
	"Z===",
	"=Zg=",
	"Zg=v",
	"Z=9v",
	"Zg==Zg==",
	"Zm9vZg==Zm9v",
	"Zm9v====",
	"Zm9v=",
	" Zm9v",
	"Zm9v ",
	"Zm9v\n",
	"\nZm9v",
	"    Zm9v",
	"Zm9v\n\n\n\n",
	"Zm 9v   ",
	"Zm\n9vYm",
	"Zm-_",
	"Zm9\x80",
	"Zm9\xff",
	"----",
};
#define N_REFUSED ((int)(sizeof(refused) / sizeof(refused[0])))

START_TEST(test_base64_refused)
{
	size_t len = 99;

	ck_assert_ptr_null(digest_base64_decode(refused[_i], &len));
	ck_assert_uint_eq(len, 99);
}
END_TEST

/* Every byte but the 64 and the padding is refused, at each of the four places. */
START_TEST(test_base64_alphabet)
{
	unsigned n_good = 0;

	for (int c = 1; c < 256; c++) {
		char text[] = "AAAA";
		size_t len;
		char *data;

		text[_i] = (char)c;
		data = digest_base64_decode(text, &len);
		if (data && c != '=')
			n_good++;
		free(data);
	}
	ck_assert_uint_eq(n_good, 64);
}
END_TEST

START_TEST(test_base64_too_long)
{
	/* Refused by its length alone; the data are never read. */
	ck_assert_ptr_null(digest_base64_encode("x", SIZE_MAX));
	ck_assert_ptr_null(digest_base64_encode("x", (size_t)1 << 31));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("digest");
	TCase *t = tcase_create("digest");

	tcase_add_test(t, test_sha256);
	tcase_add_test(t, test_sha256_in_pieces);
	tcase_add_loop_test(t, test_base64_vectors, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(t, test_base64_round_trip);
	tcase_add_loop_test(t, test_base64_refused, 0, N_REFUSED);
	tcase_add_loop_test(t, test_base64_alphabet, 0, 4);
	tcase_add_test(t, test_base64_too_long);
	suite_add_tcase(s, t);

	return suite_main(s);
}
