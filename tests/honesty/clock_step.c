/* SPDX-License-Identifier: Apache-2.0 */
/* A wall clock that is set an hour ahead two seconds after a program began, for LD_PRELOAD.
 * Whether the program has seen it shows in the dates that it prints. */
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#define CLOCK_STEP_AFTER_S 2
#define CLOCK_STEP_S 3600

typedef int clock_step_fn(clockid_t, struct timespec *);

static clock_step_fn *clock_step_real;
static time_t clock_step_begin_s;

__attribute__((constructor)) static void clock_step_init(void)
{
	struct timespec now = {0};

	clock_step_real = (clock_step_fn *)dlsym(RTLD_NEXT, "clock_gettime");
	(void)clock_step_real(CLOCK_MONOTONIC, &now);
	clock_step_begin_s = now.tv_sec;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	struct timespec now;
	int r = clock_step_real(id, ret);

	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) &&
		clock_step_real(CLOCK_MONOTONIC, &now) == 0 &&
		now.tv_sec - clock_step_begin_s >= CLOCK_STEP_AFTER_S)
		ret->tv_sec += CLOCK_STEP_S;
	return r;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;
	int r = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	if (r == 0)
		*ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return r;
}

time_t time(time_t *ret)
{
	struct timespec now;
	time_t seconds = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : (time_t)-1;

	if (ret)
		*ret = seconds;
	return seconds;
}
