/* SPDX-License-Identifier: MIT */
/*
 * storage-sqlite: jobs in one file of this machine, durable without a server. This file is the
 * border to the daemon: options, life, and one short function for each operation.
 */
#include <lucius/storage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "support/base/memory_host.h"
#include "support/rows/cursor.h"

#define OWNER_MAX 255 /* bytes */

static const struct lucius_option option_rows[] = {
	{
	        .name = "sqlite-file",
	        .default_value = "/var/lib/lucius/jobs.db",
	        .summary = "The database file of storage sqlite; made if it is not there.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct sqlite_options, file),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct backend *backend = self;
	const struct sqlite_options *options = host->options;
	if (sqlite3_threadsafe() == 0) {
		(void)snprintf(error, error_size,
		        "SQLite %s was built without threads: use one that has them.",
		        sqlite3_libversion());
		return LUCIUS_DENIED;
	}
	if (options->file == NULL || options->file[0] == '\0') {
		(void)snprintf(error, error_size, "LUCIUS_SQLITE_FILE is empty: name a file.");
		return LUCIUS_DENIED;
	}
	memory_use_host(host);
	backend_init(backend, host);
	backend->commit_metric = host->metric(host,
	        &(struct lucius_metric_spec){
	                .size = sizeof(struct lucius_metric_spec),
	                .type = LUCIUS_METRIC_HISTOGRAM,
	                .name = "commit_seconds",
	                .help = "Time of a transaction, from its begin until it is on the disk.",
	        });
	backend->batch_metric = host->metric(host,
	        &(struct lucius_metric_spec){
	                .size = sizeof(struct lucius_metric_spec),
	                .type = LUCIUS_METRIC_HISTOGRAM,
	                .name = "commit_requests",
	                .help = "Changes that shared a transaction.",
	        });
	return LUCIUS_OK;
}

static void start(void *self, struct lucius_op op)
{
	backend_start(self, op);
}

static void stop(void *self, struct lucius_op op)
{
	backend_stop(self, op);
}

static void destroy(void *self)
{
	backend_finish(self);
}

static void health(void *self, struct lucius_op op)
{
	struct backend *backend = self;
	const struct lucius_host *host = backend->host;
	if (backend->state == FILE_OPEN) {
		lucius_finish(host, op);
		return;
	}
	struct lucius_text missing = { backend->options->file, strlen(backend->options->file) };
	host->give(host, op, &missing);
	lucius_fail(host, op, LUCIUS_UNAVAILABLE, backend->down_sentence);
}

static void info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	if (info->size >= offsetof(struct lucius_storage_info, traits) + sizeof(info->traits)) {
		info->traits = LUCIUS_STORAGE_SHARED | LUCIUS_STORAGE_DURABLE;
	}
}

/* A request for the operation; NULL: it has been refused. */
static struct request *accept(struct backend *backend, enum request_kind kind, struct lucius_op op)
{
	return backend_accepts(backend, op) ? request_create(kind, op) : NULL;
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_CREATE, op);
	if (request != NULL) {
		request->command = command;
		backend_push(self, request);
	}
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_LOAD, op);
	if (request != NULL) {
		request->job_id = job_id;
		backend_push(self, request);
	}
}

static void save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct backend *backend = self;
	struct request *request = accept(backend, REQUEST_SAVE, op);
	if (request != NULL) {
		request->job = job;
		request->now_us = backend->host->clock_us(backend->host);
		backend_push(backend, request);
	}
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_RELEASE, op);
	if (request != NULL) {
		request->job = job;
		backend_push(self, request);
	}
}

/* The serial that the cursor stands for, 0 for none; false: it is not of this file and scope. */
static bool read_cursor(const struct backend *backend, struct lucius_text cursor,
        struct lucius_text scope, int64_t *ret_position)
{
	char position[CURSOR_POSITION_MAX + 1] = "";
	if (cursor.size != 0 && !cursor_read(cursor, backend->salt, scope, position)) {
		return false;
	}
	*ret_position = (int64_t)strtoull(position, NULL, 16);
	return true;
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct backend *backend = self;
	struct request *request = accept(backend, REQUEST_SCAN, op);
	if (request == NULL) {
		return;
	}
	request->limit = limit;
	if (!read_cursor(backend, cursor, (struct lucius_text){ "scan", 4 }, &request->position)) {
		request_destroy(request);
		lucius_fail(backend->host, op, LUCIUS_INTERNAL,
		        "The cursor of a scan is none of this database's.");
		return;
	}
	backend_push(backend, request);
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_REPAIR, op);
	if (request != NULL) {
		request->repair = asked;
		backend_push(self, request);
	}
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct backend *backend = self;
	if (backend->is_stopping) {
		(void)backend_accepts(backend, op);
	} else if (asked->owner.size > OWNER_MAX) {
		lucius_fail(backend->host, op, LUCIUS_INTERNAL,
		        "The owner of a name is longer than 255 bytes.");
	} else {
		/* While the file cannot be used the claimant waits: that is what own is for. */
		ownership_ask(backend, asked, op);
	}
}

static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	struct backend *backend = self;
	struct request *request = accept(backend, REQUEST_LIST, op);
	if (request == NULL) {
		return;
	}
	request->listing = listing;
	if (!read_cursor(backend, listing->cursor, listing->tenant_id, &request->position)) {
		request_destroy(request);
		lucius_fail(backend->host, op, LUCIUS_CONFLICT, NULL);
		return;
	}
	backend_push(backend, request);
}

static void events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_EVENTS, op);
	if (request != NULL) {
		request->job_id = job_id;
		backend_push(self, request);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct backend),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

static const struct lucius_storage storage = {
	.size = sizeof(storage),
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

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "sqlite"),
	.version = LUCIUS_VERSION,
	.summary = "Keeps jobs in a database file of this machine, durable without a server.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct sqlite_options),
	.storage = &storage,
};
