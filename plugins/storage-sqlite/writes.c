/* SPDX-License-Identifier: MIT */
/* What changes jobs: create, save, release, and removing the old ones. */
#include <string.h>

#include "request.h"
#include "support/base/cleanup.h"
#include "support/rows/fields.h"
#include "support/rows/job_size.h"
#include "support/rows/time_text.h"

#define CLEANUP_BYTES CLEANUP(bytes_finish)

/* A job as it stands in the database, without its fields. */
struct found_job {
	int64_t serial;
	int64_t revision;
	int64_t ended_us;
	bool is_terminal;
	bool has_slot;
};

static bool fits(struct request *request, const struct lucius_job *job)
{
	request->status = LUCIUS_TOO_LARGE;
	if (!job_size_fits(job, request->sentence, sizeof(request->sentence))) {
		return false;
	}
	for (uint64_t i = 0; i < job->n_steps; i++) {
		if (job->steps[i]->step_index >= SCHEMA_STEPS_MAX) {
			request_fail(request, LUCIUS_TOO_LARGE,
			        "The job has step number %u, the most is %d.",
			        (unsigned)job->steps[i]->step_index, SCHEMA_STEPS_MAX - 1);
			return false;
		}
	}
	request->status = LUCIUS_OK;
	return true;
}

/* Lays the changes over the packed fields of a row; false: they are spoilt, which sticks. */
static bool merge(struct database *database, struct lucius_text old,
        const struct lucius_field *fields, uint64_t n_fields, struct bytes *into)
{
	into->size = 0;
	if (!fields_merge(old, fields, n_fields, into)) {
		database_spoil(database, SQLITE_CORRUPT, "the packed fields of a row are spoilt");
		return false;
	}
	return true;
}

static void run_on_tenant(
        struct database *database, enum query number, struct lucius_text tenant_id)
{
	sqlite3_stmt *statement = query(database, number);
	bind_text(statement, 1, tenant_id);
	(void)query_run(database, statement);
}

static void run_on_number(struct database *database, enum query number, int64_t id)
{
	sqlite3_stmt *statement = query(database, number);
	bind_integer(statement, 1, id);
	(void)query_run(database, statement);
}

static void add_step(struct database *database, int64_t serial, const struct lucius_step *step)
{
	CLEANUP_BYTES struct bytes packed = { 0 };
	if (merge(database, (struct lucius_text){ 0 }, step->fields, step->n_fields, &packed)) {
		sqlite3_stmt *statement = query(database, QUERY_ADD_STEP);
		bind_integer(statement, 1, schema_step_id(serial, step->step_index));
		bind_text(statement, 2, step->step_id);
		bind_blob(statement, 3, bytes_text(&packed));
		(void)query_run(database, statement);
	}
}

static void add_events(struct database *database, int64_t serial, const struct lucius_job *job)
{
	CLEANUP_BYTES struct bytes packed = { 0 };
	for (uint64_t i = 0; i < job->n_events; i++) {
		const struct lucius_job_event *event = job->events[i];
		if (!merge(database, (struct lucius_text){ 0 }, event->fields, event->n_fields,
		            &packed)) {
			return;
		}
		sqlite3_stmt *statement = query(database, QUERY_ADD_EVENT);
		bind_integer(statement, 1, serial);
		bind_integer(statement, 2, event->seq);
		bind_blob(statement, 3, bytes_text(&packed));
		(void)query_run(database, statement);
	}
}

/* What the command is known by: its key, else its hash. */
static struct lucius_text claim_name(const struct lucius_command *command)
{
	return command->idempotency_key.size != 0 ? command->idempotency_key
	                                          : command->idempotency_hash;
}

static bool is_same(struct lucius_text one, struct lucius_text other)
{
	return one.size == other.size && memcmp(one.data, other.data, one.size) == 0;
}

/* A hash that a job which ended in vain gives up; a key never is. */
static bool is_given_up(sqlite3_stmt *statement, bool is_key)
{
	const char *state = column_text(statement, HEAD_STATE).data;
	return !is_key && column_integer(statement, HEAD_IS_TERMINAL) != 0 &&
	        (strcmp(state, "FAILED_FINAL") == 0 || strcmp(state, "CANCELLED") == 0);
}

/* OK: nobody holds the claim, or who does gives it up; else the answer stands in the request. */
static uint32_t check_claim(struct database *database, struct request *request)
{
	const struct lucius_command *command = request->command;
	bool is_key = command->idempotency_key.size != 0;
	sqlite3_stmt *statement = query(database, QUERY_FIND_CLAIM);
	bind_text(statement, 1, command->job->tenant_id);
	bind_integer(statement, 2, is_key);
	bind_text(statement, 3, claim_name(command));
	if (!query_row(database, statement)) {
		return LUCIUS_OK;
	}
	if (is_given_up(statement, is_key)) {
		request->status = LUCIUS_OK;
	} else if (is_key &&
	        !is_same(column_text(statement, HEAD_FIELDS), command->idempotency_hash)) {
		request->status = LUCIUS_KEY_CONFLICT;
	} else {
		request->status = LUCIUS_DUPLICATE;
		result_add_head(&request->result, statement, false);
	}
	query_end(statement);
	return request->status;
}

/* False: the tenant has as many live jobs as it may. */
static bool take_slot(struct database *database, const struct lucius_command *command)
{
	if (command->max_inflight == 0) {
		return false;
	}
	sqlite3_stmt *statement = query(database, QUERY_TAKE_SLOT);
	bind_text(statement, 1, command->job->tenant_id);
	bind_integer(statement, 2, command->max_inflight);
	return query_run(database, statement) != 0;
}

static void free_slot(struct database *database, struct lucius_text tenant_id)
{
	run_on_tenant(database, QUERY_FREE_SLOT, tenant_id);
	run_on_tenant(database, QUERY_DROP_TENANT, tenant_id);
}

static struct found_job found_job(sqlite3_stmt *statement)
{
	return (struct found_job){
		.serial = column_integer(statement, HEAD_SERIAL),
		.revision = column_integer(statement, HEAD_REVISION),
		.ended_us = column_integer(statement, HEAD_ENDED_US),
		.is_terminal = column_integer(statement, HEAD_IS_TERMINAL) != 0,
		.has_slot = column_integer(statement, HEAD_HAS_SLOT) != 0,
	};
}

/* The job's row; its serial, or 0: its id is taken, or an error sticks. */
static int64_t add_job(struct database *database, const struct lucius_command *command)
{
	const struct lucius_job *job = command->job;
	CLEANUP_BYTES struct bytes packed = { 0 };
	if (!merge(database, (struct lucius_text){ 0 }, job->fields, job->n_fields, &packed)) {
		return 0;
	}
	sqlite3_stmt *statement = query(database, QUERY_ADD_JOB);
	bind_text(statement, 1, job->job_id);
	bind_text(statement, 2, job->tenant_id);
	bind_text(statement, 3, job->tenant_bucket);
	bind_text(statement, 4, job->created_at);
	bind_text(statement, 5, job->state);
	bind_integer(statement, 6, job->is_terminal != 0);
	bind_integer(statement, 7, command->idempotency_key.size != 0);
	bind_text(statement, 8, claim_name(command));
	bind_blob(statement, 9, bytes_text(&packed));
	return query_run(database, statement) == 1 ? sqlite3_last_insert_rowid(database->connection)
	                                           : 0;
}

/* Beside a key stands its hash; a hash says it all. */
static void add_claim(
        struct database *database, const struct lucius_command *command, int64_t serial)
{
	bool is_key = command->idempotency_key.size != 0;
	sqlite3_stmt *statement = query(database, QUERY_ADD_CLAIM);
	bind_text(statement, 1, command->job->tenant_id);
	bind_integer(statement, 2, is_key);
	bind_text(statement, 3, claim_name(command));
	struct lucius_text none = { "", 0 };
	bind_text(statement, 4, is_key ? command->idempotency_hash : none);
	bind_integer(statement, 5, serial);
	(void)query_run(database, statement);
}

void write_create(struct database *database, struct request *request)
{
	const struct lucius_command *command = request->command;
	const struct lucius_job *job = command->job;
	if (!fits(request, job) || check_claim(database, request) != LUCIUS_OK) {
		return;
	}
	if (!take_slot(database, command)) {
		request->status = LUCIUS_TENANT_FULL;
		return;
	}
	int64_t serial = add_job(database, command);
	if (serial == 0) {
		free_slot(database, job->tenant_id);
		request_fail(request, LUCIUS_INTERNAL,
		        "The id \"%s\" of a new job is taken by another command's.",
		        job->job_id.data);
		return;
	}
	for (uint64_t i = 0; i < job->n_steps; i++) {
		add_step(database, serial, job->steps[i]);
	}
	add_events(database, serial, job);
	add_claim(database, command, serial);
	result_add_new(&request->result, job);
}

static void change_step(struct database *database, int64_t serial, const struct lucius_step *step)
{
	CLEANUP_BYTES struct bytes packed = { 0 };
	int64_t id = schema_step_id(serial, step->step_index);
	sqlite3_stmt *row = query(database, QUERY_STEP_FIELDS);
	bind_integer(row, 1, id);
	if (!query_row(database, row)) {
		add_step(database, serial, step);
		return;
	}
	if (!merge(database, column_blob(row, 0), step->fields, step->n_fields, &packed)) {
		return;
	}
	query_end(row);
	sqlite3_stmt *statement = query(database, QUERY_CHANGE_STEP);
	bind_integer(statement, 1, id);
	bind_blob(statement, 2, bytes_text(&packed));
	(void)query_run(database, statement);
}

/* Unix time at which the job ended; 0 while it is live. */
static int64_t end_of(
        const struct request *request, const struct found_job *found, struct lucius_text packed)
{
	struct lucius_field completed;
	int64_t end_us = 0;
	if (request->job->is_terminal == 0) {
		return 0;
	}
	if (fields_find(packed, "completed_at", &completed) &&
	        time_text_read(
	                (struct lucius_text){ completed.value, completed.value_size }, &end_us)) {
		return end_us;
	}
	return found->ended_us != 0 ? found->ended_us : request->now_us;
}

/* Lays the changes over the row, which is one of QUERY_JOB and whose head is found. */
static void change_job(struct database *database, const struct request *request, sqlite3_stmt *row,
        const struct found_job *found)
{
	const struct lucius_job *job = request->job;
	CLEANUP_BYTES struct bytes packed = { 0 };
	if (!merge(database, column_blob(row, HEAD_FIELDS), job->fields, job->n_fields, &packed)) {
		return;
	}
	query_end(row);
	sqlite3_stmt *statement = query(database, QUERY_CHANGE_JOB);
	bind_integer(statement, 1, found->serial);
	bind_text(statement, 2, job->state);
	bind_integer(statement, 3, job->is_terminal != 0);
	bind_integer(statement, 4, end_of(request, found, bytes_text(&packed)));
	bind_blob(statement, 5, bytes_text(&packed));
	(void)query_run(database, statement);
}

static bool is_newest(const struct lucius_job *job, const struct found_job *found)
{
	char revision[REVISION_SIZE];
	revision_write(revision, found->revision);
	return is_same(job->revision, (struct lucius_text){ revision, strlen(revision) });
}

void write_save(struct database *database, struct request *request)
{
	const struct lucius_job *job = request->job;
	if (!fits(request, job)) {
		return;
	}
	sqlite3_stmt *row = query(database, QUERY_JOB);
	bind_text(row, 1, job->job_id);
	if (!query_row(database, row)) {
		request->status = LUCIUS_NOT_FOUND;
		return;
	}
	struct found_job found = found_job(row);
	if (!is_newest(job, &found)) {
		query_end(row);
		request->status = LUCIUS_CONFLICT;
		return;
	}
	result_add_head(&request->result, row, false);
	result_change_head(&request->result, job->state, job->is_terminal != 0, found.revision + 1);
	change_job(database, request, row, &found);
	for (uint64_t i = 0; i < job->n_steps; i++) {
		change_step(database, found.serial, job->steps[i]);
	}
	add_events(database, found.serial, job);
}

void write_release(struct database *database, struct request *request)
{
	sqlite3_stmt *row = query(database, QUERY_FIND_JOB);
	bind_text(row, 1, request->job->job_id);
	if (!query_row(database, row)) {
		return;
	}
	struct found_job found = found_job(row);
	if (found.is_terminal && found.has_slot) {
		free_slot(database, column_text(row, HEAD_TENANT_ID));
		run_on_number(database, QUERY_RELEASE_JOB, found.serial);
	}
	query_end(row);
}

/* The row is one of QUERY_OLD_JOB. The claim goes only if it is still this job's. */
static void remove_job(struct database *database, sqlite3_stmt *row)
{
	int64_t serial = column_integer(row, 0);
	sqlite3_stmt *statement = query(database, QUERY_DROP_CLAIM);
	bind_text(statement, 1, column_text(row, 1));
	bind_integer(statement, 2, column_integer(row, 2));
	bind_text(statement, 3, column_text(row, 3));
	bind_integer(statement, 4, serial);
	(void)query_run(database, statement);
	statement = query(database, QUERY_DROP_STEPS);
	bind_integer(statement, 1, schema_step_id(serial, 0));
	bind_integer(statement, 2, schema_step_id(serial, SCHEMA_STEPS_MAX - 1));
	(void)query_run(database, statement);
	run_on_number(database, QUERY_DROP_EVENTS, serial);
	run_on_number(database, QUERY_DROP_JOB, serial);
}

void write_repair(struct database *database, struct request *request)
{
	const struct lucius_repair *repair = request->repair;
	if (repair->retention_s == 0 || repair->limit == 0 ||
	        repair->retention_s > INT64_MAX / 1000000) {
		return;
	}
	int64_t before_us = repair->now_us - (int64_t)repair->retention_s * 1000000;
	/* One at a time from the front of the index, which each removal makes shorter. */
	for (uint32_t i = 0; i < repair->limit; i++) {
		sqlite3_stmt *row = query(database, QUERY_OLD_JOB);
		bind_integer(row, 1, before_us);
		if (!query_row(database, row)) {
			return;
		}
		remove_job(database, row);
		query_end(row);
		request->result.n_purged++;
	}
}
