/* SPDX-License-Identifier: MIT */
/*
 * HTTP without sockets: real requests through the real parser, router and handlers, answers back to
 * whoever asked; and the client of the worker, which reaches an invoker in the same way. Takes the
 * place of core/service_http.c, core/http/connection.c, server.c and client.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/client.h"
#include "core/http/exchange.h"
#include "core/http/router.h"
#include "core/loop.h"
#include "core/service_internal.h"
#include "support/base/container.h"
#include "support/base/memory.h"
#include "tests/sim/system/world.h"

enum { PATIENCE_MS = 30000 };

/* A request on its way there and back. */
struct exchange {
	struct exchange *next, **link; /* while a process has it */
	struct process *process;
	unsigned listener;
	char *bytes; /* owned */
	size_t size;
	struct http_request *request; /* owned */
	bool is_handling;
	bool is_answered;
	bool is_lost; /* the answer will be */
	unsigned status;
	char *body; /* owned */
	network_fn fn;
	void *user;
};

struct http_call {
	struct http_call *next;
	struct http_client *client; /* NULL: cancelled */
	struct process *process;
	unsigned life;
	http_response_fn fn;
	void *user;
};

struct http_client {
	struct process *process;
	struct http_call *calls;
};

static void destroy(void *user)
{
	struct exchange *exchange = user;
	free(exchange->bytes);
	free(exchange->body);
	free(exchange);
}

static void drop(void *user)
{
	struct exchange *exchange = user;
	free(exchange->user);
	destroy(exchange);
}

static void come_back(struct world *world, void *user)
{
	struct exchange *exchange = user;
	exchange->fn(world, exchange->user, exchange->is_lost ? 0 : exchange->status,
	        exchange->body != NULL ? exchange->body : "");
	destroy(exchange);
}

static void send_back(struct exchange *exchange)
{
	struct world *world = exchange->process->world;
	uint64_t after_ms = exchange->is_lost ? PATIENCE_MS : world_latency(world, 5);
	if (exchange->link != NULL) {
		*exchange->link = exchange->next;
		if (exchange->next != NULL) {
			exchange->next->link = exchange->link;
		}
		exchange->link = NULL;
	}
	world_at_with(world, after_ms, come_back, exchange, drop);
}

static void end_request(struct exchange *exchange)
{
	http_request_destroy(steal(exchange->request));
	send_back(exchange);
}

void http_connection_answer(struct http_connection *connection, const struct http_answer *answer)
{
	struct exchange *exchange = (struct exchange *)connection;
	exchange->status = answer->status;
	exchange->body = must_copy(answer->body, answer->body_size);
	exchange->is_lost = exchange->is_lost || exchange->process->is_zombie;
	exchange->is_answered = true;
	free(answer->owned_body);
	if (!exchange->is_handling) {
		end_request(exchange);
	}
}

static void refuse(struct exchange *exchange)
{
	exchange->is_lost = true;
	exchange->request = NULL;
	send_back(exchange);
}

static void handle(struct exchange *exchange)
{
	struct process *process = exchange->process;
	const struct http_settings settings = {
		.max_request_line = 8192, .max_headers_size = 32768, .max_headers = 100
	};
	struct http_request *request =
	        http_request_create(&settings, (struct http_connection *)(void *)exchange);
	exchange->request = request;
	request->text = exchange->bytes;
	if (http_parser_advance(&request->parser, exchange->bytes, &exchange->size) !=
	        HTTP_PARSE_HEAD) {
		abort();
	}
	request->parser.max_body = 1 << 20;
	exchange->is_handling = true;
	if (http_request_decode(request) == NULL &&
	        http_router_admit(process->routers[exchange->listener], request)) {
		(void)http_parser_advance(&request->parser, exchange->bytes, &exchange->size);
		http_router_handle(request);
	}
	exchange->is_handling = false;
	if (exchange->is_answered) {
		end_request(exchange);
	}
}

static void arrive(struct world *world, void *user)
{
	struct exchange *exchange = user;
	struct process *process = exchange->process;
	if (process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, arrive, exchange, drop);
		return;
	}
	if (!process->is_up || process->is_stopping ||
	        process->routers[exchange->listener] == NULL) {
		refuse(exchange);
		return;
	}
	exchange->link = &process->exchanges;
	exchange->next = process->exchanges;
	if (exchange->next != NULL) {
		exchange->next->link = &exchange->next;
	}
	process->exchanges = exchange;
	process_enter(process);
	handle(exchange);
	process_run(process);
}

void network_call(struct process *process, unsigned listener, const char *method,
        const char *target, const char *body, network_fn fn, void *user)
{
	struct world *world = process->world;
	struct exchange *exchange = must_calloc(1, sizeof(*exchange));
	exchange->process = process;
	exchange->listener = listener;
	exchange->fn = fn;
	exchange->user = user;
	exchange->bytes = must_print("%s %s HTTP/1.1\r\nHost: sim\r\nContent-Type: "
	                             "application/json\r\nContent-Length: %zu\r\n\r\n%s",
	        method, target, strlen(body), body);
	exchange->size = strlen(exchange->bytes);
	bool is_unsent = world_fails(world, world->climate.network_fails / 2);
	exchange->is_lost = is_unsent || world_fails(world, world->climate.network_fails / 2);
	uint64_t after_ms = world_latency(world, 5);
	world_at_with(world, after_ms, is_unsent ? come_back : arrive, exchange, drop);
}

/* In place of the listeners */

bool service_listen_http(struct service *service, char *error, size_t error_size)
{
	static const struct api_routes *const all[] = { &api_orchestrate_routes, &api_jobs_routes,
		&api_events_routes, &api_control_routes };
	struct process *process = CONTAINER(service->parts.settings, struct process, settings);
	(void)error;
	(void)error_size;
	if ((service->parts.roles & ROLE_ORCHESTRATOR) != 0) {
		process->routers[0] = http_router_create();
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			http_router_add(
			        process->routers[0], all[i]->list, all[i]->n, &service->api);
		}
	}
	if ((service->parts.roles & ROLE_INVOKER) != 0) {
		process->routers[1] = http_router_create();
		http_router_add(process->routers[1], api_internal_routes.list,
		        api_internal_routes.n, &service->api);
	}
	return true;
}

void service_destroy_http(struct service *service)
{
	struct process *process = CONTAINER(service->parts.settings, struct process, settings);
	for (int i = 0; i < 2; i++) {
		http_router_destroy(process->routers[i]);
		process->routers[i] = NULL;
	}
}

void http_server_stop(
        struct http_server *server, uint32_t bound_ms, void (*on_stopped)(void *user), void *user)
{
	(void)server;
	(void)bound_ms;
	on_stopped(user); /* there is no server */
}

struct http_counters *http_connection_counters(const struct http_connection *connection)
{
	static struct http_counters counters;
	(void)connection;
	return &counters;
}

/* In place of the client */

struct http_client_settings http_client_settings_default(void)
{
	return (struct http_client_settings){ 0 };
}

static struct world *client_world; /* of the process that is being made */

struct http_client *http_client_create(
        struct event_base *base, const struct http_client_settings *settings)
{
	(void)settings;
	struct http_client *client = must_calloc(1, sizeof(*client));
	client->process = process_of_base(client_world, base);
	client->process->client = client;
	return client;
}

void network_prepare(struct world *world)
{
	client_world = world;
}

static void unlink_call(struct http_call *call)
{
	struct http_call **at = &call->client->calls;
	while (*at != call) {
		at = &(*at)->next;
	}
	*at = call->next;
	call->client = NULL;
}

void http_client_destroy(struct http_client *client)
{
	while (client != NULL && client->calls != NULL) {
		unlink_call(client->calls);
	}
	if (client != NULL) {
		client->process->client = NULL;
	}
	free(client);
}

static void on_answer(struct world *world, void *user, unsigned status, const char *body);

struct late_answer {
	struct http_call *call;
	unsigned status;
	char *body;
};

static void on_late_answer(struct world *world, void *user)
{
	struct late_answer late = *(struct late_answer *)user;
	free(user);
	on_answer(world, late.call, late.status, late.body);
	free(late.body);
}

static void on_answer(struct world *world, void *user, unsigned status, const char *body)
{
	struct http_call *call = user;
	struct process *process = call->process;
	if (process_is_here(process, call->life) && process->stalled_until_ms > world->now_ms) {
		struct late_answer *late = must_calloc(1, sizeof(*late));
		*late = (struct late_answer){ call, status, must_copy(body, strlen(body)) };
		world_at(world, process->stalled_until_ms - world->now_ms, on_late_answer, late);
		return;
	}
	if (call->client == NULL) {
		free(call);
		return;
	}
	process_enter(process);
	if (call->client != NULL) {
		const struct http_response response = {
			.status = status,
			.error = status == 0 ? "no answer" : NULL,
			.body = body,
			.body_size = strlen(body),
		};
		unlink_call(call);
		call->fn(call->user, &response);
	}
	free(call);
	process_run(process);
}

static void on_gone(void *user)
{
	struct http_call *call = user;
	if (call->client != NULL) {
		const struct http_response response = { .error = "gone", .is_unsent = true };
		unlink_call(call);
		call->fn(call->user, &response);
	}
	free(call);
}

struct http_call *http_client_call(struct http_client *client,
        const struct http_call_options *options, http_response_fn on_response, void *user)
{
	struct process *process = client->process;
	struct http_call *call = must_calloc(1, sizeof(*call));
	unsigned target = 0;
	char path[256];
	(void)sscanf(options->url, "http://invoker-%u%255s", &target, path);
	*call = (struct http_call){ .next = client->calls,
		.client = client,
		.process = process,
		.life = process->life,
		.fn = on_response,
		.user = user };
	client->calls = call;
	if (process->is_zombie) {
		loop_defer(process->loop, on_gone, call);
		return call;
	}
	char *body CLEANUP_FREE = must_copy(options->body, options->body_size);
	network_call(&process->world->processes[target], 1, options->method, path, body, on_answer,
	        call);
	return call;
}

void http_call_cancel(struct http_call *call)
{
	unlink_call(call);
}

/* Who waits for this process will wait in vain; what it waits for itself has failed. */
void network_drop_process(struct process *process)
{
	for (struct exchange *exchange = process->exchanges; exchange != NULL;
	        exchange = exchange->next) {
		exchange->is_lost = true;
	}
	while (process->client != NULL && process->client->calls != NULL) {
		const struct http_response response = { .error = "gone", .is_unsent = true };
		struct http_call *call = process->client->calls;
		unlink_call(call);
		call->fn(call->user, &response);
	}
}

void network_bury_process(struct process *process)
{
	while (process->exchanges != NULL) {
		process->exchanges->is_lost = true;
		send_back(process->exchanges);
	}
	while (process->client != NULL && process->client->calls != NULL) {
		unlink_call(process->client->calls);
	}
	process->client = NULL;
	process->routers[0] = NULL;
	process->routers[1] = NULL;
}
