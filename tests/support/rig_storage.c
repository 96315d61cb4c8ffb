/* SPDX-License-Identifier: MIT */
/* The storage of the rig: what no fate takes goes on to storage-memory. */
#include <stdlib.h>

#include "support/base/memory.h"
#include "tests/support/copy_command.h"
#include "tests/support/rig.h"

struct storage {
	const struct lucius_host *host;
};

/* One operation on its way to the store behind and back. */
struct passing {
	const struct lucius_host *host;
	struct lucius_op op;
	uint32_t operation;
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct storage *storage = self;
	(void)error;
	(void)error_size;
	storage->host = host;
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	struct storage *storage = self;
	rig_end_all(storage->host);
	lucius_finish(storage->host, op);
}

static void destroy(void *self)
{
	(void)self;
}

static void on_item(void *user, const void *item)
{
	struct passing *passing = user;
	if (passing->operation == LUCIUS_OP_STORAGE_REPAIR && rig.repair_report != NULL) {
		item = rig.repair_report;
	}
	passing->host->give(passing->host, passing->op, item);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct passing *passing = user;
	(void)sentence;
	rig_finish(passing->host, passing->op, rig_outcome(passing->operation, status));
	free(passing);
}

static struct op_caller pass(struct storage *storage, uint32_t operation, struct lucius_op op)
{
	struct passing *passing = must_calloc(1, sizeof(*passing));
	*passing = (struct passing){ storage->host, op, operation };
	return (struct op_caller){ on_item, on_done, passing, OP_NO_DEADLINE };
}

static void info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	info->traits = (rig.traits.is_shared ? LUCIUS_STORAGE_SHARED : 0) |
	        (rig.traits.is_durable ? LUCIUS_STORAGE_DURABLE : 0);
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_CREATE, op, "create %s",
	            command->job->tenant_id.data)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_CREATE, op);
		CLEANUP_ARENA struct arena arena = { 0 };
		storage_create(rig.memory, &arena, copy_command(&arena, command), &caller);
	}
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_LOAD, op, "load %s", job_id.data)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_LOAD, op);
		storage_load(rig.memory, job_id, &caller);
	}
}

static void save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_SAVE, op, "save %s", job->state.data)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_SAVE, op);
		CLEANUP_ARENA struct arena arena = { 0 };
		storage_save(rig.memory, &arena, copy_job(&arena, job), &caller);
	}
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(
	            storage->host, LUCIUS_OP_STORAGE_RELEASE, op, "release %s", job->job_id.data)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_RELEASE, op);
		storage_release(rig.memory, job, &caller);
	}
}

/* What a backend gives that had to look at much and has found nothing yet. */
static void give_gap(const struct storage *storage, struct lucius_op op)
{
	const struct lucius_found gap = { sizeof(gap), NULL, { "gap", 3 } };
	if (rig.has_gaps) {
		storage->host->give(storage->host, op, &gap);
	}
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct storage *storage = self;
	const char *from = cursor.size != 0 ? "on" : "from the start";
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_SCAN, op, "scan %s", from)) {
		give_gap(storage, op);
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_SCAN, op);
		storage_scan(rig.memory, cursor, limit, &caller);
	}
}

static void repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_REPAIR, op, "repair %llu",
	            (unsigned long long)repair->retention_s)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_REPAIR, op);
		storage_repair(rig.memory, repair, &caller);
	}
}

static void own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	struct storage *storage = self;
	bool is_taken =
	        rig_ask(storage->host, LUCIUS_OP_STORAGE_OWN, op, "own %s", ownership->name.data);
	if (!is_taken) {
		storage->host->give(storage->host, op, &ownership->name);
		rig_stay_open(storage->host, op);
	}
}

static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_LIST, op, "list %s %s %u",
	            listing->tenant_id.data, listing->state.size != 0 ? listing->state.data : "any",
	            listing->limit)) {
		give_gap(storage, op);
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_LIST, op);
		storage_list(rig.memory, listing, &caller);
	}
}

static void events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct storage *storage = self;
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_EVENTS, op, "events %s", job_id.data)) {
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_EVENTS, op);
		storage_events(rig.memory, job_id, &caller);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct storage),
	.create = create,
	.stop = stop,
	.destroy = destroy,
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

const struct lucius_plugin rig_storage_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "rig"),
	.version = "1",
	.summary = "For tests.",
	.life = &life,
	.storage = &table,
};

/* It reads jobs by their names only. */
static const struct lucius_storage plain_table = {
	.size = sizeof(plain_table),
	.info = info,
	.create = create_job,
	.load = load,
	.save = save,
	.release = release,
	.scan = scan,
	.repair = repair,
	.own = own,
};

const struct lucius_plugin rig_plain_storage_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "plain"),
	.version = "1",
	.summary = "For tests.",
	.life = &life,
	.storage = &plain_table,
};
