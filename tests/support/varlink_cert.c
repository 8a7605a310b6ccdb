/* SPDX-License-Identifier: Apache-2.0 */
/* A server of org.varlink.certification on the framing and control code of the daemon: what others
 * have written to find out whether an implementation of Varlink is one. Their client passes through
 * it in order; what each step wants and answers is a table.
 *
 *	varlink_cert SOCKET
 *
 * It serves until it is ended, and says every mismatch on stderr. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/str.h"
#include "daemon/loop/loop.h"
#include "daemon/service/control.h"
#include "daemon/service/control_socket.h"

#define CERT_INTERFACE "org.varlink.certification"
#define CERT_CLIENTS_MAX 16
#define CERT_REPLIES 10

/* Of the whole service; a client's id is its place here and where it stands. */
static unsigned cert_next[CERT_CLIENTS_MAX];
static unsigned cert_n_clients;

#define CERT_STRUCT                                                                                \
	"{\"bool\":false,\"int\":2,\"float\":3.1415926535897931,\"string\":\"a lot of string\"}"
#define CERT_MAP "{\"bar\":\"Bar\",\"foo\":\"Foo\"}"
#define CERT_SET "{\"one\":{},\"two\":{},\"three\":{}}"
#define CERT_MYTYPE                                                                                \
	"{\"object\":{\"method\":\"" CERT_INTERFACE ".Test09\",\"parameters\":{\"map\":" CERT_MAP  \
	"}},\"enum\":\"two\",\"struct\":{\"first\":1,\"second\":\"2\"},"                           \
	"\"array\":[\"one\",\"two\",\"three\"],\"dictionary\":" CERT_MAP                           \
	",\"stringset\":" CERT_SET ",\"nullable\":null,\"nullable_array_struct\":null,"            \
	"\"interface\":{\"foo\":[null,{\"Foo\":\"foo\",\"Bar\":\"bar\"},null,"                     \
	"{\"one\":\"foo\",\"two\":\"bar\"}],\"anon\":{\"foo\":true,\"bar\":false}}}"

/* Each step beside client_id; the answer of one is what the next one wants. */
static const struct {
	const char *method;
	const char *wants;
	const char *answers;
} cert_steps[] = {
	{"Test01", "{}", "{\"bool\":true}"},
	{"Test02", "{\"bool\":true}", "{\"int\":1}"},
	{"Test03", "{\"int\":1}", "{\"float\":1.0}"},
	{"Test04", "{\"float\":1.0}", "{\"string\":\"ping\"}"},
	{"Test05", "{\"string\":\"ping\"}", CERT_STRUCT},
	{"Test06", CERT_STRUCT, "{\"struct\":" CERT_STRUCT "}"},
	{"Test07", "{\"struct\":" CERT_STRUCT "}", "{\"map\":" CERT_MAP "}"},
	{"Test08", "{\"map\":" CERT_MAP "}", "{\"set\":" CERT_SET "}"},
	{"Test09", "{\"set\":" CERT_SET "}", "{\"mytype\":" CERT_MYTYPE "}"},
	{"Test10", "{\"mytype\":" CERT_MYTYPE "}", NULL}, /* several replies */
	{"Test11", NULL, "{}"},				  /* oneway, with those replies */
	{"End", "{}", "{\"all_ok\":true}"},
};

/* ---------------------------------------------------------------- comparing */

static bool cert_equal(const json_t *a, const json_t *b);

/* What is absent is null. */
static bool cert_has_all(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)b, key, value)
	{
		if (!cert_equal(json_object_get(a, key), value))
			return false;
	}
	return true;
}

/* Some write 1.0 as 1. */
static bool cert_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	if (json_is_object(a) && json_is_object(b))
		return cert_has_all(a, b) && cert_has_all(b, a);
	if (json_is_array(a) && json_is_array(b)) {
		size_t n = json_array_size(a);
		size_t i = 0;

		while (i < n && cert_equal(json_array_get(a, i), json_array_get(b, i)))
			i++;
		return i == n && json_array_size(b) == n;
	}
	if (!a || !b || json_is_null(a) || json_is_null(b))
		return (!a || json_is_null(a)) && (!b || json_is_null(b));
	return json_equal(a, b);
}

/* ---------------------------------------------------------------- methods */

static json_t *cert_reply_number(int n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "Reply number %d", n);
	return json_string(text);
}

static json_t *cert_wants(size_t step)
{
	json_t *replies;

	if (cert_steps[step].wants)
		return json_loads(cert_steps[step].wants, 0, NULL);
	replies = json_array();
	for (int i = 1; i <= CERT_REPLIES; i++)
		(void)json_array_append_new(replies, cert_reply_number(i));
	return json_pack("{s:o}", "last_more_replies", replies);
}

static void cert_start(struct control_call *call)
{
	char id[16];

	if (cert_n_clients == CERT_CLIENTS_MAX) {
		control_error(call, CERT_INTERFACE ".ClientIdError", NULL);
		return;
	}
	(void)snprintf(id, sizeof(id), "client-%u", cert_n_clients++);
	control_reply(call, json_pack("{s:s}", "client_id", id));
}

/* NULL: there is no such client. */
static unsigned *cert_find_client(const struct control_call *call)
{
	json_t *parameters = control_call_parameters(call);
	const char *id = json_string_value(json_object_get(parameters, "client_id"));
	unsigned n;

	if (!id || sscanf(id, "client-%u", &n) != 1 || n >= cert_n_clients)
		return NULL;
	return &cert_next[n];
}

static void cert_answer(struct control_call *call, size_t step)
{
	if (cert_steps[step].answers) {
		control_reply(call, json_loads(cert_steps[step].answers, 0, NULL));
		return;
	}
	for (int i = 1; i < CERT_REPLIES; i++)
		control_reply_more(call, json_pack("{s:o}", "string", cert_reply_number(i)));
	control_reply(call, json_pack("{s:o}", "string", cert_reply_number(CERT_REPLIES)));
}

static void cert_on_step(struct control_call *call, size_t step)
{
	unsigned *next = cert_find_client(call);
	json_t *got;
	json_t *wants;

	if (!next) {
		control_error(call, CERT_INTERFACE ".ClientIdError", NULL);
		return;
	}
	got = json_copy(control_call_parameters(call));
	(void)json_object_del(got, "client_id");
	wants = cert_wants(step);
	if (*next == step && cert_equal(got, wants) &&
		(cert_steps[step].answers || control_call_wants_more(call))) {
		*next = (unsigned)step + 1;
		json_decref(got);
		json_decref(wants);
		cert_answer(call, step);
		return;
	}
	(void)fprintf(stderr, "varlink_cert: %s: step %u is next, or wrong parameters\n",
		cert_steps[step].method, *next);
	control_error(call, CERT_INTERFACE ".CertificationError",
		json_pack("{s:o, s:o}", "wants", wants, "got", got));
}

/* Of all methods. */
static void cert_on_call(struct control_call *call, void *userdata)
{
	const char *name = strrchr(control_call_method(call), '.') + 1;

	(void)userdata;
	if (str_eq(name, "Start")) {
		cert_start(call);
		return;
	}
	for (size_t i = 0; i < sizeof(cert_steps) / sizeof(cert_steps[0]); i++) {
		if (str_eq(cert_steps[i].method, name)) {
			cert_on_step(call, i);
			return;
		}
	}
}

#define CERT_METHOD(name)                                                                          \
	{                                                                                          \
		CERT_INTERFACE "." name, CONTROL_OBSERVE, cert_on_call                             \
	}

static const struct control_method cert_methods[] = {
	CERT_METHOD("Start"),
	CERT_METHOD("Test01"),
	CERT_METHOD("Test02"),
	CERT_METHOD("Test03"),
	CERT_METHOD("Test04"),
	CERT_METHOD("Test05"),
	CERT_METHOD("Test06"),
	CERT_METHOD("Test07"),
	CERT_METHOD("Test08"),
	CERT_METHOD("Test09"),
	CERT_METHOD("Test10"),
	CERT_METHOD("Test11"),
	CERT_METHOD("End"),
};

/* ---------------------------------------------------------------- serving */

int main(int argc, char **argv)
{
	struct control_config config = {
		.methods = cert_methods,
		.n_methods = sizeof(cert_methods) / sizeof(cert_methods[0]),
	};
	struct control_socket socket = {0};
	struct control *control;
	struct err err = {0};
	int fd;

	if (argc != 2) {
		(void)fputs("usage: varlink_cert SOCKET\n", stderr);
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (loop_new(&config.loop) < 0 || control_new(&config, &control) < 0)
		return 1;
	if (control_socket_open(&socket, argv[1], 0600, &fd, &err) < 0 ||
		control_listen(control, fd, CONTROL_OPERATE) < 0) {
		(void)fprintf(stderr, "varlink_cert: %s\n", err.text);
		return 1;
	}
	return loop_run(config.loop) < 0;
}
