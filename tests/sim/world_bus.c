/* SPDX-License-Identifier: MIT */
/* Bus and consumers of the simulated world: they repeat, forget and dawdle. */
#include <stdio.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/world_state.h"

void world_send_directive(struct world *world, const struct ledger_request *request)
{
	if (world_is(world, world->climate.directive_lost)) {
		return;
	}
	unsigned n = world_is(world, world->climate.repeated) ? 2 : 1;
	for (unsigned i = 0; i < n; i++) {
		struct happening *directive =
		        world_plan(world, HAPPEN_DIRECTIVE, world_on_the_way(world));
		directive->life = world->bus_life;
		directive->request = *request;
	}
}

/* The same answer for the same attempt, however often it is asked. */
static const char *answer_of_consumer(const struct world *world, const struct ledger_request *of)
{
	struct sim_random random = { .state = of->step * 1000 + of->attempt_no };
	for (size_t i = 0; of->lease_id[i] != '\0'; i++) {
		random.state = random.state * 131 + (unsigned char)of->lease_id[i];
	}
	if (sim_random_is(&random, world->climate.consumer_dead)) {
		return NULL;
	}
	if (sim_random_is(&random, world->climate.consumer_retries)) {
		return "FAILED_RETRY";
	}
	return sim_random_is(&random, world->climate.consumer_fails) ? "FAILED_FINAL" : "SUCCEEDED";
}

static void send_reply(struct world *world, enum happening_kind kind, uint64_t after_ms,
        const struct ledger_request *request, const char *status)
{
	unsigned n = world_is(world, world->climate.repeated) ? 2 : 1;
	if (world_is(world, world->climate.reply_lost)) {
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct happening *reply = world_plan(
		        world, kind, after_ms + (i == 0 ? 0 : world_within(world, 200000)));
		reply->life = world->bus_life;
		reply->request = *request;
		(void)snprintf(reply->name, sizeof(reply->name), "%s", status);
	}
}

static void on_directive(struct world *world, const struct ledger_request *request)
{
	const char *status = answer_of_consumer(world, request);
	if (world_is(world, 90)) {
		send_reply(world, HAPPEN_ACK, world_on_the_way(world), request, "");
	}
	if (status != NULL) {
		send_reply(world, HAPPEN_RESULT,
		        world_is(world, 50) ? world_on_the_way(world)
		                            : world_within(world, world->climate.slow_ms),
		        request, status);
	}
}

void world_on_bus(struct world *world, const struct happening *happening)
{
	if (happening->life != world->bus_life) {
		return;
	}
	world_say(world, "%s %s.%u %s",
	        happening->kind == HAPPEN_DIRECTIVE     ? "directive"
	                : happening->kind == HAPPEN_ACK ? "ack"
	                                                : "result",
	        ledger_step_ids[happening->request.step], (unsigned)happening->request.attempt_no,
	        happening->name);
	if (happening->kind == HAPPEN_DIRECTIVE) {
		on_directive(world, &happening->request);
	} else if (happening->kind == HAPPEN_ACK) {
		ledger_ack(&world->ledger, &happening->request, world->now_ms);
	} else {
		ledger_result(&world->ledger, &happening->request, happening->name, world->now_ms);
	}
}
