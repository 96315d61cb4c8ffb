/* SPDX-License-Identifier: MIT */
/* One run: its machine is fed one event at a time, never from within a feed. */
#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

static void on_deadline(void *user);

struct run *run_create(struct engine *engine, const struct lucius_run *given)
{
	struct run *run = must_calloc(1, sizeof(*run));
	const struct lucius_host *host = engine->host;
	run->engine = engine;
	run->state = LUCIUS_RUN_RUNNING;
	run->id = must_copy(given->workflow_id.data, given->workflow_id.size);
	run->input = must_copy(given->input.data, given->input.size);
	run->snapshot = must_copy(given->snapshot.data, given->snapshot.size);
	run->given = (struct lucius_run){
		.size = sizeof(run->given),
		.is_restored = given->is_restored,
		.workflow_id = text_of(run->id),
		.input = text_of(run->input),
		.snapshot = text_of(run->snapshot),
		.started_at_ms = given->started_at_ms,
	};
	if (given->execution_timeout_ms != 0) {
		int64_t passed_ms = host->clock_us(host) / 1000 - given->started_at_ms;
		int64_t left_ms = (int64_t)given->execution_timeout_ms - passed_ms;
		run->deadline = host->timer_start(
		        host, left_ms > 0 ? (uint64_t)left_ms : 0, on_deadline, run);
	}
	return run;
}

static void drop_waiting(struct run *run)
{
	struct waiting *waiting = run->first;
	run->first = waiting->next;
	free(waiting->name);
	free(waiting->payload);
	free(waiting);
}

/* The machine goes, what it has begun too; the record stays for describe. */
static void end(struct run *run, uint32_t state)
{
	run->state = state;
	tasks_abandon(run);
	while (run->first != NULL) {
		drop_waiting(run);
	}
	if (run->deadline != NULL) {
		run->engine->host->timer_stop(run->engine->host, run->deadline);
		run->deadline = NULL;
	}
	if (run->machine != NULL) {
		run->engine->definition->close(run->machine);
		run->machine = NULL;
	}
}

static void on_deadline(void *user)
{
	struct run *run = user;
	run->deadline = NULL;
	end(run, LUCIUS_RUN_TIMED_OUT);
}

void run_destroy(struct run *run)
{
	end(run, run->state);
	for (size_t i = 0; i < run->n_requests; i++) {
		free(run->requests[i]);
	}
	free(run->requests);
	free(run->id);
	free(run->input);
	free(run->snapshot);
	free(run);
}

static void on_action(void *user, const struct lucius_action *action)
{
	struct run *run = user;
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
	case LUCIUS_ACTION_START_TIMER:
		task_add(run, action);
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		task_cancel_timer(run, action->number);
		break;
	case LUCIUS_ACTION_COMPLETE:
		run->state = LUCIUS_RUN_COMPLETED;
		break;
	case LUCIUS_ACTION_FAIL:
		run->state = LUCIUS_RUN_FAILED;
		break;
	case LUCIUS_ACTION_CANCEL:
		run->state = LUCIUS_RUN_CANCELLED;
		break;
	default:
		break; /* a later minor's: not known here */
	}
}

static void feed_first(struct run *run)
{
	const struct lucius_host *host = run->engine->host;
	const struct lucius_event event = {
		.size = sizeof(event),
		.type = run->first->type,
		.number = run->first->number,
		.time_ms = (uint64_t)(host->clock_us(host) / 1000),
		.name = text_of(run->first->name),
		.payload = text_of(run->first->payload),
	};
	run->engine->definition->feed(run->machine, &event, on_action, run);
	drop_waiting(run);
}

static void pump(struct run *run)
{
	if (run->is_feeding || run->machine == NULL) {
		return;
	}
	run->is_feeding = true;
	while (run->first != NULL && run->state == LUCIUS_RUN_RUNNING) {
		feed_first(run);
	}
	run->is_feeding = false;
	if (run->state == LUCIUS_RUN_RUNNING) {
		tasks_begin(run);
	} else {
		end(run, run->state);
	}
}

void run_feed(struct run *run, uint32_t type, uint64_t number, struct lucius_text name,
        struct lucius_text payload)
{
	struct waiting *waiting = must_calloc(1, sizeof(*waiting));
	struct waiting **last = &run->first;
	waiting->type = type;
	waiting->number = number;
	waiting->name = must_copy(name.data, name.size);
	waiting->payload = must_copy(payload.data, payload.size);
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = waiting;
	pump(run);
}

/* The first event, before any that has come meanwhile: its payload is a seed. */
static void put_started(struct run *run)
{
	const struct lucius_host *host = run->engine->host;
	struct waiting *started = must_calloc(1, sizeof(*started));
	uint64_t random[2];
	char seed[33];
	host->random(host, random, sizeof(random));
	(void)snprintf(seed, sizeof(seed), "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	started->type = LUCIUS_EVENT_STARTED;
	started->name = must_copy("", 0);
	started->payload = must_copy(seed, strlen(seed));
	started->next = run->first;
	run->first = started;
}

void run_begin(struct run *run)
{
	char error[256] = "";
	struct engine *engine = run->engine;
	run->machine =
	        engine->definition->open(engine->definition, &run->given, error, sizeof(error));
	if (run->machine == NULL) {
		lucius_log(engine->host, LUCIUS_LOG_ERROR, "workflow.refused", error);
		end(run, LUCIUS_RUN_FAILED);
		return;
	}
	put_started(run);
	pump(run);
}

bool run_has_seen(struct run *run, struct lucius_text request_id)
{
	for (size_t i = 0; i < run->n_requests; i++) {
		if (strcmp(run->requests[i], request_id.data) == 0) {
			return true;
		}
	}
	if (request_id.size != 0) {
		run->requests = must_resize(run->requests, run->n_requests + 1, sizeof(char *));
		run->requests[run->n_requests++] = must_copy(request_id.data, request_id.size);
	}
	return false;
}
