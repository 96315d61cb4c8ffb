/* SPDX-License-Identifier: MIT */
/*
 * Copying the log: checkpoint_follow → copy, on the thread → checkpoint_follow again, which
 * finishes. An error is nobody's: the log is longer then, and a commit will tell what is wrong
 * with the file.
 */
#include "checkpoint.h"

#include <stddef.h>

/* Pages in a log that is worth copying: so short that it keeps to the same places of the disk,
 * which are synced sooner than new ones, and that no sync of the database has much to write. */
#define BEGIN_FRAMES 1000
/* While one pass copies, the writer goes on: the next copies that, until so little is left. */
#define REST_FRAMES 100
#define PASSES_MAX 4

/* SQLite syncs the database only with the very last page of the log. What has been copied is
 * synced here, so that this sync finds little to do. */
static bool sync_database(sqlite3 *connection)
{
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(connection, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
	return code == SQLITE_OK && file != NULL && file->pMethods != NULL &&
	        file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

/* How many pages of the log are in the database by now; -1: it failed. */
static int pass(sqlite3 *connection)
{
	int n_copied = -1;
	int code = sqlite3_wal_checkpoint_v2(
	        connection, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &n_copied);
	return code == SQLITE_OK && sync_database(connection) ? n_copied : -1;
}

/* Opens the file each time: nothing of it is kept while the writer opens it anew. */
static void copy(const char *path)
{
	sqlite3 *connection = NULL;
	int n_before = 0;
	int code = sqlite3_open_v2(
	        path, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		/* The first look finds the log. */
		code = sqlite3_exec(connection,
		        "PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_schema", NULL, NULL,
		        NULL);
	}
	for (int i = 0; code == SQLITE_OK && i < PASSES_MAX; i++) {
		int n_copied = pass(connection);
		if (n_copied - n_before < REST_FRAMES) {
			break;
		}
		n_before = n_copied;
	}
	(void)sqlite3_close(connection);
}

static void *run(void *user)
{
	struct checkpoint *checkpoint = user;
	(void)pthread_mutex_lock(&checkpoint->lock);
	for (;;) {
		while (!checkpoint->is_asked && !checkpoint->is_over) {
			(void)pthread_cond_wait(&checkpoint->is_changed, &checkpoint->lock);
		}
		if (checkpoint->is_over) {
			break;
		}
		(void)pthread_mutex_unlock(&checkpoint->lock);
		copy(checkpoint->path);
		(void)pthread_mutex_lock(&checkpoint->lock);
		checkpoint->is_asked = false;
		checkpoint->has_copied = true;
	}
	(void)pthread_mutex_unlock(&checkpoint->lock);
	return NULL;
}

int checkpoint_start(struct checkpoint *checkpoint, const char *path)
{
	*checkpoint = (struct checkpoint){ .path = path, .next_frames = BEGIN_FRAMES };
	(void)pthread_mutex_init(&checkpoint->lock, NULL);
	(void)pthread_cond_init(&checkpoint->is_changed, NULL);
	int code = pthread_create(&checkpoint->thread, NULL, run, checkpoint);
	checkpoint->is_running = code == 0;
	return code;
}

/* The rest of the log. If somebody still reads from it, it goes on growing for now. */
static void finish(struct checkpoint *checkpoint, struct database *writer)
{
	int n_frames = 0;
	int n_copied = 0;
	int code = sqlite3_wal_checkpoint_v2(
	        writer->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_frames, &n_copied);
	bool is_whole = code == SQLITE_OK && n_copied == n_frames;
	checkpoint->next_frames = (is_whole ? 0 : writer->n_log_frames) + BEGIN_FRAMES;
}

void checkpoint_follow(struct checkpoint *checkpoint, struct database *writer)
{
	if (writer->n_log_frames < checkpoint->next_frames - BEGIN_FRAMES) {
		/* The log has begun anew. */
		checkpoint->next_frames = BEGIN_FRAMES;
	}
	(void)pthread_mutex_lock(&checkpoint->lock);
	bool has_copied = checkpoint->has_copied;
	checkpoint->has_copied = false;
	if (!has_copied && writer->n_log_frames >= checkpoint->next_frames) {
		checkpoint->is_asked = true;
		(void)pthread_cond_signal(&checkpoint->is_changed);
	}
	(void)pthread_mutex_unlock(&checkpoint->lock);
	if (has_copied) {
		finish(checkpoint, writer);
	}
}

void checkpoint_stop(struct checkpoint *checkpoint)
{
	if (!checkpoint->is_running) {
		return;
	}
	(void)pthread_mutex_lock(&checkpoint->lock);
	checkpoint->is_over = true;
	(void)pthread_cond_signal(&checkpoint->is_changed);
	(void)pthread_mutex_unlock(&checkpoint->lock);
	(void)pthread_join(checkpoint->thread, NULL);
	(void)pthread_mutex_destroy(&checkpoint->lock);
	(void)pthread_cond_destroy(&checkpoint->is_changed);
	checkpoint->is_running = false;
}
