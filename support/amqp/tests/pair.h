/* SPDX-License-Identifier: MIT */
/* A client and a server connection joined by a socket pair on a loop of their own. */
#ifndef SUPPORT_AMQP_TESTS_PAIR_H
#define SUPPORT_AMQP_TESTS_PAIR_H

#include "support/amqp/connection.h"

#include <event2/event.h>

/* One side; tests set on_event and count what they see. */
struct side {
	struct amqp_connection *connection;
	void (*on_event)(struct side *side, pn_event_t *event);
	void *test;
	bool is_closed;
	bool destroys_in_event; /* destroys itself at the next event */
	unsigned n_events;
	unsigned n_writable;
	unsigned n_turns;
	char condition[80];
	char sentence[256];
	bool is_by_peer;
	bool was_open;
};

struct pair {
	struct event_base *base;
	struct side client;
	struct side server;
	int raw; /* the client's socket where there is no client connection; else -1 */
};

struct pair_options {
	struct amqp_connection_settings client;
	struct amqp_connection_settings server;
	amqp_sasl_check_fn check_plain;
	bool is_raw; /* no client connection: the test writes bytes itself */
};

void pair_start(struct pair *pair, const struct pair_options *options);
void pair_finish(struct pair *pair);

/* Runs the loop until the condition holds; false after 5 s. */
bool pair_run_until(struct pair *pair, bool (*is_done)(const void *user), const void *user);
/* For pair_run_until: `user` is a bool. */
bool pair_is_set(const void *user);
/* Until both sides are open. */
bool pair_open(struct pair *pair);
/* Turns of the loop that are ready now. */
void pair_settle(struct pair *pair);

#endif
