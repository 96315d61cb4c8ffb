/* SPDX-License-Identifier: MIT */
/*
 * Drives one machine. The machine is never fed from within a feed: what comes meanwhile waits, and
 * activities that it wants are begun when it has returned.
 */
#include "plugins/workflow-local/run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/workflow-local/activity.h"
#include "plugins/workflow-local/engine.h"
#include "support/base/cleanup.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define MAX_WAITING 256
#define SEED_BYTES 16

struct run_timer {
	struct run *run; /* borrowed */
	struct run_timer *next;
	uint64_t number;
	struct lucius_timer *handle;
};

static struct lucius_text copy_text(struct lucius_text text)
{
	return (struct lucius_text){ must_copy(text.data, text.size), text.size };
}

static void free_text(struct lucius_text *text)
{
	free((void *)(uintptr_t)text->data);
	*text = (struct lucius_text){ 0 };
}

static void log_run(const struct run *run, uint32_t level, const char *event, const char *sentence)
{
	const struct lucius_field id = {
		.name = "job_id",
		.value = run->id,
		.value_size = (uint32_t)run->id_size,
		.type = LUCIUS_FIELD_STRING,
	};
	run->engine->host->log(run->engine->host, level, event, sentence, &id, 1);
}

static void on_deadline(void *user)
{
	struct run *run = user;
	run->deadline = NULL;
	log_run(run, LUCIUS_LOG_WARNING, "workflow.timed_out", "The workflow took too long.");
	engine_remember(run->engine, run, LUCIUS_RUN_TIMED_OUT);
	run_destroy(run);
}

static void arm_deadline(struct run *run)
{
	const struct lucius_host *host = run->engine->host;
	if (run->start.execution_timeout_ms == 0) {
		return;
	}
	int64_t now_ms = host->clock_us(host) / 1000;
	uint64_t gone_ms = now_ms > run->start.started_at_ms
	        ? (uint64_t)(now_ms - run->start.started_at_ms)
	        : 0;
	uint64_t left_ms = run->start.execution_timeout_ms > gone_ms
	        ? run->start.execution_timeout_ms - gone_ms
	        : 0;
	run->deadline = host->timer_start(host, left_ms, on_deadline, run);
}

struct run *run_create(struct engine *engine, const struct lucius_run *start, uint64_t hash)
{
	struct run *run = must_calloc(1, sizeof(*run));
	run->engine = engine;
	run->id = must_copy(start->workflow_id.data, start->workflow_id.size);
	run->id_size = start->workflow_id.size;
	run->start = *start;
	run->start.workflow_id = (struct lucius_text){ run->id, run->id_size };
	run->start.input = copy_text(start->input);
	run->start.snapshot = copy_text(start->snapshot);
	run->start.request_id = (struct lucius_text){ 0 };
	run->start.summary = (struct lucius_text){ 0 };
	run->link.hash = hash;
	engine_add(engine, run);
	arm_deadline(run);
	return run;
}

static void stop_timers(struct run *run)
{
	const struct lucius_host *host = run->engine->host;
	while (run->timers != NULL) {
		struct run_timer *timer = run->timers;
		run->timers = timer->next;
		host->timer_stop(host, timer->handle);
		free(timer);
	}
	if (run->deadline != NULL) {
		host->timer_stop(host, steal(run->deadline));
	}
}

static struct waiting_event *take_waiting(struct run *run)
{
	struct waiting_event *waiting = run->first_waiting;
	run->first_waiting = waiting->next;
	if (run->first_waiting == NULL) {
		run->last_waiting = NULL;
	}
	run->n_waiting--;
	return waiting;
}

static void free_waiting(struct waiting_event *waiting)
{
	free_text(&waiting->event.name);
	free_text(&waiting->event.payload);
	free(waiting);
}

void run_destroy(struct run *run)
{
	assert(!run->is_feeding);
	engine_remove(run->engine, run);
	stop_timers(run);
	while (run->activities != NULL) {
		activity_abandon(run->activities);
	}
	while (run->first_waiting != NULL) {
		free_waiting(take_waiting(run));
	}
	if (run->machine != NULL) {
		run->engine->definition->close(run->machine);
	}
	requests_finish(&run->requests);
	free_text(&run->start.input);
	free_text(&run->start.snapshot);
	free(run->id);
	free(run);
}

static void on_timer(void *user);

static void start_timer(struct run *run, const struct lucius_action *action)
{
	const struct lucius_host *host = run->engine->host;
	struct run_timer *timer = must_calloc(1, sizeof(*timer));
	timer->run = run;
	timer->number = action->number;
	timer->handle = host->timer_start(host, action->after_ms, on_timer, timer);
	timer->next = run->timers;
	run->timers = timer;
}

/* Takes the timer out of the run's list; NULL: it has fired or never was. */
static struct run_timer *take_timer(struct run *run, uint64_t number)
{
	for (struct run_timer **at = &run->timers; *at != NULL; at = &(*at)->next) {
		if ((*at)->number == number) {
			struct run_timer *timer = *at;
			*at = timer->next;
			return timer;
		}
	}
	return NULL;
}

static void cancel_timer(struct run *run, uint64_t number)
{
	struct run_timer *timer = take_timer(run, number);
	if (timer != NULL) {
		run->engine->host->timer_stop(run->engine->host, timer->handle);
		free(timer);
	}
}

static void log_failure(const struct run *run, const struct lucius_action *action)
{
	char sentence[512];
	(void)snprintf(sentence, sizeof(sentence), "%.*s: %.*s", (int)action->name.size,
	        action->name.size != 0 ? action->name.data : "", (int)action->payload.size,
	        action->payload.size != 0 ? action->payload.data : "");
	log_run(run, LUCIUS_LOG_INFO, "workflow.failed", sentence);
}

static void on_action(void *user, const struct lucius_action *given)
{
	struct run *run = user;
	struct lucius_action known = { 0 };
	const struct lucius_action *action = &known;
	memcpy(&known, given, given->size < sizeof(known) ? given->size : sizeof(known));
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		(void)activity_create(run, action);
		break;
	case LUCIUS_ACTION_START_TIMER:
		start_timer(run, action);
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		cancel_timer(run, action->number);
		break;
	case LUCIUS_ACTION_COMPLETE:
		run->end = LUCIUS_RUN_COMPLETED;
		break;
	case LUCIUS_ACTION_FAIL:
		run->end = LUCIUS_RUN_FAILED;
		log_failure(run, action);
		break;
	case LUCIUS_ACTION_CANCEL:
		run->end = LUCIUS_RUN_CANCELLED;
		break;
	default:
		log_run(run, LUCIUS_LOG_ERROR, "workflow.odd_action",
		        "The definition wants something that this engine does not know.");
		break;
	}
}

/* Those that the last feed has wanted stand at the front of the list. */
static void begin_new_activities(struct run *run)
{
	struct activity *oldest = NULL;
	for (struct activity *at = run->activities; at != NULL && at->is_new; at = at->next) {
		oldest = at;
	}
	while (oldest != NULL) {
		struct activity *next = oldest->previous;
		activity_begin(oldest);
		oldest = next;
	}
}

static void feed_one(struct run *run, const struct lucius_event *event)
{
	run->engine->definition->feed(run->machine, event, on_action, run);
	if (run->end == 0) {
		begin_new_activities(run);
	}
}

/* Feeds the event and what comes to wait meanwhile. May destroy the run. */
static void feed(struct run *run, const struct lucius_event *event)
{
	run->is_feeding = true;
	feed_one(run, event);
	while (run->first_waiting != NULL && run->end == 0) {
		struct waiting_event *waiting = take_waiting(run);
		feed_one(run, &waiting->event);
		free_waiting(waiting);
	}
	run->is_feeding = false;
	if (run->end != 0) {
		engine_remember(run->engine, run, run->end);
		run_destroy(run);
	}
}

static void wait_in_line(struct run *run, const struct lucius_event *event)
{
	struct waiting_event *waiting = must_calloc(1, sizeof(*waiting));
	waiting->event = *event;
	waiting->event.name = copy_text(event->name);
	waiting->event.payload = copy_text(event->payload);
	if (run->last_waiting != NULL) {
		run->last_waiting->next = waiting;
	} else {
		run->first_waiting = waiting;
	}
	run->last_waiting = waiting;
	run->n_waiting++;
}

static struct lucius_event event_of(const struct run *run, uint32_t type)
{
	return (struct lucius_event){
		.size = sizeof(struct lucius_event),
		.type = type,
		.time_ms = (uint64_t)(run->engine->host->clock_us(run->engine->host) / 1000),
	};
}

static void deliver(struct run *run, const struct lucius_event *event)
{
	if (run->machine == NULL || run->is_feeding) {
		wait_in_line(run, event);
	} else {
		feed(run, event);
	}
}

static void on_timer(void *user)
{
	struct run_timer *timer = user;
	struct run *run = timer->run;
	struct lucius_event event = event_of(run, LUCIUS_EVENT_TIMER_FIRED);
	event.number = timer->number;
	free(take_timer(run, timer->number));
	deliver(run, &event);
}

bool run_is_open(const struct run *run)
{
	return run->machine != NULL;
}

void run_open(struct run *run)
{
	static const char digits[] = "0123456789abcdef";
	const struct lucius_definition *definition = run->engine->definition;
	const struct lucius_host *host = run->engine->host;
	char error[512] = "The definition cannot run it.";
	unsigned char random[SEED_BYTES];
	char seed[2 * SEED_BYTES];
	run->machine = definition->open(definition, &run->start, error, sizeof(error));
	if (run->machine == NULL) {
		/* Only the task has failed: a program that knows how may take the run up. */
		log_run(run, LUCIUS_LOG_ERROR, "workflow.stuck", error);
		return;
	}
	free_text(&run->start.input);
	free_text(&run->start.snapshot);
	host->random(host, random, sizeof(random));
	for (size_t i = 0; i < SEED_BYTES; i++) {
		seed[2 * i] = digits[random[i] >> 4];
		seed[2 * i + 1] = digits[random[i] & 15];
	}
	struct lucius_event event = event_of(run, LUCIUS_EVENT_STARTED);
	event.payload = (struct lucius_text){ seed, sizeof(seed) };
	feed(run, &event);
}

bool run_signal(struct run *run, const struct lucius_signal *signal)
{
	const struct lucius_text *id = &signal->request_id;
	uint64_t hash = hash_bytes(&run->engine->key, id->data, id->size);
	if (id->size != 0 && requests_has(&run->requests, hash)) {
		return true;
	}
	if (run->n_waiting >= MAX_WAITING) {
		return false;
	}
	if (id->size != 0) {
		requests_add(&run->requests, hash);
	}
	struct lucius_event event = event_of(run, LUCIUS_EVENT_SIGNAL);
	event.name = signal->name;
	event.payload = signal->argument;
	if (FAULT(signal_dropped)) {
		return true;
	}
	deliver(run, &event);
	return true;
}

void run_cancel(struct run *run)
{
	if (run->is_cancel_asked) {
		return;
	}
	run->is_cancel_asked = true;
	struct lucius_event event = event_of(run, LUCIUS_EVENT_CANCEL_ASKED);
	deliver(run, &event);
}

void run_on_activity(
        struct run *run, uint32_t event_type, uint64_t number, struct lucius_text payload)
{
	struct lucius_event event = event_of(run, event_type);
	event.number = number;
	event.payload = payload;
	deliver(run, &event);
}
