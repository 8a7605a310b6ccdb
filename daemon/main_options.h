/* SPDX-License-Identifier: Apache-2.0 */
/* rpsd's command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MAIN_CONFIG RPSD_SYSCONFDIR "/rpsd/rpsd.conf"
#define MAIN_CONTROL_FDS_MAX 16

struct main_options {
	const char *config; /* NULL: the usual place */
	const char *socket; /* NULL: as configured */
	bool check;
	bool is_private;
	int control_fds[MAIN_CONTROL_FDS_MAX];
	size_t n_control_fds;
	int content_fd; /* 0: not given */
};

/* 0: continue; else the exit status, or -1: exit successfully. */
int main_parse(int argc, char **argv, struct main_options *o);
