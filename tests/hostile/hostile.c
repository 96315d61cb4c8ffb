/* SPDX-License-Identifier: MIT */
/*
 * A storage plugin that misbehaves in one way, which NAME and the macros below choose at compile
 * time. Without any of them it is a good one.
 */
#include <lucius/storage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MAGIC
#define MAGIC LUCIUS_PLUGIN_MAGIC
#endif
#ifndef MAJOR
#define MAJOR LUCIUS_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR LUCIUS_ABI_MINOR
#endif
#ifndef DESCRIPTOR_SIZE
#define DESCRIPTOR_SIZE sizeof(struct lucius_plugin)
#endif
#ifndef KIND
#define KIND LUCIUS_KIND_STORAGE
#endif
#ifndef SAID_NAME
#define SAID_NAME NAME
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(struct lucius_storage)
#endif
#ifndef LIFE
#define LIFE &life
#endif
#ifndef CREATE_STATUS
#define CREATE_STATUS LUCIUS_OK
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE LUCIUS_OPTION_TEXT
#endif
#ifndef OPTION_DEFAULT
#define OPTION_DEFAULT NULL
#endif
#ifndef ON_LOAD
#define ON_LOAD host->finish(host, op, LUCIUS_OK, NULL)
#endif

#ifndef GARBAGE
#define GARBAGE (void)garbage
#endif

struct hostile_options {
	const char *text;
};

struct hostile {
	const struct lucius_host *host;
	struct lucius_op late;
};

static uint32_t hostile_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct hostile *hostile = self;
	hostile->host = host;
	if (CREATE_STATUS != LUCIUS_OK) {
		/* Nothing ends it: the core must. */
		memset(error, 'x', error_size);
	}
	return CREATE_STATUS;
}

static void on_late(void *user)
{
	struct hostile *hostile = user;
	lucius_finish(hostile->host, hostile->late);
}

/* Rows that are none, each in another way. */
static const struct lucius_field no_name[] = { { NULL, "x", 1, 0 } };
static const struct lucius_field no_value[] = { { "state", NULL, 1000, 0 } };
static const struct lucius_field odd_type[] = { { "state", "x", 1, 77 } };
static const struct lucius_step *const no_step[] = { NULL };

static struct lucius_job good_job(void)
{
	return (struct lucius_job){ .size = sizeof(struct lucius_job),
		.job_id = { "x", 1 },
		.tenant_id = { "t", 1 },
		.state = { "QUEUED", 6 },
		.revision = { "1", 1 } };
}

static void give_garbage(const struct lucius_host *host, struct lucius_op op)
{
	struct lucius_job job = good_job();
	struct lucius_job *garbage = &job;
	(void)no_name;
	(void)no_value;
	(void)odd_type;
	(void)no_step;
	GARBAGE;
	host->give(host, op, garbage);
	lucius_finish(host, op);
}

/* For what comes after the instance has gone. */
static const struct lucius_host *kept_host;
static struct lucius_op kept_op;

static void on_afterwards(void *user)
{
	(void)user;
	lucius_finish(kept_host, kept_op);
}

static void finish_again_later(const struct lucius_host *host, struct lucius_op op)
{
	kept_host = host;
	kept_op = op;
	(void)host->timer_start(host, 60000, on_afterwards, NULL);
	lucius_finish(host, op);
}

static void storage_load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct hostile *hostile = self;
	const struct lucius_host *host = hostile->host;
	(void)job_id;
	hostile->late = op;
	(void)on_late;
	(void)give_garbage;
	(void)finish_again_later;
	ON_LOAD;
}

static void storage_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	(void)command;
	lucius_finish(((struct hostile *)self)->host, op);
}

static void storage_save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	(void)job;
	lucius_finish(((struct hostile *)self)->host, op);
}

static void storage_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	(void)cursor;
	(void)limit;
	lucius_finish(((struct hostile *)self)->host, op);
}

static void storage_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	(void)repair;
	lucius_finish(((struct hostile *)self)->host, op);
}

static void storage_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	(void)ownership;
	lucius_finish(((struct hostile *)self)->host, op);
}

#ifdef STAGE_STATUS
static void hostile_stage(void *self, struct lucius_op op)
{
	const struct lucius_host *host = ((struct hostile *)self)->host;
	host->finish(host, op, STAGE_STATUS, STAGE_SENTENCE);
}

static void hostile_reconfigure(void *self)
{
	(void)self;
	(void)setenv("HOSTILE_RECONFIGURED", NAME, 1);
}
#endif

/* Creates, and so destroys, are counted in a file descriptor's place: the environment. */
static void hostile_destroy(void *self)
{
	(void)self;
	(void)setenv("HOSTILE_DESTROYED", NAME, 1);
}

static const struct lucius_storage table = {
	.size = TABLE_SIZE,
	.create = storage_create,
	.load = storage_load,
	.save = storage_save,
	.release = storage_save,
	.scan = storage_scan,
	.repair = storage_repair,
	.own = storage_own,
};

static const struct lucius_life life __attribute__((unused)) = {
	.size = sizeof(life),
	.instance_size = sizeof(struct hostile),
	.create = hostile_create,
	.destroy = hostile_destroy,
#ifdef STAGE_STATUS
	.start = hostile_stage,
	.listen = hostile_stage,
	.stop = hostile_stage,
	.reconfigure = hostile_reconfigure,
#endif
};

static const struct lucius_option options[] = {
	{ .name = "hostile-text",
	        .default_value = OPTION_DEFAULT,
	        .summary = "A text.",
	        .type = OPTION_TYPE,
	        .offset = offsetof(struct hostile_options, text),
	        .member_size = sizeof(const char *) },
};

#ifndef NO_SYMBOL
const struct lucius_plugin lucius_plugin = {
	.prefix = { MAGIC, MAJOR, MINOR, DESCRIPTOR_SIZE, KIND, SAID_NAME },
	.version = "1",
	.summary = "Misbehaves.",
	.life = LIFE,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.option_size = sizeof(options[0]),
	.options_size = sizeof(struct hostile_options),
	.storage = &table,
};
#else
/* Something that reaches the parts, so that they are not unused. */
__attribute__((visibility("default"))) const void *const some_other_symbol[] = { &table, &options };
#endif
