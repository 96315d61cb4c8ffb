/* SPDX-License-Identifier: MIT */
/* Sockets and TLS; everything about AMQP begins in peer.c. */
#include "plugins/bus-local/amqp/listener.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/tls.h"
#include "support/base/memory.h"

/* Connections over the limit that are being told so; more of them are cut off without a word. */
#define MAX_REFUSED 16
/* After a refusal of the system to give another descriptor. */
#define RETRY_MS 1000

struct listener {
	struct bus *bus;
	struct evconnlistener *socket;
	SSL_CTX *tls; /* NULL: plain TCP */
	struct peer *peers;
	size_t n_peers;
	size_t n_refused; /* of them, over the limit */
	struct lucius_timer *retry;
	uint16_t port;
	bool is_holding_back;
	bool is_closing;
};

static void name_peer(const struct sockaddr *address, int size, char name[80])
{
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];
	if (getnameinfo(address, (socklen_t)size, host, sizeof(host), port, sizeof(port),
	            NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		snprintf(name, 80, "unknown");
		return;
	}
	snprintf(name, 80, strchr(host, ':') != NULL ? "[%.60s]:%.10s" : "%.60s:%.10s", host, port);
}

/* NULL: out of memory or descriptors, the descriptor is closed. */
static struct bufferevent *make_stream(struct listener *listener, evutil_socket_t fd)
{
	struct event_base *base = listener->bus->host->event_base;
	struct bufferevent *stream = NULL;
	if (listener->tls == NULL) {
		stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	} else {
		SSL *tls = SSL_new(listener->tls);
		if (tls != NULL) {
			stream = bufferevent_openssl_socket_new(
			        base, fd, tls, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
		}
		if (stream == NULL) {
			SSL_free(tls);
		}
	}
	if (stream == NULL) {
		(void)evutil_closesocket(fd);
	}
	return stream;
}

static bool is_full(const struct listener *listener)
{
	size_t n_served = listener->n_peers - listener->n_refused;
	return n_served >= (size_t)listener->bus->options->max_connections;
}

static void tell_full(const struct listener *listener, const char *name)
{
	char sentence[200];
	snprintf(sentence, sizeof(sentence),
	        "%s was turned away: there are %zu connections, as many as "
	        "bus-max-connections allows",
	        name, listener->n_peers - listener->n_refused);
	lucius_log(listener->bus->host, LUCIUS_LOG_WARNING, "bus.refused", sentence);
}

static void add_peer(struct listener *listener, struct peer *peer)
{
	peer->next = listener->peers;
	if (listener->peers != NULL) {
		listener->peers->previous = peer;
	}
	listener->peers = peer;
	listener->n_peers++;
}

static void on_accepted(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *address,
        int size, void *user)
{
	(void)socket;
	struct listener *listener = user;
	char name[80];
	bool is_refused = is_full(listener);
	name_peer(address, size, name);
	if (is_refused) {
		tell_full(listener, name);
	}
	if (is_refused && listener->n_refused == MAX_REFUSED) {
		(void)evutil_closesocket(fd);
		return;
	}
	struct bufferevent *stream = make_stream(listener, fd);
	if (stream == NULL) {
		return;
	}
	struct peer *peer = peer_create(listener, stream, name);
	add_peer(listener, peer);
	if (is_refused) {
		peer_refuse(peer);
		listener->n_refused++;
	}
}

static void on_retry(void *user)
{
	struct listener *listener = user;
	listener->retry = NULL;
	(void)evconnlistener_enable(listener->socket);
}

/* No descriptors left, as a rule: the connections that there are go on. */
static void on_accept_error(struct evconnlistener *socket, void *user)
{
	struct listener *listener = user;
	const struct lucius_host *host = listener->bus->host;
	int reason = EVUTIL_SOCKET_ERROR();
	char sentence[200];
	snprintf(sentence, sizeof(sentence), "a connection could not be accepted: %s",
	        evutil_socket_error_to_string(reason));
	lucius_log(host, LUCIUS_LOG_ERROR, "bus.accept", sentence);
	(void)evconnlistener_disable(socket);
	if (listener->retry == NULL) {
		listener->retry = host->timer_start(host, RETRY_MS, on_retry, listener);
	}
}

static struct evconnlistener *bind_to(
        struct listener *listener, const struct addrinfo *info, char *error, size_t error_size)
{
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct evconnlistener *socket = evconnlistener_new_bind(listener->bus->host->event_base,
	        on_accepted, listener, flags, -1, info->ai_addr, (int)info->ai_addrlen);
	if (socket == NULL) {
		snprintf(error, error_size, "bus-listen is '%s', and the port cannot be had: %s",
		        listener->bus->options->listen, strerror(errno));
	}
	return socket;
}

static bool open_socket(struct listener *listener, const struct bus_address *address, char *error,
        size_t error_size)
{
	char port[8];
	struct addrinfo *found = NULL;
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE
	};
	snprintf(port, sizeof(port), "%u", address->port);
	int result = getaddrinfo(address->host, port, &hints, &found);
	if (result != 0) {
		snprintf(error, error_size, "bus-listen: the host '%s' is not known: %s",
		        address->host, gai_strerror(result));
		return false;
	}
	listener->socket = bind_to(listener, found, error, error_size);
	freeaddrinfo(found);
	return listener->socket != NULL;
}

static void find_port(struct listener *listener)
{
	struct sockaddr_storage address = { 0 };
	char name[80];
	socklen_t size = sizeof(address);
	evutil_socket_t fd = evconnlistener_get_fd(listener->socket);
	if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
		name_peer((struct sockaddr *)&address, (int)size, name);
		listener->port = (uint16_t)strtoul(strrchr(name, ':') + 1, NULL, 10);
	}
}

static void tell(const struct listener *listener)
{
	char sentence[400];
	snprintf(sentence, sizeof(sentence), "AMQP 1.0%s on '%s', port %u",
	        listener->tls != NULL ? " over TLS" : "", listener->bus->options->listen,
	        listener->port);
	char port[8];
	int size = snprintf(port, sizeof(port), "%u", listener->port);
	const struct lucius_field field = { "port", port, (uint32_t)size, LUCIUS_FIELD_INTEGER };
	listener->bus->host->log(
	        listener->bus->host, LUCIUS_LOG_INFO, "bus.listening", sentence, &field, 1);
}

struct listener *listener_create(
        struct bus *bus, const struct bus_address *address, char *error, size_t error_size)
{
	struct listener *listener = must_calloc(1, sizeof(*listener));
	listener->bus = bus;
	if (!tls_load(bus->options, &listener->tls, error, error_size) ||
	        !open_socket(listener, address, error, error_size)) {
		listener_destroy(listener);
		return NULL;
	}
	evconnlistener_set_error_cb(listener->socket, on_accept_error);
	find_port(listener);
	tell(listener);
	return listener;
}

static void stop_accepting(struct listener *listener)
{
	const struct lucius_host *host = listener->bus->host;
	if (listener->retry != NULL) {
		host->timer_stop(host, listener->retry);
		listener->retry = NULL;
	}
	if (listener->socket != NULL) {
		evconnlistener_free(listener->socket);
		listener->socket = NULL;
	}
}

void listener_close_links(struct listener *listener, const struct topic *topic,
        const struct subscription *subscription)
{
	for (struct peer *peer = listener->peers; peer != NULL; peer = peer->next) {
		peer_close_links(peer, topic, subscription);
	}
}

void listener_check_grants(struct listener *listener)
{
	for (struct peer *peer = listener->peers; peer != NULL; peer = peer->next) {
		peer_check_grants(peer);
	}
}

void listener_cut_off(struct listener *listener)
{
	while (listener->peers != NULL) {
		peer_destroy(listener->peers);
	}
}

void listener_destroy(struct listener *listener)
{
	if (listener == NULL) {
		return;
	}
	stop_accepting(listener);
	listener_cut_off(listener);
	SSL_CTX_free(listener->tls);
	free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
	return listener->port;
}

size_t listener_n_peers(const struct listener *listener)
{
	return listener->n_peers - listener->n_refused;
}

struct bus *listener_bus(const struct listener *listener)
{
	return listener->bus;
}

bool listener_is_holding_back(const struct listener *listener)
{
	return listener->is_holding_back;
}

void listener_hold_back(struct listener *listener)
{
	listener->is_holding_back = true;
	for (struct peer *peer = listener->peers; peer != NULL; peer = peer->next) {
		peer_hold_back(peer);
	}
}

bool listener_close(struct listener *listener)
{
	if (!listener->is_closing) {
		listener->is_closing = true;
		stop_accepting(listener);
		for (struct peer *peer = listener->peers; peer != NULL; peer = peer->next) {
			peer_close(peer, CONDITION_FORCED, "The broker is being stopped.");
		}
	}
	return listener->peers == NULL;
}

void listener_forget(struct listener *listener, struct peer *peer)
{
	if (peer->previous != NULL) {
		peer->previous->next = peer->next;
	} else {
		listener->peers = peer->next;
	}
	if (peer->next != NULL) {
		peer->next->previous = peer->previous;
	}
	listener->n_peers--;
	listener->n_refused -= peer->is_refused ? 1 : 0;
}
