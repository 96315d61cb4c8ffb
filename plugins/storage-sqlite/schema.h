/* SPDX-License-Identifier: MIT */
/* The tables of the database and every statement that is run on them. */
#ifndef STORAGE_SQLITE_SCHEMA_H
#define STORAGE_SQLITE_SCHEMA_H

#include <stdint.h>

/* PRAGMA application_id of our files ("LUCI"), and the newest schema that is known here. */
#define SCHEMA_APPLICATION_ID 0x4c554349
#define SCHEMA_VERSION 1

/* Step ids are put together from the job's serial and the step's index: a job's steps lie side by
 * side. */
#define SCHEMA_STEPS_MAX 65536 /* of a job */
static inline int64_t schema_step_id(int64_t serial, uint32_t step_index)
{
	return serial * SCHEMA_STEPS_MAX + step_index;
}

enum query {
	QUERY_FIND_CLAIM, /* tenant, is_key, name → head, hash */
	QUERY_FIND_JOB, /* job id → head */
	QUERY_ADD_JOB, /* changes a row unless the job id is taken */
	QUERY_ADD_STEP,
	QUERY_ADD_EVENT,
	QUERY_ADD_CLAIM,
	QUERY_TAKE_SLOT, /* tenant, limit: changes a row unless the tenant has so many */
	QUERY_CHANGE_JOB,
	QUERY_STEP_FIELDS, /* step id → fields */
	QUERY_CHANGE_STEP, /* fields, step id */
	QUERY_RELEASE_JOB, /* serial */
	QUERY_FREE_SLOT, /* tenant */
	QUERY_DROP_TENANT, /* tenant */
	QUERY_OLD_JOB, /* ended before → serial, tenant, claim_is_key, claim_name */
	QUERY_DROP_CLAIM,
	QUERY_DROP_STEPS, /* serial */
	QUERY_DROP_EVENTS, /* serial */
	QUERY_DROP_JOB, /* serial */
	QUERY_JOB, /* job id → head, fields */
	QUERY_STEPS, /* serial → index, step_id, fields */
	QUERY_SCAN, /* after serial, limit → head, fields */
	QUERY_LIST, /* tenant, before serial → head, fields */
	QUERY_EVENTS, /* serial → seq, fields */
	QUERY_FIND_OWNER, /* name → owner, beat, is_locked */
	QUERY_SET_OWNER, /* name, owner, beat, is_locked */
	QUERY_DROP_OWNER, /* name, owner */
	QUERY_PROBE,
	QUERY_SALT, /* → salt */
	QUERY_VERSION, /* → another number after a commit of another connection */
	N_QUERIES
};
extern const char *const schema_queries[N_QUERIES];

/* The columns of a job's head, in every statement that gives one. */
enum head_column {
	HEAD_SERIAL,
	HEAD_JOB_ID,
	HEAD_TENANT_ID,
	HEAD_TENANT_BUCKET,
	HEAD_CREATED_AT,
	HEAD_STATE,
	HEAD_IS_TERMINAL,
	HEAD_HAS_SLOT,
	HEAD_REVISION,
	HEAD_ENDED_US,
	HEAD_CLAIM_IS_KEY,
	HEAD_FIELDS, /* where the statement has it */
};

/* Statements that bring a database from version n to n + 1; schema_upgrades[0] makes a new one. */
extern const char *const schema_upgrades[SCHEMA_VERSION];

#endif
