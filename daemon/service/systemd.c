/* SPDX-License-Identifier: Apache-2.0 */
/* The interface to systemd. The environment tells whether there is anything to do ($LISTEN_FDS,
 * $NOTIFY_SOCKET, $WATCHDOG_USEC); libsystemd reads it and does nothing when it is not set, so
 * there is no mode to choose.
 *
 * The watchdog is fed from the main loop only: it shows that control calls are answered. Workers
 * are checked by the audit. */
#include "daemon/service/systemd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/loop/loop.h"

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

/* Keeps those of the n descriptors from SD_LISTEN_FDS_START on that are listening stream sockets;
 * the others, which the unit should not have passed, are closed. */
static int systemd_keep_sockets(char **names, int n, struct systemd_socket **ret, size_t *ret_n)
{
	struct systemd_socket *sockets = calloc((size_t)n, sizeof(*sockets));
	size_t n_kept = 0;

	if (!sockets)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
			(void)close(fd);
			continue;
		}
		sockets[n_kept].fd = fd;
		sockets[n_kept].name = strdup(names && names[i] ? names[i] : "");
		if (!sockets[n_kept++].name) {
			systemd_free_sockets(sockets, n_kept);
			return -ENOMEM;
		}
	}
	*ret = sockets;
	*ret_n = n_kept;
	return 0;
}

int systemd_take_sockets(struct systemd_socket **ret, size_t *ret_n)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int r = 0;

	*ret = NULL;
	*ret_n = 0;
	if (n < 0)
		return n;
	if (n > 0)
		r = systemd_keep_sockets(names, n, ret, ret_n);
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
	return r;
}

static void systemd_send(const char *text)
{
	(void)sd_notify(0, text); /* a failure cannot be reported to systemd either */
}

static int64_t systemd_watchdog_ns(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(1, &usec) <= 0 || usec > INT64_MAX / 1000)
		return 0;
	return (int64_t)usec * NSEC_PER_USEC;
}

#else

int systemd_take_sockets(struct systemd_socket **ret, size_t *ret_n)
{
	*ret = NULL;
	*ret_n = 0;
	return 0;
}

static void systemd_send(const char *text)
{
	(void)text;
}

static int64_t systemd_watchdog_ns(void)
{
	return 0;
}

#endif

void systemd_free_sockets(struct systemd_socket *sockets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(sockets[i].name);
	free(sockets);
}

void systemd_notify(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	systemd_send(text);
}

static void systemd_watchdog_on_expired(struct timer_queue *queue, struct timer *timer)
{
	struct systemd_watchdog *w = queue->userdata;

	systemd_send("WATCHDOG=1");
	timer_start(queue, timer, clock_now_ns() + w->interval_ns);
}

void systemd_watchdog_start(struct systemd_watchdog *w, struct loop *loop)
{
	w->interval_ns = systemd_watchdog_ns() / 2;
	timer_queue_init(&w->_queue, loop, systemd_watchdog_on_expired, w);
	timer_init(&w->_timer);
	if (w->interval_ns > 0)
		timer_start(&w->_queue, &w->_timer, clock_now_ns() + w->interval_ns);
}

void systemd_watchdog_stop(struct systemd_watchdog *w)
{
	timer_stop(&w->_timer);
	timer_queue_fini(&w->_queue);
}
