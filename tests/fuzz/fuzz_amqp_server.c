/* SPDX-License-Identifier: MIT */
/*
 * Bytes that a client may send to the listener of the bus, from the first one on: SASL, protocol
 * header, frames. The connection must end or wait, and give all memory back.
 */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <proton/session.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/amqp/connection.h"
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "tests/fuzz/fuzz.h"

#define MAX_MESSAGE 65536

static struct amqp_buffer received;

static void on_delivery(pn_link_t *link, pn_delivery_t *delivery)
{
	struct amqp_message message;
	if (!pn_link_is_receiver(link) || !pn_delivery_readable(delivery)) {
		return;
	}
	enum amqp_read_result result = amqp_delivery_read(delivery, MAX_MESSAGE, &received);
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

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	(void)user;
	(void)connection;
	switch (pn_event_type(event)) {
	case PN_SESSION_REMOTE_OPEN:
		pn_session_open(pn_event_session(event));
		break;
	case PN_SESSION_REMOTE_CLOSE:
		pn_session_close(pn_event_session(event));
		pn_session_free(pn_event_session(event));
		break;
	case PN_LINK_REMOTE_OPEN:
		amqp_link_accept(pn_event_link(event), MAX_MESSAGE);
		if (pn_link_is_receiver(pn_event_link(event))) {
			pn_link_flow(pn_event_link(event), 10);
		}
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		pn_link_close(pn_event_link(event));
		pn_link_free(pn_event_link(event));
		break;
	case PN_DELIVERY:
		on_delivery(pn_event_link(event), pn_event_delivery(event));
		break;
	default:
		break;
	}
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)connection;
	(void)closing;
	*(int *)user = 1;
}

static struct amqp_connection *make_server(struct event_base *base, evutil_socket_t fd, int *closed)
{
	struct amqp_connection_settings settings = { .is_server = true, .container_id = "fuzz" };
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_closed = on_closed,
		.user = closed,
	};
	struct bufferevent *stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		abort();
	}
	return amqp_connection_create(base, stream, &settings, &handler);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	evutil_socket_t fds[2];
	int is_closed = 0;
	struct event_base *base = event_base_new();
	if (base == NULL || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		abort();
	}
	(void)evutil_make_socket_nonblocking(fds[0]);
	(void)evutil_make_socket_nonblocking(fds[1]);
	struct amqp_connection *server = make_server(base, fds[1], &is_closed);
	char answers[4096];
	while (size != 0 && !is_closed) {
		ssize_t n = write(fds[0], bytes, size < 4096 ? size : 4096);
		if (n <= 0) {
			break;
		}
		bytes += n;
		size -= (size_t)n;
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		while (read(fds[0], answers, sizeof(answers)) > 0) {
		}
	}
	(void)close(fds[0]);
	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
	amqp_connection_destroy(server);
	event_base_free(base);
	amqp_buffer_finish(&received);
	return 0;
}
