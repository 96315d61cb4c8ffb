/* SPDX-License-Identifier: MIT */
/* Giving the daemon what the threads have found. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "support/rows/cursor.h"

/* False: its row is spoilt. */
static bool give_job(struct backend *backend, const struct request *request)
{
	const struct lucius_job *job = NULL;
	if (!result_show(&request->result, 0, &backend->view, &job)) {
		return false;
	}
	backend->host->give(backend->host, request->op, job);
	return true;
}

/* Gives a job (NULL: none), and the place at which the next page goes on (0: there is none). */
static void give_found(struct backend *backend, const struct request *request,
        const struct lucius_job *job, int64_t position)
{
	char digits[CURSOR_POSITION_MAX + 1];
	char cursor[CURSOR_SIZE] = "";
	struct lucius_text scope = request->kind == REQUEST_LIST
	        ? request->listing->tenant_id
	        : (struct lucius_text){ "scan", 4 };
	if (position != 0) {
		(void)snprintf(digits, sizeof(digits), "%" PRIx64, (uint64_t)position);
		cursor_write(cursor, backend->salt, scope, digits);
	}
	struct lucius_found found = {
		.size = sizeof(found),
		.job = job,
		.cursor = { cursor, strlen(cursor) },
	};
	backend->host->give(backend->host, request->op, &found);
}

/* False: a row is spoilt. */
static bool give_page(struct backend *backend, const struct request *request)
{
	const struct result *result = &request->result;
	for (size_t i = 0; i < result->n_jobs; i++) {
		const struct lucius_job *job = NULL;
		bool is_last = i == result->n_jobs - 1;
		if (!result_show(result, i, &backend->view, &job)) {
			return false;
		}
		int64_t end = result->is_last_page ? 0 : result->next_serial;
		give_found(backend, request, job, is_last ? end : result->jobs[i].serial);
	}
	if (result->n_jobs == 0 && !result->is_last_page) {
		give_found(backend, request, NULL, result->next_serial);
	}
	return true;
}

static bool give_events(struct backend *backend, const struct request *request)
{
	struct lucius_job nobody = { 0 };
	for (size_t i = 0; i < request->result.n_parts; i++) {
		const struct kept_part *part = &request->result.parts[i];
		/* The view's field array serves for an event as well. */
		if (!job_view_begin(
		            &backend->view, &nobody, result_text(&request->result, part->fields))) {
			return false;
		}
		const struct lucius_job *viewed = job_view_job(&backend->view);
		struct lucius_job_event event = {
			.size = sizeof(event),
			.seq = part->index,
			.fields = viewed->fields,
			.n_fields = viewed->n_fields,
		};
		backend->host->give(backend->host, request->op, &event);
	}
	return true;
}

static void give_report(struct backend *backend, const struct request *request)
{
	struct lucius_repair_report report = {
		.size = sizeof(report),
		.n_purged = request->result.n_purged,
	};
	backend->host->give(backend->host, request->op, &report);
}

/* False: a row is spoilt. */
static bool give_result(struct backend *backend, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_CREATE:
	case REQUEST_SAVE:
	case REQUEST_LOAD:
		return give_job(backend, request);
	case REQUEST_SCAN:
	case REQUEST_LIST:
		return give_page(backend, request);
	case REQUEST_EVENTS:
		return give_events(backend, request);
	case REQUEST_REPAIR:
		give_report(backend, request);
		return true;
	case REQUEST_OPEN:
	case REQUEST_CLOSE:
	case REQUEST_RELEASE:
	case REQUEST_TRY_NAME:
	case REQUEST_DROP_NAME:
		return true;
	}
	return true;
}

void operation_answer(struct backend *backend, struct request *request)
{
	bool has_result = request->status == LUCIUS_OK || request->status == LUCIUS_DUPLICATE;
	if (has_result && !give_result(backend, request)) {
		request_fail(request, LUCIUS_DENIED,
		        "The database \"%s\" has a row that is spoilt: restore a copy.",
		        backend->options->file);
	}
	backend->host->finish(backend->host, request->op, request->status,
	        request->sentence[0] != '\0' ? request->sentence : NULL);
}
