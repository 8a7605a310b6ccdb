/* SPDX-License-Identifier: Apache-2.0 */
/* A future: an action whose result comes later. Any thread completes it, once; its owner's loop is
 * woken and calls the function that was given to future_on_done, on the loop's thread.
 *
 *   loop_add_future(loop, &f)  ->  future_on_done(&f, fn, arg)  ->  (any thread) future_done(&f, r)
 *
 * Writes of the completing thread before future_done are visible to the callback. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/loop/mailbox.h"

struct future;
/* Owner's thread. The future may be freed or added again inside. */
typedef void (*future_fn)(struct future *f, void *result, void *arg);

struct future {
	struct mail _mail;
	struct loop *_loop;
	atomic_bool _completed;
	bool _delivered; /* owner's thread */
	void *_result;
	future_fn _on_done;
	void *_arg;
};

/* Owner's thread. Makes f a pending future of this loop. */
void loop_add_future(struct loop *loop, struct future *f);

/* Owner's thread, once for each future; called from the loop when (or as soon as) f is done. If the
 * result has been delivered already, fn is called at once. */
void future_on_done(struct future *f, future_fn fn, void *arg);

/* Any thread. The first call wins and returns true; later ones return false and change nothing. */
bool future_done(struct future *f, void *result);
