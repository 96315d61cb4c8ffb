/* SPDX-License-Identifier: MIT */
/*
 * storage-memory: jobs in the memory of the process, gone with it. This file is the border to the
 * daemon: options, life, and one short function for each operation; the store does the work.
 */
#include <lucius/storage.h>

#include <stdio.h>
#include <stdlib.h>

#include "plugins/storage-memory/ownership.h"
#include "plugins/storage-memory/pages.h"
#include "plugins/storage-memory/store.h"
#include "support/base/memory_host.h"

struct memory_options {
	int64_t max_jobs;
	int64_t max_events;
};

static const struct lucius_option option_rows[] = {
	{
	        .name = "memory-max-jobs",
	        .default_value = "100000",
	        .unit = "jobs",
	        .summary = "Jobs that storage memory keeps; over it the oldest that ended go.",
	        .min = 1,
	        .max = 10000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct memory_options, max_jobs),
	},
	{
	        .name = "memory-max-events",
	        .default_value = "1000",
	        .unit = "events",
	        .summary = "Events that storage memory keeps of a job; over it the oldest go.",
	        .min = 1,
	        .max = 1000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct memory_options, max_events),
	},
};

struct memory {
	const struct lucius_host *host; /* borrowed */
	struct lucius_metric *jobs_metric; /* borrowed, as the next */
	struct lucius_metric *evicted_metric;
	uint64_t n_evicted_told; /* of store.n_evicted, already in the metric */
	struct store store;
	struct ownership ownership;
	bool is_stopped;
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct memory *memory = self;
	const struct memory_options *options = host->options;
	(void)error;
	(void)error_size;
	memory_use_host(host);
	memory->host = host;
	memory->ownership.host = host;
	unsigned char random[24];
	host->random(host, random, sizeof(random));
	store_init(&memory->store, random);
	memory->store.max_jobs = (size_t)options->max_jobs;
	memory->store.max_events = (uint32_t)options->max_events;
	memory->jobs_metric = host->metric(host,
	        &(struct lucius_metric_spec){
	                .size = sizeof(struct lucius_metric_spec),
	                .type = LUCIUS_METRIC_GAUGE,
	                .name = "jobs",
	                .help = "Jobs kept in memory.",
	        });
	memory->evicted_metric = host->metric(host,
	        &(struct lucius_metric_spec){
	                .size = sizeof(struct lucius_metric_spec),
	                .type = LUCIUS_METRIC_COUNTER,
	                .name = "evicted",
	                .help = "Jobs that ended and were removed to make room.",
	        });
	return LUCIUS_OK;
}

static void stop(void *self, struct lucius_op op)
{
	struct memory *memory = self;
	memory->is_stopped = true;
	ownership_stop(&memory->ownership);
	lucius_finish(memory->host, op);
}

static void destroy(void *self)
{
	struct memory *memory = self;
	store_finish(&memory->store);
}

static void health(void *self, struct lucius_op op)
{
	struct memory *memory = self;
	lucius_finish(memory->host, op);
}

/* True: the operation came after stop and was refused. */
static bool is_refused(struct memory *memory, struct lucius_op op)
{
	if (memory->is_stopped) {
		lucius_fail(memory->host, op, LUCIUS_UNAVAILABLE, "The memory has been stopped.");
	}
	return memory->is_stopped;
}

static void tell_metrics(struct memory *memory)
{
	const struct lucius_host *host = memory->host;
	host->record(host, memory->jobs_metric, (double)memory->store.jobs.n_links);
	if (memory->store.n_evicted != memory->n_evicted_told) {
		host->record(host, memory->evicted_metric,
		        (double)(memory->store.n_evicted - memory->n_evicted_told));
		memory->n_evicted_told = memory->store.n_evicted;
	}
}

/* Ends an operation; the statuses that have a sentence find it in the store. */
static void finish(struct memory *memory, struct lucius_op op, uint32_t status)
{
	bool has_sentence = status == LUCIUS_TOO_LARGE || status == LUCIUS_UNAVAILABLE ||
	        status == LUCIUS_INTERNAL;
	memory->host->finish(
	        memory->host, op, status, has_sentence ? memory->store.sentence : NULL);
}

static void give_job(
        struct memory *memory, struct lucius_op op, const struct job *job, unsigned what)
{
	memory->host->give(memory->host, op, store_show(&memory->store, job, what));
}

static void info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	if (info->size >= offsetof(struct lucius_storage_info, traits) + sizeof(info->traits)) {
		info->traits = 0;
	}
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	struct job *job = NULL;
	uint32_t status = store_create(&memory->store, command, &job);
	if (status == LUCIUS_OK || status == LUCIUS_DUPLICATE) {
		give_job(memory, op, job, 0);
	}
	tell_metrics(memory);
	finish(memory, op, status);
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	const struct job *job = store_find(&memory->store, job_id);
	if (job != NULL) {
		give_job(memory, op, job, STORE_SHOW_FIELDS | STORE_SHOW_STEPS);
	}
	finish(memory, op, job != NULL ? LUCIUS_OK : LUCIUS_NOT_FOUND);
}

static void save(void *self, const struct lucius_job *given, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	struct job *job = NULL;
	uint32_t status =
	        store_save(&memory->store, given, memory->host->clock_us(memory->host), &job);
	if (status == LUCIUS_OK) {
		give_job(memory, op, job, 0);
	}
	finish(memory, op, status);
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	store_release(&memory->store, job->job_id);
	finish(memory, op, LUCIUS_OK);
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	struct lucius_repair_report report = {
		.size = sizeof(report),
		.n_purged = store_purge(&memory->store, asked),
	};
	tell_metrics(memory);
	memory->host->give(memory->host, op, &report);
	finish(memory, op, LUCIUS_OK);
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct memory *memory = self;
	if (!is_refused(memory, op)) {
		ownership_ask(&memory->ownership, asked, op);
	}
}

/* Whose page is being read. */
struct reader {
	struct memory *memory;
	struct lucius_op op;
};

static void on_found(void *user, const struct lucius_found *found)
{
	struct reader *reader = user;
	reader->memory->host->give(reader->memory->host, reader->op, found);
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	struct reader reader = { memory, op };
	finish(memory, op, pages_scan(&memory->store, cursor, limit, on_found, &reader));
}

static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	struct reader reader = { memory, op };
	finish(memory, op, pages_list(&memory->store, listing, on_found, &reader));
}

static void events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct memory *memory = self;
	if (is_refused(memory, op)) {
		return;
	}
	const struct job *job = store_find(&memory->store, job_id);
	const struct event *event = job != NULL ? job->oldest_event : NULL;
	for (; event != NULL; event = event->next) {
		struct lucius_job_event shown;
		store_show_event(&memory->store, event, &shown);
		memory->host->give(memory->host, op, &shown);
	}
	finish(memory, op, job != NULL ? LUCIUS_OK : LUCIUS_NOT_FOUND);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct memory),
	.create = create,
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
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "memory"),
	.version = LUCIUS_VERSION,
	.summary = "Keeps jobs in the memory of the process; they are gone when it ends.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct memory_options),
	.storage = &storage,
};
