/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a connection on the loop. A TLS stream stays a bufferevent; a plain socket is read
 * and written directly once it is connected, since a bufferevent reads four kilobytes at a time and
 * waits a turn of the loop before it writes.
 */
#ifndef SUPPORT_AMQP_STREAM_H
#define SUPPORT_AMQP_STREAM_H

#include "support/amqp/buffer.h"

struct bufferevent;
struct event;
struct event_base;

struct amqp_stream_handler {
	void (*on_connected)(void *user);
	/* There may be something to read. */
	void (*on_readable)(void *user);
	/* What waits has been written, or has fallen to the low-water mark. */
	void (*on_written)(void *user);
	/* Neither reading nor writing goes on. */
	void (*on_end)(void *user, const char *sentence, bool is_by_peer);
	void *user;
};

struct amqp_stream {
	struct event_base *base;
	struct bufferevent *bufferevent;
	struct amqp_stream_handler handler;
	size_t low_water;
	bool is_direct;
	bool is_reading;
	bool was_high; /* direct: more than low_water has waited, and that it fell was not told */
	struct event *readable; /* direct */
	struct event *writable; /* direct */
	struct amqp_buffer rest; /* direct: read and not taken yet */
	struct amqp_buffer out;
	size_t out_sent; /* of out, already written */
	int error; /* direct: of the last write; told when the loop comes to it */
};

/* Takes the bufferevent over. Connected: it is a socket that needs no connecting or hand-shake. */
void amqp_stream_start(struct amqp_stream *stream, struct bufferevent *bufferevent,
        bool is_connected, size_t low_water, const struct amqp_stream_handler *handler);
void amqp_stream_finish(struct amqp_stream *stream);

/* No callback comes from now on. */
void amqp_stream_silence(struct amqp_stream *stream);
/* Stops and continues reading. */
void amqp_stream_set_reading(struct amqp_stream *stream, bool is_reading);

/* What there is to read, together with what was left the last time; the bytes are good until
 * amqp_stream_taken. False: nothing, or the end (on_end has been called). */
bool amqp_stream_read(struct amqp_stream *stream, struct amqp_bytes *ret_input);
/* How much of it was used; the rest comes again in front of what follows. */
void amqp_stream_taken(struct amqp_stream *stream, struct amqp_bytes input, size_t taken);

/* Writes as much of `out` as the socket takes now, the rest when it can. On an error on_end is
 * called from the loop. */
void amqp_stream_flush(struct amqp_stream *stream);
/* Bytes that wait, those in `out` included. */
size_t amqp_stream_queued(const struct amqp_stream *stream);

#endif
