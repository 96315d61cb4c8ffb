/* SPDX-License-Identifier: MIT */
/* Requests to the API without sockets: real parser, router and handlers. Takes the place of
 * core/http/connection*.c. */
#include <stdlib.h>
#include <string.h>

#include "core/access.h"
#include "core/http/exchange.h"
#include "core/http/router.h"
#include "core/registry.h"
#include "support/base/memory.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

void http_connection_answer(struct http_connection *connection, const struct http_answer *answer)
{
	struct rig_call *call = (struct rig_call *)(void *)connection;
	call->status = answer->status;
	call->headers = must_copy(answer->extra, answer->extra_size);
	call->body = must_copy(answer->body, answer->body_size);
	call->json = json_loadb(answer->body, answer->body_size, 0, NULL);
	call->is_answered = true;
	free(answer->owned_body);
	if (!call->is_handling) {
		http_request_destroy(steal(call->request));
	}
}

struct http_counters *http_connection_counters(const struct http_connection *connection)
{
	static struct http_counters counters;
	(void)connection;
	return &counters;
}

static struct settings make_settings(void)
{
	return (struct settings){
		.http_max_depth = 64,
		.default_mode = "DEFAULT",
		.max_inflight_per_tenant = 100,
		.retention_days = 30,
		.sweep_seconds = 30,
		.max_attempts = 3,
		.step_result_timeout_seconds = 900,
		.lease_minutes = 15,
		.retry_initial_seconds = 1,
		.retry_max_seconds = 60,
		.servicebus_lanes = 16,
		.temporal_workflow_execution_timeout = -1,
	};
}

void rig_serve(void)
{
	static const struct api_routes *const all[] = { &api_orchestrate_routes, &api_jobs_routes,
		&api_events_routes, &api_control_routes, &api_internal_routes };
	char *sentence CLEANUP_FREE = NULL;
	rig.settings = make_settings();
	const struct invoker_parts parts = { rig.loop, rig.ledger, rig.bus, &rig.signals, 16 };
	rig.invoker = invoker_create(&parts);
	rig.api = (struct api){
		.loop = rig.loop,
		.settings = &rig.settings,
		.ledger = rig.ledger,
		.storage = rig.storage,
		.bus = rig.bus,
		.workflow = rig.workflow,
		.signals = &rig.signals,
		.invoker = rig.invoker,
		.registry = registry_load(SOURCE_ROOT "/etc/protocols.json", NULL, &sentence),
		.is_active = true,
	};
	CHECK_TEXT(sentence, NULL);
	rig.router = http_router_create();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		http_router_add(rig.router, all[i]->list, all[i]->n, &rig.api);
	}
}

static void handle(struct rig_call *call)
{
	const struct http_settings settings = {
		.max_request_line = 8192, .max_headers_size = 32768, .max_headers = 100
	};
	struct http_request *request =
	        http_request_create(&settings, (struct http_connection *)(void *)call);
	call->request = request;
	request->text = call->bytes;
	if (http_parser_advance(&request->parser, call->bytes, &call->size) != HTTP_PARSE_HEAD) {
		abort();
	}
	request->parser.max_body = 1 << 20;
	call->is_handling = true;
	if (http_request_decode(request) == NULL && http_router_admit(rig.router, request)) {
		(void)http_parser_advance(&request->parser, call->bytes, &call->size);
		http_router_handle(request);
	}
	call->is_handling = false;
	if (call->is_answered) {
		http_request_destroy(steal(call->request));
	}
}

struct rig_call *rig_call(
        const char *method, const char *target, const char *authorization, const char *body)
{
	if (rig.n_calls == RIG_N_CALLS) {
		abort();
	}
	struct rig_call *call = &rig.calls[rig.n_calls++];
	const char *text = body != NULL ? body : "";
	call->bytes = must_print("%s %s HTTP/1.1\r\nHost: rig\r\n%s%s%sContent-Type: "
	                         "application/json\r\nContent-Length: %zu\r\n\r\n%s",
	        method, target, authorization != NULL ? "Authorization: " : "",
	        authorization != NULL ? authorization : "", authorization != NULL ? "\r\n" : "",
	        strlen(text), text);
	call->size = strlen(call->bytes);
	handle(call);
	rig_turn();
	return call;
}

struct rig_call *rig_get(const char *target)
{
	struct rig_call *call = rig_call("GET", target, NULL, NULL);
	CHECK(call->is_answered);
	return call;
}

const char *rig_text(const struct rig_call *call, const char *name)
{
	const json_t *value = call->json;
	while (value != NULL && *name != '\0') {
		size_t size = strcspn(name, ".");
		value = json_object_getn(value, name, size);
		name += size + (name[size] == '.' ? 1 : 0);
	}
	const char *text = json_string_value(value);
	return text != NULL ? text : "";
}

void rig_http_finish(void)
{
	for (unsigned i = 0; i < rig.n_calls; i++) {
		struct rig_call *call = &rig.calls[i];
		CHECK(call->is_answered);
		free(call->bytes);
		free(call->headers);
		free(call->body);
		json_decref(call->json);
	}
	rig.n_calls = 0;
	CHECK_INT(rig.api.n_open, 0);
	registry_unref(rig.api.registry);
	http_router_destroy(rig.router);
	invoker_destroy(rig.invoker);
}
