/* SPDX-License-Identifier: Apache-2.0 */
/* A future is a mail with a result in it. Completing it posts it to its owner's mailbox, which
 * wakes the loop: an eventfd takes the place of the talk's socket pair. */
#include "daemon/loop/future.h"

#include <assert.h>
#include <stddef.h>

static void future_on_delivered(struct mail *mail)
{
	struct future *f = container_of(mail, struct future, _mail);

	f->_delivered = true;
	if (f->_on_done)
		f->_on_done(f, f->_result, f->_arg);
}

void loop_add_future(struct loop *loop, struct future *f)
{
	*f = (struct future){._mail.on_delivered = future_on_delivered, ._loop = loop};
	atomic_init(&f->_completed, false);
}

void future_on_done(struct future *f, future_fn fn, void *arg)
{
	assert(!f->_on_done);
	f->_on_done = fn;
	f->_arg = arg;
	if (f->_delivered)
		fn(f, f->_result, arg);
}

bool future_done(struct future *f, void *result)
{
	if (atomic_exchange_explicit(&f->_completed, true, memory_order_acq_rel))
		return false;
	f->_result = result;
	mailbox_post(loop_mailbox(f->_loop), &f->_mail);
	return true;
}
