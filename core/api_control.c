/* SPDX-License-Identifier: MIT */
/* POST /v1/jobs/{job_id}:cancel, :pause and :resume. */
#include <stdlib.h>

#include "core/api.h"
#include "core/control.h"
#include "core/job_json.h"
#include "support/base/memory.h"

struct controlling {
	struct api *api;
	struct http_request *request;
};

static void reply(struct http_request *request, const struct ledger_result *result)
{
	if (result->status == LUCIUS_NOT_FOUND ||
	        (result->status == LUCIUS_OK && result->rule == RULE_JOB_UNKNOWN)) {
		api_reply_no_job(request);
	} else if (result->status != LUCIUS_OK) {
		api_reply_failure(request, result->status, result->sentence);
	} else if (result->rule == RULE_JOB_CANCELLING) {
		http_reply_problemf(request, &api_problem_conflict, "the job is being cancelled");
	} else {
		CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
		job_json_job(&writer, result->job);
		api_reply_writer(request, 200, &writer);
	}
}

static void on_controlled(void *user, const struct ledger_result *result)
{
	struct controlling *controlling = user;
	reply(controlling->request, result);
	controlling->api->n_open--;
	free(controlling);
}

static void handle(struct api *api, struct http_request *request, enum control control)
{
	const char *tenant_id = api_tenant(api, request);
	if (tenant_id == NULL || !api_is_active(api, request)) {
		return;
	}
	struct controlling *controlling = must_calloc(1, sizeof(*controlling));
	*controlling = (struct controlling){ api, request };
	api->n_open++;
	control_job(api->ledger, api->signals, control, http_request_parameter(request, "job_id"),
	        tenant_id, on_controlled, controlling);
}

static void handle_cancel(void *user, struct http_request *request)
{
	handle(user, request, CONTROL_CANCEL);
}

static void handle_pause(void *user, struct http_request *request)
{
	handle(user, request, CONTROL_PAUSE);
}

static void handle_resume(void *user, struct http_request *request)
{
	handle(user, request, CONTROL_RESUME);
}

static const struct http_route routes[] = {
	{ "POST", "/v1/jobs/{job_id}:cancel", handle_cancel, api_admit, NULL, 0 },
	{ "POST", "/v1/jobs/{job_id}:pause", handle_pause, api_admit, NULL, 0 },
	{ "POST", "/v1/jobs/{job_id}:resume", handle_resume, api_admit, NULL, 0 },
};
const struct api_routes api_control_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
