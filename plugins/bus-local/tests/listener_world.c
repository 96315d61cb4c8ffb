/* SPDX-License-Identifier: MIT */
/* What the tests of the listener share. */
#include "plugins/bus-local/tests/listener_world.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "core/loader.h"
#include "core/option_value.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* The port stands in the log line of the listener; it is taken before the listener opens. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	evutil_socket_t fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&address, size) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	CHECK(evutil_closesocket(fd) == 0);
	return ntohs(address.sin_port);
}

void on_ok(void *user, uint32_t status, const char *sentence)
{
	if (status != LUCIUS_OK) {
		fprintf(stderr, "status %u: %s\n", status, sentence != NULL ? sentence : "");
	}
	CHECK_INT(status, LUCIUS_OK);
	*(bool *)user = true;
}

double seconds(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One round of whatever is ready; broker timers are simulated ones. */
void turn(struct world *world)
{
	loop_turn(world->loop, 0);
	loop_advance(world->loop, 0);
	if (world->aside != NULL && !world->is_aside_still) {
		(void)event_base_loop(world->aside, EVLOOP_NONBLOCK);
	}
}

void stage(
        struct world *world, struct lucius_op (*begin)(struct backend *, const struct op_caller *))
{
	bool is_done = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_done };
	(void)begin(world->bus, &caller);
	double end = seconds() + WAIT_SECONDS;
	while (!is_done && seconds() < end) {
		turn(world);
		loop_advance(world->loop, 1);
	}
	CHECK(is_done);
}

static const struct lucius_plugin *plugin(void)
{
	char error[512] = "";
	const struct lucius_plugin *found =
	        loader_load(PLUGINS_DIR, LUCIUS_KIND_BUS, "local", error, sizeof(error));
	if (found == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	return found;
}

void world_prepare(struct world *world)
{
	char error[512] = "";
	char listen[40];
	/* As the daemon does: writing to a peer that is gone is an error and no signal. */
	(void)signal(SIGPIPE, SIG_IGN);
	*world = (struct world){ .loop = loop_create_simulated(1, START_S * 1000000) };
	world->aside = event_base_new();
	world->options = option_defaults(plugin(), error, sizeof(error));
	CHECK_TEXT(error, "");
	world->port = free_port();
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", world->port);
	world->options->listen = must_copy(listen, strlen(listen));
}

void world_start(struct world *world)
{
	char error[512] = "";
	struct backend_parts parts = {
		.loop = world->loop, .plugin = plugin(), .options = world->options
	};
	world->bus = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	stage(world, backend_start);
	stage(world, backend_listen);
}

void world_init(struct world *world)
{
	world_prepare(world);
	world_start(world);
}

struct client *connect_plain(struct world *world, const char *key)
{
	return client_create(loop_base(world->loop), world->port, BUS_KEY_NAME, key);
}

/* A world with a client that may do everything. */
void world_connect(struct world *world)
{
	world_init(world);
	world->client = connect_plain(world, BUS_EMULATOR_KEY);
	WAIT(world, world->client->is_open);
	world->session = client_session(world->client);
}

/* After a stop. */
void world_destroy(struct world *world)
{
	CHECK_INT(backend_destroy(world->bus), 0);
	loop_destroy(world->loop);
	event_base_free(world->aside);
	free((char *)world->options->listen);
	free(world->options);
}

void world_finish(struct world *world)
{
	if (world->client != NULL) {
		client_destroy(world->client);
	}
	stage(world, backend_stop);
	world_destroy(world);
}

/* A receiver on a connection of its own that can be left unread, with credit for everything. */
struct end *slow_receiver(struct world *world)
{
	struct client *slow =
	        client_create(world->aside, world->port, BUS_KEY_NAME, BUS_EMULATOR_KEY);
	WAIT(world, slow->is_open);
	struct end *in = client_receiver(
	        slow, client_session(slow), SUBSCRIPTION, PN_SND_UNSETTLED, PN_RCV_SECOND);
	WAIT(world, in->is_attached);
	client_flow(in, 10000);
	for (int i = 0; i < 20; i++) {
		turn(world);
	}
	return in;
}

struct end *receiver(struct world *world)
{
	struct end *end = client_receiver(
	        world->client, world->session, SUBSCRIPTION, PN_SND_UNSETTLED, PN_RCV_SECOND);
	WAIT(world, end->is_attached);
	return end;
}

struct end *sender(struct world *world)
{
	struct end *end = client_sender(world->client, world->session, TOPIC);
	WAIT(world, end->is_attached && pn_link_credit(end->proton) > 0);
	return end;
}

void write_message(struct amqp_buffer *buffer, const char *id, size_t body_size)
{
	CLEANUP_FREE char *body = must_calloc(body_size + 1, 1);
	memset(body, 'x', body_size);
	struct amqp_draft draft = { .message_id = amqp_text(id), .body = amqp_text(body) };
	amqp_message_write(buffer, &draft);
}

void send_message(struct world *world, struct end *end, const char *id)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	size_t n = end->n_outcomes;
	write_message(&buffer, id, 10);
	client_send(end, amqp_buffer_bytes(&buffer), false, false);
	WAIT(world, end->n_outcomes == n + 1);
	CHECK_INT(end->outcome, PN_ACCEPTED);
}

struct management manage(struct world *world, const char *address)
{
	struct management management = {
		.requests = client_sender(world->client, world->session, address),
		.replies = client_receiver(
		        world->client, world->session, address, PN_SND_SETTLED, PN_RCV_FIRST),
	};
	WAIT(world, management.requests->is_attached && management.replies->is_attached);
	client_flow(management.replies, 100);
	return management;
}

const struct arrival *ask(struct world *world, struct management *management, const char *operation,
        struct amqp_bytes raw_id, struct amqp_bytes body)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	size_t n = management->replies->n_arrivals;
	client_write_request(&buffer, operation, raw_id, body);
	client_send(management->requests, amqp_buffer_bytes(&buffer), false, false);
	WAIT(world, management->replies->n_arrivals == n + 1);
	if (n != 0) {
		client_drop_arrival(management->replies);
	}
	return management->replies->arrivals;
}

uint64_t count_of(const struct arrival *arrival)
{
	struct amqp_message message;
	CHECK(amqp_message_parse(amqp_buffer_bytes(&arrival->bytes), &message));
	return message.header.delivery_count;
}
