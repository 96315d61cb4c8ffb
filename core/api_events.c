/* SPDX-License-Identifier: MIT */
/*
 * GET /v1/jobs/{job_id}/events: the job is read first (it must be the tenant's), then its events.
 */
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "core/backend.h"
#include "core/job_json.h"
#include "support/base/memory.h"

struct history {
	struct api *api;
	struct http_request *request;
	struct json_writer writer;
};

static void finish(struct history *history)
{
	history->api->n_open--;
	json_writer_finish(&history->writer);
	free(history);
}

static void on_event(void *user, const void *item)
{
	struct history *history = user;
	job_json_event(&history->writer, item);
}

static void on_events(void *user, uint32_t status, const char *sentence)
{
	struct history *history = user;
	if (status == LUCIUS_OK) {
		json_writer_end_array(&history->writer);
		api_reply_writer(history->request, 200, &history->writer);
	} else if (status == LUCIUS_NOT_FOUND) {
		api_reply_no_job(history->request);
	} else {
		api_reply_failure(history->request, status, sentence);
	}
	finish(history);
}

static void read_events(struct history *history)
{
	const char *job_id = http_request_parameter(history->request, "job_id");
	const struct op_caller caller = { on_event, on_events, history, 0 };
	json_writer_begin_array(&history->writer);
	(void)storage_events(
	        history->api->storage, (struct lucius_text){ job_id, strlen(job_id) }, &caller);
}

static void on_job(void *user, const struct ledger_result *result)
{
	struct history *history = user;
	const char *tenant_id = http_request_query(history->request, "tenant_id");
	if (result->status == LUCIUS_OK && value_is(&result->job->tenant_id, tenant_id)) {
		read_events(history);
		return;
	}
	if (result->status == LUCIUS_OK || result->status == LUCIUS_NOT_FOUND) {
		api_reply_no_job(history->request);
	} else {
		api_reply_failure(history->request, result->status, result->sentence);
	}
	finish(history);
}

static void handle(void *user, struct http_request *request)
{
	struct api *api = user;
	if (api_tenant(api, request) == NULL) {
		return;
	}
	if (!storage_has_events(api->storage)) {
		api_reply_unsupported(api, request, "keeps no events");
		return;
	}
	struct history *history = must_calloc(1, sizeof(*history));
	history->api = api;
	history->request = request;
	api->n_open++;
	ledger_read(api->ledger, http_request_parameter(request, "job_id"), on_job, history);
}

static const struct http_route routes[] = {
	{ "GET", "/v1/jobs/{job_id}/events", handle, api_admit, NULL, 0 },
};
const struct api_routes api_events_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
