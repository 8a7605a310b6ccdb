/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run, determined by its form alone, so that the result is predictable from the words; only
 * a word with a '/' or ':' that could be both is looked up. */
#include "ctl/start/run_spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"

enum run_spec_kind run_spec_kind(const char *what)
{
	struct in_addr v4;
	struct stat st;

	if (strstr(what, "://") || str_starts(what, "unix:/"))
		return RUN_SPEC_URL;
	if (what[0] == '.' || what[0] == '/' || str_ends(what, ".ini"))
		return RUN_SPEC_PATH;
	if (strpbrk(what, "/:"))
		return stat(what, &st) == 0 && S_ISREG(st.st_mode) ? RUN_SPEC_PATH : RUN_SPEC_URL;
	if (str_eq(what, "localhost") || inet_pton(AF_INET, what, &v4) == 1)
		return RUN_SPEC_URL;
	return RUN_SPEC_NAME;
}

void run_spec_name(const char *path, char ret[static RUN_SPEC_NAME_SIZE])
{
	const char *slash = strrchr(path, '/');
	const char *from = slash ? slash + 1 : path;
	size_t len = strlen(from);

	if (str_ends(from, ".ini"))
		len -= strlen(".ini");
	if (len >= RUN_SPEC_NAME_SIZE)
		len = RUN_SPEC_NAME_SIZE - 1;
	for (size_t i = 0; i < len; i++) {
		bool fits = isalnum((unsigned char)from[i]) || from[i] == '_' ||
			    (i > 0 && (from[i] == '-' || from[i] == '.'));

		ret[i] = fits ? from[i] : '_';
	}
	ret[len] = '\0';
	if (len == 0)
		(void)strcpy(ret, "run");
}
