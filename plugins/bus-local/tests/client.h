/* SPDX-License-Identifier: MIT */
/*
 * A plain AMQP client for tests: one connection whose links write down what happens to them. It
 * does what it is told and nothing by itself, so that a test can behave as badly as it wants to.
 */
#ifndef BUS_LOCAL_TESTS_CLIENT_H
#define BUS_LOCAL_TESTS_CLIENT_H

#include <openssl/ssl.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/session.h>

#include "support/amqp/connection.h"
#include "support/amqp/message.h"

struct client;

/* A message that came. */
struct arrival {
	struct arrival *next;
	pn_delivery_t *delivery;
	struct amqp_buffer bytes;
	uint8_t tag[32];
	size_t tag_size;
	bool was_settled; /* by the sender, when it came */
};

struct end {
	struct end *next;
	struct client *client;
	pn_link_t *proton;
	/* Receiving. */
	struct arrival *arrivals; /* owned, oldest first */
	struct arrival **last;
	size_t n_arrivals; /* ever */
	/* Sending: of what was sent, by the last. */
	size_t n_outcomes;
	uint64_t outcome; /* PN_ACCEPTED… */
	/* Both: the error of a rejection, a refused attach or a detach; "" if there was none. */
	char condition[80];
	char description[300];
	size_t n_settled; /* arrivals that the sender has settled */
	uint64_t echo; /* the state that it settled the last with */
	bool is_attached; /* the peer has answered */
	bool is_closed; /* by the peer */
};

struct client {
	struct amqp_connection *connection;
	struct end *ends;
	bool is_open;
	bool is_closed;
	char condition[80];
	char sentence[200];
	void (*on_arrival)(void *user, struct end *end, struct arrival *arrival); /* may be NULL */
	void (*on_outcome)(void *user, struct end *end); /* may be NULL */
	void *user;
};

/* Plain_password NULL: SASL ANONYMOUS. Owned by the caller. */
struct client *client_create(
        struct event_base *base, uint16_t port, const char *plain_name, const char *plain_password);
/* Over TLS, ANONYMOUS; the SSL is taken over. */
struct client *client_create_tls(struct event_base *base, uint16_t port, SSL *tls);
void client_destroy(struct client *client);

/* Session NULL: the connection's first. */
pn_session_t *client_session(struct client *client);
struct end *client_sender(struct client *client, pn_session_t *session, const char *target);
/* Settle modes as in an attach; peek-lock: unsettled, second. */
struct end *client_receiver(struct client *client, pn_session_t *session, const char *source,
        pn_snd_settle_mode_t snd, pn_rcv_settle_mode_t rcv);

void client_send(struct end *end, struct amqp_bytes encoded, bool is_batch, bool is_settled);
void client_flow(struct end *end, int credit);
void client_drain(struct end *end, int credit);
/* Says an outcome; settled: does not wait for the echo. */
void client_settle(struct arrival *arrival, uint64_t state, bool is_settled);
/* Writes down what happens to a link that the test has made by itself. */
struct end *client_add(struct client *client, pn_link_t *proton);
/* What was done to proton directly goes out in the next turn. */
void client_wake(struct client *client);

/* The first arrival is forgotten. */
void client_drop_arrival(struct end *end);

/* An encoded request: the id as given (raw encoding), body an encoded value. */
void client_write_request(struct amqp_buffer *buffer, const char *operation,
        struct amqp_bytes raw_id, struct amqp_bytes body);
/* put-token for the audience. */
void client_write_token(struct amqp_buffer *buffer, const char *audience, const char *token);
/* The number under a key of the application properties; -1: there is none, or no int. */
int64_t client_status(const struct arrival *arrival, const char *key);

#endif
