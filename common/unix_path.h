/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a path names without following symbolic links, so that a path that a list allows is
 * the very socket that is connected to. */
#pragma once

/* path: from the root. A descriptor of O_PATH, to be closed, or -errno: -ELOOP where any part of
 * path is a symbolic link. */
int unix_path_open(const char *path);
