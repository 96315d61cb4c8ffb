/* SPDX-License-Identifier: MIT */
/* The thread, and what it does with the store. */
#include "worker.h"

#include <stdlib.h>

#include "support/base/memory.h"

struct request *request_create(enum request_kind kind, struct lucius_op op)
{
	struct request *request = must_calloc(1, sizeof(*request));
	request->kind = kind;
	request->op = op;
	return request;
}

void request_destroy(struct request *request)
{
	for (size_t i = 0; i < request->n_found; i++) {
		job_destroy(request->found[i]);
	}
	free(request->found);
	free(request);
}

static void add_found(struct request *request, const struct job *job)
{
	if (job != NULL) {
		request->found =
		        must_resize(request->found, request->n_found + 1, sizeof(struct job *));
		request->found[request->n_found++] = job_clone(job);
	}
}

static void scan(struct request *request, const struct jobs *jobs)
{
	const struct job *job = jobs_next_holder(jobs, request->serial);
	for (uint32_t i = 0; i < request->limit && job != NULL; i++) {
		add_found(request, job);
		job = jobs_next_holder(jobs, job_serial(job));
	}
	request->is_last_page = job == NULL;
}

/* May block; this is where your client library is called. */
static void do_request(struct request *request, struct jobs *jobs)
{
	const struct job *job = NULL;
	switch (request->kind) {
	case REQUEST_CREATE:
		request->status = jobs_add(jobs, request->command, &job);
		add_found(request, request->status == LUCIUS_KEY_CONFLICT ? NULL : job);
		break;
	case REQUEST_LOAD:
		job = jobs_find(jobs, request->job_id);
		request->status = job != NULL ? LUCIUS_OK : LUCIUS_NOT_FOUND;
		add_found(request, job);
		break;
	case REQUEST_SAVE:
		request->status = jobs_change(jobs, request->job, request->now_us, &job);
		add_found(request, job);
		break;
	case REQUEST_RELEASE:
		jobs_release(jobs, request->job->job_id);
		break;
	case REQUEST_SCAN:
		scan(request, jobs);
		break;
	case REQUEST_REPAIR:
		request->n_purged = jobs_purge(jobs, request->repair);
		break;
	}
}

static void on_back(void *user)
{
	struct request *request = user;
	struct worker *worker = request->worker;
	worker->on_done(worker->user, request);
}

/* The next in line; NULL: the end. */
static struct request *take(struct worker *worker)
{
	(void)pthread_mutex_lock(&worker->lock);
	while (worker->first == NULL && !worker->is_ending) {
		(void)pthread_cond_wait(&worker->is_filled, &worker->lock);
	}
	struct request *request = worker->first;
	if (request != NULL) {
		worker->first = request->next;
		worker->last = worker->first == NULL ? &worker->first : worker->last;
	}
	(void)pthread_mutex_unlock(&worker->lock);
	return request;
}

static void *run(void *user)
{
	struct worker *worker = user;
	for (;;) {
		struct request *request = take(worker);
		if (request == NULL) {
			return NULL;
		}
		do_request(request, &worker->jobs);
		/* The one member of the host that a thread may call. */
		worker->host->post(worker->host, on_back, request);
	}
}

int worker_start(struct worker *worker)
{
	worker->last = &worker->first;
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_cond_init(&worker->is_filled, NULL);
	int error = pthread_create(&worker->thread, NULL, run, worker);
	worker->is_running = error == 0;
	return error;
}

void worker_push(struct worker *worker, struct request *request)
{
	request->worker = worker;
	(void)pthread_mutex_lock(&worker->lock);
	*worker->last = request;
	worker->last = &request->next;
	(void)pthread_cond_signal(&worker->is_filled);
	(void)pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
	if (worker->is_running) {
		(void)pthread_mutex_lock(&worker->lock);
		worker->is_ending = true;
		(void)pthread_cond_signal(&worker->is_filled);
		(void)pthread_mutex_unlock(&worker->lock);
		(void)pthread_join(worker->thread, NULL);
		worker->is_running = false;
	}
}
