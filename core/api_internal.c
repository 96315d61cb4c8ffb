/* SPDX-License-Identifier: MIT */
/* The internal API: workers of other processes reach the invoker here (SPEC 5). */
#include <stdlib.h>

#include "core/api.h"
#include "core/http/reply.h"
#include "core/invoker.h"
#include "core/json_strict.h"
#include "support/base/memory.h"

struct invocation {
	struct api *api;
	struct http_request *request;
};

static void on_answer(void *user, const struct invoker_answer *answer)
{
	struct invocation *invocation = user;
	const char *type = answer->status == 200 ? "application/json" : "application/problem+json";
	if (answer->status == 503) {
		http_reply_header(invocation->request, "Retry-After", "1");
	}
	http_reply(invocation->request, answer->status, type, answer->body, answer->size);
	invocation->api->n_open--;
	free(invocation);
}

/* What comes from other processes has one meaning or none (no member twice): the invoker reads it
 * less strictly and passes it on as it is. */
static bool is_strict(const char *body, size_t size)
{
	static const struct json_limits limits = { .max_depth = 1024, .max_values = 1u << 20 };
	struct json_fault fault;
	json_t *tree = json_strict_parse(body, size, &limits, &fault);
	json_decref(tree);
	return tree != NULL;
}

static void handle(struct api *api, struct http_request *request, enum invoker_call call)
{
	if (!api_is_active(api, request)) {
		return;
	}
	struct invocation *invocation = must_calloc(1, sizeof(*invocation));
	*invocation = (struct invocation){ api, request };
	api->n_open++;
	size_t size;
	const char *body = http_request_body(request, &size);
	if (body == NULL || !is_strict(body, size)) {
		size = 0;
	}
	invoker_handle(api->invoker, call, body, size, on_answer, invocation);
}

static void handle_attempt(void *user, struct http_request *request)
{
	handle(user, request, INVOKER_ATTEMPT);
}

static void handle_publish(void *user, struct http_request *request)
{
	handle(user, request, INVOKER_PUBLISH);
}

static void handle_outcome(void *user, struct http_request *request)
{
	handle(user, request, INVOKER_OUTCOME);
}

static const struct http_route routes[] = {
	{ "POST", "/v1/internal/steps/attempt", handle_attempt, api_admit_internal,
	        "application/json", 0 },
	{ "POST", "/v1/internal/publish", handle_publish, api_admit_internal, "application/json",
	        0 },
	{ "POST", "/v1/internal/jobs/outcome", handle_outcome, api_admit_internal,
	        "application/json", 0 },
};
const struct api_routes api_internal_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
