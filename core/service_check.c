/* SPDX-License-Identifier: MIT */
/* Which roles a process may have with the backends that were chosen (SPEC 1). */
#include <stdio.h>
#include <string.h>

#include "core/backend.h"
#include "core/log.h"
#include "core/service_internal.h"
#include "core/settings.h"

#define ROLES_OF_JOBS (ROLE_ORCHESTRATOR | ROLE_WORKER | ROLE_INVOKER)

static bool refuse(char *error, size_t error_size, const char *sentence)
{
	(void)snprintf(error, error_size, "%s", sentence);
	return false;
}

static bool check_split(const struct service_parts *parts, char *error, size_t error_size)
{
	if (parts->workflow != NULL &&
	        (workflow_info(parts->workflow).traits & LUCIUS_WORKFLOW_IN_PROCESS) != 0) {
		return refuse(error, error_size,
		        "the workflow backend 'local' lives in one process and cannot serve a "
		        "split "
		        "of roles; set LUCIUS_TEMPORAL_ADDRESS, or leave LUCIUS_ROLE unset");
	}
	if (parts->storage != NULL &&
	        (storage_info(parts->storage).traits & LUCIUS_STORAGE_SHARED) == 0) {
		return refuse(error, error_size,
		        "this storage backend lives in one process and cannot serve a split of "
		        "roles; "
		        "set LUCIUS_STORAGE_BACKEND to sqlite, table or ledger");
	}
	if (parts->bus != NULL && (bus_info(parts->bus).traits & LUCIUS_BUS_SHARED) == 0) {
		return refuse(error, error_size,
		        "the bus backend 'local' without a listener cannot serve a split of roles; "
		        "set LUCIUS_SERVICEBUS_CONNECTION or LUCIUS_BUS_LISTEN");
	}
	return true;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0 ||
	        strncmp(address, "[::1]", 5) == 0;
}

static void warn_open(const char *address, const void *token, const char *option)
{
	if (!is_loopback(address) && token == NULL) {
		LOG(LUCIUS_LOG_WARNING, "listener.open",
		        "a listener that is not on loopback asks for no token",
		        LOG_STRING("address", address), LOG_STRING("option", option));
	}
}

static void warn(const struct service_parts *parts)
{
	const struct settings *settings = parts->settings;
	if ((parts->roles & ROLE_ORCHESTRATOR) != 0) {
		warn_open(
		        settings->http_listen, settings->api_tokens_file, "LUCIUS_API_TOKENS_FILE");
	}
	if ((parts->roles & ROLE_INVOKER) != 0) {
		warn_open(
		        settings->invoker_listen, settings->invoker_token, "LUCIUS_INVOKER_TOKEN");
	}
	if (parts->storage != NULL && parts->workflow != NULL &&
	        (storage_info(parts->storage).traits & LUCIUS_STORAGE_DURABLE) == 0 &&
	        (workflow_info(parts->workflow).traits & LUCIUS_WORKFLOW_IN_PROCESS) == 0) {
		log_write(LUCIUS_LOG_WARNING, "storage.not_durable",
		        "after a restart the workflows live and the rows do not: such workflows "
		        "end "
		        "with JOB_UNKNOWN",
		        NULL, 0);
	}
}

bool service_check(const struct service_parts *parts, char *error, size_t error_size)
{
	uint32_t roles = parts->roles & ROLES_OF_JOBS;
	if (roles != 0 && roles != ROLES_OF_JOBS && !check_split(parts, error, error_size)) {
		return false;
	}
	if ((roles & ROLE_WORKER) != 0 && (roles & ROLE_INVOKER) == 0 &&
	        parts->settings->invoker_url == NULL) {
		return refuse(error, error_size,
		        "a worker without the invoker's role needs LUCIUS_INVOKER_URL");
	}
	warn(parts);
	return true;
}
