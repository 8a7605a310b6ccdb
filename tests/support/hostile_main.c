/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile server as a program, for tests that are scripts:
 *
 *	hostile [--tls 1.2|1.3] [--who good|expired|wrong-host|unknown] [--ca FILE]
 *		[--limit TIME] SCRIPT
 *
 * Prints where it listens; at SIGTERM, or after a minute, how many connections it has accepted and
 * how many whole requests it has read. --ca: the authority's certificate goes to that file. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/units.h"
#include "tests/support/hostile.h"

#define HOSTILE_LIFE_S 60

static const char *const hostile_whos[MINI_TLS_WHO_COUNT] = {
	[MINI_TLS_GOOD] = "good",
	[MINI_TLS_EXPIRED] = "expired",
	[MINI_TLS_WRONG_HOST] = "wrong-host",
	[MINI_TLS_UNKNOWN] = "unknown",
};

static int hostile_usage(void)
{
	(void)fprintf(stderr,
		"usage: hostile [--tls 1.2|1.3] [--who good|expired|wrong-host|unknown]\n"
		"               [--ca FILE] [--limit TIME] SCRIPT\n");
	return 64;
}

static int hostile_option(struct hostile_config *config, const char **ret_ca, int option)
{
	switch (option) {
	case 't':
		config->tls_version = strcmp(optarg, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
		return 0;
	case 'w':
		for (config->who = 0; config->who < MINI_TLS_WHO_COUNT; config->who++)
			if (strcmp(optarg, hostile_whos[config->who]) == 0)
				return 0;
		return -EINVAL;
	case 'c':
		*ret_ca = optarg;
		return 0;
	case 'l':
		return units_parse_time(optarg, &config->limit_ns);
	default:
		return -EINVAL;
	}
}

static int hostile_write_ca(const struct hostile *h, const char *path)
{
	FILE *f = fopen(path, "w");
	bool is_written = f && h->tls.ca_pem && fputs(h->tls.ca_pem, f) >= 0;

	if (f && fclose(f) != 0)
		is_written = false;
	return is_written ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"tls", required_argument, NULL, 't'},
		{"who", required_argument, NULL, 'w'}, {"ca", required_argument, NULL, 'c'},
		{"limit", required_argument, NULL, 'l'}, {0}};
	struct timespec life = {.tv_sec = HOSTILE_LIFE_S};
	struct hostile_config config = {0};
	const char *ca = NULL;
	struct err err = {0};
	struct hostile h;
	sigset_t ends;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (hostile_option(&config, &ca, option) != 0)
			return hostile_usage();
	if (optind != argc - 1)
		return hostile_usage();
	/* Before there are threads: they inherit it. */
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
	config.script = argv[optind];
	if (hostile_open(&h, &config, &err) < 0 || (ca && hostile_write_ca(&h, ca) < 0)) {
		(void)fprintf(stderr, "hostile: %s\n", err.text[0] ? err.text : ca);
		return 1;
	}
	(void)printf("listening on 127.0.0.1:%u\n", ntohs(h.server.address.sin_port));
	(void)fflush(stdout);
	while (sigtimedwait(&ends, NULL, &life) == -1 && errno == EINTR)
		;
	(void)printf("connections %u\nrequests %u\n", mini_server_connections(&h.server),
		mini_server_requests(&h.server));
	hostile_close(&h);
	return 0;
}
