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

void gauge_read(struct gauge *ret)
{
	struct rusage usage;
	char text[128];
	ssize_t n = -1;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	*ret = (struct gauge){.run_queue_ns = -1, .involuntary = -1};
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	if (n > 0) {
		text[n] = '\0';
		ret->run_queue_ns = gauge_parse_run_queue(text);
	}
	if (getrusage(RUSAGE_THREAD, &usage) == 0)
		ret->involuntary = usage.ru_nivcsw;
}
