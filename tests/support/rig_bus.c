/* SPDX-License-Identifier: MIT */
/* The bus of the rig: keeps nothing; deliveries come from the test. */
#include "tests/support/rig.h"
#include "tests/support/suite.h"

struct bus {
	const struct lucius_host *host;
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct bus *bus = self;
	(void)error;
	(void)error_size;
	bus->host = host;
	return LUCIUS_OK;
}

static void start(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	if (!rig_ask(bus->host, LUCIUS_OP_START, op, "start")) {
		rig_finish(bus->host, op, LUCIUS_OK);
	}
}

static void stop(void *self, struct lucius_op op)
{
	struct bus *bus = self;
	rig_end_all(bus->host);
	if (!rig_ask(bus->host, LUCIUS_OP_STOP, op, "stop")) {
		rig_finish(bus->host, op, LUCIUS_OK);
	}
}

static void destroy(void *self)
{
	(void)self;
}

static void info(void *self, struct lucius_bus_info *info)
{
	(void)self;
	info->traits = (rig.traits.is_bus_shared ? LUCIUS_BUS_SHARED : 0) |
	        (rig.traits.is_bus_durable ? LUCIUS_BUS_DURABLE : 0);
	info->max_message_size = rig.traits.max_message_size;
}

static void publish(void *self, struct lucius_text topic, const struct lucius_message *message,
        struct lucius_op op)
{
	struct bus *bus = self;
	if (!rig_ask(bus->host, LUCIUS_OP_BUS_PUBLISH, op, "publish %s %s ttl %llu", topic.data,
	            message->message_id.data, (unsigned long long)message->ttl_ms)) {
		rig_finish(bus->host, op, rig_outcome(LUCIUS_OP_BUS_PUBLISH, LUCIUS_OK));
	}
}

static void subscribe(
        void *self, const struct lucius_subscription *subscription, struct lucius_op op)
{
	struct bus *bus = self;
	bool is_dead = (subscription->flags & LUCIUS_SUBSCRIPTION_DEAD_LETTERS) != 0;
	if (!rig_ask(bus->host, LUCIUS_OP_BUS_SUBSCRIBE, op, "subscribe %s%s",
	            subscription->topic.data, is_dead ? " dead" : "")) {
		rig_stay_open(bus->host, op);
	}
}

static void settle(void *self, const struct lucius_settlement *settlement, struct lucius_op op)
{
	static const char *const hows[] = { "", "complete", "abandon", "dead-letter", "release" };
	struct bus *bus = self;
	if (!rig_ask(bus->host, LUCIUS_OP_BUS_SETTLE, op, "settle %llu %s %s",
	            (unsigned long long)settlement->token, hows[settlement->how],
	            settlement->reason.size != 0 ? settlement->reason.data : "-")) {
		rig_finish(bus->host, op, rig_outcome(LUCIUS_OP_BUS_SETTLE, LUCIUS_OK));
	}
}

static void end_stream(struct lucius_op op)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		if (rig.asked[i].is_open && rig.asked[i].op.id == op.id) {
			rig_finish(rig.asked[i].host, op, LUCIUS_OK);
			return;
		}
	}
}

static void unsubscribe(void *self, struct lucius_op subscription, struct lucius_op op)
{
	struct bus *bus = self;
	if (!rig_ask(bus->host, LUCIUS_OP_BUS_UNSUBSCRIBE, op, "unsubscribe")) {
		end_stream(subscription);
		rig_finish(bus->host, op, LUCIUS_OK);
	}
}

static void provision(void *self, const struct lucius_topology *topology, struct lucius_op op)
{
	struct bus *bus = self;
	uint64_t n_topics = topology->n_topics;
	if (!rig_ask(bus->host, LUCIUS_OP_BUS_PROVISION, op, "provision %s to %s, %s/%s",
	            topology->topics[0].data, topology->topics[n_topics - 1].data,
	            topology->subscriptions[topology->n_subscriptions - 1]->topic.data,
	            topology->subscriptions[0]->name.data)) {
		rig_finish(bus->host, op, LUCIUS_OK);
	}
}

static void expect(void *self, const struct lucius_topology *topology)
{
	(void)self;
	rig.n_expected = topology->n_topics;
}

static bool ends_so(const char *text, const char *end)
{
	size_t size = strlen(text);
	size_t end_size = strlen(end);
	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static const struct rig_asked *find_subscription(const char *topic)
{
	for (unsigned i = 0; i < rig.n_asked; i++) {
		const struct rig_asked *asked = &rig.asked[i];
		if (asked->is_open && asked->operation == LUCIUS_OP_BUS_SUBSCRIBE &&
		        ends_so(asked->text, topic)) {
			return asked;
		}
	}
	return NULL;
}

void rig_deliver(const char *topic, uint64_t token, const char *body, const char *reason)
{
	const struct rig_asked *asked = find_subscription(topic);
	if (asked == NULL) {
		CHECK(!"there is a subscription of this topic");
		return;
	}
	const struct lucius_field properties[] = {
		{ "step_type", "OCR", 3, LUCIUS_FIELD_STRING },
		{ "DeadLetterReason", reason, reason != NULL ? (uint32_t)strlen(reason) : 0,
		        LUCIUS_FIELD_STRING },
	};
	const struct lucius_message message = {
		.size = sizeof(message),
		.body = { body, strlen(body) },
		.properties = properties,
		.n_properties = reason != NULL ? 2 : 1,
	};
	const struct lucius_delivery delivery = {
		.size = sizeof(delivery), .token = token, .message = &message, .lock_ms = 60000
	};
	asked->host->give(asked->host, asked->op, &delivery);
	rig_turn();
}

void rig_end_subscription(const char *topic, uint32_t status)
{
	const struct rig_asked *asked = find_subscription(topic);
	CHECK(asked != NULL);
	if (asked != NULL) {
		rig_finish(asked->host, asked->op, status);
		rig_turn();
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct bus),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
};

static const struct lucius_bus table = {
	.size = sizeof(table),
	.info = info,
	.publish = publish,
	.subscribe = subscribe,
	.settle = settle,
	.unsubscribe = unsubscribe,
	.provision = provision,
	.expect = expect,
};

const struct lucius_plugin rig_bus_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_BUS, "rig"),
	.version = "1",
	.summary = "For tests.",
	.life = &life,
	.bus = &table,
};
