/* SPDX-License-Identifier: MIT */
/* What only looks: load, scan, list, events. */
#include <string.h>

#include "request.h"

/* A page is a bounded piece of work whatever is asked: jobs given, jobs of other states passed. */
#define PAGE_JOBS_MAX 1000
#define PAGE_PASSED_MAX 2000

static void read_steps(struct database *database, struct result *result, int64_t serial)
{
	sqlite3_stmt *statement = query(database, QUERY_STEPS);
	bind_integer(statement, 1, schema_step_id(serial, 0));
	bind_integer(statement, 2, schema_step_id(serial, SCHEMA_STEPS_MAX - 1));
	while (query_row(database, statement)) {
		result_add_part(result,
		        (uint32_t)(column_integer(statement, 0) - schema_step_id(serial, 0)),
		        column_text(statement, 1), column_blob(statement, 2));
	}
}

void read_load(struct database *database, struct request *request)
{
	sqlite3_stmt *statement = query(database, QUERY_JOB);
	bind_text(statement, 1, request->job_id);
	if (!query_row(database, statement)) {
		request->status = LUCIUS_NOT_FOUND;
		return;
	}
	int64_t serial = column_integer(statement, HEAD_SERIAL);
	result_add_head(&request->result, statement, true);
	query_end(statement);
	read_steps(database, &request->result, serial);
}

static uint32_t page_limit(uint32_t asked)
{
	return asked < PAGE_JOBS_MAX ? asked : PAGE_JOBS_MAX;
}

void read_scan(struct database *database, int64_t position, uint32_t asked, struct result *result)
{
	uint32_t limit = page_limit(asked);
	sqlite3_stmt *statement = query(database, QUERY_SCAN);
	bind_integer(statement, 1, position);
	/* One more than asked: it tells whether this is the last page. */
	bind_integer(statement, 2, (int64_t)limit + 1);
	result->is_last_page = true;
	for (uint32_t i = 0; query_row(database, statement); i++) {
		if (i == limit) {
			result->is_last_page = false;
			query_end(statement);
			return;
		}
		result->next_serial = column_integer(statement, HEAD_SERIAL);
		result_add_head(result, statement, true);
		read_steps(database, result, result->next_serial);
	}
}

static bool is_listed(const struct lucius_listing *listing, sqlite3_stmt *statement)
{
	struct lucius_text state = column_text(statement, HEAD_STATE);
	return listing->state.size == 0 ||
	        (state.size == listing->state.size &&
	                memcmp(state.data, listing->state.data, state.size) == 0);
}

void read_list(struct database *database, struct request *request)
{
	const struct lucius_listing *listing = request->listing;
	struct result *result = &request->result;
	uint32_t limit = page_limit(listing->limit);
	uint32_t n_passed = 0;
	sqlite3_stmt *statement = query(database, QUERY_LIST);
	bind_text(statement, 1, listing->tenant_id);
	bind_integer(statement, 2, request->position != 0 ? request->position : INT64_MAX);
	while (query_row(database, statement)) {
		bool is_match = is_listed(listing, statement);
		bool is_full = is_match ? result->n_jobs == limit : n_passed == PAGE_PASSED_MAX;
		if (is_full) {
			query_end(statement);
			return;
		}
		result->next_serial = column_integer(statement, HEAD_SERIAL);
		if (is_match) {
			result_add_head(result, statement, true);
		} else {
			n_passed++;
		}
	}
	result->is_last_page = true;
}

void read_events(struct database *database, struct request *request)
{
	sqlite3_stmt *statement = query(database, QUERY_FIND_JOB);
	bind_text(statement, 1, request->job_id);
	if (!query_row(database, statement)) {
		request->status = LUCIUS_NOT_FOUND;
		return;
	}
	int64_t serial = column_integer(statement, HEAD_SERIAL);
	query_end(statement);
	statement = query(database, QUERY_EVENTS);
	bind_integer(statement, 1, serial);
	while (query_row(database, statement)) {
		result_add_part(&request->result, (uint32_t)column_integer(statement, 0),
		        (struct lucius_text){ "", 0 }, column_blob(statement, 1));
	}
}
