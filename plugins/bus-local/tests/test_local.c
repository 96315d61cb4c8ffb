/* SPDX-License-Identifier: MIT */
/* The module as the daemon sees it: loaded, led through its life, asked by operations. */
#include <stdlib.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/loader.h"
#include "core/loop.h"
#include "core/option_value.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

#include "plugins/bus-local/options.h"

#define MAX_TAKEN 16

struct world {
	struct loop *loop;
	struct bus_options *options;
	struct backend *bus;
	char error[512];
};

/* How an operation ended; n counts how often. */
struct answer {
	unsigned n;
	uint32_t status;
	char sentence[256];
};

struct stream {
	struct lucius_op op;
	struct answer end;
	unsigned n;
	uint64_t tokens[MAX_TAKEN];
	uint32_t counts[MAX_TAKEN];
	char bodies[MAX_TAKEN][64];
	char properties[256]; /* of the last: name=value;… */
};

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

/* The options may be changed before world_create. */
static void world_init(struct world *world)
{
	*world = (struct world){ .loop = loop_create_simulated(1, 1700000000000000) };
	world->options = option_defaults(plugin(), world->error, sizeof(world->error));
	CHECK_TEXT(world->error, "");
	world->options->listen = "off";
}

static bool world_create(struct world *world)
{
	struct backend_parts parts = {
		.loop = world->loop, .plugin = plugin(), .options = world->options
	};
	world->bus = backend_create(&parts, world->error, sizeof(world->error));
	return world->bus != NULL;
}

static void turn(struct world *world)
{
	loop_advance(world->loop, 0);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct answer *answer = user;
	answer->n++;
	answer->status = status;
	snprintf(
	        answer->sentence, sizeof(answer->sentence), "%s", sentence != NULL ? sentence : "");
}

static uint32_t stage(
        struct world *world, struct lucius_op (*begin)(struct backend *, const struct op_caller *))
{
	struct answer answer = { 0 };
	struct op_caller caller = { .on_done = on_done, .user = &answer };
	(void)begin(world->bus, &caller);
	for (int i = 0; i < 1000 && answer.n == 0; i++) {
		loop_advance(world->loop, 20);
	}
	CHECK_INT(answer.n, 1);
	snprintf(world->error, sizeof(world->error), "%s", answer.sentence);
	return answer.status;
}

static void world_start(struct world *world)
{
	if (!world_create(world)) {
		fprintf(stderr, "%s\n", world->error);
		abort();
	}
	CHECK_INT(stage(world, backend_start), LUCIUS_OK);
	CHECK_INT(stage(world, backend_listen), LUCIUS_OK);
}

static void world_finish(struct world *world)
{
	if (world->bus != NULL) {
		CHECK_INT(stage(world, backend_stop), LUCIUS_OK);
		CHECK_INT(backend_n_open(world->bus), 0);
		CHECK_INT(backend_destroy(world->bus), 0);
	}
	loop_destroy(world->loop);
	free(world->options);
}

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ .data = string, .size = strlen(string) };
}

static uint32_t publish(
        struct world *world, const char *topic, const struct lucius_message *message)
{
	struct answer answer = { 0 };
	struct op_caller caller = { .on_done = on_done, .user = &answer };
	(void)bus_publish(world->bus, text(topic), message, &caller);
	turn(world);
	CHECK_INT(answer.n, 1);
	snprintf(world->error, sizeof(world->error), "%s", answer.sentence);
	return answer.status;
}

static uint32_t publish_step(struct world *world, const char *id, const char *step_type)
{
	struct lucius_field fields[] = {
		{ .name = "step_type",
		        .value = step_type,
		        .value_size = (uint32_t)strlen(step_type) },
		{ .name = "attempt_no",
		        .value = "3",
		        .value_size = 1,
		        .type = LUCIUS_FIELD_INTEGER },
	};
	struct lucius_message message = { .size = sizeof(message),
		.body = text("{}"),
		.message_id = text(id),
		.properties = fields,
		.n_properties = 2,
		.ttl_ms = 60000 };
	return publish(world, "global-bus-p0", &message);
}

static void on_delivery(void *user, const void *item)
{
	struct stream *stream = user;
	const struct lucius_delivery *delivery = item;
	const struct lucius_message *message = delivery->message;
	unsigned i = stream->n++;
	CHECK(i < MAX_TAKEN);
	stream->tokens[i] = delivery->token;
	stream->counts[i] = delivery->delivery_count;
	snprintf(stream->bodies[i], sizeof(stream->bodies[i]), "%.*s",
	        (int)message->message_id.size, message->message_id.data);
	stream->properties[0] = '\0';
	size_t used = 0;
	for (uint64_t k = 0; k < message->n_properties && used < sizeof(stream->properties); k++) {
		used += (size_t)snprintf(stream->properties + used,
		        sizeof(stream->properties) - used, "%s=%s%s;", message->properties[k].name,
		        message->properties[k].value,
		        message->properties[k].type == LUCIUS_FIELD_INTEGER ? "i" : "");
	}
}

static void subscribe(
        struct world *world, struct stream *stream, const struct lucius_subscription *subscription)
{
	struct op_caller caller = { .on_item = on_delivery,
		.on_done = on_done,
		.user = stream,
		.timeout_ms = OP_NO_DEADLINE };
	*stream = (struct stream){ 0 };
	stream->op = bus_subscribe(world->bus, subscription, &caller);
	turn(world);
}

static struct lucius_subscription ocr(uint32_t credit)
{
	return (struct lucius_subscription){ .size = sizeof(struct lucius_subscription),
		.credit = credit,
		.topic = text("global-bus-p0"),
		.name = text("distributed-ocr") };
}

static uint32_t settle(struct world *world, uint64_t token, uint32_t how)
{
	struct answer answer = { 0 };
	struct op_caller caller = { .on_done = on_done, .user = &answer };
	struct lucius_settlement settlement = { .size = sizeof(settlement),
		.how = how,
		.token = token,
		.reason = text("Why"),
		.description = text("because") };
	(void)bus_settle(world->bus, &settlement, &caller);
	turn(world);
	CHECK_INT(answer.n, 1);
	return answer.status;
}

static void unsubscribe(struct world *world, struct stream *stream, struct answer *answer)
{
	struct op_caller caller = { .on_done = on_done, .user = answer };
	*answer = (struct answer){ 0 };
	(void)bus_unsubscribe(world->bus, stream->op, &caller);
	turn(world);
}

static void directive_waits_for_its_consumer_and_no_other(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(5);
	world_init(&world);
	world_start(&world);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	CHECK_INT(publish_step(&world, "b", "SIS"), LUCIUS_OK);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(stream.n, 1);
	CHECK_TEXT(stream.bodies[0], "a");
	CHECK_TEXT(stream.properties, "step_type=OCR;attempt_no=3i;");
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_LOCK_LOST);
	unsubscribe(&world, &stream, &end);
	CHECK_INT(end.n, 1);
	world_finish(&world);
}

static void credit_is_the_most_that_is_not_settled(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(1);
	world_init(&world);
	world_start(&world);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	CHECK_INT(publish_step(&world, "b", "OCR"), LUCIUS_OK);
	CHECK_INT(stream.n, 1);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_ABANDON), LUCIUS_OK);
	CHECK_INT(stream.n, 2);
	CHECK_TEXT(stream.bodies[1], "a");
	CHECK_INT(stream.counts[1], 1);
	CHECK(stream.tokens[1] != stream.tokens[0]);
	CHECK_INT(settle(&world, stream.tokens[1], LUCIUS_SETTLE_RELEASE), LUCIUS_OK);
	CHECK_INT(stream.counts[2], 1);
	CHECK_INT(settle(&world, stream.tokens[2], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	CHECK_TEXT(stream.bodies[3], "b");
	CHECK_INT(settle(&world, stream.tokens[3], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	world_finish(&world);
}

static void locks_of_the_daemon_do_not_expire(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(5);
	world_init(&world);
	world_start(&world);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	loop_advance(world.loop, 3600000);
	CHECK_INT(stream.n, 1);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	world_finish(&world);
}

static void time_to_live_ends_without_anybody_asking(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(5);
	world_init(&world);
	world_start(&world);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	loop_advance(world.loop, 60000);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(stream.n, 1);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	world_finish(&world);
}

static void unsubscribe_waits_for_what_is_not_settled(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(5);
	world_init(&world);
	world_start(&world);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	CHECK_INT(end.n, 0);
	CHECK_INT(stream.end.n, 0);
	CHECK_INT(publish_step(&world, "b", "OCR"), LUCIUS_OK);
	CHECK_INT(stream.n, 1);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	CHECK_INT(end.n, 1);
	CHECK_INT(end.status, LUCIUS_OK);
	world_finish(&world);
}

static void dead_letters_can_be_read_back(void)
{
	struct world world;
	struct stream stream;
	struct stream dead;
	struct answer end;
	struct lucius_subscription subscription = ocr(5);
	world_init(&world);
	world_start(&world);
	subscribe(&world, &stream, &subscription);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_DEAD_LETTER), LUCIUS_OK);
	subscription.flags = LUCIUS_SUBSCRIPTION_DEAD_LETTERS;
	subscribe(&world, &dead, &subscription);
	CHECK_INT(dead.n, 1);
	CHECK_TEXT(dead.properties,
	        "step_type=OCR;attempt_no=3i;DeadLetterReason=Why;"
	        "DeadLetterErrorDescription=because;");
	CHECK_INT(settle(&world, dead.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	unsubscribe(&world, &dead, &end);
	world_finish(&world);
}

static void publishing_says_what_is_wrong(void)
{
	static char body[5000];
	struct world world;
	struct lucius_message large = {
		.size = sizeof(large), .message_id = text("l"), .body = { body, sizeof(body) }
	};
	world_init(&world);
	world.options->max_message_bytes = 4096;
	world.options->queue_messages = 1;
	world_start(&world);
	CHECK_INT(publish_step(&world, "a", "NOBODY"), LUCIUS_UNROUTABLE);
	CHECK(strstr(world.error, "global-bus-p0") != NULL);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_DUPLICATE);
	CHECK_INT(publish_step(&world, "b", "OCR"), LUCIUS_UNAVAILABLE);
	CHECK(strstr(world.error, "distributed-ocr") != NULL);
	CHECK_INT(publish(&world, "no-topic", &large), LUCIUS_UNROUTABLE);
	CHECK(strstr(world.error, "no-topic") != NULL);
	CHECK_INT(publish(&world, "global-bus-replies-p1", &large), LUCIUS_TOO_LARGE);
	CHECK(strstr(world.error, "4096") != NULL);
	world_finish(&world);
}

static void subscribing_makes_what_is_missing_if_it_may(void)
{
	struct world world;
	struct stream stream;
	struct answer end;
	struct lucius_subscription subscription = ocr(1);
	world_init(&world);
	world_start(&world);
	subscription.name = text("brand-new");
	subscribe(&world, &stream, &subscription);
	CHECK_INT(stream.end.n, 0);
	CHECK_INT(publish_step(&world, "a", "NOBODY"), LUCIUS_OK);
	CHECK_INT(stream.n, 1);
	CHECK_INT(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE), LUCIUS_OK);
	unsubscribe(&world, &stream, &end);
	/* Nobody reads it any more, so that it goes, and the message has no place. */
	loop_advance(world.loop, 600000);
	CHECK_INT(publish_step(&world, "b", "NOBODY"), LUCIUS_UNROUTABLE);
	world_finish(&world);
}

static void on_end(void *user, uint32_t status, const char *sentence)
{
	on_done(&((struct stream *)user)->end, status, sentence);
}

static void unknown_subscription_is_not_found(void)
{
	struct world world;
	struct stream stream = { 0 };
	struct lucius_subscription subscription = ocr(1);
	struct op_caller caller = { .on_done = on_end, .user = &stream };
	world_init(&world);
	world.options->auto_subscriptions = 0;
	world_start(&world);
	subscription.name = text("brand-new");
	(void)bus_subscribe(world.bus, &subscription, &caller);
	subscription.topic = text("no-topic");
	(void)bus_subscribe(world.bus, &subscription, &caller);
	turn(&world);
	CHECK_INT(stream.end.n, 2);
	CHECK_INT(stream.end.status, LUCIUS_NOT_FOUND);
	world_finish(&world);
}

static void stop_ends_streams_and_gives_back_what_they_hold(void)
{
	struct world world;
	struct stream stream = { 0 };
	struct lucius_subscription subscription = ocr(2);
	struct op_caller caller = { .on_item = on_delivery,
		.on_done = on_done,
		.user = &stream,
		.timeout_ms = OP_NO_DEADLINE };
	world_init(&world);
	world_start(&world);
	CHECK_INT(publish_step(&world, "a", "OCR"), LUCIUS_OK);
	(void)bus_subscribe(world.bus, &subscription, &caller);
	turn(&world);
	CHECK_INT(stream.n, 1);
	CHECK_INT(stage(&world, backend_stop), LUCIUS_OK);
	CHECK(settle(&world, stream.tokens[0], LUCIUS_SETTLE_COMPLETE) != LUCIUS_OK);
	CHECK_INT(publish_step(&world, "b", "OCR"), LUCIUS_UNAVAILABLE);
	CHECK_INT(backend_n_open(world.bus), 0);
	CHECK_INT(backend_destroy(world.bus), 0);
	world.bus = NULL;
	world_finish(&world);
}

static void provision_makes_topics_and_subscriptions(void)
{
	struct world world;
	struct answer answer = { 0 };
	struct op_caller caller = { .on_done = on_done, .user = &answer };
	struct lucius_text topics[] = { text("extra") };
	struct lucius_subscription wanted = {
		.size = sizeof(wanted), .topic = text("extra"), .name = text("reader")
	};
	const struct lucius_subscription *subscriptions[] = { &wanted };
	struct lucius_topology topology = { .size = sizeof(topology),
		.topics = topics,
		.n_topics = 1,
		.subscriptions = subscriptions,
		.n_subscriptions = 1 };
	struct lucius_message message = { .size = sizeof(message), .message_id = text("a") };
	world_init(&world);
	world_start(&world);
	(void)bus_provision(world.bus, &topology, &caller);
	(void)bus_provision(world.bus, &topology, &caller);
	turn(&world);
	CHECK_INT(answer.n, 2);
	CHECK_INT(answer.status, LUCIUS_OK);
	CHECK_INT(publish(&world, "extra", &message), LUCIUS_OK);
	world_finish(&world);
}

static void check_refused(struct world *world, const char *what)
{
	CHECK(!world_create(world));
	if (strstr(world->error, what) == NULL) {
		fprintf(stderr, "no '%s' in: %s\n", what, world->error);
		CHECK(false);
	}
	world_finish(world);
}

static void foreign_address_needs_a_key_of_ones_own(void)
{
	static const char *const addresses[] = { "0.0.0.0:5672", "[::]:5672", "10.1.2.3:0" };
	struct world world;
	for (size_t i = 0; i < 3; i++) {
		world_init(&world);
		world.options->listen = addresses[i];
		check_refused(&world, "bus-key");
		world_init(&world);
		world.options->listen = addresses[i];
		world.options->key = "SAS_KEY_VALUE";
		check_refused(&world, "bus-key");
		world_init(&world);
		world.options->listen = addresses[i];
		world.options->key = "mine";
		CHECK(world_create(&world));
		world_finish(&world);
	}
}

static void options_that_do_not_go_together_are_refused(void)
{
	struct world world;
	world_init(&world);
	world.options->listen = "5672";
	check_refused(&world, "host:port");
	world_init(&world);
	world.options->listen = "localhost:70000";
	check_refused(&world, "host:port");
	world_init(&world);
	world.options->tls_cert = "/cert.pem";
	check_refused(&world, "bus-tls-key");
	world_init(&world);
	world.options->management_listen = "5300";
	check_refused(&world, "bus-management-listen");
	world_init(&world);
	world.options->management_listen = "0.0.0.0:5300";
	check_refused(&world, "bus-key");
}

static void tls_files_that_cannot_be_read_stop_the_listener(void)
{
	struct world world;
	world_init(&world);
	world.options->listen = "127.0.0.1:0";
	world.options->tls_cert = "/no/such/cert.pem";
	world.options->tls_key = "/no/such/key.pem";
	CHECK(world_create(&world));
	CHECK_INT(stage(&world, backend_start), LUCIUS_OK);
	CHECK_INT(stage(&world, backend_listen), LUCIUS_DENIED);
	CHECK(strstr(world.error, "/no/such/cert.pem") != NULL);
	world_finish(&world);
}

static void key_file_is_made_once_and_kept(void)
{
	struct world world;
	char path[] = "/tmp/bus-local-key-XXXXXX";
	char keys[2][128] = { "", "" };
	int fd = mkstemp(path);
	CHECK(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
	for (int i = 0; i < 2; i++) {
		world_init(&world);
		world.options->key_file = path;
		CHECK(world_create(&world));
		CHECK_INT(stage(&world, backend_start), LUCIUS_OK);
		world_finish(&world);
		FILE *file = fopen(path, "r");
		CHECK(file != NULL && fgets(keys[i], sizeof(keys[i]), file) != NULL);
		CHECK(file != NULL && fclose(file) == 0);
	}
	CHECK_INT(strlen(keys[0]), 45);
	CHECK_TEXT(keys[0], keys[1]);
	CHECK_INT(unlink(path), 0);
}

static void key_file_that_cannot_be_made_stops_the_start(void)
{
	struct world world;
	world_init(&world);
	world.options->key_file = "/no/such/directory/key";
	CHECK(world_create(&world));
	CHECK_INT(stage(&world, backend_start), LUCIUS_INTERNAL);
	CHECK(strstr(world.error, "/no/such/directory/key") != NULL);
	world_finish(&world);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(directive_waits_for_its_consumer_and_no_other),
		SUITE_TEST(credit_is_the_most_that_is_not_settled),
		SUITE_TEST(locks_of_the_daemon_do_not_expire),
		SUITE_TEST(time_to_live_ends_without_anybody_asking),
		SUITE_TEST(unsubscribe_waits_for_what_is_not_settled),
		SUITE_TEST(dead_letters_can_be_read_back),
		SUITE_TEST(publishing_says_what_is_wrong),
		SUITE_TEST(subscribing_makes_what_is_missing_if_it_may),
		SUITE_TEST(unknown_subscription_is_not_found),
		SUITE_TEST(stop_ends_streams_and_gives_back_what_they_hold),
		SUITE_TEST(provision_makes_topics_and_subscriptions),
		SUITE_TEST(foreign_address_needs_a_key_of_ones_own),
		SUITE_TEST(options_that_do_not_go_together_are_refused),
		SUITE_TEST(tls_files_that_cannot_be_read_stop_the_listener),
		SUITE_TEST(key_file_is_made_once_and_kept),
		SUITE_TEST(key_file_that_cannot_be_made_stops_the_start),
	};
	return suite_run("bus-local", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
