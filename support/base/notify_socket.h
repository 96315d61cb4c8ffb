/* SPDX-License-Identifier: MIT */
/*
 * The datagrams of sd_notify(3) to the service manager that started the process, and how often its
 * watchdog wants one (WATCHDOG_USEC, WATCHDOG_PID). A message that cannot be sent is lost: the
 * manager's time-outs are there for that.
 */
#ifndef SUPPORT_BASE_NOTIFY_SOCKET_H
#define SUPPORT_BASE_NOTIFY_SOCKET_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify_socket {
	int fd; /* -1 if there is nobody to tell */
	struct sockaddr_un address;
	socklen_t address_size;
	uint64_t watchdog_ms; /* between two feedings; 0 without a watchdog */
};

/* A path, or '@' and a name in the abstract name space. */
static inline bool notify_socket_read_address(struct notify_socket *notify, const char *name)
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
static inline uint64_t notify_socket_read_watchdog_ms(const char *microseconds, const char *process)
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

/* Reads the variables and removes them, so that no child takes them for its own. */
static inline void notify_socket_open(struct notify_socket *notify)
{
	*notify = (struct notify_socket){ .fd = -1 };
	if (notify_socket_read_address(notify, getenv("NOTIFY_SOCKET"))) {
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		notify->watchdog_ms = notify_socket_read_watchdog_ms(
		        getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

static inline void notify_socket_tell(const struct notify_socket *notify, const char *message)
{
	if (notify->fd >= 0) {
		(void)!sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL,
		        (const struct sockaddr *)&notify->address, notify->address_size);
	}
}

static inline void notify_socket_close(struct notify_socket *notify)
{
	if (notify->fd >= 0) {
		(void)close(notify->fd);
		notify->fd = -1;
	}
}

#endif
