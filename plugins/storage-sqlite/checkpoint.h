/* SPDX-License-Identifier: MIT */
/*
 * Brings what has been committed from the write-ahead log into the database file, so that the log
 * can begin anew. A thread with a connection of its own copies and syncs nearly all of it while
 * the writer goes on; the writer finishes it between two transactions, which is then little work.
 */
#ifndef STORAGE_SQLITE_CHECKPOINT_H
#define STORAGE_SQLITE_CHECKPOINT_H

#include <pthread.h>
#include <stdbool.h>

#include "database.h"

struct checkpoint {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	const char *path; /* borrowed */
	bool is_running; /* the thread is to be joined */
	/* Under the lock. */
	bool is_asked; /* until the thread has copied */
	bool has_copied; /* until the writer has seen it */
	bool is_over;
	/* For the writer alone. */
	int next_frames; /* so long a log is copied */
};

/* Starts the thread; 0 or an errno. */
int checkpoint_start(struct checkpoint *checkpoint, const char *path);
/* On the writer's thread, outside of its transactions. */
void checkpoint_follow(struct checkpoint *checkpoint, struct database *writer);
/* Waits for the end of the thread. Takes one that was not started. */
void checkpoint_stop(struct checkpoint *checkpoint);

#endif
