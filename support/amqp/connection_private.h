/* SPDX-License-Identifier: MIT */
/* What connection.c (life, sockets, timers) and connection_pump.c (bytes and events) share. */
#ifndef SUPPORT_AMQP_CONNECTION_PRIVATE_H
#define SUPPORT_AMQP_CONNECTION_PRIVATE_H

#include "support/amqp/connection.h"
#include "support/amqp/stream.h"

#include <proton/connection_driver.h>

struct event;

enum amqp_stage {
	AMQP_STAGE_CONNECTING, /* client: neither TCP nor TLS is up yet */
	AMQP_STAGE_SASL,
	AMQP_STAGE_AMQP,
	AMQP_STAGE_FLUSHING, /* proton has said its last word; it waits to be written */
	AMQP_STAGE_OVER, /* on_closed has been called, or is being */
};

struct amqp_connection {
	struct event_base *base;
	struct amqp_stream stream;
	struct amqp_connection_handler handler;
	struct amqp_connection_settings settings;
	char *hostname;
	char *plain_name;
	char *plain_password;
	pn_connection_driver_t driver;
	struct amqp_sasl sasl;
	struct amqp_shim shim;
	enum amqp_stage stage;
	struct event *wake; /* flush in this turn of the loop */
	struct event *tick; /* proton's idle time-outs */
	struct event *deadline; /* hand-shake, then close */
	unsigned depth;
	bool is_destroyed;
	bool is_woken; /* on_wake is due */
	bool is_running; /* all that is done now is written at the end of it */
	bool is_past_events; /* the owner's turn has begun, or is over: what wakes now needs another
	                      */
	bool wants_turn;
	bool is_closing; /* by us */
	bool was_open;
	bool was_congested;
	char condition[80];
	char sentence[256];
	bool is_by_peer;
};

/* The first reason given stays: what follows it is its consequence. */
void amqp_connection_note(
        struct amqp_connection *connection, const char *condition, const char *sentence);
/* Gives proton what is whole of the input, and the owner the events; returns the bytes taken. */
size_t amqp_pump_in(struct amqp_connection *connection, struct amqp_bytes input);
void amqp_pump_events(struct amqp_connection *connection);
/* Writes all that proton has to say into the stream. */
void amqp_pump_out(struct amqp_connection *connection);
/* Lets proton look at the clock, and sets the timer for the next time. */
void amqp_connection_tick(struct amqp_connection *connection);
/* Starts the deadline of the stage, anew if it runs. */
void amqp_connection_set_deadline(struct amqp_connection *connection, uint32_t after_ms);

#endif
