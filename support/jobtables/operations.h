/* SPDX-License-Identifier: MIT */
/* Options, life and the operations of include/lucius/storage.h for an instance that is a struct
 * jobtables: what a plugin is made of. */
#ifndef SUPPORT_JOBTABLES_OPERATIONS_H
#define SUPPORT_JOBTABLES_OPERATIONS_H

#include <lucius/storage.h>

/* Where a plugin's option rows write to. A ledger has one table, `jobs`. */
struct jobtables_options {
	const char *connection;
	const char *ca_file;
	int64_t max_connections;
	const char *jobs;
	const char *steps;
	const char *claims;
	const char *index;
	const char *slots;
};

/* The rows of options that both backends have. */
#define JOBTABLES_OPTION_ROWS                                                                      \
	{                                                                                          \
		.name = "table-connection",                                                        \
		.summary = "Connection string of the storage account whose tables hold the jobs.", \
		.type = LUCIUS_OPTION_TEXT,                                                        \
		.flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED,                            \
		LUCIUS_MEMBER(struct jobtables_options, connection),                               \
	},                                                                                         \
	        {                                                                                  \
		        .name = "table-ca",                                                        \
		        .summary = "File of certificates (PEM) to trust instead of the system's.", \
		        .type = LUCIUS_OPTION_TEXT,                                                \
		        .flags = 0,                                                                \
		        LUCIUS_MEMBER(struct jobtables_options, ca_file),                          \
	        },                                                                                 \
	{                                                                                          \
		.name = "table-connections", .default_value = "16",                                \
		.summary = "Connections to the table service at most.", .min = 1, .max = 256,      \
		.type = LUCIUS_OPTION_INTEGER, .flags = 0,                                         \
		LUCIUS_MEMBER(struct jobtables_options, max_connections),                          \
	}

/* Create takes the host's options as struct jobtables_options. */
extern const struct lucius_life jobtables_life;

void operation_info(void *self, struct lucius_storage_info *info);
void operation_create(void *self, const struct lucius_command *command, struct lucius_op op);
void operation_load(void *self, struct lucius_text job_id, struct lucius_op op);
void operation_save(void *self, const struct lucius_job *job, struct lucius_op op);
void operation_release(void *self, const struct lucius_job *job, struct lucius_op op);
void operation_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op);
void operation_repair(void *self, const struct lucius_repair *repair, struct lucius_op op);
void operation_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op);
void operation_list(void *self, const struct lucius_listing *listing, struct lucius_op op);
void operation_events(void *self, struct lucius_text job_id, struct lucius_op op);

#endif
