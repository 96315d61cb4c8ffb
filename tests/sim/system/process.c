/* SPDX-License-Identifier: MIT */
/*
 * The life of a simulated luciusd: made of the real service over backends of this world.
 *
 *   start: backends, service → service_start → on_started → service_listen → on_listening
 *   stop:  service_stop → on_service_stopped → backends, against the order → gone
 *   kill:  cut off from the world at once; what is left is then led to its end unseen
 */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/router.h"
#include "core/instance.h"
#include "core/ledger.h"
#include "core/loader.h"
#include "core/loop.h"
#include "core/service_internal.h"
#include "support/base/memory.h"
#include "tests/sim/system/scarce.h"
#include "tests/sim/system/table_service.h"
#include "tests/sim/system/world.h"

enum { ZOMBIE_STEP_MS = 1000, ZOMBIE_STEPS = 20000, N_BACKENDS = 3 };

static void tear_down(struct process *process);
static void cut_off(struct process *process);

/* What is planned for one life of a process is void in the next. */
struct life {
	struct process *process;
	unsigned number;
};

static struct life *life_of(struct process *process)
{
	struct life *life = must_calloc(1, sizeof(*life));
	*life = (struct life){ process, process->life };
	return life;
}

bool process_is_here(const struct process *process, unsigned life)
{
	return process->is_up && !process->is_zombie && process->life == life;
}

struct process *process_of_base(struct world *world, const struct event_base *base)
{
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct process *process = &world->processes[i];
		if (process->loop != NULL && loop_base(process->loop) == base) {
			return process;
		}
	}
	return world->spectator.loop != NULL && loop_base(world->spectator.loop) == base
	        ? &world->spectator
	        : NULL;
}

/* The process whose code has raised SIGTERM; the signal comes within the call. */
static struct process *volatile signalled;
static struct world *volatile signal_world;

static void on_sigterm(int number)
{
	(void)number;
	struct process *running = signal_world != NULL ? signal_world->running : NULL;
	if (running != NULL && !running->is_zombie) {
		signalled = running;
	}
}

static void on_due_stop(struct world *world, void *user)
{
	(void)world;
	struct process *process = user;
	if (process->is_up && process->is_dying) {
		process_stop(process);
	}
}

void process_enter(struct process *process)
{
	struct world *world = process->world;
	world->running = process;
	signal_world = world;
	uint64_t behind_ms = world->now_ms - process->loop_ms;
	bool was_stalled = process->stalled_until_ms != 0 && behind_ms != 0;
	process->loop_ms = world->now_ms;
	if (was_stalled) {
		process->stalled_until_ms = 0;
		loop_jump(process->loop, behind_ms);
	} else {
		loop_advance(process->loop, behind_ms);
	}
}

/* It has ended in the middle of something: what it was is left where it lies. */
static void bury(struct process *process)
{
	struct world *world = process->world;
	world_say(world, NULL, "luciusd %u has no memory", process->index);
	world->outcome->n_kills++;
	process->is_up = false;
	process->is_zombie = true;
	storage_bury_requests(process);
	bus_bury_process(process);
	network_bury_process(process);
	engine_bury_process(process);
	process->loop = NULL;
	process->service = NULL;
	process->storage = process->bus = process->workflow = NULL;
	process->is_zombie = false;
}

static void enter_and_settle(void *user)
{
	struct process *process = user;
	process_enter(process);
	loop_advance(process->loop, 0);
}

void process_run(struct process *process)
{
	struct world *world = process->world;
	if (!world->request.is_scarce || process->is_zombie) {
		enter_and_settle(process);
	} else if (!scarce_run(enter_and_settle, process)) {
		bury(process);
	}
	world->running = NULL;
	if (process->service != NULL && process->service->is_working != process->is_active) {
		process->is_active = process->service->is_working;
		process->last_scan_ms = world->now_ms;
	}
	if (signalled == process && !process->is_dying) {
		signalled = NULL;
		process->is_dying = true;
		world_at_with(world, 0, on_due_stop, process, NULL);
	}
}

uint64_t process_next_due_ms(const struct process *process)
{
	if (!process->is_up || process->is_zombie) {
		return NEVER_MS;
	}
	uint64_t due_in_ms = loop_due_in_ms(process->loop);
	if (due_in_ms == UINT64_MAX) {
		return NEVER_MS;
	}
	uint64_t due_ms = process->loop_ms + due_in_ms;
	return due_ms > process->stalled_until_ms ? due_ms : process->stalled_until_ms;
}

static struct backend *make_backend(struct process *process, const struct lucius_plugin *plugin)
{
	char error[512] = "";
	const struct backend_parts parts = {
		.loop = process->loop,
		.plugin = plugin,
		.options = process,
		.plugins_dir = process->world->request.plugins_dir,
	};
	struct backend *backend = backend_create(&parts, error, sizeof(error));
	if (backend == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	backend_start(backend, NULL);
	return backend;
}

static void make_memory(struct process *process)
{
	char error[512] = "";
	uint64_t seed = process->world->request.seed ^ 0x3e30;
	process->memory_loop = loop_create_simulated(seed, EPOCH_US);
	const struct backend_parts parts = {
		.loop = process->memory_loop,
		.plugin = loader_load(process->world->request.plugins_dir, LUCIUS_KIND_STORAGE,
		        "memory", error, sizeof(error)),
	};
	process->memory = backend_create(&parts, error, sizeof(error));
}

static void on_listening(void *user, uint32_t status, const char *sentence)
{
	struct process *process = user;
	if (status != LUCIUS_OK) {
		world_violate(process->world, NULL, "a process cannot listen: %s", sentence);
	}
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct process *process = user;
	if (status != LUCIUS_OK) {
		world_violate(process->world, NULL, "a process cannot start: %s", sentence);
		return;
	}
	service_listen(process->service, on_listening, process);
}

static void make_service(struct process *process)
{
	char error[1024] = "";
	uint32_t roles = process->roles;
	bool needs_bus = (roles & ROLE_INVOKER) != 0;
	bool needs_storage = roles != ROLE_WORKER;
	process->storage = !needs_storage             ? NULL
	        : process->world->tables_kind != NULL ? storage_make_tables(process)
	                                              : make_backend(process, &sim_storage_plugin);
	process->bus = needs_bus ? make_backend(process, &sim_bus_plugin) : NULL;
	process->workflow = make_backend(
	        process, process->world->is_temporal ? &sim_temporal_plugin : &sim_local_plugin);
	const struct service_parts parts = {
		.loop = process->loop,
		.settings = &process->settings,
		.storage = process->storage,
		.bus = process->bus,
		.workflow = process->workflow,
		.roles = roles,
	};
	process->service = service_create(&parts, error, sizeof(error));
	if (process->service == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
}

void process_start(struct process *process)
{
	struct world *world = process->world;
	static bool is_caught;
	if (!is_caught) {
		is_caught = true;
		(void)signal(SIGTERM, on_sigterm);
	}
	process->life++;
	process->is_up = true;
	process->is_zombie = false;
	process->is_dying = false;
	process->is_stopping = false;
	process->has_lost_name = false;
	process->is_active = false;
	process->stalled_until_ms = 0;
	uint64_t seed = world->request.seed * 1000003 + process->index * 10007 + process->life;
	process->loop = loop_create_simulated(
	        seed, EPOCH_US + (int64_t)world->now_ms * 1000 + process->skew_us);
	process->loop_ms = world->now_ms;
	if (!world->climate.is_storage_shared) {
		make_memory(process);
	}
	world->running = process;
	world_say(world, NULL, "starts");
	make_service(process);
	service_start(process->service, on_started, process);
	process_run(process);
}

/* Orderly stop */

static struct backend **backend_at(struct process *process, unsigned place)
{
	struct backend **all[N_BACKENDS] = { &process->storage, &process->bus, &process->workflow };
	return all[place];
}

struct stopping {
	struct process *process;
	unsigned n_left; /* backends */
};

static void stop_next(struct stopping *stopping);

static void on_torn(struct world *world, void *user)
{
	struct life life = *(struct life *)user;
	free(user);
	if (process_is_here(life.process, life.number)) {
		world_say(world, NULL, "luciusd %u has stopped", life.process->index);
		life.process->is_zombie = true;
		cut_off(life.process);
		tear_down(life.process);
	}
}

static void on_backend_stopped(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	stop_next(user);
}

static void stop_next(struct stopping *stopping)
{
	struct process *process = stopping->process;
	while (stopping->n_left > 0) {
		struct backend *backend = *backend_at(process, --stopping->n_left);
		if (backend != NULL) {
			const struct op_caller caller = { NULL, on_backend_stopped, stopping,
				OP_NO_DEADLINE };
			backend_stop(backend, &caller);
			return;
		}
	}
	free(stopping);
	if (!process->is_zombie) {
		world_at(process->world, 0, on_torn, life_of(process));
	}
}

static void on_service_stopped(void *user, uint32_t status, const char *sentence)
{
	(void)status;
	(void)sentence;
	stop_next(user);
}

static void begin_stop(struct process *process)
{
	struct stopping *stopping = must_calloc(1, sizeof(*stopping));
	stopping->process = process;
	stopping->n_left = N_BACKENDS;
	service_stop(process->service, on_service_stopped, stopping);
}

static void on_bound(struct world *world, void *user)
{
	struct life life = *(struct life *)user;
	free(user);
	if (process_is_here(life.process, life.number)) {
		world_say(world, NULL, "luciusd %u is stuck", life.process->index);
		process_kill(life.process);
	}
}

void process_stop(struct process *process)
{
	struct world *world = process->world;
	process->is_dying = true;
	process->is_stopping = true;
	process_enter(process);
	world_say(world, NULL, "stops");
	begin_stop(process);
	process_run(process);
	world_at(world, (uint64_t)process->settings.shutdown_seconds * 1000, on_bound,
	        life_of(process));
}

/* Death */

static bool has_open(const struct process *process)
{
	size_t n = 0;
	n += process->storage != NULL ? backend_n_open(process->storage) : 0;
	n += process->bus != NULL ? backend_n_open(process->bus) : 0;
	n += process->workflow != NULL ? backend_n_open(process->workflow) : 0;
	return n != 0;
}

static void cut_off(struct process *process)
{
	storage_drop_requests(process);
	storage_drop_claims(process);
	table_requests_drop(process);
	bus_drop_process(process);
	network_drop_process(process);
	engine_drop_process(process);
}

/* Frees all of it, which no part of the world sees. */
static void tear_down(struct process *process)
{
	struct world *world = process->world;
	world->running = process;
	for (unsigned i = 0; i < ZOMBIE_STEPS; i++) {
		loop_advance(process->loop, ZOMBIE_STEP_MS);
		if (i > 2 && !has_open(process) && loop_due_in_ms(process->loop) == UINT64_MAX) {
			break;
		}
	}
	service_destroy(steal(process->service));
	for (unsigned i = 0; i < N_BACKENDS; i++) {
		struct backend **backend = backend_at(process, i);
		if (backend_destroy(*backend) != 0) {
			fprintf(stderr, "seed %llu: '%s' is open at the end of luciusd %u\n",
			        (unsigned long long)world->request.seed,
			        backend_open_operation(*backend), process->index);
			abort();
		}
		*backend = NULL;
	}
	if (process->memory != NULL) {
		(void)backend_destroy(steal(process->memory));
		loop_destroy(steal(process->memory_loop));
		watch_memory_gone(world, process);
	}
	loop_destroy(steal(process->loop));
	process->is_up = false;
	process->is_zombie = false;
	world->running = NULL;
}

void process_kill(struct process *process)
{
	struct world *world = process->world;
	world_say(world, NULL, "luciusd %u is killed", process->index);
	process->is_zombie = true;
	world->running = process;
	cut_off(process);
	loop_advance(process->loop, 0);
	if (!process->is_stopping) {
		begin_stop(process);
	}
	tear_down(process);
}

bool process_is_idle(const struct process *process)
{
	const struct service *service = process->service;
	return !process->is_up ||
	        ((service->ledger == NULL || ledger_n_open(service->ledger) == 0) &&
	                (service->invoker == NULL || invoker_n_open(service->invoker) == 0) &&
	                service->api.n_open == 0);
}

void process_check_rest(struct process *process)
{
	struct world *world = process->world;
	if (!process->is_up) {
		return;
	}
	struct service *service = process->service;
	if (service->ledger != NULL && ledger_n_open(service->ledger) != 0) {
		world_violate(
		        world, NULL, "at rest luciusd %u still updates a job", process->index);
	}
	if (service->invoker != NULL && invoker_n_open(service->invoker) != 0) {
		world_violate(world, NULL, "at rest a call to the invoker of luciusd %u is open",
		        process->index);
	}
	if (service->api.n_open != 0) {
		world_violate(
		        world, NULL, "at rest a request to luciusd %u is open", process->index);
	}
}
