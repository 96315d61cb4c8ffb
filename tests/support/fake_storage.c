/* SPDX-License-Identifier: MIT */
/* Every operation is remembered and finished by the test; load may answer in the call. */
#include "tests/support/fake_storage.h"

#include <stdlib.h>

struct fake_storage *fake;
unsigned fake_n_destroyed;

static void remember(void *self, struct lucius_op op)
{
	struct fake_storage *storage = self;
	if (storage->n_asked < FAKE_N_ASKED) {
		storage->asked[storage->n_asked] = op;
	}
	storage->n_asked++;
}

static uint32_t fake_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	fake = self;
	fake->host = host;
	return LUCIUS_OK;
}

static void fake_stop(void *self, struct lucius_op op)
{
	struct fake_storage *storage = self;
	lucius_finish(storage->host, op);
}

static void fake_destroy(void *self)
{
	(void)self;
	fake = NULL;
	fake_n_destroyed++;
}

static void storage_info_of(void *self, struct lucius_storage_info *info)
{
	const struct fake_storage *storage = self;
	info->traits = storage->traits;
}

static void storage_create(void *self, const struct lucius_command *command, struct lucius_op op)
{
	(void)command;
	remember(self, op);
}

static void storage_load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct fake_storage *storage = self;
	storage->job_id = job_id;
	if (!storage->is_sync) {
		remember(self, op);
		return;
	}
	if (storage->answer.size != 0) {
		storage->host->give(storage->host, op, &storage->answer);
	}
	storage->host->finish(storage->host, op, LUCIUS_OK, NULL);
}

static void storage_save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct fake_storage *storage = self;
	storage->job = job;
	remember(self, op);
}

static void storage_release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	(void)job;
	remember(self, op);
}

static void storage_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	(void)cursor;
	(void)limit;
	remember(self, op);
}

static void storage_repair(void *self, const struct lucius_repair *repair, struct lucius_op op)
{
	(void)repair;
	remember(self, op);
}

static void storage_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op)
{
	(void)ownership;
	remember(self, op);
}

static const struct lucius_storage table = {
	.size = sizeof(table),
	.info = storage_info_of,
	.create = storage_create,
	.load = storage_load,
	.save = storage_save,
	.release = storage_release,
	.scan = storage_scan,
	.repair = storage_repair,
	.own = storage_own,
};

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct fake_storage),
	.create = fake_create,
	.stop = fake_stop,
	.destroy = fake_destroy,
};

static const struct lucius_option options[] = {
	{ .name = "fake-text",
	        .default_value = "some",
	        .summary = "A text.",
	        .type = LUCIUS_OPTION_TEXT,
	        .offset = offsetof(struct fake_options, text),
	        .member_size = sizeof(const char *) },
	{ .name = "fake-number",
	        .default_value = "7",
	        .summary = "A number.",
	        .max = 10,
	        .type = LUCIUS_OPTION_INTEGER,
	        .offset = offsetof(struct fake_options, number),
	        .member_size = sizeof(int64_t) },
};

const struct lucius_plugin fake_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "fake"),
	.version = "1",
	.summary = "For tests.",
	.life = &life,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.option_size = sizeof(options[0]),
	.options_size = sizeof(struct fake_options),
	.storage = &table,
};
