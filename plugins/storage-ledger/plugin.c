/* SPDX-License-Identifier: MIT */
/*
 * storage-ledger: jobs in one table of Azure Table Storage; job, steps and events of a job share a
 * partition and change in one transaction. Everything but the options is support/jobtables.
 */
#include <lucius/storage.h>

#include "support/jobtables/operations.h"

static const struct lucius_option option_rows[] = {
	JOBTABLES_OPTION_ROWS,
	{
	        .name = "ledger-table",
	        .default_value = "jobledger",
	        .summary = "The table that holds all rows of storage ledger.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, jobs),
	},
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
	.life = &jobtables_life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct jobtables_options),
	.storage = &storage,
};
