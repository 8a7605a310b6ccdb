/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal a view is drawn on: its size, its keys without echo, its cursor, and job control;
 * whatever is changed is put back. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct terminal {
	int in;	       /* where keys are read; -1: nowhere */
	int out;       /* where it is drawn */
	bool is_ours;  /* entered: the cursor is hidden */
	bool has_keys; /* entered, and keys arrive one by one */
	bool _has_mode;
	struct termios _saved;
};

/* Changes nothing yet. in may be anything: keys are read only from a terminal. */
void terminal_init(struct terminal *t, int in, int out);
/* The rows of out; 24 if unknown. */
unsigned terminal_rows(const struct terminal *t);
/* False while a shell has put us in the background: what we drew would run into its lines. */
bool terminal_is_in_front(const struct terminal *t);

/* Hides the cursor and reads keys one by one; Ctrl-C, Ctrl-Z and Ctrl-S keep their meaning. May be
 * called again. */
void terminal_enter(struct terminal *t);
/* Puts back what terminal_enter changed, if it did. */
void terminal_leave(struct terminal *t);
/* SIGCONT: others may have had it meanwhile. Sets it up again, or leaves it to who has it now. */
void terminal_continue(struct terminal *t);

/* The descriptor to poll; -1 while no keys are read. */
int terminal_key_fd(const struct terminal *t);
/* The keys pressed since, but for escape sequences; events: what poll said. Their number. */
size_t terminal_read_keys(struct terminal *t, short events, char *ret, size_t size);

/* SIGINT, SIGTERM, SIGQUIT, SIGWINCH, SIGTSTP and SIGCONT by descriptor from now on, and SIGHUP
 * unless it is ignored. A signalfd, or -errno: then they do what they did before. */
int terminal_block_signals(void);
/* The next signal that has come to that descriptor; 0: none has, or -errno: none can be read. */
int terminal_next_signal(int signals);
/* Does what SIGTSTP would have done: stops this process until it is continued. */
void terminal_stop_process(void);
