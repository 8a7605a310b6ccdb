/* SPDX-License-Identifier: Apache-2.0 */
/* A reply as the daemon writes it: in parts. */
#pragma once

#include <errno.h>

#include "common/control/varlink.h"
#include "common/json_writer.h"

/* Appends the reply with its NUL; takes over parameters (may be NULL). 0 or -ENOMEM. */
static inline int put_reply(struct buf *out, json_t *parameters, bool continues)
{
	json_t *message = varlink_make_reply(parameters, continues);
	struct json_writer writer = {0};
	int r = 0;

	if (!message)
		return -ENOMEM;
	json_writer_begin(&writer, message);
	while (r == 0 && json_writer_is_writing(&writer))
		r = json_writer_write(&writer, out, 1);
	json_writer_fini(&writer);
	return r ? r : buf_append(out, "", 1);
}
