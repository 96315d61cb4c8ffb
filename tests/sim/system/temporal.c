/* SPDX-License-Identifier: MIT */
/* The service: what is in a run's history, which task is due, what is being waited for. */
#include "tests/sim/system/temporal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { TASK_TIMEOUT_MS = 10000, DISPATCH_AGAIN_MS = 500 };

static void schedule_task(struct world *world, struct temporal_run *run);

struct temporal_run *temporal_find(struct world *world, const char *id)
{
	struct temporal_run *run = world->temporal->runs;
	while (run != NULL && (strcmp(run->id, id) != 0 || run->is_deleted)) {
		run = run->next;
	}
	return run;
}

uint64_t temporal_latency(struct world *world)
{
	return world->request.is_paired ? 0 : world_latency(world, 10);
}

static char *copy_text(struct lucius_text text)
{
	return must_copy(text.data, text.size);
}

static void append(struct history *history, struct history_event *event)
{
	if (history->last == NULL) {
		history->last = &history->first;
	}
	*history->last = event;
	history->last = &event->next;
	history->n_events++;
}

static void add_event(struct world *world, struct temporal_run *run, uint32_t type, uint64_t number,
        const char *name, const char *payload)
{
	struct history_event *event = must_calloc(1, sizeof(*event));
	event->type = type;
	event->number = number;
	event->time_ms = (uint64_t)(EPOCH_US / 1000) + world->now_ms;
	event->name = must_copy(name, strlen(name));
	event->payload = must_copy(payload, strlen(payload));
	append(run->task == TASK_OUT ? &run->buffer : &run->history, event);
	schedule_task(world, run);
}

static void flush_buffer(struct temporal_run *run)
{
	for (struct history_event *at = run->buffer.first, *next; at != NULL; at = next) {
		next = at->next;
		at->next = NULL;
		append(&run->history, at);
	}
	run->buffer = (struct history){ 0 };
}

/* Tasks. A handle to a run is its pointer: runs live as long as the world. */

struct task_timeout {
	struct temporal_run *run;
	uint64_t token;
};

static void on_task_timeout(struct world *world, void *user)
{
	struct task_timeout timeout = *(struct task_timeout *)user;
	free(user);
	if (timeout.run->task != TASK_OUT || timeout.run->task_token != timeout.token) {
		return;
	}
	world_say(world, timeout.run->id, "Temporal: the workflow task was not answered");
	timeout.run->task = TASK_NONE;
	flush_buffer(timeout.run);
	schedule_task(world, timeout.run);
}

static void on_dispatch(struct world *world, void *user)
{
	struct temporal_run *run = user;
	if (run->task != TASK_DUE || run->state != LUCIUS_RUN_RUNNING) {
		return;
	}
	run->task = TASK_OUT;
	run->task_token = ++world->temporal->n_tokens;
	if (!worker_give_task(world, run)) {
		run->task = TASK_DUE;
		world_at_with(world, DISPATCH_AGAIN_MS, on_dispatch, run, NULL);
		return;
	}
	struct task_timeout *timeout = must_calloc(1, sizeof(*timeout));
	*timeout = (struct task_timeout){ run, run->task_token };
	world_at(world, TASK_TIMEOUT_MS, on_task_timeout, timeout);
}

static void schedule_task(struct world *world, struct temporal_run *run)
{
	if (run->task != TASK_NONE || run->state != LUCIUS_RUN_RUNNING) {
		return;
	}
	run->task = TASK_DUE;
	world_at_with(world, temporal_latency(world), on_dispatch, run, NULL);
}

/* Activities */

struct try_plan {
	struct temporal_run *run;
	uint64_t token;
};

static struct pending_activity **find_activity(struct temporal_run *run, uint64_t token)
{
	struct pending_activity **at = &run->activities;
	while (*at != NULL && (*at)->token != token) {
		at = &(*at)->next;
	}
	return at;
}

static void free_activity(struct pending_activity *activity)
{
	free(activity->name);
	free(activity->payload);
	free(activity);
}

static void end_activity(struct world *world, struct temporal_run *run, uint64_t token,
        uint32_t type, const char *payload)
{
	struct pending_activity **at = find_activity(run, token);
	struct pending_activity *activity = *at;
	uint64_t number = activity->number;
	*at = activity->next;
	free_activity(activity);
	add_event(world, run, type, number, "", payload);
}

static void on_try(struct world *world, void *user);

static void plan_try(struct world *world, struct temporal_run *run,
        struct pending_activity *activity, uint64_t after_ms)
{
	struct try_plan *plan = must_calloc(1, sizeof(*plan));
	activity->token = ++world->temporal->n_tokens;
	*plan = (struct try_plan){ run, activity->token };
	world_at(world, after_ms, on_try, plan);
}

static void try_again(
        struct world *world, struct temporal_run *run, uint64_t token, const char *sentence)
{
	struct pending_activity *activity = *find_activity(run, token);
	if (world->now_ms + activity->wait_ms >= activity->give_up_at_ms) {
		end_activity(world, run, token, LUCIUS_EVENT_ACTIVITY_FAILED, sentence);
		return;
	}
	plan_try(world, run, activity, activity->wait_ms);
	activity->wait_ms = activity->wait_ms * 2 < activity->wait_max_ms ? activity->wait_ms * 2
	                                                                  : activity->wait_max_ms;
}

static void on_try_timeout(struct world *world, void *user)
{
	struct try_plan plan = *(struct try_plan *)user;
	free(user);
	if (plan.run->state == LUCIUS_RUN_RUNNING && *find_activity(plan.run, plan.token) != NULL) {
		try_again(world, plan.run, plan.token, "it took too long");
	}
}

static void on_try(struct world *world, void *user)
{
	struct try_plan *plan = user;
	struct pending_activity *activity = *find_activity(plan->run, plan->token);
	if (activity == NULL || plan->run->state != LUCIUS_RUN_RUNNING) {
		free(plan);
		return;
	}
	if (!worker_give_activity(world, plan->run, activity)) {
		if (world->now_ms >= activity->give_up_at_ms) {
			end_activity(world, plan->run, plan->token, LUCIUS_EVENT_ACTIVITY_FAILED,
			        "nobody works");
			free(plan);
			return;
		}
		world_at(world, DISPATCH_AGAIN_MS, on_try, plan);
		return;
	}
	if (world_fails(world, world->climate.task_repeated)) {
		(void)worker_give_activity(world, plan->run, activity);
	}
	uint64_t left_ms = activity->give_up_at_ms - world->now_ms;
	world_at(world,
	        activity->start_to_close_ms < left_ms ? activity->start_to_close_ms : left_ms,
	        on_try_timeout, plan);
}

void temporal_complete_activity(struct world *world, struct temporal_run *run, uint64_t token,
        const char *result, bool is_final, const char *sentence)
{
	if (run->state != LUCIUS_RUN_RUNNING || *find_activity(run, token) == NULL) {
		return; /* late: another try is under way, or the run has ended */
	}
	if (result != NULL) {
		end_activity(world, run, token, LUCIUS_EVENT_ACTIVITY_DONE, result);
	} else if (is_final) {
		end_activity(world, run, token, LUCIUS_EVENT_ACTIVITY_FAILED, sentence);
	} else {
		try_again(world, run, token, sentence);
	}
}

static void run_activity(
        struct world *world, struct temporal_run *run, const struct lucius_action *action)
{
	struct pending_activity *activity = must_calloc(1, sizeof(*activity));
	activity->number = action->number;
	activity->name = copy_text(action->name);
	activity->payload = copy_text(action->payload);
	activity->start_to_close_ms = action->start_to_close_ms;
	activity->wait_ms = action->retry_initial_ms;
	activity->wait_max_ms = action->retry_max_ms;
	activity->give_up_at_ms =
	        action->give_up_after_ms != 0 ? world->now_ms + action->give_up_after_ms : NEVER_MS;
	activity->next = run->activities;
	run->activities = activity;
	plan_try(world, run, activity, temporal_latency(world));
}

/* Timers */

struct timer_plan {
	struct temporal_run *run;
	uint64_t number;
};

static bool take_timer(struct temporal_run *run, uint64_t number)
{
	for (struct pending_timer **at = &run->timers; *at != NULL; at = &(*at)->next) {
		if ((*at)->number == number) {
			struct pending_timer *timer = *at;
			*at = timer->next;
			free(timer);
			return true;
		}
	}
	return false;
}

static void on_timer(struct world *world, void *user)
{
	struct timer_plan plan = *(struct timer_plan *)user;
	free(user);
	if (plan.run->state == LUCIUS_RUN_RUNNING && take_timer(plan.run, plan.number)) {
		add_event(world, plan.run, LUCIUS_EVENT_TIMER_FIRED, plan.number, "", "");
	}
}

static void start_timer(
        struct world *world, struct temporal_run *run, const struct lucius_action *action)
{
	struct pending_timer *timer = must_calloc(1, sizeof(*timer));
	struct timer_plan *plan = must_calloc(1, sizeof(*plan));
	timer->number = action->number;
	timer->next = run->timers;
	run->timers = timer;
	*plan = (struct timer_plan){ run, action->number };
	world_at(world, action->after_ms, on_timer, plan);
}

/* Ends */

static void close_run(struct temporal_run *run, uint32_t state)
{
	run->state = state;
	run->task = TASK_NONE;
	while (run->activities != NULL) {
		struct pending_activity *activity = run->activities;
		run->activities = activity->next;
		free_activity(activity);
	}
	while (run->timers != NULL) {
		(void)take_timer(run, run->timers->number);
	}
}

void temporal_end(struct world *world, struct temporal_run *run, uint32_t state)
{
	struct shadow *shadow = watch_find(world, run->id);
	if (run->state != LUCIUS_RUN_RUNNING) {
		return;
	}
	world_say(world, run->id, "Temporal: the run %s",
	        state == LUCIUS_RUN_TIMED_OUT ? "has timed out" : "was terminated");
	if (shadow != NULL) {
		shadow->is_disturbed = true;
	}
	close_run(run, state);
}

static void on_execution_timeout(struct world *world, void *user)
{
	temporal_end(world, user, LUCIUS_RUN_TIMED_OUT);
}

static void carry_out(
        struct world *world, struct temporal_run *run, const struct lucius_action *action)
{
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		run_activity(world, run, action);
		break;
	case LUCIUS_ACTION_START_TIMER:
		start_timer(world, run, action);
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		(void)take_timer(run, action->number);
		break;
	case LUCIUS_ACTION_COMPLETE:
		close_run(run, LUCIUS_RUN_COMPLETED);
		engine_ended(world, run->id, action->type);
		break;
	case LUCIUS_ACTION_FAIL:
		close_run(run, LUCIUS_RUN_FAILED);
		engine_ended(world, run->id, action->type);
		break;
	default:
		close_run(run, LUCIUS_RUN_CANCELLED);
		engine_ended(world, run->id, action->type);
		break;
	}
}

static bool has_end(const struct task_action *actions)
{
	for (; actions != NULL; actions = actions->next) {
		if (actions->action.type >= LUCIUS_ACTION_COMPLETE) {
			return true;
		}
	}
	return false;
}

void temporal_complete_task(struct world *world, struct temporal_run *run, uint64_t token,
        unsigned n_events, const struct task_action *actions, const char *text, bool may_sleep)
{
	if (run->state != LUCIUS_RUN_RUNNING || run->task != TASK_OUT || run->task_token != token) {
		return;
	}
	run->task = TASK_NONE;
	bool has_more = run->buffer.n_events != 0;
	flush_buffer(run);
	if (has_more && has_end(actions)) {
		/* It may not end while it has not seen everything. */
		schedule_task(world, run);
		return;
	}
	size_t size = strlen(text);
	run->actions = must_resize(run->actions, run->actions_size + size + 1, 1);
	memcpy(run->actions + run->actions_size, text, size + 1);
	run->actions_size += size;
	run->n_seen = n_events;
	run->may_sleep = may_sleep;
	for (; actions != NULL; actions = actions->next) {
		carry_out(world, run, &actions->action);
	}
	if (has_more) {
		schedule_task(world, run);
	}
}

/* What clients ask */

uint32_t temporal_start(struct world *world, const struct lucius_run *start)
{
	char id[33] = "";
	memcpy(id, start->workflow_id.data, 32);
	if (temporal_find(world, id) != NULL) {
		return LUCIUS_DUPLICATE;
	}
	struct temporal_run *run = must_calloc(1, sizeof(*run));
	memcpy(run->id, id, sizeof(id));
	(void)snprintf(run->seed, sizeof(run->seed), "run-%" PRIu64, ++world->temporal->n_tokens);
	run->input = copy_text(start->input);
	run->actions = must_copy("", 0);
	run->state = LUCIUS_RUN_RUNNING;
	run->started_at_ms = world->now_ms;
	run->next = world->temporal->runs;
	world->temporal->runs = run;
	world_say(world, id, "Temporal: started");
	if (start->execution_timeout_ms != 0) {
		world_at_with(world, start->execution_timeout_ms, on_execution_timeout, run, NULL);
	}
	add_event(world, run, LUCIUS_EVENT_STARTED, 0, "", run->seed);
	return LUCIUS_OK;
}

static bool is_repeat(struct temporal_run *run, struct lucius_text request_id)
{
	struct request_id *at = run->requests;
	for (; at != NULL; at = at->next) {
		if (strlen(at->id) == request_id.size &&
		        memcmp(at->id, request_id.data, request_id.size) == 0) {
			return true;
		}
	}
	at = must_calloc(1, sizeof(*at));
	memcpy(at->id, request_id.data, request_id.size < 63 ? request_id.size : 63);
	at->next = run->requests;
	run->requests = at;
	return false;
}

uint32_t temporal_signal(struct world *world, const struct lucius_signal *signal)
{
	char id[33] = "";
	memcpy(id, signal->workflow_id.data, 32);
	struct temporal_run *run = temporal_find(world, id);
	if (run == NULL || run->state != LUCIUS_RUN_RUNNING) {
		return LUCIUS_NOT_FOUND;
	}
	if (!is_repeat(run, signal->request_id)) {
		char *name CLEANUP_FREE = copy_text(signal->name);
		char *argument CLEANUP_FREE = copy_text(signal->argument);
		engine_told(world, signal);
		add_event(world, run, LUCIUS_EVENT_SIGNAL, 0, name, argument);
	}
	return LUCIUS_OK;
}

uint32_t temporal_cancel(struct world *world, const char *id)
{
	struct temporal_run *run = temporal_find(world, id);
	if (run == NULL || run->state != LUCIUS_RUN_RUNNING) {
		return LUCIUS_NOT_FOUND;
	}
	if (!run->is_cancel_asked) {
		run->is_cancel_asked = true;
		world_say(world, id, "Temporal: asked to cancel");
		add_event(world, run, LUCIUS_EVENT_CANCEL_ASKED, 0, "", "");
	}
	return LUCIUS_OK;
}

uint32_t temporal_describe(struct world *world, const char *id)
{
	const struct temporal_run *run = temporal_find(world, id);
	return run != NULL ? run->state : 0;
}

/* What the watchers ask */

bool temporal_is_running(struct world *world, const char *job_id)
{
	const struct temporal_run *run = temporal_find(world, job_id);
	return run != NULL && run->state == LUCIUS_RUN_RUNNING;
}

bool temporal_is_busy(struct world *world, const char *job_id)
{
	const struct temporal_run *run = temporal_find(world, job_id);
	return run != NULL && (run->activities != NULL || run->task != TASK_NONE);
}

void temporal_check(struct world *world)
{
	for (struct temporal_run *run = world->temporal->runs; run != NULL; run = run->next) {
		int n = 0;
		if (run->state != LUCIUS_RUN_RUNNING || run->task != TASK_NONE) {
			continue;
		}
		for (struct pending_activity *at = run->activities; at != NULL; at = at->next) {
			n++;
		}
		for (struct pending_timer *at = run->timers; at != NULL; at = at->next) {
			n++;
		}
		if (n != (run->may_sleep ? 0 : 1)) {
			world_violate(world, run->id,
			        "a run has %d wake-ups armed at the service, %d is right", n,
			        run->may_sleep ? 0 : 1);
		}
	}
}

void temporal_check_rest(struct world *world)
{
	for (struct temporal_run *run = world->temporal->runs; run != NULL; run = run->next) {
		if (run->state == LUCIUS_RUN_RUNNING) {
			world_violate(world, run->id, "at rest a run is still there");
		}
	}
}

void temporal_start_service(struct world *world)
{
	world->temporal = must_calloc(1, sizeof(*world->temporal));
}

/* Somebody with a console: terminates or cancels a run, or makes the service forget it. */
static void on_meddle(struct world *world, void *user)
{
	(void)user;
	struct temporal_run *run = world->temporal->runs;
	if (world_is_calm(world) || run == NULL) {
		return;
	}
	switch (world_within(world, 2)) {
	case 0:
		temporal_end(world, run, LUCIUS_RUN_TERMINATED);
		break;
	case 1:
		(void)temporal_cancel(world, run->id);
		break;
	default:
		temporal_end(world, run, LUCIUS_RUN_TERMINATED);
		run->is_deleted = true;
		break;
	}
}

void temporal_plan_ends(struct world *world)
{
	uint64_t n = (world->request.wants_sweeps ? 12 : 1) + world_within(world, 2);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t after_ms = world_within(world, world->climate.faults_end_ms);
		world_at_with(world, after_ms, on_meddle, NULL, NULL);
	}
}

static void free_history(struct history *history)
{
	for (struct history_event *at = history->first, *next; at != NULL; at = next) {
		next = at->next;
		free(at->name);
		free(at->payload);
		free(at);
	}
}

static void free_run(struct temporal_run *run)
{
	close_run(run, LUCIUS_RUN_TERMINATED);
	free_history(&run->history);
	free_history(&run->buffer);
	while (run->requests != NULL) {
		struct request_id *at = run->requests;
		run->requests = at->next;
		free(at);
	}
	free(run->input);
	free(run->actions);
	free(run);
}

void temporal_finish(struct world *world)
{
	while (world->temporal != NULL && world->temporal->runs != NULL) {
		struct temporal_run *run = world->temporal->runs;
		world->temporal->runs = run->next;
		free_run(run);
	}
	free(world->temporal);
}
