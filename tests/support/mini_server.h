/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP server on 127.0.0.1 that does what a test says, good or bad: it answers, answers late on
 * command, closes, resets, talks nonsense or never accepts. Without a behaviour the test accepts
 * and talks itself, on its own thread; with one, each connection gets a thread that runs it.
 *
 * Nothing here sleeps: what waits, waits for the other side, for the test's word
 * (mini_server_release) or for the end of the server. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MINI_CONNECTIONS_MAX 1024 /* over the life of one server */

#define MINI_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MINI_OK_CLOSE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
#define MINI_503 "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"

struct mini_server;

struct mini_conn {
	struct mini_server *server;
	int fd;		/* closed after the behaviour, unless it is -1 by then */
	unsigned index; /* 0 for the first connection accepted */
	unsigned _matched;
	pthread_t _thread;
};

/* The life of one connection, on a thread of its own. False from the verbs below means that it is
 * over (the client or the server has gone): return. */
typedef void (*mini_fn)(struct mini_conn *c);

struct mini_server {
	struct sockaddr_in address;
	int listener;
	void *userdata; /* for the behaviour */
	/* the server's own */
	mini_fn _fn;
	pthread_t _thread;
	pthread_mutex_t _lock;
	pthread_cond_t _changed;
	bool _is_stopping;
	unsigned _n_conns_max;
	uint64_t _released;
	uint64_t _taken;
	unsigned _n_requests;
	unsigned _n_held;
	unsigned _n_conns;
	struct mini_conn *_conns; /* MINI_CONNECTIONS_MAX */
};

/* fn NULL: nobody accepts but mini_server_accept. backlog: of listen(). 0 or -errno. */
int mini_server_open(struct mini_server *s, int backlog, mini_fn fn, void *userdata);
/* The same; no more than that many connections are ever accepted, others are left waiting. */
int mini_server_open_limited(
	struct mini_server *s, int backlog, unsigned n_conns_max, mini_fn fn, void *userdata);
/* Ends every connection, joins every thread. */
void mini_server_close(struct mini_server *s);

/* Without a behaviour: the next connection, blocking; -1 when none comes. */
int mini_server_accept(struct mini_server *s);
/* Without a behaviour and with a backlog of 0: takes the one place there is, so that the handshake
 * of everybody else waits. The descriptor to close, or -1. */
int mini_server_fill(struct mini_server *s);

/* Lets n of those that hold, or will, go on. */
void mini_server_release(struct mini_server *s, uint64_t n);
/* Blocks until so many connections hold, have been accepted, or requests have been read. */
void mini_server_await_held(struct mini_server *s, unsigned n);
unsigned mini_server_requests(struct mini_server *s);
unsigned mini_server_connections(struct mini_server *s);

/* ---- for behaviours */

/* Reads up to the empty line after a request's headers: one request without a body. */
bool mini_read_request(struct mini_conn *c);
bool mini_write(struct mini_conn *c, const char *text);
bool mini_write_bytes(struct mini_conn *c, const void *data, size_t len);
/* Waits for one mini_server_release. */
bool mini_hold(struct mini_conn *c);
/* Waits; false: the server ends before. */
bool mini_delay(struct mini_conn *c, int64_t time_ns);
/* For who reads requests in a way of his own. */
void mini_count_request(struct mini_conn *c);
/* Until the client or the server goes. */
void mini_linger(struct mini_conn *c);
/* Closes with a reset instead of a goodbye. */
void mini_reset(struct mini_conn *c);

/* A descriptor closed with a reset. */
void mini_reset_fd(int fd);

/* ---- ready-made behaviours */

void mini_answer(struct mini_conn *c);	     /* 200 to every request */
void mini_answer_503(struct mini_conn *c);   /* 503 to every request */
void mini_answer_close(struct mini_conn *c); /* one 200 with Connection: close, and closes */
void mini_answer_held(struct mini_conn *c);  /* 200 to every request, each when released */
void mini_hang(struct mini_conn *c);	     /* reads, never answers */
void mini_hang_up(struct mini_conn *c);	     /* closes at once */
void mini_garble(struct mini_conn *c);	     /* nonsense to the first request */
void mini_break(struct mini_conn *c);	     /* resets in the middle of the first response */
