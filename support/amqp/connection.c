/* SPDX-License-Identifier: MIT */
/*
 * The connection: bytes in → SASL or shim → proton → events → owner, and back. All of the owner's
 * callbacks run between enter() and leave(); destroy within them only marks, leave() frees.
 */
#include "support/amqp/connection_private.h"

#include "support/amqp/link.h"
#include "support/base/memory.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <proton/transport.h>
#include <sys/socket.h>
#include <time.h>

static int64_t monotonic_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void arm(struct event *timer, int64_t after_ms)
{
	struct timeval after = { .tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000 };
	(void)event_add(timer, &after);
}

void amqp_connection_set_deadline(struct amqp_connection *connection, uint32_t after_ms)
{
	arm(connection->deadline, after_ms);
}

static void free_all(struct amqp_connection *connection)
{
	if (connection->driver.connection != NULL) {
		pn_connection_driver_destroy(&connection->driver);
	}
	event_free(connection->wake);
	event_free(connection->tick);
	event_free(connection->deadline);
	amqp_stream_finish(&connection->stream);
	amqp_shim_finish(&connection->shim);
	free(connection->hostname);
	free(connection->plain_name);
	free(connection->plain_password);
	free(connection);
}

static void enter(struct amqp_connection *connection)
{
	connection->depth++;
}

static void leave(struct amqp_connection *connection)
{
	connection->depth--;
	if (connection->depth == 0 && connection->is_destroyed) {
		free_all(connection);
	}
}

/* The first reason is the true one; what follows is its consequence. */
void amqp_connection_note(
        struct amqp_connection *connection, const char *condition, const char *sentence)
{
	if (connection->sentence[0] != '\0') {
		return;
	}
	snprintf(connection->condition, sizeof(connection->condition), "%s",
	        condition != NULL ? condition : "");
	snprintf(connection->sentence, sizeof(connection->sentence), "%s",
	        sentence != NULL && sentence[0] != '\0' ? sentence : "the peer gave no reason");
}

static void finish(struct amqp_connection *connection)
{
	if (connection->stage == AMQP_STAGE_OVER) {
		return;
	}
	connection->stage = AMQP_STAGE_OVER;
	amqp_connection_note(connection, NULL, "the connection was closed");
	amqp_stream_silence(&connection->stream);
	(void)event_del(connection->tick);
	(void)event_del(connection->deadline);
	(void)event_del(connection->wake);
	struct amqp_closing closing = {
		.condition = connection->condition,
		.sentence = connection->sentence,
		.is_by_peer = connection->is_by_peer,
		.was_open = connection->was_open,
	};
	connection->handler.on_closed(connection->handler.user, connection, &closing);
}

size_t amqp_connection_queued(const struct amqp_connection *connection)
{
	return amqp_stream_queued(&connection->stream);
}

bool amqp_connection_is_congested(const struct amqp_connection *connection)
{
	return amqp_connection_queued(connection) > connection->settings.congested_above;
}

void amqp_connection_tick(struct amqp_connection *connection)
{
	int64_t now = monotonic_ms();
	int64_t next = pn_transport_tick(connection->driver.transport, now);
	if (next > 0) {
		arm(connection->tick, next > now ? next - now : 1);
	}
}

/* Proton has closed both directions: what is left is to write it out. */
static void finish_if_done(struct amqp_connection *connection)
{
	if (connection->stage == AMQP_STAGE_AMQP &&
	        pn_transport_closed(connection->driver.transport)) {
		connection->stage = AMQP_STAGE_FLUSHING;
		amqp_connection_set_deadline(connection, connection->settings.close_timeout_ms);
	}
	if (connection->stage == AMQP_STAGE_FLUSHING && amqp_connection_queued(connection) == 0) {
		finish(connection);
	}
}

static void wake(struct amqp_connection *connection)
{
	if (connection->stage == AMQP_STAGE_OVER || connection->is_destroyed ||
	        connection->is_woken) {
		return;
	}
	if (connection->is_running) {
		connection->wants_turn = connection->wants_turn || connection->is_past_events;
		return;
	}
	connection->is_woken = true;
	event_active(connection->wake, EV_TIMEOUT, 0);
}

/* Events, the owner's batched work, output; as often as one makes the other necessary. */
static void run(struct amqp_connection *connection)
{
	if (connection->stage == AMQP_STAGE_CONNECTING) {
		return;
	}
	connection->is_running = true;
	amqp_pump_events(connection);
	connection->is_past_events = true;
	if (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP &&
	        connection->handler.on_turn != NULL) {
		connection->handler.on_turn(connection->handler.user, connection);
	}
	if (!connection->is_destroyed) {
		amqp_pump_out(connection);
	}
	connection->is_running = false;
	connection->is_past_events = false;
	if (!connection->is_destroyed) {
		finish_if_done(connection);
	}
	if (connection->wants_turn) {
		connection->wants_turn = false;
		wake(connection);
	}
}

static void begin_amqp(struct amqp_connection *connection)
{
	connection->stage = AMQP_STAGE_AMQP;
	if (!connection->settings.is_server) {
		pn_connection_open(connection->driver.connection);
	}
	amqp_connection_tick(connection);
}

static size_t exchange_sasl(struct amqp_connection *connection, struct amqp_bytes input)
{
	size_t taken = amqp_sasl_take(&connection->sasl, input, &connection->stream.out);
	if (connection->sasl.state == AMQP_SASL_DONE) {
		begin_amqp(connection);
	} else if (connection->sasl.state == AMQP_SASL_FAILED) {
		amqp_connection_note(
		        connection, "amqp:unauthorized-access", connection->sasl.error);
		connection->stage = AMQP_STAGE_FLUSHING;
		amqp_connection_set_deadline(connection, connection->settings.close_timeout_ms);
	}
	return taken;
}

static size_t take_input(struct amqp_connection *connection, struct amqp_bytes input)
{
	size_t taken = 0;
	if (connection->stage == AMQP_STAGE_SASL) {
		taken = exchange_sasl(connection, input);
		input = amqp_bytes(input.start + taken, input.size - taken);
	}
	if (connection->stage == AMQP_STAGE_AMQP) {
		return taken + amqp_pump_in(connection, input);
	}
	/* After the end nothing that still comes is of interest. */
	return connection->stage == AMQP_STAGE_SASL ? taken : taken + input.size;
}

/* What comes of it is written at the end of this turn of the loop, with what the events of other
 * connections bring about. */
static void on_readable(void *user)
{
	struct amqp_connection *connection = user;
	struct amqp_bytes input;
	enter(connection);
	if (amqp_stream_read(&connection->stream, &input)) {
		size_t taken = take_input(connection, input);
		amqp_stream_taken(&connection->stream, input, taken);
		wake(connection);
	}
	leave(connection);
}

static void on_written(void *user)
{
	struct amqp_connection *connection = user;
	enter(connection);
	amqp_stream_set_reading(&connection->stream, true);
	if (connection->was_congested && connection->stage == AMQP_STAGE_AMQP) {
		connection->was_congested = false;
		if (connection->handler.on_writable != NULL) {
			connection->handler.on_writable(connection->handler.user, connection);
		}
	}
	wake(connection);
	leave(connection);
}

static void set_socket_options(struct amqp_connection *connection)
{
	int on = 1;
	int patience_ms = (int)connection->settings.idle_timeout_ms;
	evutil_socket_t fd = bufferevent_getfd(connection->stream.bufferevent);
	/* Not every stream is a TCP socket; those that are not do without. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
}

static void on_connected(void *user)
{
	struct amqp_connection *connection = user;
	enter(connection);
	if (connection->stage == AMQP_STAGE_CONNECTING) {
		set_socket_options(connection);
		connection->stage = AMQP_STAGE_SASL;
		amqp_sasl_start(&connection->sasl, &connection->stream.out);
		wake(connection);
	}
	leave(connection);
}

static void on_end(void *user, const char *sentence, bool is_by_peer)
{
	struct amqp_connection *connection = user;
	enter(connection);
	if (is_by_peer) {
		sentence = connection->was_open
		        ? "the peer ended the connection without an AMQP close"
		        : "the peer ended the connection before it was open";
	}
	amqp_connection_note(connection, NULL, sentence);
	finish(connection);
	leave(connection);
}

static void on_wake(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct amqp_connection *connection = user;
	connection->is_woken = false;
	enter(connection);
	run(connection);
	leave(connection);
}

static void on_tick(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct amqp_connection *connection = user;
	enter(connection);
	if (connection->stage == AMQP_STAGE_AMQP) {
		amqp_connection_tick(connection);
		run(connection);
	}
	leave(connection);
}

static void on_deadline(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct amqp_connection *connection = user;
	enter(connection);
	amqp_connection_note(connection, NULL,
	        connection->was_open ? "the peer did not answer the close in time"
	                             : "the connection was not open in time");
	finish(connection);
	leave(connection);
}

static char *copy_text(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static void set_default(uint32_t *setting, uint32_t value)
{
	if (*setting == 0) {
		*setting = value;
	}
}

static void take_settings(
        struct amqp_connection *connection, const struct amqp_connection_settings *settings)
{
	connection->settings = *settings;
	struct amqp_connection_settings *own = &connection->settings;
	set_default(&own->max_frame_size, 65536);
	set_default(&own->channel_max, 255);
	set_default(&own->idle_timeout_ms, own->is_server ? 240000 : 60000);
	set_default(&own->handshake_timeout_ms, 20000);
	set_default(&own->close_timeout_ms, 5000);
	if (own->congested_above == 0) {
		own->congested_above = (size_t)1024 * 1024;
	}
	connection->hostname = copy_text(settings->hostname);
	connection->plain_name = copy_text(settings->plain_name);
	connection->plain_password = copy_text(settings->plain_password);
	own->container_id = NULL;
	own->hostname = NULL;
	own->plain_name = NULL;
	own->plain_password = NULL;
}

static void start_driver(struct amqp_connection *connection, const char *container_id)
{
	const struct amqp_connection_settings *settings = &connection->settings;
	if (pn_connection_driver_init(&connection->driver, NULL, NULL) != 0) {
		abort(); /* out of memory */
	}
	pn_transport_t *transport = connection->driver.transport;
	if (settings->is_server) {
		pn_transport_set_server(transport);
	}
	pn_transport_set_max_frame(transport, settings->max_frame_size + AMQP_SHIM_ROOM);
	(void)pn_transport_set_channel_max(transport, (uint16_t)settings->channel_max);
	/* Proton tells the peer half of what it keeps to itself. */
	pn_transport_set_idle_timeout(transport, settings->idle_timeout_ms * 2);
	pn_connection_set_container(connection->driver.connection, container_id);
	if (connection->hostname != NULL) {
		pn_connection_set_hostname(connection->driver.connection, connection->hostname);
	}
	(void)pn_connection_driver_bind(&connection->driver);
	amqp_shim_init(&connection->shim, settings->max_frame_size);
}

static void start_sasl(struct amqp_connection *connection)
{
	connection->sasl = (struct amqp_sasl){
		.is_server = connection->settings.is_server,
		.check = connection->handler.check_plain,
		.user = connection->handler.user,
		.hostname = connection->hostname,
		.plain_name = connection->plain_name,
		.plain_password = connection->plain_password,
	};
	if (connection->settings.is_server) {
		set_socket_options(connection);
		connection->stage = AMQP_STAGE_SASL;
		amqp_sasl_start(&connection->sasl, &connection->stream.out);
	}
}

static void start_stream(struct amqp_connection *connection, struct bufferevent *stream)
{
	struct amqp_stream_handler handler = {
		.on_connected = on_connected,
		.on_readable = on_readable,
		.on_written = on_written,
		.on_end = on_end,
		.user = connection,
	};
	amqp_stream_start(&connection->stream, stream, connection->settings.is_server,
	        connection->settings.congested_above / 2, &handler);
}

struct amqp_connection *amqp_connection_create(struct event_base *base, struct bufferevent *stream,
        const struct amqp_connection_settings *settings,
        const struct amqp_connection_handler *handler)
{
	struct amqp_connection *connection = must_calloc(1, sizeof(*connection));
	connection->base = base;
	connection->handler = *handler;
	connection->wake = event_new(base, -1, 0, on_wake, connection);
	connection->tick = event_new(base, -1, 0, on_tick, connection);
	connection->deadline = event_new(base, -1, 0, on_deadline, connection);
	if (connection->wake == NULL || connection->tick == NULL || connection->deadline == NULL) {
		abort(); /* out of memory */
	}
	take_settings(connection, settings);
	start_driver(connection, settings->container_id);
	start_stream(connection, stream);
	start_sasl(connection);
	amqp_connection_set_deadline(connection, connection->settings.handshake_timeout_ms);
	return connection;
}

void amqp_connection_destroy(struct amqp_connection *connection)
{
	if (connection == NULL || connection->is_destroyed) {
		return;
	}
	connection->is_destroyed = true;
	if (connection->depth == 0) {
		free_all(connection);
	}
}

void amqp_connection_close(
        struct amqp_connection *connection, const char *condition, const char *description)
{
	if (connection->is_closing || connection->stage == AMQP_STAGE_OVER) {
		return;
	}
	connection->is_closing = true;
	amqp_connection_set_deadline(connection, connection->settings.close_timeout_ms);
	if (condition != NULL) {
		amqp_condition_set(pn_connection_condition(connection->driver.connection),
		        condition, description);
	}
	pn_connection_close(connection->driver.connection);
	amqp_connection_wake(connection);
}

void amqp_connection_wake(struct amqp_connection *connection)
{
	wake(connection);
}

void amqp_connection_turn_again(struct amqp_connection *connection)
{
	connection->wants_turn = true;
	wake(connection);
}

pn_connection_t *amqp_connection_proton(struct amqp_connection *connection)
{
	return connection->driver.connection;
}

bool amqp_connection_is_authenticated(const struct amqp_connection *connection)
{
	return connection->sasl.is_authenticated;
}

struct bufferevent *amqp_connection_stream(struct amqp_connection *connection)
{
	return connection->stream.bufferevent;
}
