/* SPDX-License-Identifier: Apache-2.0 */
/* The control protocol as a client sees it: a server with the real methods on a socket pair, a
 * registry, and an origin to load. Runs are short; nothing waits for longer than they take. */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/varlink.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/config/ini.h"
#include "common/settings/settings.h"
#include "daemon/loop/loop.h"
#include "daemon/origin/origin.h"
#include "daemon/runs/registry.h"
#include "daemon/service/control.h"
#include "daemon/service/log.h"
#include "daemon/service/methods.h"
#include "tests/support/limit.h"

/* Of the settings; a test program may set others before its fixture. */
static const char *test_conf = "[policy]\nallow = 192.0.2.7:80\nmax-rate = 5000/s\n"
			       "[origin a]\nlisten = 127.0.0.1:0\n";

static struct loop *loop;
static struct ini_doc doc;
static struct settings *settings;
static struct guard guard;
static struct origin *origin; /* the first of the settings */
static struct registry *registry;
static struct methods *methods;
static struct control *control;
static char runs_dir[64];

struct client {
	int fd;
	struct buf in;
	size_t searched;
};
static struct client admin;

/* ---------------------------------------------------------------- fixture */

static inline void test_write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", runs_dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void test_remove_file(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", runs_dir, name);
	(void)unlink(path);
}

static inline struct client test_client(void)
{
	struct client k = {0};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(control_add_connection(control, fds[1], NULL), 0);
	k.fd = fds[0];
	return k;
}

/* Through a socket for observers; the same user as the daemon. */
static inline struct client test_observer(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct client k = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	/* An abstract address that the kernel picks. */
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(control_listen(control, listener, CONTROL_OBSERVE), 0);
	ck_assert_int_eq(connect(k.fd, (struct sockaddr *)&address, len), 0);
	return k;
}

/* Somebody in the group: a socket whose peer is neither root nor us. Only root can pretend. */
static inline struct client test_operator(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct client k = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(control_listen(control, listener, CONTROL_OPERATE), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(connect(k.fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(seteuid(0), 0);
	return k;
}

static inline void test_close(struct client *k)
{
	ck_assert_int_eq(close(k->fd), 0);
	buf_fini(&k->in);
}

static inline void test_setup(void)
{
	struct methods_config config = {.origins = &origin, .n_origins = 1, .runs_dir = runs_dir};
	struct registry_config runs = {.guard = &guard};
	struct control_config server = {.methods = methods_table, .n_methods = methods_n};
	struct problems problems = {0};
	struct err err = {0};
	char text[256];

	log_open(LOG_ERR);
	(void)snprintf(runs_dir, sizeof(runs_dir), "/tmp/test_methods.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(runs_dir));
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(ini_read(&doc, "rpsd.conf", test_conf, strlen(test_conf), &problems), 0);
	ck_assert_int_eq(settings_build(&doc, &settings, &problems), 0);
	ck_assert_int_eq(guard_init_service(&guard, (const char *const *)settings->allow,
				 settings->n_allow, &err),
		0);
	ck_assert_int_eq(origin_start(&settings->origins[0], &origin, &err), 0);
	runs.loop = server.loop = loop;
	runs.settings = config.settings = settings;
	config.doc = &doc;
	ck_assert_int_eq(registry_new(&runs, &registry, &err), 0);
	config.registry = registry;
	ck_assert_int_eq(methods_new(&config, &methods), 0);
	server.userdata = methods;
	ck_assert_int_eq(control_new(&server, &control), 0);
	admin = test_client();

	(void)snprintf(text, sizeof(text),
		"[target]\nurl = http://%s/\n[load]\nrate = 200\nduration = 200ms\n"
		"[statistics]\ninterval = 100ms\n"
		"[defaults]\nheader = Cookie: secret\n",
		origin_address(origin));
	test_write_file("short.ini", text);
	test_write_file(
		"bad.ini", "[target]\nurl = http://127.0.0.1/\n[load]\nrate = x\nrat = 5\n");
}

static inline void test_teardown(void)
{
	registry_stop_all(registry, true, "the test is over");
	while (registry_n_active(registry) > 0)
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
	test_close(&admin);
	control = control_free(control);
	methods = methods_free(methods);
	registry = registry_free(registry);
	origin = origin_free(origin);
	guard_fini(&guard);
	settings = settings_free(settings);
	ini_fini(&doc);
	loop = loop_free(loop);
	test_remove_file("short.ini");
	test_remove_file("bad.ini");
	test_remove_file("body.ini");
	test_remove_file("body.txt");
	ck_assert_int_eq(rmdir(runs_dir), 0);
}

/* ---------------------------------------------------------------- calling */

static inline void test_send(struct client *k, const char *method, json_t *parameters, bool more)
{
	char name[128];
	struct buf out = {0};

	(void)snprintf(
		name, sizeof(name), "%s%s", strchr(method, '.') ? "" : RPSD_INTERFACE ".", method);
	ck_assert_int_eq(varlink_put_call(&out, name, parameters, more), 0);
	ck_assert_int_eq(send(k->fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
	buf_fini(&out);
}

static inline json_t *test_next(struct client *k)
{
	int64_t until_ns = limit_ns(3);
	json_t *message;
	char data[65536];

	for (;;) {
		ssize_t n;

		ck_assert_int_eq(
			varlink_take(&k->in, VARLINK_REPLY_MAX, &k->searched, &message), 0);
		if (message)
			return message;
		n = recv(k->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0) {
			ck_assert_int_eq(buf_append(&k->in, data, (size_t)n), 0);
			continue;
		}
		ck_assert_msg(n == -1 && errno == EAGAIN, "the server has closed");
		ck_assert_int_lt(clock_now_ns(), until_ns);
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
	}
}

static inline json_t *test_call(struct client *k, const char *method, json_t *parameters)
{
	test_send(k, method, parameters, false);
	return test_next(k);
}

/* The reply's parameters; it must be no error. */
static inline json_t *test_ok(struct client *k, const char *method, json_t *parameters)
{
	json_t *reply = test_call(k, method, parameters);
	const char *error = json_string_value(json_object_get(reply, "error"));
	json_t *out = json_incref(json_object_get(reply, "parameters"));

	ck_assert_msg(!error, "%s: %s", method, error);
	json_decref(reply);
	return out;
}

/* The call must fail with that error, and that text must be among its parameters. */
static inline void test_fails(struct client *k, const char *method, json_t *parameters,
	const char *error, const char *text)
{
	json_t *reply = test_call(k, method, parameters);
	char *all = json_dumps(reply, JSON_COMPACT);

	ck_assert_msg(json_string_value(json_object_get(reply, "error")) != NULL, "%s", all);
	ck_assert_str_eq(json_string_value(json_object_get(reply, "error")), error);
	ck_assert_msg(strstr(all, text) != NULL, "%s: not in %s", text, all);
	free(all);
	json_decref(reply);
}

#define INVALID "org.varlink.service.InvalidParameter"

static inline void test_start_short(char id[static 96], json_t *parameters)
{
	json_t *reply;

	ck_assert_int_eq(json_object_set_new(parameters, "name", json_string("short")), 0);
	reply = test_ok(&admin, "Start", parameters);
	(void)snprintf(id, 96, "%s", json_string_value(json_object_get(reply, "id")));
	json_decref(reply);
}

static inline json_t *test_set(const char *key, const char *value)
{
	return json_pack("{s:[{s:s, s:s}]}", "set", "key", key, "value", value);
}

static inline void test_until_finished(const char *id)
{
	int64_t until_ns = limit_ns(3);

	while (run_get_state(registry_find(registry, id)) != RUN_FINISHED) {
		ck_assert_int_lt(clock_now_ns(), until_ns);
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
	}
}

static inline TCase *test_case(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	suite_add_tcase(s, t);
	return t;
}
