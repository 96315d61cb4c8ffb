#include "core/copy.h"
/* SPDX-License-Identifier: MIT */
#include "core/copy.h"
/* The storage of the rig: what no fate takes goes on to storage-memory. */
#include "core/copy.h"
#include <stdlib.h>

#include "core/copy.h"
#include "support/base/memory.h"
#include "tests/support/rig.h"

#include "core/copy.h"
struct storage {
#include "core/copy.h"
	const struct lucius_host *host;
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
/* One operation on its way to the store behind and back. */
#include "core/copy.h"
struct passing {
#include "core/copy.h"
	const struct lucius_host *host;
#include "core/copy.h"
	struct lucius_op op;
#include "core/copy.h"
	uint32_t operation;
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	(void)error;
#include "core/copy.h"
	(void)error_size;
#include "core/copy.h"
	storage->host = host;
#include "core/copy.h"
	return LUCIUS_OK;
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void stop(void *self, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	rig_end_all(storage->host);
#include "core/copy.h"
	lucius_finish(storage->host, op);
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void destroy(void *self)
#include "core/copy.h"
{
#include "core/copy.h"
	(void)self;
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void on_item(void *user, const void *item)
#include "core/copy.h"
{
#include "core/copy.h"
	struct passing *passing = user;
#include "core/copy.h"
	if (passing->operation == LUCIUS_OP_STORAGE_REPAIR && rig.repair_report != NULL) {
#include "core/copy.h"
		item = rig.repair_report;
#include "core/copy.h"
	}
#include "core/copy.h"
	passing->host->give(passing->host, passing->op, item);
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void on_done(void *user, uint32_t status, const char *sentence)
#include "core/copy.h"
{
#include "core/copy.h"
	struct passing *passing = user;
#include "core/copy.h"
	(void)sentence;
#include "core/copy.h"
	rig_finish(passing->host, passing->op, rig_outcome(passing->operation, status));
#include "core/copy.h"
	free(passing);
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static struct op_caller pass(struct storage *storage, uint32_t operation, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct passing *passing = must_calloc(1, sizeof(*passing));
#include "core/copy.h"
	*passing = (struct passing){ storage->host, op, operation };
#include "core/copy.h"
	return (struct op_caller){ on_item, on_done, passing, OP_NO_DEADLINE };
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void info(void *self, struct lucius_storage_info *info)
#include "core/copy.h"
{
#include "core/copy.h"
	(void)self;
#include "core/copy.h"
	info->traits = (rig.traits.is_shared ? LUCIUS_STORAGE_SHARED : 0) |
#include "core/copy.h"
	        (rig.traits.is_durable ? LUCIUS_STORAGE_DURABLE : 0);
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_CREATE, op, "create %s",
#include "core/copy.h"
	            command->job->tenant_id.data)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_CREATE, op);
#include "core/copy.h"
		CLEANUP_ARENA struct arena arena = { 0 };
#include "core/copy.h"
		storage_create(rig.memory, &arena, copy_command(&arena, command), &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void load(void *self, struct lucius_text job_id, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_LOAD, op, "load %s", job_id.data)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_LOAD, op);
#include "core/copy.h"
		storage_load(rig.memory, job_id, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void save(void *self, const struct lucius_job *job, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_SAVE, op, "save %s", job->state.data)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_SAVE, op);
#include "core/copy.h"
		CLEANUP_ARENA struct arena arena = { 0 };
#include "core/copy.h"
		storage_save(rig.memory, &arena, copy_job(&arena, job), &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void release(void *self, const struct lucius_job *job, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(
#include "core/copy.h"
	            storage->host, LUCIUS_OP_STORAGE_RELEASE, op, "release %s", job->job_id.data)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_RELEASE, op);
#include "core/copy.h"
		storage_release(rig.memory, job, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
/* What a backend gives that had to look at much and has found nothing yet. */
#include "core/copy.h"
static void give_gap(const struct storage *storage, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	const struct lucius_found gap = { sizeof(gap), NULL, { "gap", 3 } };
#include "core/copy.h"
	if (rig.has_gaps) {
#include "core/copy.h"
		storage->host->give(storage->host, op, &gap);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	const char *from = cursor.size != 0 ? "on" : "from the start";
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_SCAN, op, "scan %s", from)) {
#include "core/copy.h"
		give_gap(storage, op);
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_SCAN, op);
#include "core/copy.h"
		storage_scan(rig.memory, cursor, limit, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_REPAIR, op, "repair %llu",
#include "core/copy.h"
	            (unsigned long long)repair->retention_s)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_REPAIR, op);
#include "core/copy.h"
		storage_repair(rig.memory, repair, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	bool is_taken =
#include "core/copy.h"
	        rig_ask(storage->host, LUCIUS_OP_STORAGE_OWN, op, "own %s", ownership->name.data);
#include "core/copy.h"
	if (!is_taken) {
#include "core/copy.h"
		storage->host->give(storage->host, op, &ownership->name);
#include "core/copy.h"
		rig_stay_open(storage->host, op);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_LIST, op, "list %s %s %u",
#include "core/copy.h"
	            listing->tenant_id.data, listing->state.size != 0 ? listing->state.data : "any",
#include "core/copy.h"
	            listing->limit)) {
#include "core/copy.h"
		give_gap(storage, op);
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_LIST, op);
#include "core/copy.h"
		storage_list(rig.memory, listing, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static void events(void *self, struct lucius_text job_id, struct lucius_op op)
#include "core/copy.h"
{
#include "core/copy.h"
	struct storage *storage = self;
#include "core/copy.h"
	if (!rig_ask(storage->host, LUCIUS_OP_STORAGE_EVENTS, op, "events %s", job_id.data)) {
#include "core/copy.h"
		const struct op_caller caller = pass(storage, LUCIUS_OP_STORAGE_EVENTS, op);
#include "core/copy.h"
		storage_events(rig.memory, job_id, &caller);
#include "core/copy.h"
	}
#include "core/copy.h"
}
#include "core/copy.h"

#include "core/copy.h"
static const struct lucius_life life = {
#include "core/copy.h"
	.size = sizeof(life),
#include "core/copy.h"
	.instance_size = sizeof(struct storage),
#include "core/copy.h"
	.create = create,
#include "core/copy.h"
	.stop = stop,
#include "core/copy.h"
	.destroy = destroy,
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
static const struct lucius_storage table = {
#include "core/copy.h"
	.size = sizeof(table),
#include "core/copy.h"
	.info = info,
#include "core/copy.h"
	.create = create_job,
#include "core/copy.h"
	.load = load,
#include "core/copy.h"
	.save = save,
#include "core/copy.h"
	.release = release,
#include "core/copy.h"
	.scan = scan,
#include "core/copy.h"
	.repair = repair,
#include "core/copy.h"
	.own = own,
#include "core/copy.h"
	.list = list,
#include "core/copy.h"
	.events = events,
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
const struct lucius_plugin rig_storage_plugin = {
#include "core/copy.h"
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "rig"),
#include "core/copy.h"
	.version = "1",
#include "core/copy.h"
	.summary = "For tests.",
#include "core/copy.h"
	.life = &life,
#include "core/copy.h"
	.storage = &table,
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
/* It reads jobs by their names only. */
#include "core/copy.h"
static const struct lucius_storage plain_table = {
#include "core/copy.h"
	.size = sizeof(plain_table),
#include "core/copy.h"
	.info = info,
#include "core/copy.h"
	.create = create_job,
#include "core/copy.h"
	.load = load,
#include "core/copy.h"
	.save = save,
#include "core/copy.h"
	.release = release,
#include "core/copy.h"
	.scan = scan,
#include "core/copy.h"
	.repair = repair,
#include "core/copy.h"
	.own = own,
#include "core/copy.h"
};
#include "core/copy.h"

#include "core/copy.h"
const struct lucius_plugin rig_plain_storage_plugin = {
#include "core/copy.h"
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "plain"),
#include "core/copy.h"
	.version = "1",
#include "core/copy.h"
	.summary = "For tests.",
#include "core/copy.h"
	.life = &life,
#include "core/copy.h"
	.storage = &plain_table,
#include "core/copy.h"
};
