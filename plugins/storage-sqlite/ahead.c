/* SPDX-License-Identifier: MIT */
/* The next page of a scan. */
#include "ahead.h"

#include <string.h>

/* Tells two states of the file apart, for this connection; its own transactions change nothing. */
static int64_t version_of(struct database *database)
{
	sqlite3_stmt *statement = query(database, QUERY_VERSION);
	int64_t version = -1;
	if (query_row(database, statement)) {
		version = column_integer(statement, 0);
		query_end(statement);
	}
	return version;
}

void ahead_drop(struct ahead *ahead)
{
	result_finish(&ahead->page);
	memset(ahead, 0, sizeof(*ahead));
}

/* False: it is not here, or not so any more. */
static bool take(struct ahead *ahead, struct database *database, struct request *request)
{
	bool is_asked = ahead->is_here && ahead->position == request->position &&
	        ahead->limit == request->limit;
	bool is_newest = is_asked && ahead->version == version_of(database);
	if (is_newest) {
		request->result = ahead->page;
		ahead->page = (struct result){ 0 };
	}
	ahead->is_off = ahead->is_off || (is_asked && !is_newest);
	ahead->is_here = false;
	result_finish(&ahead->page);
	return is_newest;
}

void ahead_scan(struct ahead *ahead, struct database *database, struct request *request)
{
	if (request->position == 0) {
		ahead->is_off = false;
	}
	if (!take(ahead, database, request)) {
		read_scan(database, request->position, request->limit, &request->result);
	}
	ahead->is_wanted = !request->result.is_last_page && !ahead->is_off;
	ahead->position = request->result.next_serial;
	ahead->limit = request->limit;
}

void ahead_fetch(struct ahead *ahead, struct database *database)
{
	if (!ahead->is_wanted) {
		return;
	}
	ahead->is_wanted = false;
	if (database_begin(database, false)) {
		ahead->version = version_of(database);
		read_scan(database, ahead->position, ahead->limit, &ahead->page);
		ahead->is_here = database_commit(database);
	}
	if (!ahead->is_here) {
		result_finish(&ahead->page);
		database_rollback(database);
	}
}
