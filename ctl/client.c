/* SPDX-License-Identifier: Apache-2.0 */
/* One Varlink connection to a daemon.
 *
 * Varlink answers the calls of one connection in order. A call with `more` therefore keeps its
 * connection busy until the last answer, and another call meanwhile (Stop) needs a second one.
 * Nothing here blocks but client_call, which waits without a limit: a daemon that ends closes the
 * socket, and the user has Ctrl-C. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/control/varlink.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/str.h"
#include "ctl/fetch.h"
#include "ctl/options.h"
#include "ctl/problem.h"
#include "ctl/socket_access.h"

#define CLIENT_DIRECTORY "/run/rpsd/" /* of the sockets that systemd listens on */
#define CLIENT_SOCKET CLIENT_DIRECTORY "control.socket"
#define CLIENT_OBSERVE_SOCKET CLIENT_DIRECTORY "observe.socket"
#define CLIENT_WHICH                                                                               \
	"--socket (or RPSCTL_SOCKET) names the socket that rpsd listens on, as its log says"
#define CLIENT_OWN_RUN "a run of your own needs none: "
#define CLIENT_READ_SIZE 65536u

void client_init(struct client *c, int fd)
{
	*c = (struct client){.fd = fd};
}

void client_close(struct client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
	buf_fini(&c->out);
	json_decref(c->whole);
	c->whole = NULL;
}

/* ---------------------------------------------------------------- the service's socket */

static const char *client_given_path(const struct options *o)
{
	const char *path = o->socket ? o->socket : getenv("RPSCTL_SOCKET");

	return path && *path ? path : NULL;
}

const char *client_socket_path(const struct options *o)
{
	const char *path = client_given_path(o);

	return path ? path : CLIENT_SOCKET;
}

/* A file of any other kind refuses connections as a socket does on which no process listens. */
static bool client_is_other_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISSOCK(st.st_mode);
}

int client_dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd;
	int r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1) {
		r = -errno;
		(void)close(fd);
		return r == -ECONNREFUSED && client_is_other_file(path) ? -ENOTSOCK : r;
	}
	return fd;
}

void client_start_words(const char *path, char *ret, size_t size)
{
	if (str_starts(path, CLIENT_DIRECTORY))
		(void)snprintf(ret, size, "systemctl start rpsd.socket");
	else
		(void)snprintf(ret, size, "rpsd --socket %.200s", path);
}

/* What can be done without a service. */
static const char *client_other_way(const struct options *o)
{
	static const struct {
		const char *command;
		const char *way;
	} ways[] = {
		{"report", "a result's file needs none: rpsctl report FILE.json"},
		{"origins", "rpsctl origin serves without one, and prints its counts at its end"},
		{"stop", CLIENT_OWN_RUN "Ctrl-C ends it"},
		{"set", CLIENT_OWN_RUN "+ and - in its live view change the rate"},
		{"pause", CLIENT_OWN_RUN "p in its live view pauses it"},
		{"resume", CLIENT_OWN_RUN "p in its live view goes on"},
		{"next", CLIENT_OWN_RUN "n in its live view skips a stage"},
		{"show", "a file needs none: rpsctl check FILE tells what it means"},
	};

	for (size_t i = 0; o->command && i < sizeof(ways) / sizeof(*ways); i++)
		if (str_eq(ways[i].command, o->command))
			return ways[i].way;
	return "a run of your own needs none: rpsctl URL, or rpsctl FILE.ini";
}

static int client_unreachable(
	const char *path, int error, const struct options *o, struct err *reterr)
{
	struct socket_access access;
	char start[240], denied[480];

	switch (error) {
	case -EACCES:
	case -EPERM:
		socket_access_read(path, &access);
		socket_access_tell(&access, denied, sizeof(denied));
		err_set(reterr, "%s%s", access.is_folder ? "" : "the service is there, but ",
			denied);
		return EXIT_REFUSED;
	case -ENOENT:
	case -ECONNREFUSED:
		client_start_words(path, start, sizeof(start));
		err_set(reterr, "no service %s %s; to start it: %s%s; %s",
			error == -ENOENT ? "at" : "answers at", path, start,
			str_starts(start, "systemctl") ? ", or by hand (rpsd --help)" : "",
			client_other_way(o));
		return EXIT_NO_DAEMON;
	case -ENOTSOCK:
	case -ENAMETOOLONG:
		err_set(reterr, "%.200s %s: " CLIENT_WHICH, path,
			error == -ENOTSOCK ? "is not a socket" : "is too long for a socket's path");
		return EXIT_NO_DAEMON;
	default:
		err_set(reterr, "%s: %s", path, strerror(-error));
		return EXIT_NO_DAEMON;
	}
}

/* By its name, which the daemon gives to none but that one. */
static bool client_is_for_observers(const char *path)
{
	const char *name = strrchr(path, '/');

	return str_eq(name ? name + 1 : path, "observe.socket");
}

int client_connect(struct client *c, const struct options *o, bool is_query, struct err *reterr)
{
	const char *path = client_socket_path(o);
	int fd = client_dial(path);

	if (fd < 0 && is_query && !client_given_path(o)) {
		int observe = client_dial(CLIENT_OBSERVE_SOCKET);

		if (observe >= 0) {
			fd = observe;
			path = CLIENT_OBSERVE_SOCKET;
		}
	}
	if (fd < 0)
		return client_unreachable(path, fd, o, reterr);
	client_init(c, fd);
	c->is_service = true;
	c->is_observer = client_is_for_observers(path);
	return 0;
}

/* ---------------------------------------------------------------- sending and reading */

int client_send(struct client *c, const char *method, json_t *parameters, bool more)
{
	char name[96];

	(void)snprintf(name, sizeof(name), "%s.%s", RPSD_INTERFACE, method);
	c->joins = str_eq(method, "Report");
	json_decref(c->whole);
	c->whole = NULL;
	return varlink_put_call(&c->out, name, parameters, more || c->joins);
}

short client_events(const struct client *c)
{
	return (short)(POLLIN | (c->out.len ? POLLOUT : 0));
}

static int client_flush(struct client *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : CLIENT_E_LOST;
		buf_consume(&c->out, (size_t)n);
	}
	return 0;
}

static int client_fill(struct client *c)
{
	for (;;) {
		ssize_t n;
		int r = buf_reserve(&c->in, CLIENT_READ_SIZE);

		if (r)
			return r;
		n = recv(c->fd, c->in.data + c->in.len, CLIENT_READ_SIZE, MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : CLIENT_E_LOST;
		if (n == 0)
			return CLIENT_E_LOST;
		c->in.len += (size_t)n;
		/* One message at most lies whole in the buffer; the rest can wait in the kernel. */
		if (c->in.len > VARLINK_REPLY_MAX)
			return 0;
	}
}

int client_pump(struct client *c)
{
	int flushed = client_flush(c);
	int filled = client_fill(c);

	return filled ? filled : flushed;
}

void client_answer_fini(struct client_answer *a)
{
	json_decref(a->message);
	*a = (struct client_answer){0};
}

static int client_take_message(struct client *c, struct client_answer *ret)
{
	struct client_answer a = {0};
	struct varlink_reply reply;
	int r = varlink_take(&c->in, VARLINK_REPLY_MAX, &c->searched, &a.message);

	if (r < 0)
		return r;
	if (r > 0)
		return CLIENT_E_PROTOCOL;
	if (a.message) {
		if (varlink_parse_reply(a.message, &reply)) {
			client_answer_fini(&a);
			return CLIENT_E_PROTOCOL;
		}
		a.parameters = reply.parameters;
		a.error = reply.error;
		a.continues = reply.continues;
	}
	*ret = a;
	return 0;
}

/* Adds one batch, which a holds, and lets it go. The last one leaves the whole in a. */
static int client_join(struct client *c, struct client_answer *a)
{
	bool continues = a->continues;
	int r = fetch_join(&c->whole, a->parameters);

	client_answer_fini(a);
	if (r)
		return r == -EPROTO ? CLIENT_E_PROTOCOL : r;
	if (!continues) {
		a->message = a->parameters = c->whole;
		c->whole = NULL;
		c->joins = false;
	}
	return 0;
}

int client_take(struct client *c, struct client_answer *ret)
{
	struct client_answer a = {0};
	int r;

	do {
		r = client_take_message(c, &a);
		if (r || !a.message || a.error || !c->joins)
			break;
		r = client_join(c, &a);
	} while (r == 0 && !a.message);
	if (r == 0)
		*ret = a;
	return r;
}

int client_call(struct client *c, const char *method, json_t *parameters, struct client_answer *ret)
{
	int lost = 0;
	int r = client_send(c, method, parameters, false);

	*ret = (struct client_answer){0};
	while (r == 0) {
		struct pollfd ready = {.fd = c->fd, .events = client_events(c)};

		r = client_take(c, ret);
		if (r || ret->message)
			break;
		if (lost)
			return lost;
		if (poll(&ready, 1, -1) == -1 && errno != EINTR)
			return -errno;
		lost = client_pump(c);
	}
	return r;
}

/* ---------------------------------------------------------------- no answer */

const char *client_trouble(int r)
{
	if (r == CLIENT_E_LOST)
		return "the daemon went away";
	if (r == CLIENT_E_PROTOCOL)
		return "the daemon sent an invalid message";
	return r == -ENOMEM ? "out of memory for what the daemon says"
			    : "cannot wait for the daemon";
}

/* How a private daemon ended is told by who waits for it. */
const char *client_remedy(const struct client *c, int r)
{
	if (r == CLIENT_E_PROTOCOL)
		return ": rpsctl doctor compares the versions of both";
	if (r == CLIENT_E_LOST)
		return c->is_service ? ": its log tells why (journalctl -u rpsd, or where it was "
				       "started)"
				     : "";
	return r == -ENOMEM ? ": " MEMORY_REMEDY : "";
}

/* ---------------------------------------------------------------- errors */

static const char *client_field(const struct client_answer *a, const char *name)
{
	const char *text = json_string_value(json_object_get(a->parameters, name));

	return text ? text : "";
}

static int client_explain_plan(const struct client_answer *a, struct buf *ret)
{
	const json_t *problems = json_object_get(a->parameters, "problems");
	int status = EXIT_USAGE; /* where flags alone are wrong */

	for (size_t i = 0; i < json_array_size(problems); i++) {
		const char *problem = json_string_value(json_array_get(problems, i));

		if (!problem)
			continue;
		(void)problem_write(problem, ret);
		if (!problem_is_of_command_line(problem))
			status = EXIT_CONFIG;
	}
	if (!ret->len) {
		(void)buf_puts(ret, "rpsctl: the plan is not valid, and the daemon does not say "
				    "why: see its log (journalctl -u rpsd)\n");
		status = EXIT_CONFIG;
	}
	return status;
}

static int client_explain_run(const struct client_answer *a, struct buf *ret)
{
	const char *run = client_field(a, "run");

	(void)buf_printf(ret,
		*run ? "rpsctl: no such run: %s\n"
		     : "rpsctl: there is no run: rpsctl start NAME starts one\n%s",
		run);
	return EXIT_NO_INPUT;
}

static int client_explain_unfinished(const struct client_answer *a, struct buf *ret)
{
	(void)buf_printf(ret,
		"rpsctl: %s is %s: its report comes when it has finished; rpsctl watch %s shows it "
		"now\n",
		client_field(a, "run"), client_field(a, "state"), client_field(a, "run"));
	return EXIT_NO_INPUT;
}

static int client_explain_finished(const struct client_answer *a, struct buf *ret)
{
	const char *run = client_field(a, "run");

	(void)buf_printf(
		ret, "rpsctl: %s has finished; rpsctl report %s shows its report\n", run, run);
	return EXIT_NO_INPUT;
}

static int client_explain_refused(const struct client_answer *a, struct buf *ret)
{
	(void)buf_printf(ret, "rpsctl: refused: %s\n", client_field(a, "reason"));
	return EXIT_REFUSED;
}

static int client_explain_role(const struct client_answer *a, struct buf *ret)
{
	(void)a;
	(void)buf_puts(
		ret, "rpsctl: refused: your role does not allow this (rpsd(8) lists the roles)\n");
	return EXIT_REFUSED;
}

static int client_explain_unavailable(const struct client_answer *a, struct buf *ret)
{
	(void)buf_printf(ret, "rpsctl: rpsd cannot: %s\n", client_field(a, "reason"));
	return EXIT_NO_DAEMON;
}

static const struct {
	const char *error;
	int (*explain)(const struct client_answer *a, struct buf *ret);
} client_errors[] = {
	{RPSD_INTERFACE ".PlanInvalid", client_explain_plan},
	{RPSD_INTERFACE ".NoSuchRun", client_explain_run},
	{RPSD_INTERFACE ".NotFinished", client_explain_unfinished},
	{RPSD_INTERFACE ".Finished", client_explain_finished},
	{RPSD_INTERFACE ".Refused", client_explain_refused},
	{RPSD_INTERFACE ".Unavailable", client_explain_unavailable},
	{"org.varlink.service.PermissionDenied", client_explain_role},
};

int client_explain(const struct client_answer *a, struct buf *ret)
{
	for (size_t i = 0; i < sizeof(client_errors) / sizeof(*client_errors); i++) {
		if (str_eq(client_errors[i].error, a->error))
			return client_errors[i].explain(a, ret);
	}
	/* MethodNotFound and the like: a daemon of another version. */
	(void)buf_printf(ret,
		"rpsctl: unexpected error from the daemon: %s%s%s: rpsctl doctor compares the "
		"versions of both\n",
		a->error, *client_field(a, "parameter") ? " " : "", client_field(a, "parameter"));
	return EXIT_NO_DAEMON;
}
