/* SPDX-License-Identifier: MIT */
/* A storage plugin that wraps the one that WRAPS names. */
#include <lucius/storage.h>
#include <stdio.h>
#include <string.h>

struct wrapper {
	const struct lucius_host *host;
	const struct lucius_backend *wrapped;
	struct lucius_op outer; /* one at a time is enough */
};

static uint32_t wrapper_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct wrapper *wrapper = self;
	wrapper->host = host;
	wrapper->wrapped = host->wrap(host, WRAPS);
	if (wrapper->wrapped == NULL) {
		(void)snprintf(error, error_size, "nothing to wrap");
		return LUCIUS_DENIED;
	}
	return LUCIUS_OK;
}

static void on_item(void *user, const void *item)
{
	struct wrapper *wrapper = user;
	wrapper->host->give(wrapper->host, wrapper->outer, item);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct wrapper *wrapper = user;
	wrapper->host->finish(wrapper->host, wrapper->outer, status, sentence);
}

static void storage_load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct wrapper *wrapper = self;
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_STORAGE_LOAD,
		.asked = wrapper->wrapped,
		.timeout_ms = 500,
		.on_item = on_item,
		.on_done = on_done,
		.user = wrapper };
	wrapper->outer = op;
	struct lucius_op inner = wrapper->host->open(wrapper->host, &question);
	wrapper->wrapped->plugin->storage->load(wrapper->wrapped->self, job_id, inner);
}

static void done(void *self, struct lucius_op op)
{
	lucius_finish(((struct wrapper *)self)->host, op);
}

static void storage_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	(void)command;
	done(self, op);
}

static void storage_save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	(void)job;
	done(self, op);
}

static void storage_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	(void)cursor;
	(void)limit;
	done(self, op);
}

static void storage_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	(void)repair;
	done(self, op);
}

static void storage_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	(void)ownership;
	done(self, op);
}

static void wrapper_start(void *self, struct lucius_op op)
{
	lucius_log(((struct wrapper *)self)->host, LUCIUS_LOG_INFO, "wrapper.start", NULL);
	done(self, op);
}

static const struct lucius_storage table = {
	.size = sizeof(table),
	.create = storage_create,
	.load = storage_load,
	.save = storage_save,
	.release = storage_save,
	.scan = storage_scan,
	.repair = storage_repair,
	.own = storage_own,
};

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct wrapper),
	.create = wrapper_create,
	.start = wrapper_start,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, NAME),
	.version = "1",
	.summary = "Wraps another.",
	.life = &life,
	.storage = &table,
};
