/* SPDX-License-Identifier: MIT */
/* Bytes into proton, events out of it, bytes out of it. */
#include "support/amqp/connection_private.h"

#include <event2/event.h>
#include <proton/transport.h>

/* Proton gets its input in portions of this size, or of one frame if that is larger. */
#define FEED_LEAST ((size_t)64 * 1024)

static void note_condition(struct amqp_connection *connection, pn_condition_t *condition)
{
	if (condition != NULL && pn_condition_is_set(condition)) {
		amqp_connection_note(connection, pn_condition_get_name(condition),
		        pn_condition_get_description(condition));
	}
}

static void on_remote_open(struct amqp_connection *connection)
{
	if (connection->settings.is_server && !connection->is_closing) {
		pn_connection_open(connection->driver.connection);
	}
	connection->was_open = true;
	if (!connection->is_closing) {
		(void)event_del(connection->deadline);
	}
	amqp_connection_tick(connection);
}

static void on_remote_close(struct amqp_connection *connection)
{
	pn_condition_t *condition = pn_connection_remote_condition(connection->driver.connection);
	connection->is_by_peer = !connection->is_closing;
	note_condition(connection, condition);
	amqp_connection_note(connection, NULL,
	        connection->is_closing ? "closed on our request"
	                               : "the peer closed the connection");
	pn_connection_close(connection->driver.connection);
	amqp_connection_set_deadline(connection, connection->settings.close_timeout_ms);
}

/* The reason must be known before the owner is told, the answer is given after it. */
static void handle_event(struct amqp_connection *connection, pn_event_t *event)
{
	pn_event_type_t type = pn_event_type(event);
	switch (type) {
	case PN_TRANSPORT:
	case PN_CONNECTION_INIT:
	case PN_CONNECTION_BOUND:
	case PN_TRANSPORT_TAIL_CLOSED:
	case PN_TRANSPORT_HEAD_CLOSED:
	case PN_TRANSPORT_CLOSED:
		return;
	case PN_TRANSPORT_ERROR:
		note_condition(connection, pn_transport_condition(connection->driver.transport));
		return;
	default:
		break;
	}
	connection->handler.on_event(connection->handler.user, connection, event);
	if (connection->is_destroyed) {
		return;
	}
	if (type == PN_CONNECTION_REMOTE_OPEN) {
		on_remote_open(connection);
	} else if (type == PN_CONNECTION_REMOTE_CLOSE) {
		on_remote_close(connection);
	}
}

void amqp_pump_events(struct amqp_connection *connection)
{
	pn_event_t *event;
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP &&
	        (event = pn_connection_driver_next_event(&connection->driver)) != NULL) {
		handle_event(connection, event);
	}
}

/* Proton gives its output buffer by buffer, and doubles the buffer when it is asked again while it
 * is full: so it soon has the size of a turn's output. */
static pn_bytes_t whole_output(pn_connection_driver_t *driver)
{
	pn_bytes_t output = pn_connection_driver_write_buffer(driver);
	for (;;) {
		size_t before = output.size;
		if (before == 0) {
			return output;
		}
		output = pn_connection_driver_write_buffer(driver);
		if (output.size <= before) {
			return output;
		}
	}
}

/* Writes now, and looks whether the peer keeps up. */
static void write_out(struct amqp_connection *connection)
{
	amqp_stream_flush(&connection->stream);
	if (amqp_connection_is_congested(connection)) {
		connection->was_congested = true;
		if (connection->settings.stops_reading) {
			amqp_stream_set_reading(&connection->stream, false);
		}
	}
}

void amqp_pump_out(struct amqp_connection *connection)
{
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP) {
		pn_bytes_t output = whole_output(&connection->driver);
		if (output.size == 0) {
			break;
		}
		amqp_shim_out(&connection->shim, amqp_bytes(output.start, output.size),
		        &connection->stream.out);
		(void)pn_connection_driver_write_done(&connection->driver, output.size);
		/* Before the events, so that their owner finds waiting only what the socket
		 * refuses: of its end it is told. */
		write_out(connection);
		amqp_pump_events(connection);
	}
	if (!connection->is_destroyed) {
		write_out(connection);
	}
}

static void fail_protocol(
        struct amqp_connection *connection, const char *condition, const char *sentence)
{
	amqp_connection_note(connection, condition, sentence);
	pn_connection_driver_errorf(&connection->driver, condition, "%s", sentence);
	pn_connection_driver_read_close(&connection->driver);
}

static bool is_whole(size_t size, size_t available)
{
	return size != 0 && size != AMQP_SHIM_REFUSED && size <= available;
}

/* Fills proton's buffer with whole pieces, of which the first has `first_size` bytes; returns what
 * was taken of `input`. */
static size_t feed_buffer(
        struct amqp_connection *connection, struct amqp_bytes input, size_t first_size)
{
	pn_connection_driver_t *driver = &connection->driver;
	size_t wanted = first_size > FEED_LEAST ? first_size : FEED_LEAST;
	pn_rwbytes_t room = pn_connection_driver_read_buffer_sized(driver, wanted + AMQP_SHIM_ROOM);
	size_t filled = 0;
	size_t taken = 0;
	size_t size = first_size;
	while (is_whole(size, input.size - taken) && room.size - filled >= size + AMQP_SHIM_ROOM) {
		const uint8_t *start = input.start + taken;
		filled += amqp_shim_in(
		        &connection->shim, amqp_bytes(start, size), (uint8_t *)room.start + filled);
		taken += size;
		size = amqp_shim_measure(
		        &connection->shim, amqp_bytes(input.start + taken, input.size - taken));
	}
	pn_connection_driver_read_done(driver, filled);
	return taken;
}

size_t amqp_pump_in(struct amqp_connection *connection, struct amqp_bytes input)
{
	size_t taken = 0;
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP &&
	        !pn_connection_driver_read_closed(&connection->driver)) {
		struct amqp_bytes rest = amqp_bytes(input.start + taken, input.size - taken);
		size_t size = amqp_shim_measure(&connection->shim, rest);
		if (size == AMQP_SHIM_REFUSED) {
			fail_protocol(connection, "amqp:connection:framing-error",
			        "the peer sent a frame that is malformed or larger than agreed");
			break;
		}
		if (!is_whole(size, rest.size)) {
			return taken;
		}
		taken += feed_buffer(connection, rest, size);
		amqp_pump_events(connection);
	}
	return input.size; /* nothing that still comes is of interest */
}
