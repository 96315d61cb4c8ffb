/* SPDX-License-Identifier: MIT */
/*
 * One connection to the database file: opening it with its schema, prepared statements, and what
 * an error means. Used by one thread at a time. The first error of a transaction sticks: whatever
 * follows does nothing and says so, until it is rolled back.
 */
#ifndef STORAGE_SQLITE_DATABASE_H
#define STORAGE_SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <lucius/plugin.h>

#include "schema.h"

#define SENTENCE_SIZE 512

/* All zeros is a closed one. */
struct database {
	sqlite3 *connection; /* owned; NULL: closed */
	sqlite3_stmt *prepared[N_QUERIES]; /* owned; NULL: not yet */
	const char *path; /* borrowed */
	uint64_t salt; /* of cursors; the same for all who open the file */
	dev_t device; /* of the file that is open */
	ino_t inode;
	int n_log_frames; /* pages in the write-ahead log after the writer's newest commit */
	int code; /* of SQLite: the error that sticks; SQLITE_OK: none */
	int system_code; /* errno with it, or 0 */
	char message[160]; /* SQLite's words for it */
	char refusal[256]; /* our own reason not to use the file; empty: none */
};

/* What an error means to who asked. */
struct failure {
	uint32_t status; /* UNAVAILABLE, DENIED, INTERNAL */
	bool is_everybodys; /* the file's fault, not the request's: open it anew before going on */
	char sentence[SENTENCE_SIZE];
};

/* Opens the file. The writer makes it if it is not there, brings the schema up to date and proves
 * that it can write. False: database_failure says why, and it is closed. */
bool database_open(struct database *database, const char *path, bool is_writer);
/* Takes a closed one too. */
void database_close(struct database *database);

/* False: the error sticks. Begin also fails if the path names another file by now. */
bool database_begin(struct database *database, bool is_writer);
bool database_commit(struct database *database);
/* Ends the transaction, if there is one, and forgets the error. */
void database_rollback(struct database *database);
/* Describes the error that sticks. */
void database_failure(const struct database *database, struct failure *ret_failure);
/* Lets an error stick that SQLite has not seen. */
void database_spoil(struct database *database, int code, const char *message);

/* The statement, ready to bind values from 1 on; NULL if an error sticks. The values are borrowed
 * until it is done. */
sqlite3_stmt *query(struct database *database, enum query number);
void bind_text(sqlite3_stmt *statement, int place, struct lucius_text text);
void bind_blob(sqlite3_stmt *statement, int place, struct lucius_text blob);
void bind_integer(sqlite3_stmt *statement, int place, int64_t number);
/* True: a row to read columns from, until query_end or the next call with the statement. */
bool query_row(struct database *database, sqlite3_stmt *statement);
/* Runs a statement that gives no rows; how many rows it changed, -1 if an error sticks. */
int query_run(struct database *database, sqlite3_stmt *statement);
void query_end(sqlite3_stmt *statement);
/* Columns count from 0; borrowed as the row. */
struct lucius_text column_text(sqlite3_stmt *statement, int column);
struct lucius_text column_blob(sqlite3_stmt *statement, int column);
int64_t column_integer(sqlite3_stmt *statement, int column);

#endif
