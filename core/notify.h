/* SPDX-License-Identifier: MIT */
/*
 * Tells the service manager that started the process how it is: the datagrams of sd_notify(3) to
 * NOTIFY_SOCKET, and its watchdog (WATCHDOG_USEC, WATCHDOG_PID), fed by the loop, so that a loop
 * that hangs is noticed. Without these variables nothing is sent.
 */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

struct loop;
struct notify;

/* Reads and removes the variables, so that no child takes them for its own. Never NULL. */
struct notify *notify_create(struct loop *loop);
void notify_destroy(struct notify *notify);

/* Started; the watchdog is fed from now on. */
void notify_ready(struct notify *notify);
/* Around each reading of the options anew; nothing is said before notify_ready. */
void notify_reloading(struct notify *notify);
void notify_reloaded(struct notify *notify);
/* The watchdog is fed until notify_destroy: a drain may take its time. */
void notify_stopping(struct notify *notify);

#endif
