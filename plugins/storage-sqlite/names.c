/* SPDX-License-Identifier: MIT */
/*
 * Names that one process at a time owns. The row of a name says who has it and counts his renewals.
 * Nobody compares clocks: who waits sees that the count has stood still for a lease. Beside that,
 * an owner locks a byte of the lock file, and the kernel frees it when the process ends: where the
 * row says that the owner has the lock and the lock can be had, the owner is gone, and nobody
 * waits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "request.h"

/* Names share a byte if they must: then the second one has no lock and goes by its lease alone. */
static off_t lock_place(struct lucius_text name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < name.size; i++) {
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	}
	return (off_t)(hash & 0x3fffffff);
}

static bool set_lock(const struct attempt *attempt, short how)
{
	struct flock lock = { .l_type = how,
		.l_whence = SEEK_SET,
		.l_start = lock_place(attempt->name),
		.l_len = 1 };
	return attempt->lock_fd >= 0 && fcntl(attempt->lock_fd, F_OFD_SETLK, &lock) == 0;
}

static bool is_same(struct lucius_text one, const char *other)
{
	return one.size == strlen(other) && memcmp(one.data, other, one.size) == 0;
}

/* Reads who has the name; true: it may be ours, by what the row and the lock say. */
static bool is_free(struct database *database, struct attempt *attempt)
{
	sqlite3_stmt *statement = query(database, QUERY_FIND_OWNER);
	bind_text(statement, 1, attempt->name);
	if (!query_row(database, statement)) {
		attempt->holder[0] = '\0';
		attempt->beat = 0;
		return true;
	}
	struct lucius_text holder = column_text(statement, 0);
	int64_t beat = column_integer(statement, 1);
	bool is_gone = attempt->is_locked && column_integer(statement, 2) != 0;
	bool has_stood_still = attempt->is_waited_for_long && beat == attempt->beat &&
	        is_same(holder, attempt->holder);
	bool is_own = is_same(attempt->owner, holder.data);
	(void)snprintf(attempt->holder, sizeof(attempt->holder), "%s", holder.data);
	attempt->beat = beat;
	query_end(statement);
	return is_own || is_gone || has_stood_still;
}

void write_try_name(struct database *database, struct request *request)
{
	struct attempt *attempt = request->attempt;
	attempt->is_locked = set_lock(attempt, F_WRLCK);
	attempt->is_had = is_free(database, attempt);
	if (!attempt->is_had) {
		if (attempt->is_locked) {
			(void)set_lock(attempt, F_UNLCK);
			attempt->is_locked = false;
		}
		return;
	}
	sqlite3_stmt *statement = query(database, QUERY_SET_OWNER);
	bind_text(statement, 1, attempt->name);
	bind_text(statement, 2, attempt->owner);
	bind_integer(statement, 3, attempt->beat + 1);
	bind_integer(statement, 4, attempt->is_locked);
	(void)query_run(database, statement);
}

void write_drop_name(struct database *database, struct request *request)
{
	struct attempt *attempt = request->attempt;
	sqlite3_stmt *statement = query(database, QUERY_DROP_OWNER);
	bind_text(statement, 1, attempt->name);
	bind_text(statement, 2, attempt->owner);
	(void)query_run(database, statement);
}
