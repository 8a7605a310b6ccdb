/* SPDX-License-Identifier: Apache-2.0 */
/* The Varlink wire format: JSON objects terminated by NUL (platform page, section 2). Framing and
 * envelopes for both programs; no descriptors here. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

/* Limits of one message in bytes: a call, a call that carries files, a reply. A call is read in one
 * step, in some 20 ns for each byte. */
#define VARLINK_CALL_MAX (64u << 10)
#define VARLINK_START_MAX (16u << 20)
#define VARLINK_REPLY_MAX (16u << 20)
#define VARLINK_DEPTH_MAX 32
/* The limit for a call: values and keys in all its objects and arrays. A reply may have more: a
 * result does. */
#define VARLINK_ELEMENTS_MAX 4096

#define RPSD_INTERFACE "io.rpsd.Control"

enum {
	VARLINK_E_PROTOCOL = 1, /* not an object, bad envelope: close the connection, no reply */
	VARLINK_E_TOO_LONG,
};

/* Takes the next complete message out of in. *ret (a new reference) is NULL when there is none yet.
 * 0, VARLINK_E_…, or -ENOMEM. max: a message of this many bytes is too long. searched: belongs to
 * the caller, one for each in, initially 0: the number of bytes of in that are known to contain no
 * NUL, so that a large message that comes in pieces is searched once and not once for each
 * piece. */
int varlink_take(struct buf *in, size_t max, size_t *searched, json_t **ret);
/* The same for a server, which must limit the memory that a peer can use: more than
 * VARLINK_ELEMENTS_MAX elements are VARLINK_E_PROTOCOL. */
int varlink_take_call(struct buf *in, size_t max, size_t *searched, json_t **ret);

struct varlink_call {
	const char *method; /* "io.rpsd.Control.Start"; borrowed from the message */
	json_t *parameters; /* an object or NULL; borrowed */
	bool more;
	bool oneway;
	bool upgrade;
};
/* A parameter that any call may have: systemd's clients add it. */
bool varlink_is_for_all(const char *parameter);
/* Strict: an unknown key without a dot is a violation. 0 or VARLINK_E_PROTOCOL. */
int varlink_parse_call(json_t *message, struct varlink_call *ret);

struct varlink_reply {
	json_t *parameters; /* an object or NULL; borrowed */
	const char *error;  /* NULL: none */
	bool continues;
};
int varlink_parse_reply(json_t *message, struct varlink_reply *ret);

/* A message, to be sent by the caller; takes over parameters (may be NULL). NULL: no memory. */
json_t *varlink_make_reply(json_t *parameters, bool continues);
json_t *varlink_make_error(const char *error, json_t *parameters);

/* Each appends one message with its NUL to out and takes over parameters (may be NULL).
 * 0 or -ENOMEM. */
int varlink_put_call(struct buf *out, const char *method, json_t *parameters, bool more);
int varlink_put_error(struct buf *out, const char *error, json_t *parameters);

/* The text of common/control/rpsd.varlink. */
extern const char varlink_interface_text[];
