/* SPDX-License-Identifier: MIT */
/* Reading jobs: one, its steps, and a tenant's list. */
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "core/backend.h"
#include "core/http/reply.h"
#include "core/job_json.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

struct reading {
	struct api *api;
	struct http_request *request;
};

static void read_job(struct api *api, struct http_request *request, ledger_done_fn done)
{
	struct reading *reading = must_calloc(1, sizeof(*reading));
	*reading = (struct reading){ api, request };
	api->n_open++;
	ledger_read(api->ledger, http_request_parameter(request, "job_id"), done, reading);
}

static struct http_request *end_reading(struct reading *reading)
{
	struct http_request *request = reading->request;
	reading->api->n_open--;
	free(reading);
	return request;
}

/* True if the job was read; else it has been answered. */
static bool is_read(struct http_request *request, const struct ledger_result *result)
{
	if (result->status == LUCIUS_NOT_FOUND) {
		api_reply_no_job(request);
	} else if (result->status != LUCIUS_OK) {
		api_reply_failure(request, result->status, result->sentence);
	}
	return result->status == LUCIUS_OK;
}

static void on_job(void *user, const struct ledger_result *result)
{
	struct http_request *request = end_reading(user);
	if (!is_read(request, result)) {
		return;
	}
	if (!value_is(&result->job->tenant_id, http_request_query(request, "tenant_id"))) {
		api_reply_no_job(request);
		return;
	}
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	job_json_whole(&writer, result->job);
	api_reply_writer(request, 200, &writer);
}

static void handle_job(void *user, struct http_request *request)
{
	struct api *api = user;
	if (api_tenant(api, request) != NULL) {
		read_job(api, request, on_job);
	}
}

/* Steps may be asked without a tenant; one that is named must be the job's. */
static bool is_visible(
        const struct api *api, const struct http_request *request, const struct job *job)
{
	const char *tenant_id = http_request_query(request, "tenant_id");
	bool is_match = tenant_id == NULL || value_is(&job->tenant_id, tenant_id);
	return is_match && api_may(api, request, value_text(&job->tenant_id));
}

static void reply_steps(struct http_request *request, const struct job *job)
{
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	const char *step_id = http_request_query(request, "step_id");
	const struct step *step = step_id != NULL ? job_find_step(job, step_id) : NULL;
	if (step_id == NULL) {
		job_json_steps(&writer, job);
	} else if (step != NULL) {
		job_json_step(&writer, step);
	} else {
		api_reply_no_job(request);
		return;
	}
	api_reply_writer(request, 200, &writer);
}

static void on_steps(void *user, const struct ledger_result *result)
{
	const struct api *api = ((struct reading *)user)->api;
	struct http_request *request = end_reading(user);
	if (!is_read(request, result)) {
		return;
	}
	if (is_visible(api, request, result->job)) {
		reply_steps(request, result->job);
	} else {
		api_reply_no_job(request);
	}
}

static void handle_steps(void *user, struct http_request *request)
{
	read_job(user, request, on_steps);
}

struct list {
	struct api *api;
	struct http_request *request;
	struct json_writer writer;
	char *cursor; /* owned; NULL: the last page */
};

static void on_found(void *user, const void *item)
{
	struct list *list = user;
	const struct lucius_found *found = item;
	if (found->job == NULL && FAULT(empty_page_taken_as_last)) {
		return;
	}
	if (found->job != NULL) {
		CLEANUP(cleanup_job) struct job *job = job_decode(found->job);
		job_json_job(&list->writer, job);
	}
	free(list->cursor);
	list->cursor =
	        found->cursor.size != 0 ? must_copy(found->cursor.data, found->cursor.size) : NULL;
}

static void reply_list(struct list *list)
{
	json_writer_end_array(&list->writer);
	json_writer_string_member(&list->writer, "next", list->cursor);
	json_writer_end_object(&list->writer);
	api_reply_writer(list->request, 200, &list->writer);
}

static void on_listed(void *user, uint32_t status, const char *sentence)
{
	struct list *list = user;
	if (status == LUCIUS_OK) {
		reply_list(list);
	} else if (status == LUCIUS_CONFLICT) {
		http_reply_problemf(list->request, &api_problem_bad_cursor,
		        "the cursor is not one that was given out for this list");
	} else {
		api_reply_failure(list->request, status, sentence);
	}
	list->api->n_open--;
	json_writer_finish(&list->writer);
	free(list->cursor);
	free(list);
}

/* False: it has been answered. */
static bool read_limit(struct http_request *request, uint32_t *ret_limit)
{
	const char *text = http_request_query(request, "limit");
	*ret_limit = LIMIT_DEFAULT;
	if (text == NULL) {
		return true;
	}
	size_t size = strlen(text);
	long limit = size != 0 && size <= 3 && strspn(text, "0123456789") == size
	        ? strtol(text, NULL, 10)
	        : 0;
	if (limit < 1 || limit > LIMIT_MAX) {
		http_reply_problemf(request, &api_problem_bad_query,
		        "limit is a whole number from 1 to %d", LIMIT_MAX);
		return false;
	}
	*ret_limit = (uint32_t)limit;
	return true;
}

static bool is_state(struct http_request *request, const char *state)
{
	enum job_state parsed;
	if (state == NULL || job_state_parse(state, strlen(state), &parsed)) {
		return true;
	}
	http_reply_problemf(request, &api_problem_bad_query,
	        "state is one of QUEUED, IN_PROGRESS, PAUSED, CANCELLING, SUCCEEDED, "
	        "FAILED_FINAL and CANCELLED");
	return false;
}

static struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, text != NULL ? strlen(text) : 0 };
}

static void begin_list(
        struct api *api, struct http_request *request, const char *tenant_id, uint32_t limit)
{
	struct list *list = must_calloc(1, sizeof(*list));
	list->api = api;
	list->request = request;
	api->n_open++;
	json_writer_begin_object(&list->writer);
	json_writer_name(&list->writer, "jobs");
	json_writer_begin_array(&list->writer);
	const struct lucius_listing listing = {
		.size = sizeof(listing),
		.limit = limit,
		.tenant_id = text_of(tenant_id),
		.state = text_of(http_request_query(request, "state")),
		.cursor = text_of(http_request_query(request, "cursor")),
	};
	const struct op_caller caller = { on_found, on_listed, list, 0 };
	(void)storage_list(api->storage, &listing, &caller);
}

static void handle_list(void *user, struct http_request *request)
{
	struct api *api = user;
	const char *tenant_id = api_tenant(api, request);
	uint32_t limit;
	if (tenant_id == NULL || !read_limit(request, &limit) ||
	        !is_state(request, http_request_query(request, "state"))) {
		return;
	}
	if (!storage_has_list(api->storage)) {
		api_reply_unsupported(api, request, "cannot list jobs");
		return;
	}
	begin_list(api, request, tenant_id, limit);
}

static const struct http_route routes[] = {
	{ "GET", "/v1/jobs", handle_list, api_admit, NULL, 0 },
	{ "GET", "/v1/jobs/{job_id}", handle_job, api_admit, NULL, 0 },
	{ "GET", "/v1/jobs/{job_id}/steps", handle_steps, api_admit, NULL, 0 },
};
const struct api_routes api_jobs_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
