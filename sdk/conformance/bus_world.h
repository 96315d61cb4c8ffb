/* SPDX-License-Identifier: MIT */
/*
 * What bus tests share: a backend with a topic and a subscription of the test's own, messages and
 * receivers. Where topics come from stands in README.md.
 */
#ifndef SDK_CONFORMANCE_BUS_WORLD_H
#define SDK_CONFORMANCE_BUS_WORLD_H

#include <lucius/bus.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host.h"

struct bus_world {
	struct host *host;
	struct instance *instance;
	const struct lucius_bus *bus;
	struct lucius_bus_info info;
	char topic[128];
	char subscription[64];
};

void bus_world_open(struct bus_world *world);
void bus_world_close(struct bus_world *world);
/* Another instance takes the place of the first, which is stopped. */
void bus_world_restart(struct bus_world *world);
/* Takes "TOPIC SUBSCRIPTION" of the fixture's making for the world's, or "QUEUE". False: it makes
 * none. */
bool bus_world_ask_fixture(struct bus_world *world, const char *what);
/* Ends the test as skipped if the suite was told (`lacks`) that the backend's server cannot. */
void bus_world_needs(const char *what);

/* A message with that id; its body is "body of ID". Borrows the id. */
struct bus_draft {
	struct lucius_message message;
	char body[160];
};
void bus_draft_init(struct bus_draft *draft, const char *id);

struct asked *bus_ask_publish(
        struct bus_world *world, const char *topic, const struct lucius_message *message);
/* Publishes and checks that it went well. */
void bus_publish_ok(struct bus_world *world, const char *id);

/* A stream of deliveries from the world's subscription. */
struct asked *bus_ask_subscribe(struct bus_world *world, uint32_t credit, uint64_t flags);
struct asked *bus_ask_unsubscribe(struct bus_world *world, struct asked *stream);
/* Ends the stream and checks that both ended well. */
void bus_end_stream(struct bus_world *world, struct asked *stream);
/* The n-th delivery of a stream, waited for; never NULL: without it the test ends. */
const struct lucius_delivery *bus_delivery(struct asked *stream, size_t n);
/* Lets things happen for so much real time. */
void bus_let_pass(struct bus_world *world, int real_ms);
/* True if, for a while, no more than n have come. */
bool bus_stays_at(struct bus_world *world, const struct asked *stream, size_t n);

struct asked *bus_ask_settle(struct bus_world *world, uint64_t token, uint32_t how);
/* Settles and checks that it went well. */
void bus_settle_ok(struct bus_world *world, uint64_t token, uint32_t how);

/* As a NUL-terminated text. */
const char *bus_text(struct lucius_text text);
struct lucius_text bus_text_of(const char *text);

#endif
