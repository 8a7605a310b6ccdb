/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a path without following symbolic links, so that a path in a list of allowed sockets names
 * exactly the socket that is connected to. */
#pragma once

/* path must be absolute. Returns a descriptor of O_PATH, to be closed by the caller, or -errno:
 * -ELOOP where any component of path is a symbolic link. */
int unix_path_open(const char *path);
