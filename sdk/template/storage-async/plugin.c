/* SPDX-License-Identifier: MIT */
/*
 * storage-mine, asynchronous: operations are handed to a thread and finished when they come back.
 * This file is the border to the daemon and runs on its loop; what may wait is in worker.c.
 */
#include <lucius/storage.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "support/rows/job_size.h"
#include "worker.h"

/* The instance: `instance_size` bytes that the daemon gives, zeroed. */
struct mine {
	const struct lucius_host *host; /* borrowed */
	struct worker worker;
	struct job_view view;
	struct names names;
	size_t n_open; /* requests that have not come back */
	struct lucius_op stop; /* 0: not asked, or answered */
	bool is_stopped; /* nothing is taken any more */
};

static void on_done(void *user, struct request *request);

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct mine *mine = self;
	(void)error;
	(void)error_size;
	mine->host = host;
	mine->worker = (struct worker){ .host = host, .on_done = on_done, .user = mine };
	names_init(&mine->names, host);
	return LUCIUS_OK;
}

static void start(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	int error = worker_start(&mine->worker);
	lucius_fail(mine->host, op, error == 0 ? LUCIUS_OK : LUCIUS_INTERNAL,
	        error == 0 ? NULL : strerror(error));
}

/* The last request is back: the thread has nothing to do any more. */
static void check_stop(struct mine *mine)
{
	if (mine->stop.id != 0 && mine->n_open == 0) {
		worker_stop(&mine->worker);
		lucius_finish(mine->host, mine->stop);
		mine->stop.id = 0;
	}
}

static void stop(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	mine->stop = op;
	mine->is_stopped = true;
	names_stop(&mine->names);
	check_stop(mine);
}

static void destroy(void *self)
{
	struct mine *mine = self;
	worker_stop(&mine->worker);
	jobs_finish(&mine->worker.jobs);
	job_view_finish(&mine->view);
}

static void health(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	lucius_finish(mine->host, op);
}

static void info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	info->traits = 0;
}

static void give_page(struct mine *mine, const struct request *request)
{
	for (size_t i = 0; i < request->n_found; i++) {
		const struct job *job = request->found[i];
		bool is_last = request->is_last_page && i + 1 == request->n_found;
		char place[24] = "";
		if (!is_last) {
			(void)snprintf(place, sizeof(place), "%" PRIu64, job_serial(job));
		}
		const struct lucius_found found = { .size = sizeof(found),
			.job = job_show(job, &mine->view, true),
			.cursor = { place, strlen(place) } };
		mine->host->give(mine->host, request->op, &found);
	}
}

static void give(struct mine *mine, const struct request *request)
{
	const struct lucius_repair_report report = { .size = sizeof(report),
		.n_purged = request->n_purged };
	if (request->kind == REQUEST_SCAN) {
		give_page(mine, request);
	} else if (request->kind == REQUEST_REPAIR) {
		mine->host->give(mine->host, request->op, &report);
	} else if (request->n_found != 0) {
		mine->host->give(mine->host, request->op,
		        job_show(request->found[0], &mine->view, request->kind == REQUEST_LOAD));
	}
}

/* A request has come back. Its caller may have given up: it is finished all the same. */
static void on_done(void *user, struct request *request)
{
	struct mine *mine = user;
	give(mine, request);
	lucius_fail(mine->host, request->op, request->status, NULL);
	request_destroy(request);
	mine->n_open--;
	check_stop(mine);
}

/* NULL: the operation has been refused. */
static struct request *accept(struct mine *mine, enum request_kind kind, struct lucius_op op)
{
	if (mine->is_stopped || !mine->worker.is_running) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "Storage mine has stopped.");
		return NULL;
	}
	return request_create(kind, op);
}

static void push(struct mine *mine, struct request *request)
{
	mine->n_open++;
	worker_push(&mine->worker, request);
}

static bool fits(struct mine *mine, const struct lucius_job *job, struct lucius_op op)
{
	char sentence[256];
	bool is_fitting = job_size_fits(job, sentence, sizeof(sentence));
	if (!is_fitting) {
		lucius_fail(mine->host, op, LUCIUS_TOO_LARGE, sentence);
	}
	return is_fitting;
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct request *request =
	        fits(self, command->job, op) ? accept(self, REQUEST_CREATE, op) : NULL;
	if (request != NULL) {
		request->command = command;
		push(self, request);
	}
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_LOAD, op);
	if (request != NULL) {
		request->job_id = job_id;
		push(self, request);
	}
}

static void save(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct mine *mine = self;
	struct request *request = fits(mine, job, op) ? accept(mine, REQUEST_SAVE, op) : NULL;
	if (request != NULL) {
		request->job = job;
		request->now_us = mine->host->clock_us(mine->host);
		push(mine, request);
	}
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_RELEASE, op);
	if (request != NULL) {
		request->job = job;
		push(self, request);
	}
}

static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_SCAN, op);
	if (request != NULL) {
		request->serial = cursor.size != 0 ? strtoull(cursor.data, NULL, 10) : 0;
		request->limit = limit;
		push(self, request);
	}
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct request *request = accept(self, REQUEST_REPAIR, op);
	if (request != NULL) {
		request->repair = asked;
		push(self, request);
	}
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct mine *mine = self;
	if (mine->is_stopped) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "Storage mine has stopped.");
	} else {
		names_ask(&mine->names, asked->name, op);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct mine),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

static const struct lucius_storage storage = {
	.size = sizeof(storage),
	.info = info,
	.create = create_job,
	.load = load,
	.save = save,
	.release = release,
	.scan = scan,
	.repair = repair,
	.own = own,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "mine"),
	.version = "1",
	.summary = "Keeps jobs in a list that a thread looks after.",
	.life = &life,
	.option_size = sizeof(struct lucius_option),
	.storage = &storage,
};
