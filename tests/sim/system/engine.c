/* SPDX-License-Identifier: MIT */
/*
 * The engine that the processes have: real workflow-local, wrapped, or (temporal.c) a model of a
 * Temporal service. Either way each machine of the definition goes through here, so that the world
 * knows what every run waits for and how it has ended.
 */
#include "tests/sim/system/engine.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/step_logic.h"
#include "support/base/memory.h"

/* Machines, watched */

static struct machine_record *record_of(struct lucius_machine *machine)
{
	return (struct machine_record *)machine;
}

static struct engine *engine_of(const struct lucius_definition *definition)
{
	return CONTAINER(definition, struct engine, watched);
}

static struct lucius_machine *watched_open(const struct lucius_definition *definition,
        const struct lucius_run *run, char *error, size_t error_size)
{
	struct engine *engine = engine_of(definition);
	struct world *world = engine->process->world;
	struct lucius_machine *real =
	        engine->definition->open(engine->definition, run, error, error_size);
	if (real == NULL) {
		world_violate(world, NULL, "the definition refuses a run: %s", error);
		return NULL;
	}
	struct machine_record *record = must_calloc(1, sizeof(*record));
	record->engine = engine;
	record->real = real;
	record->is_replay = world->temporal != NULL;
	record->opened_ms = world->now_ms;
	memcpy(record->job_id, run->workflow_id.data, 32);
	record->next = world->machines;
	record->link = &world->machines;
	if (record->next != NULL) {
		record->next->link = &record->next;
	}
	world->machines = record;
	return (struct lucius_machine *)record;
}

struct feeding {
	struct machine_record *record;
	lucius_action_fn on_action;
	void *user;
};

static void note_action(struct machine_record *record, const struct lucius_action *action)
{
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		record->activity = action->number;
		break;
	case LUCIUS_ACTION_START_TIMER:
		record->n_timers++;
		record->timer = action->number;
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		record->n_timers--;
		break;
	default:
		record->end = action->type;
		break;
	}
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct feeding *feeding = user;
	note_action(feeding->record, action);
	feeding->on_action(feeding->user, action);
}

static void note_event(struct machine_record *record, const struct lucius_event *event)
{
	if ((event->type == LUCIUS_EVENT_ACTIVITY_DONE ||
	            event->type == LUCIUS_EVENT_ACTIVITY_FAILED) &&
	        event->number == record->activity) {
		record->activity = 0;
	} else if (event->type == LUCIUS_EVENT_TIMER_FIRED) {
		record->n_timers--;
	}
}

static void watched_feed(struct lucius_machine *machine, const struct lucius_event *event,
        lucius_action_fn fn, void *user)
{
	struct machine_record *record = record_of(machine);
	struct feeding feeding = { record, fn, user };
	struct engine *engine = record->engine;
	note_event(record, event);
	engine->definition->feed(record->real, event, on_action, &feeding);
	if (record->end != 0 && !record->is_replay && !engine->process->is_zombie) {
		engine_ended(engine->process->world, record->job_id, record->end);
	}
}

static void watched_close(struct lucius_machine *machine)
{
	struct machine_record *record = record_of(machine);
	*record->link = record->next;
	if (record->next != NULL) {
		record->next->link = record->link;
	}
	record->engine->definition->close(record->real);
	free(record);
}

static void watched_inspect(const struct lucius_machine *machine, lucius_text_fn fn, void *user)
{
	const struct machine_record *record = (const struct machine_record *)machine;
	record->engine->definition->inspect(record->real, fn, user);
}

static void watched_run(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	const struct lucius_definition *real = engine_of(definition)->definition;
	real->run(real, name, payload, op);
}

void engine_watch(struct engine *engine, const struct lucius_definition *definition)
{
	engine->definition = definition;
	engine->watched = (struct lucius_definition){
		.size = sizeof(engine->watched),
		.open = watched_open,
		.feed = watched_feed,
		.close = watched_close,
		.inspect = watched_inspect,
		.run = watched_run,
	};
}

/* What is known of runs, over all processes */

struct run_record *engine_run_record(struct world *world, const char *job_id)
{
	struct run_record *record = world->runs;
	while (record != NULL && strcmp(record->job_id, job_id) != 0) {
		record = record->next;
	}
	if (record == NULL) {
		record = must_calloc(1, sizeof(*record));
		(void)snprintf(record->job_id, sizeof(record->job_id), "%s", job_id);
		record->next = world->runs;
		world->runs = record;
	}
	return record;
}

void engine_ended(struct world *world, const char *job_id, uint32_t end)
{
	static const char *const names[] = { "?", "?", "?", "?", "completes", "fails",
		"is cancelled" };
	struct run_record *record = engine_run_record(world, job_id);
	record->end = end;
	world_say(world, job_id, "the workflow %s", names[end]);
}

/* Texts are small JSON of our own core: the member's value between quotes. */
static void find_text(struct lucius_text json, const char *name, char *ret, size_t size)
{
	ret[0] = '\0';
	const char *at = memmem(json.data, json.size, name, strlen(name));
	const char *colon = at != NULL ? strchr(at + strlen(name), ':') : NULL;
	const char *begin = colon != NULL ? strchr(colon, '"') : NULL;
	const char *end = begin != NULL ? strchr(begin + 1, '"') : NULL;
	if (end != NULL && (size_t)(end - begin) <= size) {
		memcpy(ret, begin + 1, (size_t)(end - begin) - 1);
		ret[end - begin - 1] = '\0';
	}
}

void engine_told(struct world *world, const struct lucius_signal *signal)
{
	char job_id[33] = "";
	struct told *told = must_calloc(1, sizeof(*told));
	memcpy(job_id, signal->workflow_id.data, 32);
	struct run_record *record = engine_run_record(world, job_id);
	find_text(signal->argument, "\"lease_id\"", told->lease_id, sizeof(told->lease_id));
	told->is_result =
	        signal->name.size == 11 && memcmp(signal->name.data, "step_result", 11) == 0;
	told->at_ms = world->now_ms;
	told->next = record->told;
	record->told = told;
	world_say(world, job_id, "signal %.*s %.*s", (int)signal->name.size, signal->name.data,
	        (int)signal->argument.size, signal->argument.data);
}

static const struct machine_record *find_machine(const struct world *world, const char *job_id)
{
	const struct machine_record *machine = world->machines;
	while (machine != NULL && (strcmp(machine->job_id, job_id) != 0 || machine->is_replay)) {
		machine = machine->next;
	}
	return machine;
}

bool engine_has_run(struct world *world, const char *job_id)
{
	return world->temporal != NULL ? temporal_is_running(world, job_id)
	                               : find_machine(world, job_id) != NULL;
}

bool engine_knows_answer(struct world *world, const struct process *process,
        const struct reply_note *note, uint64_t since_ms)
{
	const struct machine_record *machine = find_machine(world, note->job_id);
	bool is_elsewhere = machine != NULL &&
	        (machine->opened_ms >= since_ms || machine->engine->process != process);
	if (!engine_has_run(world, note->job_id) || is_elsewhere) {
		return true;
	}
	const struct told *told = engine_run_record(world, note->job_id)->told;
	for (; told != NULL; told = told->next) {
		if (told->is_result == note->is_result &&
		        strcmp(told->lease_id, note->lease_id) == 0) {
			return true;
		}
	}
	return false;
}

bool engine_is_untold(
        struct world *world, const struct process *process, const struct shadow *shadow)
{
	const struct machine_record *machine = find_machine(world, shadow->job_id);
	if (!engine_has_run(world, shadow->job_id) || shadow->is_disturbed ||
	        (machine != NULL &&
	                (machine->opened_ms >= shadow->closed_ms ||
	                        machine->engine->process != process))) {
		return false;
	}
	/* An outcome's slot is freed before the activity is answered, which tells the workflow. */
	if (machine != NULL ? machine->activity != 0 : temporal_is_busy(world, shadow->job_id)) {
		return false;
	}
	const struct told *told = engine_run_record(world, shadow->job_id)->told;
	for (; told != NULL; told = told->next) {
		if (told->is_result && told->at_ms >= shadow->closed_ms) {
			return false;
		}
	}
	return true;
}

/* One armed wake-up, or a pause; what a stopped process holds will be taken up by another. */
static void check_machine(struct world *world, const struct machine_record *machine)
{
	const struct process *process = machine->engine->process;
	int n = machine->n_timers + (machine->activity != 0 ? 1 : 0);
	bool may_sleep = step_logic_is_waiting_by_rule(machine->real);
	if (machine->is_replay || process->is_zombie || machine->end != 0) {
		return;
	}
	if (process->has_lost_name) {
		world_violate(world, machine->job_id,
		        "luciusd %u runs a workflow and has lost the engine's name",
		        process->index);
	}
	if (n != (may_sleep ? 0 : 1)) {
		world_violate(world, machine->job_id, "a run has %d wake-ups armed, %d is right", n,
		        may_sleep ? 0 : 1);
	}
}

void engine_check(struct world *world)
{
	if (world->temporal != NULL) {
		temporal_check(world);
	}
	for (const struct machine_record *at = world->machines; at != NULL; at = at->next) {
		check_machine(world, at);
	}
}

static uint32_t end_of_state(enum job_state state)
{
	switch (state) {
	case JOB_SUCCEEDED:
		return LUCIUS_ACTION_COMPLETE;
	case JOB_CANCELLED:
		return LUCIUS_ACTION_CANCEL;
	case JOB_FAILED_FINAL:
	case JOB_QUEUED:
	case JOB_IN_PROGRESS:
	case JOB_PAUSED:
	case JOB_CANCELLING:
		break;
	}
	return LUCIUS_ACTION_FAIL;
}

void engine_check_rest(struct world *world)
{
	if (world->temporal != NULL) {
		temporal_check_rest(world);
	}
	if (world->machines != NULL && world->temporal == NULL) {
		world_violate(world, world->machines->job_id, "at rest a run is still there");
	}
	for (const struct run_record *run = world->runs; run != NULL; run = run->next) {
		const struct shadow *shadow = watch_find(world, run->job_id);
		if (run->end != 0 && shadow != NULL && !shadow->is_gone && !shadow->is_disturbed &&
		        run->end != end_of_state(shadow->job->state)) {
			world_violate(world, run->job_id,
			        "the workflow ended with action %u and the job is %s", run->end,
			        job_state_text(shadow->job->state));
		}
	}
}

void engine_finish(struct world *world)
{
	while (world->runs != NULL) {
		struct run_record *record = world->runs;
		world->runs = record->next;
		while (record->told != NULL) {
			struct told *told = record->told;
			record->told = told->next;
			free(told);
		}
		free(record);
	}
}
