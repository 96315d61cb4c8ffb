/* SPDX-License-Identifier: MIT */
/*
 * Tells the service manager that started the consumer how it is, and feeds its watchdog from the
 * loop, so that a loop that hangs is noticed. Without sd_notify(3)'s variables nothing is sent.
 */
#ifndef CONSUMERS_RUNTIME_NOTIFY_H
#define CONSUMERS_RUNTIME_NOTIFY_H

struct event_base;
struct notify;

/* Removes the variables, so that no handler takes them for its own. Never NULL. */
struct notify *notify_create(struct event_base *base);
/* Takes NULL. */
void notify_destroy(struct notify *notify);

/* The watchdog is fed from now on until notify_destroy: a drain may take its time. */
void notify_ready(struct notify *notify);
void notify_stopping(struct notify *notify);

#endif
