/* SPDX-License-Identifier: MIT */
/*
 * The life of an activity:
 *
 *   activity_create → activity_begin → try → on_done → done or failed: the run is told
 *                          |            ^       |
 *                          +-> queue ---+ <-----+ timer until the next try
 */
#include "plugins/workflow-local/activity.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/workflow-local/engine.h"
#include "plugins/workflow-local/run.h"
#include "support/base/cleanup.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

static void link_to(struct activity **list, struct activity *activity)
{
	activity->previous = NULL;
	activity->next = *list;
	if (*list != NULL) {
		(*list)->previous = activity;
	}
	*list = activity;
}

static void unlink_from(struct activity **list, struct activity *activity)
{
	if (activity->previous != NULL) {
		activity->previous->next = activity->next;
	} else {
		*list = activity->next;
	}
	if (activity->next != NULL) {
		activity->next->previous = activity->previous;
	}
}

static struct activity **list_of(struct activity *activity)
{
	return activity->run != NULL ? &activity->run->activities
	                             : &activity->engine->orphans.first;
}

static void destroy(struct activity *activity)
{
	unlink_from(list_of(activity), activity);
	if (activity->timer != NULL) {
		activity->engine->host->timer_stop(activity->engine->host, activity->timer);
	}
	free(activity->result);
	free(activity);
}

void activity_destroy_orphan(struct activity *activity)
{
	destroy(activity);
}

struct activity *activity_create(struct run *run, const struct lucius_action *action)
{
	const struct lucius_host *host = run->engine->host;
	size_t texts_size = action->name.size + action->payload.size + 2;
	struct activity *activity = must_calloc(1, sizeof(*activity) + texts_size);
	activity->engine = run->engine;
	activity->run = run;
	activity->is_new = true;
	activity->number = action->number;
	activity->start_to_close_ms = action->start_to_close_ms;
	activity->wait_ms = action->retry_initial_ms;
	activity->wait_max_ms = action->retry_max_ms;
	activity->give_up_at_ms =
	        action->give_up_after_ms != 0 ? host->now_ms(host) + action->give_up_after_ms : 0;
	activity->name_size = action->name.size;
	activity->payload_size = action->payload.size;
	memcpy(activity->text, action->name.data, action->name.size);
	if (action->payload.size != 0) {
		memcpy(activity->text + action->name.size + 1, action->payload.data,
		        action->payload.size);
	}
	link_to(&run->activities, activity);
	return activity;
}

/* The run is told and the activity is over. */
static void end(struct activity *activity, uint32_t event_type, struct lucius_text payload)
{
	struct run *run = activity->run;
	uint64_t number = activity->number;
	char *result = steal(activity->result);
	destroy(activity);
	run_on_activity(run, event_type, number, payload);
	free(result);
}

static const char *fact_of(const char *sentence)
{
	return sentence != NULL ? sentence : "The activity was not answered.";
}

static void fail(struct activity *activity, const char *sentence)
{
	const char *fact = fact_of(sentence);
	end(activity, LUCIUS_EVENT_ACTIVITY_FAILED, (struct lucius_text){ fact, strlen(fact) });
}

static void on_item(void *user, const void *item)
{
	struct activity *activity = user;
	const struct lucius_text *result = item;
	free(activity->result);
	activity->result = must_copy(result->data, result->size);
	activity->result_size = result->size;
}

static void on_wait_over(void *user)
{
	struct activity *activity = user;
	activity->timer = NULL;
	activity_begin(activity);
}

static void on_time_over(void *user)
{
	struct activity *activity = user;
	activity->timer = NULL;
	end(activity, LUCIUS_EVENT_ACTIVITY_FAILED,
	        (struct lucius_text){ activity->result, activity->result_size });
}

/* No other try fits into its time, which is not over yet: what the tries were for may have been
 * done nevertheless, and the run may hear of it. */
static void wait_for_the_end(struct activity *activity, const char *sentence, uint64_t left_ms)
{
	const struct lucius_host *host = activity->engine->host;
	const char *fact = fact_of(sentence);
	free(activity->result);
	activity->result_size = strlen(fact);
	activity->result = must_copy(fact, activity->result_size);
	activity->timer = host->timer_start(host, left_ms, on_time_over, activity);
}

static void try_later(struct activity *activity, const char *sentence)
{
	const struct lucius_host *host = activity->engine->host;
	uint64_t now_ms = host->now_ms(host);
	uint64_t wait_ms = activity->wait_ms;
	if (activity->give_up_at_ms != 0 && now_ms >= activity->give_up_at_ms) {
		fail(activity, sentence);
		return;
	}
	if (activity->give_up_at_ms != 0 && now_ms + wait_ms >= activity->give_up_at_ms) {
		wait_for_the_end(activity, sentence, activity->give_up_at_ms - now_ms);
		return;
	}
	host->record(host, activity->engine->metrics.retries, 1);
	activity->wait_ms =
	        wait_ms < activity->wait_max_ms / 2 ? wait_ms * 2 : activity->wait_max_ms;
	activity->timer = host->timer_start(host, wait_ms, on_wait_over, activity);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct activity *activity = user;
	struct engine *engine = activity->engine;
	activity->op.id = 0;
	engine->n_trying--;
	if (activity->run == NULL) {
		destroy(activity);
	} else if (status == LUCIUS_OK) {
		end(activity, LUCIUS_EVENT_ACTIVITY_DONE,
		        (struct lucius_text){ activity->result, activity->result_size });
	} else if ((status == LUCIUS_UNAVAILABLE || status == LUCIUS_UNKNOWN) &&
	        !FAULT(activity_tried_once)) {
		try_later(activity, sentence);
	} else {
		fail(activity, sentence);
	}
	engine_on_answered(engine);
}

/* A try may not outlast the activity. */
static uint64_t timeout_ms(const struct activity *activity, uint64_t now_ms)
{
	uint64_t left_ms = activity->give_up_at_ms > now_ms ? activity->give_up_at_ms - now_ms : 1;
	bool is_bounded = activity->give_up_at_ms != 0 &&
	        (activity->start_to_close_ms == 0 || left_ms < activity->start_to_close_ms);
	return is_bounded ? left_ms : activity->start_to_close_ms;
}

static void try_now(struct activity *activity)
{
	struct engine *engine = activity->engine;
	const struct lucius_host *host = engine->host;
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = timeout_ms(activity, host->now_ms(host)),
		.on_item = on_item,
		.on_done = on_done,
		.user = activity,
	};
	engine->n_trying++;
	activity->op = host->open(host, &question);
	engine->definition->run(engine->definition,
	        (struct lucius_text){ activity->text, activity->name_size },
	        (struct lucius_text){
	                activity->text + activity->name_size + 1, activity->payload_size },
	        activity->op);
}

static void queue(struct activity *activity)
{
	struct activity_list *waiting = &activity->engine->queue;
	activity->is_queued = true;
	activity->next_queued = NULL;
	if (waiting->last != NULL) {
		waiting->last->next_queued = activity;
	} else {
		waiting->first = activity;
	}
	waiting->last = activity;
}

static void unqueue(struct activity *activity)
{
	struct activity_list *waiting = &activity->engine->queue;
	struct activity *before = NULL;
	for (struct activity *at = waiting->first; at != activity; at = at->next_queued) {
		before = at;
	}
	if (before != NULL) {
		before->next_queued = activity->next_queued;
	} else {
		waiting->first = activity->next_queued;
	}
	if (waiting->last == activity) {
		waiting->last = before;
	}
	activity->is_queued = false;
}

void activity_begin(struct activity *activity)
{
	activity->is_new = false;
	if (activity->engine->n_trying >= (size_t)activity->engine->limits.max_activities) {
		queue(activity);
	} else {
		try_now(activity);
	}
}

void activity_begin_queued(struct engine *engine)
{
	while (engine->queue.first != NULL &&
	        engine->n_trying < (size_t)engine->limits.max_activities) {
		struct activity *activity = engine->queue.first;
		unqueue(activity);
		try_now(activity);
	}
}

void activity_abandon(struct activity *activity)
{
	struct engine *engine = activity->engine;
	if (activity->is_queued) {
		unqueue(activity);
	}
	if (activity->op.id == 0) {
		destroy(activity);
		return;
	}
	unlink_from(&activity->run->activities, activity);
	activity->run = NULL;
	link_to(&engine->orphans.first, activity);
}
