/* SPDX-License-Identifier: MIT */
/* Connections, statements and errors. */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that a log comes to before it has been copied and begins anew. */
#define LOG_ROOM (6 << 20)
#define LOG_PIECE (64 << 10)
/* How long a write waits for another process that is writing. */
#define BUSY_MS 5000

__attribute__((format(printf, 2, 3))) static bool refuse(
        struct database *database, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(database->refusal, sizeof(database->refusal), format, arguments);
	va_end(arguments);
	return false;
}

void database_spoil(struct database *database, int code, const char *message)
{
	if (database->code == SQLITE_OK) {
		database->code = code;
		(void)snprintf(database->message, sizeof(database->message), "%s", message);
	}
}

/* Keeps what the connection says about its last call. */
static void note_error(struct database *database, int code)
{
	if (database->code == SQLITE_OK) {
		database->system_code = sqlite3_system_errno(database->connection);
		database_spoil(database, code, sqlite3_errmsg(database->connection));
	}
}

static bool run_text(struct database *database, const char *sql)
{
	int code = database->code == SQLITE_OK
	        ? sqlite3_exec(database->connection, sql, NULL, NULL, NULL)
	        : database->code;
	if (code != SQLITE_OK) {
		note_error(database, code);
	}
	return database->code == SQLITE_OK;
}

/* The first column of the first row of a statement that is run once; -1 if there is none. */
static int64_t ask_integer(struct database *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;
	int code = sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL);
	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
		number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE) {
		note_error(database, code);
	}
	(void)sqlite3_finalize(statement);
	return number;
}

/* The file is made by us, for us alone: rows hold payloads. It must not be opened and closed if it
 * is there: that would drop the locks which this process has on it through SQLite. */
static void make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		(void)close(fd);
	}
}

static bool open_connection(struct database *database, bool is_writer)
{
	if (is_writer) {
		make_file(database->path);
	}
	int code = sqlite3_open_v2(database->path, &database->connection,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK) {
		note_error(database, code);
		database->system_code = errno;
		return false;
	}
	(void)sqlite3_busy_timeout(database->connection, BUSY_MS);
	return true;
}

/* Whether the file is one that this program may work with; a new one has version 0. */
static bool check_version(struct database *database, int64_t *ret_version)
{
	int64_t application = ask_integer(database, "PRAGMA application_id");
	int64_t version = ask_integer(database, "PRAGMA user_version");
	int64_t n_tables = ask_integer(database, "SELECT count(*) FROM sqlite_schema");
	if (database->code != SQLITE_OK) {
		return false;
	}
	if (application != SCHEMA_APPLICATION_ID && n_tables != 0) {
		return refuse(database,
		        "is a database of another program: set LUCIUS_SQLITE_FILE to one of "
		        "Lucius, "
		        "or to a file that is not there yet");
	}
	if (version > SCHEMA_VERSION) {
		return refuse(database,
		        "has schema %d, and this version of Lucius knows %d at most: use the "
		        "version "
		        "that wrote it, or a newer one",
		        (int)version, SCHEMA_VERSION);
	}
	*ret_version = version;
	return true;
}

static bool use_wal(struct database *database)
{
	sqlite3_stmt *statement = NULL;
	char mode[16] = "";
	int code = sqlite3_prepare_v2(
	        database->connection, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
	}
	if (code == SQLITE_ROW) {
		(void)snprintf(
		        mode, sizeof(mode), "%s", (const char *)sqlite3_column_text(statement, 0));
	} else {
		note_error(database, code);
	}
	(void)sqlite3_finalize(statement);
	if (database->code == SQLITE_OK && strcmp(mode, "wal") != 0) {
		return refuse(database,
		        "keeps no write-ahead log here (journal mode \"%s\"): put it on a local "
		        "file "
		        "system",
		        mode);
	}
	return database->code == SQLITE_OK;
}

static bool set_up(struct database *database)
{
	/* Another program's file is left as it is. */
	int64_t version = 0;
	return check_version(database, &version) && use_wal(database) &&
	        run_text(database,
	                "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
	                "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768;"
	                "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
}

/* Called after each commit. */
static int note_log(void *user, sqlite3 *connection, const char *name, int n_frames)
{
	struct database *database = user;
	(void)connection;
	(void)name;
	database->n_log_frames = n_frames;
	return SQLITE_OK;
}

/* A sync after writing over what is there takes half the time of one that has to note that the file
 * has grown. So the log has its usual length from the start; what is behind its last frame is read
 * by nobody. Only in a transaction that writes. If there is no room, it does without. */
static void make_log_room(struct database *database)
{
	static const char nothing[LOG_PIECE];
	sqlite3_file *log = NULL;
	sqlite3_int64 old_size = 0;
	int code = sqlite3_file_control(
	        database->connection, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (code != SQLITE_OK || log == NULL || log->pMethods == NULL ||
	        log->pMethods->xFileSize(log, &old_size) != SQLITE_OK) {
		return;
	}
	for (sqlite3_int64 size = old_size; size < LOG_ROOM; size += LOG_PIECE) {
		if (log->pMethods->xWrite(log, nothing, LOG_PIECE, size) != SQLITE_OK) {
			(void)log->pMethods->xTruncate(log, old_size);
			return;
		}
	}
}

/* In one transaction, so that of two processes that start together one does it. */
static bool upgrade(struct database *database)
{
	int64_t version = 0;
	char pragma[96];
	if (!run_text(database, "BEGIN IMMEDIATE") || !check_version(database, &version)) {
		return false;
	}
	make_log_room(database);
	for (; version < SCHEMA_VERSION; version++) {
		if (!run_text(database, schema_upgrades[version])) {
			return false;
		}
	}
	(void)snprintf(pragma, sizeof(pragma),
	        "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION_ID,
	        SCHEMA_VERSION);
	return run_text(database, pragma) &&
	        query_run(database, query(database, QUERY_PROBE)) == 1 &&
	        run_text(database, "COMMIT");
}

static bool read_salt(struct database *database)
{
	sqlite3_stmt *statement = query(database, QUERY_SALT);
	if (!query_row(database, statement)) {
		database_spoil(database, SQLITE_CORRUPT, "the table meta is empty");
		return false;
	}
	database->salt = (uint64_t)column_integer(statement, 0);
	query_end(statement);
	return true;
}

static bool remember_file(struct database *database)
{
	struct stat status;
	if (stat(database->path, &status) != 0) {
		database->system_code = errno;
		database_spoil(database, SQLITE_CANTOPEN, "unable to open database file");
		return false;
	}
	database->device = status.st_dev;
	database->inode = status.st_ino;
	return true;
}

bool database_open(struct database *database, const char *path, bool is_writer)
{
	*database = (struct database){ .path = path };
	bool is_open = open_connection(database, is_writer) && remember_file(database) &&
	        set_up(database) && (!is_writer || upgrade(database)) && read_salt(database);
	if (!is_open) {
		/* What sticks stays to be told. */
		struct database failed = *database;
		database_close(database);
		failed.connection = NULL;
		memset(failed.prepared, 0, sizeof(failed.prepared));
		*database = failed;
	} else if (is_writer) {
		(void)sqlite3_wal_hook(database->connection, note_log, database);
	}
	return is_open;
}

void database_close(struct database *database)
{
	for (size_t i = 0; i < N_QUERIES; i++) {
		(void)sqlite3_finalize(database->prepared[i]);
	}
	(void)sqlite3_close(database->connection);
	*database = (struct database){ .path = database->path };
}

bool database_begin(struct database *database, bool is_writer)
{
	struct stat status;
	if (stat(database->path, &status) != 0 || status.st_dev != database->device ||
	        status.st_ino != database->inode) {
		database_spoil(database, SQLITE_READONLY_DBMOVED, "the file has been moved");
		return false;
	}
	return run_text(database, is_writer ? "BEGIN IMMEDIATE" : "BEGIN");
}

bool database_commit(struct database *database)
{
	return run_text(database, "COMMIT");
}

void database_rollback(struct database *database)
{
	for (size_t i = 0; i < N_QUERIES; i++) {
		if (database->prepared[i] != NULL) {
			(void)sqlite3_reset(database->prepared[i]);
		}
	}
	if (database->connection != NULL && sqlite3_get_autocommit(database->connection) == 0) {
		(void)sqlite3_exec(database->connection, "ROLLBACK", NULL, NULL, NULL);
	}
	database->code = SQLITE_OK;
	database->system_code = 0;
}

sqlite3_stmt *query(struct database *database, enum query number)
{
	if (database->code != SQLITE_OK) {
		return NULL;
	}
	if (database->prepared[number] == NULL) {
		int code = sqlite3_prepare_v3(database->connection, schema_queries[number], -1,
		        SQLITE_PREPARE_PERSISTENT, &database->prepared[number], NULL);
		if (code != SQLITE_OK) {
			note_error(database, code);
			return NULL;
		}
	}
	return database->prepared[number];
}

/* A binding fails only if its place is wrong or memory is out; the step says so then, because a
 * value is missing where the table wants one. */
void bind_text(sqlite3_stmt *statement, int place, struct lucius_text text)
{
	if (statement != NULL) {
		(void)sqlite3_bind_text64(statement, place, text.size != 0 ? text.data : "",
		        text.size, SQLITE_STATIC, SQLITE_UTF8);
	}
}

void bind_blob(sqlite3_stmt *statement, int place, struct lucius_text blob)
{
	if (statement != NULL) {
		(void)sqlite3_bind_blob64(statement, place, blob.size != 0 ? blob.data : "",
		        blob.size, SQLITE_STATIC);
	}
}

void bind_integer(sqlite3_stmt *statement, int place, int64_t number)
{
	if (statement != NULL) {
		(void)sqlite3_bind_int64(statement, place, number);
	}
}

void query_end(sqlite3_stmt *statement)
{
	if (statement != NULL) {
		/* The code is that of the last step, which has been seen. */
		(void)sqlite3_reset(statement);
	}
}

bool query_row(struct database *database, sqlite3_stmt *statement)
{
	if (statement == NULL || database->code != SQLITE_OK) {
		return false;
	}
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		return true;
	}
	if (code != SQLITE_DONE) {
		note_error(database, code);
	}
	query_end(statement);
	return false;
}

int query_run(struct database *database, sqlite3_stmt *statement)
{
	bool has_row = query_row(database, statement);
	if (has_row) {
		query_end(statement);
	}
	return database->code == SQLITE_OK ? sqlite3_changes(database->connection) : -1;
}

struct lucius_text column_text(sqlite3_stmt *statement, int column)
{
	/* Text first: it decides on the form of what bytes counts. */
	const char *text = (const char *)sqlite3_column_text(statement, column);
	return (struct lucius_text){ text != NULL ? text : "",
		text != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0 };
}

struct lucius_text column_blob(sqlite3_stmt *statement, int column)
{
	const char *blob = sqlite3_column_blob(statement, column);
	return (struct lucius_text){ blob,
		blob != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0 };
}

int64_t column_integer(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

/* What the error means and what helps against it. */
struct meaning {
	int code; /* primary */
	uint32_t status;
	const char *remedy;
};

static const struct meaning meanings[] = {
	{ SQLITE_BUSY, LUCIUS_UNAVAILABLE, "another process keeps it locked: let that one end" },
	{ SQLITE_LOCKED, LUCIUS_UNAVAILABLE, "another process keeps it locked: let that one end" },
	{ SQLITE_PROTOCOL, LUCIUS_UNAVAILABLE,
	        "another process keeps it locked: let that one end" },
	{ SQLITE_FULL, LUCIUS_UNAVAILABLE, "make room on its file system" },
	{ SQLITE_IOERR, LUCIUS_UNAVAILABLE, "look after its disk and file system" },
	{ SQLITE_NOMEM, LUCIUS_UNAVAILABLE, "give the process more memory" },
	{ SQLITE_READONLY, LUCIUS_DENIED, "let this process write the file and its directory" },
	{ SQLITE_PERM, LUCIUS_DENIED, "let this process read and write the file" },
	{ SQLITE_AUTH, LUCIUS_DENIED, "let this process read and write the file" },
	{ SQLITE_CANTOPEN, LUCIUS_DENIED,
	        "make its directory and let this process write there, or set LUCIUS_SQLITE_FILE" },
	{ SQLITE_CORRUPT, LUCIUS_DENIED,
	        "it is damaged: restore a copy, or let `sqlite3` `.recover` it" },
	{ SQLITE_NOTADB, LUCIUS_DENIED,
	        "set LUCIUS_SQLITE_FILE to a database, or to a file that is not there yet" },
};

static const struct meaning *meaning_of(int code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].code == (code & 0xff)) {
			return &meanings[i];
		}
	}
	return NULL;
}

/* The file's fault, not that of one request. A damaged page is that of those who read it. */
static bool is_everybodys(const struct meaning *meaning)
{
	return meaning->code != SQLITE_CORRUPT;
}

void database_failure(const struct database *database, struct failure *ret_failure)
{
	const struct meaning *meaning = meaning_of(database->code);
	char buffer[64];
	const char *system_message = database->system_code != 0
	        ? strerror_r(database->system_code, buffer, sizeof(buffer))
	        : "";
	const char *dash = database->system_code != 0 ? ", " : "";
	if (database->refusal[0] != '\0') {
		*ret_failure = (struct failure){ .status = LUCIUS_DENIED, .is_everybodys = true };
		(void)snprintf(ret_failure->sentence, SENTENCE_SIZE, "The database \"%s\" %s.",
		        database->path, database->refusal);
	} else if (database->code == SQLITE_READONLY_DBMOVED) {
		*ret_failure =
		        (struct failure){ .status = LUCIUS_UNAVAILABLE, .is_everybodys = true };
		(void)snprintf(ret_failure->sentence, SENTENCE_SIZE,
		        "The database \"%s\" was moved or removed while it was open; what is there "
		        "now is opened instead.",
		        database->path);
	} else if (meaning != NULL) {
		*ret_failure = (struct failure){ .status = meaning->status,
			.is_everybodys = is_everybodys(meaning) };
		(void)snprintf(ret_failure->sentence, SENTENCE_SIZE,
		        "The database \"%s\" cannot be used (%s%s%s): %s.", database->path,
		        database->message, dash, system_message, meaning->remedy);
	} else {
		*ret_failure = (struct failure){ .status = LUCIUS_INTERNAL };
		(void)snprintf(ret_failure->sentence, SENTENCE_SIZE,
		        "The database \"%s\" did not take a statement (%s, code %d).",
		        database->path, database->message, database->code);
	}
}
