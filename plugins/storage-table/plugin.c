/* SPDX-License-Identifier: MIT */
/*
 * storage-table: jobs in five tables of Azure Table Storage. Everything but the options is
 * support/jobtables.
 */
#include <lucius/storage.h>

#include "support/jobtables/operations.h"

static const struct lucius_option option_rows[] = {
	JOBTABLES_OPTION_ROWS,
	{
	        .name = "jobs-table",
	        .default_value = "jobs",
	        .summary = "The table that holds the jobs of storage table.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, jobs),
	},
	{
	        .name = "steps-table",
	        .default_value = "steps",
	        .summary = "The table that holds the steps of storage table.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, steps),
	},
	{
	        .name = "idempotency-table",
	        .default_value = "jobidempotency",
	        .summary = "The table that holds the claims which commands are known by.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, claims),
	},
	{
	        .name = "job-index-table",
	        .default_value = "jobindex",
	        .summary = "The table that leads from a job's id to its row and lists a tenant's "
	                   "jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, index),
	},
	{
	        .name = "inflight-table",
	        .default_value = "tenantinflight",
	        .summary = "The table that holds the slots which limit a tenant's live jobs.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct jobtables_options, slots),
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
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "table"),
	.version = LUCIUS_VERSION,
	.summary = "Keeps jobs in five Azure tables; several processes may share them.",
	.life = &jobtables_life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct jobtables_options),
	.storage = &storage,
};
