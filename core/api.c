/* SPDX-License-Identifier: MIT */
/* What the resources share: problems, access, and the usual answers. */
#include "core/api.h"

#include <stdio.h>
#include <string.h>

#include "core/access.h"
#include "core/backend.h"
#include "core/http/reply.h"
#include "core/log.h"
#include "core/recovery.h"
#include "core/reserve.h"
#include "core/settings.h"

#define RETRY_SECONDS 5u

const struct http_problem_kind api_problem_malformed_json = { 400, "malformed-json",
	"The body is not valid JSON" };
const struct http_problem_kind api_problem_unknown_request_type = { 400, "unknown-request-type",
	"No protocol has this request_type" };
const struct http_problem_kind api_problem_missing_doc_id = { 400, "missing-doc-id",
	"BURST needs a doc_id" };
const struct http_problem_kind api_problem_bad_query = { 400, "bad-query",
	"A query parameter has no valid value" };
const struct http_problem_kind api_problem_bad_cursor = { 400, "invalid-cursor",
	"The cursor is not one that was given out" };
const struct http_problem_kind api_problem_conflict = { 409, "conflict",
	"The state does not allow it" };
const struct http_problem_kind api_problem_idempotency = { 409, "idempotency-conflict",
	"The idempotency_key belongs to another command" };
const struct http_problem_kind api_problem_too_large = { 413, "too-large",
	"A backend would not take the job" };
const struct http_problem_kind api_problem_invalid_envelope = { 422, "invalid-envelope",
	"The envelope is not valid" };
const struct http_problem_kind api_problem_invalid_steps = { 422, "invalid-steps",
	"The payload does not fit the protocol's steps" };
const struct http_problem_kind api_problem_invalid_query = { 422, "invalid-query",
	"A query parameter is missing" };
const struct http_problem_kind api_problem_tenant_limit = { 429, "tenant-limit",
	"The tenant has as many jobs in flight as it may" };
const struct http_problem_kind api_problem_not_implemented = { 501, "not-implemented",
	"The storage backend cannot do this" };

const struct http_problem_kind *const api_problem_kinds[] = {
	&api_problem_malformed_json,
	&api_problem_unknown_request_type,
	&api_problem_missing_doc_id,
	&api_problem_bad_query,
	&api_problem_bad_cursor,
	&api_problem_conflict,
	&api_problem_idempotency,
	&api_problem_too_large,
	&api_problem_invalid_envelope,
	&api_problem_invalid_steps,
	&api_problem_invalid_query,
	&api_problem_tenant_limit,
	&api_problem_not_implemented,
};
const size_t api_problem_n_kinds = sizeof(api_problem_kinds) / sizeof(api_problem_kinds[0]);

/* Before the body is read: what is under way shall have the memory that there is. */
static bool has_memory(struct http_request *request)
{
	if (reserve_is_whole()) {
		return true;
	}
	const struct http_problem problem = {
		.kind = &http_problem_unavailable,
		.detail = "this process has too little memory",
		.retry_after_seconds = RETRY_SECONDS,
	};
	http_reply_problem(request, &problem);
	return false;
}

bool api_admit(void *user, struct http_request *request)
{
	const struct api *api = user;
	const char *authorization = http_request_header(request, "Authorization");
	if (api->access == NULL || access_find(api->access, authorization) != NULL) {
		return has_memory(request);
	}
	http_reply_problemf(request, &http_problem_unauthorized,
	        "a valid `Authorization: Bearer` token is required");
	return false;
}

bool api_admit_internal(void *user, struct http_request *request)
{
	const struct api *api = user;
	const char *token = api->settings->invoker_token;
	if (token == NULL ||
	        access_is_token(http_request_header(request, "Authorization"), token)) {
		return has_memory(request);
	}
	http_reply_problemf(request, &http_problem_unauthorized,
	        "the invoker's token is required as `Authorization: Bearer`");
	return false;
}

bool api_may(const struct api *api, const struct http_request *request, const char *tenant_id)
{
	if (api->access == NULL) {
		return true;
	}
	const struct access_entry *entry =
	        access_find(api->access, http_request_header(request, "Authorization"));
	return entry != NULL && access_may(entry, tenant_id);
}

const char *api_tenant(const struct api *api, struct http_request *request)
{
	const char *tenant_id = http_request_query(request, "tenant_id");
	if (tenant_id == NULL || *tenant_id == '\0') {
		const struct http_problem_error error = { "/tenant_id",
			"this query parameter is required" };
		const struct http_problem problem = {
			.kind = &api_problem_invalid_query,
			.detail = "tenant_id is required in the query",
			.errors = &error,
			.n_errors = 1,
		};
		http_reply_problem(request, &problem);
		return NULL;
	}
	if (!api_may(api, request, tenant_id)) {
		http_reply_problemf(
		        request, &http_problem_forbidden, "the token may not act for this tenant");
		return NULL;
	}
	return tenant_id;
}

const char *api_standing(const struct api *api)
{
	if (api->recovery == NULL) {
		return "is not started yet";
	}
	return recovery_has_name(api->recovery)
	        ? "takes up the live jobs"
	        : "stands by: it does not have the workflow engine, which another process has or "
	          "had within LUCIUS_OWN_LEASE_SECONDS";
}

bool api_is_active(const struct api *api, struct http_request *request)
{
	if (api->is_active && !api->is_stopping) {
		return true;
	}
	char detail[256];
	(void)snprintf(detail, sizeof(detail), "this process %s",
	        api->is_stopping ? "is stopping" : api_standing(api));
	const struct http_problem problem = {
		.kind = &http_problem_unavailable,
		.detail = detail,
		.retry_after_seconds = RETRY_SECONDS,
	};
	http_reply_problem(request, &problem);
	return false;
}

void api_reply_no_job(struct http_request *request)
{
	http_reply_problemf(request, &http_problem_not_found, "there is no such job or step");
}

void api_reply_failure(struct http_request *request, uint32_t status, const char *sentence)
{
	bool is_passing =
	        status == LUCIUS_UNAVAILABLE || status == LUCIUS_UNKNOWN || status == LUCIUS_DENIED;
	LOG(LUCIUS_LOG_ERROR, "api.backend_failed", sentence,
	        LOG_STRING("status", status_name(status)),
	        LOG_STRING("path", http_request_pattern(request)));
	const struct http_problem problem = {
		.kind = is_passing ? &http_problem_unavailable : &http_problem_internal,
		.detail = is_passing ? "a backend cannot be reached at the moment" : NULL,
		.retry_after_seconds = is_passing ? RETRY_SECONDS : 0,
	};
	http_reply_problem(request, &problem);
}

void api_reply_unsupported(const struct api *api, struct http_request *request, const char *what)
{
	http_reply_problemf(request, &api_problem_not_implemented, "the storage backend '%s' %s",
	        backend_name(api->storage), what);
}

void api_reply_writer(struct http_request *request, unsigned status, struct json_writer *writer)
{
	http_reply(request, status, "application/json", json_writer_text(writer), writer->size);
	json_writer_finish(writer);
}
