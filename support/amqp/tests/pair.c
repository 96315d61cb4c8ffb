/* SPDX-License-Identifier: MIT */
/* The joined pair, and waiting with a bound. */
#include "support/amqp/tests/pair.h"

#include <event2/bufferevent.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_event(void *user, struct amqp_connection *connection, pn_event_t *event)
{
	struct side *side = user;
	side->n_events++;
	if (side->destroys_in_event) {
		side->connection = NULL;
		amqp_connection_destroy(connection);
		return;
	}
	if (side->on_event != NULL) {
		side->on_event(side, event);
	}
}

static void on_turn(void *user, struct amqp_connection *connection)
{
	(void)connection;
	((struct side *)user)->n_turns++;
}

static void on_writable(void *user, struct amqp_connection *connection)
{
	(void)connection;
	((struct side *)user)->n_writable++;
}

static void on_closed(
        void *user, struct amqp_connection *connection, const struct amqp_closing *closing)
{
	(void)connection;
	struct side *side = user;
	side->is_closed = true;
	side->is_by_peer = closing->is_by_peer;
	side->was_open = closing->was_open;
	snprintf(side->condition, sizeof(side->condition), "%s", closing->condition);
	snprintf(side->sentence, sizeof(side->sentence), "%s", closing->sentence);
}

static void start_side(struct pair *pair, struct side *side, evutil_socket_t fd,
        struct amqp_connection_settings settings, amqp_sasl_check_fn check_plain)
{
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_turn = on_turn,
		.on_writable = on_writable,
		.on_closed = on_closed,
		.check_plain = check_plain,
		.user = side,
	};
	if (settings.container_id == NULL) {
		settings.container_id = settings.is_server ? "server" : "client";
	}
	struct bufferevent *stream = bufferevent_socket_new(pair->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		abort();
	}
	side->connection = amqp_connection_create(pair->base, stream, &settings, &handler);
}

void pair_start(struct pair *pair, const struct pair_options *options)
{
	evutil_socket_t fds[2];
	struct amqp_connection_settings server = options->server;
	server.is_server = true;
	*pair = (struct pair){ .base = event_base_new(), .raw = -1 };
	if (pair->base == NULL || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		abort();
	}
	(void)evutil_make_socket_nonblocking(fds[0]);
	(void)evutil_make_socket_nonblocking(fds[1]);
	start_side(pair, &pair->server, fds[1], server, options->check_plain);
	if (options->is_raw) {
		pair->raw = fds[0];
		return;
	}
	start_side(pair, &pair->client, fds[0], options->client, NULL);
	struct bufferevent *stream = amqp_connection_stream(pair->client.connection);
	bufferevent_trigger_event(stream, BEV_EVENT_CONNECTED, BEV_OPT_DEFER_CALLBACKS);
}

void pair_finish(struct pair *pair)
{
	amqp_connection_destroy(pair->client.connection);
	amqp_connection_destroy(pair->server.connection);
	if (pair->raw >= 0) {
		(void)close(pair->raw);
	}
	event_base_free(pair->base);
}

static void on_late(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	*(bool *)user = true;
}

bool pair_run_until(struct pair *pair, bool (*is_done)(const void *user), const void *user)
{
	bool is_late = false;
	struct timeval bound = { .tv_sec = 5 };
	struct event *timer = event_new(pair->base, -1, 0, on_late, &is_late);
	(void)event_add(timer, &bound);
	while (!is_done(user) && !is_late) {
		(void)event_base_loop(pair->base, EVLOOP_ONCE);
	}
	event_free(timer);
	return is_done(user);
}

bool pair_is_set(const void *user)
{
	return *(const bool *)user;
}

static bool is_pair_open(const void *user)
{
	const struct pair *pair = user;
	const int both = PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE;
	return pn_connection_state(amqp_connection_proton(pair->client.connection)) == both &&
	        pn_connection_state(amqp_connection_proton(pair->server.connection)) == both;
}

bool pair_open(struct pair *pair)
{
	return pair_run_until(pair, is_pair_open, pair);
}

void pair_settle(struct pair *pair)
{
	for (int i = 0; i < 20; i++) {
		(void)event_base_loop(pair->base, EVLOOP_NONBLOCK);
	}
}
