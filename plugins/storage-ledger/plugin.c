/* SPDX-License-Identifier: MIT */
/*
 * storage-ledger: jobs in one table of Azure Table Storage; job, steps and events of a job share a
 * partition and change in one transaction. Everything but the options is support/jobtables.
 */
#include <lucius/storage.h>

#include "support/jobtables/backend.h"
#include "support/jobtables/operations.h"

struct ledger_options {
	const char *connection;
	const char *ca_file;
	int64_t max_connections;
	const char *table;
};

static const struct lucius_option option_rows[] = {
	{
	        .name = "table-connection",
	        .summary = "Connection string of the storage account whose tables hold the jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct ledger_options, connection),
	},
	{
	        .name = "table-ca",
	        .summary = "File of certificates (PEM) to trust instead of the system's.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct ledger_options, ca_file),
	},
	{
	        .name = "table-connections",
	        .default_value = "16",
	        .summary = "Connections to the table service at most.",
	        .min = 1,
	        .max = 256,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct ledger_options, max_connections),
	},
	{
	        .name = "ledger-table",
	        .default_value = "jobledger",
	        .summary = "The table that holds all rows of storage ledger.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct ledger_options, table),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	const struct ledger_options *options = host->options;
	struct jobtables_settings settings = {
		.connection = options->connection,
		.ca_file = options->ca_file,
		.max_connections = (uint32_t)options->max_connections,
		.layout = {
			.is_ledger = true,
			.jobs = options->table,
			.steps = options->table,
			.claims = options->table,
			.index = options->table,
			.slots = options->table,
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
	.events = operation_events,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "ledger"),
	.version = LUCIUS_VERSION,
	.summary =
	        "Keeps jobs in one Azure table, with their events; several processes may share it.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct ledger_options),
	.storage = &storage,
};
