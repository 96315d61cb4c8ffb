/* SPDX-License-Identifier: MIT */
/* The loaded plugin in a small daemon, against a broker on the same loop. Argument: the plugin. */
#include <lucius/bus.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/conformance/host.h"
#include "support/amqp/message.h"
#include "support/servicebus/tests/fake_broker.h"
#include "tests/support/suite.h"

#include <proton/disposition.h>

#define BOUND_MS 10000

static const char *plugin_path;

/* What the management API has been asked, and what it answers. */
struct management {
	struct evhttp *server;
	uint16_t port;
	unsigned n_asked;
	int status; /* 0: 201 */
	char paths[8][100];
	char authorization[300];
	char body[600];
};

struct world {
	struct host *host;
	struct fake_broker broker;
	struct instance *instance;
	const struct lucius_bus *bus;
	void *self;
	uint16_t management_port;
};

static void *copy_given(struct arena *arena, const void *item)
{
	const struct lucius_delivery *from = item;
	struct lucius_delivery *to = arena_copy(arena, from, sizeof(*from));
	struct lucius_message *message = arena_copy(arena, from->message, sizeof(*from->message));
	message->body.data = arena_copy(arena, message->body.data, message->body.size);
	message->message_id.data =
	        arena_copy(arena, message->message_id.data, message->message_id.size);
	message->properties = NULL;
	to->message = message;
	return to;
}

static void load(struct world *w)
{
	char connection[200];
	char error[300] = "";
	snprintf(connection, sizeof(connection),
	        "servicebus-connection=Endpoint=sb://127.0.0.1:%u;SharedAccessKeyName=a;"
	        "SharedAccessKey=b;UseDevelopmentEmulator=true",
	        w->broker.port);
	char management[80];
	snprintf(management, sizeof(management), "servicebus-management-url=http://127.0.0.1:%u/",
	        w->management_port);
	const char *const options[] = { connection, "servicebus-operation-seconds=1", management };
	const struct instance_spec spec = {
		.path = plugin_path,
		.kind = LUCIUS_KIND_BUS,
		.options = options,
		.n_options = 3,
	};
	w->instance = instance_create(w->host, &spec, error, sizeof(error));
	if (w->instance == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	w->bus = instance_plugin(w->instance)->bus;
	w->self = instance_self(w->instance);
}

static void world_start(struct world *w)
{
	*w = (struct world){ .host = host_create(INT64_C(1764000000000000), false) };
	fake_broker_start(&w->broker, host_base(w->host));
}

static void world_run(struct world *w)
{
	load(w);
	struct asked *started = instance_start(w->instance);
	CHECK(asked_wait(started));
	CHECK_INT(asked_status(started), LUCIUS_OK);
}

static void world_finish(struct world *w)
{
	struct asked *stopped = instance_stop(w->instance);
	CHECK(asked_wait(stopped));
	CHECK_INT(asked_status(stopped), LUCIUS_OK);
	instance_destroy(w->instance);
	fake_broker_stop(&w->broker);
	host_destroy(w->host);
}

static bool wait_for(struct world *w, const unsigned *number, unsigned least)
{
	for (int passed_ms = 0; *number < least && passed_ms < BOUND_MS; passed_ms++) {
		host_turn(w->host, 1);
	}
	return *number >= least;
}

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

static struct asked *publish(struct world *w, const char *topic)
{
	const struct lucius_field properties[] = {
		{ .name = "step_type", .value = "OCR", .value_size = 3 },
		{ .name = "lane", .value = "7", .value_size = 1, .type = LUCIUS_FIELD_INTEGER },
	};
	const struct lucius_message message = {
		.size = sizeof(message),
		.body = text("{}"),
		.message_id = text("job:ocr:1"),
		.subject = text("OCR"),
		.content_type = text("application/json"),
		.properties = properties,
		.n_properties = 2,
		.ttl_ms = 60000,
	};
	struct asked *asked = asked_begin(w->instance, "publish", copy_text_item);
	w->bus->publish(w->self, text(topic), &message, asked_op(asked));
	return asked;
}

static struct asked *subscribe(struct world *w)
{
	const struct lucius_subscription subscription = {
		.size = sizeof(subscription),
		.credit = 5,
		.topic = text("topic"),
		.name = text("sub"),
	};
	struct asked *asked = asked_begin(w->instance, "subscribe", copy_given);
	w->bus->subscribe(w->self, &subscription, asked_op(asked));
	return asked;
}

static struct asked *unsubscribe(struct world *w, struct asked *subscription)
{
	struct asked *asked = asked_begin(w->instance, "unsubscribe", copy_text_item);
	w->bus->unsubscribe(w->self, asked_op(subscription), asked_op(asked));
	return asked;
}

static struct asked *settle(struct world *w, uint64_t token, uint32_t how)
{
	const struct lucius_settlement settlement = {
		.size = sizeof(settlement),
		.how = how,
		.token = token,
		.reason = text(how == LUCIUS_SETTLE_DEAD_LETTER ? "NotAReply" : ""),
		.description = text(how == LUCIUS_SETTLE_DEAD_LETTER ? "Why." : ""),
	};
	struct asked *asked = asked_begin(w->instance, "settle", copy_text_item);
	w->bus->settle(w->self, &settlement, asked_op(asked));
	return asked;
}

static uint32_t status_of(struct asked *asked)
{
	CHECK(asked_wait(asked));
	return asked_status(asked);
}

static void message_is_published_with_all_its_parts(void)
{
	struct world w;
	world_start(&w);
	world_run(&w);
	CHECK_INT(status_of(publish(&w, "topic")), LUCIUS_OK);
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_value value;
	CHECK(amqp_message_parse(amqp_buffer_bytes(&w.broker.last_received), &message));
	CHECK(amqp_properties_parse(message.properties, &properties));
	CHECK(amqp_value_is_text(&properties.at[AMQP_MESSAGE_ID], "job:ocr:1"));
	CHECK(amqp_value_is_text(&properties.at[AMQP_SUBJECT], "OCR"));
	CHECK(amqp_value_is_text(&properties.at[AMQP_CONTENT_TYPE], "application/json"));
	CHECK_INT(message.header.ttl_ms, 60000);
	CHECK(amqp_section_find(message.application_properties, "step_type", &value));
	CHECK(amqp_value_is_text(&value, "OCR"));
	CHECK(amqp_section_find(message.application_properties, "lane", &value));
	CHECK(value.type == AMQP_SIGNED && value.signed_ == 7);
	world_finish(&w);
}

static void publishing_fails_in_the_contract_s_terms(void)
{
	static const struct {
		const char *condition;
		uint32_t status;
	} cases[] = {
		{ "amqp:not-found", LUCIUS_UNROUTABLE },
		{ "amqp:link:message-size-exceeded", LUCIUS_TOO_LARGE },
		{ "amqp:unauthorized-access", LUCIUS_DENIED },
		{ "com.microsoft:argument-error", LUCIUS_DENIED },
		/* Last, since nothing is sent to that topic for a while then. */
		{ "com.microsoft:server-busy", LUCIUS_UNAVAILABLE },
	};
	struct world w;
	world_start(&w);
	world_run(&w);
	for (int i = 0; i < 5; i++) {
		w.broker.rejects_with = cases[i].condition;
		CHECK_INT(status_of(publish(&w, "topic")), cases[i].status);
	}
	w.broker.rejects_with = NULL;
	w.broker.holds_answers = true;
	CHECK_INT(status_of(publish(&w, "another")), LUCIUS_UNKNOWN);
	world_finish(&w);
}

static void delivery_is_given_and_settled(void)
{
	struct world w;
	world_start(&w);
	fake_broker_put(&w.broker, "{\"type\":\"ACK\"}");
	fake_broker_put(&w.broker, "second");
	world_run(&w);
	struct asked *subscription = subscribe(&w);
	CHECK(asked_wait_items(subscription, 2));
	const struct lucius_delivery *first = asked_item(subscription, 0);
	const struct lucius_delivery *second = asked_item(subscription, 1);
	CHECK(amqp_bytes_is(amqp_bytes(first->message->body.data, first->message->body.size),
	        "{\"type\":\"ACK\"}"));
	CHECK(amqp_bytes_is(
	        amqp_bytes(first->message->message_id.data, first->message->message_id.size),
	        "m0"));
	CHECK(first->lock_ms > 50000);
	CHECK_INT(status_of(settle(&w, first->token, LUCIUS_SETTLE_COMPLETE)), LUCIUS_OK);
	CHECK_INT(status_of(settle(&w, first->token, LUCIUS_SETTLE_COMPLETE)), LUCIUS_LOCK_LOST);
	CHECK_INT(status_of(settle(&w, second->token, LUCIUS_SETTLE_DEAD_LETTER)), LUCIUS_OK);
	CHECK_TEXT(w.broker.last_reason, "NotAReply");
	CHECK_INT(status_of(settle(&w, second->token, 99)), LUCIUS_UNSUPPORTED);
	CHECK_INT(status_of(unsubscribe(&w, subscription)), LUCIUS_OK);
	CHECK_INT(status_of(subscription), LUCIUS_OK);
	world_finish(&w);
}

static void unsubscribe_waits_for_what_was_given(void)
{
	struct world w;
	world_start(&w);
	fake_broker_put(&w.broker, "x");
	world_run(&w);
	struct asked *subscription = subscribe(&w);
	CHECK(asked_wait_items(subscription, 1));
	const struct lucius_delivery *given = asked_item(subscription, 0);
	struct asked *unsubscribed = unsubscribe(&w, subscription);
	CHECK(wait_for(&w, &w.broker.n_drains, 1));
	CHECK(!asked_is_finished(unsubscribed));
	CHECK_INT(status_of(settle(&w, given->token, LUCIUS_SETTLE_RELEASE)), LUCIUS_OK);
	CHECK_INT(w.broker.last_outcome, PN_RELEASED);
	CHECK_INT(status_of(unsubscribed), LUCIUS_OK);
	CHECK_INT(status_of(subscription), LUCIUS_OK);
	world_finish(&w);
}

static void missing_subscription_is_not_found_and_health_names_it(void)
{
	struct world w;
	world_start(&w);
	w.broker.missing = "sub";
	world_run(&w);
	CHECK_INT(status_of(subscribe(&w)), LUCIUS_NOT_FOUND);
	struct asked *health = instance_health(w.instance);
	CHECK_INT(status_of(health), LUCIUS_UNAVAILABLE);
	CHECK_INT(asked_n_items(health), 1);
	const struct lucius_text *name = asked_item(health, 0);
	CHECK(amqp_bytes_is(amqp_bytes(name->data, name->size), "topic/Subscriptions/sub"));
	w.broker.missing = NULL;
	struct asked *again = subscribe(&w);
	CHECK(wait_for(&w, &w.broker.n_attached, 1));
	health = instance_health(w.instance);
	for (int i = 0; status_of(health) != LUCIUS_OK && i < 1000; i++) {
		host_turn(w.host, 1);
		health = instance_health(w.instance);
	}
	CHECK_INT(status_of(health), LUCIUS_OK);
	CHECK_INT(status_of(unsubscribe(&w, again)), LUCIUS_OK);
	world_finish(&w);
}

static void denied_subscription_makes_not_ready_until_it_is_allowed(void)
{
	struct world w;
	world_start(&w);
	w.broker.cbs_status = 401;
	world_run(&w);
	CHECK_INT(status_of(subscribe(&w)), LUCIUS_DENIED);
	struct asked *health = instance_health(w.instance);
	CHECK_INT(status_of(health), LUCIUS_UNAVAILABLE);
	CHECK(strstr(asked_sentence(health), "denies us 1 of the") != NULL);
	CHECK_INT(asked_n_items(health), 1);
	w.broker.cbs_status = 0;
	struct asked *again = subscribe(&w);
	CHECK(wait_for(&w, &w.broker.n_attached, 1));
	health = instance_health(w.instance);
	for (int i = 0; status_of(health) != LUCIUS_OK && i < 1000; i++) {
		host_turn(w.host, 1);
		health = instance_health(w.instance);
	}
	CHECK_INT(status_of(health), LUCIUS_OK);
	CHECK_INT(status_of(unsubscribe(&w, again)), LUCIUS_OK);
	world_finish(&w);
}

static void missing_topic_is_unroutable_and_health_names_it(void)
{
	struct world w;
	world_start(&w);
	w.broker.missing = "topic";
	world_run(&w);
	CHECK_INT(status_of(publish(&w, "topic")), LUCIUS_UNROUTABLE);
	struct asked *health = instance_health(w.instance);
	CHECK_INT(status_of(health), LUCIUS_UNAVAILABLE);
	CHECK_INT(asked_n_items(health), 1);
	world_finish(&w);
}

static void expected_topic_is_named_before_anything_is_published(void)
{
	static const struct lucius_text topics[] = { { "topic-1", 7 }, { "topic-2", 7 } };
	const struct lucius_topology topology = {
		.size = sizeof(topology), .topics = topics, .n_topics = 2
	};
	struct world w;
	world_start(&w);
	w.broker.missing = "topic-2";
	world_run(&w);
	w.bus->expect(w.self, &topology);
	CHECK(wait_for(&w, &w.broker.n_attaches, 2));
	struct asked *health = instance_health(w.instance);
	for (int i = 0; status_of(health) == LUCIUS_OK && i < 1000; i++) {
		host_turn(w.host, 1);
		health = instance_health(w.instance);
	}
	CHECK_INT(asked_n_items(health), 1);
	const struct lucius_text *name = asked_item(health, 0);
	CHECK(amqp_bytes_is(amqp_bytes(name->data, name->size), "topic-2"));
	CHECK_INT(w.broker.n_received, 0);
	world_finish(&w);
}

static void broker_that_is_away_is_unavailable_and_found_later(void)
{
	struct world w;
	world_start(&w);
	fake_broker_deafen(&w.broker);
	load(&w);
	struct asked *started = instance_start(w.instance);
	CHECK_INT(status_of(started), LUCIUS_UNAVAILABLE);
	CHECK(instance_not_ready(w.instance) != NULL);
	CHECK_INT(status_of(instance_health(w.instance)), LUCIUS_UNAVAILABLE);
	CHECK_INT(status_of(publish(&w, "topic")), LUCIUS_UNAVAILABLE);
	fake_broker_hear(&w.broker);
	CHECK(wait_for(&w, &w.broker.n_connected, 1));
	CHECK_INT(status_of(publish(&w, "topic")), LUCIUS_OK);
	CHECK(instance_not_ready(w.instance) == NULL);
	world_finish(&w);
}

static void stop_finishes_what_is_open(void)
{
	struct world w;
	world_start(&w);
	fake_broker_put(&w.broker, "x");
	world_run(&w);
	struct asked *subscription = subscribe(&w);
	CHECK(asked_wait_items(subscription, 1));
	const struct lucius_delivery *given = asked_item(subscription, 0);
	struct asked *stopped = instance_stop(w.instance);
	struct asked *late = publish(&w, "topic");
	CHECK_INT(status_of(late), LUCIUS_UNAVAILABLE);
	CHECK_INT(status_of(settle(&w, given->token, LUCIUS_SETTLE_ABANDON)), LUCIUS_OK);
	CHECK_INT(status_of(stopped), LUCIUS_OK);
	CHECK_INT(status_of(subscription), LUCIUS_OK);
	instance_destroy(w.instance);
	fake_broker_stop(&w.broker);
	host_destroy(w.host);
}

static void given_up_subscription_ends(void)
{
	struct world w;
	world_start(&w);
	world_run(&w);
	struct asked *subscription = subscribe(&w);
	CHECK(wait_for(&w, &w.broker.n_attached, 1));
	asked_cancel(subscription);
	CHECK_INT(status_of(subscription), LUCIUS_OK);
	world_finish(&w);
}

static void wrong_connection_string_is_refused_without_its_key(void)
{
	struct host *host = host_create(INT64_C(1764000000000000), false);
	char error[300] = "";
	const char *const options[] = {
		"servicebus-connection=Endpoint=http://x;SharedAccessKey=c2VjcmV0"
	};
	const struct instance_spec spec = {
		.path = plugin_path, .kind = LUCIUS_KIND_BUS, .options = options, .n_options = 1
	};
	CHECK(instance_create(host, &spec, error, sizeof(error)) == NULL);
	CHECK(strstr(error, "sb://host") != NULL);
	CHECK(strstr(error, "c2VjcmV0") == NULL);
	host_destroy(host);
}

static void on_request(struct evhttp_request *request, void *user)
{
	struct management *management = user;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t size = evbuffer_get_length(input);
	const char *authorization =
	        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
	CHECK_INT(evhttp_request_get_command(request), EVHTTP_REQ_PUT);
	snprintf(management->paths[management->n_asked % 8], sizeof(management->paths[0]), "%s",
	        evhttp_request_get_uri(request));
	snprintf(management->authorization, sizeof(management->authorization), "%s",
	        authorization != NULL ? authorization : "");
	snprintf(management->body, sizeof(management->body), "%.*s", (int)size,
	        (const char *)evbuffer_pullup(input, -1));
	management->n_asked++;
	int status = management->status != 0 ? management->status : 201;
	evhttp_send_reply(request, status, "Whatever", NULL);
}

static void management_start(struct world *w, struct management *management)
{
	*management = (struct management){ .server = evhttp_new(host_base(w->host)) };
	evhttp_set_allowed_methods(management->server, EVHTTP_REQ_PUT);
	evhttp_set_gencb(management->server, on_request, management);
	struct evhttp_bound_socket *bound =
	        evhttp_bind_socket_with_handle(management->server, "127.0.0.1", 0);
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	if (bound == NULL ||
	        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address,
	                &size) != 0) {
		abort();
	}
	management->port = ntohs(address.sin_port);
}

static struct asked *provision(struct world *w)
{
	static const struct lucius_subscription subscription = { .size = sizeof(subscription) };
	struct lucius_subscription named = subscription;
	named.topic = text("t1");
	named.name = text("lucius-invoker");
	struct asked *asked = asked_begin(w->instance, "provision", copy_text_item);
	struct arena *arena = asked_arguments(asked);
	const struct lucius_text topics[] = { text("t0"), text("t1") };
	const struct lucius_subscription **list = arena_take(arena, 1, sizeof(*list));
	list[0] = arena_copy(arena, &named, sizeof(named));
	const struct lucius_topology topology = {
		.size = sizeof(topology),
		.topics = arena_copy(arena, topics, sizeof(topics)),
		.n_topics = 2,
		.subscriptions = list,
		.n_subscriptions = 1,
	};
	w->bus->provision(w->self, arena_copy(arena, &topology, sizeof(topology)), asked_op(asked));
	return asked;
}

static void topics_then_subscriptions_are_provisioned(void)
{
	struct world w;
	struct management management;
	world_start(&w);
	management_start(&w, &management);
	w.management_port = management.port;
	world_run(&w);
	CHECK_INT(status_of(provision(&w)), LUCIUS_OK);
	CHECK_INT(management.n_asked, 3);
	CHECK_TEXT(management.paths[2], "/t1/Subscriptions/lucius-invoker?api-version=2021-05");
	CHECK(strstr(management.body, "<SubscriptionDescription") != NULL);
	CHECK(strstr(management.body, "<LockDuration>PT1M</LockDuration>") != NULL);
	CHECK(strncmp(management.authorization, "SharedAccessSignature sr=http%3A%2F%2F", 38) == 0);
	management.status = 409; /* all is there already */
	CHECK_INT(status_of(provision(&w)), LUCIUS_OK);
	evhttp_free(management.server);
	world_finish(&w);
}

static void provisioning_that_is_refused_says_what_and_stops(void)
{
	struct world w;
	struct management management;
	world_start(&w);
	management_start(&w, &management);
	w.management_port = management.port;
	world_run(&w);
	management.status = 401;
	struct asked *asked = provision(&w);
	CHECK_INT(status_of(asked), LUCIUS_DENIED);
	CHECK(strstr(asked_sentence(asked), "t0") != NULL);
	CHECK(strstr(asked_sentence(asked), "401") != NULL);
	CHECK_INT(management.n_asked, 2); /* both topics, no subscription */
	evhttp_free(management.server);
	world_finish(&w);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(message_is_published_with_all_its_parts),
		SUITE_TEST(publishing_fails_in_the_contract_s_terms),
		SUITE_TEST(delivery_is_given_and_settled),
		SUITE_TEST(unsubscribe_waits_for_what_was_given),
		SUITE_TEST(missing_subscription_is_not_found_and_health_names_it),
		SUITE_TEST(denied_subscription_makes_not_ready_until_it_is_allowed),
		SUITE_TEST(missing_topic_is_unroutable_and_health_names_it),
		SUITE_TEST(expected_topic_is_named_before_anything_is_published),
		SUITE_TEST(broker_that_is_away_is_unavailable_and_found_later),
		SUITE_TEST(stop_finishes_what_is_open),
		SUITE_TEST(given_up_subscription_ends),
		SUITE_TEST(topics_then_subscriptions_are_provisioned),
		SUITE_TEST(provisioning_that_is_refused_says_what_and_stops),
		SUITE_TEST(wrong_connection_string_is_refused_without_its_key),
	};
	if (argc < 2) {
		fprintf(stderr, "usage: test_bus_servicebus PLUGIN.so [TEXT]\n");
		return 2;
	}
	plugin_path = argv[1];
	return suite_run(
	        "bus-servicebus", tests, sizeof(tests) / sizeof(tests[0]), argc - 1, argv + 1);
}
