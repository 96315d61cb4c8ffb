/* SPDX-License-Identifier: MIT */
/* The emulator's config.json, the shipped topology, and what the readers of small texts take. */
#include "plugins/bus-local/topology.h"

#include <stdlib.h>
#include <unistd.h>

#include "plugins/bus-local/amqp/address.h"
#include "plugins/bus-local/amqp/grants.h"
#include "plugins/bus-local/duration.h"
#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/model/topic.h"
#include "plugins/bus-local/options.h"
#include "tests/support/suite.h"

struct world {
	struct broker broker;
	struct bus_options options;
	char path[64];
	char error[512];
	unsigned n_notes;
};

static void world_init(struct world *world)
{
	static const struct broker_limits limits = { .max_messages = 10,
		.max_bytes = 1 << 20,
		.max_total_bytes = 1 << 20,
		.max_subscriptions = 10,
		.max_remembered_ids = 10 };
	static const uint8_t random[BROKER_RANDOM_SIZE] = { 1 };
	*world = (struct world){ .options = { .lock_seconds = 60,
		                         .max_delivery = 10,
		                         .lanes = 16,
		                         .reply_prefix = "global-bus-replies-p",
		                         .reply_subscription = "lucius-invoker" } };
	broker_init(&world->broker, &limits, random);
}

static void world_finish(struct world *world)
{
	broker_finish(&world->broker);
}

static void on_note(void *user, const char *sentence)
{
	struct world *world = user;
	CHECK(sentence[0] != '\0');
	world->n_notes++;
}

/* Writes the text to a file and loads it. */
static bool load(struct world *world, const char *text)
{
	struct topology_source source = {
		.options = &world->options, .note = on_note, .user = world
	};
	snprintf(world->path, sizeof(world->path), "/tmp/bus-local-config-XXXXXX");
	int fd = mkstemp(world->path);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	CHECK_INT(close(fd), 0);
	world->options.config = world->path;
	bool is_loaded = topology_load(&world->broker, &source, world->error, sizeof(world->error));
	CHECK_INT(unlink(world->path), 0);
	return is_loaded;
}

static struct subscription *find(struct world *world, const char *topic, const char *name)
{
	struct topic *found = topic_find(&world->broker, amqp_text(topic));
	return found != NULL ? subscription_find(found, amqp_text(name)) : NULL;
}

#define CONFIG(entities) "{\"UserConfig\": {\"Namespaces\": [{" entities "}]}}"
#define SUBSCRIPTION(members) \
	CONFIG("\"Topics\": [{\"Name\": \"t\", \"Subscriptions\": [{" members "}]}]")

static void shipped_topology_has_all_lanes(void)
{
	struct world world;
	world_init(&world);
	topology_add_shipped(&world.broker, &world.options);
	CHECK_INT(world.broker.topics.n_links, 32);
	CHECK(find(&world, "global-bus-p0", "distributed-ocr") != NULL);
	CHECK(find(&world, "global-bus-p15", "vector-ingestion") != NULL);
	CHECK(find(&world, "global-bus-p7", "semantic-intelligence") != NULL);
	CHECK(find(&world, "global-bus-replies-p15", "lucius-invoker") != NULL);
	CHECK(find(&world, "global-bus-p16", "distributed-ocr") == NULL);
	world_finish(&world);
}

static void declared_topic_takes_the_place_of_the_shipped_one(void)
{
	struct world world;
	world_init(&world);
	CHECK(load(&world,
	        CONFIG("\"Topics\": [{\"Name\": \"global-bus-p0\", \"Subscriptions\": "
	               "[{\"Name\": \"mine\"}]}]")));
	topology_add_shipped(&world.broker, &world.options);
	CHECK(find(&world, "global-bus-p0", "mine") != NULL);
	CHECK(find(&world, "global-bus-p0", "distributed-ocr") == NULL);
	world_finish(&world);
}

static void settings_of_a_file_are_taken(void)
{
	struct world world;
	world_init(&world);
	bool is_loaded = load(&world,
	        "// a comment\n"
	        "{\"UserConfig\": {/* another \" one */ \"Namespaces\": [{\"Name\": \"n\",\n"
	        "\"Queues\": [{\"Name\": \"q\", \"Properties\": {\"MaxDeliveryCount\": 7}}],\n"
	        "\"Topics\": [{\"Name\": \"t//no comment\", \"Properties\": {\n"
	        "\"DefaultMessageTimeToLive\": \"PT1H\", \"RequiresDuplicateDetection\": true,\n"
	        "\"DuplicateDetectionHistoryTimeWindow\": \"PT20S\"}, \"Subscriptions\": [{\n"
	        "\"Name\": \"s\", \"Properties\": {\"DeadLetteringOnMessageExpiration\": true,\n"
	        "\"DefaultMessageTimeToLive\": \"P1D\", \"LockDuration\": \"PT30S\",\n"
	        "\"MaxDeliveryCount\": 3, \"ForwardTo\": \"\", \"RequiresSession\": false}}]}]}],\n"
	        "\"Logging\": {\"Type\": \"File\"}}}\n");
	CHECK_TEXT(world.error, "");
	CHECK(is_loaded);
	struct subscription *sub = find(&world, "t//no comment", "s");
	CHECK(sub != NULL);
	CHECK_INT(sub->settings.lock_ms, 30000);
	CHECK_INT(sub->settings.ttl_ms, 3600000);
	CHECK_INT(sub->settings.max_delivery_count, 3);
	CHECK(sub->settings.keeps_expired);
	CHECK_INT(sub->topic->duplicate_window_ms, 20000);
	sub = find(&world, "q", "");
	CHECK(sub != NULL);
	CHECK_TEXT(sub->address, "q");
	CHECK_INT(sub->settings.max_delivery_count, 7);
	CHECK_INT(world.n_notes, 0);
	world_finish(&world);
}

static void what_is_not_supported_is_noted(void)
{
	struct world world;
	world_init(&world);
	CHECK(load(&world,
	        SUBSCRIPTION("\"Name\": \"s\", \"Properties\": {\"RequiresSession\": true}, "
	                     "\"Rules\": [{\"Name\": \"r\", \"Properties\": {\"FilterType\": "
	                     "\"Sql\", \"SqlFilter\": {\"SqlExpression\": \"a = 1\"}, \"Action\": "
	                     "{\"SqlExpression\": \"SET sys.To = 'x'\"}}}]")));
	CHECK_INT(world.n_notes, 2);
	CHECK(find(&world, "t", "s")->needs_session);
	world_finish(&world);
}

static void bad_files_are_refused_with_what_is_wrong(void)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "", "line 1" },
		{ "{\n\n\"UserConfig\": }", "line 3" },
		{ "[]", "UserConfig.Namespaces" },
		{ CONFIG("\"Topics\": [{\"Name\": \"\"}]"), "1 to 260" },
		{ CONFIG("\"Topics\": [{\"Name\": \"t\"}, {\"Name\": \"T\"}]"), "twice" },
		{ SUBSCRIPTION("\"Name\": \"a/b\""), "a/b" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Properties\": {\"LockDuration\": \"1 minute\"}"),
		        "LockDuration" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Properties\": {\"LockDuration\": \"PT6M\"}"),
		        "PT5M" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Properties\": {\"MaxDeliveryCount\": 0}"),
		        "MaxDeliveryCount" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Properties\": {\"ForwardTo\": \"q\"}"),
		        "ForwardTo" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Rules\": [{\"Properties\": {\"FilterType\": "
		               "\"Sql\", \"SqlFilter\": {\"SqlExpression\": \"a = \"}}}]"),
		        "a = " },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Rules\": [{\"Properties\": {\"FilterType\": "
		               "\"Correlation\", \"CorrelationFilter\": {\"Label\": \"\"}}}]"),
		        "compares nothing" },
		{ SUBSCRIPTION("\"Name\": \"s\", \"Rules\": [{\"Properties\": {\"FilterType\": "
		               "\"Other\"}}]"),
		        "Other" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;
		world_init(&world);
		CHECK(!load(&world, cases[i].text));
		if (strstr(world.error, cases[i].error) == NULL) {
			fprintf(stderr, "case %zu: %s\n", i, world.error);
			CHECK(false);
		}
		world_finish(&world);
	}
}

static void missing_file_is_refused(void)
{
	struct world world;
	struct topology_source source = { .options = &world.options };
	world_init(&world);
	world.options.config = "/no/such/config.json";
	CHECK(!topology_load(&world.broker, &source, world.error, sizeof(world.error)));
	CHECK(strstr(world.error, "/no/such/config.json") != NULL);
	world_finish(&world);
}

static void durations_are_read(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = { { "PT1M", 60000 }, { "PT0.5S", 500 }, { "P1DT2H3M4S", 93784000 },
		{ "PT1H", 3600000 }, { "P1W", 604800000 },
		{ "P10675199DT2H48M5.4775807S", 922337203685477 },
		{ "P99999999999999999999D", DURATION_MAX_MS }, { "", -1 }, { "P", -1 },
		{ "PT", -1 }, { "1M", -1 }, { "PT1", -1 }, { "PT1M1H", -1 }, { "P1M", -1 },
		{ "PT1.5M", -1 }, { "PTM", -1 }, { "P1DT", -1 }, { "PT1S ", -1 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = -1;
		bool is_read = duration_parse(cases[i].text, &ms);
		CHECK_INT(is_read ? ms : -1, cases[i].ms);
	}
}

static void addresses_are_taken_apart(void)
{
	static const struct {
		const char *text;
		const char *topic;
		const char *subscription;
		bool is_dead;
		bool is_management;
	} cases[] = {
		{ "t", "t", "", false, false },
		{ "/t", "t", "", false, false },
		{ "amqps://localhost:5672/t/Subscriptions/s", "t", "s", false, false },
		{ "sb://h/a/b/subscriptions/S", "a/b", "S", false, false },
		{ "t/Subscriptions/s/$DeadLetterQueue", "t", "s", true, false },
		{ "t/subscriptions/s/$deadletterqueue/$management", "t", "s", true, true },
		{ "t/Subscriptions/s/$Transfer/$DeadLetterQueue", "t", "s", true, false },
		{ "t/$management", "t", "", false, true },
		{ "q/$DeadLetterQueue", "q", "", true, false },
		{ "$management", "$management", "", false, false },
	};
	struct address address;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(address_parse(cases[i].text, &address));
		CHECK_TEXT(address.topic, cases[i].topic);
		CHECK_TEXT(address.subscription, cases[i].subscription);
		CHECK_INT(address.is_dead_letters, cases[i].is_dead);
		CHECK_INT(address.is_management, cases[i].is_management);
	}
	CHECK(address_parse("$CBS", &address) && address.is_cbs);
	CHECK(!address_parse("", &address));
	CHECK(!address_parse(NULL, &address));
	CHECK(!address_parse("amqp://host/", &address));
	char longer[ADDRESS_MAX_SIZE + 1];
	memset(longer, 'a', sizeof(longer));
	longer[ADDRESS_MAX_SIZE] = '\0';
	CHECK(!address_parse(longer, &address));
}

static void grants_cover_what_lies_below_them_until_they_end(void)
{
	struct grants grants = { 0 };
	CHECK(grants_add(&grants, "sb://localhost:5672/Topic", 100));
	CHECK(grants_cover(&grants, "topic", 99));
	CHECK(grants_cover(&grants, "topic/subscriptions/s/$management", 99));
	CHECK(!grants_cover(&grants, "topic", 100));
	CHECK(!grants_cover(&grants, "topic2", 99));
	CHECK(!grants_cover(&grants, "top", 99));
	CHECK(grants_add(&grants, "amqp://other/TOPIC/", 200));
	CHECK_INT(grants.n, 1);
	CHECK(grants_cover(&grants, "topic", 150));
	CHECK_INT(grants_first_end(&grants, 150), 200);
	CHECK_INT(grants_first_end(&grants, 200), INT64_MAX);
	CHECK(grants_add(&grants, "sb://localhost", 300));
	CHECK(grants_cover(&grants, "anything", 299));
	grants_finish(&grants);
}

static void grants_are_bounded(void)
{
	struct grants grants = { 0 };
	char audience[64];
	for (int i = 0; i < GRANTS_MAX; i++) {
		snprintf(audience, sizeof(audience), "sb://h/t%d", i);
		CHECK(grants_add(&grants, audience, 10));
	}
	CHECK(!grants_add(&grants, "sb://h/more", 10));
	CHECK(grants_add(&grants, "sb://h/t0", 20));
	grants_finish(&grants);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(shipped_topology_has_all_lanes),
		SUITE_TEST(declared_topic_takes_the_place_of_the_shipped_one),
		SUITE_TEST(settings_of_a_file_are_taken),
		SUITE_TEST(what_is_not_supported_is_noted),
		SUITE_TEST(bad_files_are_refused_with_what_is_wrong),
		SUITE_TEST(missing_file_is_refused),
		SUITE_TEST(durations_are_read),
		SUITE_TEST(addresses_are_taken_apart),
		SUITE_TEST(grants_cover_what_lies_below_them_until_they_end),
		SUITE_TEST(grants_are_bounded),
	};
	return suite_run("bus-local topology", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
