/* SPDX-License-Identifier: MIT */
/* The operations of a storage: opened, arguments copied, handed to the plugin. */
#include "core/copy.h"
#include "core/instance.h"

static const struct lucius_storage *table_of(const struct backend *backend)
{
	return backend->plugin->storage;
}

struct lucius_storage_info storage_info(struct backend *storage)
{
	struct lucius_storage_info info = { .size = sizeof(info) };
	if (LUCIUS_HAS(table_of(storage), info)) {
		table_of(storage)->info(storage->self, &info);
	}
	return info;
}

int storage_has_list(const struct backend *storage)
{
	return LUCIUS_HAS(table_of(storage), list);
}

int storage_has_events(const struct backend *storage)
{
	return LUCIUS_HAS(table_of(storage), events);
}

struct lucius_op storage_create(struct backend *storage, struct arena *arena,
        const struct lucius_command *command, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_CREATE, true, caller, &handle);
	if (op != NULL) {
		arena_take_over(&op->arguments, arena);
		table_of(storage)->create(storage->self, command, handle);
		backend_left(storage, LUCIUS_OP_STORAGE_CREATE);
	}
	return handle;
}

struct lucius_op storage_load(
        struct backend *storage, struct lucius_text job_id, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_LOAD, true, caller, &handle);
	if (op != NULL) {
		table_of(storage)->load(storage->self, copy_text(&op->arguments, job_id), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_LOAD);
	}
	return handle;
}

struct lucius_op storage_save(struct backend *storage, struct arena *arena,
        const struct lucius_job *job, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_SAVE, true, caller, &handle);
	if (op != NULL) {
		arena_take_over(&op->arguments, arena);
		table_of(storage)->save(storage->self, job, handle);
		backend_left(storage, LUCIUS_OP_STORAGE_SAVE);
	}
	return handle;
}

struct lucius_op storage_release(
        struct backend *storage, const struct lucius_job *job, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_RELEASE, true, caller, &handle);
	if (op != NULL) {
		table_of(storage)->release(storage->self, copy_job(&op->arguments, job), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_RELEASE);
	}
	return handle;
}

struct lucius_op storage_scan(struct backend *storage, struct lucius_text cursor, uint32_t limit,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_SCAN, true, caller, &handle);
	if (op != NULL) {
		table_of(storage)->scan(
		        storage->self, copy_text(&op->arguments, cursor), limit, handle);
		backend_left(storage, LUCIUS_OP_STORAGE_SCAN);
	}
	return handle;
}

struct lucius_op storage_repair(
        struct backend *storage, const struct lucius_repair *repair, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_REPAIR, true, caller, &handle);
	if (op != NULL) {
		table_of(storage)->repair(
		        storage->self, copy_repair(&op->arguments, repair), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_REPAIR);
	}
	return handle;
}

struct lucius_op storage_own(struct backend *storage, const struct lucius_ownership *ownership,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(storage, LUCIUS_OP_STORAGE_OWN, true, caller, &handle);
	if (op != NULL) {
		table_of(storage)->own(
		        storage->self, copy_ownership(&op->arguments, ownership), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_OWN);
	}
	return handle;
}

struct lucius_op storage_list(struct backend *storage, const struct lucius_listing *listing,
        const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(
	        storage, LUCIUS_OP_STORAGE_LIST, storage_has_list(storage), caller, &handle);
	if (op != NULL) {
		table_of(storage)->list(
		        storage->self, copy_listing(&op->arguments, listing), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_LIST);
	}
	return handle;
}

struct lucius_op storage_events(
        struct backend *storage, struct lucius_text job_id, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(
	        storage, LUCIUS_OP_STORAGE_EVENTS, storage_has_events(storage), caller, &handle);
	if (op != NULL) {
		table_of(storage)->events(storage->self, copy_text(&op->arguments, job_id), handle);
		backend_left(storage, LUCIUS_OP_STORAGE_EVENTS);
	}
	return handle;
}
