/* SPDX-License-Identifier: MIT */
/* The pair of broker and client, and waiting with a bound. */
#include "support/servicebus/tests/world.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static void on_log(void *user, int level, const char *event, const char *sentence)
{
	struct world *world = user;
	const char *wait = strstr(sentence, "trying again in ");
	unsigned wait_ms;
	if (wait != NULL && sscanf(wait, "trying again in %u ms", &wait_ms) == 1) {
		world->n_waits++;
		if (wait_ms > world->longest_wait_ms) {
			world->longest_wait_ms = wait_ms;
		}
	}
	world->n_locks_lost_logged += strcmp(event, "servicebus.lock_lost") == 0 ? 1 : 0;
	if (getenv("TEST_VERBOSE") != NULL) {
		fprintf(stderr, "%d %s %s\n", level, event, sentence);
	}
}

static void on_state(void *user, const char *sentence)
{
	struct world *world = user;
	world->is_ready = sentence == NULL;
	world->n_states++;
}

void world_start(struct world *world)
{
	*world = (struct world){ .base = event_base_new() };
	world->settings = (struct servicebus_settings){
		.backoff_first_ms = 5,
		.backoff_max_ms = 50,
		.on_log = on_log,
		.on_state = on_state,
		.user = world,
	};
	fake_broker_start(&world->broker, world->base);
}

void world_client(struct world *world, const char *extra)
{
	char text[300];
	char error[200] = "";
	struct azure_servicebus connection;
	snprintf(text, sizeof(text),
	        "Endpoint=sb://%s:%u;SharedAccessKeyName=name;SharedAccessKey=key;%s",
	        strstr(extra, "Emulator") != NULL ? "127.0.0.1" : "localhost", world->broker.port,
	        extra);
	if (!azure_servicebus_parse(text, &connection, error, sizeof(error))) {
		abort();
	}
	world->settings.connection = &connection;
	if (!servicebus_client_create(
	            world->base, &world->settings, &world->client, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	azure_servicebus_finish(&connection);
	servicebus_client_start(world->client);
}

void world_finish(struct world *world)
{
	servicebus_client_destroy(world->client);
	fake_broker_stop(&world->broker);
	event_base_free(world->base);
}

static void on_late(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	*(bool *)user = true;
}

static void run(struct world *world, unsigned ms, const unsigned *number, unsigned least)
{
	bool is_late = false;
	struct timeval bound = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct event *timer = event_new(world->base, -1, 0, on_late, &is_late);
	(void)event_add(timer, &bound);
	while (!is_late && (number == NULL || *number < least)) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
}

bool world_wait(struct world *world, const unsigned *number, unsigned least)
{
	run(world, 10000, number, least);
	return *number >= least;
}

bool world_wait_flag(struct world *world, const bool *flag)
{
	bool is_late = false;
	struct timeval bound = { .tv_sec = 10 };
	struct event *timer = event_new(world->base, -1, 0, on_late, &is_late);
	(void)event_add(timer, &bound);
	while (!is_late && !*flag) {
		(void)event_base_loop(world->base, EVLOOP_ONCE);
	}
	event_free(timer);
	return *flag;
}

void world_pass(struct world *world, unsigned ms)
{
	run(world, ms, NULL, 0);
}

static void on_done(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct world *world = user;
	if (world->n_done < WORLD_MAX) {
		world->outcomes[world->n_done] = outcome;
	}
	world->n_done++;
	if (sentence[0] != '\0') {
		snprintf(world->sentence, sizeof(world->sentence), "%s", sentence);
	}
}

void world_send(struct world *world, const char *topic, const char *body)
{
	struct amqp_buffer encoded = { 0 };
	struct amqp_draft draft = { .message_id = amqp_text("id"), .body = amqp_text(body) };
	amqp_message_write(&encoded, &draft);
	servicebus_send(servicebus_sender(world->client, topic), amqp_buffer_bytes(&encoded),
	        on_done, world);
	amqp_buffer_finish(&encoded);
}

static void copy_text(char *to, size_t size, struct amqp_bytes text)
{
	snprintf(to, size, "%.*s", (int)text.size, (const char *)text.start);
}

static void settle_token(struct world *world, uint64_t token, enum servicebus_settlement how)
{
	struct servicebus_settle settle = {
		.token = token,
		.how = how,
		.done = on_done,
		.user = world,
	};
	if (how == SERVICEBUS_DEAD_LETTER) {
		settle.reason = amqp_text("NotAReply");
		settle.description = amqp_text("It is no reply.");
	}
	servicebus_settle(world->client, &settle);
}

static void on_delivery(void *user, const struct servicebus_delivery *delivery)
{
	struct world *world = user;
	if (world->n_given < WORLD_MAX) {
		world->tokens[world->n_given] = delivery->token;
		world->counts[world->n_given] = delivery->delivery_count;
	}
	world->n_given++;
	world->lock_ms = delivery->lock_ms;
	copy_text(world->body, sizeof(world->body), delivery->body);
	copy_text(world->message_id, sizeof(world->message_id),
	        delivery->properties->at[AMQP_MESSAGE_ID].bytes);
	if (world->completes_at_once) {
		settle_token(world, delivery->token, SERVICEBUS_COMPLETE);
	}
	if (world->destroys_at_delivery) {
		struct servicebus_client *client = world->client;
		world->client = NULL;
		servicebus_client_destroy(client);
	}
}

static void on_refused(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct world *world = user;
	world->n_refused++;
	world->refused = outcome;
	snprintf(world->sentence, sizeof(world->sentence), "%s", sentence);
}

struct servicebus_receiver *world_receive(struct world *world, uint32_t credit)
{
	struct servicebus_receiver_settings settings = {
		.topic = "topic",
		.subscription = "sub",
		.credit = credit,
		.on_delivery = on_delivery,
		.on_refused = on_refused,
		.user = world,
	};
	return servicebus_receiver(world->client, &settings);
}

void world_settle(struct world *world, unsigned delivery, enum servicebus_settlement how)
{
	settle_token(world, world->tokens[delivery], how);
}

static void on_receiver_stopped(void *user)
{
	((struct world *)user)->n_receivers_stopped++;
}

void world_stop_receiver(struct world *world, struct servicebus_receiver *receiver)
{
	servicebus_receiver_stop(receiver, on_receiver_stopped, world);
}

static void on_stopped(void *user)
{
	((struct world *)user)->is_stopped = true;
}

void world_stop(struct world *world, uint32_t timeout_ms)
{
	servicebus_client_stop(world->client, timeout_ms, on_stopped, world);
}
