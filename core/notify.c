/* SPDX-License-Identifier: MIT */
/* What the service manager is told, and the watchdog's timer on the loop. */
#include "core/notify.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/loop.h"
#include "support/base/memory.h"
#include "support/base/notify_socket.h"

struct notify {
	struct loop *loop;
	struct notify_socket socket;
	bool is_ready; /* and not stopping */
	struct timer *watchdog;
};

struct notify *notify_create(struct loop *loop)
{
	struct notify *notify = must_calloc(1, sizeof(*notify));
	notify->loop = loop;
	notify_socket_open(&notify->socket);
	return notify;
}

void notify_destroy(struct notify *notify)
{
	if (notify == NULL) {
		return;
	}
	timer_stop(notify->watchdog);
	notify_socket_close(&notify->socket);
	free(notify);
}

static void feed(void *user)
{
	struct notify *notify = user;
	notify_socket_tell(&notify->socket, "WATCHDOG=1");
	notify->watchdog = timer_start(notify->loop, notify->socket.watchdog_ms, feed, notify);
}

void notify_ready(struct notify *notify)
{
	notify->is_ready = true;
	notify_socket_tell(&notify->socket, "READY=1\nSTATUS=Serving");
	if (notify->socket.watchdog_ms != 0 && notify->watchdog == NULL) {
		feed(notify);
	}
}

void notify_reloading(struct notify *notify)
{
	char message[96];
	if (!notify->is_ready) {
		return;
	}
	(void)snprintf(message, sizeof(message),
	        "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading options",
	        loop_now_us(notify->loop));
	notify_socket_tell(&notify->socket, message);
}

void notify_reloaded(struct notify *notify)
{
	if (notify->is_ready) {
		notify_socket_tell(&notify->socket, "READY=1\nSTATUS=Serving");
	}
}

void notify_stopping(struct notify *notify)
{
	notify->is_ready = false;
	notify_socket_tell(&notify->socket, "STOPPING=1\nSTATUS=Finishing what is under way");
}
