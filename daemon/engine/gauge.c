/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's accounting of a thread, read by that thread. If /proc is missing (a chroot, a
 * sandbox) or the kernel keeps no accounts, the figures are unknown, which is not the same as 0.
 * The file is opened for each reading, so that a run needs no descriptor for it. */
#include "daemon/engine/gauge.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"

/* A virtual machine that is left alone wakes a thread this late. */
#define GAUGE_STOP_NS (6 * NSEC_PER_MSEC)

int64_t gauge_parse_run_queue(const char *schedstat)
{
	uint64_t cpu_ns, wait_ns, n_slices;

	if (sscanf(schedstat, "%" SCNu64 " %" SCNu64 " %" SCNu64, &cpu_ns, &wait_ns, &n_slices) !=
			3 ||
		wait_ns > INT64_MAX)
		return -1;
	/* The calling thread has run: if all figures are zero, the kernel does not count. */
	return cpu_ns == 0 && n_slices == 0 ? -1 : (int64_t)wait_ns;
}

int64_t gauge_run_queue_ns(void)
{
	char text[128];
	ssize_t n = -1;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return gauge_parse_run_queue(text);
}

/* CPU time that fits before the instant of the beat made nothing late. The stop began at some
 * instant between the beat before and this one's, in the middle on average. */
int64_t gauge_stopped_ns(const struct gauge_beat *beat, int64_t interval_ns)
{
	int64_t busy_ns = beat->cpu_ns > interval_ns ? beat->cpu_ns - interval_ns : 0;
	int64_t ns = beat->late_ns - busy_ns - beat->run_queue_ns;

	return ns > GAUGE_STOP_NS ? ns + interval_ns / 2 : 0;
}

void gauge_read(struct gauge *ret)
{
	struct rusage usage;

	*ret = (struct gauge){.run_queue_ns = gauge_run_queue_ns(), .involuntary = -1};
	if (getrusage(RUSAGE_THREAD, &usage) == 0)
		ret->involuntary = usage.ru_nivcsw;
}
