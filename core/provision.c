/* SPDX-License-Identifier: MIT */
/* on_started → on_provisioned → on_stopped, each printing what went wrong. */
#include "core/provision.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/backend.h"
#include "core/loop.h"
#include "core/settings.h"

enum { PROVISION_TIMEOUT_MS = 600000 };

struct provision {
	struct loop *loop;
	const struct settings *settings;
	struct backend *bus;
	bool is_done;
};

static void say(
        const struct provision *provision, const char *what, uint32_t status, const char *sentence)
{
	fprintf(stderr, "luciusd: %s: %s: %s (%s)\n", backend_title(provision->bus), what,
	        sentence != NULL ? sentence : "no reason given", status_name(status));
}

static void on_stopped(void *user, uint32_t status, const char *sentence)
{
	struct provision *provision = user;
	if (status != LUCIUS_OK) {
		say(provision, "stop", status, sentence);
	}
	loop_break(provision->loop);
}

static void stop(struct provision *provision)
{
	const struct op_caller caller = { .on_done = on_stopped, .user = provision };
	backend_stop(provision->bus, &caller);
}

static void on_provisioned(void *user, uint32_t status, const char *sentence)
{
	struct provision *provision = user;
	provision->is_done = status == LUCIUS_OK;
	if (status != LUCIUS_OK) {
		say(provision, "provision", status, sentence);
	}
	stop(provision);
}

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

static void ask(struct provision *provision)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	const struct settings *settings = provision->settings;
	size_t n_lanes = (size_t)settings->servicebus_lanes;
	struct lucius_text *topics = arena_zalloc(&arena, 2 * n_lanes * sizeof(*topics));
	const struct lucius_subscription **subscriptions =
	        arena_zalloc(&arena, n_lanes * sizeof(*subscriptions));
	for (size_t i = 0; i < n_lanes; i++) {
		struct lucius_subscription *subscription =
		        arena_zalloc(&arena, sizeof(*subscription));
		topics[i] = text(arena_printf(&arena, "global-bus-p%zu", i));
		topics[n_lanes + i] =
		        text(arena_printf(&arena, "%s%zu", settings->servicebus_reply_prefix, i));
		subscription->size = sizeof(*subscription);
		subscription->topic = topics[n_lanes + i];
		subscription->name = text(settings->servicebus_reply_subscription);
		subscriptions[i] = subscription;
	}
	const struct lucius_topology topology = { .size = sizeof(topology),
		.topics = topics,
		.n_topics = 2 * n_lanes,
		.subscriptions = subscriptions,
		.n_subscriptions = n_lanes };
	const struct op_caller caller = {
		.on_done = on_provisioned, .user = provision, .timeout_ms = PROVISION_TIMEOUT_MS
	};
	bus_provision(provision->bus, &topology, &caller);
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct provision *provision = user;
	if (status != LUCIUS_OK) {
		say(provision, "start", status, sentence);
		stop(provision);
		return;
	}
	ask(provision);
}

int provision_run(struct loop *loop, const struct settings *settings, struct backend *bus)
{
	struct provision provision = { .loop = loop, .settings = settings, .bus = bus };
	const struct op_caller caller = { .on_done = on_started, .user = &provision };
	backend_start(bus, &caller);
	loop_run(loop);
	return provision.is_done ? 1 : 0;
}
