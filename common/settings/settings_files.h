/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the daemon's settings come from. */
#pragma once

#include <stdbool.h>

struct ini_doc;
struct problems;

/* rpsd.conf, then every *.conf of its directory rpsd.conf.d in the order of file names. A missing
 * path that was not asked for by name is fine. 0, -errno with a problem added. */
int settings_files_read(
	const char *path, bool must_exist, struct ini_doc *doc, struct problems *problems);
