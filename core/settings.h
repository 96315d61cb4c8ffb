/* SPDX-License-Identifier: MIT */
/*
 * The options of the core, filled from all sources by the option table (core/option_rows.c): what
 * each means, its names, default and unit stands there. Texts stay until the process ends; those
 * marked LIVE there change in place.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdint.h>

struct settings {
	const char *role; /* comma list of orchestrator, worker, invoker; or bus */
	const char *config;
	const char *plugins_dir;
	const char *storage_backend; /* a name; never NULL once chosen */
	const char *bus_backend;
	const char *workflow_backend;
	const char *config_source; /* NULL: none */
	const char *log_level;
	const char *log_format;
	int64_t log_queue_bytes;
	int64_t shutdown_seconds;
	int64_t max_operations; /* running on one backend at once */

	const char *http_listen;
	const char *http_tls_cert;
	const char *http_tls_key;
	const char *http_tls_client_ca;
	int64_t http_max_body_bytes;
	int64_t http_max_connections;
	int64_t http_max_depth; /* nesting of a body */
	int64_t http_request_seconds;
	int64_t http_idle_seconds;
	const char *api_tokens_file;
	const char *health_listen;

	const char *invoker_listen;
	const char *invoker_url; /* NULL: in-process */
	const char *invoker_token;

	const char *protocols_file;
	const char *protocols; /* the file's content instead of it; NULL: the file */
	const char *default_mode; /* DEFAULT or BURST */
	int64_t max_inflight_per_tenant;
	int64_t retention_days;
	int64_t sweep_seconds;
	int64_t reply_dlq_seconds;
	int64_t own_lease_seconds;

	int64_t max_attempts;
	int64_t step_result_timeout_seconds;
	int64_t lease_minutes;
	int64_t retry_initial_seconds;
	int64_t retry_max_seconds;

	int64_t servicebus_lanes;
	const char *servicebus_reply_prefix;
	const char *servicebus_reply_subscription;

	uint32_t temporal_enabled;
	int64_t temporal_workflow_execution_timeout; /* seconds; 0: none; -1: not set */
};

#endif
