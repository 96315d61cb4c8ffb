/* SPDX-License-Identifier: MIT */
/*
 * The instance on the loop. The map of a request: backend_push puts it in line; on_turn hands what
 * came in one turn of the loop to a thread; on_thread_done, on that thread, puts it among those
 * that are done; on_done answers it. The map of the file: open_writer, on_writer_open,
 * on_reader_open; any error that is everybody's leads to go_down, and from there back to
 * open_writer after a while.
 */
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 10000

static void on_done(void *user);

static void queue_add(struct queue *queue, struct request *request)
{
	*queue->last = request;
	queue->last = &request->next;
}

static struct request *queue_take(struct queue *queue)
{
	struct request *first = queue->first;
	queue->first = NULL;
	queue->last = &queue->first;
	return first;
}

/* On a worker's thread. */
static void on_thread_done(void *user, struct request *requests, const struct batch_report *report)
{
	struct backend *backend = user;
	bool is_written = requests->kind >= REQUEST_CREATE && requests->kind < REQUEST_LOAD;
	(void)pthread_mutex_lock(&backend->done_lock);
	*backend->done.last = requests;
	while (*backend->done.last != NULL) {
		backend->done.last = &(*backend->done.last)->next;
	}
	if (is_written) {
		backend->report = *report;
		backend->has_report = true;
	}
	(void)pthread_mutex_unlock(&backend->done_lock);
	backend->host->post(backend->host, on_done, backend);
}

void backend_init(struct backend *backend, const struct lucius_host *host)
{
	backend->host = host;
	backend->options = host->options;
	backend->to_writer.last = &backend->to_writer.first;
	backend->to_reader.last = &backend->to_reader.first;
	backend->done.last = &backend->done.first;
	backend->down_status = LUCIUS_UNAVAILABLE;
	(void)snprintf(backend->down_sentence, sizeof(backend->down_sentence),
	        "The database \"%s\" has not been opened yet.", backend->options->file);
	(void)pthread_mutex_init(&backend->done_lock, NULL);
	struct worker *workers[] = { &backend->writer, &backend->reader };
	for (size_t i = 0; i < 2; i++) {
		workers[i]->is_writer = i == 0;
		workers[i]->path = backend->options->file;
		workers[i]->on_done = on_thread_done;
		workers[i]->user = backend;
	}
}

/* Hands over what this turn of the loop has brought. */
static void on_turn(void *user)
{
	struct backend *backend = user;
	backend->is_turn_posted = false;
	worker_push(&backend->writer, queue_take(&backend->to_writer));
	worker_push(&backend->reader, queue_take(&backend->to_reader));
}

static void push_to(struct backend *backend, struct queue *queue, struct request *request)
{
	queue_add(queue, request);
	if (!backend->is_turn_posted) {
		backend->is_turn_posted = true;
		backend->host->post(backend->host, on_turn, backend);
	}
}

void backend_push(struct backend *backend, struct request *request)
{
	bool is_read = request->kind >= REQUEST_LOAD;
	push_to(backend, is_read ? &backend->to_reader : &backend->to_writer, request);
}

static void push_own(struct backend *backend, struct queue *queue, enum request_kind kind,
        request_done_fn on_own_done)
{
	struct request *request = request_create(kind, (struct lucius_op){ 0 });
	request->on_done = on_own_done;
	request->user = backend;
	push_to(backend, queue, request);
}

static void on_writer_open(struct request *request);

static void open_writer(void *user)
{
	struct backend *backend = user;
	backend->retry = NULL;
	backend->state = FILE_OPENING;
	push_own(backend, &backend->to_writer, REQUEST_OPEN, on_writer_open);
}

/* Answers the start, once. */
static void finish_start(struct backend *backend, uint32_t status, const char *sentence)
{
	struct lucius_op op = backend->start;
	backend->start.id = 0;
	if (op.id != 0) {
		backend->host->finish(backend->host, op, status, sentence);
	}
}

/* Nothing is done until the file has been opened anew, which is tried again and again. */
static void go_down(struct backend *backend, const struct request *request)
{
	const struct lucius_host *host = backend->host;
	if (strcmp(backend->down_sentence, request->sentence) != 0) {
		lucius_log(host, LUCIUS_LOG_ERROR, "sqlite.down", request->sentence);
	}
	backend->state = FILE_CLOSED;
	backend->down_status =
	        request->status == LUCIUS_DENIED ? LUCIUS_DENIED : LUCIUS_UNAVAILABLE;
	(void)snprintf(
	        backend->down_sentence, sizeof(backend->down_sentence), "%s", request->sentence);
	host->ready(host, backend->down_sentence);
	finish_start(backend, backend->down_status, backend->down_sentence);
	if (!backend->is_stopping && backend->retry == NULL) {
		backend->retry = host->timer_start(host, backend->retry_ms, open_writer, backend);
		backend->retry_ms =
		        backend->retry_ms * 2 < RETRY_MAX_MS ? backend->retry_ms * 2 : RETRY_MAX_MS;
	}
}

static void on_reader_open(struct request *request)
{
	struct backend *backend = request->user;
	if (request->status != LUCIUS_OK) {
		go_down(backend, request);
	} else if (backend->state == FILE_OPENING) {
		backend->state = FILE_OPEN;
		backend->salt = (uint64_t)request->position;
		backend->retry_ms = RETRY_FIRST_MS;
		backend->down_sentence[0] = '\0';
		lucius_log(backend->host, LUCIUS_LOG_INFO, "sqlite.open", backend->options->file);
		backend->host->ready(backend->host, NULL);
		finish_start(backend, LUCIUS_OK, NULL);
	}
	request_destroy(request);
}

static void on_writer_open(struct request *request)
{
	struct backend *backend = request->user;
	if (request->status != LUCIUS_OK) {
		go_down(backend, request);
	} else if (!backend->is_stopping) {
		push_own(backend, &backend->to_reader, REQUEST_OPEN, on_reader_open);
	}
	request_destroy(request);
}

static void answer(struct backend *backend, struct request *request)
{
	bool is_lost = request->is_file_lost && request->kind != REQUEST_OPEN &&
	        backend->state == FILE_OPEN;
	if (is_lost) {
		go_down(backend, request);
	}
	if (request->op.id == 0) {
		request->on_done(request);
	} else {
		operation_answer(backend, request);
		request_destroy(request);
	}
}

static void tell_metrics(struct backend *backend, const struct batch_report *report)
{
	const struct lucius_host *host = backend->host;
	host->record(host, backend->commit_metric, report->seconds);
	host->record(host, backend->batch_metric, (double)report->n_requests);
}

/* Answers what the threads have done. */
static void on_done(void *user)
{
	struct backend *backend = user;
	(void)pthread_mutex_lock(&backend->done_lock);
	struct request *request = queue_take(&backend->done);
	struct batch_report report = backend->report;
	bool has_report = backend->has_report;
	backend->has_report = false;
	(void)pthread_mutex_unlock(&backend->done_lock);
	if (has_report) {
		tell_metrics(backend, &report);
	}
	while (request != NULL) {
		struct request *next = request->next;
		answer(backend, request);
		request = next;
	}
}

bool backend_accepts(struct backend *backend, struct lucius_op op)
{
	if (backend->is_stopping) {
		lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE, "The database has been closed.");
		return false;
	}
	if (backend->state != FILE_OPEN) {
		lucius_fail(backend->host, op, backend->down_status, backend->down_sentence);
		return false;
	}
	return true;
}

void backend_start(struct backend *backend, struct lucius_op op)
{
	char sentence[128];
	struct worker *workers[] = { &backend->writer, &backend->reader };
	for (size_t i = 0; i < 2; i++) {
		int code = worker_start(workers[i]);
		if (code != 0) {
			(void)snprintf(sentence, sizeof(sentence),
			        "A thread for the database does not start (error %d).", code);
			lucius_fail(backend->host, op, LUCIUS_INTERNAL, sentence);
			return;
		}
		backend->n_threads++;
	}
	backend->start = op;
	backend->retry_ms = RETRY_FIRST_MS;
	open_writer(backend);
}

static void on_closed(struct request *request)
{
	struct backend *backend = request->user;
	request_destroy(request);
	backend->n_threads--;
	if (backend->n_threads == 0) {
		worker_join(&backend->writer);
		worker_join(&backend->reader);
		lucius_finish(backend->host, backend->stop);
	}
}

void backend_check_stop(struct backend *backend)
{
	if (backend->stop.id == 0 || backend->claimants != NULL) {
		return;
	}
	if (backend->n_threads == 0) {
		lucius_finish(backend->host, backend->stop);
		return;
	}
	/* Behind all that is in line. */
	if (backend->reader.is_running) {
		push_own(backend, &backend->to_reader, REQUEST_CLOSE, on_closed);
	}
	if (backend->writer.is_running) {
		push_own(backend, &backend->to_writer, REQUEST_CLOSE, on_closed);
	}
}

void backend_stop(struct backend *backend, struct lucius_op op)
{
	backend->is_stopping = true;
	if (backend->retry != NULL) {
		backend->host->timer_stop(backend->host, backend->retry);
		backend->retry = NULL;
	}
	finish_start(backend, LUCIUS_UNAVAILABLE, "The database was closed before it was opened.");
	ownership_stop(backend);
	backend->stop = op;
	backend_check_stop(backend);
}

static void close_thread(struct worker *worker)
{
	if (worker->is_running) {
		worker_push(worker, request_create(REQUEST_CLOSE, (struct lucius_op){ 0 }));
		worker_join(worker);
	}
}

static void destroy_requests(struct request *request)
{
	while (request != NULL) {
		struct request *next = request->next;
		request_destroy(request);
		request = next;
	}
}

void backend_finish(struct backend *backend)
{
	if (backend->host == NULL) {
		return;
	}
	close_thread(&backend->writer);
	close_thread(&backend->reader);
	destroy_requests(backend->writer.first);
	destroy_requests(backend->reader.first);
	destroy_requests(backend->to_writer.first);
	destroy_requests(backend->to_reader.first);
	destroy_requests(backend->done.first);
	job_view_finish(&backend->view);
	(void)pthread_mutex_destroy(&backend->done_lock);
}
