/* SPDX-License-Identifier: Apache-2.0 */
/* Rates the properties of a host for generating load. There is one function for each line, in this
 * order: limits of connections, limits of the CPU, the quality of the clock, and whether the
 * programs find each other. The limits are those of the audit, if it has one; the others are where
 * runs of ordinary size begin to be affected. A missing service is no warning: URLs and paths run
 * without one. */
#include "ctl/commands/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/figure.h"
#include "common/host/host_text.h"
#include "common/str.h"
#include "common/version.h"
#include "ctl/client.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define DOCTOR_INDENT 21u /* "  warn  descriptors  " */
#define DOCTOR_FDS_MIN 10000u
#define DOCTOR_PORTS_MIN 20000
#define DOCTOR_TIME_WAIT_S 60
#define DOCTOR_SOMAXCONN_MIN 1024
#define DOCTOR_LATE_MAX_NS NSEC_PER_MSEC
#define DOCTOR_STEAL_MAX 0.05

struct doctor {
	const struct doctor_facts *f;
	struct report report;
	unsigned warnings;
};

static void doctor_say(struct doctor *d, bool is_ok, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void doctor_say(struct doctor *d, bool is_ok, const char *name, const char *format, ...)
{
	char text[DOCTOR_PATH_SIZE + 256];
	char label[96];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)snprintf(label, sizeof(label), "  %s%-4s" STYLE_PLAIN "  %-13s",
		is_ok ? STYLE_GOOD : STYLE_WARN, is_ok ? "ok" : "warn", name);
	report_wrapped(&d->report, label, DOCTOR_INDENT, text);
	d->warnings += !is_ok;
}

static void doctor_try(struct doctor *d, const char *remedy)
{
	report_wrapped(&d->report, "        try", DOCTOR_INDENT, remedy);
}

/* ---------------------------------------------------------------- connections */

static void doctor_descriptors(struct doctor *d)
{
	const struct doctor_facts *f = d->f;
	bool is_ok = f->fd_hard >= DOCTOR_FDS_MIN;

	if (f->fd_hard == UINT64_MAX)
		doctor_say(d, true, "descriptors", "no limit");
	else
		doctor_say(d, is_ok, "descriptors", "%s at most, one for each connection",
			figure_count((int64_t)f->fd_hard).text);
	if (!is_ok)
		doctor_try(d, "a higher hard limit: /etc/security/limits.conf, or LimitNOFILE= of "
			      "the service");
}

static void doctor_ports(struct doctor *d)
{
	const struct host_ports *ports = &d->f->ports;
	int64_t n = ports->n;
	bool is_ok = n >= DOCTOR_PORTS_MIN;

	if (ports->high == 0) {
		doctor_say(d, true, "ports", "not known");
		return;
	}
	if (ports->tw_reuse == 1)
		doctor_say(d, is_ok, "ports", "%s to one address (tcp_tw_reuse 1)",
			figure_count(n).text);
	else
		doctor_say(d, is_ok, "ports",
			"%s to one address: without keep-alive %s new ones/s%s",
			figure_count(n).text, figure_count(n / DOCTOR_TIME_WAIT_S).text,
			ports->tw_reuse == 2 ? ", but for loopback" : "");
	if (!is_ok)
		doctor_try(d, "sysctl -w net.ipv4.ip_local_port_range='10240 65535'");
}

static void doctor_somaxconn(struct doctor *d)
{
	bool is_ok = d->f->somaxconn == 0 || d->f->somaxconn >= DOCTOR_SOMAXCONN_MIN;

	if (d->f->somaxconn == 0)
		doctor_say(d, true, "somaxconn", "not known");
	else
		doctor_say(d, is_ok, "somaxconn",
			"%s connections may wait for a server here to accept them",
			figure_count(d->f->somaxconn).text);
	if (!is_ok)
		doctor_try(d,
			"sysctl -w net.core.somaxconn=4096, and a backlog of that size in the "
			"server");
}

/* ---------------------------------------------------------------- CPU */

static void doctor_cpus(struct doctor *d)
{
	const struct doctor_facts *f = d->f;
	double least = f->quota > 0 && f->quota < f->cpus ? f->quota : f->cpus;
	bool is_ok = least >= 2;

	if (f->quota > 0)
		doctor_say(d, is_ok, "CPUs", "%u, of which the cgroup may use %s", f->cpus,
			figure_rate(f->quota).text);
	else
		doctor_say(d, is_ok, "CPUs", "%u, without a quota", f->cpus);
	if (!is_ok)
		doctor_try(d, "two CPUs or more, or a server on another host: generator and server "
			      "wait for each other on one");
}

static void doctor_steal(struct doctor *d)
{
	bool is_ok = d->f->steal_share <= DOCTOR_STEAL_MAX;

	if (d->f->steal_share < 0)
		doctor_say(d, true, "steal", "not known");
	else
		doctor_say(d, is_ok, "steal", "%s of the CPU since boot went to others on the host",
			figure_share(d->f->steal_share).text);
	if (!is_ok)
		doctor_try(d, "a dedicated host, or one with less load");
}

/* ---------------------------------------------------------------- time */

static void doctor_clock(struct doctor *d)
{
	const struct doctor_facts *f = d->f;
	bool is_ok = !host_text_is_slow_clock(f->clock.source, f->clock.read_ns);

	doctor_say(d, is_ok, "clock", "%s, %" PRId64 " ns to read",
		*f->clock.source ? f->clock.source : "source not known", f->clock.read_ns);
	if (!is_ok)
		doctor_try(d, "see dmesg for why the kernel does not use tsc; each request reads "
			      "the clock two or three times");
}

static void doctor_timer(struct doctor *d)
{
	const struct doctor_facts *f = d->f;
	bool is_ok = f->late_p99_ns <= DOCTOR_LATE_MAX_NS;

	if (f->late_p99_ns < 0) {
		doctor_say(d, true, "timer", "not measured");
		return;
	}
	doctor_say(d, is_ok, "timer", "%s late at the median, %s at p99 (1,000 a second)",
		figure_time(f->late_p50_ns).text, figure_time(f->late_p99_ns).text);
	if (!is_ok)
		doctor_try(d,
			"a quieter machine; until then each run's report says how much of its "
			"p99 is our delay");
}

/* ---------------------------------------------------------------- programs */

static void doctor_rpsd(struct doctor *d)
{
	const struct doctor_facts *f = d->f;

	if (!*f->rpsd_version) {
		doctor_say(d, false, "rpsd", "%s does not run", f->rpsd_path);
		doctor_try(d,
			"install rpsd beside rpsctl or where make install puts it: a URL or a "
			"path needs it");
	} else if (!str_eq(f->rpsd_version, RPSD_VERSION)) {
		doctor_say(d, false, "rpsd", "%s is version %s, but this rpsctl is %s",
			f->rpsd_path, f->rpsd_version, RPSD_VERSION);
		doctor_try(d, "install both from one build");
	} else {
		doctor_say(
			d, true, "rpsd", "%s, version %s as rpsctl", f->rpsd_path, f->rpsd_version);
	}
}

static void doctor_service(struct doctor *d)
{
	const struct doctor_facts *f = d->f;
	const char *path = f->control.path;
	char remedy[4 * DOCTOR_TEXT_SIZE];

	switch (f->control.error) {
	case 0:
		if (!*f->service_version || str_eq(f->service_version, RPSD_VERSION)) {
			doctor_say(d, true, "service", "answers at %s", path);
			return;
		}
		doctor_say(d, false, "service", "at %s is version %s, but this rpsctl is %s", path,
			f->service_version, RPSD_VERSION);
		doctor_try(d, "systemctl restart rpsd");
		return;
	case ENOENT:
		doctor_say(d, true, "service", "none at %s; only named runs need one", path);
		return;
	case EACCES:
	case EPERM:
		if (*f->control.access.owner && !socket_access_is_by_group(&f->control.access)) {
			socket_access_tell(&f->control.access, remedy, sizeof(remedy));
			doctor_say(d, false, "service", "%s", remedy);
			return;
		}
		doctor_say(d, false, "service", "permission denied (%s)", path);
		(void)snprintf(remedy, sizeof(remedy),
			"%ssudo usermod -aG rpsd %s, and log in again",
			f->has_group ? "" : "sudo systemd-sysusers, which makes the group rpsd; ",
			*f->user ? f->user : "USER");
		doctor_try(d, remedy);
		return;
	case ECONNREFUSED:
		doctor_say(d, false, "service", "no process listens at %s", path);
		client_start_words(path, remedy, sizeof(remedy));
		doctor_try(d, remedy);
		return;
	case ENOTSOCK:
		doctor_say(d, false, "service", "%s is not a socket", path);
		doctor_try(d, "--socket PATH, as the log of rpsd names it");
		return;
	default:
		doctor_say(d, false, "service", "%s: %s", path, strerror(f->control.error));
		doctor_try(d, "systemctl status rpsd.socket rpsd.service");
	}
}

static void doctor_observe(struct doctor *d)
{
	const struct doctor_facts *f = d->f;

	if (f->observe.error == 0)
		doctor_say(d, true, "observe", "answers read-only at %s", f->observe.path);
	else if (f->observe.error == ENOENT)
		doctor_say(d, true, "observe", "no read-only socket");
	else
		doctor_say(
			d, true, "observe", "%s: %s", f->observe.path, strerror(f->observe.error));
}

static void doctor_group(struct doctor *d)
{
	const struct doctor_facts *f = d->f;

	if (!f->has_group)
		doctor_say(d, true, "group", "there is no group rpsd; only a service needs it");
	else if (f->is_member)
		doctor_say(
			d, true, "group", "%s may operate the service", *f->user ? f->user : "you");
	else
		doctor_say(d, true, "group",
			"%s is not in group rpsd: may query the service, but not start runs",
			*f->user ? f->user : "you");
}

int doctor_judge(const struct doctor_facts *f, struct buf *ret, unsigned *ret_warnings)
{
	static void (*const lines[])(struct doctor *) = {
		doctor_descriptors,
		doctor_ports,
		doctor_somaxconn,
		doctor_cpus,
		doctor_steal,
		doctor_clock,
		doctor_timer,
		doctor_rpsd,
		doctor_service,
		doctor_observe,
		doctor_group,
	};
	struct doctor d = {.f = f};
	int r;

	report_init(&d.report, NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		lines[i](&d);
	report_gap(&d.report);
	if (d.warnings)
		report_line(&d.report, "%u warning%s: this host can generate load, but see above",
			d.warnings, d.warnings == 1 ? "" : "s");
	else
		report_line(&d.report, "this host can generate load");
	r = d.report.r ? d.report.r : buf_append(ret, d.report.text.data, d.report.text.len);
	buf_fini(&d.report.text);
	if (r == 0)
		*ret_warnings = d.warnings;
	return r;
}
