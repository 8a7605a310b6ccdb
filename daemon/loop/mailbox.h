/* SPDX-License-Identifier: Apache-2.0 */
/* Mail from any thread to the thread of one loop. Posting is wait-free except for the eventfd,
 * which is written only when the inbox goes from empty to non-empty; the owner reads the eventfd
 * first and then takes the whole inbox, so no mail is lost (platform page, section 1: a plain
 * eventfd). */
#pragma once

#include <stdatomic.h>

#include "daemon/loop/loop.h"

struct mail;
/* Called on the loop's thread; the mail may be posted again or freed. */
typedef void (*mail_fn)(struct mail *mail);

/* Embedded in the object that is sent. Owner: the sender until posted, then the mailbox until
 * delivered. */
struct mail {
	struct mail *_next;
	mail_fn on_delivered;
};

struct mailbox {
	_Atomic(struct mail *) _inbox; /* newest first */
	struct loop_task _task;	       /* the eventfd */
};

/* 0 or -errno. */
int mailbox_open(struct mailbox *m, struct loop *loop);
/* Mail still inside is not delivered; its senders keep it. No thread may post any more. */
void mailbox_close(struct mailbox *m);

/* Any thread, including the owner. A mail is posted at most once until it is delivered. Mail from
 * one thread is delivered in the order it was posted. */
void mailbox_post(struct mailbox *m, struct mail *mail);
