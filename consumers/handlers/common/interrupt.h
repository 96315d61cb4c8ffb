/* SPDX-License-Identifier: MIT */
/* SIGTERM, SIGINT and SIGHUP as something to be asked for, so that a handler can clean up. */
#ifndef CONSUMERS_HANDLERS_COMMON_INTERRUPT_H
#define CONSUMERS_HANDLERS_COMMON_INTERRUPT_H

#include <stdbool.h>

/* Blocks the signals for this process; call once, first. Ignores SIGPIPE. */
void interrupt_init(void);

/* Readable once one of the signals has come, for ever after; -1 before interrupt_init. */
int interrupt_fd(void);

bool interrupt_is_pending(void);

/* Waits, but no longer than until a signal comes; returns false if one has. */
bool interrupt_sleep(int milliseconds);

#endif
