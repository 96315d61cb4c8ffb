/* SPDX-License-Identifier: MIT */
/*
 * The instance: two threads (one writes, one reads), what waits for them, and the state of the
 * file. All functions run on the loop unless they say otherwise.
 */
#ifndef STORAGE_SQLITE_BACKEND_H
#define STORAGE_SQLITE_BACKEND_H

#include <pthread.h>
#include <stdbool.h>

#include <lucius/storage.h>

#include "request.h"
#include "support/rows/job_view.h"
#include "worker.h"

struct claimant;

struct sqlite_options {
	const char *file;
};

/* Requests in line. */
struct queue {
	struct request *first;
	struct request **last;
};

enum file_state { FILE_CLOSED, FILE_OPENING, FILE_OPEN };

struct backend {
	const struct lucius_host *host; /* borrowed, as the metrics */
	const struct sqlite_options *options;
	struct lucius_metric *commit_metric;
	struct lucius_metric *batch_metric;
	struct worker writer;
	struct worker reader;
	struct queue to_writer; /* owned; goes over when this turn of the loop ends */
	struct queue to_reader;
	bool is_turn_posted;

	pthread_mutex_t done_lock;
	struct queue done; /* owned, under the lock: filled by the threads */
	struct batch_report report; /* under the lock: of the newest batch that was written */
	bool has_report;

	enum file_state state;
	uint64_t salt; /* of cursors */
	uint32_t down_status; /* while it is not FILE_OPEN: what is answered, and why */
	char down_sentence[SENTENCE_SIZE];
	uint64_t retry_ms;
	struct lucius_timer *retry; /* NULL: not running */
	struct lucius_op start; /* 0: answered */
	struct lucius_op stop; /* 0: not asked */
	bool is_stopping;
	unsigned n_threads;
	struct claimant *claimants; /* owned */
	struct job_view view;
};

void backend_init(struct backend *backend, const struct lucius_host *host);
/* Takes one that was never started. The threads have ended, or end here. */
void backend_finish(struct backend *backend);
/* Starts the threads and opens the file; finishes the operation when it is known how that went. */
void backend_start(struct backend *backend, struct lucius_op op);
/* Answers all that waits, gives the names back, closes the file, ends the threads. */
void backend_stop(struct backend *backend, struct lucius_op op);
/* False: the operation has been answered, because the file cannot be used or it comes after stop.
 */
bool backend_accepts(struct backend *backend, struct lucius_op op);
/* Puts a request in line; it comes back through its on_done, or through operation_answer. */
void backend_push(struct backend *backend, struct request *request);
/* Called when a claimant has gone. */
void backend_check_stop(struct backend *backend);

/* Gives what was found and finishes the operation (operations.c). */
void operation_answer(struct backend *backend, struct request *request);

/* Names (ownership.c). */
void ownership_ask(
        struct backend *backend, const struct lucius_ownership *asked, struct lucius_op op);
void ownership_stop(struct backend *backend);

#endif
