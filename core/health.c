/* SPDX-License-Identifier: MIT */
/* One GET over the loop. A listener on all addresses is asked on loopback. */
#include "core/health.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/http/address.h"
#include "core/http/client.h"
#include "core/http/tls.h"
#include "core/loop.h"
#include "core/service.h"
#include "core/settings.h"
#include "support/base/cleanup.h"

enum { HEALTH_TIMEOUT_MS = 5000 };

CLEANUP_DEFINE(struct http_client *, client, http_client_destroy)
CLEANUP_DEFINE(struct http_tls *, tls, http_tls_destroy)

struct asking {
	struct loop *loop;
	bool is_ready;
};

static const char *listener_of(const struct settings *settings, uint32_t roles)
{
	return (roles & ROLE_ORCHESTRATOR) != 0 ? settings->http_listen
	        : (roles & ROLE_INVOKER) != 0   ? settings->invoker_listen
	                                        : settings->health_listen;
}

static const char *reachable(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(host, "::") == 0 ? "::1" : host;
}

/* Returns 0, or -1 after a sentence. */
static int make_url(const char *listener, bool is_tls, char *ret_url, size_t size)
{
	struct http_address address;
	CLEANUP_FREE char *error = NULL;
	if (http_address_parse(listener, &address, &error) != 0) {
		fprintf(stderr, "luciusd: '%s': %s\n", listener, error);
		return -1;
	}
	const char *host = reachable(address.host);
	bool is_v6 = strchr(host, ':') != NULL;
	(void)snprintf(ret_url, size, "%s://%s%s%s:%u/readyz", is_tls ? "https" : "http",
	        is_v6 ? "[" : "", host, is_v6 ? "]" : "", address.port);
	return 0;
}

static void on_response(void *user, const struct http_response *response)
{
	struct asking *asking = user;
	asking->is_ready = response->status == 200;
	if (response->status == 0) {
		fprintf(stderr, "luciusd: not ready: %s\n", response->error);
	} else if (!asking->is_ready) {
		fprintf(stderr, "luciusd: not ready (%u): %s\n", response->status,
		        response->body != NULL ? response->body : "");
	}
	loop_break(asking->loop);
}

/* The listener's own certificate is the one to trust: this is the same machine and user. */
static struct http_tls *make_tls(const struct settings *settings)
{
	const struct http_tls_files files = {
		.certificate =
		        settings->http_tls_client_ca != NULL ? settings->http_tls_cert : NULL,
		.key = settings->http_tls_client_ca != NULL ? settings->http_tls_key : NULL,
		.ca = settings->http_tls_cert,
		.is_own = true,
	};
	CLEANUP_FREE char *error = NULL;
	struct http_tls *tls = http_tls_create_client(&files, &error);
	if (tls == NULL) {
		fprintf(stderr, "luciusd: %s\n", error);
	}
	return tls;
}

int health_ask(struct loop *loop, const struct settings *settings, uint32_t roles)
{
	char url[HTTP_HOST_MAX + 64];
	bool is_tls = (roles & ROLE_ORCHESTRATOR) != 0 && settings->http_tls_cert != NULL;
	CLEANUP(cleanup_tls) struct http_tls *tls = is_tls ? make_tls(settings) : NULL;
	if ((is_tls && tls == NULL) ||
	        make_url(listener_of(settings, roles), is_tls, url, sizeof(url)) != 0) {
		return 0;
	}
	struct http_client_settings client_settings = http_client_settings_default();
	client_settings.tls = tls;
	CLEANUP(cleanup_client)
	struct http_client *client = http_client_create(loop_base(loop), &client_settings);
	const struct http_call_options call = {
		.method = "GET", .url = url, .timeout_ms = HEALTH_TIMEOUT_MS
	};
	struct asking asking = { .loop = loop };
	http_client_call(client, &call, on_response, &asking);
	loop_run(loop);
	return asking.is_ready ? 1 : 0;
}
