/* SPDX-License-Identifier: Apache-2.0 */
/* Connections are counted for each address, and addresses without one are forgotten. */
#include "daemon/origin/origin_peers.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/suite.h"

static struct origin_peers peers;

static struct origin_peer *take(const char *address, uint64_t max)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return origin_peers_take(&peers, (struct sockaddr *)&in, max);
	ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return origin_peers_take(&peers, (struct sockaddr *)&in6, max);
}

START_TEST(each_address_has_its_own)
{
	struct origin_peer *one = take("127.0.0.1", 2), *other = take("::1", 2);

	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_ne(one, other);
	/* The same host, whichever family it comes by. */
	ck_assert_ptr_eq(take("::ffff:127.0.0.1", 2), one);
	ck_assert_uint_eq(one->n, 2);
	ck_assert_ptr_null(take("127.0.0.1", 2));
	origin_peers_leave(&peers, one);
	ck_assert_ptr_eq(take("127.0.0.1", 2), one);
	origin_peers_leave(&peers, one);
	origin_peers_leave(&peers, one);
	origin_peers_leave(&peers, other);
	for (unsigned i = 0; i < ORIGIN_PEERS_BUCKETS; i++)
		ck_assert_ptr_null(peers._buckets[i]);
}
END_TEST

START_TEST(many_addresses)
{
	enum { N = 5000 };
	static struct origin_peer *all[N];
	char text[32];

	for (int i = 0; i < N; i++) {
		(void)snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		all[i] = take(text, 1);
		ck_assert_ptr_nonnull(all[i]);
		ck_assert_ptr_null(take(text, 1));
	}
	for (int i = 0; i < N; i++)
		origin_peers_leave(&peers, all[i]);
	for (unsigned i = 0; i < ORIGIN_PEERS_BUCKETS; i++)
		ck_assert_ptr_null(peers._buckets[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_peers");
	TCase *tcase = tcase_create("origin_peers");

	tcase_add_test(tcase, each_address_has_its_own);
	tcase_add_test(tcase, many_addresses);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
