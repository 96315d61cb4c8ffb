/* SPDX-License-Identifier: MIT */
/* Management requests, bytes that are no AMQP, and the end of the listener. */
#include "plugins/bus-local/tests/listener_world.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/log.h"
#include "support/base/cleanup.h"

/* Requests. */

static void request_id_comes_back_in_its_type(void)
{
	static const struct amqp_bytes ids[] = {
		{ (const uint8_t *)"\x53\x07", 2 }, /* ulong */
		{ (const uint8_t *)"\xa1\x03"
		                   "abc",
		        5 }, /* string */
		{ (const uint8_t *)"\x98"
		                   "0123456789abcdef",
		        17 }, /* uuid */
		{ (const uint8_t *)"\xa0\x02\x00\x01", 4 }, /* binary */
	};
	struct world world;
	world_connect(&world);
	struct management management = manage(&world, SUBSCRIPTION "/$management");
	for (size_t i = 0; i < 4; i++) {
		struct amqp_message message;
		struct amqp_properties properties;
		const struct arrival *reply =
		        ask(&world, &management, "com.example:no-such", ids[i], amqp_text("\x40"));
		CHECK_INT(client_status(reply, "statusCode"), 501);
		CHECK(amqp_message_parse(amqp_buffer_bytes(&reply->bytes), &message));
		CHECK(amqp_properties_parse(message.properties, &properties));
		CHECK(amqp_bytes_equal(properties.at[AMQP_CORRELATION_ID].raw, ids[i]));
	}
	world_finish(&world);
}

/* A map with `lock-tokens`, an array of one uuid in RFC order. */
static void write_tokens(struct amqp_buffer *buffer, const uint8_t tag[16])
{
	static const int order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t uuid[1][16];
	for (int i = 0; i < 16; i++) {
		uuid[0][i] = tag[order[i]];
	}
	size_t mark = amqp_begin_map(buffer);
	amqp_put_string(buffer, amqp_text("lock-tokens"));
	amqp_put_uuid_array(buffer, (const uint8_t(*)[16])uuid, 1);
	amqp_end(buffer, mark, 2);
}

static void lock_is_renewed_by_its_token(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	struct amqp_bytes id = amqp_bytes("\x44", 1);
	world_connect(&world);
	struct end *in = receiver(&world);
	struct management management = manage(&world, SUBSCRIPTION "/$management");
	send_message(&world, sender(&world), "m1");
	client_flow(in, 2);
	WAIT(&world, in->n_arrivals == 1);
	write_tokens(&body, in->arrivals->tag);
	loop_advance(world.loop, 50000);
	const struct arrival *reply =
	        ask(&world, &management, "com.microsoft:renew-lock", id, amqp_buffer_bytes(&body));
	CHECK_INT(client_status(reply, "statusCode"), 200);
	loop_advance(world.loop, 50000);
	turn(&world);
	CHECK_INT(in->n_arrivals, 1);
	loop_advance(world.loop, 10000);
	WAIT(&world, in->n_arrivals == 2);
	reply = ask(&world, &management, "com.microsoft:renew-lock", id, amqp_buffer_bytes(&body));
	CHECK_INT(client_status(reply, "statusCode"), 410);
	world_finish(&world);
}

static void lock_of_another_subscription_is_not_theirs(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	world_connect(&world);
	struct end *in = receiver(&world);
	struct management management =
	        manage(&world, "global-bus-replies-p1/Subscriptions/lucius-invoker/$management");
	send_message(&world, sender(&world), "m1");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	write_tokens(&body, in->arrivals->tag);
	const struct arrival *reply = ask(&world, &management, "com.microsoft:renew-lock",
	        amqp_bytes("\x44", 1), amqp_buffer_bytes(&body));
	CHECK_INT(client_status(reply, "statusCode"), 410);
	world_finish(&world);
}

static void malformed_requests_are_answered_or_dropped(void)
{
	static const char *const operations[] = { "com.microsoft:renew-lock",
		"com.microsoft:update-disposition", "com.microsoft:receive-by-sequence-number",
		"com.microsoft:schedule-message", "com.microsoft:cancel-scheduled-message" };
	struct world world;
	struct amqp_bytes id = amqp_bytes("\x44", 1);
	world_connect(&world);
	struct management management = manage(&world, SUBSCRIPTION "/$management");
	client_send(management.requests, amqp_text("no message"), false, false);
	for (size_t i = 0; i < 5; i++) {
		const struct arrival *reply =
		        ask(&world, &management, operations[i], id, amqp_bytes("\x40", 1));
		CHECK_INT(client_status(reply, "statusCode"), 400);
		reply = ask(&world, &management, operations[i], id, amqp_bytes("\xc1\x01\x00", 3));
		CHECK_INT(client_status(reply, "statusCode"), 400);
	}
	const struct arrival *reply =
	        ask(&world, &management, "com.microsoft:peek-message", id, amqp_bytes("\x40", 1));
	CHECK_INT(client_status(reply, "statusCode"), 204);
	CHECK(!world.client->is_closed);
	world_finish(&world);
}

/* Bytes that are no AMQP, and the end. */

static void on_raw_event(struct bufferevent *stream, short what, void *user)
{
	(void)stream;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		*(bool *)user = true;
	}
}

static void on_raw_read(struct bufferevent *stream, void *user)
{
	char bytes[4096];
	(void)user;
	while (bufferevent_read(stream, bytes, sizeof(bytes)) > 0) {
	}
}

static void check_raw(struct world *world, const void *bytes, size_t size)
{
	bool is_over = false;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(world->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct bufferevent *stream =
	        bufferevent_socket_new(loop_base(world->loop), -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(stream, on_raw_read, NULL, on_raw_event, &is_over);
	CHECK_INT(bufferevent_enable(stream, EV_READ | EV_WRITE), 0);
	CHECK_INT(bufferevent_socket_connect(stream, (struct sockaddr *)&address, sizeof(address)),
	        0);
	CHECK_INT(bufferevent_write(stream, bytes, size), 0);
	WAIT(world, is_over || evbuffer_get_length(bufferevent_get_output(stream)) == 0);
	/* Some bytes are the beginning of something: no more of it comes. */
	(void)shutdown(bufferevent_getfd(stream), SHUT_WR);
	WAIT(world, is_over);
	bufferevent_free(stream);
}

static void bytes_that_are_no_amqp_end_their_connection_only(void)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char huge[] = "AMQP\x00\x01\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00";
	static const char open[] =
	        "AMQP\x00\x01\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00\xff\xff\xff\xff";
	struct world world;
	world_connect(&world);
	struct end *out = sender(&world);
	check_raw(&world, http, sizeof(http) - 1);
	check_raw(&world, huge, sizeof(huge) - 1);
	check_raw(&world, open, sizeof(open) - 1);
	send_message(&world, out, "still here");
	world_finish(&world);
}

static void random_bytes_end_their_connection_only(void)
{
	struct world world;
	uint64_t state = 88172645463325252ull;
	world_connect(&world);
	struct end *out = sender(&world);
	for (int i = 0; i < 50; i++) {
		char bytes[2048] = "AMQP\x00\x01\x00\x00";
		for (size_t k = i % 2 == 0 ? 8 : 0; k < sizeof(bytes); k++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			bytes[k] = (char)state;
		}
		/* A frame that ends with the bytes, so that the connection cannot wait for more. */
		if (i % 2 == 0) {
			memcpy(bytes + 8, "\x00\x00\x07\xf8\x02\x00\x00\x00", 8);
		}
		check_raw(&world, bytes, sizeof(bytes));
	}
	send_message(&world, out, "still here");
	world_finish(&world);
}

static void stop_waits_for_settlements_and_closes_in_order(void)
{
	struct world world;
	bool is_stopped = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_stopped };
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	send_message(&world, out, "m1");
	send_message(&world, out, "m2");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	(void)backend_stop(world.bus, &caller);
	turn(&world);
	CHECK(!is_stopped);
	/* No second message comes, whatever credit there is. */
	client_flow(in, 1);
	for (int i = 0; i < 20; i++) {
		turn(&world);
	}
	CHECK_INT(in->n_arrivals, 1);
	client_settle(in->arrivals, PN_ACCEPTED, false);
	WAIT(&world, in->n_settled == 1);
	CHECK_INT(in->echo, PN_ACCEPTED);
	for (int i = 0; i < 1000 && !is_stopped; i++) {
		turn(&world);
		loop_advance(world.loop, 1);
	}
	CHECK(is_stopped);
	WAIT(&world, world.client->is_closed);
	CHECK_TEXT(world.client->condition, "amqp:connection:forced");
	client_destroy(world.client);
	world_destroy(&world);
}

static void stop_does_not_wait_for_ever(void)
{
	struct world world;
	bool is_stopped = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_stopped };
	world_connect(&world);
	struct end *in = slow_receiver(&world);
	send_message(&world, sender(&world), "m1");
	WAIT(&world, in->n_arrivals == 1);
	/* It neither settles nor reads any more. */
	world.is_aside_still = true;
	(void)backend_stop(world.bus, &caller);
	double end = seconds() + WAIT_SECONDS;
	while (!is_stopped && seconds() < end) {
		turn(&world);
		loop_advance(world.loop, 20);
	}
	CHECK(is_stopped);
	client_destroy(in->client);
	client_destroy(world.client);
	world_destroy(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(request_id_comes_back_in_its_type),
		SUITE_TEST(lock_is_renewed_by_its_token),
		SUITE_TEST(lock_of_another_subscription_is_not_theirs),
		SUITE_TEST(malformed_requests_are_answered_or_dropped),
		SUITE_TEST(bytes_that_are_no_amqp_end_their_connection_only),
		SUITE_TEST(random_bytes_end_their_connection_only),
		SUITE_TEST(stop_waits_for_settlements_and_closes_in_order),
		SUITE_TEST(stop_does_not_wait_for_ever),
	};
	log_set_level(LUCIUS_LOG_ERROR);
	return suite_run("bus-local listener: requests", tests, sizeof(tests) / sizeof(tests[0]),
	        argc, argv);
}
