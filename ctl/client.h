/* SPDX-License-Identifier: Apache-2.0 */
/* One Varlink connection to a daemon, on the side of rpsctl: non-blocking inside poll loops, or a
 * plain call and answer for the short commands. One thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/buf.h"

struct err;
struct options;

struct client {
	int fd; /* -1: closed */
	struct buf in;
	size_t searched; /* bytes of `in` that are known to contain no complete message */
	struct buf out;
	bool is_observer; /* it may only observe */
	bool is_service;  /* not a private daemon, whose log is on stderr */
	bool joins;	  /* the call in progress is a Report, which comes in batches */
	json_t *whole;	  /* the batches joined so far */
};

/* Takes over a connected descriptor; makes it non-blocking. */
void client_init(struct client *c, int fd);
/* Fine on one that was never opened, if its fd is -1. */
void client_close(struct client *c);

/* The socket's path: --socket, $RPSCTL_SOCKET or the service's own. */
const char *client_socket_path(const struct options *o);
/* A descriptor connected to the socket, or -errno: -ENOTSOCK where the path is that of another
 * file, -ECONNREFUSED where no process listens. */
int client_dial(const char *path);
/* The command that makes a service listen there. */
void client_start_words(const char *path, char *ret, size_t size);

/* Connects to the service. is_query: read-only, so the observers' socket will do where the other
 * one is forbidden. 0, or the exit status to end with, and one line in reterr. */
int client_connect(struct client *c, const struct options *o, bool is_query, struct err *reterr);

enum {
	CLIENT_E_LOST = 1, /* the daemon closed the connection, or the socket failed */
	CLIENT_E_PROTOCOL, /* it violates the protocol */
};

/* Queues a call of io.rpsd.Control; takes over parameters. 0 or -ENOMEM. A Report is always asked
 * for in batches, and taken as the one answer that they make. One call at a time. */
int client_send(struct client *c, const char *method, json_t *parameters, bool more);
/* The events to poll for. */
short client_events(const struct client *c);
/* What is wrong, and what may help: ": ...", or "". */
const char *client_trouble(int r);
const char *client_remedy(const struct client *c, int r);
/* Writes what is queued and reads what has come, without waiting. 0, CLIENT_E_…, -ENOMEM. What came
 * before the connection was lost can still be taken. */
int client_pump(struct client *c);

struct client_answer {
	json_t *message;    /* owns the rest; NULL: none there */
	json_t *parameters; /* an object, or NULL */
	const char *error;  /* Takes the next complete answer, if there is one. 0,
			     * CLIENT_E_PROTOCOL, -ENOMEM. */
	bool continues;
};
void client_answer_fini(struct client_answer *a);
/* The next whole answer, if there is one. 0, CLIENT_E_PROTOCOL, -ENOMEM. */
int client_take(struct client *c, struct client_answer *ret);

/* Describes an error answer, one line for each problem. Returns the exit status for it. */
int client_call(
	struct client *c, const char *method, json_t *parameters, struct client_answer *ret);

/* An error answer in words, one line for each problem. Returns the exit status for it. */
int client_explain(const struct client_answer *a, struct buf *ret);
