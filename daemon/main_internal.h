/* SPDX-License-Identifier: Apache-2.0 */
/* The internal interface between the parts of rpsd's main program: main.c has its life cycle,
 * main_open.c builds and frees the server, main_options.c has the command line. */
#pragma once

#include "common/guard.h"
#include "common/config/ini.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "daemon/main_options.h"
#include "daemon/service/control.h"
#include "daemon/service/control_socket.h"
#include "daemon/service/systemd.h"

struct err;

struct daemon {
	struct main_options options;
	struct ini_doc doc;
	struct settings *settings;
	char *state_dir;
	struct systemd_socket *sockets;
	size_t n_sockets;
	struct loop *loop;
	struct loop_task signals;
	bool has_signals;
	struct timer_queue ends; /* both timers below */
	struct timer drain;
	struct timer linger;
	struct origin **origins;
	size_t n_origins;
	struct guard guard;
	struct registry *registry;
	struct methods *methods;
	struct control *control;
	struct control_closer owner; /* the first --control-fd */
	/* Of its own, where none is passed; the descriptors until the control listens on them. */
	struct control_socket socket;
	struct control_socket observe;
	int socket_fd;
	int observe_fd;
	struct systemd_watchdog watchdog;
	bool has_watchdog;
	bool stopping;
	bool is_orphan; /* the owner has closed: no client will fetch a report */
};

/* ---- main.c */

int main_open_loop(struct daemon *d);
void main_on_finished(void *arg); /* a run */
void main_on_empty(void *arg);	  /* no client is left */
void main_on_owner_gone(struct control_closer *closer);

/* ---- main_open.c */

/* 0 or -errno with reterr, perhaps empty. */
int main_open(struct daemon *d, struct err *reterr);
/* Also frees an incomplete daemon. */
void main_close(struct daemon *d);
