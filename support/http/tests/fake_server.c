/* SPDX-License-Identifier: MIT */
/* The fake server: bytes are read up to the end of a head and of the body that it announces. */
#include "support/http/tests/fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/base/memory.h"

#define INPUT_SIZE 65536u

struct peer {
	struct peer *next;
	struct fake_server *server;
	struct event *event; /* owned */
	int fd;
	size_t size;
	char input[INPUT_SIZE + 1];
};

struct fake_server {
	struct event_base *base;
	const char *const *script;
	size_t n_script;
	struct event *listener; /* owned */
	struct peer *peers; /* owned */
	int fd;
	uint16_t port;
	size_t n_requests, n_connections;
	int64_t first_ms, last_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void peer_destroy(struct peer *peer)
{
	struct peer **at = &peer->server->peers;
	while (*at != peer) {
		at = &(*at)->next;
	}
	*at = peer->next;
	event_free(peer->event);
	(void)close(peer->fd);
	free(peer);
}

/* Bytes of the first request; 0: it has not come as a whole. */
static size_t request_size(const char *input, size_t size)
{
	const char *end = strstr(input, "\r\n\r\n");
	if (end == NULL) {
		return 0;
	}
	const char *length = strcasestr(input, "\r\nContent-Length:");
	size_t head_size = (size_t)(end - input) + 4;
	size_t body_size = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
	return head_size + body_size <= size ? head_size + body_size : 0;
}

/* False: the peer is gone. */
static bool answer(struct peer *peer)
{
	struct fake_server *server = peer->server;
	size_t n =
	        server->n_requests < server->n_script ? server->n_requests : server->n_script - 1;
	const char *word = server->script[n];
	server->first_ms = server->n_requests == 0 ? now_ms() : server->first_ms;
	server->last_ms = now_ms();
	server->n_requests++;
	if (word == FAKE_CLOSE) {
		peer_destroy(peer);
		return false;
	}
	if (word[0] != '\0' && write(peer->fd, word, strlen(word)) < 0) {
		abort(); /* a test's answer fits into the socket */
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	struct peer *peer = user;
	(void)what;
	ssize_t n = read(fd, peer->input + peer->size, INPUT_SIZE - peer->size);
	if (n <= 0) {
		peer_destroy(peer);
		return;
	}
	peer->size += (size_t)n;
	peer->input[peer->size] = '\0';
	size_t size = request_size(peer->input, peer->size);
	while (size != 0) {
		peer->size -= size;
		memmove(peer->input, peer->input + size, peer->size + 1);
		if (!answer(peer)) {
			return;
		}
		size = request_size(peer->input, peer->size);
	}
}

static void on_connection(evutil_socket_t fd, short what, void *user)
{
	struct fake_server *server = user;
	(void)what;
	int peer_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (peer_fd < 0) {
		return;
	}
	struct peer *peer = must_calloc(1, sizeof(*peer));
	peer->server = server;
	peer->fd = peer_fd;
	peer->event = must_have(
	        event_new(server->base, peer_fd, EV_READ | EV_PERSIST, on_readable, peer));
	peer->next = server->peers;
	server->peers = peer;
	server->n_connections++;
	(void)event_add(peer->event, NULL);
}

struct fake_server *fake_server_create(struct event_base *base, const char *const *script, size_t n)
{
	struct fake_server *server = must_calloc(1, sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	server->base = base;
	server->script = script;
	server->n_script = n;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_open = server->fd >= 0 &&
	        bind(server->fd, (struct sockaddr *)&address, size) == 0 &&
	        listen(server->fd, 128) == 0 &&
	        getsockname(server->fd, (struct sockaddr *)&address, &size) == 0;
	if (!is_open) {
		abort();
	}
	server->port = ntohs(address.sin_port);
	server->listener =
	        must_have(event_new(base, server->fd, EV_READ | EV_PERSIST, on_connection, server));
	(void)event_add(server->listener, NULL);
	return server;
}

void fake_server_destroy(struct fake_server *server)
{
	while (server->peers != NULL) {
		peer_destroy(server->peers);
	}
	event_free(server->listener);
	(void)close(server->fd);
	free(server);
}

uint16_t fake_server_port(const struct fake_server *server)
{
	return server->port;
}

size_t fake_server_n_requests(const struct fake_server *server)
{
	return server->n_requests;
}

size_t fake_server_n_connections(const struct fake_server *server)
{
	return server->n_connections;
}

int64_t fake_server_spread_ms(const struct fake_server *server)
{
	return server->last_ms - server->first_ms;
}
