/* SPDX-License-Identifier: MIT */
/*
 * The storage that the processes have: real storage-memory, beyond a network that loses requests,
 * answers and time, and (where it is shared) outliving them all. What it commits is watched.
 *
 *   ask → (on its way) → arrive: the store does it → (on its way) → answer
 *
 * A request of a process that dies goes on: it may be done all the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/copy.h"
#include "core/loader.h"
#include "core/loop.h"
#include "core/op.h"
#include "core/op_contract.h"
#include "support/base/memory.h"
#include "tests/sim/system/scarce.h"
#include "tests/sim/system/world.h"
#include "tests/support/copy_command.h"

struct store_item {
	struct store_item *next;
	void *thing;
};

enum fate { FATE_DONE, FATE_REFUSED, FATE_LOST, FATE_ANSWER_LOST };

struct store_request {
	struct store_request *next, **link; /* among the process's; link NULL: not there any more */
	struct process *process;
	unsigned life;
	const struct lucius_host *host;
	struct lucius_op op;
	uint32_t operation;
	enum fate fate;
	struct arena arena;
	const void *argument;
	struct lucius_text text;
	uint32_t limit;
	struct store_item *items, **last_item;
	uint32_t status;
	const char *sentence;
	char job_id[33];
};

struct storage {
	const struct lucius_host *host;
	struct process *process;
};

static struct loop *loop_of(struct process *process)
{
	if (process->world->tables_kind != NULL) {
		return process->world->spectator.loop;
	}
	return process->memory != NULL ? process->memory_loop : process->world->server.loop;
}

static struct backend *backend_of(struct process *process)
{
	if (process->world->tables_kind != NULL) {
		return process->world->spectator.storage;
	}
	return process->memory != NULL ? process->memory : process->world->server.backend;
}

static void destroy(void *user)
{
	struct store_request *request = user;
	arena_finish(&request->arena);
	free(request);
}

static void unlink_request(struct store_request *request)
{
	if (request->link != NULL) {
		*request->link = request->next;
		if (request->next != NULL) {
			request->next->link = request->link;
		}
		request->link = NULL;
	}
}

static void on_item(void *user, const void *thing)
{
	struct store_request *request = user;
	struct store_item *item = arena_zalloc(&request->arena, sizeof(*item));
	item->thing = op_contract(request->operation)->copy(&request->arena, thing);
	*request->last_item = item;
	request->last_item = &item->next;
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct store_request *request = user;
	request->status = status;
	request->sentence =
	        sentence != NULL ? arena_copy(&request->arena, sentence, strlen(sentence)) : NULL;
}

static void pass_on(void *user)
{
	struct store_request *request = user;
	struct backend *backend = backend_of(request->process);
	const struct op_caller caller = { on_item, on_done, request, OP_NO_DEADLINE };
	CLEANUP_ARENA struct arena arena = { 0 };
	switch (request->operation) {
	case LUCIUS_OP_STORAGE_CREATE:
		storage_create(backend, &arena, copy_command(&arena, request->argument), &caller);
		break;
	case LUCIUS_OP_STORAGE_LOAD:
		storage_load(backend, request->text, &caller);
		break;
	case LUCIUS_OP_STORAGE_SAVE:
		storage_save(backend, &arena, copy_job(&arena, request->argument), &caller);
		break;
	case LUCIUS_OP_STORAGE_RELEASE:
		storage_release(backend, request->argument, &caller);
		break;
	case LUCIUS_OP_STORAGE_SCAN:
		storage_scan(backend, request->text, request->limit, &caller);
		break;
	case LUCIUS_OP_STORAGE_REPAIR:
		storage_repair(backend, request->argument, &caller);
		break;
	case LUCIUS_OP_STORAGE_LIST:
		storage_list(backend, request->argument, &caller);
		break;
	default:
		storage_events(backend, request->text, &caller);
		break;
	}
	loop_advance(loop_of(request->process), 0);
}

static void watch(struct store_request *request)
{
	struct world *world = request->process->world;
	if (request->status != LUCIUS_OK) {
		return;
	}
	if (request->operation == LUCIUS_OP_STORAGE_CREATE) {
		const struct lucius_command *command = request->argument;
		watch_created(world, request->process, request->job_id,
		        command->idempotency_key.size != 0);
	} else if (request->operation == LUCIUS_OP_STORAGE_SAVE) {
		watch_saved(world, request->process, request->job_id);
	} else if (request->operation == LUCIUS_OP_STORAGE_RELEASE) {
		watch_released(world, request->process, request->job_id);
	}
}

/* So that what it does next rests on what it has read a while ago. */
static void stall_soon(struct process *process)
{
	struct world *world = process->world;
	if (world->request.wants_sweeps && !world_is_calm(world) && world_is(world, 30)) {
		world_at_with(world, world_within(world, 300), world_stall, process, NULL);
	}
}

/* The store does it, now. */
static void execute(struct store_request *request)
{
	struct world *world = request->process->world;
	struct process *running = world->running;
	struct loop *loop = loop_of(request->process);
	int64_t behind_us = EPOCH_US + (int64_t)world->now_ms * 1000 - loop_clock_us(loop);
	loop_advance(loop, behind_us > 0 ? (uint64_t)behind_us / 1000 : 0);
	if (!world->request.is_scarce) {
		pass_on(request);
	} else if (!scarce_run(pass_on, request)) {
		world_violate(world, request->job_id, "the storage has no memory");
	}
	if (request->operation == LUCIUS_OP_STORAGE_SCAN) {
		request->process->scanned_ms = world->now_ms;
		stall_soon(request->process);
	}
	watch(request);
	world->running = running;
}

static void finish(struct store_request *request)
{
	struct lucius_op op = request->op;
	unlink_request(request);
	bool is_told = request->fate == FATE_DONE;
	for (struct store_item *item = request->items; item != NULL && is_told; item = item->next) {
		request->host->give(request->host, op, item->thing);
	}
	request->host->finish(request->host, op, request->status, request->sentence);
	destroy(request);
}

static void answer(struct world *world, void *user)
{
	struct store_request *request = user;
	struct process *process = request->process;
	if (request->link == NULL) {
		destroy(request);
		return;
	}
	if (process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, answer, request, destroy);
		return;
	}
	process_enter(process);
	if (request->link != NULL) {
		finish(request);
	} else {
		destroy(request);
	}
	process_run(process);
}

static void arrive(struct world *world, void *user)
{
	struct store_request *request = user;
	if (request->fate == FATE_REFUSED) {
		request->status = LUCIUS_UNAVAILABLE;
	} else if (request->fate == FATE_LOST) {
		request->status = LUCIUS_UNKNOWN;
	} else {
		execute(request);
	}
	if (request->fate == FATE_ANSWER_LOST) {
		world_say(world, request->job_id, "store: %s was done (%s), the answer is lost",
		        op_contract(request->operation)->name, status_name(request->status));
		request->status = LUCIUS_UNKNOWN;
		request->sentence = NULL;
	}
	world_at_with(world, world_latency(world, world->climate.storage_is_slow), answer, request,
	        destroy);
}

static enum fate choose_fate(struct world *world)
{
	if (world_fails(world, world->climate.storage_refuses)) {
		return world_is(world, 70) ? FATE_REFUSED : FATE_LOST;
	}
	return world_fails(world, world->climate.storage_loses_answer) ? FATE_ANSWER_LOST
	                                                               : FATE_DONE;
}

static struct store_request *make(struct storage *storage, uint32_t operation, struct lucius_op op)
{
	struct store_request *request = must_calloc(1, sizeof(*request));
	request->process = storage->process;
	request->life = storage->process->life;
	request->host = storage->host;
	request->op = op;
	request->operation = operation;
	request->last_item = &request->items;
	return request;
}

static void name_job(struct store_request *request, struct lucius_text job_id)
{
	size_t size = job_id.size < 32 ? job_id.size : 32;
	memcpy(request->job_id, job_id.data, size);
}

static void send(struct store_request *request)
{
	struct process *process = request->process;
	struct world *world = process->world;
	if (process->is_zombie) {
		request->host->finish(request->host, request->op, LUCIUS_UNAVAILABLE, "gone");
		destroy(request);
		return;
	}
	request->link = &process->requests;
	request->next = process->requests;
	if (request->next != NULL) {
		request->next->link = &request->next;
	}
	process->requests = request;
	if (process->memory != NULL) {
		execute(request);
		finish(request);
		return;
	}
	request->fate = choose_fate(world);
	world_at_with(world, world_latency(world, world->climate.storage_is_slow), arrive, request,
	        destroy);
}

void storage_drop_requests(struct process *process)
{
	while (process->requests != NULL) {
		struct store_request *request = process->requests;
		unlink_request(request);
		request->host->finish(request->host, request->op, LUCIUS_UNAVAILABLE, "gone");
	}
}

void storage_bury_requests(struct process *process)
{
	while (process->requests != NULL) {
		unlink_request(process->requests);
	}
	process->claims = NULL;
}

/* The operations */

static void info(void *self, struct lucius_storage_info *info)
{
	const struct storage *storage = self;
	info->traits = storage->process->memory != NULL
	        ? 0
	        : LUCIUS_STORAGE_SHARED | LUCIUS_STORAGE_DURABLE;
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_CREATE, op);
	request->argument = copy_command(&request->arena, command);
	name_job(request, command->job->job_id);
	send(request);
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_LOAD, op);
	request->text = copy_text(&request->arena, job_id);
	name_job(request, job_id);
	send(request);
}

static void save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_SAVE, op);
	request->argument = copy_job(&request->arena, job);
	name_job(request, job->job_id);
	send(request);
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_RELEASE, op);
	request->argument = copy_job(&request->arena, job);
	name_job(request, job->job_id);
	send(request);
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct storage *storage = self;
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_SCAN, op);
	request->text = copy_text(&request->arena, cursor);
	request->limit = limit;
	storage->process->last_scan_ms = storage->process->world->now_ms;
	send(request);
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_REPAIR, op);
	request->argument = copy_repair(&request->arena, asked);
	send(request);
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct storage *storage = self;
	storage_claim_name(storage->process, storage->host, asked, op);
}

static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_LIST, op);
	request->argument = copy_listing(&request->arena, listing);
	send(request);
}

static void events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct store_request *request = make(self, LUCIUS_OP_STORAGE_EVENTS, op);
	request->text = copy_text(&request->arena, job_id);
	send(request);
}

/* What the watchers ask, past the network. */

static void on_peeked(void *user, const void *item)
{
	struct job **job = user;
	job_destroy(*job);
	*job = job_decode(item);
}

struct job *storage_peek(struct process *process, const char *job_id)
{
	struct job *job = NULL;
	const struct op_caller caller = { on_peeked, NULL, &job, OP_NO_DEADLINE };
	storage_load(backend_of(process), (struct lucius_text){ job_id, strlen(job_id) }, &caller);
	loop_advance(loop_of(process), 0);
	return job;
}

static void on_counted(void *user, const void *item)
{
	*(size_t *)user += ((const struct lucius_found *)item)->job != NULL ? 1 : 0;
}

size_t storage_count_slots(struct world *world)
{
	size_t n = 0;
	for (unsigned i = 0; i < world->n_processes; i++) {
		struct process *process = &world->processes[i];
		const struct op_caller caller = { on_counted, NULL, &n, OP_NO_DEADLINE };
		if (process->is_up && (process->memory != NULL || i == 0)) {
			storage_scan(backend_of(process), (struct lucius_text){ 0 }, 1000, &caller);
			loop_advance(loop_of(process), 0);
		}
	}
	return n;
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct storage *storage = self;
	(void)error;
	(void)error_size;
	storage->host = host;
	storage->process = (struct process *)(uintptr_t)host->options;
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	struct storage *storage = self;
	storage_drop_requests(storage->process);
	storage_drop_claims(storage->process);
	lucius_finish(storage->host, op);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct storage),
	.create = create,
	.stop = stop,
};

static const struct lucius_storage table = {
	.size = sizeof(table),
	.info = info,
	.create = create_job,
	.load = load,
	.save = save,
	.release = release,
	.scan = scan,
	.repair = repair,
	.own = own,
	.list = list,
	.events = events,
};

const struct lucius_plugin sim_storage_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "sim"),
	.version = LUCIUS_VERSION,
	.summary = "A storage of the simulated world.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.storage = &table,
};

/* The defaults of the plugin's rows; what is required is the connection. */
static void *fill_options(const struct lucius_plugin *plugin)
{
	char *options = must_calloc(1, plugin->options_size);
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		const struct lucius_option *row = &plugin->options[i];
		void *member = options + row->offset;
		const char *text = row->default_value;
		if ((row->flags & LUCIUS_OPTION_REQUIRED) != 0) {
			text = "UseDevelopmentStorage=true";
		}
		if (row->type == LUCIUS_OPTION_INTEGER) {
			*(int64_t *)member = text != NULL ? strtoll(text, NULL, 10) : 0;
		} else if (row->type != LUCIUS_OPTION_BOOLEAN) {
			*(const char **)member = text;
		}
	}
	return options;
}

struct backend *storage_make_tables(struct process *process)
{
	char error[512] = "";
	struct world *world = process->world;
	const struct lucius_plugin *plugin = loader_load(world->request.plugins_dir,
	        LUCIUS_KIND_STORAGE, world->tables_kind, error, sizeof(error));
	if (plugin == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	free(process->table_options);
	process->table_options = fill_options(plugin);
	const struct backend_parts parts = {
		.loop = process->loop,
		.plugin = plugin,
		.options = process->table_options,
	};
	struct backend *backend = backend_create(&parts, error, sizeof(error));
	if (backend == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	(void)backend_start(backend, NULL);
	return backend;
}

void storage_start_spectator(struct world *world)
{
	struct process *spectator = &world->spectator;
	spectator->world = world;
	spectator->is_spectator = true;
	spectator->loop = loop_create_simulated(world->request.seed, EPOCH_US);
	spectator->storage = storage_make_tables(spectator);
	loop_advance(spectator->loop, 0);
}

void storage_finish_spectator(struct world *world)
{
	struct process *spectator = &world->spectator;
	(void)backend_stop(spectator->storage, NULL);
	loop_advance(spectator->loop, 60000);
	(void)backend_destroy(spectator->storage);
	loop_destroy(spectator->loop);
	free(spectator->table_options);
}

void storage_server_start(struct world *world)
{
	char error[512] = "";
	struct server *server = &world->server;
	server->loop = loop_create_simulated(world->request.seed ^ 0x5707a6e, EPOCH_US);
	const struct backend_parts parts = {
		.loop = server->loop,
		.plugin = loader_load(world->request.plugins_dir, LUCIUS_KIND_STORAGE, "memory",
		        error, sizeof(error)),
	};
	if (parts.plugin == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	server->backend = backend_create(&parts, error, sizeof(error));
}

void storage_server_finish(struct world *world)
{
	(void)backend_destroy(world->server.backend);
	loop_destroy(world->server.loop);
}
