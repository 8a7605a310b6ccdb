/* SPDX-License-Identifier: Apache-2.0 */
/* Writes reports. A path that cannot be written is detected before the run, by creating the file as
 * it will be created later, since after an hour of load it would be too late. Files are written to
 * a temporary name in the same directory and renamed, so that a reader never sees an incomplete
 * document, and a write that fails leaves the old file. The new file has mode and owner of the old
 * one, a symbolic link stays a link, and what is no regular file is written in place. */
#include "ctl/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/json_path.h"
#include "common/memory.h"
#include "common/std_fds.h"
#include "common/str.h"
#include "ctl/command.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "ctl/options.h"
#include "ctl/print.h"

#define OUTPUT_MODE 0666 /* less the umask */

/* 0 or -errno. */
static int output_write_all(int fd, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int output_write_open(const char *path, int flags, mode_t mode, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, mode);
	int r;

	if (fd == -1)
		return -errno;
	r = output_write_all(fd, text);
	if (close(fd) == -1 && r == 0)
		r = -errno;
	return r;
}

/* The resolved path of an output. */
struct output_place {
	char path[PATH_MAX];   /* symbolic links are followed */
	char beside[PATH_MAX]; /* a name in the same directory */
	struct stat st;
	bool is_there;
	bool in_place; /* a FIFO, a device, a link to nothing: these cannot be replaced by a file */
};

/* The name is unique: it contains the process id, and O_EXCL ensures it. */
static int output_name_beside(struct output_place *p)
{
	static unsigned n;
	const char *slash = strrchr(p->path, '/');
	int dir_len = slash ? (int)(slash - p->path) + 1 : 0;

	if (snprintf(p->beside, sizeof(p->beside), "%.*s.rpsctl.%d-%u.part", dir_len, p->path,
		    (int)getpid(), n++) >= (int)sizeof(p->beside))
		return -ENAMETOOLONG;
	return 0;
}

/* 0 or -errno. */
static int output_find_place(const char *path, struct output_place *ret)
{
	struct stat link;

	*ret = (struct output_place){0};
	if (snprintf(ret->path, sizeof(ret->path), "%s", path) >= (int)sizeof(ret->path))
		return -ENAMETOOLONG;
	if (stat(path, &ret->st) == -1) {
		ret->in_place = lstat(path, &link) == 0;
		return output_name_beside(ret);
	}
	if (S_ISDIR(ret->st.st_mode))
		return -EISDIR;
	/* A rename needs no right to write to the file that it replaces. */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == -1)
		return -errno;
	ret->is_there = true;
	ret->in_place = !S_ISREG(ret->st.st_mode) || !realpath(path, ret->path);
	if (ret->in_place)
		(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return output_name_beside(ret);
}

/* Makes the file beside; it is as the one that it will replace, and until then never open to more
 * users than that one. */
static int output_write_beside(struct output_place *p, const struct buf *text)
{
	int r = output_write_open(
		p->beside, O_EXCL | O_CREAT, p->is_there ? 0600 : OUTPUT_MODE, text);

	if (r == 0 && p->is_there &&
		((p->st.st_uid != geteuid() || p->st.st_gid != getegid()) &&
			chown(p->beside, p->st.st_uid, p->st.st_gid) == -1))
		r = -errno;
	if (r == 0 && p->is_there && chmod(p->beside, p->st.st_mode & 07777) == -1)
		r = -errno;
	if (r && r != -EEXIST)
		(void)unlink(p->beside);
	return r;
}

/* A directory in which nothing new may be made, or a file whose owner a new one cannot have: what
 * is there already may be writable. */
static bool output_is_closed(int r)
{
	return r == -EACCES || r == -EROFS || r == -EPERM;
}

static int output_write_file(const char *path, const struct buf *text)
{
	struct output_place p;
	int r = output_find_place(path, &p);

	if (r)
		return r;
	if (p.in_place)
		return output_write_open(p.path, p.is_there ? O_TRUNC : O_CREAT, OUTPUT_MODE, text);
	r = output_write_beside(&p, text);
	if (output_is_closed(r)) {
		int there = output_write_open(p.path, O_TRUNC, OUTPUT_MODE, text);

		/* That it is not there is no reason. */
		return there == -ENOENT ? r : there;
	}
	if (r == 0 && rename(p.beside, p.path) == -1) {
		r = -errno;
		(void)unlink(p.beside);
	}
	return r;
}

/* ---------------------------------------------------------------- before the run */

/* As above, but nothing is changed. A FIFO is not opened: that would wait for its reader. */
static int output_try_file(const char *path)
{
	const struct buf nothing = {0};
	struct output_place p;
	int r = output_find_place(path, &p);

	if (r || p.in_place)
		return r;
	r = output_write_beside(&p, &nothing);
	if (output_is_closed(r)) {
		int there = output_write_open(p.path, 0, OUTPUT_MODE, &nothing);

		return there == -ENOENT ? r : there;
	}
	if (r == 0)
		(void)unlink(p.beside);
	return r;
}

static bool output_has_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%.*s/.", slash ? (int)(slash - path) : 1,
		slash ? path : ".");
	return access(folder, F_OK) == 0;
}

/* Some file systems have their own files alone, as /proc does, and say that a new one is missing.
 */
static const char *output_error(const char *path, int error)
{
	if (error != -ENOENT)
		return strerror(-error);
	return output_has_folder(path) ? "no file can be made in its folder"
				       : "its folder does not exist";
}

static int output_check_one(const char *path, struct err *reterr)
{
	int r;

	if (!format_for(path)) {
		err_set(reterr, "-o %.300s: the name must end in %s", path, format_endings());
		return EXIT_USAGE;
	}
	r = output_try_file(path);
	if (r)
		err_set(reterr, "-o %.300s: %s", path, output_error(path, r));
	return r ? EXIT_OUTPUT : 0;
}

int output_check(const struct options *o, struct err *reterr)
{
	int r = 0;

	bool has_file = false;

	for (size_t i = 0; i < o->n_outputs && r == 0; i++) {
		if (str_eq(o->outputs[i], "-"))
			continue;
		has_file = true;
		r = output_check_one(o->outputs[i], reterr);
	}
	/* With a file the run is worth its while; that stdout took nothing is said in the end. */
	if (r == 0 && !has_file && !std_fds_can_write(STDOUT_FILENO)) {
		err_set(reterr, "cannot write to stdout: %s (-o FILE writes a file)",
			strerror(EBADF));
		r = EXIT_OUTPUT;
	}
	return r;
}

/* ---------------------------------------------------------------- the report */

/* Whole or not at all: 0 or -errno. */
static int output_render(
	const struct format *format, const json_t *doc, const struct style *style, struct buf *ret)
{
	unsigned long n_failures = memory_failures();
	int r = format->render(doc, style, ret);

	return r == 0 && memory_failures() != n_failures ? -ENOMEM : r;
}

static int output_to_file(const struct options *o, const json_t *doc, const char *path)
{
	const struct format *format = format_for(path);
	const struct style style = {.width = 80, .utf8 = true, .verbose = o->verbose};
	struct buf text = {0};
	int r = format ? output_render(format, doc, &style, &text) : -EINVAL;

	if (r == 0)
		r = output_write_file(path, &text);
	if (r)
		command_complain("cannot write %s: %s%s", path, strerror(-r),
			r == -ENOMEM ? ": " MEMORY_REMEDY : "");
	else if (format == &format_stages_csv && !json_array_size(json_path_at(doc, "stages")))
		print_errf("rpsctl: %s has its header alone: the result has no stages that are "
			   "told apart; -o FILE.csv has a line for each interval\n",
			path);
	buf_fini(&text);
	return r ? EXIT_OUTPUT : 0;
}

static int output_to_stdout(const struct options *o, const json_t *doc)
{
	const struct format *format = o->json ? &format_json : &format_text;
	struct buf text = {0};
	struct style style;
	int r;

	style_of(STDOUT_FILENO, &style);
	style.verbose = o->verbose;
	r = output_render(format, doc, &style, &text);
	if (r == 0)
		print_rendered(stdout, &text);
	buf_fini(&text);
	if (r)
		return command_out_of_memory("the report");
	return 0;
}

int output_report(const struct options *o, const json_t *doc)
{
	int status = output_to_stdout(o, doc);

	for (size_t i = 0; i < o->n_outputs; i++) {
		int r = str_eq(o->outputs[i], "-") ? 0 : output_to_file(o, doc, o->outputs[i]);

		status = status ? status : r;
	}
	return status;
}
