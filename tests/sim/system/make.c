/* SPDX-License-Identifier: MIT */
/* Which world it is, how bad it is, and when its processes die: all from the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "tests/sim/system/table_service.h"
#include "tests/sim/system/world.h"

enum { SUPERVISE_EVERY_MS = 3000 };

/* A percentage that is none in two thirds of all worlds, so that each fault is also seen alone. */
static unsigned fault(struct world *world, unsigned highest)
{
	return world_is(world, 65) ? 0 : (unsigned)world_within(world, highest);
}

static void make_climate(struct world *world)
{
	struct climate *climate = &world->climate;
	static const uint64_t spans_ms[] = { 30000, 120000, 600000, 3600000 };
	*climate = (struct climate){
		.storage_refuses = fault(world, 30),
		.storage_loses_answer = fault(world, 30),
		.storage_is_slow = fault(world, 30),
		.bus_refuses = fault(world, 30),
		.bus_loses_answer = fault(world, 30),
		.lock_lost = fault(world, 30),
		.repeated = fault(world, 40),
		.bus_is_slow = fault(world, 40),
		.engine_refuses = fault(world, 30),
		.engine_loses_answer = fault(world, 20),
		.network_fails = fault(world, 30),
		.consumer_dead = fault(world, 50),
		.consumer_slow = fault(world, 60),
		.consumer_retries = fault(world, 70),
		.consumer_fails = fault(world, 30),
		.consumer_lies = fault(world, 40),
		.consumer_doubles = fault(world, 40),
		.consumer_skips_ack = fault(world, 50),
		.task_repeated = fault(world, 30),
		.faults_end_ms = spans_ms[world_within(world, 3)],
		.slow_ms = world_is(world, 50) ? 40000 : 1500000,
		.is_storage_shared = world_is(world, 80) || world->is_temporal,
		.is_bus_durable = world_is(world, 60),
		.has_kills = world_is(world, 50),
		.has_stalls = world_is(world, 25),
		.has_outages = world_is(world, 30),
		.has_skew = world_is(world, 30),
		.has_ends_from_outside = world_is(world, 20),
	};
}

/* Only what both engines must do alike: consumers as they like, everything else at its best. */
static void calm_down(struct world *world)
{
	struct climate *climate = &world->climate;
	*climate = (struct climate){
		.consumer_dead = climate->consumer_dead,
		.consumer_slow = climate->consumer_slow,
		.consumer_retries = climate->consumer_retries,
		.consumer_fails = climate->consumer_fails,
		.consumer_lies = climate->consumer_lies,
		.consumer_doubles = climate->consumer_doubles,
		.consumer_skips_ack = climate->consumer_skips_ack,
		.faults_end_ms = climate->faults_end_ms,
		.slow_ms = climate->slow_ms,
		.is_storage_shared = true,
		.is_bus_durable = true,
	};
}

static void make_settings(struct world *world, struct settings *settings)
{
	static const int64_t timeouts_s[] = { 30, 120, 900 };
	static const int64_t leases_min[] = { 1, 5, 15 };
	struct sim_random random = { world->request.seed ^ 0x5e77 };
	*settings = (struct settings){
		.role = "",
		.log_level = "info",
		.shutdown_seconds = 30,
		.http_listen = "127.0.0.1:0",
		.http_max_body_bytes = 1 << 20,
		.http_max_depth = 64,
		.http_request_seconds = 30,
		.http_idle_seconds = 60,
		.invoker_listen = "127.0.0.1:0",
		.protocols_file = world->protocols_file,
		.default_mode = "DEFAULT",
		.max_inflight_per_tenant = world->max_inflight,
		.retention_days = 30,
		.sweep_seconds = 30,
		.reply_dlq_seconds = 60 + (int64_t)sim_random_below(&random, 540),
		.own_lease_seconds = 15,
		.max_attempts = 1 + (int64_t)sim_random_below(&random, 3),
		.step_result_timeout_seconds = timeouts_s[sim_random_below(&random, 3)],
		.lease_minutes = leases_min[sim_random_below(&random, 3)],
		.retry_initial_seconds = 1,
		.retry_max_seconds = 60,
		.servicebus_lanes = world->n_lanes,
		.servicebus_reply_prefix = "global-bus-replies-p",
		.servicebus_reply_subscription = "lucius-invoker",
		.temporal_enabled = 1,
		.temporal_workflow_execution_timeout = sim_random_is(&random, 10) ? 600 : -1,
	};
}

/* Workers that have no invoker in their process ask those that are one. */
static void name_invokers(struct world *world)
{
	size_t size = 0;
	for (unsigned i = 0; i < world->n_processes; i++) {
		if ((world->processes[i].roles & ROLE_INVOKER) != 0) {
			size += (size_t)snprintf(world->invoker_urls + size,
			        sizeof(world->invoker_urls) - size, "%shttp://invoker-%u",
			        size != 0 ? "," : "", i);
		}
	}
}

static void make_processes(struct world *world)
{
	const uint32_t all = ROLE_ORCHESTRATOR | ROLE_WORKER | ROLE_INVOKER;
	world->n_processes = 1;
	if (world->climate.is_storage_shared && world->climate.is_bus_durable &&
	        !world->request.is_paired) {
		world->n_processes = 1 + (unsigned)world_within(world, 2);
	}
	bool is_split = world->is_temporal && world->climate.is_bus_durable &&
	        !world->request.is_paired && world_is(world, 40);
	for (unsigned i = 0; i < world->n_processes; i++) {
		world->processes[i].roles = all;
	}
	if (is_split) {
		world->n_processes = 4;
		world->processes[0].roles = ROLE_ORCHESTRATOR;
		world->processes[1].roles = ROLE_WORKER;
		world->processes[2].roles = ROLE_INVOKER;
		world->processes[3].roles = world_is(world, 50) ? ROLE_WORKER : ROLE_INVOKER;
	}
	name_invokers(world);
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct process *process = &world->processes[i];
		process->world = world;
		process->index = i;
		if (world->climate.has_skew) {
			process->skew_us = (int64_t)world_within(world, 2000) * 1000 - 1000000;
		}
		make_settings(world, &process->settings);
		if (process->roles == ROLE_WORKER) {
			process->settings.invoker_url = world->invoker_urls;
		}
	}
}

static void on_kill(struct world *world, void *user)
{
	struct process *process = user;
	if (!process->is_up || world_is_calm(world)) {
		return;
	}
	process->restart_ms =
	        world->now_ms + world_within(world, world_is(world, 30) ? 600000 : 20000);
	if (world_is(world, 25) && !process->is_stopping) {
		process_stop(process);
		return;
	}
	world->outcome->n_kills++;
	process_kill(process);
	if (!world->climate.is_bus_durable) {
		bus_forget(world);
	}
}

void world_stall(struct world *world, void *user)
{
	struct process *process = user;
	if (process->is_up && !world_is_calm(world)) {
		uint64_t ms = world_within(world, world_is(world, 50) ? 60000 : 8000);
		uint64_t left_ms = world->climate.faults_end_ms - world->now_ms;
		world_say(world, NULL, "luciusd %u stands still for %.1f s", process->index,
		        (double)ms / 1000);
		process->stalled_until_ms = world->now_ms + (ms < left_ms ? ms : left_ms);
	}
}

static void on_outage(struct world *world, void *user)
{
	(void)user;
	if (world_is_calm(world)) {
		return;
	}
	uint64_t ms = world_within(world, world->climate.faults_end_ms - world->now_ms);
	if (world_is(world, 50)) {
		bus_begin_outage(world, ms, world_is(world, 50));
	} else {
		world_say(
		        world, NULL, "bus: nobody takes directives for %.1f s", (double)ms / 1000);
		world->bus->unroutable_until_ms = world->now_ms + ms;
	}
}

/* What is down for no longer than planned is started again. */
static void on_supervise(struct world *world, void *user)
{
	(void)user;
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct process *process = &world->processes[i];
		bool is_due = world->now_ms >= process->restart_ms || world_is_calm(world);
		if (!process->is_up && is_due) {
			if (!world->climate.is_bus_durable) {
				bus_forget(world);
			}
			process_start(process);
		}
	}
	world_at(world, SUPERVISE_EVERY_MS, on_supervise, NULL);
}

static void plan_faults(struct world *world)
{
	uint64_t end_ms = world->climate.faults_end_ms;
	uint64_t n_kills = world->climate.has_kills && world->climate.is_storage_shared
	        ? 1 + world_within(world, 5)
	        : 0;
	uint64_t n_stalls = world->climate.has_stalls ? 1 + world_within(world, 3) : 0;
	for (uint64_t i = 0; i < n_kills; i++) {
		struct process *process =
		        &world->processes[world_within(world, world->n_processes - 1)];
		world_at_with(world, world_within(world, end_ms), on_kill, process, NULL);
	}
	for (uint64_t i = 0; i < n_stalls; i++) {
		struct process *process =
		        &world->processes[world_within(world, world->n_processes - 1)];
		world_at_with(world, world_within(world, end_ms), world_stall, process, NULL);
	}
	if (world->climate.has_ends_from_outside && world->is_temporal) {
		temporal_plan_ends(world);
	}
	if (world->climate.has_outages) {
		world_at_with(world, world_within(world, end_ms), on_outage, NULL, NULL);
	}
}

/* Shared storage is a server without a name, or one of the backends on a Table service. */
static void choose_storage(struct world *world)
{
	static const char *const kinds[] = { NULL, NULL, "table", "ledger" };
	const char *kind = kinds[world_within(world, 3)];
	if (world->request.wants_tables) {
		kind = kinds[2 + world->request.seed % 2];
	}
	if (world->request.wants_lists && !world->request.wants_tables) {
		kind = kinds[1 + world->request.seed % 3];
	}
	if (world->request.has_tables && world->climate.is_storage_shared &&
	        !world->request.is_scarce) {
		world->tables_kind = kind;
	}
	world_say(world, NULL, "the storage is %s",
	        world->tables_kind != NULL ? world->tables_kind : "a server or memory");
	if (world->tables_kind != NULL) {
		table_service_start(world);
		table_requests_start(world);
		storage_start_spectator(world);
	}
}

void world_make(struct world *world)
{
	world->is_temporal = world->request.wants_sweeps ||
	        world->request.engine == SIM_ENGINE_TEMPORAL ||
	        (world->request.engine == SIM_ENGINE_ANY && world_is(world, 50));
	make_climate(world);
	world->climate.is_storage_shared |=
	        world->request.wants_tables | world->request.wants_sweeps;
	world->climate.has_ends_from_outside |= world->request.wants_sweeps;
	if (world->request.is_paired) {
		calm_down(world);
	}
	world->max_inflight = world_is(world, 70) ? 100 : 1 + (unsigned)world_within(world, 2);
	world->max_deliveries = world_is(world, 50) ? 10 : 1 + (unsigned)world_within(world, 3);
	world->n_lanes = world_is(world, 90) ? 1 + (unsigned)world_within(world, 2) : MAX_LANES;
	make_processes(world);
	choose_storage(world);
	if (world->is_temporal) {
		temporal_start_service(world);
	}
	for (unsigned i = 0; i < world->n_processes; i++) {
		process_start(&world->processes[i]);
	}
	client_plan(world);
	readers_plan(world);
	plan_faults(world);
	world_at(world, SUPERVISE_EVERY_MS, on_supervise, NULL);
}
