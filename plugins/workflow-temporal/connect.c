/* SPDX-License-Identifier: MIT */
/* TLS is on where an option of it is set, and must be where a key would go over a network. */
#include "plugins/workflow-temporal/connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/workflow-temporal/engine.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define DEFAULT_PORT 7233
#define HEADERS_MAX 5u

static bool parse_port(const char *text, uint16_t *ret_port)
{
	char *end;
	errno = 0;
	long port = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || port < 1 ||
	        port > UINT16_MAX) {
		return false;
	}
	*ret_port = (uint16_t)port;
	return true;
}

bool connect_parse(const char *address, char **ret_host, uint16_t *ret_port)
{
	bool is_bracketed = address[0] == '[';
	const char *host = is_bracketed ? address + 1 : address;
	size_t size = strcspn(host, is_bracketed ? "]" : ":");
	const char *rest = host + size;
	if (is_bracketed && *rest++ != ']') {
		return false;
	}
	if (size == 0 || (*rest != '\0' && *rest != ':')) {
		return false;
	}
	*ret_port = DEFAULT_PORT;
	if (*rest == ':' && !parse_port(rest + 1, ret_port)) {
		return false;
	}
	*ret_host = must_copy(host, size);
	return true;
}

static bool has_tls(const struct engine_options *options)
{
	return options->is_tls != 0 || options->tls_ca != NULL || options->tls_cert != NULL ||
	        options->tls_server_name != NULL;
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
	        strcmp(host, "::1") == 0;
}

bool connect_check(const struct engine_options *options, char *error, size_t error_size)
{
	char *host CLEANUP_FREE = NULL;
	uint16_t port;
	if (!connect_parse(options->address, &host, &port)) {
		(void)snprintf(error, error_size,
		        "LUCIUS_TEMPORAL_ADDRESS is '%s', which is not host:port.",
		        options->address);
		return false;
	}
	if (options->tls_key != NULL && options->tls_cert == NULL) {
		(void)snprintf(error, error_size,
		        "LUCIUS_TEMPORAL_TLS_KEY is set and LUCIUS_TEMPORAL_TLS_CERT is not.");
		return false;
	}
	if (options->api_key != NULL && !has_tls(options) && !is_loopback(host)) {
		(void)snprintf(error, error_size,
		        "LUCIUS_TEMPORAL_API_KEY would go to '%s' in the clear: set "
		        "LUCIUS_TEMPORAL_TLS to true.",
		        options->address);
		return false;
	}
	return true;
}

static void on_state(void *user, const char *sentence)
{
	server_on_state(user, sentence);
}

struct grpc_client *connect_create(struct engine *engine, char *error, size_t error_size)
{
	const struct engine_options *options = engine->options;
	char *host CLEANUP_FREE = NULL;
	char *key CLEANUP_FREE = NULL;
	uint16_t port;
	struct grpc_header headers[HEADERS_MAX] = {
		{ "user-agent", "lucius/" LUCIUS_VERSION },
		{ "client-name", SDK_NAME },
		{ "client-version", LUCIUS_VERSION },
		{ "temporal-namespace", options->namespace },
	};
	size_t n_headers = 4;
	if (!connect_parse(options->address, &host, &port)) {
		(void)snprintf(error, error_size, "The address is not host:port.");
		return NULL;
	}
	if (options->api_key != NULL) {
		key = must_print("Bearer %s", options->api_key);
		headers[n_headers++] = (struct grpc_header){ "authorization", key };
	}
	const struct grpc_settings settings = {
		.base = engine->host->event_base,
		.host = host,
		.port = port,
		.is_tls = has_tls(options),
		.ca_file = options->tls_ca,
		.cert_file = options->tls_cert,
		.key_file = options->tls_key,
		.server_name = options->tls_server_name,
		.headers = headers,
		.n_headers = n_headers,
		.on_state = on_state,
		.user = engine,
	};
	return grpc_client_create(&settings, error, error_size);
}
