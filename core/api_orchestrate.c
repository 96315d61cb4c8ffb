/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/orchestrate: from a body to a job whose workflow runs.
 *
 *   handle → read → tenant → resolve → sizes → storage → on_created → 202 → start → on_started
 *
 * Every refusal answers on the way. After the commit the answer is 202 whatever comes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "core/backend.h"
#include "core/command_job.h"
#include "core/copy.h"
#include "core/envelope.h"
#include "core/http/reply.h"
#include "core/http/target.h"
#include "core/job_json.h"
#include "core/job_log.h"
#include "core/job_runs.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/settings.h"
#include "support/base/fault.h"
#include "support/base/memory.h"

#define TENANT_RETRY_SECONDS 5u
/* What a directive has beside the step's own texts: names, ids, times. */
#define DIRECTIVE_OVERHEAD 2048u

struct orchestration {
	struct api *api;
	struct http_request *request; /* NULL once answered */
	struct job *job; /* owned */
	/* What the storage says of the new job, or of the one that is there already. */
	const char *stored_id; /* in the job's arena, as the others */
	const char *stored_state;
	struct lucius_text revision;
};

static const struct http_problem_kind *const fault_kinds[] = {
	[COMMAND_MALFORMED_JSON] = &api_problem_malformed_json,
	[COMMAND_INVALID_ENVELOPE] = &api_problem_invalid_envelope,
	[COMMAND_UNKNOWN_REQUEST_TYPE] = &api_problem_unknown_request_type,
	[COMMAND_MISSING_DOC_ID] = &api_problem_missing_doc_id,
	[COMMAND_INVALID_STEPS] = &api_problem_invalid_steps,
};

static void count(const char *result)
{
	metric_record(metrics_series(LUCIUS_METRIC_COUNTER, "lucius_commands_total",
	                      "Commands received, by what became of them.", "result", result),
	        1);
}

static void refuse(struct http_request *request, const struct command_refusal *refusal)
{
	struct http_problem_error errors[VIOLATIONS_MAX];
	for (size_t i = 0; i < refusal->violations.n_items; i++) {
		errors[i] = (struct http_problem_error){ refusal->violations.items[i].pointer,
			refusal->violations.items[i].message };
	}
	const struct http_problem problem = {
		.kind = fault_kinds[refusal->fault],
		.detail = refusal->detail,
		.errors = errors,
		.n_errors = refusal->violations.n_items,
	};
	count("refused");
	http_reply_problem(request, &problem);
}

static void finish(struct orchestration *chain)
{
	chain->api->n_open--;
	job_destroy(chain->job);
	free(chain);
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct orchestration *chain = user;
	if (status != LUCIUS_OK && status != LUCIUS_DUPLICATE) {
		/* The sweeper starts it. */
		job_log_step(
		        LUCIUS_LOG_WARNING, "workflow.not_started", chain->job, NULL, sentence);
	}
	finish(chain);
}

static void set_location(struct orchestration *chain)
{
	/* The envelope takes tenants of 128 code points, of up to four bytes each. */
	char tenant[3 * 4 * 128 + 1];
	struct job *job = chain->job;
	(void)http_escape(value_text(&job->tenant_id), tenant, sizeof(tenant));
	http_reply_header(chain->request, "Location",
	        arena_join(&job->arena, "/v1/jobs/", value_text(&job->job_id),
	                "?tenant_id=", tenant, NULL));
}

static void accept(struct orchestration *chain)
{
	struct job *job = chain->job;
	const char *body =
	        arena_join(&job->arena, "{\"jobId\": \"", value_text(&job->job_id), "\"}", NULL);
	set_location(chain);
	http_reply(steal(chain->request), 202, "application/json", body, strlen(body));
	count("accepted");
	if (chain->api->invoker != NULL && chain->revision.size != 0) {
		/* It gets its first lease in a moment. */
		job_mark_saved(job, chain->revision);
		ledger_remember(chain->api->ledger, job);
	}
	const struct op_caller caller = { NULL, on_started, chain, 0 };
	job_run_start_new(chain->api->workflow, chain->job, &caller);
}

static void reply_duplicate(struct orchestration *chain)
{
	struct job *job = chain->job;
	job_set(job, &job->job_id, chain->stored_id);
	const char *body = arena_join(&job->arena, "{\"jobId\": \"", chain->stored_id,
	        "\", \"duplicate\": true, \"state\": \"", chain->stored_state, "\"}", NULL);
	set_location(chain);
	count("duplicate");
	http_reply(steal(chain->request), 202, "application/json", body, strlen(body));
}

static void reply_full(struct orchestration *chain)
{
	char detail[160];
	(void)snprintf(detail, sizeof(detail),
	        "the tenant has %lld jobs in flight, as many as it may; wait for one to end",
	        (long long)chain->api->settings->max_inflight_per_tenant);
	const struct http_problem problem = {
		.kind = &api_problem_tenant_limit,
		.detail = detail,
		.retry_after_seconds = TENANT_RETRY_SECONDS,
	};
	count("tenant_limit");
	job_log_step(LUCIUS_LOG_WARNING, "rate_limit.rejected", chain->job, NULL, detail);
	http_reply_problem(steal(chain->request), &problem);
}

static void on_created_row(void *user, const void *item)
{
	struct orchestration *chain = user;
	const struct lucius_job *head = item;
	struct arena *arena = &chain->job->arena;
	chain->stored_id = arena_text(arena, head->job_id).data;
	chain->stored_state = arena_text(arena, head->state).data;
	chain->revision = arena_text(arena, head->revision);
}

static void on_created(void *user, uint32_t status, const char *sentence)
{
	struct orchestration *chain = user;
	switch (status) {
	case LUCIUS_OK:
		accept(chain);
		return;
	case LUCIUS_DUPLICATE:
		reply_duplicate(chain);
		break;
	case LUCIUS_KEY_CONFLICT:
		http_reply_problemf(steal(chain->request), &api_problem_idempotency,
		        "the idempotency_key was used with another command");
		break;
	case LUCIUS_TENANT_FULL:
		reply_full(chain);
		break;
	case LUCIUS_TOO_LARGE:
		http_reply_problemf(steal(chain->request), &api_problem_too_large, "%s",
		        sentence != NULL ? sentence : "the job is too large for the storage");
		break;
	default:
		if (FAULT(accepted_without_rows)) {
			accept(chain);
			return;
		}
		api_reply_failure(steal(chain->request), status, sentence);
		break;
	}
	finish(chain);
}

static void create_rows(struct orchestration *chain)
{
	const struct job *job = chain->job;
	CLEANUP_ARENA struct arena arena = { 0 };
	struct lucius_command *command = arena_zalloc(&arena, sizeof(*command));
	*command = (struct lucius_command){
		.size = sizeof(*command),
		.max_inflight = (uint32_t)chain->api->settings->max_inflight_per_tenant,
		.idempotency_key = copy_text(&arena, value_as_text(&job->idempotency_key)),
		.idempotency_hash = copy_text(&arena, value_as_text(&job->idempotency_hash)),
		.job = job_encode_new(job, &arena),
	};
	const struct op_caller caller = { on_created_row, on_created, chain, 0 };
	(void)storage_create(chain->api->storage, &arena, command, &caller);
}

static size_t directive_size(const struct job *job, const struct step *step)
{
	/* The result of the step before travels with it, up to its own limit. */
	size_t previous = job->n_steps > 1 ? RULE_RESULT_REF_MAX : 0;
	return step->payload.size + step->input_ref.size + step->workspace_ref.size +
	        step->output_ref.size + job->correlation_id.size + step->routing_key_used.size +
	        previous + DIRECTIVE_OVERHEAD;
}

static bool fits(struct orchestration *chain, const char *what, size_t size, uint64_t limit)
{
	if (limit == 0 || size <= limit) {
		return true;
	}
	count("too_large");
	http_reply_problemf(steal(chain->request), &api_problem_too_large,
	        "%s would have %zu bytes, the backend takes %llu", what, size,
	        (unsigned long long)limit);
	return false;
}

static bool fits_backends(struct orchestration *chain)
{
	uint64_t message_limit =
	        chain->api->bus != NULL ? bus_info(chain->api->bus).max_message_size : 0;
	uint64_t input_limit = workflow_info(chain->api->workflow).max_input_size;
	for (size_t i = 0; i < chain->job->n_steps; i++) {
		size_t size = directive_size(chain->job, &chain->job->steps[i]);
		if (!fits(chain, "a directive of this job", size, message_limit)) {
			return false;
		}
	}
	return input_limit == 0 ||
	        fits(chain, "the workflow's input", job_run_input_size(chain->job), input_limit);
}

static void begin(struct api *api, struct http_request *request, const struct command *command)
{
	struct orchestration *chain = must_calloc(1, sizeof(*chain));
	chain->api = api;
	chain->request = request;
	chain->stored_id = "";
	chain->stored_state = "";
	chain->job = command_job_create(command, api->settings, api->loop);
	api->n_open++;
	job_log_step(LUCIUS_LOG_INFO, "routing.resolved", chain->job, &chain->job->steps[0], NULL);
	if (fits_backends(chain)) {
		create_rows(chain);
	} else {
		finish(chain);
	}
}

/* What is known to come to nothing is not begun: no rows without a workflow. */
static bool has_engine(struct api *api, struct http_request *request)
{
	const char *sentence = backend_not_ready(api->workflow);
	if (sentence != NULL) {
		count("unavailable");
		api_reply_failure(request, LUCIUS_UNAVAILABLE, sentence);
	}
	return sentence == NULL;
}

static void resolve(struct api *api, struct http_request *request, struct command *command)
{
	CLEANUP_COMMAND_REFUSAL struct command_refusal refusal = { 0 };
	const struct routing_config routing = {
		.default_mode = routing_mode_from_text(api->settings->default_mode),
		.n_lanes = (uint32_t)api->settings->servicebus_lanes,
	};
	if (command_resolve(command, api->registry, &routing, &refusal) != COMMAND_OK) {
		refuse(request, &refusal);
	} else if (api_is_active(api, request) && has_engine(api, request)) {
		begin(api, request, command);
	}
}

static void fill_random(void *user, void *buffer, size_t size)
{
	loop_random(user, buffer, size);
}

static void handle(void *user, struct http_request *request)
{
	struct api *api = user;
	CLEANUP_COMMAND_REFUSAL struct command_refusal refusal = { 0 };
	CLEANUP(cleanup_command) struct command *command = NULL;
	const struct json_limits limits = { .max_depth = (size_t)api->settings->http_max_depth };
	size_t size;
	const char *body = http_request_body(request, &size);
	const struct command_random random = { fill_random, api->loop };
	if (command_read(body != NULL ? body : "", size, &limits, &random, &command, &refusal) !=
	        COMMAND_OK) {
		refuse(request, &refusal);
		return;
	}
	LOG(LUCIUS_LOG_INFO, "command.received", NULL, LOG_STRING("tenant_id", command->tenant_id),
	        LOG_STRING("request_type", command->request_type),
	        LOG_STRING("correlation_id", command->correlation_id),
	        LOG_STRING("peer", http_request_peer(request)));
	if (!api_may(api, request, command->tenant_id)) {
		http_reply_problemf(
		        request, &http_problem_forbidden, "the token may not act for this tenant");
		return;
	}
	resolve(api, request, command);
}

static const struct http_route routes[] = {
	{ "POST", "/v1/orchestrate", handle, api_admit, "application/json", 0 },
};
const struct api_routes api_orchestrate_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
