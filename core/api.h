/* SPDX-License-Identifier: MIT */
/*
 * The resources of the HTTP API (SPEC 2), one file each, as route tables; what they share stands
 * here. A route's handlers get the struct api.
 */
#ifndef CORE_API_H
#define CORE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/problem.h"
#include "core/http/router.h"
#include "core/json_writer.h"
#include "core/ledger.h"

struct access_list;
struct api;
struct backend;
struct invoker;
struct loop;
struct recovery;
struct registry;
struct settings;
struct signals;

struct api {
	struct loop *loop;
	const struct settings *settings;
	struct ledger *ledger; /* NULL where the role has none */
	struct backend *storage;
	struct backend *bus;
	struct backend *workflow;
	const struct signals *signals;
	struct invoker *invoker; /* NULL without that role */
	const struct recovery *recovery; /* NULL: the engine needs none */
	struct registry *registry; /* the newest; handlers take a reference */
	const struct access_list *access; /* NULL: everybody may do everything */
	bool is_active; /* false: stands by, or is not ready yet */
	bool is_stopping;
	size_t n_open; /* chains that outlive their request */
	const struct http_server *servers[2]; /* for metrics; may be NULL */
};

struct api_routes {
	const struct http_route *list;
	size_t n;
};
extern const struct api_routes api_orchestrate_routes;
extern const struct api_routes api_jobs_routes;
extern const struct api_routes api_events_routes;
extern const struct api_routes api_control_routes;
extern const struct api_routes api_openapi_routes;
extern const struct api_routes api_service_routes; /* healthz, readyz, metrics: on each listener */
extern const struct api_routes api_internal_routes;

/* Problems of the API beside those of the HTTP layer. */
extern const struct http_problem_kind api_problem_malformed_json; /* 400 */
extern const struct http_problem_kind api_problem_unknown_request_type; /* 400 */
extern const struct http_problem_kind api_problem_missing_doc_id; /* 400 */
extern const struct http_problem_kind api_problem_bad_query; /* 400 */
extern const struct http_problem_kind api_problem_bad_cursor; /* 400 */
extern const struct http_problem_kind api_problem_conflict; /* 409 */
extern const struct http_problem_kind api_problem_idempotency; /* 409 */
extern const struct http_problem_kind api_problem_too_large; /* 413 */
extern const struct http_problem_kind api_problem_invalid_envelope; /* 422 */
extern const struct http_problem_kind api_problem_invalid_steps; /* 422 */
extern const struct http_problem_kind api_problem_invalid_query; /* 422 */
extern const struct http_problem_kind api_problem_tenant_limit; /* 429 */
extern const struct http_problem_kind api_problem_not_implemented; /* 501 */
extern const struct http_problem_kind *const api_problem_kinds[];
extern const size_t api_problem_n_kinds;

/* An admit_fn: refuses what has no valid bearer token, where tokens are asked for. */
bool api_admit(void *user, struct http_request *request);
/* The same for the internal API. */
bool api_admit_internal(void *user, struct http_request *request);
/* May the request's token act for this tenant? */
bool api_may(const struct api *api, const struct http_request *request, const char *tenant_id);

/* The tenant_id of the query, or NULL after 422 (missing) or 403 (not the token's). */
const char *api_tenant(const struct api *api, struct http_request *request);
/* Why it is not active, as the rest of a sentence about the process. */
const char *api_standing(const struct api *api);
/* True if there is work to be done here; else 503 has been answered. */
bool api_is_active(const struct api *api, struct http_request *request);
/* 404 in the words that are the same for a job that is missing, malformed or another tenant's. */
void api_reply_no_job(struct http_request *request);
/* What a backend's failure means to the client: 503 or 500; internals are logged, not told. */
void api_reply_failure(struct http_request *request, uint32_t status, const char *sentence);
/* 501 with a sentence about the storage backend. */
void api_reply_unsupported(const struct api *api, struct http_request *request, const char *what);
/* 200 (or another status) with what the writer holds, which is empty afterwards. */
void api_reply_writer(struct http_request *request, unsigned status, struct json_writer *writer);

#endif
