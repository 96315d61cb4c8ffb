/* SPDX-License-Identifier: MIT */
/* Worlds of tests of engines. The clock begins now: servers keep their own. */
#include "sdk/conformance/workflow_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "sdk/conformance/arena.h"
#include "sdk/conformance/workflow_script.h"

#define WAIT_S 30
#define TURN_MS 20

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, strlen(text) };
}

static void run(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	struct workflow_world *world = (struct workflow_world *)(uintptr_t)definition;
	if (world->n_tries == WORKFLOW_N_TRIES) {
		host_answer_finish(world->host, op, LUCIUS_DENIED, "there are too many tries");
		return;
	}
	struct workflow_try *try = &world->tries[world->n_tries++];
	try->op = op;
	(void)snprintf(try->name, sizeof(try->name), "%.*s", (int)name.size, name.data);
	(void)snprintf(try->payload, sizeof(try->payload), "%.*s", (int)payload.size, payload.data);
}

void workflow_world_open(struct workflow_world *world)
{
	const struct conformance_run *asked = conformance_run();
	const struct instance_spec spec = { asked->path, asked->kind, asked->options,
		asked->n_options };
	uint32_t tag = 0;
	char error[512] = "";
	if (getrandom(&tag, sizeof(tag), 0) != (ssize_t)sizeof(tag)) {
		abort();
	}
	*world = (struct workflow_world){
		.host = host_create((int64_t)time(NULL) * 1000000, asked->is_loud),
	};
	workflow_script_fill(&world->definition);
	world->definition.run = run;
	(void)snprintf(world->tag, sizeof(world->tag), "w%08x-", (unsigned)tag);
	world->instance = instance_create(world->host, &spec, error, sizeof(error));
	if (world->instance == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	world->workflow = instance_plugin(world->instance)->workflow;
	CHECK_STATUS(instance_start(world->instance), LUCIUS_OK);
	CHECK_STATUS(instance_listen(world->instance), LUCIUS_OK);
}

void workflow_world_work(struct workflow_world *world)
{
	world->work = asked_begin(world->instance, "work", NULL);
	world->workflow->work(
	        instance_self(world->instance), &world->definition, asked_op(world->work));
}

void workflow_world_open_at_work(struct workflow_world *world)
{
	workflow_world_open(world);
	workflow_world_work(world);
}

static void answer_all(struct workflow_world *world)
{
	for (size_t i = 0; i < world->n_tries; i++) {
		if (!world->tries[i].is_answered) {
			world->tries[i].is_answered = true;
			host_answer_finish(
			        world->host, world->tries[i].op, LUCIUS_UNAVAILABLE, NULL);
		}
	}
}

void workflow_world_close(struct workflow_world *world)
{
	answer_all(world);
	struct asked *stop = instance_stop(world->instance);
	time_t until = time(NULL) + WAIT_S;
	while (!asked_is_finished(stop) && time(NULL) < until) {
		(void)host_turn(world->host, TURN_MS);
		answer_all(world);
	}
	CHECK_STATUS(stop, LUCIUS_OK);
	CHECK(world->work == NULL || asked_is_finished(world->work));
	instance_destroy(world->instance);
	CHECK_INT(workflow_script_n_open(), 0);
	host_destroy(world->host);
}

/* The id of this world in the arena. */
static struct lucius_text id_in(
        const struct workflow_world *world, struct arena *arena, const char *id)
{
	char whole[80];
	(void)snprintf(whole, sizeof(whole), "%s%s", world->tag, id);
	return arena_text(arena, text_of(whole));
}

struct asked *workflow_ask_start(struct workflow_world *world, const char *id, const char *script)
{
	struct asked *asked = asked_begin(world->instance, "start", NULL);
	struct arena *arena = asked_arguments(asked);
	char input[512];
	(void)snprintf(input, sizeof(input), "\"%s\"", script);
	struct lucius_run *run = arena_take(arena, 1, sizeof(*run));
	*run = (struct lucius_run){
		.size = sizeof(*run),
		.workflow_id = id_in(world, arena, id),
		.input = arena_text(arena, text_of(input)),
		.request_id = id_in(world, arena, id),
		.summary = arena_text(arena, text_of("a run of the suite")),
		.started_at_ms = host_clock_us(world->host) / 1000,
		.execution_timeout_ms = world->execution_timeout_ms,
	};
	world->workflow->start(instance_self(world->instance), run, asked_op(asked));
	return asked;
}

struct asked *workflow_ask_signal(struct workflow_world *world, const char *id, const char *name,
        const char *argument, const char *request_id)
{
	struct asked *asked = asked_begin(world->instance, "signal", NULL);
	struct arena *arena = asked_arguments(asked);
	struct lucius_signal *signal = arena_take(arena, 1, sizeof(*signal));
	*signal = (struct lucius_signal){
		.size = sizeof(*signal),
		.workflow_id = id_in(world, arena, id),
		.name = arena_text(arena, text_of(name)),
		.argument = arena_text(arena, text_of(argument)),
		.request_id = id_in(world, arena, request_id),
	};
	world->workflow->signal(instance_self(world->instance), signal, asked_op(asked));
	return asked;
}

struct asked *workflow_ask_cancel(struct workflow_world *world, const char *id)
{
	struct asked *asked = asked_begin(world->instance, "cancel", NULL);
	struct arena *arena = asked_arguments(asked);
	world->workflow->cancel(instance_self(world->instance), id_in(world, arena, id),
	        id_in(world, arena, "cancel"), asked_op(asked));
	return asked;
}

static void *copy_state(struct arena *arena, const void *item)
{
	const struct lucius_run_state *given = item;
	return arena_struct(arena, given, given->size, sizeof(struct lucius_run_state));
}

struct asked *workflow_ask_describe(struct workflow_world *world, const char *id)
{
	struct asked *asked = asked_begin(world->instance, "describe", copy_state);
	struct arena *arena = asked_arguments(asked);
	world->workflow->describe(
	        instance_self(world->instance), id_in(world, arena, id), asked_op(asked));
	return asked;
}

void workflow_started(struct workflow_world *world, const char *id, const char *script)
{
	CHECK_STATUS(workflow_ask_start(world, id, script), LUCIUS_OK);
}

const struct workflow_try *workflow_wait_tries(struct workflow_world *world, size_t n)
{
	time_t until = time(NULL) + WAIT_S;
	while (world->n_tries < n && time(NULL) < until) {
		(void)host_turn(world->host, TURN_MS);
	}
	if (world->n_tries < n) {
		CHECK_FAILED("%zu activities were tried, expected %zu", world->n_tries, n);
		return NULL;
	}
	return &world->tries[n - 1];
}

void workflow_answer(struct workflow_world *world, uint32_t status, const char *text)
{
	struct workflow_try *try = &world->tries[world->n_tries - 1];
	struct lucius_text result = text_of(text);
	try->is_answered = true;
	if (status == LUCIUS_OK) {
		host_answer_give(world->host, try->op, &result);
	}
	host_answer_finish(world->host, try->op, status, status == LUCIUS_OK ? NULL : text);
}

uint32_t workflow_state(struct workflow_world *world, const char *id)
{
	struct asked *describe = workflow_ask_describe(world, id);
	(void)asked_wait(describe);
	const struct lucius_run_state *state = asked_item(describe, 0);
	return asked_status(describe) == LUCIUS_OK && state != NULL ? state->state : 0;
}

void workflow_wait_state(struct workflow_world *world, const char *id, uint32_t state)
{
	time_t until = time(NULL) + WAIT_S;
	uint32_t now = workflow_state(world, id);
	while (now != state && time(NULL) < until) {
		(void)host_turn(world->host, TURN_MS);
		now = workflow_state(world, id);
	}
	CHECK_INT(now, state);
}
