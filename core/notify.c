/* SPDX-License-Identifier: MIT */
/* A message that cannot be sent is lost: the manager's time-outs are there for that. */
#include "core/notify.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/loop.h"
#include "support/base/memory.h"

struct notify {
	struct loop *loop;
	int socket; /* -1 if there is nobody to tell */
	struct sockaddr_un address;
	socklen_t address_size;
	bool is_ready; /* and not stopping */
	uint64_t watchdog_ms; /* between two feedings; 0 without a watchdog */
	struct timer *watchdog;
};

static void tell(const struct notify *notify, const char *message)
{
	if (notify->socket >= 0) {
		(void)!sendto(notify->socket, message, strlen(message), MSG_NOSIGNAL,
		        (const struct sockaddr *)&notify->address, notify->address_size);
	}
}

/* A path, or '@' and a name in the abstract name space. */
static bool read_address(struct notify *notify, const char *name)
{
	size_t size = name != NULL ? strlen(name) : 0;
	if (size < 2 || size >= sizeof(notify->address.sun_path) ||
	        (name[0] != '/' && name[0] != '@')) {
		return false;
	}
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, size);
	if (name[0] == '@') {
		notify->address.sun_path[0] = '\0';
	}
	notify->address_size =
	        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
	return true;
}

/* Twice within the manager's time, as sd_watchdog_enabled(3) advises. */
static uint64_t read_watchdog_ms(const char *microseconds, const char *process)
{
	if (microseconds == NULL) {
		return 0;
	}
	if (process != NULL && strtoumax(process, NULL, 10) != (uintmax_t)getpid()) {
		return 0;
	}
	uint64_t ms = strtoumax(microseconds, NULL, 10) / 1000;
	return ms > 1 ? ms / 2 : ms;
}

struct notify *notify_create(struct loop *loop)
{
	struct notify *notify = must_calloc(1, sizeof(*notify));
	notify->loop = loop;
	notify->socket = -1;
	if (read_address(notify, getenv("NOTIFY_SOCKET"))) {
		notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		notify->watchdog_ms =
		        read_watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return notify;
}

void notify_destroy(struct notify *notify)
{
	if (notify == NULL) {
		return;
	}
	timer_stop(notify->watchdog);
	if (notify->socket >= 0) {
		(void)close(notify->socket);
	}
	free(notify);
}

static void feed(void *user)
{
	struct notify *notify = user;
	tell(notify, "WATCHDOG=1");
	notify->watchdog = timer_start(notify->loop, notify->watchdog_ms, feed, notify);
}

void notify_ready(struct notify *notify)
{
	notify->is_ready = true;
	tell(notify, "READY=1\nSTATUS=Serving");
	if (notify->watchdog_ms != 0 && notify->watchdog == NULL) {
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
	tell(notify, message);
}

void notify_reloaded(struct notify *notify)
{
	if (notify->is_ready) {
		tell(notify, "READY=1\nSTATUS=Serving");
	}
}

void notify_stopping(struct notify *notify)
{
	notify->is_ready = false;
	tell(notify, "STOPPING=1\nSTATUS=Finishing what is under way");
}
