/* SPDX-License-Identifier: MIT */
/* Leads one world from its seed to rest: event by event, each followed by a look at the runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "support/base/memory.h"
#include "tests/sim/system/table_service.h"
#include "tests/sim/system/world.h"

#define MAX_EVENTS UINT64_C(3000000)
#define SWEEP_BOUND_MS 180000u
#define REST_EVERY_MS 30000u
#define REST_BOUND_MS 7200000u
#define SLACK_MS 5400000u
#define LISTS_BOUND_MS 600000u

static struct process *next_process(struct world *world, uint64_t *ret_due_ms)
{
	struct process *next = NULL;
	*ret_due_ms = NEVER_MS;
	for (unsigned i = 0; i < world->n_processes; i++) {
		uint64_t due_ms = process_next_due_ms(&world->processes[i]);
		if (due_ms < *ret_due_ms) {
			*ret_due_ms = due_ms;
			next = &world->processes[i];
		}
	}
	return next;
}

/* Each sweeper looks at the jobs in good time, once nothing holds it up. */
static void check_sweepers(struct world *world)
{
	uint64_t since_ms = world->climate.faults_end_ms + SWEEP_BOUND_MS;
	for (unsigned i = 0; i < world->n_processes; i++) {
		const struct process *process = &world->processes[i];
		bool sweeps = process->is_up && process->is_active &&
		        (process->roles & (ROLE_ORCHESTRATOR | ROLE_INVOKER)) != 0;
		if (sweeps && world->now_ms > since_ms &&
		        world->now_ms - process->last_scan_ms > SWEEP_BOUND_MS) {
			world_violate(world, NULL, "luciusd %u does not sweep any more", i);
		}
	}
}

static void step(struct world *world)
{
	uint64_t process_due_ms;
	struct process *process = next_process(world, &process_due_ms);
	uint64_t queue_due_ms = world_next_due_ms(world);
	bool is_process = process != NULL && process_due_ms < queue_due_ms;
	uint64_t due_ms = is_process ? process_due_ms : queue_due_ms;
	world->now_ms = due_ms > world->now_ms ? due_ms : world->now_ms;
	if (is_process) {
		process_run(process);
	} else {
		world_run_next(world);
	}
	world->running = NULL;
	engine_check(world);
	if (++world->outcome->n_events > MAX_EVENTS) {
		world_violate(world, NULL, "it never comes to rest: %llu events",
		        (unsigned long long)MAX_EVENTS);
	}
}

static void run_until(struct world *world, uint64_t end_ms)
{
	while (!world_is_broken(world) && world->now_ms < end_ms) {
		step(world);
	}
}

/* The longest that a job may take once nothing fails any more. */
static uint64_t bound_ms(const struct world *world)
{
	const struct settings *settings = &world->processes[0].settings;
	uint64_t attempt_s = (uint64_t)settings->lease_minutes * 60 +
	        2 * (uint64_t)settings->step_result_timeout_seconds + 60;
	return (uint64_t)settings->max_attempts * 3 * attempt_s * 1000 + SLACK_MS;
}

static bool is_quiet(struct world *world)
{
	for (unsigned i = 0; i < world->n_lanes; i++) {
		const struct queue *queue = &world->bus->replies[i];
		for (const struct message *at = queue->dead; at != NULL; at = at->next) {
			if (at->dead_reason[0] == '\0') {
				return false;
			}
		}
		if (queue->messages != NULL) {
			return false;
		}
	}
	for (unsigned i = 0; i < world->n_processes; i++) {
		if (!process_is_idle(&world->processes[i])) {
			return false;
		}
	}
	return storage_count_slots(world) == 0;
}

static void read_lists(struct world *world)
{
	uint64_t end_ms = world->now_ms + LISTS_BOUND_MS;
	readers_come_to_rest(world);
	while (!world_is_broken(world) && world->n_walks_open != 0 && world->now_ms < end_ms) {
		step(world);
	}
	readers_check_rest(world);
}

static void come_to_rest(struct world *world)
{
	uint64_t end_ms = world->climate.faults_end_ms + bound_ms(world);
	client_calm(world);
	while (!world_is_broken(world) && world->now_ms < end_ms && !watch_all_terminal(world)) {
		run_until(world, world->now_ms + REST_EVERY_MS);
		check_sweepers(world);
	}
	end_ms = world->now_ms + REST_BOUND_MS;
	run_until(world, world->now_ms + world->climate.slow_ms * 3);
	while (!world_is_broken(world) && world->now_ms < end_ms && !is_quiet(world)) {
		run_until(world, world->now_ms + REST_EVERY_MS);
		check_sweepers(world);
	}
	if (world_is_broken(world)) {
		return;
	}
	watch_check_rest(world);
	engine_check_rest(world);
	bus_check_rest(world);
	if (storage_count_slots(world) != 0) {
		world_violate(world, NULL, "at rest a slot is still held");
	}
	for (unsigned i = 0; i < world->n_processes; i++) {
		process_check_rest(&world->processes[i]);
	}
	read_lists(world);
}

static void begin(struct world *world)
{
	struct sim_outcome *outcome = world->outcome;
	if (world->request.is_verbose) {
		world->log_file = open_memstream(&outcome->log, &world->log_size);
	}
	if (world->request.is_paired) {
		world->transitions_file =
		        open_memstream(&outcome->transitions, &world->transitions_size);
	}
	world->random.state = world->request.seed * UINT64_C(0x9e3779b97f4a7c15);
	(void)snprintf(world->protocols_file, sizeof(world->protocols_file),
	        "%s/etc/protocols.json", world->request.source_dir);
	world->token_random.state = world->request.seed + 77;
	network_prepare(world);
	bus_start(world);
	storage_server_start(world);
}

static void end(struct world *world)
{
	world->outcome->simulated_ms = world->now_ms;
	for (unsigned i = 0; i < world->n_processes; i++) {
		if (world->processes[i].is_up) {
			process_kill(&world->processes[i]);
		}
	}
	world_drop_queue(world);
	client_finish(world);
	if (world->tables_kind != NULL) {
		storage_finish_spectator(world);
		table_service_finish(world);
	}
	for (unsigned i = 0; i < world->n_processes; i++) {
		free(world->processes[i].table_options);
	}
	temporal_finish(world);
	engine_finish(world);
	watch_finish(world);
	bus_finish(world);
	storage_server_finish(world);
	if (world->log_file != NULL) {
		(void)fclose(world->log_file);
	}
	if (world->transitions_file != NULL) {
		(void)fclose(world->transitions_file);
	}
}

void sim_run(const struct sim_request *request, struct sim_outcome *ret_outcome)
{
	struct world *world = must_calloc(1, sizeof(*world));
	*ret_outcome = (struct sim_outcome){ 0 };
	world->request = *request;
	world->outcome = ret_outcome;
	log_set_level(LUCIUS_LOG_ERROR + 1);
	begin(world);
	world_make(world);
	run_until(world, world->climate.faults_end_ms);
	come_to_rest(world);
	end(world);
	free(world);
}

void sim_outcome_finish(struct sim_outcome *outcome)
{
	free(outcome->log);
	free(outcome->transitions);
}
