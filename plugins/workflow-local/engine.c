/* SPDX-License-Identifier: MIT */
/*
 * The runs and the work. Runs are taken before anybody works and wait; a stop or a cancel of the
 * work forgets them as they stand, because the rows of their jobs say where to go on.
 */
#include "plugins/workflow-local/engine.h"

#include <string.h>

#include "plugins/workflow-local/activity.h"
#include "plugins/workflow-local/run.h"
#include "support/base/cleanup.h"
#include "support/base/container.h"

/* Machines of restored runs a turn of the loop. */
#define OPENED_AT_ONCE 200u

static struct lucius_metric *metric(const struct engine *engine, uint32_t type, const char *name,
        const char *help, const char *state)
{
	const struct lucius_metric_spec spec = {
		.size = sizeof(spec),
		.type = type,
		.name = name,
		.help = help,
		.label = state != NULL ? "state" : NULL,
		.label_value = state,
	};
	return engine->host->metric(engine->host, &spec);
}

static void make_metrics(struct engine *engine)
{
	static const char *const states[] = {
		[LUCIUS_RUN_COMPLETED] = "completed",
		[LUCIUS_RUN_FAILED] = "failed",
		[LUCIUS_RUN_CANCELLED] = "cancelled",
		[LUCIUS_RUN_TIMED_OUT] = "timed_out",
	};
	engine->metrics.runs =
	        metric(engine, LUCIUS_METRIC_GAUGE, "runs", "Workflows that are running.", NULL);
	engine->metrics.retries = metric(engine, LUCIUS_METRIC_COUNTER, "activity_retries",
	        "Activities that are tried again.", NULL);
	for (uint32_t i = LUCIUS_RUN_COMPLETED; i <= LUCIUS_RUN_TIMED_OUT; i++) {
		engine->metrics.ended[i] = metric(engine, LUCIUS_METRIC_COUNTER, "ended",
		        "Workflows that have ended, by how.", states[i]);
	}
}

void engine_init(struct engine *engine, const struct lucius_host *host)
{
	engine->host = host;
	engine->limits = *(const struct engine_options *)host->options;
	engine->ended.max_runs = (size_t)engine->limits.max_ended;
	host->random(host, &engine->key, sizeof(engine->key));
	make_metrics(engine);
}

static void forget_runs(struct engine *engine)
{
	while (engine->first_run != NULL) {
		run_destroy(engine->first_run);
	}
}

void engine_finish(struct engine *engine)
{
	forget_runs(engine);
	while (engine->orphans.first != NULL) {
		activity_destroy_orphan(engine->orphans.first);
	}
	ended_finish(&engine->ended);
	hash_table_finish(&engine->runs);
}

static uint64_t hash_of(const struct engine *engine, struct lucius_text id)
{
	return hash_bytes(&engine->key, id.data, id.size);
}

struct run *engine_find(const struct engine *engine, struct lucius_text id)
{
	struct hash_link *link = hash_table_first(&engine->runs, hash_of(engine, id));
	for (; link != NULL; link = hash_link_next(link)) {
		struct run *run = CONTAINER(link, struct run, link);
		if (run->id_size == id.size && memcmp(run->id, id.data, id.size) == 0) {
			return run;
		}
	}
	return NULL;
}

void engine_add(struct engine *engine, struct run *run)
{
	hash_table_add(&engine->runs, &run->link, run->link.hash);
	run->next = engine->first_run;
	if (run->next != NULL) {
		run->next->previous = run;
	}
	engine->first_run = run;
	engine->host->record(engine->host, engine->metrics.runs, (double)engine->runs.n_links);
}

void engine_remove(struct engine *engine, struct run *run)
{
	hash_table_remove(&engine->runs, &run->link);
	if (run->previous != NULL) {
		run->previous->next = run->next;
	} else {
		engine->first_run = run->next;
	}
	if (run->next != NULL) {
		run->next->previous = run->previous;
	}
	if (engine->next_to_open == run) {
		engine->next_to_open = run->next;
	}
	engine->host->record(engine->host, engine->metrics.runs, (double)engine->runs.n_links);
}

void engine_remember(struct engine *engine, const struct run *run, uint32_t state)
{
	const struct lucius_host *host = engine->host;
	ended_add(&engine->ended, (struct lucius_text){ run->id, run->id_size }, run->link.hash,
	        state, host->now_ms(host));
	host->record(host, engine->metrics.ended[state], 1);
}

uint32_t engine_start(
        struct engine *engine, const struct lucius_run *start, const char **ret_sentence)
{
	uint64_t hash = hash_of(engine, start->workflow_id);
	if (engine_describe(engine, start->workflow_id) != 0) {
		return LUCIUS_DUPLICATE;
	}
	/* A run that is taken up again has been let in before. */
	if (start->is_restored == 0 && engine->runs.n_links >= (size_t)engine->limits.max_runs) {
		*ret_sentence = "As many workflows are running as 'workflow-max-runs' allows.";
		return LUCIUS_UNAVAILABLE;
	}
	struct run *run = run_create(engine, start, hash);
	if (engine->definition != NULL) {
		run_open(run);
	}
	return LUCIUS_OK;
}

uint32_t engine_describe(struct engine *engine, struct lucius_text id)
{
	if (engine_find(engine, id) != NULL) {
		return LUCIUS_RUN_RUNNING;
	}
	return ended_state(
	        &engine->ended, id, hash_of(engine, id), engine->host->now_ms(engine->host));
}

static void finish_work(struct engine *engine)
{
	struct lucius_op work = engine->work;
	if (engine->opening != NULL) {
		engine->host->timer_stop(engine->host, steal(engine->opening));
	}
	engine->work.id = 0;
	engine->definition = NULL;
	if (work.id != 0) {
		lucius_finish(engine->host, work);
	}
}

/* Another process takes the runs over: what is being tried here is nobody's any more. */
static void on_work_cancelled(void *user)
{
	struct engine *engine = user;
	forget_runs(engine);
	for (struct activity *at = engine->orphans.first; at != NULL; at = at->next) {
		engine->host->cancel(engine->host, at->op);
	}
	finish_work(engine);
}

/* A part of them at a time, so that nothing else has to wait for all. */
static void open_runs(void *user)
{
	struct engine *engine = user;
	engine->opening = NULL;
	for (unsigned i = 0; i < OPENED_AT_ONCE && engine->next_to_open != NULL; i++) {
		struct run *run = engine->next_to_open;
		engine->next_to_open = run->next;
		if (!run_is_open(run)) {
			run_open(run);
		}
	}
	if (engine->next_to_open != NULL) {
		engine->opening = engine->host->timer_start(engine->host, 0, open_runs, engine);
	}
}

void engine_work(
        struct engine *engine, const struct lucius_definition *definition, struct lucius_op op)
{
	engine->definition = definition;
	engine->work = op;
	engine->host->on_cancel(engine->host, op, on_work_cancelled, engine);
	engine->next_to_open = engine->first_run;
	open_runs(engine);
}

static void finish_stop_if_idle(struct engine *engine)
{
	if (engine->stop.id == 0 || engine->n_trying != 0) {
		return;
	}
	struct lucius_op stop = engine->stop;
	engine->stop.id = 0;
	finish_work(engine);
	lucius_finish(engine->host, stop);
}

void engine_stop(struct engine *engine, struct lucius_op op)
{
	engine->is_stopped = true;
	engine->stop = op;
	forget_runs(engine);
	finish_stop_if_idle(engine);
}

void engine_on_answered(struct engine *engine)
{
	if (engine->is_stopped) {
		finish_stop_if_idle(engine);
	} else if (engine->definition != NULL) {
		activity_begin_queued(engine);
	}
}
