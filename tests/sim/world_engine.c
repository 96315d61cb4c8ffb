/* SPDX-License-Identifier: MIT */
/* The engine of the simulated world: it drives the machine, loses answers, dies and comes back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/world_state.h"

#define SHORTEST_TIMEOUT_MS 800000

static void read_request(const char *payload, struct ledger_request *ret_request, char *ret_status)
{
	json_t *root = json_loads(payload, 0, NULL);
	const json_t *directive = json_object_get(root, "directive");
	const json_t *source = directive != NULL ? directive : root;
	const char *step_id = json_string_value(json_object_get(source, "stepId"));
	const char *lease_id = json_string_value(json_object_get(source, "lease_id"));
	const char *status = json_string_value(json_object_get(source, "status"));
	*ret_request = (struct ledger_request){ 0 };
	for (size_t i = 0; i < LEDGER_MAX_STEPS; i++) {
		if (step_id != NULL && strcmp(step_id, ledger_step_ids[i]) == 0) {
			ret_request->step = i;
		}
	}
	ret_request->attempt_no =
	        (uint32_t)json_integer_value(json_object_get(source, "attempt_no"));
	(void)snprintf(ret_request->lease_id, sizeof(ret_request->lease_id), "%s",
	        lease_id != NULL ? lease_id : "");
	(void)snprintf(ret_status, 16, "%s", status != NULL ? status : "");
	json_decref(root);
}

/* What the invoker does with an activity; the answer is owned. */
static char *carry_out(struct world *world, const struct happening *activity)
{
	char *answer = must_calloc(1, LEDGER_TEXT_SIZE);
	struct ledger_request request;
	char status[16];
	read_request(activity->text, &request, status);
	request.lease_expires_ms = activity->give_up_ms;
	if (strcmp(activity->name, STEP_ACTIVITY_LEASE) == 0) {
		ledger_lease(&world->ledger, &request, answer);
	} else if (strcmp(activity->name, STEP_ACTIVITY_PUBLISH) == 0) {
		if (ledger_publish(&world->ledger, &request, world->now_ms, answer)) {
			world_send_directive(world, &request);
		}
	} else {
		ledger_outcome(&world->ledger, request.step, status, answer);
	}
	world->outcome->n_refusals += strstr(answer, "\"ok\"") == NULL ? 1 : 0;
	return answer;
}

static void plan_retry(struct world *world, struct happening *activity)
{
	uint64_t wait_ms = activity->retry_ms;
	if (activity->give_up_ms != 0 && world->now_ms + wait_ms >= activity->give_up_ms) {
		uint64_t left_ms = activity->give_up_ms > world->now_ms
		        ? activity->give_up_ms - world->now_ms
		        : 0;
		world_plan(world, HAPPEN_GIVE_UP, left_ms)->number = activity->number;
		return;
	}
	struct happening *again = world_plan(world, HAPPEN_TRY, wait_ms);
	again->number = activity->number;
	memcpy(again->name, activity->name, sizeof(again->name));
	again->text = steal(activity->text);
	again->give_up_ms = activity->give_up_ms;
	again->retry_ms = wait_ms < 30000 ? wait_ms * 2 : 60000;
}

static void on_try(struct world *world, struct happening *activity)
{
	bool is_zombie = activity->life != world->life;
	if (is_zombie && !world->climate.has_zombies) {
		return;
	}
	if (world_is(world, world->climate.try_fails)) {
		world_say(world, "%s fails", activity->name);
		if (!is_zombie) {
			plan_retry(world, activity);
		}
		return;
	}
	char *answer = carry_out(world, activity);
	world_say(world, "%s%s %s -> %s", is_zombie ? "zombie " : "", activity->name,
	        activity->text, answer);
	if (is_zombie || world_is(world, world->climate.answer_lost)) {
		free(answer);
		if (!is_zombie) {
			plan_retry(world, activity);
		}
		return;
	}
	struct happening *reply = world_plan(world, HAPPEN_ANSWER, world_on_the_way(world));
	reply->number = activity->number;
	reply->text = answer;
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct world *world = user;
	history_add_action(world->history, action);
	struct happening *happening;
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		happening = world_plan(world, HAPPEN_TRY, world_on_the_way(world));
		(void)snprintf(happening->name, sizeof(happening->name), "%.*s",
		        (int)action->name.size, action->name.data);
		happening->text = must_copy(action->payload.data, action->payload.size);
		happening->number = action->number;
		happening->retry_ms = action->retry_initial_ms;
		happening->give_up_ms = action->give_up_after_ms != 0
		        ? world->now_ms + action->give_up_after_ms
		        : 0;
		world->activity = action->number;
		break;
	case LUCIUS_ACTION_START_TIMER:
		happening = world_plan(world, HAPPEN_TIMER, action->after_ms);
		happening->number = action->number;
		happening->give_up_ms = action->after_ms;
		world->timer = action->number;
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		world->timer = 0;
		break;
	default:
		world->is_machine_over = true;
		world->end = action->type;
		break;
	}
}

static void feed(
        struct world *world, uint32_t type, uint64_t number, const char *name, const char *payload)
{
	if (world->machine == NULL || world->is_machine_over) {
		return;
	}
	struct lucius_event event = {
		.size = sizeof(event),
		.type = type,
		.number = number,
		.time_ms = world->now_ms,
		.name = { name, strlen(name) },
		.payload = { payload, strlen(payload) },
	};
	history_add_event(world->history, &event);
	world->logic.table.feed(world->machine, &event, on_action, world);
}

void world_check_history(struct world *world)
{
	char difference[200];
	if (world->history != NULL &&
	        !history_replays(world->history, &world->logic, difference, sizeof(difference))) {
		world_violate(world, difference);
	}
	history_destroy(world->history);
	world->history = NULL;
}

void world_start_machine(struct world *world, const char *snapshot, const char *seed)
{
	char error[256];
	struct lucius_run run = {
		.size = sizeof(run),
		.is_restored = snapshot != NULL,
		.workflow_id = { WORLD_JOB_ID, strlen(WORLD_JOB_ID) },
		.input = { world->input, strlen(world->input) },
		.snapshot = { snapshot, snapshot != NULL ? strlen(snapshot) : 0 },
	};
	world->machine = world->logic.table.open(&world->logic.table, &run, error, sizeof(error));
	if (world->machine == NULL) {
		world_violate(world, error);
		return;
	}
	world->history = history_create(&run);
	feed(world, LUCIUS_EVENT_STARTED, 0, "", seed);
}

void world_on_crash(struct world *world)
{
	if (world->machine == NULL || world->is_machine_over) {
		return;
	}
	world_say(world, "CRASH");
	world->logic.table.close(steal(world->machine));
	world_check_history(world);
	world->life++;
	world->activity = 0;
	world->timer = 0;
	if (!world->climate.is_bus_durable) {
		world->bus_life++;
	}
	world_plan(
	        world, HAPPEN_RESTART, world_within(world, world_is(world, 30) ? 2000000 : 10000));
}

void world_on_restart(struct world *world)
{
	if (world->machine != NULL || ledger_is_closed(&world->ledger)) {
		return;
	}
	char snapshot[LEDGER_TEXT_SIZE];
	char seed[32];
	ledger_snapshot(&world->ledger, world->climate.is_bus_durable, snapshot);
	world_say(world, "restore %s", snapshot);
	(void)snprintf(seed, sizeof(seed), "life %u", world->life);
	world->outcome->n_restores++;
	world_start_machine(world, snapshot, seed);
}

void world_on_signal(struct world *world, const struct happening *signal)
{
	world_say(world, "signal %s %s", signal->name, signal->text);
	if (strcmp(signal->name, "cancel") == 0) {
		feed(world, LUCIUS_EVENT_CANCEL_ASKED, 0, "", "");
	} else {
		feed(world, LUCIUS_EVENT_SIGNAL, 0, signal->name, signal->text);
	}
}

void world_on_engine(struct world *world, struct happening *happening)
{
	if (happening->kind == HAPPEN_TRY) {
		on_try(world, happening);
		return;
	}
	bool is_timer = happening->kind == HAPPEN_TIMER;
	if (happening->life != world->life ||
	        happening->number != (is_timer ? world->timer : world->activity)) {
		return;
	}
	if (is_timer) {
		world_say(world, "timer fires");
		if (world->climate.is_calm && happening->give_up_ms >= SHORTEST_TIMEOUT_MS) {
			world_violate(
			        world, "an attempt timed out although nothing was lost or slow");
		}
		world->timer = 0;
		feed(world, LUCIUS_EVENT_TIMER_FIRED, happening->number, "", "");
	} else if (happening->kind == HAPPEN_ANSWER) {
		world->activity = 0;
		feed(world, LUCIUS_EVENT_ACTIVITY_DONE, happening->number, "", happening->text);
	} else {
		world_say(world, "activity given up");
		world->activity = 0;
		feed(world, LUCIUS_EVENT_ACTIVITY_FAILED, happening->number, "", "given up");
	}
}
