/* SPDX-License-Identifier: MIT */
/* The emulator's config.json as an operator may hand it to the local bus. */
#include <stdlib.h>
#include <string.h>

#include "plugins/bus-local/model/broker.h"
#include "plugins/bus-local/options.h"
#include "plugins/bus-local/topology.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t random[BROKER_RANDOM_SIZE];
	static const struct broker_limits limits = { .max_messages = 10,
		.max_bytes = 1000,
		.max_total_bytes = 1000,
		.max_subscriptions = 10,
		.max_remembered_ids = 10 };
	static const struct bus_options options = { .config = "config.json",
		.lock_seconds = 60,
		.max_delivery = 10,
		.lanes = 2,
		.reply_prefix = "replies-p",
		.reply_subscription = "reader" };
	char error[512] = "";
	struct broker broker;
	char *text = must_copy(bytes, size);
	struct topology_source source = { .options = &options, .text = text };
	broker_init(&broker, &limits, random);
	if (!topology_read(&broker, &source, error, sizeof(error)) && error[0] == '\0') {
		abort();
	}
	topology_add_shipped(&broker, &options);
	broker_finish(&broker);
	free(text);
	return 0;
}
