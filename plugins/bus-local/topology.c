/* SPDX-License-Identifier: MIT */
/* The shipped topology: directives by lane and kind of step, replies by lane. */
#include "plugins/bus-local/topology.h"

#include <inttypes.h>
#include <stdio.h>

#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/topic.h"
#include "plugins/bus-local/options.h"

#define DIRECTIVE_PREFIX "global-bus-p"

/* Who does which kind of step. */
static const struct {
	const char *subscription;
	const char *step_type;
} shipped[] = {
	{ "distributed-ocr", "OCR" },
	{ "vector-ingestion", "EMBEDDING" },
	{ "semantic-intelligence", "SIS" },
};

struct subscription_settings topology_defaults(const struct bus_options *options)
{
	return (struct subscription_settings){
		.lock_ms = options->lock_seconds * 1000,
		.ttl_ms = options->ttl_seconds * 1000,
		.max_delivery_count = (uint32_t)options->max_delivery,
	};
}

/* NULL: a file has declared it, and what it declares stands. */
static struct topic *add_topic(struct broker *broker, const char *prefix, int64_t lane)
{
	char name[280];
	snprintf(name, sizeof(name), "%s%" PRId64, prefix, lane);
	return topic_create(broker, &(struct topic_settings){ .name = name });
}

static void add_directives(struct topic *topic, const struct bus_options *options)
{
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		struct subscription_settings settings = topology_defaults(options);
		settings.name = shipped[i].subscription;
		settings.rules = rule_create(RULE_STEP_TYPE, shipped[i].step_type);
		rule_set_name(settings.rules, RULE_DEFAULT_NAME);
		(void)subscription_create(topic, &settings);
	}
}

void topology_add_shipped(struct broker *broker, const struct bus_options *options)
{
	for (int64_t lane = 0; lane < options->lanes; lane++) {
		struct topic *directives = add_topic(broker, DIRECTIVE_PREFIX, lane);
		if (directives != NULL) {
			add_directives(directives, options);
		}
		struct topic *replies = add_topic(broker, options->reply_prefix, lane);
		if (replies != NULL) {
			struct subscription_settings settings = topology_defaults(options);
			settings.name = options->reply_subscription;
			(void)subscription_create(replies, &settings);
		}
	}
}
