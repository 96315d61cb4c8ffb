/* SPDX-License-Identifier: MIT */
/*
 * What operators ask: liveness, readiness (each backend is asked, side by side), metrics. They are
 * on every listener and need no token.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "core/backend.h"
#include "core/http/reply.h"
#include "core/http/server.h"
#include "core/metrics.h"
#include "support/base/memory.h"

#define HEALTH_TIMEOUT_MS 5000u

struct readiness {
	struct api *api;
	struct http_request *request;
	struct json_writer not_ready; /* an array */
	size_t n_waiting;
	size_t n_not_ready;
	bool has_storage; /* it has answered that it can be used */
};

/* One backend's answer. */
struct checkup {
	struct readiness *readiness;
	struct backend *backend;
	struct json_writer missing; /* an array */
};

static void handle_health(void *user, struct http_request *request)
{
	static const char body[] = "{\"status\": \"ok\"}";
	(void)user;
	http_reply(request, 200, "application/json", body, sizeof(body) - 1);
}

static void add_not_ready(struct readiness *readiness, const char *part, const char *sentence,
        struct json_writer *missing)
{
	readiness->n_not_ready++;
	json_writer_begin_object(&readiness->not_ready);
	json_writer_string_member(&readiness->not_ready, "part", part);
	json_writer_string_member(&readiness->not_ready, "detail", sentence);
	if (missing != NULL) {
		json_writer_name(&readiness->not_ready, "missing");
		json_writer_raw(&readiness->not_ready, json_writer_text(missing), missing->size);
	}
	json_writer_end_object(&readiness->not_ready);
}

/* Last, as the storage keeps who has the engine: while that is away nobody knows. */
static void add_service(struct readiness *readiness)
{
	const struct api *api = readiness->api;
	char sentence[256];
	if (api->is_stopping) {
		add_not_ready(readiness, "service", "is stopping", NULL);
	} else if (!api->is_active && !readiness->has_storage && api->storage != NULL) {
		(void)snprintf(sentence, sizeof(sentence),
		        "waits for the storage backend '%s', which keeps who has the workflow "
		        "engine",
		        backend_name(api->storage));
		add_not_ready(readiness, "service", sentence, NULL);
	} else if (!api->is_active) {
		add_not_ready(readiness, "service", api_standing(api), NULL);
	}
}

static void reply_readiness(struct readiness *readiness)
{
	CLEANUP_JSON_WRITER struct json_writer body = { 0 };
	add_service(readiness);
	bool is_ready = readiness->n_not_ready == 0;
	json_writer_end_array(&readiness->not_ready);
	json_writer_begin_object(&body);
	json_writer_string_member(&body, "status", is_ready ? "ready" : "not ready");
	json_writer_name(&body, "not_ready");
	json_writer_raw(&body, json_writer_text(&readiness->not_ready), readiness->not_ready.size);
	json_writer_end_object(&body);
	api_reply_writer(readiness->request, is_ready ? 200 : 503, &body);
	readiness->api->n_open--;
	json_writer_finish(&readiness->not_ready);
	free(readiness);
}

static void on_missing(void *user, const void *item)
{
	struct checkup *checkup = user;
	const struct lucius_text *text = item;
	json_writer_string_sized(&checkup->missing, text->data, text->size);
}

static void on_checked(void *user, uint32_t status, const char *sentence)
{
	struct checkup *checkup = user;
	struct readiness *readiness = checkup->readiness;
	json_writer_end_array(&checkup->missing);
	if (status != LUCIUS_OK) {
		add_not_ready(readiness, backend_name(checkup->backend),
		        sentence != NULL ? sentence : "is not ready", &checkup->missing);
	} else if (checkup->backend == readiness->api->storage) {
		readiness->has_storage = true;
	}
	json_writer_finish(&checkup->missing);
	free(checkup);
	if (--readiness->n_waiting == 0) {
		reply_readiness(readiness);
	}
}

static void check(struct readiness *readiness, struct backend *backend)
{
	if (backend == NULL) {
		return;
	}
	struct checkup *checkup = must_calloc(1, sizeof(*checkup));
	checkup->readiness = readiness;
	checkup->backend = backend;
	json_writer_begin_array(&checkup->missing);
	readiness->n_waiting++;
	const struct op_caller caller = { on_missing, on_checked, checkup, HEALTH_TIMEOUT_MS };
	(void)backend_health(backend, &caller);
}

static void handle_ready(void *user, struct http_request *request)
{
	struct api *api = user;
	struct readiness *readiness = must_calloc(1, sizeof(*readiness));
	readiness->api = api;
	readiness->request = request;
	api->n_open++;
	json_writer_begin_array(&readiness->not_ready);
	readiness->n_waiting = 1;
	check(readiness, api->storage);
	check(readiness, api->bus);
	check(readiness, api->workflow);
	if (--readiness->n_waiting == 0) {
		reply_readiness(readiness);
	}
}

static void print_counter(struct evbuffer *output, const char *name, const char *help, double value)
{
	(void)evbuffer_add_printf(output, "# HELP %s %s\n# TYPE %s counter\n%s %.0f\n", name, help,
	        name, name, value);
}

static void print_http(struct evbuffer *output, const struct api *api)
{
	struct http_counters sum = { 0 };
	for (size_t i = 0; i < 2; i++) {
		if (api->servers[i] == NULL) {
			continue;
		}
		const struct http_counters *counters = http_server_counters(api->servers[i]);
		sum.connections += counters->connections;
		sum.connections_open += counters->connections_open;
		sum.requests += counters->requests;
		for (size_t k = 0; k < HTTP_N_REFUSALS; k++) {
			sum.refused[k] += counters->refused[k];
		}
	}
	print_counter(output, "lucius_http_connections_total", "Connections accepted.",
	        (double)sum.connections);
	print_counter(
	        output, "lucius_http_requests_total", "Requests received.", (double)sum.requests);
	(void)evbuffer_add_printf(output,
	        "# HELP lucius_http_connections Connections open.\n"
	        "# TYPE lucius_http_connections gauge\nlucius_http_connections %llu\n"
	        "# HELP lucius_http_refused_total Turned away by the server itself.\n"
	        "# TYPE lucius_http_refused_total counter\n",
	        (unsigned long long)sum.connections_open);
	for (size_t k = 0; k < HTTP_N_REFUSALS; k++) {
		(void)evbuffer_add_printf(output, "lucius_http_refused_total{reason=\"%s\"} %llu\n",
		        http_refusal_name((enum http_refusal)k),
		        (unsigned long long)sum.refused[k]);
	}
}

static void handle_metrics(void *user, struct http_request *request)
{
	struct evbuffer *output = evbuffer_new();
	if (output == NULL) {
		http_reply_problemf(request, &http_problem_unavailable, "out of memory");
		return;
	}
	metrics_print(output);
	print_http(output, user);
	size_t size = evbuffer_get_length(output);
	http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8",
	        evbuffer_pullup(output, -1), size);
	evbuffer_free(output);
}

static const struct http_route routes[] = {
	{ "GET", "/healthz", handle_health, NULL, NULL, 0 },
	{ "GET", "/readyz", handle_ready, NULL, NULL, 0 },
	{ "GET", "/metrics", handle_metrics, NULL, NULL, 0 },
};
const struct api_routes api_service_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
