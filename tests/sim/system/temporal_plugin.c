/* SPDX-License-Identifier: MIT */
/*
 * The workflow plugin of the processes where the engine is Temporal: a client whose calls take time
 * and may fail, and a worker. For each task the worker replays the whole history into a new machine
 * and holds what it wants against what was accepted before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/copy.h"
#include "core/step_logic.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/system/temporal.h"

/* Client */

struct engine_request {
	struct engine_request *next, **link;
	struct engine *engine;
	struct process *process;
	struct lucius_op op;
	uint32_t operation;
	struct arena arena;
	const void *argument;
	char id[33];
	bool is_refused, is_answer_lost;
	uint32_t status;
	uint32_t state;
};

static void destroy(void *user)
{
	struct engine_request *request = user;
	arena_finish(&request->arena);
	free(request);
}

static void unlink_request(struct engine_request *request)
{
	if (request->link != NULL) {
		*request->link = request->next;
		if (request->next != NULL) {
			request->next->link = request->link;
		}
		request->link = NULL;
	}
}

static void finish(struct engine_request *request)
{
	const struct lucius_host *host = request->engine->host;
	unlink_request(request);
	if (request->operation == LUCIUS_OP_WORKFLOW_DESCRIBE && request->status == LUCIUS_OK) {
		const struct lucius_run_state state = { .size = sizeof(state),
			.state = request->state };
		host->give(host, request->op, &state);
	}
	host->finish(host, request->op, request->status, NULL);
}

static void answer(struct world *world, void *user)
{
	struct engine_request *request = user;
	struct process *process = request->process;
	if (request->link != NULL && process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, answer, request, destroy);
		return;
	}
	if (request->link != NULL) {
		process_enter(process);
		if (request->link != NULL) {
			finish(request);
		}
		process_run(process);
	}
	destroy(request);
}

static void execute(struct world *world, struct engine_request *request)
{
	switch (request->operation) {
	case LUCIUS_OP_WORKFLOW_START:
		request->status = temporal_start(world, request->argument);
		break;
	case LUCIUS_OP_WORKFLOW_SIGNAL:
		request->status = temporal_signal(world, request->argument);
		break;
	case LUCIUS_OP_WORKFLOW_CANCEL:
		request->status = temporal_cancel(world, request->id);
		break;
	default:
		request->state = temporal_describe(world, request->id);
		request->status = request->state != 0 ? LUCIUS_OK : LUCIUS_NOT_FOUND;
		break;
	}
}

static void arrive(struct world *world, void *user)
{
	struct engine_request *request = user;
	if (request->is_refused) {
		request->status = LUCIUS_UNAVAILABLE;
	} else {
		execute(world, request);
	}
	if (request->is_answer_lost) {
		request->status = LUCIUS_UNKNOWN;
	}
	world_at_with(world, temporal_latency(world), answer, request, destroy);
}

static struct engine_request *make(
        struct engine *engine, uint32_t operation, struct lucius_text id, struct lucius_op op)
{
	struct world *world = engine->process->world;
	struct engine_request *request = must_calloc(1, sizeof(*request));
	request->engine = engine;
	request->process = engine->process;
	request->op = op;
	request->operation = operation;
	memcpy(request->id, id.data, id.size < 32 ? id.size : 32);
	request->is_refused = world_fails(world, world->climate.engine_refuses);
	request->is_answer_lost =
	        !request->is_refused && world_fails(world, world->climate.engine_loses_answer);
	return request;
}

static void send(struct engine_request *request)
{
	struct process *process = request->process;
	if (process->is_zombie) {
		lucius_fail(request->engine->host, request->op, LUCIUS_UNAVAILABLE, "gone");
		destroy(request);
		return;
	}
	request->link = &process->engine_requests;
	request->next = process->engine_requests;
	if (request->next != NULL) {
		request->next->link = &request->next;
	}
	process->engine_requests = request;
	world_at_with(process->world, temporal_latency(process->world), arrive, request, destroy);
}

static void start(void *self, const struct lucius_run *run, struct lucius_op op)
{
	struct engine_request *request = make(self, LUCIUS_OP_WORKFLOW_START, run->workflow_id, op);
	request->argument = copy_run(&request->arena, run);
	send(request);
}

static void signal(void *self, const struct lucius_signal *signal, struct lucius_op op)
{
	struct engine_request *request =
	        make(self, LUCIUS_OP_WORKFLOW_SIGNAL, signal->workflow_id, op);
	request->argument = copy_signal(&request->arena, signal);
	send(request);
}

static void cancel(void *self, struct lucius_text workflow_id, struct lucius_text request_id,
        struct lucius_op op)
{
	(void)request_id;
	send(make(self, LUCIUS_OP_WORKFLOW_CANCEL, workflow_id, op));
}

static void describe(void *self, struct lucius_text workflow_id, struct lucius_op op)
{
	send(make(self, LUCIUS_OP_WORKFLOW_DESCRIBE, workflow_id, op));
}

static void info(void *self, struct lucius_workflow_info *info)
{
	(void)self;
	info->traits = 0;
}

/* Worker: workflow tasks */

struct task {
	struct process *process;
	unsigned life;
	struct temporal_run *run;
	uint64_t token;
	unsigned n_events;
	struct task_action *actions, **last_action;
	char *text; /* owned; what the machine wanted, as lines */
	size_t text_size;
	bool may_sleep;
};

static void drop_task(void *user)
{
	struct task *task = user;
	while (task->actions != NULL) {
		struct task_action *at = task->actions;
		task->actions = at->next;
		free((void *)(uintptr_t)at->action.name.data);
		free((void *)(uintptr_t)at->action.payload.data);
		free(at);
	}
	free(task->text);
	free(task);
}

static void write_action(struct task *task, const struct lucius_action *action)
{
	char *line CLEANUP_FREE = must_print("%u %" PRIu64 " %" PRIu64 " %.*s %.*s\n", action->type,
	        action->number, action->after_ms, (int)action->name.size,
	        action->name.size != 0 ? action->name.data : "", (int)action->payload.size,
	        action->payload.size != 0 ? action->payload.data : "");
	size_t size = strlen(line);
	task->text = must_resize(task->text, task->text_size + size + 1, 1);
	memcpy(task->text + task->text_size, line, size + 1);
	task->text_size += size;
}

/* What was accepted before only has to be the same; the rest is new. */
static void on_action(void *user, const struct lucius_action *action)
{
	struct task *task = user;
	bool is_old = task->text_size < task->run->actions_size;
	write_action(task, action);
	if (is_old) {
		return;
	}
	struct task_action *kept = must_calloc(1, sizeof(*kept));
	kept->action = *action;
	kept->action.name.data = must_copy(action->name.data, action->name.size);
	kept->action.payload.data = must_copy(action->payload.data, action->payload.size);
	*task->last_action = kept;
	task->last_action = &kept->next;
}

static void replay(struct task *task, const struct lucius_definition *definition)
{
	char error[256];
	struct temporal_run *run = task->run;
	const struct lucius_run start = { .size = sizeof(start),
		.workflow_id = { run->id, 32 },
		.input = { run->input, strlen(run->input) } };
	struct lucius_machine *machine = definition->open(definition, &start, error, sizeof(error));
	const struct history_event *at = run->history.first;
	for (unsigned i = 0; i < task->n_events && machine != NULL; i++, at = at->next) {
		const struct lucius_event event = { .size = sizeof(event),
			.type = at->type,
			.number = at->number,
			.time_ms = at->time_ms,
			.name = { at->name, strlen(at->name) },
			.payload = { at->payload, strlen(at->payload) } };
		definition->feed(machine, &event, on_action, task);
	}
	if (machine != NULL) {
		struct machine_record *record = (struct machine_record *)machine;
		task->may_sleep = step_logic_is_waiting_by_rule(record->real);
		definition->close(machine);
	}
}

static void on_completed(struct world *world, void *user)
{
	struct task *task = user;
	size_t known = task->run->actions_size;
	bool is_same =
	        task->text_size >= known && memcmp(task->text, task->run->actions, known) == 0;
	bool is_current = task->run->task == TASK_OUT && task->run->task_token == task->token;
	if (is_current && !is_same) {
		world_violate(world, task->run->id, "a replay wanted other things than before");
	} else {
		temporal_complete_task(world, task->run, task->token, task->n_events, task->actions,
		        task->text + known, task->may_sleep);
	}
	drop_task(task);
}

static struct engine *working_engine(const struct process *process)
{
	struct engine *engine = process->engine;
	return engine != NULL && engine->work.id != 0 ? engine : NULL;
}

static void on_task(struct world *world, void *user)
{
	struct task *task = user;
	struct process *process = task->process;
	struct temporal_run *run = task->run;
	bool is_current = run->task == TASK_OUT && run->task_token == task->token;
	if (!process_is_here(process, task->life) || !is_current) {
		drop_task(task);
		return;
	}
	if (process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, on_task, task, drop_task);
		return;
	}
	process_enter(process);
	struct engine *engine = working_engine(process);
	if (engine != NULL) {
		task->text = must_copy("", 0);
		task->last_action = &task->actions;
		replay(task, &engine->watched);
		world_at_with(world, temporal_latency(world), on_completed, task, drop_task);
	} else {
		drop_task(task);
	}
	process_run(process);
}

static struct process *choose_worker(struct world *world)
{
	struct process *chosen = NULL;
	uint64_t n = 0;
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct process *process = &world->processes[i];
		bool works = process->is_up && !process->is_zombie && working_engine(process);
		if (works && world_within(world, n++) == 0) {
			chosen = process;
		}
	}
	return chosen;
}

bool worker_give_task(struct world *world, struct temporal_run *run)
{
	struct process *process = choose_worker(world);
	if (process == NULL) {
		return false;
	}
	struct task *task = must_calloc(1, sizeof(*task));
	task->process = process;
	task->life = process->life;
	task->run = run;
	task->token = run->task_token;
	task->n_events = run->history.n_events;
	world_at_with(world, temporal_latency(world), on_task, task, drop_task);
	return true;
}

/* Worker: activities */

struct activity_task {
	struct process *process;
	unsigned life;
	struct engine *engine;
	struct temporal_run *run;
	uint64_t token;
	char *name, *payload; /* owned */
	uint64_t start_to_close_ms;
	char *result; /* owned; NULL: it has failed */
	char *sentence; /* owned */
	bool is_final;
};

static void drop_activity(void *user)
{
	struct activity_task *task = user;
	free(task->name);
	free(task->payload);
	free(task->result);
	free(task->sentence);
	free(task);
}

static void on_reported(struct world *world, void *user)
{
	struct activity_task *task = user;
	temporal_complete_activity(
	        world, task->run, task->token, task->result, task->is_final, task->sentence);
	drop_activity(task);
}

static void finish_stop(struct engine *engine)
{
	if (engine->stop.id != 0 && engine->n_tasks == 0) {
		struct lucius_op stop = engine->stop;
		engine->stop.id = 0;
		lucius_finish(engine->host, stop);
	}
}

static void on_item(void *user, const void *item)
{
	struct activity_task *task = user;
	const struct lucius_text *text = item;
	free(task->result);
	task->result = must_copy(text->data, text->size);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct activity_task *task = user;
	struct engine *engine = task->engine;
	struct world *world = task->process->world;
	engine->n_tasks--;
	if (status != LUCIUS_OK) {
		free(steal(task->result));
	} else if (task->result == NULL) {
		task->result = must_copy("", 0);
	}
	task->is_final = status != LUCIUS_UNAVAILABLE && status != LUCIUS_UNKNOWN;
	task->sentence = must_print("%s", sentence != NULL ? sentence : "no reason");
	bool is_lost =
	        task->process->is_zombie || world_fails(world, world->climate.engine_loses_answer);
	if (is_lost) {
		drop_activity(task);
	} else {
		world_at_with(world, temporal_latency(world), on_reported, task, drop_activity);
	}
	finish_stop(engine);
}

static void begin_activity(struct engine *engine, struct activity_task *task)
{
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = task->start_to_close_ms,
		.on_item = on_item,
		.on_done = on_done,
		.user = task,
	};
	task->engine = engine;
	engine->n_tasks++;
	struct lucius_op op = engine->host->open(engine->host, &question);
	engine->watched.run(&engine->watched,
	        (struct lucius_text){ task->name, strlen(task->name) },
	        (struct lucius_text){ task->payload, strlen(task->payload) }, op);
}

static void on_activity(struct world *world, void *user)
{
	struct activity_task *task = user;
	struct process *process = task->process;
	if (!process_is_here(process, task->life)) {
		drop_activity(task);
		return;
	}
	if (process->stalled_until_ms > world->now_ms) {
		world_at_with(world, process->stalled_until_ms - world->now_ms, on_activity, task,
		        drop_activity);
		return;
	}
	process_enter(process);
	struct engine *engine = working_engine(process);
	if (engine != NULL) {
		begin_activity(engine, task);
	} else {
		drop_activity(task);
	}
	process_run(process);
}

bool worker_give_activity(
        struct world *world, struct temporal_run *run, const struct pending_activity *activity)
{
	struct process *process = choose_worker(world);
	if (process == NULL) {
		return false;
	}
	struct activity_task *task = must_calloc(1, sizeof(*task));
	task->process = process;
	task->life = process->life;
	task->run = run;
	task->token = activity->token;
	task->name = must_copy(activity->name, strlen(activity->name));
	task->payload = must_copy(activity->payload, strlen(activity->payload));
	task->start_to_close_ms = activity->start_to_close_ms;
	world_at_with(world, temporal_latency(world), on_activity, task, drop_activity);
	return true;
}

/* Life */

static void finish_work(void *user)
{
	struct engine *engine = user;
	struct lucius_op work = engine->work;
	engine->work.id = 0;
	if (work.id != 0) {
		lucius_finish(engine->host, work);
	}
}

static void work(void *self, const struct lucius_definition *definition, struct lucius_op op)
{
	struct engine *engine = self;
	engine_watch(engine, definition);
	engine->work = op;
	engine->host->on_cancel(engine->host, op, finish_work, engine);
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct engine *engine = self;
	(void)error;
	(void)error_size;
	engine->host = host;
	engine->process = (struct process *)(uintptr_t)host->options;
	engine->process->engine = engine;
	return LUCIUS_OK;
}

void engine_drop_process(struct process *process)
{
	while (process->engine_requests != NULL) {
		struct engine_request *request = process->engine_requests;
		unlink_request(request);
		lucius_fail(request->engine->host, request->op, LUCIUS_UNAVAILABLE, "gone");
	}
}

void engine_bury_process(struct process *process)
{
	struct machine_record *at = process->world->machines;
	while (process->engine_requests != NULL) {
		unlink_request(process->engine_requests);
	}
	for (struct machine_record *next; at != NULL; at = next) {
		next = at->next;
		if (at->engine->process == process) {
			*at->link = next;
			if (next != NULL) {
				next->link = at->link;
			}
		}
	}
	process->engine = NULL;
}

static void stop(void *self, struct lucius_op op)
{
	struct engine *engine = self;
	engine_drop_process(engine->process);
	finish_work(engine);
	engine->stop = op;
	finish_stop(engine);
}

static void destroy_engine(void *self)
{
	struct engine *engine = self;
	engine->process->engine = NULL;
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct engine),
	.create = create,
	.stop = stop,
	.destroy = destroy_engine,
};

static const struct lucius_workflow table = {
	.size = sizeof(table),
	.info = info,
	.start = start,
	.signal = signal,
	.cancel = cancel,
	.describe = describe,
	.work = work,
};

const struct lucius_plugin sim_temporal_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_WORKFLOW, "sim"),
	.version = LUCIUS_VERSION,
	.summary = "A Temporal service in the simulated world.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.workflow = &table,
};
