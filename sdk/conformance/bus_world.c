/* SPDX-License-Identifier: MIT */
/* Worlds of bus tests, and copies of what they are given. */
#include "sdk/conformance/bus_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define START_US 1767225600000000 /* 2026-01-01T00:00:00Z */
#define SUBSCRIPTION "reader"
/* Long enough for what comes at once, on a busy machine too. */
#define QUIET_MS 400

struct lucius_text bus_text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

const char *bus_text(struct lucius_text text)
{
	return text.data != NULL ? text.data : "";
}

static void copy_message(
        struct arena *arena, const struct lucius_message *given, struct lucius_message *message)
{
	message->body = arena_text(arena, given->body);
	message->message_id = arena_text(arena, given->message_id);
	message->subject = arena_text(arena, given->subject);
	message->content_type = arena_text(arena, given->content_type);
	message->correlation_id = arena_text(arena, given->correlation_id);
	message->properties = arena_fields(arena, given->properties, given->n_properties);
}

static struct lucius_message *copied_message(
        struct arena *arena, const struct lucius_message *given)
{
	struct lucius_message *message =
	        arena_struct(arena, given, given->size, sizeof(struct lucius_message));
	message->size = sizeof(*message);
	copy_message(arena, given, message);
	return message;
}

static void *copy_delivery_item(struct arena *arena, const void *item)
{
	const struct lucius_delivery *given = item;
	struct lucius_delivery *delivery =
	        arena_struct(arena, given, given->size, sizeof(struct lucius_delivery));
	delivery->message = copied_message(arena, given->message);
	return delivery;
}

static void open_instance(struct bus_world *world)
{
	const struct conformance_run *run = conformance_run();
	struct instance_spec spec = { run->path, run->kind, run->options, run->n_options };
	char error[512] = "";
	world->instance = instance_create(world->host, &spec, error, sizeof(error));
	if (world->instance == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	world->bus = instance_plugin(world->instance)->bus;
	CHECK_STATUS(instance_start(world->instance), LUCIUS_OK);
	CHECK_STATUS(instance_listen(world->instance), LUCIUS_OK);
	world->info = (struct lucius_bus_info){ .size = sizeof(world->info) };
	world->bus->info(instance_self(world->instance), &world->info);
}

static void make_names(struct bus_world *world)
{
	unsigned char bytes[6];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		abort();
	}
	(void)snprintf(world->topic, sizeof(world->topic), "conformance-%02x%02x%02x%02x%02x%02x",
	        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
	(void)snprintf(world->subscription, sizeof(world->subscription), SUBSCRIPTION);
}

/* False: the backend makes no topics. */
static bool provision(struct bus_world *world)
{
	if (!LUCIUS_HAS(world->bus, provision)) {
		return false;
	}
	struct asked *asked = asked_begin(world->instance, "provision", copy_text_item);
	struct arena *arena = asked_arguments(asked);
	struct lucius_text *topic = arena_take(arena, 1, sizeof(*topic));
	struct lucius_subscription *wanted = arena_take(arena, 1, sizeof(*wanted));
	const struct lucius_subscription **list =
	        arena_take(arena, 1, sizeof(struct lucius_text *));
	struct lucius_topology *topology = arena_take(arena, 1, sizeof(*topology));
	*topic = arena_text(arena, bus_text_of(world->topic));
	*wanted = (struct lucius_subscription){ .size = sizeof(*wanted),
		.topic = *topic,
		.name = arena_text(arena, bus_text_of(world->subscription)) };
	*list = wanted;
	*topology = (struct lucius_topology){ .size = sizeof(*topology),
		.topics = topic,
		.n_topics = 1,
		.subscriptions = list,
		.n_subscriptions = 1 };
	world->bus->provision(instance_self(world->instance), topology, asked_op(asked));
	CHECK_STATUS(asked, LUCIUS_OK);
	return true;
}

bool bus_world_ask_fixture(struct bus_world *world, const char *what)
{
	const char *answer = conformance_tell(what);
	world->subscription[0] = '\0';
	return answer != NULL &&
	        sscanf(answer, "%127s %63s", world->topic, world->subscription) >= 1;
}

void bus_world_open(struct bus_world *world)
{
	*world = (struct bus_world){ .host = host_create(START_US, conformance_run()->is_loud) };
	make_names(world);
	open_instance(world);
	if (conformance_parameter("topics") != NULL) {
		CHECK(bus_world_ask_fixture(world, "topic"));
	} else if (!provision(world)) {
		conformance_skip("the backend makes no topics, and there is no fixture that does");
	}
}

static void close_instance(struct bus_world *world)
{
	CHECK_STATUS(instance_stop(world->instance), LUCIUS_OK);
	instance_destroy(world->instance);
}

void bus_world_close(struct bus_world *world)
{
	close_instance(world);
	host_destroy(world->host);
}

void bus_world_restart(struct bus_world *world)
{
	close_instance(world);
	open_instance(world);
}

void bus_world_needs(const char *what)
{
	const char *lacks = conformance_parameter("lacks");
	char sentence[200];
	const char *found = lacks != NULL ? strstr(lacks, what) : NULL;
	if (found != NULL) {
		(void)snprintf(sentence, sizeof(sentence), "this server lacks: %s", what);
		conformance_skip(sentence);
	}
}

void bus_draft_init(struct bus_draft *draft, const char *id)
{
	(void)snprintf(draft->body, sizeof(draft->body), "body of %s", id);
	draft->message = (struct lucius_message){ .size = sizeof(draft->message),
		.body = bus_text_of(draft->body),
		.message_id = bus_text_of(id),
		.content_type = bus_text_of("text/plain") };
}

struct asked *bus_ask_publish(
        struct bus_world *world, const char *topic, const struct lucius_message *message)
{
	struct asked *asked = asked_begin(world->instance, "publish", copy_text_item);
	struct arena *arena = asked_arguments(asked);
	world->bus->publish(instance_self(world->instance), arena_text(arena, bus_text_of(topic)),
	        copied_message(arena, message), asked_op(asked));
	return asked;
}

void bus_publish_ok(struct bus_world *world, const char *id)
{
	struct bus_draft draft;
	bus_draft_init(&draft, id);
	CHECK_STATUS(bus_ask_publish(world, world->topic, &draft.message), LUCIUS_OK);
}

struct asked *bus_ask_subscribe(struct bus_world *world, uint32_t credit, uint64_t flags)
{
	struct asked *asked = asked_begin(world->instance, "subscribe", copy_delivery_item);
	struct arena *arena = asked_arguments(asked);
	struct lucius_subscription *wanted = arena_take(arena, 1, sizeof(*wanted));
	*wanted = (struct lucius_subscription){ .size = sizeof(*wanted),
		.credit = credit,
		.flags = flags,
		.topic = arena_text(arena, bus_text_of(world->topic)),
		.name = arena_text(arena, bus_text_of(world->subscription)) };
	world->bus->subscribe(instance_self(world->instance), wanted, asked_op(asked));
	return asked;
}

struct asked *bus_ask_unsubscribe(struct bus_world *world, struct asked *stream)
{
	struct asked *asked = asked_begin(world->instance, "unsubscribe", copy_text_item);
	world->bus->unsubscribe(instance_self(world->instance), asked_op(stream), asked_op(asked));
	return asked;
}

void bus_end_stream(struct bus_world *world, struct asked *stream)
{
	CHECK_STATUS(bus_ask_unsubscribe(world, stream), LUCIUS_OK);
	CHECK_STATUS(stream, LUCIUS_OK);
}

const struct lucius_delivery *bus_delivery(struct asked *stream, size_t n)
{
	(void)asked_wait_items(stream, n + 1);
	const struct lucius_delivery *delivery = asked_item(stream, n);
	if (delivery == NULL) {
		fprintf(stderr, "delivery %zu did not come\n", n);
		exit(1);
	}
	return delivery;
}

void bus_let_pass(struct bus_world *world, int real_ms)
{
	int64_t until_us = host_clock_us(world->host) + (int64_t)real_ms * 1000;
	while (host_clock_us(world->host) < until_us) {
		(void)host_turn(world->host, 20);
	}
}

bool bus_stays_at(struct bus_world *world, const struct asked *stream, size_t n)
{
	bus_let_pass(world, QUIET_MS);
	return asked_n_items(stream) <= n;
}

struct asked *bus_ask_settle(struct bus_world *world, uint64_t token, uint32_t how)
{
	struct asked *asked = asked_begin(world->instance, "settle", copy_text_item);
	struct arena *arena = asked_arguments(asked);
	struct lucius_settlement *settlement = arena_take(arena, 1, sizeof(*settlement));
	*settlement = (struct lucius_settlement){
		.size = sizeof(*settlement), .how = how, .token = token
	};
	if (how == LUCIUS_SETTLE_DEAD_LETTER) {
		settlement->reason = arena_text(arena, bus_text_of("NotAReply"));
		settlement->description = arena_text(arena, bus_text_of("it has no job id"));
	}
	world->bus->settle(instance_self(world->instance), settlement, asked_op(asked));
	return asked;
}

void bus_settle_ok(struct bus_world *world, uint64_t token, uint32_t how)
{
	CHECK_STATUS(bus_ask_settle(world, token, how), LUCIUS_OK);
}
