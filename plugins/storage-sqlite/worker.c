/* SPDX-License-Identifier: MIT */
/* The threads that work on the database. */
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* So that one transaction does not grow without end. */
#define BATCH_MAX 1000

static double now_s(void)
{
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool stands_alone(const struct request *request)
{
	return request->kind == REQUEST_OPEN || request->kind == REQUEST_CLOSE;
}

/* The next batch off the front of what waits. */
static struct request *take_batch(struct worker *worker, size_t *ret_n_requests)
{
	(void)pthread_mutex_lock(&worker->lock);
	while (worker->first == NULL) {
		(void)pthread_cond_wait(&worker->is_filled, &worker->lock);
	}
	struct request *first = worker->first;
	struct request *last = first;
	size_t n_requests = 1;
	while (!stands_alone(first) && last->next != NULL && !stands_alone(last->next) &&
	        n_requests < BATCH_MAX) {
		last = last->next;
		n_requests++;
	}
	worker->first = last->next;
	if (worker->first == NULL) {
		worker->last = &worker->first;
	}
	(void)pthread_mutex_unlock(&worker->lock);
	last->next = NULL;
	*ret_n_requests = n_requests;
	return first;
}

static void do_request(struct worker *worker, struct request *request)
{
	static void (*const doers[])(struct database *, struct request *) = {
		[REQUEST_CREATE] = write_create,
		[REQUEST_SAVE] = write_save,
		[REQUEST_RELEASE] = write_release,
		[REQUEST_REPAIR] = write_repair,
		[REQUEST_TRY_NAME] = write_try_name,
		[REQUEST_DROP_NAME] = write_drop_name,
		[REQUEST_LOAD] = read_load,
		[REQUEST_LIST] = read_list,
		[REQUEST_EVENTS] = read_events,
	};
	request_reset(request);
	if (request->kind == REQUEST_SCAN) {
		ahead_scan(&worker->ahead, &worker->database, request);
	} else {
		doers[request->kind](&worker->database, request);
	}
}

static void fail(struct request *request, uint32_t status, const struct failure *failure)
{
	request_reset(request);
	request_fail(request, status, "%s", failure->sentence);
	request->is_file_lost = failure->is_everybodys;
}

static void fail_all(struct request *requests, const struct failure *failure)
{
	for (struct request *at = requests; at != NULL; at = at->next) {
		fail(at, failure->status, failure);
	}
}

/* What was done may be in the file in spite of the error; what was refused has done nothing. */
static void fail_commit(struct request *requests, const struct failure *failure)
{
	for (struct request *at = requests; at != NULL; at = at->next) {
		fail(at, at->status == LUCIUS_OK ? LUCIUS_UNKNOWN : LUCIUS_UNAVAILABLE, failure);
	}
}

/* Whether a commit that failed so has certainly done nothing: it waited for others in vain, or the
 * disk was full before the last frame, which is the one that counts, was in the log. */
static bool has_done_nothing(int code)
{
	return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_FULL;
}

/* False: all have been answered. */
static bool try_commit(struct worker *worker, struct request *requests, struct failure *ret_failure)
{
	struct database *database = &worker->database;
	if (database_commit(database)) {
		return true;
	}
	database_failure(database, ret_failure);
	ret_failure->is_everybodys = true;
	if (has_done_nothing(database->code) || !worker->is_writer) {
		fail_all(requests, ret_failure);
	} else {
		fail_commit(requests, ret_failure);
	}
	return false;
}

/* All in one transaction. False: an error stuck, all of them have been answered with it. */
static bool try_batch(struct worker *worker, struct request *requests, struct failure *ret_failure)
{
	struct database *database = &worker->database;
	bool is_ok = database_begin(database, worker->is_writer);
	for (struct request *at = requests; is_ok && at != NULL; at = at->next) {
		do_request(worker, at);
		is_ok = database->code == SQLITE_OK;
	}
	if (is_ok) {
		is_ok = try_commit(worker, requests, ret_failure);
	} else {
		database_failure(database, ret_failure);
		fail_all(requests, ret_failure);
	}
	if (!is_ok) {
		database_rollback(database);
	}
	return is_ok;
}

/* The file is unusable for now: everybody is told so until it has been opened anew. */
static void go_down(struct worker *worker, const struct failure *failure)
{
	worker->is_down = true;
	worker->failure = *failure;
}

static void do_alone(struct worker *worker, struct request *request)
{
	struct failure failure;
	if (!try_batch(worker, request, &failure) && failure.is_everybodys) {
		go_down(worker, &failure);
	}
}

/* One spoilt request must not fail the others: then each is done by itself. */
static void do_batch(struct worker *worker, struct request *requests)
{
	struct failure failure;
	if (worker->is_down) {
		fail_all(requests, &worker->failure);
		return;
	}
	if (try_batch(worker, requests, &failure)) {
		return;
	}
	if (failure.is_everybodys) {
		go_down(worker, &failure);
		return;
	}
	struct request *next = NULL;
	for (struct request *at = requests; at != NULL; at = next) {
		next = at->next;
		at->next = NULL;
		if (worker->is_down) {
			fail(at, worker->failure.status, &worker->failure);
		} else {
			do_alone(worker, at);
		}
		at->next = next;
	}
}

static void do_open(struct worker *worker, struct request *request)
{
	request_reset(request);
	ahead_drop(&worker->ahead);
	database_close(&worker->database);
	worker->is_down = !database_open(&worker->database, worker->path, worker->is_writer);
	if (worker->is_down) {
		database_failure(&worker->database, &worker->failure);
		fail(request, worker->failure.status, &worker->failure);
	}
	/* The salt of the file's cursors goes back as the position. */
	request->position = (int64_t)worker->database.salt;
}

/* What is useful before the next batch. */
static void go_on(struct worker *worker)
{
	if (worker->is_writer) {
		checkpoint_follow(&worker->checkpoint, &worker->database);
	} else {
		ahead_fetch(&worker->ahead, &worker->database);
	}
}

static void *run(void *user)
{
	struct worker *worker = user;
	for (;;) {
		struct batch_report report = { 0 };
		struct request *requests = take_batch(worker, &report.n_requests);
		bool is_over = requests->kind == REQUEST_CLOSE;
		double begin_s = now_s();
		if (requests->kind == REQUEST_OPEN) {
			do_open(worker, requests);
		} else if (is_over) {
			checkpoint_stop(&worker->checkpoint);
			ahead_drop(&worker->ahead);
			database_close(&worker->database);
		} else {
			do_batch(worker, requests);
		}
		report.seconds = now_s() - begin_s;
		worker->on_done(worker->user, requests, &report);
		if (is_over) {
			return NULL;
		}
		if (!worker->is_down) {
			go_on(worker);
		}
	}
}

int worker_start(struct worker *worker)
{
	sigset_t all;
	sigset_t before;
	worker->last = &worker->first;
	worker->is_down = true;
	(void)snprintf(worker->failure.sentence, sizeof(worker->failure.sentence),
	        "The database \"%s\" has not been opened yet.", worker->path);
	worker->failure.status = LUCIUS_UNAVAILABLE;
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_cond_init(&worker->is_filled, NULL);
	/* Signals are the loop's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = worker->is_writer ? checkpoint_start(&worker->checkpoint, worker->path) : 0;
	if (code == 0) {
		code = pthread_create(&worker->thread, NULL, run, worker);
		worker->is_running = code == 0;
	}
	if (code != 0) {
		checkpoint_stop(&worker->checkpoint);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

void worker_push(struct worker *worker, struct request *requests)
{
	if (requests == NULL) {
		return;
	}
	struct request *last = requests;
	while (last->next != NULL) {
		last = last->next;
	}
	(void)pthread_mutex_lock(&worker->lock);
	*worker->last = requests;
	worker->last = &last->next;
	(void)pthread_cond_signal(&worker->is_filled);
	(void)pthread_mutex_unlock(&worker->lock);
}

void worker_join(struct worker *worker)
{
	if (worker->is_running) {
		(void)pthread_join(worker->thread, NULL);
		(void)pthread_mutex_destroy(&worker->lock);
		(void)pthread_cond_destroy(&worker->is_filled);
		worker->is_running = false;
	}
}
