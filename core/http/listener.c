/* SPDX-License-Identifier: MIT */
/* When descriptors run out, accepting rests for a moment instead of spinning on the same error. */
#include "core/http/listener.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/address.h"
#include "core/http/server_inside.h"
#include "core/log.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 64, REST_MS = 100, SAY_AGAIN_US = 60000000 };

struct http_listener {
	SLIST_ENTRY(http_listener) links;
	struct http_server *server; /* borrowed */
	int fd; /* owned */
	uint16_t port;
	struct event acceptable;
	struct http_deadline rest;
	uint64_t said_us; /* when the log was told last that it had to rest; 0: never */
};

CLEANUP_DEFINE(struct addrinfo *, addresses, freeaddrinfo)

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static void on_rested(void *user)
{
	struct http_listener *listener = user;
	(void)event_add(&listener->acceptable, NULL);
}

/* Once a while, not each time that it rests. */
static void say_exhausted(struct http_listener *listener, const char *why)
{
	uint64_t now_us = http_now_us();
	if (listener->said_us == 0 || now_us - listener->said_us > SAY_AGAIN_US) {
		listener->said_us = now_us;
		LOG(LUCIUS_LOG_ERROR, "http.accept_failed",
		        "no connection can be taken: raise the limit of open files",
		        LOG_STRING("reason", why), LOG_INTEGER("port", listener->port));
	}
}

static void on_acceptable(evutil_socket_t fd, short what, void *user)
{
	(void)what;
	struct http_listener *listener = user;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t peer_size = sizeof(peer);
		int accepted = accept4(
		        fd, (struct sockaddr *)&peer, &peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (accepted >= 0) {
			http_server_accepted(
			        listener->server, accepted, (const struct sockaddr *)&peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			say_exhausted(listener, strerror(errno));
			(void)event_del(&listener->acceptable);
			http_deadline_set(&listener->rest, http_now_us(), REST_MS);
		}
		if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

/* Hands the sentence (owned) on; always -1. */
static int fail(char **ret_error, char *sentence)
{
	*ret_error = sentence;
	return -1;
}

static int explain_errno(const char *address, char **ret_error)
{
	switch (errno) {
	case EADDRINUSE:
		return fail(ret_error,
		        must_print("cannot listen at '%s': another process listens there, stop it "
		                   "or choose "
		                   "another port",
		                address));
	case EADDRNOTAVAIL:
		return fail(ret_error,
		        must_print("cannot listen at '%s': this machine has no such address",
		                address));
	case EACCES:
		return fail(ret_error,
		        must_print("cannot listen at '%s': the port needs more rights, choose one "
		                   "from 1024 "
		                   "on",
		                address));
	}
	return fail(ret_error, must_print("cannot listen at '%s': %s", address, strerror(errno)));
}

static int listening_socket(const struct addrinfo *address)
{
	CLEANUP(close_fd)
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	static const int yes = 1;
	static const int no = 0;
	if (fd < 0) {
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0) {
		return -1;
	}
	if (address->ai_family == AF_INET6 &&
	        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) != 0) {
		return -1;
	}
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		return -1;
	}
	int listening = fd;
	fd = -1;
	return listening;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
		return 0;
	}
	return ntohs(address.ss_family == AF_INET6
	                ? ((const struct sockaddr_in6 *)&address)->sin6_port
	                : ((const struct sockaddr_in *)&address)->sin_port);
}

static void set_port(struct addrinfo *address, uint16_t port)
{
	if (address->ai_family == AF_INET6) {
		((struct sockaddr_in6 *)address->ai_addr)->sin6_port = htons(port);
	} else {
		((struct sockaddr_in *)address->ai_addr)->sin_port = htons(port);
	}
}

static struct http_listener *open_listener(
        struct http_server *server, const struct addrinfo *address)
{
	int fd = listening_socket(address);
	if (fd < 0) {
		return NULL;
	}
	struct http_listener *listener = must_calloc(1, sizeof(*listener));
	listener->server = server;
	listener->fd = fd;
	listener->port = port_of(fd);
	http_deadline_init(&listener->rest, server->base, on_rested, listener);
	int added = event_assign(&listener->acceptable, server->base, fd, EV_READ | EV_PERSIST,
	        on_acceptable, listener);
	added |= event_add(&listener->acceptable, NULL);
	assert(added == 0);
	return listener;
}

static void close_listener(struct http_listener *listener)
{
	(void)event_del(&listener->acceptable);
	http_deadline_finish(&listener->rest);
	close(listener->fd);
	free(listener);
}

static void close_list(struct http_listener_list *list)
{
	while (!SLIST_EMPTY(list)) {
		struct http_listener *listener = SLIST_FIRST(list);
		SLIST_REMOVE_HEAD(list, links);
		close_listener(listener);
	}
}

/* Keeps the order of opening, so that the first listener stays the first. */
static void append(struct http_listener_list *list, struct http_listener *listener)
{
	struct http_listener *last = SLIST_FIRST(list);
	while (last != NULL && SLIST_NEXT(last, links) != NULL) {
		last = SLIST_NEXT(last, links);
	}
	if (last != NULL) {
		SLIST_INSERT_AFTER(last, listener, links);
	} else {
		SLIST_INSERT_HEAD(list, listener, links);
	}
}

/* A family that the machine does not have is passed over if the name has another. */
static int open_all(struct http_server *server, struct addrinfo *addresses, uint16_t port,
        struct http_listener_list *opened)
{
	int last_errno = EADDRNOTAVAIL;
	for (struct addrinfo *address = addresses; address != NULL; address = address->ai_next) {
		set_port(address, port);
		struct http_listener *listener = open_listener(server, address);
		if (listener != NULL) {
			append(opened, listener);
			port = listener->port;
			continue;
		}
		last_errno = errno;
		if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) {
			return -1;
		}
	}
	errno = last_errno;
	return SLIST_EMPTY(opened) ? -1 : 0;
}

int http_listeners_open(struct http_server *server, const char *address, char **ret_error)
{
	struct http_address parts;
	if (http_address_parse(address, &parts, ret_error) != 0) {
		return -1;
	}
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	CLEANUP(cleanup_addresses) struct addrinfo *addresses = NULL;
	int failed = getaddrinfo(parts.host, NULL, &hints, &addresses);
	if (failed != 0) {
		return fail(ret_error,
		        must_print("cannot listen at '%s': %s", address, gai_strerror(failed)));
	}
	struct http_listener_list opened = SLIST_HEAD_INITIALIZER(opened);
	if (open_all(server, addresses, parts.port, &opened) != 0) {
		explain_errno(address, ret_error);
		close_list(&opened);
		return -1;
	}
	while (!SLIST_EMPTY(&opened)) {
		struct http_listener *listener = SLIST_FIRST(&opened);
		SLIST_REMOVE_HEAD(&opened, links);
		append(&server->listeners, listener);
	}
	return 0;
}

void http_listeners_close(struct http_server *server)
{
	close_list(&server->listeners);
}

uint16_t http_listeners_port(const struct http_server *server)
{
	const struct http_listener *first = SLIST_FIRST(&server->listeners);
	return first != NULL ? first->port : 0;
}
