/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of cgroups of both versions, from trees of files like the kernel's. */
#include "common/host/host_cgroup.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/host/host.h"
#include "tests/support/suite.h"

#define LEN(x) (int)(sizeof(x) / sizeof((x)[0]))
#define V2 "0::/system.slice/rpsd.service\n"
#define V1 "4:cpu,cpuacct:/docker/01\n3:memory:/docker/01\n1:name=systemd:/docker/01\n"

static char root[64];

static void setup(void)
{
	strcpy(root, "/tmp/test_host_cgroup.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file of the tree, with the folders above it. */
static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *at = path + strlen(root); (at = strchr(at + 1, '/'));) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
	f = fopen(path, "we");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* Up to four files below sys/fs/cgroup. */
struct tree {
	const char *cgroup;
	const char *files[4][2];
};

static void plant(const struct tree *tree)
{
	char name[256];

	put("proc/self/cgroup", tree->cgroup);
	for (int i = 0; i < 4 && tree->files[i][0]; i++) {
		(void)snprintf(name, sizeof(name), "sys/fs/cgroup/%s", tree->files[i][0]);
		put(name, tree->files[i][1]);
	}
}

static const struct {
	struct tree tree;
	double quota;
} quotas[] = {
	{{V2, {{"system.slice/rpsd.service/cpu.max", "150000 100000\n"}}}, 1.5},
	{{V2, {{"system.slice/rpsd.service/cpu.max", "max 100000\n"}}}, 0},
	/* above it, and the least of both */
	{{V2, {{"system.slice/cpu.max", "250000 100000\n"}}}, 2.5},
	{{V2, {{"system.slice/rpsd.service/cpu.max", "400000 100000\n"},
		      {"system.slice/cpu.max", "250000 100000\n"}}},
		2.5},
	/* a container with a cgroup namespace: its own is the mounted one */
	{{"0::/\n", {{"cpu.max", "50000 100000\n"}}}, 0.5},
	/* one without: the path is the host's */
	{{V2, {{"cpu.max", "50000 100000\n"}}}, 0.5},
	{{V1, {{"cpu,cpuacct/docker/01/cpu.cfs_quota_us", "300000\n"},
		      {"cpu,cpuacct/docker/01/cpu.cfs_period_us", "100000\n"}}},
		3},
	{{V1, {{"cpu,cpuacct/docker/01/cpu.cfs_quota_us", "-1\n"},
		      {"cpu,cpuacct/docker/01/cpu.cfs_period_us", "100000\n"},
		      {"cpu,cpuacct/cpu.cfs_quota_us", "75000\n"},
		      {"cpu,cpuacct/cpu.cfs_period_us", "50000\n"}}},
		1.5},
	/* both versions, the controller is in the first */
	{{"4:cpu:/a\n0::/b\n",
		 {{"cpu/a/cpu.cfs_quota_us", "200000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"},
			 {"unified/b/cpu.max", "50000 100000\n"}}},
		2},
	{{V2, {{"system.slice/rpsd.service/cpu.max", "150000 0\n"}}}, 0},
	{{V2, {{"system.slice/rpsd.service/cpu.max", "150000\n"}}}, 0},
	{{V2, {{"system.slice/rpsd.service/cpu.max", "nonsense"}}}, 0},
	{{"nonsense", {{"cpu.max", "50000 100000\n"}}}, 0},
	{{"", {{NULL, NULL}}}, 0},
};

START_TEST(test_quota)
{
	plant(&quotas[_i].tree);
	ck_assert_double_eq(host_cgroup_quota(root), quotas[_i].quota);
}
END_TEST

static const struct {
	struct tree tree;
	uint64_t left;
} memories[] = {
	{{V2, {{"system.slice/rpsd.service/memory.max", "1000000\n"},
		      {"system.slice/rpsd.service/memory.current", "400000\n"}}},
		600000},
	/* what was read from files and not used since is no loss */
	{{V2, {{"system.slice/rpsd.service/memory.max", "1000000\n"},
		      {"system.slice/rpsd.service/memory.current", "900000\n"},
		      {"system.slice/rpsd.service/memory.stat",
			      "anon 5\nfile 800000\ninactive_file 700000\nactive_file 100000\n"}}},
		800000},
	{{V2, {{"system.slice/rpsd.service/memory.max", "max\n"},
		      {"system.slice/rpsd.service/memory.current", "400000\n"}}},
		UINT64_MAX},
	{{"0::/\n", {{"memory.max", "1000000\n"}, {"memory.current", "1000001\n"}}}, 0},
	{{V1, {{"memory/docker/01/memory.limit_in_bytes", "1000000\n"},
		      {"memory/docker/01/memory.usage_in_bytes", "400000\n"},
		      {"memory/docker/01/memory.stat",
			      "inactive_file 7\ntotal_inactive_file 100000\n"}}},
		700000},
	{{V1, {{"memory/memory.limit_in_bytes", "1000000\n"},
		      {"memory/memory.usage_in_bytes", "400000\n"}}},
		600000},
	{{V2, {{NULL, NULL}}}, UINT64_MAX},
};

START_TEST(test_memory)
{
	plant(&memories[_i].tree);
	ck_assert_uint_eq(host_cgroup_memory(root), memories[_i].left);
}
END_TEST

START_TEST(test_throttled)
{
	static const struct tree tree = {
		V2, {{"system.slice/rpsd.service/cpu.stat",
			     "nr_periods 7\nnr_throttled 2\nthrottled_usec 9\n"},
			    {"cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_usec 1\n"}}};
	struct host_counters c;

	host_cgroup_throttled(root, &c);
	ck_assert_int_eq(c.periods, HOST_UNKNOWN);
	plant(&tree);
	host_cgroup_throttled(root, &c);
	ck_assert_int_eq(c.periods, 8);
	ck_assert_int_eq(c.throttled, 3);
	ck_assert_int_eq(c.throttled_ns, 10000);
}
END_TEST

/* The daemon and the doctor ask the same. */
START_TEST(test_this_host)
{
	ck_assert_double_ge(host_quota(), 0);
	ck_assert_uint_ge(host_affinity(), host_cpus());
	ck_assert_uint_gt(host_memory(), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("host_cgroup");
	Suite *suite = suite_create("host_cgroup");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_quota, 0, LEN(quotas));
	tcase_add_loop_test(tcase, test_memory, 0, LEN(memories));
	tcase_add_test(tcase, test_throttled);
	tcase_add_test(tcase, test_this_host);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
