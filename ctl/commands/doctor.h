/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this host is fit to generate load: facts, and what is said about them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/host/host.h"
#include "ctl/socket_access.h"

struct buf;
struct options;

#define DOCTOR_TEXT_SIZE 128
#define DOCTOR_PATH_SIZE 4096

struct doctor_socket {
	const char *path;
	int error;		     /* of connect(): 0, ENOENT, EACCES, … */
	struct socket_access access; /* of one that may not be used */
};

/* Unknown figures are 0, or as stated. */
struct doctor_facts {
	uint64_t fd_hard;
	struct host_ports ports;
	int64_t somaxconn;
	unsigned cpus;
	double quota; /* of the cgroup, in CPUs; 0: none */
	struct host_clock clock;
	int64_t late_p50_ns; /* -1: not measured */
	int64_t late_p99_ns;
	double steal_share; /* since boot; -1: not known */

	char rpsd_path[DOCTOR_PATH_SIZE];
	char rpsd_version[DOCTOR_TEXT_SIZE]; /* "": it does not run */
	struct doctor_socket control;
	struct doctor_socket observe;
	char service_version[DOCTOR_TEXT_SIZE];
	bool has_group;
	bool is_member; /* of group rpsd, or root */
	char user[DOCTOR_TEXT_SIZE];
};

/* Asks the host; takes a little more than a second. */
void doctor_gather(struct doctor_facts *ret, const struct options *o);

/* One line for each fact, with what to do where it is a warning. Pure. Returns 0 or -ENOMEM. */
int doctor_judge(const struct doctor_facts *f, struct buf *ret, unsigned *ret_warnings);
