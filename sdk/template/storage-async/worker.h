/* SPDX-License-Identifier: MIT */
/*
 * A thread for what may wait: a client library that blocks, a disk. Requests go over to it in line
 * and come back on the daemon's loop. The store is touched by the thread alone.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdbool.h>

#include <lucius/storage.h>

#include "jobs.h"

enum request_kind {
	REQUEST_CREATE,
	REQUEST_LOAD,
	REQUEST_SAVE,
	REQUEST_RELEASE,
	REQUEST_SCAN,
	REQUEST_REPAIR
};

struct worker;

/* One operation under way. What the daemon has lent stays good until it is finished. */
struct request {
	struct request *next;
	struct worker *worker;
	enum request_kind kind;
	struct lucius_op op;
	const struct lucius_command *command; /* CREATE */
	const struct lucius_job *job; /* SAVE, RELEASE */
	const struct lucius_repair *repair; /* REPAIR */
	struct lucius_text job_id; /* LOAD */
	uint64_t serial; /* SCAN: from behind it */
	uint32_t limit;
	int64_t now_us;
	/* What the thread has found; owned, so that the store may change meanwhile. */
	uint32_t status;
	struct job **found;
	size_t n_found;
	bool is_last_page;
	uint32_t n_purged;
};

struct worker {
	const struct lucius_host *host; /* borrowed */
	void (*on_done)(void *user, struct request *request); /* on the loop; takes it over */
	void *user;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_filled;
	struct request *first; /* owned, under the lock */
	struct request **last;
	bool is_ending; /* under the lock */
	bool is_running;
	struct jobs jobs; /* the thread's */
};

/* 0, or an errno. */
int worker_start(struct worker *worker);
struct request *request_create(enum request_kind kind, struct lucius_op op);
void request_destroy(struct request *request);
/* Hands it over. */
void worker_push(struct worker *worker, struct request *request);
/* Nothing is in line any more: ends the thread. Takes one that was never started. */
void worker_stop(struct worker *worker);

#endif
