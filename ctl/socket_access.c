/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that systemd makes is that of group rpsd; one of a service that was started by hand has
 * the owner and the group of who started it, and group rpsd may not even exist. */
#include "ctl/socket_access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"

#define SOCKET_GROUP "rpsd"
#define SOCKET_FOLDER "/run/rpsd/" /* of the sockets that systemd listens on */

static void socket_access_fill(const struct stat *st, struct socket_access *a)
{
	const struct passwd *user = getpwuid(st->st_uid);
	const struct group *group = getgrgid(st->st_gid);

	a->mode = st->st_mode & 07777;
	if (user)
		(void)snprintf(a->owner, sizeof(a->owner), "%s", user->pw_name);
	else
		(void)snprintf(a->owner, sizeof(a->owner), "uid %u", st->st_uid);
	if (group)
		(void)snprintf(a->group, sizeof(a->group), "%s", group->gr_name);
	else
		(void)snprintf(a->group, sizeof(a->group), "gid %u", st->st_gid);
}

void socket_access_read(const char *path, struct socket_access *ret)
{
	struct socket_access *a = ret;
	struct stat st;
	char *slash;

	*a = (struct socket_access){.mode = 0};
	(void)snprintf(a->path, sizeof(a->path), "%s", path);
	/* The last folder that can be seen is the one that cannot be entered. */
	while (stat(a->path, &st) == -1) {
		slash = strrchr(a->path, '/');
		if ((errno != EACCES && errno != EPERM) || !slash || slash == a->path) {
			(void)snprintf(a->path, sizeof(a->path), "%s", path);
			a->is_folder = false;
			return;
		}
		*slash = '\0';
		a->is_folder = true;
	}
	socket_access_fill(&st, a);
}

bool socket_access_is_by_group(const struct socket_access *a)
{
	if (a->is_folder)
		return false;
	return *a->group ? str_eq(a->group, SOCKET_GROUP) : str_starts(a->path, SOCKET_FOLDER);
}

void socket_access_tell(const struct socket_access *a, char *ret, size_t size)
{
	bool has_group = a->mode & S_IWGRP;

	if (socket_access_is_by_group(a))
		(void)snprintf(ret, size,
			"you are not in group " SOCKET_GROUP
			" (%s): as root usermod -aG " SOCKET_GROUP " USER, and log in again",
			a->path);
	else if (!*a->owner)
		(void)snprintf(ret, size, "you may not use its socket (%s)", a->path);
	else if (a->is_folder)
		(void)snprintf(ret, size,
			"you may not enter the folder of its socket (%s, %s:%s %04o): rpsctl as "
			"%s; or rpsd --socket in a folder that you may enter",
			a->path, a->owner, a->group, a->mode, a->owner);
	else if (has_group && !str_eq(a->group, "root"))
		(void)snprintf(ret, size,
			"you may not use its socket (%s, %s:%s %04o): rpsctl as %s, or as a member "
			"of group %s",
			a->path, a->owner, a->group, a->mode, a->owner, a->group);
	else
		(void)snprintf(ret, size,
			"you may not use its socket (%s, %s:%s %04o): rpsctl as %s; or a group of "
			"yours: chgrp GROUP %s%s%s",
			a->path, a->owner, a->group, a->mode, a->owner, a->path,
			has_group ? "" : ", chmod g+w ", has_group ? "" : a->path);
}
