/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of the control protocol: io.rpsd.Control over the registry of runs, and
 * org.varlink.service, which every Varlink client asks first. common/control/rpsd.varlink is their
 * contract. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/service/control.h"

struct ini_doc;
struct methods;
struct origin;
struct registry;
struct settings;

struct methods_config { /* all members are borrowed */
	struct registry *registry;
	const struct settings *settings;
	const struct ini_doc *doc; /* the source of the settings, for Show */
	struct origin *const *origins;
	size_t n_origins;
	const char *runs_dir; /* of named runs */
	bool is_private;
	int content_fd; /* a sealed memfd, which methods_new takes over when it succeeds; 0: none */
};

/* For control_config: table, size, and the userdata that the functions expect. */
extern const struct control_method methods_table[];
extern const size_t methods_n;

/* 0 or -errno. */
int methods_new(const struct methods_config *config, struct methods **ret);
/* After control_free, and when every run has finished. NULL is fine; returns NULL. */
struct methods *methods_free(struct methods *m);

/* The daemon is about to end: Start is refused from now on. */
void methods_stop_starting(struct methods *m);
