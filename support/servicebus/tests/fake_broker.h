/* SPDX-License-Identifier: MIT */
/*
 * A broker for tests of the client: it speaks the dialect and does what the test says, also what a
 * good one would not do. One queue of messages for all subscriptions.
 */
#ifndef SUPPORT_SERVICEBUS_TESTS_FAKE_BROKER_H
#define SUPPORT_SERVICEBUS_TESTS_FAKE_BROKER_H

#include "support/amqp/connection.h"
#include "support/amqp/decode.h"

#include <openssl/ssl.h>

struct event_base;
struct evconnlistener;

#define FAKE_MAX_CONNECTIONS 16
#define FAKE_MAX_MESSAGES 1024

struct fake_message {
	struct amqp_buffer body;
	uint8_t tag[16];
	uint32_t delivery_count;
	bool is_out; /* with a receiver */
	bool is_settled; /* for good */
};

struct fake_connection {
	struct fake_broker *broker;
	struct amqp_connection *amqp;
	bool is_closed;
};

struct fake_broker {
	struct event_base *base;
	struct evconnlistener *listener;
	SSL_CTX *tls; /* borrowed; NULL: plain */
	uint16_t port;
	struct fake_connection *connections[FAKE_MAX_CONNECTIONS];
	struct fake_message messages[FAKE_MAX_MESSAGES];
	uint32_t n_messages;

	/* What it shall do; all zero is a good broker. */
	int cbs_status; /* 0: 202 */
	const char *missing; /* attaches to addresses that hold this get amqp:not-found */
	const char *refuses_with; /* all attaches to entities get this condition */
	const char *rejects_with; /* sends get this condition */
	bool holds_answers; /* sends get no outcome */
	bool answers_attach_never; /* of entities */
	bool gives_no_credit;
	bool reads_nothing; /* of entities, and sessions that begin then hold little */
	bool settles_first;
	bool ignores_drain;
	bool ignores_settling;
	bool loses_locks; /* settling is answered by message-lock-lost */
	int renew_status; /* 0: 200 */
	uint32_t lock_ms; /* 0: 60000 */
	uint64_t max_message_size;
	bool has_no_locks; /* tags of 4 bytes, no annotations */

	/* What it has seen. */
	unsigned n_connected;
	unsigned n_tokens;
	unsigned n_attaches; /* of entities, answered or not */
	unsigned n_attached;
	unsigned n_received;
	struct amqp_buffer last_received;
	/* May be NULL. Each message that is sent, with the topic; borrowed for the call. */
	void (*on_received)(void *user, const char *address, struct amqp_bytes encoded);
	void *received_user;
	unsigned n_settled;
	uint64_t last_outcome;
	bool last_was_settled;
	char last_reason[80];
	char last_description[80];
	unsigned n_renew_requests;
	unsigned n_renewed;
	unsigned n_updates;
	char last_update[40];
	char last_audience[200];
	unsigned n_drains;
};

void fake_broker_start(struct fake_broker *broker, struct event_base *base);
void fake_broker_stop(struct fake_broker *broker);
/* Stops listening and starts again on the same port. */
void fake_broker_deafen(struct fake_broker *broker);
void fake_broker_hear(struct fake_broker *broker);

/* Puts a message into the queue and gives it out as credit allows. */
void fake_broker_put(struct fake_broker *broker, const char *body);
/* Gives out again what was out and not settled. */
void fake_broker_unlock(struct fake_broker *broker);

/* Drops all connections without a word. */
void fake_broker_kill(struct fake_broker *broker);
void fake_broker_close(struct fake_broker *broker, const char *condition);
/* Detaches all links whose address holds `part`. */
void fake_broker_detach(struct fake_broker *broker, const char *part, const char *condition);
/* Ends all sessions that have entity links. */
void fake_broker_end_sessions(struct fake_broker *broker, const char *condition);

#endif
