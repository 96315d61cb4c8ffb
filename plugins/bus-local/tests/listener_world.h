/* SPDX-License-Identifier: MIT */
/*
 * The module with its listener, and a client that does what SDKs do and what they would not. Time
 * is simulated for the broker: it stands still unless a test moves it.
 */
#ifndef BUS_LOCAL_TESTS_LISTENER_WORLD_H
#define BUS_LOCAL_TESTS_LISTENER_WORLD_H

#include "core/backend.h"
#include "core/loop.h"
#include "plugins/bus-local/options.h"
#include "plugins/bus-local/tests/client.h"
#include "tests/support/suite.h"

#define START_S INT64_C(1700000000)
#define TOPIC "global-bus-replies-p0"
#define SUBSCRIPTION TOPIC "/Subscriptions/lucius-invoker"
#define WAIT_SECONDS 20

struct world {
	struct loop *loop;
	struct bus_options *options;
	struct backend *bus;
	uint16_t port;
	struct client *client; /* proved the key; NULL until world_connect */
	pn_session_t *session;
	struct event_base *aside; /* of a client that stops reading when this is not turned */
	bool is_aside_still;
};

struct management {
	struct end *requests;
	struct end *replies;
};

/* Until the condition holds, or so long that it never will. */
#define WAIT(world, condition)                                  \
	do {                                                    \
		double wait_end_ = seconds() + WAIT_SECONDS;    \
		while (!(condition) && seconds() < wait_end_) { \
			turn(world);                            \
		}                                               \
		CHECK(condition);                               \
	} while (0)

void on_ok(void *user, uint32_t status, const char *sentence);
double seconds(void);
void turn(struct world *world);
void stage(
        struct world *world, struct lucius_op (*begin)(struct backend *, const struct op_caller *));
/* Prepared: the options may be changed before it is started. */
void world_prepare(struct world *world);
void world_start(struct world *world);
void world_init(struct world *world);
struct client *connect_plain(struct world *world, const char *key);
void world_connect(struct world *world);
void world_destroy(struct world *world);
void world_finish(struct world *world);
struct end *slow_receiver(struct world *world);
struct end *receiver(struct world *world);
struct end *sender(struct world *world);
void write_message(struct amqp_buffer *buffer, const char *id, size_t body_size);
void send_message(struct world *world, struct end *end, const char *id);
/* Both links to a $management node, settled as SDKs want it. */
struct management manage(struct world *world, const char *address);
/* The reply, until the next is asked for. */
const struct arrival *ask(struct world *world, struct management *management, const char *operation,
        struct amqp_bytes raw_id, struct amqp_bytes body);
uint64_t count_of(const struct arrival *arrival);

#endif
