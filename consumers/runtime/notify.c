/* SPDX-License-Identifier: MIT */
/* What the service manager is told, and the watchdog's timer on the loop. */
#include "consumers/runtime/notify.h"

#include <event2/event.h>

#include "consumers/common/text.h"
#include "support/base/memory.h"
#include "support/base/notify_socket.h"

#define US_PER_MS 1000
#define MS_PER_SECOND 1000

struct notify {
	struct notify_socket socket;
	struct event *watchdog; /* may be NULL: there is none */
};

static void on_watchdog(evutil_socket_t fd, short what, void *user)
{
	const struct notify *notify = user;
	(void)fd;
	(void)what;
	notify_socket_tell(&notify->socket, "WATCHDOG=1");
}

struct notify *notify_create(struct event_base *base)
{
	struct notify *notify = must_calloc(1, sizeof(*notify));
	notify_socket_open(&notify->socket);
	if (notify->socket.watchdog_ms != 0) {
		notify->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, notify);
		if (notify->watchdog == NULL) {
			text_abort_no_memory();
		}
	}
	return notify;
}

void notify_destroy(struct notify *notify)
{
	if (notify == NULL) {
		return;
	}
	if (notify->watchdog != NULL) {
		event_free(notify->watchdog);
	}
	notify_socket_close(&notify->socket);
	free(notify);
}

void notify_ready(struct notify *notify)
{
	uint64_t ms = notify->socket.watchdog_ms;
	const struct timeval interval = { .tv_sec = (time_t)(ms / MS_PER_SECOND),
		.tv_usec = (suseconds_t)(ms % MS_PER_SECOND * US_PER_MS) };
	notify_socket_tell(&notify->socket, "READY=1\nSTATUS=Serving");
	if (notify->watchdog != NULL && event_add(notify->watchdog, &interval) != 0) {
		text_abort_no_memory();
	}
}

void notify_stopping(struct notify *notify)
{
	notify_socket_tell(&notify->socket, "STOPPING=1\nSTATUS=Finishing what is under way");
}
