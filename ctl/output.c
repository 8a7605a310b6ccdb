/* SPDX-License-Identifier: Apache-2.0 */
/* Where a report goes. A path that cannot be written is found out before the run, by making the
 * file as it will be made, since a result that cannot be kept is found out too late after an hour
 * of load. Files are written beside their place and renamed, so that a reader never meets half a
 * document. */
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "ctl/cmd.h"
#include "ctl/format.h"
#include "ctl/look.h"

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

static int output_write_open(const char *path, int flags, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
	int r;

	if (fd == -1)
		return -errno;
	r = output_write_all(fd, text);
	if (close(fd) == -1 && r == 0)
		r = -errno;
	return r;
}

static int output_write_beside(
	const char *path, const struct buf *text, char beside[static PATH_MAX])
{
	if (snprintf(beside, PATH_MAX, "%s.%d.part", path, (int)getpid()) >= PATH_MAX)
		return -ENAMETOOLONG;
	return output_write_open(beside, O_EXCL | O_CREAT, text);
}

/* A directory in which nothing new may be made: what is there already may be writable. */
static bool output_is_closed(int r)
{
	return r == -EACCES || r == -EROFS || r == -EPERM;
}

static int output_write_file(const char *path, const struct buf *text)
{
	char beside[PATH_MAX];
	int r = output_write_beside(path, text, beside);

	if (output_is_closed(r)) {
		int there = output_write_open(path, O_TRUNC, text);

		/* That it is not there is no reason. */
		return there == -ENOENT ? r : there;
	}
	if (r == 0 && rename(beside, path) == -1)
		r = -errno;
	if (r && r != -ENAMETOOLONG)
		(void)unlink(beside);
	return r;
}

/* ---------------------------------------------------------------- before the run */

/* As above, but nothing is changed. */
static int output_try_file(const char *path)
{
	const struct buf nothing = {0};
	char beside[PATH_MAX];
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	r = output_write_beside(path, &nothing, beside);
	if (output_is_closed(r)) {
		int there = output_write_open(path, 0, &nothing);

		return there == -ENOENT ? r : there;
	}
	if (r == 0)
		(void)unlink(beside);
	return r;
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
		err_set(reterr, "-o %.300s: %s", path, strerror(-r));
	return r ? EXIT_OUTPUT : 0;
}

int output_check(const struct options *o, struct err *reterr)
{
	int r = 0;

	for (size_t i = 0; i < o->n_outputs && r == 0; i++) {
		if (!str_eq(o->outputs[i], "-"))
			r = output_check_one(o->outputs[i], reterr);
	}
	return r;
}

/* ---------------------------------------------------------------- the report */

static int output_to_file(const struct options *o, const json_t *doc, const char *path)
{
	const struct format *format = format_for(path);
	const struct look look = {.width = 80, .utf8 = true, .verbose = o->verbose};
	struct buf text = {0};
	int r = format ? format->render(doc, &look, &text) : -EINVAL;

	if (r == 0)
		r = output_write_file(path, &text);
	if (r)
		command_complain("cannot write %s: %s", path, strerror(-r));
	buf_fini(&text);
	return r ? EXIT_OUTPUT : 0;
}

static int output_to_stdout(const struct options *o, const json_t *doc)
{
	const struct format *format = o->json ? &format_json : &format_text;
	struct buf text = {0};
	struct look look;
	int r;

	look_at(STDOUT_FILENO, &look);
	look.verbose = o->verbose;
	r = format->render(doc, &look, &text);
	if (r == 0 && text.len)
		(void)fwrite(text.data, 1, text.len, stdout);
	buf_fini(&text);
	if (r)
		command_complain("cannot render the report: %s", strerror(-r));
	return r ? EXIT_NO_DAEMON : 0;
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
