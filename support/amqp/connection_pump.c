/* SPDX-License-Identifier: MIT */
/* Bytes into proton, events out of it, bytes out of it. */
#include "support/amqp/connection_private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <proton/transport.h>

/* Proton gets its input in portions of this size, or of one frame if that is larger. */
#define FEED_LEAST (64 * 1024)

void amqp_pump_write(struct amqp_connection *connection)
{
	if (connection->out.size != 0) {
		if (bufferevent_write(
		            connection->stream, connection->out.start, connection->out.size) != 0) {
			amqp_connection_note(connection, NULL, "the socket takes no more output");
		}
		amqp_buffer_clear(&connection->out);
	}
	if (!amqp_connection_is_congested(connection)) {
		return;
	}
	connection->was_congested = true;
	if (connection->settings.stops_reading && !connection->is_reading_stopped) {
		connection->is_reading_stopped = true;
		(void)bufferevent_disable(connection->stream, EV_READ);
	}
}

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

void amqp_pump_out(struct amqp_connection *connection)
{
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP) {
		pn_bytes_t output = whole_output(&connection->driver);
		if (output.size == 0) {
			break;
		}
		amqp_shim_out(
		        &connection->shim, amqp_bytes(output.start, output.size), &connection->out);
		(void)pn_connection_driver_write_done(&connection->driver, output.size);
		amqp_pump_events(connection);
	}
	if (connection->is_destroyed) {
		return;
	}
	amqp_pump_write(connection);
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

/* Gives proton what is whole of `input`; returns the bytes taken. */
static size_t feed_run(struct amqp_connection *connection, struct amqp_bytes input)
{
	size_t taken = 0;
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP &&
	        !pn_connection_driver_read_closed(&connection->driver)) {
		struct amqp_bytes rest = amqp_bytes(input.start + taken, input.size - taken);
		size_t size = amqp_shim_measure(&connection->shim, rest);
		size_t n = is_whole(size, rest.size) ? feed_buffer(connection, rest, size) : 0;
		if (n == 0) {
			break;
		}
		taken += n;
		amqp_pump_events(connection);
	}
	return taken;
}

/* The next piece may lie across the pieces of the input buffer: joins them. False: it is not whole
 * yet, or none. */
static bool join_next(struct amqp_connection *connection, struct evbuffer *input)
{
	size_t length = evbuffer_get_length(input);
	size_t head = length < 8 ? length : 8;
	const uint8_t *start = evbuffer_pullup(input, (ssize_t)head);
	size_t size = amqp_shim_measure(&connection->shim, amqp_bytes(start, head));
	if (size == AMQP_SHIM_REFUSED) {
		fail_protocol(connection, "amqp:connection:framing-error",
		        "the peer sent a frame that is malformed or larger than agreed");
		return false;
	}
	return size != 0 && size <= length && evbuffer_pullup(input, (ssize_t)size) != NULL;
}

void amqp_pump_in(struct amqp_connection *connection, struct evbuffer *input)
{
	while (!connection->is_destroyed && connection->stage == AMQP_STAGE_AMQP &&
	        !pn_connection_driver_read_closed(&connection->driver) &&
	        join_next(connection, input)) {
		struct evbuffer_iovec first;
		if (evbuffer_peek(input, -1, NULL, &first, 1) < 1) {
			return;
		}
		size_t taken = feed_run(connection, amqp_bytes(first.iov_base, first.iov_len));
		if (connection->is_destroyed) {
			return;
		}
		(void)evbuffer_drain(input, taken);
		if (taken == 0) {
			fail_protocol(connection, "amqp:internal-error", "a frame found no room");
		}
	}
}
