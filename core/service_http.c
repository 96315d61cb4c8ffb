/* SPDX-License-Identifier: MIT */
/* The listeners: the public one, and the internal one (or, for a worker or a bus, one for health).
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/http/tls.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/service_internal.h"
#include "core/settings.h"

#define PUBLIC 0
#define INTERNAL 1
#define US_PER_SECOND 1e6
#define MS_PER_SECOND 1000

static void on_report(void *user, const struct http_report *report)
{
	(void)user;
	static struct metric *seconds;
	if (seconds == NULL) {
		seconds = metrics_series(LUCIUS_METRIC_HISTOGRAM, "lucius_http_request_seconds",
		        "From a request's first byte to its reply.", NULL, NULL);
	}
	metric_record(seconds, (double)report->duration_us / US_PER_SECOND);
	LOG(LUCIUS_LOG_DEBUG, "http.request", NULL, LOG_STRING("method", report->method),
	        LOG_STRING("path", report->path), LOG_STRING("peer", report->peer),
	        LOG_INTEGER("status", report->status),
	        LOG_INTEGER("duration_us", (int64_t)report->duration_us));
}

static struct http_settings settings_of(struct service *service, int which)
{
	const struct settings *settings = service->parts.settings;
	struct http_settings http = http_settings_default();
	http.max_connections = (size_t)settings->http_max_connections;
	http.max_body = (size_t)settings->http_max_body_bytes;
	http.request_ms = (uint32_t)settings->http_request_seconds * MS_PER_SECOND;
	http.idle_ms = (uint32_t)settings->http_idle_seconds * MS_PER_SECOND;
	http.router = service->routers[which];
	http.report = on_report;
	http.loop = service->parts.loop;
	if (which == INTERNAL) {
		/* Directives carry what a command brought and more. */
		http.max_body = 4 * http.max_body;
	} else {
		http.tls = service->tls;
	}
	return http;
}

static bool load_tls(struct service *service, char *error, size_t error_size)
{
	const struct settings *settings = service->parts.settings;
	char *sentence CLEANUP_FREE = NULL;
	if (settings->http_tls_cert == NULL && settings->http_tls_key == NULL) {
		return true;
	}
	if (settings->http_tls_cert == NULL || settings->http_tls_key == NULL) {
		(void)snprintf(error, error_size,
		        "LUCIUS_HTTP_TLS_CERT and LUCIUS_HTTP_TLS_KEY go together: one is missing");
		return false;
	}
	const struct http_tls_files files = { settings->http_tls_cert, settings->http_tls_key,
		settings->http_tls_client_ca };
	service->tls = http_tls_create_server(&files, &sentence);
	if (service->tls == NULL) {
		(void)snprintf(error, error_size, "%s", sentence);
	}
	return service->tls != NULL;
}

static void add(struct service *service, int which, const struct api_routes *routes)
{
	http_router_add(service->routers[which], routes->list, routes->n, &service->api);
}

static bool open_listener(
        struct service *service, int which, const char *address, char *error, size_t error_size)
{
	char *sentence CLEANUP_FREE = NULL;
	struct http_settings http = settings_of(service, which);
	service->servers[which] = http_server_create(loop_base(service->parts.loop), &http);
	service->api.servers[which] = service->servers[which];
	if (http_server_listen(service->servers[which], address, &sentence) != 0) {
		(void)snprintf(error, error_size, "%s", sentence);
		return false;
	}
	LOG(LUCIUS_LOG_INFO, "http.listening", NULL, LOG_STRING("address", address),
	        LOG_INTEGER("port", http_server_port(service->servers[which])),
	        LOG_STRING("api", which == PUBLIC ? "public" : "internal"));
	return true;
}

static bool listen_public(struct service *service, char *error, size_t error_size)
{
	static const struct api_routes *const all[] = { &api_orchestrate_routes, &api_jobs_routes,
		&api_events_routes, &api_control_routes, &api_openapi_routes, &api_service_routes };
	service->routers[PUBLIC] = http_router_create();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		add(service, PUBLIC, all[i]);
	}
	return load_tls(service, error, error_size) &&
	        open_listener(
	                service, PUBLIC, service->parts.settings->http_listen, error, error_size);
}

bool service_listen_http(struct service *service, char *error, size_t error_size)
{
	const struct settings *settings = service->parts.settings;
	uint32_t roles = service->parts.roles;
	const char *internal = NULL;
	if ((roles & ROLE_ORCHESTRATOR) != 0 && !listen_public(service, error, error_size)) {
		return false;
	}
	service->routers[INTERNAL] = http_router_create();
	add(service, INTERNAL, &api_service_routes);
	if ((roles & ROLE_INVOKER) != 0) {
		internal = settings->invoker_listen;
		add(service, INTERNAL, &api_internal_routes);
	} else if ((roles & ROLE_ORCHESTRATOR) == 0) {
		internal = settings->health_listen;
	}
	return internal == NULL || open_listener(service, INTERNAL, internal, error, error_size);
}

void service_destroy_http(struct service *service)
{
	for (int i = 0; i < 2; i++) {
		http_server_destroy(service->servers[i]);
		if (service->routers[i] != NULL) {
			http_router_destroy(service->routers[i]);
		}
	}
	http_tls_destroy(service->tls);
}
