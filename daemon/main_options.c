/* SPDX-License-Identifier: Apache-2.0 */
/* rpsd's options, and their requirements. Descriptors that are passed by number are checked before
 * they are used. */
#include "daemon/main_options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/exit_codes.h"
#include "common/version.h"

static const char main_help[] =
	"Usage: rpsd [OPTION...]\n"
	"Sends HTTP requests to services at planned rates; rpsctl steers it.\n"
	"\n"
	"  --config FILE       instead of " MAIN_CONFIG "\n"
	"  --check             check the configuration and exit\n"
	"  --socket PATH       listen there alone, where systemd hands over no socket\n"
	"  --private           serve only --control-fd, end with it\n"
	"  --control-fd N      a connected socket whose peer is admin (repeatable)\n"
	"  --content-fd N      a sealed memfd with files of the runs that are started\n"
	"  --version, --help\n"
	"\n"
	"By hand, also without root:  rpsd --socket ~/rpsd.socket\n"
	"                             rpsctl status --socket ~/rpsd.socket\n"
	"As root, where systemd runs: systemctl start rpsd.socket\n";

static int main_usage(const char *what, const char *why)
{
	(void)fprintf(stderr, "rpsd: %s %s\nTry 'rpsd --help'.\n", what, why);
	return EXIT_USAGE;
}

static int main_parse_fd(const char *text, int *ret)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || end == text || *end || fd < 3 || fd > 1000000)
		return -EINVAL;
	*ret = (int)fd;
	return 0;
}

static int main_add_control_fd(struct main_options *o, const char *text)
{
	struct stat st;
	int fd;

	if (main_parse_fd(text, &fd) < 0 || fstat(fd, &st) == -1 || !S_ISSOCK(st.st_mode))
		return main_usage("--control-fd", "needs the number of an open socket");
	if (o->n_control_fds == MAIN_CONTROL_FDS_MAX)
		return main_usage("--control-fd", "is given too often");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	o->control_fds[o->n_control_fds++] = fd;
	return 0;
}

static int main_set_content_fd(struct main_options *o, const char *text)
{
	int fd, seals;

	if (main_parse_fd(text, &fd) < 0)
		return main_usage("--content-fd", "needs the number of an open descriptor");
	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_WRITE))
		return main_usage("--content-fd", "needs a sealed memfd");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	o->content_fd = fd;
	return 0;
}

static int main_check_options(const struct main_options *o)
{
	if (o->is_private && o->n_control_fds == 0 && !o->check)
		return main_usage("--private", "needs --control-fd");
	if (!o->is_private && o->content_fd > 0)
		return main_usage("--content-fd", "needs --private");
	if (!o->is_private && o->n_control_fds > 0)
		return main_usage("--control-fd", "needs --private");
	if (o->is_private && o->socket)
		return main_usage("--socket", "and --private exclude each other");
	return 0;
}

int main_parse(int argc, char **argv, struct main_options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"socket", required_argument, NULL, 's'},
		{"private", no_argument, NULL, 'p'},
		{"control-fd", required_argument, NULL, 'f'},
		{"content-fd", required_argument, NULL, 'F'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int r = 0;
	int c;

	while (r == 0 && (c = getopt_long(argc, argv, "hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'p':
			o->is_private = true;
			break;
		case 'f':
			r = main_add_control_fd(o, optarg);
			break;
		case 'F':
			r = main_set_content_fd(o, optarg);
			break;
		case 'V':
			(void)printf("rpsd %s\n", RPSD_VERSION);
			return -1;
		case 'h':
			(void)fputs(main_help, stdout);
			return -1;
		default:
			(void)fputs("Try 'rpsd --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (r == 0 && optind < argc)
		r = main_usage(argv[optind], "is not understood: rpsd takes only options");
	return r ? r : main_check_options(o);
}
