/* SPDX-License-Identifier: MIT */
/* How bad a simulated world is, and what its user does, all from the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/world_state.h"

static void on_signal(void *user, const char *name, const char *argument, bool is_sure)
{
	struct world *world = user;
	if (is_sure) {
		struct happening *signal = world_plan(world, HAPPEN_SIGNAL, 0);
		(void)snprintf(signal->name, sizeof(signal->name), "%s", name);
		signal->text = must_copy(argument, strlen(argument));
		return;
	}
	if (world_is(world, world->climate.signal_lost)) {
		world_say(world, "signal %s lost", name);
		return;
	}
	unsigned n = world_is(world, world->climate.repeated) ? 2 : 1;
	for (unsigned i = 0; i < n; i++) {
		struct happening *signal =
		        world_plan(world, HAPPEN_SIGNAL, world_on_the_way(world));
		(void)snprintf(signal->name, sizeof(signal->name), "%s", name);
		signal->text = must_copy(argument, strlen(argument));
	}
}

static char *make_input(struct world *world)
{
	char *input = must_calloc(1, LEDGER_TEXT_SIZE);
	int n = snprintf(input, LEDGER_TEXT_SIZE,
	        "{\"job_id\": \"" WORLD_JOB_ID "\", \"tenant_id\": \"t1\", \"protocol_id\": \"p\", "
	        "\"lane\": 7, \"routing_key_used\": \"t1\", \"mode\": \"DEFAULT\", \"options\": "
	        "{\"definition\": 1, \"max_attempts\": %u, \"step_result_timeout_seconds\": 900, "
	        "\"lease_seconds\": %u, \"retry_initial_seconds\": 1, \"retry_max_seconds\": 60}, "
	        "\"steps\": [",
	        (unsigned)world->ledger.max_attempts, world_is(world, 70) ? 900U : 60U);
	for (size_t i = 0; i < world->ledger.n_steps; i++) {
		n += snprintf(input + n, LEDGER_TEXT_SIZE - (size_t)n, "%s{\"step_id\": \"%s\"}",
		        i == 0 ? "" : ", ", ledger_step_ids[i]);
	}
	(void)snprintf(input + n, LEDGER_TEXT_SIZE - (size_t)n, "]}");
	return input;
}

/* A percentage that is none in a third of all worlds, so that each fault is also seen alone. */
static unsigned fault(struct world *world, unsigned highest)
{
	return world_is(world, 33) ? 0 : (unsigned)world_within(world, highest);
}

static void make_climate(struct world *world)
{
	world->climate = (struct climate){
		.try_fails = fault(world, 60),
		.answer_lost = fault(world, 50),
		.signal_lost = fault(world, 60),
		.reply_lost = fault(world, 40),
		.directive_lost = fault(world, 40),
		.repeated = fault(world, 50),
		.consumer_dead = fault(world, 40),
		.consumer_retries = fault(world, 60),
		.consumer_fails = fault(world, 20),
		.slow_ms = world_is(world, 50) ? 10000 : 2500000,
		.is_bus_durable = world_is(world, 50),
		.has_zombies = world_is(world, 50),
		.is_calm = world_is(world, 20),
	};
	if (world->climate.is_calm) {
		world->climate.try_fails = 0;
		world->climate.signal_lost = 0;
		world->climate.reply_lost = 0;
		world->climate.directive_lost = 0;
		world->climate.consumer_dead = 0;
		world->climate.slow_ms = 10000;
	}
}

static void plan_controls(struct world *world)
{
	uint64_t span_ms = world_is(world, 50) ? 20000 : 3000000;
	uint64_t n_pauses = world_is(world, 40) ? 1 + world_within(world, 3) : 0;
	uint64_t last_ms = 0;
	for (uint64_t i = 0; i < n_pauses; i++) {
		uint64_t pause_ms = world_within(world, span_ms);
		uint64_t resume_ms = world_within(world, span_ms);
		last_ms = pause_ms > last_ms ? pause_ms : last_ms;
		world_plan(world, HAPPEN_PAUSE, pause_ms);
		world_plan(world, HAPPEN_RESUME, resume_ms);
	}
	if (n_pauses != 0) {
		world_plan(world, HAPPEN_RESUME, last_ms + 1 + world_within(world, span_ms));
	}
	if (world_is(world, 30)) {
		world_plan(world, HAPPEN_CANCEL, world_within(world, span_ms));
	}
	uint64_t n_crashes =
	        world_is(world, 50) && !world->climate.is_calm ? 1 + world_within(world, 3) : 0;
	for (uint64_t i = 0; i < n_crashes; i++) {
		world_plan(world, HAPPEN_CRASH, world_within(world, span_ms));
	}
	world_plan(world, HAPPEN_SWEEP, world_within(world, WORLD_SWEEP_MS));
}

static void make_ledger(struct world *world)
{
	bool is_foreign = world_is(world, 25);
	world->ledger = (struct ledger){
		.random = &world->random,
		.is_foreign = is_foreign,
		.has_outcome_path = !is_foreign || world_is(world, 50),
		.max_attempts = 1 + (uint32_t)world_within(world, 3),
		.n_steps = 1 + world_within(world, LEDGER_MAX_STEPS - 1),
		.on_signal = on_signal,
		.user = world,
	};
}

void world_make(struct world *world)
{
	make_ledger(world);
	make_climate(world);
	plan_controls(world);
	world->input = make_input(world);
}
