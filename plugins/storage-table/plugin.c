/* SPDX-License-Identifier: MIT */
/*
 * storage-table: jobs in five tables of Azure Table Storage. Everything but the options is
 * support/jobtables.
 */
#include <lucius/storage.h>

#include "support/jobtables/backend.h"
#include "support/jobtables/operations.h"

struct table_options {
	const char *connection;
	const char *ca_file;
	int64_t max_connections;
	const char *jobs;
	const char *steps;
	const char *claims;
	const char *index;
	const char *slots;
};

static const struct lucius_option option_rows[] = {
	{
	        .name = "table-connection",
	        .summary = "Connection string of the storage account whose tables hold the jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct table_options, connection),
	},
	{
	        .name = "table-ca",
	        .summary = "File of certificates (PEM) to trust instead of the system's.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, ca_file),
	},
	{
	        .name = "table-connections",
	        .default_value = "16",
	        .summary = "Connections to the table service at most.",
	        .min = 1,
	        .max = 256,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, max_connections),
	},
	{
	        .name = "jobs-table",
	        .default_value = "jobs",
	        .summary = "The table that holds the jobs of storage table.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, jobs),
	},
	{
	        .name = "steps-table",
	        .default_value = "steps",
	        .summary = "The table that holds the steps of storage table.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, steps),
	},
	{
	        .name = "idempotency-table",
	        .default_value = "jobidempotency",
	        .summary = "The table that holds the claims which commands are known by.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, claims),
	},
	{
	        .name = "job-index-table",
	        .default_value = "jobindex",
	        .summary = "The table that leads from a job's id to its row and lists a tenant's "
	                   "jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, index),
	},
	{
	        .name = "inflight-table",
	        .default_value = "tenantinflight",
	        .summary = "The table that holds the slots which limit a tenant's live jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct table_options, slots),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	const struct table_options *options = host->options;
	struct jobtables_settings settings = {
		.connection = options->connection,
		.ca_file = options->ca_file,
		.max_connections = (uint32_t)options->max_connections,
		.layout = {
			.jobs = options->jobs,
			.steps = options->steps,
			.claims = options->claims,
			.index = options->index,
			.slots = options->slots,
		},
	};
	return jobtables_create(self, host, &settings, error, error_size);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct jobtables),
	.create = create,
	.start = operation_start,
	.stop = operation_stop,
	.destroy = operation_destroy,
	.health = operation_health,
};

static const struct lucius_storage storage = {
	.size = sizeof(storage),
	.info = operation_info,
	.create = operation_create,
	.load = operation_load,
	.save = operation_save,
	.release = operation_release,
	.scan = operation_scan,
	.repair = operation_repair,
	.own = operation_own,
	.list = operation_list,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "table"),
	.version = LUCIUS_VERSION,
	.summary = "Keeps jobs in five Azure tables; several processes may share them.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct table_options),
	.storage = &storage,
};
