/* SPDX-License-Identifier: MIT */
/*
 * One AMQP 1.0 connection on the loop, client or server: bytes of a bufferevent (plain or TLS) on
 * one side, proton's events on the other. Does SASL, the open and close exchange, idle time-outs,
 * limits and the wire shim; sessions, links and deliveries are the owner's.
 *
 * Delivery tags carry one byte in front that the peer does not see, in both directions: see shim.h.
 */
#ifndef SUPPORT_AMQP_CONNECTION_H
#define SUPPORT_AMQP_CONNECTION_H

#include "support/amqp/sasl.h"
#include "support/amqp/shim.h"

#include <proton/connection.h>
#include <proton/event.h>

struct bufferevent;
struct event_base;
struct amqp_connection;

/* Why a connection is over; borrowed for the call. */
struct amqp_closing {
	const char *condition; /* the AMQP condition, "" if none was given */
	const char *sentence; /* for a person, never empty */
	bool is_by_peer; /* the peer sent a close, with or without a condition */
	bool was_open; /* both sides had opened */
};

/* All run on the loop; the connection may be destroyed within each. NULL where it says so. */
struct amqp_connection_handler {
	/* Every event of connection, session, link and delivery, one by one. A server's connection
	 * is opened by itself after PN_CONNECTION_REMOTE_OPEN has been given (set offered
	 * capabilities or properties there), and closed after PN_CONNECTION_REMOTE_CLOSE. */
	void (*on_event)(void *user, struct amqp_connection *connection, pn_event_t *event);
	/* May be NULL. Once a turn of the loop in which there were events or a wake, before the
	 * answers are written: the place for what is done once for many (credit, settling). */
	void (*on_turn)(void *user, struct amqp_connection *connection);
	/* May be NULL. What waits to be written has fallen to half of `congested_above`. */
	void (*on_writable)(void *user, struct amqp_connection *connection);
	/* Once, and nothing after it; never within a call of the owner. Destroy is still due. */
	void (*on_closed)(
	        void *user, struct amqp_connection *connection, const struct amqp_closing *closing);
	/* Server, may be NULL: see sasl.h. */
	amqp_sasl_check_fn check_plain;
	void *user;
};

/* Zero takes the default in brackets. Texts are copied. */
struct amqp_connection_settings {
	bool is_server;
	const char *container_id; /* never NULL */
	const char *hostname; /* client, for SASL and open; may be NULL */
	const char *plain_name; /* client: SASL PLAIN instead of ANONYMOUS; may be NULL */
	const char *plain_password;
	uint32_t max_frame_size; /* bytes [65536] */
	uint32_t channel_max; /* highest channel [255] */
	uint32_t idle_timeout_ms; /* told to the peer [60000 client, 240000 server] */
	uint32_t handshake_timeout_ms; /* until both sides have opened [20000] */
	uint32_t close_timeout_ms; /* for the peer's close after ours [5000] */
	size_t congested_above; /* bytes that wait to be written [1 MiB] */
	/* Stops reading while congested, so that a peer that does not read cannot make memory grow.
	 * For one side of a connection only: two that both wait for the other never go on. */
	bool stops_reading;
};

/*
 * Takes a bufferevent over (it is owned from here on and has no callbacks yet): connected, or being
 * connected (bufferevent_socket_connect… may follow), or in its TLS handshake. Never NULL. Nothing
 * is called before the loop runs again.
 */
struct amqp_connection *amqp_connection_create(struct event_base *base, struct bufferevent *stream,
        const struct amqp_connection_settings *settings,
        const struct amqp_connection_handler *handler);

/* At once and without a word to the peer, safe within callbacks; takes NULL. */
void amqp_connection_destroy(struct amqp_connection *connection);

/* Sends a close (with the condition, unless it is NULL) after all that waits, and ends, bounded by
 * the close time-out, in on_closed. A second call changes nothing. */
void amqp_connection_close(
        struct amqp_connection *connection, const char *condition, const char *description);

/* To be called after touching proton outside the callbacks above: what it has to say is written in
 * this turn of the loop. Any number of times. Within on_turn, or an event that the output brings
 * about, it gives one more turn. */
void amqp_connection_wake(struct amqp_connection *connection);

/* One more on_turn, after what waits has gone to the socket as far as it takes it: for an owner
 * that has kept something back because too much was waiting. */
void amqp_connection_turn_again(struct amqp_connection *connection);

/* Proton's side; borrowed, good until destroy. */
pn_connection_t *amqp_connection_proton(struct amqp_connection *connection);

/* Once an owner has seen this, on_writable is due. */
bool amqp_connection_is_congested(const struct amqp_connection *connection);
/* Bytes that wait to be written. */
size_t amqp_connection_queued(const struct amqp_connection *connection);
/* The peer proved a key by SASL PLAIN (server). */
bool amqp_connection_is_authenticated(const struct amqp_connection *connection);
struct bufferevent *amqp_connection_stream(struct amqp_connection *connection);

#endif
