/* SPDX-License-Identifier: MIT */
/* What SDKs stumble over and no other test shows: docs/service-bus.md has the whole list. */
#include "plugins/bus-local/tests/listener_world.h"

#include <proton/disposition.h>
#include <proton/terminus.h>

#include "core/log.h"
#include "support/amqp/guid.h"
#include "support/amqp/link.h"
#include "support/amqp/shim.h"
#include "support/azure/sas.h"
#include "support/base/cleanup.h"

#define BYTES(text) amqp_bytes(text, sizeof(text) - 1)

static void send_one(struct end *end, const char *id)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	write_message(&buffer, id, 10);
	client_send(end, amqp_buffer_bytes(&buffer), false, false);
}

static void credit_of_a_sender_is_renewed_without_end(void)
{
	struct world world;
	char id[20];
	world_connect(&world);
	struct end *out = sender(&world);
	for (size_t i = 0; i < 2000 && pn_link_credit(out->proton) > 0; i++) {
		snprintf(id, sizeof(id), "m%zu", i);
		send_one(out, id);
		WAIT(&world, pn_link_credit(out->proton) > 0);
	}
	WAIT(&world, out->n_outcomes == 2000);
	CHECK_INT(out->outcome, PN_ACCEPTED);
	world_finish(&world);
}

/* A busy broker says so of the message: Go would go on using a link that was detached for it. */
static void message_sent_while_stopping_is_rejected_and_its_link_lives(void)
{
	struct world world;
	bool is_stopped = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_stopped };
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	send_message(&world, out, "held");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	(void)backend_stop(world.bus, &caller);
	turn(&world);
	send_one(out, "late");
	WAIT(&world, out->n_outcomes == 2);
	CHECK_INT(out->outcome, PN_REJECTED);
	CHECK_TEXT(out->condition, "com.microsoft:server-busy");
	CHECK(!out->is_closed);
	client_settle(in->arrivals, PN_ACCEPTED, false);
	WAIT(&world, in->n_settled == 1);
	for (int i = 0; i < 1000 && !is_stopped; i++) {
		turn(&world);
		loop_advance(world.loop, 1);
	}
	CHECK(is_stopped);
	client_destroy(world.client);
	world_destroy(&world);
}

static struct end *replies_of(struct world *world, struct client *client, pn_session_t *session)
{
	struct end *replies = client_receiver(
	        client, session, SUBSCRIPTION "/$management", PN_SND_SETTLED, PN_RCV_FIRST);
	WAIT(world, replies->is_attached);
	client_flow(replies, 10);
	return replies;
}

static void request(struct world *world, struct client *client, pn_session_t *session)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	struct end *requests = client_sender(client, session, SUBSCRIPTION "/$management");
	WAIT(world, requests->is_attached && pn_link_credit(requests->proton) > 0);
	client_write_request(
	        &buffer, "com.example:no-such", amqp_bytes("\x53\x07", 2), amqp_text("\x40"));
	client_send(requests, amqp_buffer_bytes(&buffer), false, false);
}

/* All connections of Java name their reply links alike. */
static void reply_goes_to_the_connection_that_has_asked(void)
{
	struct world world;
	world_connect(&world);
	struct client *other = connect_plain(&world, BUS_EMULATOR_KEY);
	WAIT(&world, other->is_open);
	pn_session_t *session = client_session(other);
	struct end *first = replies_of(&world, world.client, world.session);
	struct end *second = replies_of(&world, other, session);
	request(&world, other, session);
	WAIT(&world, second->n_arrivals == 1);
	CHECK_INT(first->n_arrivals, 0);
	request(&world, world.client, world.session);
	WAIT(&world, first->n_arrivals == 1);
	CHECK_INT(second->n_arrivals, 1);
	client_destroy(other);
	world_finish(&world);
}

/* Java attaches anew with the name of the link that it has lost. */
static void link_may_be_attached_again_by_the_same_name(void)
{
	struct world world;
	world_connect(&world);
	for (int i = 0; i < 3; i++) {
		pn_link_t *proton = pn_sender(world.session, "always the same");
		(void)pn_terminus_set_address(pn_link_target(proton), TOPIC);
		struct end *end = client_add(world.client, proton);
		pn_link_open(proton);
		client_wake(world.client);
		WAIT(&world, end->is_attached && pn_link_credit(proton) > 0);
		send_message(&world, end, i == 0 ? "m0" : i == 1 ? "m1" : "m2");
		pn_link_close(proton);
		client_wake(world.client);
		WAIT(&world, end->is_closed);
	}
	world_finish(&world);
}

/* A link whose termini and settle modes are the test's own affair. */
static struct end *attach(struct world *world, pn_link_t *proton, int snd, int rcv)
{
	pn_link_set_snd_settle_mode(proton, (pn_snd_settle_mode_t)snd);
	pn_link_set_rcv_settle_mode(proton, (pn_rcv_settle_mode_t)rcv);
	struct end *end = client_add(world->client, proton);
	pn_link_open(proton);
	client_wake(world->client);
	WAIT(world, end->is_attached);
	CHECK(!end->is_closed);
	return end;
}

/* Go takes another mode than it has asked for as the end, and has a target without address. */
static void settle_modes_come_back_as_they_were_asked_for(void)
{
	struct world world;
	char name[20];
	world_connect(&world);
	for (int mode = 0; mode < 6; mode++) {
		snprintf(name, sizeof(name), "modes-%d", mode);
		pn_link_t *proton = pn_receiver(world.session, name);
		(void)pn_terminus_set_address(pn_link_source(proton), SUBSCRIPTION);
		(void)pn_terminus_set_type(pn_link_target(proton), PN_TARGET);
		(void)attach(&world, proton, mode % 3, mode / 3);
		CHECK_INT(pn_link_remote_snd_settle_mode(proton), mode % 3);
		CHECK_INT(pn_link_remote_rcv_settle_mode(proton), mode / 3);
		CHECK_INT(pn_terminus_get_type(pn_link_remote_target(proton)), PN_TARGET);
		CHECK_INT(pn_terminus_get_type(pn_link_remote_source(proton)), PN_SOURCE);
	}
	world_finish(&world);
}

static struct end *requests_to(struct world *world, struct client *client, const char *address)
{
	struct end *end = client_sender(client, client_session(client), address);
	WAIT(world, end->is_attached && pn_link_credit(end->proton) > 0);
	return end;
}

static struct end *replies_from(
        struct world *world, struct client *client, const char *address, int snd)
{
	struct end *end = client_receiver(
	        client, client_session(client), address, (pn_snd_settle_mode_t)snd, PN_RCV_FIRST);
	WAIT(world, end->is_attached);
	client_flow(end, 10);
	return end;
}

static void check_settling(struct world *world, const char *address, int snd)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	struct client *client = connect_plain(world, BUS_EMULATOR_KEY);
	WAIT(world, client->is_open);
	struct end *requests = requests_to(world, client, address);
	struct end *replies = replies_from(world, client, address, snd);
	CHECK_INT(pn_link_remote_snd_settle_mode(replies->proton), snd);
	client_write_request(&buffer, "com.example:no-such", BYTES("\x53\x07"), BYTES("\x40"));
	client_send(requests, amqp_buffer_bytes(&buffer), false, false);
	WAIT(world, replies->n_arrivals == 1);
	CHECK(replies->arrivals->was_settled == (snd != PN_SND_UNSETTLED));
	client_destroy(client);
}

static void replies_on_a_settled_link_are_settled_and_others_not(void)
{
	struct world world;
	world_connect(&world);
	check_settling(&world, "$cbs", PN_SND_SETTLED);
	check_settling(&world, "$cbs", PN_SND_UNSETTLED);
	check_settling(&world, SUBSCRIPTION "/$management", PN_SND_SETTLED);
	check_settling(&world, SUBSCRIPTION "/$management", PN_SND_UNSETTLED);
	world_finish(&world);
}

/* Python names no place for the reply, and has a link for it whose target has a name. */
static void request_without_reply_to_is_answered_on_the_link_of_its_node(void)
{
	static const char *const addresses[] = { "$cbs", SUBSCRIPTION "/$management" };
	struct world world;
	world_connect(&world);
	for (int i = 0; i < 2; i++) {
		CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
		struct amqp_message message;
		struct amqp_properties properties;
		struct end *requests = requests_to(&world, world.client, addresses[i]);
		struct end *other =
		        replies_from(&world, world.client, addresses[1 - i], PN_SND_SETTLED);
		struct end *replies =
		        replies_from(&world, world.client, addresses[i], PN_SND_SETTLED);
		client_write_request(
		        &buffer, "com.example:no-such", BYTES("\x53\x07"), BYTES("\x40"));
		client_send(requests, amqp_buffer_bytes(&buffer), false, false);
		WAIT(&world, replies->n_arrivals == 1);
		CHECK_INT(other->n_arrivals, 0);
		CHECK(amqp_message_parse(amqp_buffer_bytes(&replies->arrivals->bytes), &message));
		CHECK(amqp_properties_parse(message.properties, &properties));
		CHECK_INT(properties.at[AMQP_TO].type, AMQP_NULL);
		pn_link_close(replies->proton);
		pn_link_close(other->proton);
		client_wake(world.client);
		WAIT(&world, replies->is_closed && other->is_closed);
	}
	world_finish(&world);
}

/* One entry of the application properties: a string, or whatever is encoded in `value`. */
static void put_entry(struct amqp_buffer *buffer, const char *key, struct amqp_bytes value)
{
	amqp_put_string(buffer, amqp_text(key));
	amqp_buffer_append(buffer, value.start, value.size);
}

/* A token and what is said of it: type and expiration are encoded values. */
struct put {
	const char *audience;
	struct amqp_bytes type;
	struct amqp_bytes expiration;
};

/* The status of the put-token. */
static int64_t put_token(
        struct world *world, struct end *requests, struct end *replies, const struct put *put)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	size_t n = replies->n_arrivals;
	CLEANUP_FREE char *token =
	        azure_sas_make(put->audience, BUS_KEY_NAME, BUS_EMULATOR_KEY, START_S + 100);
	amqp_put_descriptor(&buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
	size_t mark = amqp_begin_map(&buffer);
	put_entry(&buffer, "operation", BYTES("\xa1\x09put-token"));
	put_entry(&buffer, "type", put->type);
	amqp_put_string(&buffer, amqp_text("name"));
	amqp_put_string(&buffer, amqp_text(put->audience));
	put_entry(&buffer, "expiration", put->expiration);
	amqp_end(&buffer, mark, 8);
	amqp_put_descriptor(&buffer, AMQP_SECTION_VALUE);
	amqp_put_string(&buffer, amqp_text(token));
	client_send(requests, amqp_buffer_bytes(&buffer), false, true);
	WAIT(world, replies->n_arrivals == n + 1);
	int64_t status = client_status(replies->arrivals, "status-code");
	client_drop_arrival(replies);
	return status;
}

/* Python says `jwt` of it, Go writes the end of its life as text: neither is what counts. */
static void token_is_taken_whatever_is_said_of_it(void)
{
	static const char audience[] = "sb://localhost/" TOPIC;
	struct amqp_bytes sas = BYTES("\xa1\x1fservicebus.windows.net:sastoken");
	const struct put puts[] = {
		{ audience, BYTES("\xa1\x03jwt"), BYTES("\x40") },
		{ audience, BYTES("\x40"), BYTES("\x40") },
		{ audience, sas,
		        BYTES("\xa1\x0a"
		              "1795460687") },
		{ audience, sas, BYTES("\x83\x00\x00\x01\x8b\xcf\xe5\x68\x00") },
	};
	struct world world;
	world_connect(&world);
	struct client *client = client_create(loop_base(world.loop), world.port, NULL, NULL);
	WAIT(&world, client->is_open);
	struct end *requests = requests_to(&world, client, "$cbs");
	struct end *replies = replies_from(&world, client, "$cbs", PN_SND_SETTLED);
	for (size_t i = 0; i < 4; i++) {
		CHECK_INT(put_token(&world, requests, replies, &puts[i]), 202);
	}
	client_destroy(client);
	world_finish(&world);
}

/* JavaScript and Go put one for $management beside that for the entity. */
static void token_for_management_opens_that_and_nothing_else(void)
{
	static const char management[] = SUBSCRIPTION "/$management";
	const struct put put = { "amqp://localhost:5672/" SUBSCRIPTION "/$management",
		BYTES("\x40"), BYTES("\x40") };
	struct world world;
	world_connect(&world);
	struct client *client = client_create(loop_base(world.loop), world.port, NULL, NULL);
	WAIT(&world, client->is_open);
	struct end *requests = requests_to(&world, client, "$cbs");
	struct end *replies = replies_from(&world, client, "$cbs", PN_SND_SETTLED);
	CHECK_INT(put_token(&world, requests, replies, &put), 202);
	pn_session_t *session = client_session(client);
	struct end *opened = client_sender(client, session, management);
	struct end *in =
	        client_receiver(client, session, SUBSCRIPTION, PN_SND_UNSETTLED, PN_RCV_SECOND);
	WAIT(&world, opened->is_attached && in->is_closed);
	CHECK(!opened->is_closed);
	CHECK_TEXT(in->condition, "amqp:unauthorized-access");
	client_destroy(client);
	world_finish(&world);
}

/* Go has both links to $management of a subscription before it has one to the subscription. */
static void management_may_come_before_the_receiver_that_makes_the_subscription(void)
{
	static const char made[] = TOPIC "/Subscriptions/made-by-its-receiver";
	struct world world;
	world_connect(&world);
	struct management management =
	        manage(&world, TOPIC "/Subscriptions/made-by-its-receiver/$management");
	CHECK(!management.requests->is_closed && !management.replies->is_closed);
	struct end *in =
	        client_receiver(world.client, world.session, made, PN_SND_UNSETTLED, PN_RCV_SECOND);
	WAIT(&world, in->is_attached);
	client_flow(in, 1);
	send_message(&world, sender(&world), "m1");
	WAIT(&world, in->n_arrivals == 1);
	const struct arrival *reply = ask(
	        &world, &management, "com.microsoft:peek-message", BYTES("\x44"), BYTES("\x40"));
	CHECK_INT(client_status(reply, "statusCode"), 200);
	world_finish(&world);
}

/* Java sends sections with nothing in them, a user of no bytes, and a footer. */
static void empty_sections_and_a_footer_pass_as_they_came(void)
{
	static const char before[] = "\x00\x53\x71\xc1\x01\x00"
	                             "\x00\x53\x72\xd1\x00\x00\x00\x04\x00\x00\x00\x00";
	static const char bare[] = "\x00\x53\x73\xc0\x07\x02\xa1\x02m1\xa0\x00"
	                           "\x00\x53\x74\xc1\x01\x00"
	                           "\x00\x53\x75\xa0\x04"
	                           "body"
	                           "\x00\x53\x78\xc1\x01\x00";
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
	struct amqp_message message;
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	amqp_buffer_append(&buffer, before, sizeof(before) - 1);
	amqp_buffer_append(&buffer, bare, sizeof(bare) - 1);
	client_send(out, amqp_buffer_bytes(&buffer), false, false);
	WAIT(&world, out->n_outcomes == 1);
	CHECK_INT(out->outcome, PN_ACCEPTED);
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	CHECK(amqp_message_parse(amqp_buffer_bytes(&in->arrivals->bytes), &message));
	CHECK(amqp_bytes_equal(message.bare, BYTES(bare)));
	world_finish(&world);
}

/* A value of the map that a reply's body is. */
static struct amqp_value in_body(const struct arrival *reply, const char *key)
{
	struct amqp_message message;
	struct amqp_value body;
	struct amqp_value value = { .type = AMQP_NULL };
	uint64_t code = 0;
	CHECK(amqp_message_parse(amqp_buffer_bytes(&reply->bytes), &message));
	struct amqp_reader reader = amqp_reader(message.body);
	CHECK(amqp_read_described(&reader, &code, &body));
	CHECK(amqp_map_find(&body, key, &value));
	return value;
}

static void write_tokens(struct amqp_buffer *buffer, const char *status, const uint8_t uuid[16])
{
	uint8_t uuids[1][16];
	memcpy(uuids[0], uuid, 16);
	size_t mark = amqp_begin_map(buffer);
	amqp_put_string(buffer, amqp_text("lock-tokens"));
	amqp_put_uuid_array(buffer, (const uint8_t(*)[16])uuids, 1);
	amqp_put_string(buffer, amqp_text("disposition-status"));
	amqp_put_string(buffer, amqp_text(status));
	amqp_end(buffer, mark, 4);
}

/* Both ways: Java casts what it reads to an array. */
static void ends_of_renewed_locks_come_as_an_array_of_timestamps(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	uint8_t uuid[16];
	world_connect(&world);
	struct end *in = receiver(&world);
	struct management management = manage(&world, SUBSCRIPTION "/$management");
	send_message(&world, sender(&world), "m1");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	amqp_guid_swap(in->arrivals->tag, uuid);
	write_tokens(&body, "", uuid);
	const struct arrival *reply = ask(&world, &management, "com.microsoft:renew-lock",
	        BYTES("\x44"), amqp_buffer_bytes(&body));
	struct amqp_value ends = in_body(reply, "expirations");
	CHECK_INT(ends.type, AMQP_ARRAY);
	CHECK_INT(ends.element_code, 0x83);
	CHECK_INT(ends.count, 1);
	world_finish(&world);
}

static void write_numbers(struct amqp_buffer *buffer, uint8_t number)
{
	const uint8_t big_endian[8] = { [7] = number };
	size_t map = amqp_begin_map(buffer);
	amqp_put_string(buffer, amqp_text("sequence-numbers"));
	size_t array = amqp_begin_array(buffer, 0x81);
	amqp_buffer_append(buffer, big_endian, sizeof(big_endian));
	amqp_end_array(buffer, array, 1);
	amqp_put_string(buffer, amqp_text("receiver-settle-mode"));
	amqp_put_uint(buffer, 1);
	amqp_end(buffer, map, 4);
}

/* A message is put aside by whoever holds it. */
static void defer_one(struct world *world)
{
	struct end *in = receiver(world);
	send_message(world, sender(world), "m1");
	client_flow(in, 1);
	WAIT(world, in->n_arrivals == 1);
	pn_disposition_set_undeliverable(pn_delivery_local(in->arrivals->delivery), true);
	client_settle(in->arrivals, PN_MODIFIED, false);
	WAIT(world, in->n_settled == 1);
}

/* Go looks for the token of such a message nowhere else. */
static void deferred_message_carries_its_token_in_itself(void)
{
	struct world world;
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	CLEANUP(amqp_buffer_finish) struct amqp_buffer settle = { 0 };
	struct amqp_message message;
	struct amqp_value item;
	struct amqp_value token;
	struct amqp_value encoded;
	struct amqp_value inner;
	world_connect(&world);
	defer_one(&world);
	struct management management = manage(&world, SUBSCRIPTION "/$management");
	write_numbers(&body, 1);
	const struct arrival *reply =
	        ask(&world, &management, "com.microsoft:receive-by-sequence-number", BYTES("\x44"),
	                amqp_buffer_bytes(&body));
	CHECK_INT(client_status(reply, "statusCode"), 200);
	struct amqp_value messages = in_body(reply, "messages");
	struct amqp_reader reader = amqp_reader(messages.bytes);
	CHECK(amqp_read(&reader, &item));
	CHECK(amqp_map_find(&item, "lock-token", &token) && token.type == AMQP_UUID);
	CHECK(amqp_map_find(&item, "message", &encoded) && encoded.type == AMQP_BINARY);
	CHECK(amqp_message_parse(encoded.bytes, &message));
	CHECK(amqp_section_find(message.delivery_annotations, "x-opt-lock-token", &inner));
	CHECK(amqp_bytes_equal(inner.raw, token.raw));
	write_tokens(&settle, "completed", inner.bytes.start);
	reply = ask(&world, &management, "com.microsoft:update-disposition", BYTES("\x44"),
	        amqp_buffer_bytes(&settle));
	CHECK_INT(client_status(reply, "statusCode"), 200);
	world_finish(&world);
}

/* As long as the protocol allows, which is what Java does. */
static void tags_of_a_sender_may_have_32_bytes(void)
{
	/* What stands first must not be taken for the mark that is put in front of it. */
	static const char tag[] = "\x01"
	                          "123456789abcdef0123456789abcdef";
	struct world world;
	world_connect(&world);
	struct end *in = receiver(&world);
	struct end *out = sender(&world);
	for (size_t size = 1; size <= 32; size += 31) {
		CLEANUP(amqp_buffer_finish) struct amqp_buffer buffer = { 0 };
		size_t n = out->n_outcomes;
		write_message(&buffer, "m1", 10);
		(void)amqp_delivery_start(out->proton, amqp_bytes(tag, size), AMQP_MARK_PLAIN);
		(void)pn_link_send(out->proton, (const char *)buffer.start, buffer.size);
		(void)pn_link_advance(out->proton);
		client_wake(world.client);
		WAIT(&world, out->n_outcomes == n + 1);
		CHECK_INT(out->outcome, PN_ACCEPTED);
		client_flow(in, 1);
		WAIT(&world, in->n_arrivals == n + 1);
		CHECK_INT(in->arrivals->tag_size, 16);
		client_drop_arrival(in);
	}
	world_finish(&world);
}

/* Java waits for minutes after a refusal that may pass; a closed connection it puts up anew. */
static void attach_while_stopping_is_not_refused(void)
{
	struct world world;
	bool is_stopped = false;
	struct op_caller caller = { .on_done = on_ok, .user = &is_stopped };
	world_connect(&world);
	struct end *in = receiver(&world);
	send_message(&world, sender(&world), "held");
	client_flow(in, 1);
	WAIT(&world, in->n_arrivals == 1);
	(void)backend_stop(world.bus, &caller);
	struct end *out = sender(&world);
	struct end *another = receiver(&world);
	client_flow(another, 1);
	send_one(out, "late");
	WAIT(&world, out->n_outcomes == 1);
	CHECK_INT(out->outcome, PN_REJECTED);
	CHECK(!out->is_closed && !another->is_closed);
	CHECK_INT(another->n_arrivals, 0);
	client_settle(in->arrivals, PN_ACCEPTED, false);
	for (int i = 0; i < 1000 && !is_stopped; i++) {
		turn(&world);
		loop_advance(world.loop, 1);
	}
	CHECK(is_stopped);
	WAIT(&world, world.client->is_closed);
	client_destroy(world.client);
	world_destroy(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(credit_of_a_sender_is_renewed_without_end),
		SUITE_TEST(message_sent_while_stopping_is_rejected_and_its_link_lives),
		SUITE_TEST(reply_goes_to_the_connection_that_has_asked),
		SUITE_TEST(link_may_be_attached_again_by_the_same_name),
		SUITE_TEST(settle_modes_come_back_as_they_were_asked_for),
		SUITE_TEST(replies_on_a_settled_link_are_settled_and_others_not),
		SUITE_TEST(request_without_reply_to_is_answered_on_the_link_of_its_node),
		SUITE_TEST(token_is_taken_whatever_is_said_of_it),
		SUITE_TEST(token_for_management_opens_that_and_nothing_else),
		SUITE_TEST(management_may_come_before_the_receiver_that_makes_the_subscription),
		SUITE_TEST(empty_sections_and_a_footer_pass_as_they_came),
		SUITE_TEST(ends_of_renewed_locks_come_as_an_array_of_timestamps),
		SUITE_TEST(deferred_message_carries_its_token_in_itself),
		SUITE_TEST(tags_of_a_sender_may_have_32_bytes),
		SUITE_TEST(attach_while_stopping_is_not_refused),
	};
	log_set_level(LUCIUS_LOG_ERROR);
	return suite_run(
	        "bus-local listener: traps", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
