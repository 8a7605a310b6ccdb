/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the kernel's texts. They read the fields they know and skip the rest: kernels add
 * fields and lines all the time. Pure; any thread. */
#include "common/host/host_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The start of the next line, or the end of the text. */
static const char *host_text_next(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

void host_text_ticks(const char *stat, struct host_ticks *ret)
{
	/* user nice system idle iowait irq softirq steal; guest time is in user already */
	uint64_t v[8];

	*ret = (struct host_ticks){0};
	if (sscanf(stat,
		    "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		    " %" SCNu64 " %" SCNu64,
		    &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return;
	for (size_t i = 0; i < 8; i++)
		ret->total += v[i];
	ret->softirq = v[6];
	ret->steal = v[7];
}

static int64_t host_text_number(const char *text)
{
	text += strspn(text, " \t");
	/* strtoll would skip the end of the line. */
	return isdigit((unsigned char)*text) ? strtoll(text, NULL, 10) : HOST_UNKNOWN;
}

/* Is the word of that length at text? */
static bool host_text_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* The line "GROUP: …", from the character after the colon; NULL: there is none. */
static const char *host_text_group(const char *text, const char *group)
{
	size_t len = strlen(group);

	for (; *text; text = host_text_next(text))
		if (strncmp(text, group, len) == 0 && text[len] == ':')
			return text + len + 1;
	return NULL;
}

/* The next word of the line: returns its length, and sets *text to its beginning. */
static size_t host_text_word(const char **text)
{
	*text += strspn(*text, " \t");
	return strcspn(*text, " \t\n");
}

int64_t host_text_figure(const char *text, const char *name)
{
	for (; *text; text = host_text_next(text)) {
		size_t len = strcspn(text, " \n");

		if (text[len] == ' ' && host_text_is(text, len, name))
			return host_text_number(text + len);
	}
	return HOST_UNKNOWN;
}

int64_t host_text_sockstat(const char *text, const char *group, const char *word)
{
	const char *line = host_text_group(text, group);
	size_t len;

	while (line && (len = host_text_word(&line)) > 0) {
		if (host_text_is(line, len, word))
			return host_text_number(line + len);
		line += len;
	}
	return HOST_UNKNOWN;
}

/* ---------------------------------------------------------------- cgroups */

/* Is it one of "cpu,cpuacct"? An empty controller matches an empty list. */
static bool host_text_lists(const char *list, size_t len, const char *controller)
{
	const char *end = list + len;

	if (*controller == '\0')
		return len == 0;
	while (list < end) {
		size_t n = strcspn(list, ",:");

		if (host_text_is(list, n, controller))
			return true;
		list += n + 1;
	}
	return false;
}

/* Lines are "HIERARCHY:CONTROLLERS:PATH". */
bool host_text_cgroup(const char *text, const char *controller, char *ret_list, size_t list_size,
	char *ret_path, size_t path_size)
{
	for (; *text; text = host_text_next(text)) {
		const char *list = text + strcspn(text, ":\n");
		const char *path;
		size_t len;

		if (*list != ':')
			continue;
		len = strcspn(++list, ":\n");
		path = list + len;
		if (*path != ':' || !host_text_lists(list, len, controller))
			continue;
		path++;
		if (len >= list_size || strcspn(path, "\n") >= path_size)
			return false;
		(void)snprintf(ret_list, list_size, "%.*s", (int)len, list);
		(void)snprintf(ret_path, path_size, "%.*s", (int)strcspn(path, "\n"), path);
		return true;
	}
	return false;
}

static void host_text_add(int64_t *to, int64_t figure)
{
	if (figure >= 0)
		*to = (*to < 0 ? 0 : *to) + figure;
}

void host_text_add_throttled(const char *cpu_stat, struct host_counters *counters)
{
	int64_t ns = host_text_figure(cpu_stat, "throttled_time");
	int64_t us = host_text_figure(cpu_stat, "throttled_usec");

	if (ns < 0 && us >= 0 && us <= INT64_MAX / 1000)
		ns = us * 1000;
	host_text_add(&counters->periods, host_text_figure(cpu_stat, "nr_periods"));
	host_text_add(&counters->throttled, host_text_figure(cpu_stat, "nr_throttled"));
	host_text_add(&counters->throttled_ns, ns);
}

double host_text_quota(const char *quota, const char *period)
{
	int64_t us = host_text_number(quota), of_us = host_text_number(period);

	return us > 0 && of_us > 0 ? (double)us / (double)of_us : 0;
}

/* ---------------------------------------------------------------- memory */

uint64_t host_text_memory_left(const char *max, const char *used, const char *stat)
{
	int64_t limit = host_text_number(max), in_use = host_text_number(used);
	/* In version 1 total_inactive_file includes the cgroups below this one, as in_use does. */
	int64_t idle = host_text_figure(stat, "total_inactive_file");

	if (limit < 0 || in_use < 0)
		return UINT64_MAX;
	if (idle < 0)
		idle = host_text_figure(stat, "inactive_file");
	if (idle > 0)
		in_use = idle < in_use ? in_use - idle : 0;
	return limit > in_use ? (uint64_t)(limit - in_use) : 0;
}

uint64_t host_text_available(const char *meminfo)
{
	const char *line = host_text_group(meminfo, "MemAvailable");
	int64_t kib = line ? host_text_number(line) : HOST_UNKNOWN;

	return kib >= 0 && kib < INT64_MAX / 1024 ? (uint64_t)kib * 1024 : UINT64_MAX;
}

/* ---------------------------------------------------------------- the clock */

/* Hyper-V's page and the clocks of some architectures are read without a system call like tsc: a
 * shorter list would warn on every machine of a large provider. */
bool host_text_is_slow_clock(const char *source, int64_t read_ns)
{
	static const char *const fast[] = {"tsc", "kvm-clock", "arch_sys_counter",
		"hyperv_clocksource_tsc_page", "riscv_clocksource", "timebase", "tod"};

	if (read_ns > HOST_CLOCK_MAX_NS)
		return true;
	if (!*source || strcmp(source, "unknown") == 0)
		return false;
	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++)
		if (strcmp(source, fast[i]) == 0)
			return false;
	return true;
}
