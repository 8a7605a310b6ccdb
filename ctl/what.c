/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run, determined by its form alone, so that the result is predictable from the words; only
 * a word with a '/' or ':' that could be both is looked up. */
#include "ctl/what.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"

enum what_kind what_judge(const char *what)
{
	struct in_addr v4;
	struct stat st;

	if (strstr(what, "://") || str_starts(what, "unix:/"))
		return WHAT_URL;
	if (what[0] == '.' || what[0] == '/' || str_ends(what, ".ini"))
		return WHAT_PATH;
	if (strpbrk(what, "/:"))
		return stat(what, &st) == 0 && S_ISREG(st.st_mode) ? WHAT_PATH : WHAT_URL;
	if (str_eq(what, "localhost") || inet_pton(AF_INET, what, &v4) == 1)
		return WHAT_URL;
	return WHAT_NAME;
}

void what_name(const char *path, char ret[static WHAT_NAME_SIZE])
{
	const char *slash = strrchr(path, '/');
	const char *from = slash ? slash + 1 : path;
	size_t len = strlen(from);

	if (str_ends(from, ".ini"))
		len -= strlen(".ini");
	if (len >= WHAT_NAME_SIZE)
		len = WHAT_NAME_SIZE - 1;
	for (size_t i = 0; i < len; i++) {
		bool fits = isalnum((unsigned char)from[i]) || from[i] == '_' ||
			    (i > 0 && (from[i] == '-' || from[i] == '.'));

		ret[i] = fits ? from[i] : '_';
	}
	ret[len] = '\0';
	if (len == 0)
		(void)strcpy(ret, "run");
}
