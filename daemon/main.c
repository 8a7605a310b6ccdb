/* SPDX-License-Identifier: Apache-2.0 */
/* rpsd. Everything is built here in order and taken down in reverse:
 *
 *   arguments, configuration, limits, signals, loop, origins, guard, registry, methods, control
 *
 * As a service it listens on the sockets that systemd hands over, or on its own. Private, it
 * belongs to the rpsctl at the other end of --control-fd: no configuration unless one is named, no
 * socket, and it ends when that end closes.
 *
 * The end comes in steps. A first SIGTERM or SIGINT stops the runs as a person would: what is under
 * way is awaited, at most MAIN_DRAIN_NS; a second one ends the wait. Once no run is active, clients
 * that still have connections have MAIN_LINGER_NS to fetch their reports. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/guard.h"
#include "common/ini.h"
#include "common/memory.h"
#include "common/settings.h"
#include "common/std_fds.h"
#include "common/str.h"
#include "common/version.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "daemon/origin/origin.h"
#include "daemon/runs/registry.h"
#include "daemon/service/control.h"
#include "daemon/service/control_socket.h"
#include "daemon/service/log.h"
#include "daemon/service/methods.h"
#include "daemon/service/systemd.h"

#define MAIN_CONFIG RPSD_SYSCONFDIR "/rpsd/rpsd.conf"
#define MAIN_RUNS_DIR RPSD_SYSCONFDIR "/rpsd/runs.d"
#define MAIN_CONTROL_FDS_MAX 16
#define MAIN_DRAIN_NS (40 * NSEC_PER_SEC) /* less than TimeoutStopSec= of the unit */
#define MAIN_LINGER_NS NSEC_PER_SEC

struct options {
	const char *config; /* NULL: the usual place */
	const char *socket; /* NULL: as configured */
	bool check;
	bool is_private;
	int control_fds[MAIN_CONTROL_FDS_MAX];
	size_t n_control_fds;
	int content_fd; /* 0: not given */
};

struct daemon {
	struct options options;
	struct ini_doc doc;
	struct settings *settings;
	char *state_dir;
	struct systemd_socket *sockets;
	size_t n_sockets;
	struct loop *loop;
	struct loop_task signals;
	bool has_signals;
	struct timer_queue ends; /* both timers below */
	struct timer drain;
	struct timer linger;
	struct origin **origins;
	size_t n_origins;
	struct guard guard;
	struct registry *registry;
	struct methods *methods;
	struct control *control;
	struct control_closer owner; /* the first --control-fd */
	struct control_socket socket;
	struct control_socket observe;
	struct systemd_watchdog watchdog;
	bool has_watchdog;
	bool stopping;
	bool is_orphan; /* the owner has gone: nobody fetches a report */
};

/* ---------------------------------------------------------------- arguments */

static const char main_help[] =
	"Usage: rpsd [OPTION...]\n"
	"Sends HTTP requests to services at planned rates; rpsctl steers it.\n"
	"\n"
	"  --config FILE       instead of " MAIN_CONFIG "\n"
	"  --check             check the configuration and exit\n"
	"  --socket PATH       listen there alone, where systemd hands over no socket\n"
	"  --private           serve only --control-fd, end with it\n"
	"  --control-fd N      a connected socket whose peer is admin (repeatable)\n"
	"  --content-fd N      a sealed memfd with files of the runs that are started\n"
	"  --version, --help\n";

static int main_usage(const char *what, const char *why)
{
	(void)fprintf(stderr, "rpsd: %s %s\nTry 'rpsd --help'.\n", what, why);
	return EXIT_USAGE;
}

static int main_parse_fd(const char *text, int *ret)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || end == text || *end || fd < 3 || fd > 1000000)
		return -EINVAL;
	*ret = (int)fd;
	return 0;
}

static int main_add_control_fd(struct options *o, const char *text)
{
	struct stat st;
	int fd;

	if (main_parse_fd(text, &fd) < 0 || fstat(fd, &st) == -1 || !S_ISSOCK(st.st_mode))
		return main_usage("--control-fd", "needs the number of an open socket");
	if (o->n_control_fds == MAIN_CONTROL_FDS_MAX)
		return main_usage("--control-fd", "is given too often");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	o->control_fds[o->n_control_fds++] = fd;
	return 0;
}

static int main_set_content_fd(struct options *o, const char *text)
{
	int fd, seals;

	if (main_parse_fd(text, &fd) < 0)
		return main_usage("--content-fd", "needs the number of an open descriptor");
	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_WRITE))
		return main_usage("--content-fd", "needs a sealed memfd");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	o->content_fd = fd;
	return 0;
}

static int main_check_options(const struct options *o)
{
	if (o->is_private && o->n_control_fds == 0 && !o->check)
		return main_usage("--private", "needs --control-fd");
	if (!o->is_private && o->content_fd > 0)
		return main_usage("--content-fd", "needs --private");
	if (!o->is_private && o->n_control_fds > 0)
		return main_usage("--control-fd", "needs --private");
	if (o->is_private && o->socket)
		return main_usage("--socket", "and --private exclude each other");
	return 0;
}

/* 0: go on; else the exit status, or -1: all is said and done. */
static int main_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"socket", required_argument, NULL, 's'},
		{"private", no_argument, NULL, 'p'},
		{"control-fd", required_argument, NULL, 'f'},
		{"content-fd", required_argument, NULL, 'F'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int r = 0;
	int c;

	while (r == 0 && (c = getopt_long(argc, argv, "hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'p':
			o->is_private = true;
			break;
		case 'f':
			r = main_add_control_fd(o, optarg);
			break;
		case 'F':
			r = main_set_content_fd(o, optarg);
			break;
		case 'V':
			(void)printf("rpsd %s\n", RPSD_VERSION);
			return -1;
		case 'h':
			(void)fputs(main_help, stdout);
			return -1;
		default:
			(void)fputs("Try 'rpsd --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (r == 0 && optind < argc)
		r = main_usage(argv[optind], "is not understood: rpsd takes only options");
	return r ? r : main_check_options(o);
}

/* ---------------------------------------------------------------- configuration */

/* Everything that is wrong with it, on stderr. 0 or the exit status. */
static int main_report_problems(struct problems *problems, int r)
{
	problems_finish(problems);
	for (size_t i = 0; i < problems->n && i < problems->cap; i++)
		log_error("%s", problems->texts[i]);
	if (r == -ENOMEM)
		log_error("no memory for the configuration");
	return EXIT_CONFIG;
}

static int main_configure(struct daemon *d)
{
	const struct options *o = &d->options;
	struct problems problems = {0};
	struct err err = {0};
	int status = 0;
	int r = 0;

	if (!o->is_private || o->config)
		r = settings_read_files(
			o->config ? o->config : MAIN_CONFIG, o->config != NULL, &d->doc, &problems);
	if (r == 0)
		r = settings_build(&d->doc, &d->settings, &problems);
	if (!o->is_private)
		settings_refuse_private(&d->doc, &problems);
	if (r == 0 && o->is_private)
		guard_init_private(&d->guard);
	else if (r == 0)
		r = guard_init_service(&d->guard, (const char *const *)d->settings->allow,
			d->settings->n_allow, &err);
	if (err.text[0])
		problems_add(&problems, "[policy] allow", 0, "%s", err.text);
	if (r != 0 || problems.n > 0)
		status = main_report_problems(&problems, r);
	problems_fini(&problems);
	return status;
}

/* mkdir -p, for directories of one's own. */
static int main_make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	return mkdir(path, 0700) == -1 && errno != EEXIST ? -errno : 0;
}

/* Where the last run number is kept; NULL: nowhere. systemd may give several, the first is ours. */
static char *main_state_dir(bool is_private)
{
	const char *given = getenv("STATE_DIRECTORY");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int n = -1;

	if (given && *given)
		return strndup(given, strcspn(given, ":"));
	if (!is_private)
		return NULL;
	if (xdg && *xdg == '/')
		n = asprintf(&path, "%s/rpsd", xdg);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.local/state/rpsd", home);
	if (n == -1)
		return NULL;
	if (main_make_dirs(path) < 0) {
		free(path);
		return NULL;
	}
	return path;
}

/* As many descriptors as we may have; what a run needs is checked when it starts. */
static void main_raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		log_warning("the limit of descriptors cannot be raised: %s", strerror(errno));
}

/* Histograms are large and nearly empty, so they shall be memory of their own that the kernel gives
 * page by page. glibc does that with large blocks, but raises the bar at the first one that is
 * freed: from then on calloc clears memory of its own heap, all of it. A third run with 20 named
 * requests took 61 MB instead of 18. */
static void main_keep_memory_lazy(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* A call may bring credentials, and the parser keeps copies of its own. */
static void main_wipe_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* ---------------------------------------------------------------- the end */

static void main_end_if_idle(struct daemon *d)
{
	if (!d->stopping || registry_n_active(d->registry) > 0)
		return;
	if (control_n_connections(d->control) == 0 || d->is_orphan)
		loop_stop(d->loop);
	else if (!timer_is_running(&d->linger))
		timer_start(&d->ends, &d->linger, loop_now_ns(d->loop) + MAIN_LINGER_NS);
}

/* As systemctl status shows it. */
static void main_notify_runs(const struct daemon *d)
{
	unsigned n = registry_n_active(d->registry);

	if (!d->options.is_private)
		systemd_notify("STATUS=%s%u active %s", d->stopping ? "waiting for " : "", n,
			n == 1 ? "run" : "runs");
}

static void main_on_finished(void *arg)
{
	struct daemon *d = arg;

	main_notify_runs(d);
	main_end_if_idle(d);
}

static void main_on_empty(void *arg)
{
	main_end_if_idle(arg);
}

static void main_on_end(struct timer_queue *queue, struct timer *timer)
{
	struct daemon *d = queue->userdata;

	if (timer == &d->linger)
		loop_stop(d->loop);
	else
		registry_stop_all(d->registry, true, "the daemon could wait no longer");
}

static void main_stop(struct daemon *d, bool now, const char *reason)
{
	bool first = !d->stopping;

	d->stopping = true;
	if (first) {
		log_info("%s", reason);
		if (!d->options.is_private)
			systemd_notify("STOPPING=1");
		main_notify_runs(d);
		methods_stop_starting(d->methods);
		control_stop_listening(d->control);
		timer_start(&d->ends, &d->drain, loop_now_ns(d->loop) + MAIN_DRAIN_NS);
	}
	registry_stop_all(d->registry, now, reason);
	if (!first && registry_n_active(d->registry) == 0)
		loop_stop(d->loop); /* nor is anybody awaited who still reads */
	main_end_if_idle(d);
}

static void main_on_signal(struct loop_task *task, uint32_t events)
{
	struct daemon *d = container_of(task, struct daemon, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(task->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			main_stop(d, d->stopping, "the daemon was told to stop");
	}
}

static void main_on_owner_gone(struct control_closer *closer)
{
	struct daemon *d = container_of(closer, struct daemon, owner);

	d->is_orphan = true;
	main_stop(d, true, "its owner has gone");
}

/* ---------------------------------------------------------------- building */

/* Those that would end the process and ask for nothing that it does. */
static void main_ignore_signals(void)
{
	static const int signals[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
}

/* Blocked before any thread is made, so that all of them leave signals to the loop. SIGHUP will ask
 * for a reload; until then it is taken and means nothing. */
static int main_open_signals(struct daemon *d)
{
	sigset_t set;
	int fd;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return -errno;
	r = loop_add_task(d->loop, &d->signals, fd, LOOP_INPUT, main_on_signal);
	if (r < 0)
		(void)close(fd);
	else
		d->has_signals = true;
	return r;
}

static int main_open_loop(struct daemon *d)
{
	int r = loop_new(&d->loop);

	if (r < 0)
		return r;
	timer_queue_init(&d->ends, d->loop, main_on_end, d);
	timer_init(&d->drain);
	timer_init(&d->linger);
	return main_open_signals(d);
}

static int main_open_origins(struct daemon *d, struct err *reterr)
{
	size_t n = d->settings->n_origins;

	d->origins = calloc(n ? n : 1, sizeof(struct origin *));
	if (!d->origins)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct origin *o;
		int r = origin_start(&d->settings->origins[i], &o, reterr);

		/* rpsctl origin wants nothing else; a service has runs to serve. */
		if (r != 0 && d->options.is_private)
			return r;
		if (r != 0) {
			log_warning("%s: this origin is not served", reterr->text);
			*reterr = (struct err){0};
			continue;
		}
		d->origins[d->n_origins++] = o;
		log_info("origin %s serves on %s", origin_name(o), origin_address(o));
	}
	return 0;
}

static int main_open_registry(struct daemon *d, struct err *reterr)
{
	struct registry_config config = {
		.loop = d->loop,
		.settings = d->settings,
		.guard = &d->guard,
		.is_private = d->options.is_private,
	};
	int r;

	d->state_dir = main_state_dir(config.is_private);
	config.state_dir = d->state_dir;
	r = registry_new(&config, &d->registry, reterr);
	if (r < 0 && config.is_private && r != -ENOMEM) {
		/* For a private run, a number that goes on is a comfort, nothing more. */
		config.state_dir = NULL;
		r = registry_new(&config, &d->registry, reterr);
	}
	if (r == 0)
		registry_on_finished(d->registry, main_on_finished, d);
	return r;
}

static int main_open_methods(struct daemon *d)
{
	struct methods_config config = {
		.registry = d->registry,
		.settings = d->settings,
		.doc = &d->doc,
		.origins = d->origins,
		.n_origins = d->n_origins,
		.runs_dir = MAIN_RUNS_DIR,
		.is_private = d->options.is_private,
		.content_fd = d->options.content_fd,
	};
	struct control_config control = {
		.loop = d->loop,
		.methods = methods_table,
		.n_methods = methods_n,
	};
	int r = methods_new(&config, &d->methods);

	if (r < 0)
		return r;
	control.userdata = d->methods;
	r = control_new(&control, &d->control);
	if (r == 0)
		control_on_empty(d->control, main_on_empty, d);
	return r;
}

/* What the peers of a socket that was handed over may do. Names that the units do not know are for
 * looking only; one without a name was made by hand, for one purpose. */
static enum control_role main_socket_role(const char *name)
{
	static const char *const operate[] = {"varlink", "control", "unknown", ""};

	for (size_t i = 0; i < sizeof(operate) / sizeof(operate[0]); i++)
		if (str_eq(name, operate[i]))
			return CONTROL_OPERATE;
	return CONTROL_OBSERVE;
}

static int main_open_private(struct daemon *d)
{
	int r = 0;

	control_closer_init(&d->owner, main_on_owner_gone);
	for (size_t i = 0; i < d->options.n_control_fds && r == 0; i++)
		r = control_add_connection(
			d->control, d->options.control_fds[i], i == 0 ? &d->owner : NULL);
	return r;
}

static int main_open_socket(struct daemon *d, struct control_socket *s, const char *path,
	mode_t mode, enum control_role role, struct err *reterr)
{
	int fd;
	int r = control_socket_open(s, path, mode, &fd, reterr);

	if (r == 0)
		r = control_listen(d->control, fd, role);
	if (r == 0)
		log_info("listening on %s", path);
	return r;
}

/* The sockets of our own, where none are handed over. A path that the command line names is the
 * only one: whoever gives it runs a daemon beside the service's, whose paths are not its own. */
static int main_bind_sockets(struct daemon *d, struct err *reterr)
{
	const char *path = d->options.socket ? d->options.socket : d->settings->socket;
	const char *observe = d->options.socket ? "" : d->settings->observe;
	struct err err = {0};
	int r;

	r = main_open_socket(d, &d->socket, path, 0660, CONTROL_OPERATE, reterr);
	if (r < 0 || !*observe)
		return r;
	/* Without it there is less to see, and nothing less to do. */
	r = main_open_socket(d, &d->observe, observe, 0666, CONTROL_OBSERVE, &err);
	if (r < 0)
		log_warning("nobody can look without operating: %s",
			err.text[0] ? err.text : strerror(-r));
	return 0;
}

static int main_open_sockets(struct daemon *d, struct err *reterr)
{
	int r = 0;

	if (d->options.is_private)
		return main_open_private(d);
	for (size_t i = 0; i < d->n_sockets && r == 0; i++)
		r = control_listen(
			d->control, d->sockets[i].fd, main_socket_role(d->sockets[i].name));
	if (d->n_sockets > 0 || r < 0)
		return r;
	return main_bind_sockets(d, reterr);
}

/* 0 or -errno with reterr, perhaps empty. */
static int main_open(struct daemon *d, struct err *reterr)
{
	int r = main_open_loop(d);

	if (r == 0 && !d->options.is_private)
		r = systemd_take_sockets(&d->sockets, &d->n_sockets);
	if (r == 0)
		r = main_open_origins(d, reterr);
	if (r == 0)
		r = main_open_registry(d, reterr);
	if (r == 0)
		r = main_open_methods(d);
	if (r == 0)
		r = main_open_sockets(d, reterr);
	if (r == 0 && !d->options.is_private) {
		systemd_watchdog_start(&d->watchdog, d->loop);
		d->has_watchdog = true;
		systemd_notify("READY=1\nSTATUS=0 active runs");
	}
	return r;
}

/* Also what was built only in part. */
static void main_close(struct daemon *d)
{
	if (d->has_watchdog)
		systemd_watchdog_stop(&d->watchdog);
	d->stopping = true;
	control_closer_cancel(&d->owner);
	control_free(d->control);
	control_socket_close(&d->socket);
	control_socket_close(&d->observe);
	methods_free(d->methods);
	registry_free(d->registry);
	free(d->state_dir);
	while (d->n_origins > 0)
		origin_free(d->origins[--d->n_origins]);
	free(d->origins);
	systemd_free_sockets(d->sockets, d->n_sockets);
	if (d->has_signals) {
		int fd = d->signals.fd;

		loop_remove_task(&d->signals);
		(void)close(fd);
	}
	if (d->loop) {
		timer_stop(&d->drain);
		timer_stop(&d->linger);
		timer_queue_fini(&d->ends);
		loop_free(d->loop);
	}
	guard_fini(&d->guard);
	settings_free(d->settings);
	ini_fini(&d->doc);
}

/* Everything between the configuration and the end. The exit status. */
static int main_serve(struct daemon *d)
{
	struct err err = {0};
	int r;

	if (digest_prepare() < 0) {
		log_error("cannot start: no memory for libcrypto");
		return EXIT_FAILURE;
	}
	json_set_alloc_funcs(malloc, main_wipe_free);
	main_raise_limits();
	main_keep_memory_lazy();
	/* glibc's name service crashes when its first use meets no memory: better now than in the
	 * middle of a run. */
	(void)getpwuid(geteuid());
	r = main_open(d, &err);
	if (r != 0) {
		log_error(
			"cannot start: %s", err.text[0] ? err.text : strerror(r < 0 ? -r : EINVAL));
		return EXIT_FAILURE;
	}
	r = loop_run(d->loop);
	if (r < 0) {
		/* The loop is broken: nobody could await the workers. */
		log_error("the event loop failed: %s", strerror(-r));
		_exit(EXIT_FAILURE);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct daemon d = {0};
	int status;

	memory_watch();
	if (std_fds_open() < 0)
		return EXIT_FAILURE;
	main_ignore_signals();
	log_open(LOG_INFO);
	control_closer_init(&d.owner, main_on_owner_gone);
	status = main_parse(argc, argv, &d.options);
	if (status != 0)
		return status == -1 ? EXIT_SUCCESS : status;
	if (d.options.is_private)
		log_open(LOG_WARNING); /* rpsctl tells its user the rest */
	status = main_configure(&d);
	if (status == 0 && d.options.check)
		(void)puts("The configuration is valid.");
	else if (status == 0)
		status = main_serve(&d);
	main_close(&d);
	return status;
}
