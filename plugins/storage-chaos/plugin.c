/* SPDX-License-Identifier: MIT */
/*
 * storage-chaos: any other storage, with faults by rate and seed. For tests of a system, and of
 * whether one's own backend is looked after when it fails. This file is the border to the daemon.
 */
#include <lucius/storage.h>

#include <stdio.h>

#include "call.h"

#define RATE(option, what, target)                                                             \
	{                                                                                      \
		.name = "chaos-" option "-permille", .default_value = "0", .unit = "permille", \
		.summary = what, .type = LUCIUS_OPTION_INTEGER, .flags = LUCIUS_OPTION_LIVE,   \
		.min = 0, .max = 1000, LUCIUS_MEMBER(struct options, target),                  \
	}

static const struct lucius_option option_rows[] = {
	{
	        .name = "chaos-storage",
	        .default_value = "memory",
	        .summary = "The storage that chaos wraps.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct options, storage),
	},
	{
	        .name = "chaos-seed",
	        .default_value = "0",
	        .summary = "The same seed gives the same faults; 0 takes another one each time.",
	        .type = LUCIUS_OPTION_INTEGER,
	        .min = 0,
	        .max = INT64_MAX,
	        LUCIUS_MEMBER(struct options, seed),
	},
	RATE("unavailable", "Operations that are refused, not done.", unavailable_permille),
	RATE("unknown", "Operations that are done and reported as unknown.", unknown_permille),
	RATE("conflict", "Saves that are told somebody else was first, not done.",
	        conflict_permille),
	RATE("delay", "Operations that are sent late.", delay_permille),
	{
	        .name = "chaos-delay-ms",
	        .default_value = "100",
	        .unit = "milliseconds",
	        .summary = "How late an operation is sent, at most.",
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = LUCIUS_OPTION_LIVE,
	        .min = 0,
	        .max = 60000,
	        LUCIUS_MEMBER(struct options, delay_ms),
	},
};

static void seed(struct chaos *chaos)
{
	chaos->random = (uint64_t)chaos->options->seed;
	while (chaos->random == 0) {
		chaos->host->random(chaos->host, &chaos->random, sizeof(chaos->random));
	}
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct chaos *chaos = self;
	chaos->host = host;
	chaos->options = host->options;
	seed(chaos);
	chaos->wrapped = host->wrap(host, chaos->options->storage);
	if (chaos->wrapped == NULL) {
		(void)snprintf(error, error_size,
		        "there is no storage '%s' to wrap: see the log, and LUCIUS_CHAOS_STORAGE",
		        chaos->options->storage);
		return LUCIUS_DENIED;
	}
	chaos->storage = chaos->wrapped->plugin->storage;
	chaos->faults = host->metric(host,
	        &(struct lucius_metric_spec){
	                .size = sizeof(struct lucius_metric_spec),
	                .type = LUCIUS_METRIC_COUNTER,
	                .name = "faults_total",
	                .help = "Faults that were made.",
	        });
	return LUCIUS_OK;
}

/* What is wrapped starts before and stops after this one, led by the daemon. */
static void stop(void *self, struct lucius_op op)
{
	struct chaos *chaos = self;
	chaos->is_stopped = true;
	if (chaos->calls == NULL) {
		lucius_finish(chaos->host, op);
		return;
	}
	chaos->stop = op;
	calls_stop(chaos);
}

static void health(void *self, struct lucius_op op)
{
	struct chaos *chaos = self;
	lucius_finish(chaos->host, op);
}

static void info(void *self, struct lucius_storage_info *info)
{
	struct chaos *chaos = self;
	if (LUCIUS_HAS(chaos->storage, info)) {
		chaos->storage->info(chaos->wrapped->self, info);
	}
}

static void ask_create(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->create(wrapped, call->thing, op);
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_CREATE, op);
	if (call != NULL) {
		call->thing = command;
		call_begin(call, ask_create);
	}
}

static void ask_load(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->load(wrapped, call->text, op);
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_LOAD, op);
	if (call != NULL) {
		call->text = job_id;
		call_begin(call, ask_load);
	}
}

static void ask_save(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->save(wrapped, call->thing, op);
}

static void save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_SAVE, op);
	if (call != NULL) {
		call->thing = job;
		call_begin(call, ask_save);
	}
}

static void ask_release(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->release(wrapped, call->thing, op);
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_RELEASE, op);
	if (call != NULL) {
		call->thing = job;
		call_begin(call, ask_release);
	}
}

static void ask_scan(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->scan(wrapped, call->text, call->limit, op);
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_SCAN, op);
	if (call != NULL) {
		call->text = cursor;
		call->limit = limit;
		call_begin(call, ask_scan);
	}
}

static void ask_repair(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->repair(wrapped, call->thing, op);
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_REPAIR, op);
	if (call != NULL) {
		call->thing = asked;
		call_begin(call, ask_repair);
	}
}

static void ask_own(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->own(wrapped, call->thing, op);
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct call *call = call_create(self, LUCIUS_OP_STORAGE_OWN, op);
	if (call != NULL) {
		call->thing = asked;
		call_begin(call, ask_own);
	}
}

/* The table is one for all, so what the wrapped storage has not is said when it is asked for. */
static bool refuse_missing(const struct chaos *chaos, bool has_member, struct lucius_op op)
{
	if (!has_member) {
		lucius_fail(chaos->host, op, LUCIUS_UNSUPPORTED, "The wrapped storage has it not.");
	}
	return !has_member;
}

static void ask_list(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->list(wrapped, call->thing, op);
}

static void list(void *self, const struct lucius_listing *listing, struct lucius_op op)
{
	struct chaos *chaos = self;
	struct call *call = refuse_missing(chaos, LUCIUS_HAS(chaos->storage, list), op)
	        ? NULL
	        : call_create(chaos, LUCIUS_OP_STORAGE_LIST, op);
	if (call != NULL) {
		call->thing = listing;
		call_begin(call, ask_list);
	}
}

static void ask_events(struct call *call, void *wrapped, struct lucius_op op)
{
	call->chaos->storage->events(wrapped, call->text, op);
}

static void events(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct chaos *chaos = self;
	struct call *call = refuse_missing(chaos, LUCIUS_HAS(chaos->storage, events), op)
	        ? NULL
	        : call_create(chaos, LUCIUS_OP_STORAGE_EVENTS, op);
	if (call != NULL) {
		call->text = job_id;
		call_begin(call, ask_events);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct chaos),
	.create = create,
	.stop = stop,
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
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "chaos"),
	.version = LUCIUS_VERSION,
	.summary = "Wraps another storage and makes it fail, by rate and seed; for tests.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct options),
	.storage = &storage,
};
