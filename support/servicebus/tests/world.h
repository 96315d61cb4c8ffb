/* SPDX-License-Identifier: MIT */
/* A broker and a client on one loop, and a record of what the client has told. */
#ifndef SUPPORT_SERVICEBUS_TESTS_WORLD_H
#define SUPPORT_SERVICEBUS_TESTS_WORLD_H

#include "support/servicebus/client.h"
#include "support/servicebus/tests/fake_broker.h"

#define WORLD_MAX 256

struct world {
	struct event_base *base;
	struct fake_broker broker;
	struct servicebus_settings settings;
	struct servicebus_client *client;

	/* Outcomes of sends and settlements, in their order. */
	unsigned n_done;
	enum servicebus_outcome outcomes[WORLD_MAX];
	char sentence[400]; /* the last one that was not empty */

	/* Deliveries. */
	unsigned n_given;
	uint64_t tokens[WORLD_MAX];
	uint32_t counts[WORLD_MAX];
	uint32_t lock_ms;
	char body[200];
	char message_id[80];
	bool completes_at_once;
	bool destroys_at_delivery;

	unsigned n_refused;
	enum servicebus_outcome refused;
	unsigned n_receivers_stopped;
	bool is_stopped;
	bool is_ready;
	unsigned n_states;
	unsigned n_locks_lost_logged;
	/* Attempts after a loss, of the connection or of a link, and the longest wait for one. */
	unsigned n_waits;
	unsigned longest_wait_ms;
};

/* The broker runs; the client is made by world_client, after the test has changed settings. */
void world_start(struct world *world);
/* With `extra` at the end of the connection string; starts it. */
void world_client(struct world *world, const char *extra);
void world_finish(struct world *world);

/* Runs the loop until the number is at least so large; false after 10 s. */
bool world_wait(struct world *world, const unsigned *number, unsigned least);
bool world_wait_flag(struct world *world, const bool *flag);
/* Runs the loop for so long: for what must not happen. */
void world_pass(struct world *world, unsigned ms);

void world_send(struct world *world, const char *topic, const char *body);
struct servicebus_receiver *world_receive(struct world *world, uint32_t credit);
void world_settle(struct world *world, unsigned delivery, enum servicebus_settlement how);
void world_stop_receiver(struct world *world, struct servicebus_receiver *receiver);
void world_stop(struct world *world, uint32_t timeout_ms);

#endif
