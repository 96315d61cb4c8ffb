/* SPDX-License-Identifier: MIT */
/*
 * Whether the server can be worked with:
 *
 *   connected → describe the namespace → its search attributes → ready → (a minute) → describe …
 *                     |
 *                     └── a sentence for /readyz, and again after a while
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "plugins/workflow-temporal/engine.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/pool.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define CHECK_TIMEOUT_MS 5000u
#define CHECK_AGAIN_MS UINT64_C(60000)
#define RETRY_FIRST_MS 500u
#define RETRY_MAX_MS 10000u
#define NAMESPACE_REGISTERED 1
#define NAMESPACE_DEPRECATED 2
#define LIST_ATTRIBUTES "/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes"

static void set_not_ready(struct engine *engine, const char *sentence)
{
	struct server *server = &engine->server;
	server->is_ready = sentence == NULL;
	free(server->not_ready);
	server->not_ready = sentence != NULL ? must_copy(sentence, strlen(sentence)) : NULL;
	engine->host->ready(engine->host, sentence);
	engine_on_first_state(engine);
}

static void on_recheck(void *user)
{
	struct engine *engine = user;
	engine->server.recheck = NULL;
	if (engine->server.is_connected) {
		server_check(engine);
	}
}

static void check_after(struct engine *engine, uint64_t wait_ms)
{
	struct server *server = &engine->server;
	if (server->recheck != NULL) {
		engine->host->timer_stop(engine->host, server->recheck);
	}
	server->recheck = engine->host->timer_start(engine->host, wait_ms, on_recheck, engine);
}

static void on_attributes(void *user, const struct grpc_answer *answer)
{
	struct engine *engine = user;
	struct server *server = &engine->server;
	CLEANUP(pool_finish) struct pool pool = { 0 };
	server->check = NULL;
	server->n_failures = 0;
	check_after(engine, CHECK_AGAIN_MS);
	const Wire__ListSearchAttributesResponse *list = answer->status == GRPC_OK
	        ? pool_unpack(&pool, &wire__list_search_attributes_response__descriptor,
	                  answer->message, answer->size)
	        : NULL;
	if (list != NULL) {
		/* Where it may not be asked, as in the cloud, they are tried at a start. */
		server->has_tenant = server->has_request_type = false;
	}
	for (size_t i = 0; list != NULL && i < list->n_custom_attributes; i++) {
		const char *name = list->custom_attributes[i]->key;
		server->has_tenant |= strcmp(name, ATTRIBUTE_TENANT) == 0;
		server->has_request_type |= strcmp(name, ATTRIBUTE_REQUEST_TYPE) == 0;
	}
	if (!server->is_ready) {
		set_not_ready(engine, NULL);
	}
}

static void ask_attributes(struct engine *engine)
{
	Wire__ListSearchAttributesRequest request = WIRE__LIST_SEARCH_ATTRIBUTES_REQUEST__INIT;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	const struct call_request call = {
		.method = LIST_ATTRIBUTES,
		.message = &request.base,
		.timeout_ms = CHECK_TIMEOUT_MS,
	};
	engine->server.check = call_start(engine, &call, on_attributes, engine);
}

static void on_refused(struct engine *engine, bool is_passing, const char *reason)
{
	struct server *server = &engine->server;
	char *sentence CLEANUP_FREE = is_passing
	        ? must_print("The Temporal server at '%s' does not answer: %s",
	                  engine->options->address, reason)
	        : must_print("The Temporal server at '%s' does not serve namespace '%s': %s",
	                  engine->options->address, engine->options->namespace, reason);
	check_after(engine,
	        engine_backoff_ms(engine, ++server->n_failures, RETRY_FIRST_MS, RETRY_MAX_MS));
	set_not_ready(engine, sentence);
}

static void on_namespace(void *user, const struct grpc_answer *answer)
{
	struct engine *engine = user;
	CLEANUP(pool_finish) struct pool pool = { 0 };
	engine->server.check = NULL;
	if (answer->status != GRPC_OK) {
		on_refused(engine, fault_of(answer) == FAULT_PASSING,
		        answer->sentence[0] != '\0' ? answer->sentence : "no reason");
		return;
	}
	const Wire__DescribeNamespaceResponse *described = pool_unpack(&pool,
	        &wire__describe_namespace_response__descriptor, answer->message, answer->size);
	if (described == NULL || described->namespace_info == NULL) {
		on_refused(engine, false, "the answer cannot be read");
		return;
	}
	const Wire__NamespaceInfo *info = described->namespace_info;
	if (info->state != NAMESPACE_REGISTERED && info->state != NAMESPACE_DEPRECATED) {
		on_refused(engine, false, "it is deleted");
		return;
	}
	engine->server.polls_end_at_shutdown = info->capabilities != NULL &&
	        info->capabilities->worker_poll_complete_on_shutdown != 0;
	ask_attributes(engine);
}

void server_check(struct engine *engine)
{
	struct server *server = &engine->server;
	if (server->check != NULL || engine->is_stopped) {
		return;
	}
	Wire__DescribeNamespaceRequest request = WIRE__DESCRIBE_NAMESPACE_REQUEST__INIT;
	request.namespace_ = (char *)(uintptr_t)engine->options->namespace;
	const struct call_request call = {
		.method = "DescribeNamespace",
		.message = &request.base,
		.timeout_ms = CHECK_TIMEOUT_MS,
	};
	server->check = call_start(engine, &call, on_namespace, engine);
}

void server_on_state(struct engine *engine, const char *reason)
{
	struct server *server = &engine->server;
	server->is_connected = reason == NULL;
	if (engine->is_stopped) {
		return;
	}
	if (reason == NULL) {
		if (!server->is_ready) {
			server_check(engine);
		}
		return;
	}
	char *sentence CLEANUP_FREE = must_print(
	        "The Temporal server at '%s' is not reached: %s", engine->options->address, reason);
	set_not_ready(engine, sentence);
}

void server_start(struct engine *engine)
{
	/* Until something else is known they are tried. */
	engine->server.has_tenant = engine->server.has_request_type = true;
}

void server_stop(struct engine *engine)
{
	struct server *server = &engine->server;
	if (server->recheck != NULL) {
		engine->host->timer_stop(engine->host, steal(server->recheck));
	}
	if (server->check != NULL) {
		call_cancel(steal(server->check));
	}
	free(steal(server->not_ready));
	server->is_ready = false;
}
