/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that serves is built here in order and freed in reverse: loop, sockets, origins,
 * registry, methods, control. The daemon's own sockets are bound first: where another daemon has
 * them, that is why its origins' addresses are in use too. */
#include "daemon/main_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/settings/settings.h"
#include "common/str.h"
#include "daemon/origin/origin.h"
#include "daemon/runs/registry.h"
#include "daemon/service/log.h"
#include "daemon/service/methods.h"

#define MAIN_RUNS_DIR RPSD_SYSCONFDIR "/rpsd/runs.d"

/* mkdir -p, for the daemon's own directories. */
static int main_make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	return mkdir(path, 0700) == -1 && errno != EEXIST ? -errno : 0;
}

/* The directory of the last run number; NULL: none. systemd may pass several, the first is used. */
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

static int main_open_origins(struct daemon *d, struct err *reterr)
{
	size_t n = d->settings->n_origins;

	d->origins = calloc(n ? n : 1, sizeof(struct origin *));
	if (!d->origins)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct origin *o;
		int r = origin_start(&d->settings->origins[i], &o, reterr);

		/* rpsctl origin needs nothing else, but a service still has runs to serve. */
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
		/* A private run can do without a number that continues. */
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

/* The role of peers on a passed socket. Sockets with unknown names are for observers only; one
 * without a name was passed by hand, for one purpose. */
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

/* Binds the daemon's own sockets, if none are passed. A path on the command line is the only one:
 * such a daemon runs beside the service and must not use the service's paths. */
static int main_bind_sockets(struct daemon *d, struct err *reterr)
{
	const char *path = d->options.socket ? d->options.socket : d->settings->socket;
	const char *observe = d->options.socket ? "" : d->settings->observe;
	struct err err = {0};
	int r;

	if (d->options.is_private || d->n_sockets > 0)
		return 0;
	r = control_socket_open(&d->socket, path, 0660, &d->socket_fd, reterr);
	if (r < 0 || !*observe)
		return r;
	/* Without the observe socket the daemon still works. */
	r = control_socket_open(&d->observe, observe, 0666, &d->observe_fd, &err);
	if (r < 0)
		log_warning("the observe socket is unavailable: %s",
			err.text[0] ? err.text : strerror(-r));
	return 0;
}

/* Takes over *fd; -1: it is not open. */
static int main_listen_on(
	struct daemon *d, const struct control_socket *s, int *fd, enum control_role role)
{
	int r = 0;

	if (*fd != -1) {
		r = control_listen(d->control, *fd, role);
		*fd = -1;
		if (r == 0)
			log_info("listening on %s", s->path);
	}
	return r;
}

static int main_listen(struct daemon *d)
{
	int r = 0;

	if (d->options.is_private)
		return main_open_private(d);
	for (size_t i = 0; i < d->n_sockets && r == 0; i++)
		r = control_listen(
			d->control, d->sockets[i].fd, main_socket_role(d->sockets[i].name));
	if (r == 0)
		r = main_listen_on(d, &d->socket, &d->socket_fd, CONTROL_OPERATE);
	if (r == 0)
		r = main_listen_on(d, &d->observe, &d->observe_fd, CONTROL_OBSERVE);
	return r;
}

int main_open(struct daemon *d, struct err *reterr)
{
	int r = main_open_loop(d);

	if (r == 0 && !d->options.is_private)
		r = systemd_take_sockets(&d->sockets, &d->n_sockets);
	if (r == 0)
		r = main_bind_sockets(d, reterr);
	if (r == 0)
		r = main_open_origins(d, reterr);
	if (r == 0)
		r = main_open_registry(d, reterr);
	if (r == 0)
		r = main_open_methods(d);
	if (r == 0)
		r = main_listen(d);
	if (r == 0 && !d->options.is_private) {
		systemd_watchdog_start(&d->watchdog, d->loop);
		d->has_watchdog = true;
		systemd_notify("READY=1\nSTATUS=0 active runs");
	}
	return r;
}

void main_close(struct daemon *d)
{
	if (d->has_watchdog)
		systemd_watchdog_stop(&d->watchdog);
	d->stopping = true;
	control_closer_cancel(&d->owner);
	control_free(d->control);
	if (d->socket_fd != -1)
		(void)close(d->socket_fd);
	if (d->observe_fd != -1)
		(void)close(d->observe_fd);
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
