/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over C strings. Character classes are ASCII's, whatever the locale says: names of
 * runs become file names and protocol fields, and must mean the same on every host. No state. */
#include "common/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/buf.h"

#define STR_NAME_MAX 64
#define STR_NEAREST_MAX 64 /* longer words are not compared */
#define STR_READ_SIZE 65536

char *str_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return NULL;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t text_len = strlen(text), suffix_len = strlen(suffix);

	return text_len >= suffix_len && str_eq(text + text_len - suffix_len, suffix);
}

static char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t str_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters were mistyped: inserted, left out, replaced, or swapped with the next one
 * (optimal string alignment). Letter case is ignored; both at most STR_NEAREST_MAX long. */
static size_t str_distance(const char *a, const char *b)
{
	size_t rows[3][STR_NEAREST_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			char x = str_lower(a[i - 1]), y = str_lower(b[j - 1]);

			row[j] = str_least(
				str_least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == str_lower(b[j - 2]) && y == str_lower(a[i - 2]))
				row[j] = str_least(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

/* In a short word two other letters make another word: "slo" is not "set". */
static size_t str_nearest_limit(size_t len)
{
	return len < 2 ? 0 : len < 6 ? 1 : 2;
}

const char *str_nearest(const char *text, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	size_t len = strlen(text), least = str_nearest_limit(len) + 1;

	if (len > STR_NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t distance;

		if (strlen(words[i]) > STR_NEAREST_MAX)
			continue;
		distance = str_distance(text, words[i]);
		if (distance < least) {
			least = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

bool str_is_name(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-.";
	size_t len = strspn(text, chars);

	return len >= 1 && len <= STR_NAME_MAX && text[len] == '\0' && text[0] != '.' &&
	       text[0] != '-';
}

void str_cut(char *ret, size_t size, const char *text, size_t len)
{
	static const char mark[] = "...";
	const char *end = "";

	if (len >= size) {
		len = size - sizeof(mark);
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		end = mark;
	}
	memcpy(ret, text, len);
	memcpy(ret + len, end, strlen(end) + 1);
}

size_t str_utf8_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

size_t str_harmless_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = str_utf8_len(text);

	if (len == 1)
		return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
	if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return 0;
	/* U+202A to U+202E, U+2066 to U+2069. */
	if (len == 3 && s[0] == 0xe2 &&
		((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
			(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
		return 0;
	return len;
}

/* Sizes are not asked for beforehand: pipes and files in /proc have none. */
static int str_read_fd(int fd, size_t max, struct buf *b)
{
	for (;;) {
		ssize_t n;
		int r = buf_reserve(b, STR_READ_SIZE);

		if (r < 0)
			return r;
		n = read(fd, b->data + b->len, STR_READ_SIZE);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		if (b->len > max)
			return -EFBIG;
	}
}

/* Takes fd over, or an error in its place. */
static int str_read_open(int fd, size_t max, char **ret, size_t *ret_len)
{
	struct buf b = {0};
	int r;

	if (fd < 0)
		return fd;
	r = str_read_fd(fd, max, &b);
	(void)close(fd);
	if (r < 0) {
		buf_fini(&b);
		return r;
	}
	*ret = b.data;
	*ret_len = b.len;
	return 0;
}

/* /dev/null is the empty file: a drop-in that is a link to it is switched off. */
static int str_check_regular(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3))
		return 0;
	return S_ISREG(st->st_mode) ? 0 : -EOPNOTSUPP;
}

/* Looked at before, since to open a device may set something going, and after, since the name may
 * have come to mean another file. */
int str_open_file(const char *path)
{
	struct stat st;
	int fd, r;

	r = stat(path, &st) == -1 ? -errno : str_check_regular(&st);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -errno;
	r = fstat(fd, &st) == -1 ? -errno : str_check_regular(&st);
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

int str_read_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
	return str_read_open(str_open_file(path), max, ret, ret_len);
}

int str_read_stream(const char *path, size_t max, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return str_read_open(fd == -1 ? -errno : fd, max, ret, ret_len);
}

/* EAGAIN comes of a regular file that is none: /proc/kmsg. */
const char *str_file_error(int error)
{
	if (error == -EOPNOTSUPP || error == -EAGAIN)
		return "not a regular file";
	return strerror(-error);
}
