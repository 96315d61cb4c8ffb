/* SPDX-License-Identifier: MIT */
/*
 * A thread with a connection of its own. It takes all requests that wait, does them in one
 * transaction, commits, and only then hands them back: whatever comes while the disk is busy shares
 * the next commit.
 */
#ifndef STORAGE_SQLITE_WORKER_H
#define STORAGE_SQLITE_WORKER_H

#include <pthread.h>
#include <stdbool.h>

#include "ahead.h"
#include "checkpoint.h"
#include "database.h"
#include "request.h"

struct batch_report {
	size_t n_requests;
	double seconds; /* from begin to commit */
};

/* Called on the worker's thread with a list of requests that are done; takes it over. */
typedef void (*worker_done_fn)(
        void *user, struct request *requests, const struct batch_report *report);

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_filled;
	struct request *first; /* owned, under the lock */
	struct request **last;
	bool is_running; /* the thread is to be joined */
	/* For the thread alone. */
	bool is_writer;
	bool is_down; /* nothing is done before the file has been opened anew */
	struct failure failure; /* why */
	struct database database;
	struct checkpoint checkpoint; /* the writer's */
	struct ahead ahead; /* the reader's */
	const char *path; /* borrowed */
	worker_done_fn on_done;
	void *user;
};

/* Starts the thread; 0 or an errno. */
int worker_start(struct worker *worker);
/* Hands a list over; the requests are done in its order. */
void worker_push(struct worker *worker, struct request *requests);
/* After REQUEST_CLOSE has come back, or will: waits for the end of the thread. */
void worker_join(struct worker *worker);

#endif
