/* SPDX-License-Identifier: MIT */
/*
 * The clients: send commands, repeat them until they are answered and some once more, pause, resume
 * and cancel at any moment, and hold the answers against what may be answered.
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum {
	RETRY_MS = 5000,
	CALM_EVERY_MS = 5000,
	MAX_CONTROL_TRIES = 20,
	HASTE_MS = 40,
	MOST_COMMANDS = 8,
	FEWEST_OF_LISTS = 6
};

struct call {
	struct command *command;
	const char *verb; /* of a control; NULL: the command itself */
	char job_id[33];
	unsigned n_tries;
	bool is_get;
};

static void on_time(struct world *world, void *user);

struct process *client_choose_process(struct world *world)
{
	for (;;) {
		struct process *process =
		        &world->processes[world_within(world, world->n_processes - 1)];
		if ((process->roles & ROLE_ORCHESTRATOR) != 0) {
			return process;
		}
	}
}

static void again(struct world *world, const struct call *call)
{
	struct call *copy = must_calloc(1, sizeof(*copy));
	uint64_t after_ms =
	        world->request.is_paired ? RETRY_MS : RETRY_MS / 2 + world_within(world, RETRY_MS);
	*copy = *call;
	copy->n_tries++;
	world_at(world, after_ms, on_time, copy);
}

static void take_job_id(const char *body, char ret_job_id[33])
{
	const char *at = strstr(body, "\"jobId\": \"");
	ret_job_id[0] = '\0';
	if (at != NULL) {
		(void)snprintf(ret_job_id, 33, "%.32s", at + 10);
	}
}

/* A job that ended in vain, or went with its process, makes room for another. */
static bool is_given_up(struct world *world, const struct command *command, const char *job_id)
{
	const struct shadow *shadow = watch_find(world, job_id);
	return shadow == NULL || shadow->is_gone ||
	        (!command->has_key &&
	                (shadow->job->state == JOB_FAILED_FINAL ||
	                        shadow->job->state == JOB_CANCELLED));
}

/* The same command names the same job; an answer may have been late. */
static void check_same(struct world *world, const struct command *command, const char *job_id)
{
	bool is_other = command->job_id[0] != '\0' && strcmp(command->job_id, job_id) != 0;
	if (is_other && !is_given_up(world, command, command->job_id) &&
	        !is_given_up(world, command, job_id)) {
		world_violate(world, job_id, "a repeated command was answered with another job");
	}
}

static void on_accepted(struct world *world, struct command *command, const char *body)
{
	char job_id[33];
	take_job_id(body, job_id);
	world_say(world, job_id, "client: command %u is accepted%s", command->index,
	        strstr(body, "duplicate") != NULL ? " as a repeat" : "");
	watch_accepted(world, job_id);
	check_same(world, command, job_id);
	memcpy(command->job_id, job_id, sizeof(job_id));
}

static void on_orchestrated(
        struct world *world, const struct call *call, unsigned status, const char *body)
{
	if (status == 202) {
		on_accepted(world, call->command, body);
	} else if (status == 0 || status == 503 || status == 429) {
		again(world, call);
	} else {
		world_violate(world, NULL, "a good command was answered with %u: %s", status, body);
	}
}

static void on_controlled(
        struct world *world, const struct call *call, unsigned status, const char *body)
{
	const struct shadow *shadow = watch_find(world, call->job_id);
	if ((status == 0 || status == 503) && call->n_tries < MAX_CONTROL_TRIES) {
		again(world, call);
		return;
	}
	bool is_good = status == 200 || status == 0 || status == 503 ||
	        (status == 409 && call->verb != NULL && strcmp(call->verb, "cancel") != 0) ||
	        (shadow != NULL && shadow->is_gone);
	if (!is_good) {
		world_violate(world, call->job_id, "%s was answered with %u: %s",
		        call->verb != NULL ? call->verb : "GET", status, body);
	}
	world_say(world, call->job_id, "client: %s was answered with %u",
	        call->verb != NULL ? call->verb : "GET", status);
}

static void on_answer(struct world *world, void *user, unsigned status, const char *body)
{
	struct call *call = user;
	if (call->verb == NULL && !call->is_get) {
		on_orchestrated(world, call, status, body);
	} else {
		on_controlled(world, call, status, body);
	}
	free(call);
}

static void on_time(struct world *world, void *user)
{
	struct call *call = user;
	char target[160];
	struct process *process = client_choose_process(world);
	if (call->verb == NULL && !call->is_get) {
		call->command->n_sent++;
		network_call(process, 0, "POST", "/v1/orchestrate", call->command->body, on_answer,
		        call);
		return;
	}
	if (call->job_id[0] == '\0') {
		memcpy(call->job_id, call->command->job_id, sizeof(call->job_id));
	}
	if (call->job_id[0] == '\0') {
		free(call);
		return;
	}
	(void)snprintf(target, sizeof(target), "/v1/jobs/%s%s%s?tenant_id=t%u", call->job_id,
	        call->is_get ? "" : ":", call->is_get ? "" : call->verb, call->command->tenant);
	network_call(process, 0, call->is_get ? "GET" : "POST", target, "", on_answer, call);
}

static void plan(struct world *world, struct command *command, const char *verb, bool is_get,
        uint64_t after_ms)
{
	struct call *call = must_calloc(1, sizeof(*call));
	call->command = command;
	call->verb = verb;
	call->is_get = is_get;
	world_at(world, after_ms, on_time, call);
}

static char *print_command(struct world *world, const struct command *command)
{
	static const char *const types[] = { "OCR", "EMBEDDING", "SIS", "OCR->EMBEDDING",
		"EMBEDDING->SIS", "OCR->EMBEDDING->SIS" };
	char key[64] = "";
	if (command->has_key) {
		(void)snprintf(key, sizeof(key), ", \"idempotency_key\": \"k%u\"", command->index);
	}
	bool is_burst = world_is(world, 30);
	return must_print("{\"tenant_id\": \"t%u\", \"request_type\": \"%s\", \"input_ref\": "
	                  "\"mem://in/%u\", \"output_ref\": \"mem://out/%u\", \"payload\": {}, "
	                  "\"schema_version\": \"v1\", \"mode\": \"%s\", \"doc_id\": \"d%u\", "
	                  "\"correlation_id\": \"c%u\"%s}",
	        command->tenant, types[world_within(world, 5)], command->index, command->index,
	        is_burst ? "BURST" : "DEFAULT", command->index, command->index, key);
}

static void plan_controls(
        struct world *world, struct command *command, uint64_t begin_ms, uint64_t span_ms)
{
	uint64_t n_pauses = world_is(world, 40) ? 1 + world_within(world, 2) : 0;
	if (world->request.wants_sweeps) {
		n_pauses = 6;
		span_ms = world->climate.faults_end_ms;
	}
	for (uint64_t i = 0; i < n_pauses; i++) {
		uint64_t pause_ms = begin_ms + world_within(world, span_ms);
		plan(world, command, "pause", false, pause_ms);
		plan(world, command, "resume", false,
		        world_is(world, 70) ? pause_ms + world_within(world, span_ms)
		                            : begin_ms + world_within(world, span_ms));
	}
	if (world_is(world, 25)) {
		plan(world, command, "cancel", false, begin_ms + world_within(world, span_ms));
	}
	if (world_is(world, 50)) {
		plan(world, command, NULL, true, begin_ms + world_within(world, span_ms));
	}
}

static unsigned choose_number(struct world *world)
{
	if (world->request.wants_lists) {
		return FEWEST_OF_LISTS +
		        (unsigned)world_within(world, MAX_COMMANDS - FEWEST_OF_LISTS);
	}
	return 1 + (unsigned)world_within(world, MOST_COMMANDS - 1);
}

/* Lists are of jobs that come at once too. */
static uint64_t choose_begin_ms(struct world *world, unsigned index)
{
	bool is_next = world->request.wants_lists && index != 0 && world_is(world, 60);
	uint64_t begin_ms = is_next ? world->commands[index - 1].begin_ms
	                            : world_within(world, world->climate.faults_end_ms / 2);
	world->commands[index].begin_ms = begin_ms;
	return begin_ms;
}

void client_plan(struct world *world)
{
	uint64_t end_ms = world->climate.faults_end_ms;
	/* Some send a command twice at once. A chance of its own: other worlds stay what they are.
	 */
	struct sim_random hasty = { world->request.seed ^ 0x2c11d };
	bool is_hasty = (sim_random_is(&hasty, 10) || world->request.wants_tables) &&
	        !world->request.is_paired;
	world->n_commands = choose_number(world);
	for (unsigned i = 0; i < world->n_commands; i++) {
		struct command *command = &world->commands[i];
		command->index = i;
		command->tenant = (unsigned)world_within(world, N_TENANTS - 1);
		command->has_key = world_is(world, 30);
		command->body = print_command(world, command);
		uint64_t begin_ms = choose_begin_ms(world, i);
		uint64_t span_ms = world_is(world, 60) ? 20000 : end_ms;
		plan(world, command, NULL, false, begin_ms);
		uint64_t n_repeats = world_within(world, 3);
		for (uint64_t k = 0; k < n_repeats && !world->request.is_paired; k++) {
			plan(world, command, NULL, false, begin_ms + world_within(world, span_ms));
		}
		plan_controls(world, command, begin_ms, span_ms);
		if (is_hasty) {
			plan(world, command, NULL, false,
			        begin_ms + sim_random_below(&hasty, HASTE_MS));
		}
	}
}

/* Whoever has paused a job resumes it in the end. */
static void on_calm(struct world *world, void *user)
{
	(void)user;
	for (struct shadow *at = world->shadows; at != NULL; at = at->next) {
		if (at->is_gone || at->job->state != JOB_PAUSED) {
			continue;
		}
		struct call *call = must_calloc(1, sizeof(*call));
		call->verb = "resume";
		call->n_tries = MAX_CONTROL_TRIES;
		memcpy(call->job_id, at->job_id, sizeof(call->job_id));
		call->command = &world->commands[0];
		for (unsigned i = 0; i < world->n_commands; i++) {
			char tenant[8];
			(void)snprintf(tenant, sizeof(tenant), "t%u", world->commands[i].tenant);
			if (value_is(&at->job->tenant_id, tenant)) {
				call->command = &world->commands[i];
			}
		}
		world_at(world, 0, on_time, call);
	}
	world_at(world, CALM_EVERY_MS, on_calm, NULL);
}

void client_calm(struct world *world)
{
	world_at(world, CALM_EVERY_MS, on_calm, NULL);
}

void client_finish(struct world *world)
{
	for (unsigned i = 0; i < world->n_commands; i++) {
		free(world->commands[i].body);
	}
}
