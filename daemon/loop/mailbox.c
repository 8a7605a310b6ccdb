/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox is a stack that posters push to with one compare-and-swap and that the owner takes as a
 * whole with one exchange; reversed, it is in posting order. The poster that finds it empty writes
 * the eventfd. The owner reads the eventfd before it takes the stack: a mail that is posted between
 * the two is taken at once and costs one spurious wake-up; in the other order it could be lost.
 *
 * A write that fails would leave the stack non-empty, and the owner would never be woken again.
 * Then the owner is woken by the epoll set instead, which reports that the eventfd is writable. */
#include "daemon/loop/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void mailbox_on_ready(struct loop_task *task, uint32_t events)
{
	struct mailbox *m = container_of(task, struct mailbox, _task);
	struct mail *newest;
	struct mail *oldest = NULL;
	eventfd_t value;

	(void)events;
	(void)eventfd_read(task->fd, &value);
	newest = atomic_exchange_explicit(&m->_inbox, NULL, memory_order_acquire);
	while (newest) {
		struct mail *next = newest->_next;

		newest->_next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct mail *mail = oldest;

		oldest = mail->_next;
		mail->on_delivered(mail);
	}
}

int mailbox_open(struct mailbox *m, struct loop *loop)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r;

	if (fd == -1)
		return -errno;
	atomic_init(&m->_inbox, NULL);
	r = loop_add_task(loop, &m->_task, fd, LOOP_INPUT, mailbox_on_ready);
	if (r < 0)
		(void)close(fd);
	return r;
}

void mailbox_close(struct mailbox *m)
{
	int fd = m->_task.fd;

	loop_remove_task(&m->_task);
	(void)close(fd);
}

void mailbox_post(struct mailbox *m, struct mail *mail)
{
	/* Read before the mail is visible: the owner may close the mailbox as soon as it has it. */
	struct loop *loop = m->_task._loop;
	int fd = m->_task.fd;
	struct mail *head = atomic_load_explicit(&m->_inbox, memory_order_relaxed);

	do
		mail->_next = head;
	while (!atomic_compare_exchange_weak_explicit(
		&m->_inbox, &head, mail, memory_order_release, memory_order_relaxed));
	if (!head && eventfd_write(fd, 1) == -1)
		loop_wake_writable(loop, &m->_task, fd);
}
