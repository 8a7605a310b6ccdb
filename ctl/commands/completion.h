/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that make shells complete rpsctl's words, from the tables of commands, flags, terms and
 * keys. Pure. */
#pragma once

struct buf;

/* 0 or -ENOMEM. */
int completion_bash(struct buf *ret);
