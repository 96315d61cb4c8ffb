/* SPDX-License-Identifier: MIT */
/* A socket pair: what is written into the one side comes out of the other as a connection's. */
#include "tests/fuzz/amqp_peer.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/amqp/link.h"
#include "support/amqp/message.h"

static struct amqp_buffer received;

void amqp_peer_take(pn_link_t *link, pn_delivery_t *delivery)
{
	struct amqp_message message;
	if (!pn_link_is_receiver(link) || !pn_delivery_readable(delivery)) {
		return;
	}
	enum amqp_read_result result =
	        amqp_delivery_read(delivery, AMQP_PEER_MESSAGE_MAX, &received);
	if (result == AMQP_READ_TOO_LARGE) {
		amqp_link_close(link, "amqp:link:message-size-exceeded", "too large");
	} else if (result == AMQP_READ_WHOLE) {
		(void)amqp_delivery_is_batch(delivery);
		(void)amqp_message_parse(amqp_buffer_bytes(&received), &message);
		pn_delivery_update(delivery, PN_ACCEPTED);
		pn_delivery_settle(delivery);
	} else if (result == AMQP_READ_ABORTED) {
		pn_delivery_settle(delivery);
	}
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)connection;
	(void)closing;
	*(int *)user = 1;
}

static struct amqp_connection *make(struct event_base *base, evutil_socket_t fd,
        const struct amqp_connection_settings *settings,
        const struct amqp_connection_handler *handler)
{
	struct bufferevent *stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		abort();
	}
	struct amqp_connection *connection =
	        amqp_connection_create(base, stream, settings, handler);
	if (!settings->is_server) {
		bufferevent_trigger_event(stream, BEV_EVENT_CONNECTED, 0);
	}
	return connection;
}

static void feed(struct event_base *base, evutil_socket_t fd, const int *is_closed,
        const uint8_t *bytes, size_t size)
{
	char answers[4096];
	while (size != 0 && !*is_closed) {
		ssize_t n = write(fd, bytes, size < 4096 ? size : 4096);
		if (n <= 0) {
			break;
		}
		bytes += n;
		size -= (size_t)n;
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		while (read(fd, answers, sizeof(answers)) > 0) {
		}
	}
}

void amqp_peer_feed(const struct amqp_connection_settings *settings,
        void (*on_event)(void *user, struct amqp_connection *connection, pn_event_t *event),
        const uint8_t *bytes, size_t size)
{
	evutil_socket_t fds[2];
	int is_closed = 0;
	struct event_base *base = event_base_new();
	const struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_closed = on_closed,
		.user = &is_closed,
	};
	if (base == NULL || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		abort();
	}
	(void)evutil_make_socket_nonblocking(fds[0]);
	(void)evutil_make_socket_nonblocking(fds[1]);
	struct amqp_connection *connection = make(base, fds[1], settings, &handler);
	feed(base, fds[0], &is_closed, bytes, size);
	(void)close(fds[0]);
	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
	amqp_connection_destroy(connection);
	event_base_free(base);
	amqp_buffer_finish(&received);
}
