/* SPDX-License-Identifier: MIT */
/* Timers, and activities with their repeats: try_now → on_item → on_done → (on_due → try_now). */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

static const struct lucius_text nothing = { "", 0 };

static void destroy(struct task *task)
{
	free(task->name);
	free(task->payload);
	free(task->result);
	free(task);
}

static void unlink_task(struct task *task)
{
	struct task **at = &task->run->tasks;
	while (*at != task) {
		at = &(*at)->next;
	}
	*at = task->next;
}

/* The task is over: tells the machine. */
static void end(struct task *task, uint32_t type, const char *payload)
{
	struct run *run = task->run;
	char *copy = must_copy(payload, strlen(payload));
	uint64_t number = task->number;
	unlink_task(task);
	destroy(task);
	run_feed(run, type, number, nothing, (struct lucius_text){ copy, strlen(copy) });
	free(copy);
}

static void try_now(struct task *task);

static void on_due(void *user)
{
	struct task *task = user;
	task->timer = NULL;
	if (task->is_activity) {
		try_now(task);
	} else {
		end(task, LUCIUS_EVENT_TIMER_FIRED, "");
	}
}

static void on_item(void *user, const void *item)
{
	struct task *task = user;
	const struct lucius_text *text = item;
	free(task->result);
	task->result = must_copy(text->data, text->size);
}

static void try_again(struct task *task, const char *sentence)
{
	const struct lucius_host *host = task->engine->host;
	uint64_t due_ms = host->now_ms(host) + task->retry_ms;
	if (task->give_up_at_ms != 0 && due_ms >= task->give_up_at_ms) {
		end(task, LUCIUS_EVENT_ACTIVITY_FAILED, sentence);
		return;
	}
	task->timer = host->timer_start(host, task->retry_ms, on_due, task);
	task->retry_ms =
	        task->retry_ms * 2 < task->retry_max_ms ? task->retry_ms * 2 : task->retry_max_ms;
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct task *task = user;
	struct engine *engine = task->engine;
	task->op.id = 0;
	engine->n_trying--;
	if (task->run == NULL) {
		destroy(task);
	} else if (status == LUCIUS_OK) {
		end(task, LUCIUS_EVENT_ACTIVITY_DONE, task->result != NULL ? task->result : "null");
	} else if (status == LUCIUS_UNAVAILABLE || status == LUCIUS_UNKNOWN) {
		try_again(task, sentence != NULL ? sentence : "no answer");
	} else {
		end(task, LUCIUS_EVENT_ACTIVITY_FAILED, sentence != NULL ? sentence : "failed");
	}
	engine_check_stop(engine);
}

static void try_now(struct task *task)
{
	struct engine *engine = task->engine;
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = task->start_to_close_ms,
		.on_item = on_item,
		.on_done = on_done,
		.user = task,
	};
	engine->n_trying++;
	task->op = engine->host->open(engine->host, &question);
	engine->definition->run(engine->definition,
	        (struct lucius_text){ task->name, strlen(task->name) },
	        (struct lucius_text){ task->payload, strlen(task->payload) }, task->op);
}

void task_add(struct run *run, const struct lucius_action *action)
{
	const struct lucius_host *host = run->engine->host;
	struct task *task = must_calloc(1, sizeof(*task));
	struct task **last = &run->tasks;
	task->engine = run->engine;
	task->run = run;
	task->number = action->number;
	task->is_activity = action->type == LUCIUS_ACTION_RUN_ACTIVITY;
	task->name = must_copy(action->name.data, action->name.size);
	task->payload = must_copy(action->payload.data, action->payload.size);
	task->after_ms = action->after_ms;
	task->start_to_close_ms = action->start_to_close_ms;
	task->retry_ms = action->retry_initial_ms != 0 ? action->retry_initial_ms : 1000;
	task->retry_max_ms =
	        action->retry_max_ms > task->retry_ms ? action->retry_max_ms : task->retry_ms;
	task->give_up_at_ms =
	        action->give_up_after_ms != 0 ? host->now_ms(host) + action->give_up_after_ms : 0;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = task;
}

void tasks_begin(struct run *run)
{
	const struct lucius_host *host = run->engine->host;
	for (struct task *task = run->tasks; task != NULL; task = task->next) {
		if (task->is_begun) {
			continue;
		}
		task->is_begun = true;
		if (task->is_activity) {
			try_now(task);
		} else {
			task->timer = host->timer_start(host, task->after_ms, on_due, task);
		}
	}
}

static void stop_timer(struct task *task)
{
	if (task->timer != NULL) {
		task->engine->host->timer_stop(task->engine->host, task->timer);
		task->timer = NULL;
	}
}

void task_cancel_timer(struct run *run, uint64_t number)
{
	for (struct task *task = run->tasks; task != NULL; task = task->next) {
		if (task->number == number && !task->is_activity) {
			stop_timer(task);
			unlink_task(task);
			destroy(task);
			return;
		}
	}
}

void tasks_abandon(struct run *run)
{
	while (run->tasks != NULL) {
		struct task *task = run->tasks;
		run->tasks = task->next;
		stop_timer(task);
		task->run = NULL;
		if (task->op.id != 0) {
			task->engine->host->cancel(task->engine->host, task->op);
		} else {
			destroy(task);
		}
	}
}
