/* SPDX-License-Identifier: MIT */
/*
 * config-appconfig: Azure App Configuration. Loads and looks stand in line, one under way at a
 * time:
 *
 *   load ─► walk ─► on_walked ─► secrets ─► on_resolved ─► give all, OK
 *                       └─► fail: at the start again and again, then the last-known-good file
 *   poll ─► walk ─► on_walked ─► (something has changed: a hint to whoever watches)
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "support/base/memory_host.h"

static const struct lucius_option option_rows[] = {
	{ .name = "appconfig-connection",
	        .summary = "Connection string of the App Configuration store "
	                   "(Endpoint=...;Id=...;Secret=...).",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct appconfig_options, connection) },
	{ .name = "appconfig-endpoints",
	        .summary = "Endpoints of the store's replicas, a comma list; asked when the one of "
	                   "the connection string does not answer.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, endpoints) },
	{ .name = "appconfig-label",
	        .summary = "Labels, a comma list: their keys come over those without a label, and "
	                   "each over those of the labels before it.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, label) },
	{ .name = "appconfig-ca-file",
	        .summary = "Certificates (PEM) that are trusted instead of the system's.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, ca_file) },
	{ .name = "appconfig-refresh-seconds",
	        .default_value = "30",
	        .unit = "seconds",
	        .summary = "How often the store is asked for changes; 0 never.",
	        .max = 86400,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = LUCIUS_OPTION_LIVE,
	        LUCIUS_MEMBER(struct appconfig_options, refresh_seconds) },
	{ .name = "appconfig-startup-seconds",
	        .default_value = "100",
	        .unit = "seconds",
	        .summary =
	                "How long a start waits for a store that does not answer; while running, "
	                "how long a slow one has to be read in full (10 at least).",
	        .min = 1,
	        .max = 600,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, startup_seconds) },
	{ .name = "appconfig-cache-file",
	        .summary = "The last-known-good file: what was in force (without secrets), for a "
	                   "start while the store is away; not set: none.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, cache_file) },
	{ .name = "appconfig-cache-hours",
	        .default_value = "24",
	        .unit = "hours",
	        .summary = "How old the last-known-good file may be.",
	        .min = 1,
	        .max = 8760,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, cache_hours) },
	{ .name = "appconfig-tenant-id",
	        .summary = "For Key Vault references: the tenant of the client.",
	        .env = "AZURE_TENANT_ID",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, tenant_id) },
	{ .name = "appconfig-client-id",
	        .summary = "For Key Vault references: the client, or the user-assigned identity.",
	        .env = "AZURE_CLIENT_ID",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, client_id) },
	{ .name = "appconfig-client-secret",
	        .summary = "For Key Vault references: the secret of the client.",
	        .env = "AZURE_CLIENT_SECRET",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET,
	        LUCIUS_MEMBER(struct appconfig_options, client_secret) },
	{ .name = "appconfig-federated-token-file",
	        .summary = "For Key Vault references: the token of a workload identity.",
	        .env = "AZURE_FEDERATED_TOKEN_FILE",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, federated_token_file) },
	{ .name = "appconfig-authority-host",
	        .default_value = "https://login.microsoftonline.com",
	        .summary = "For Key Vault references: who gives tokens for a client.",
	        .env = "AZURE_AUTHORITY_HOST",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, authority_host) },
	{ .name = "appconfig-identity-endpoint",
	        .summary = "For Key Vault references: the managed identity of an app service.",
	        .env = "IDENTITY_ENDPOINT",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, identity_endpoint) },
	{ .name = "appconfig-identity-header",
	        .summary =
	                "For Key Vault references: the word that the identity endpoint asks for.",
	        .env = "IDENTITY_HEADER",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET,
	        LUCIUS_MEMBER(struct appconfig_options, identity_header) },
	{ .name = "appconfig-machine-identity",
	        .default_value = "http://169.254.169.254",
	        .summary = "For Key Vault references: the managed identity of an Azure machine.",
	        .env = "AZURE_POD_IDENTITY_AUTHORITY_HOST",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = 0,
	        LUCIUS_MEMBER(struct appconfig_options, machine_identity) },
};

/* The table */

static void reconfigure(void *self)
{
	struct source *source = self;
	load_disarm(source);
	load_arm(source);
}

static void load(void *self, struct lucius_op op)
{
	struct source *source = self;
	if (source->is_stopped) {
		lucius_fail(source->host, op, LUCIUS_UNAVAILABLE, "the source has been stopped");
		return;
	}
	load_add(source, op);
}

static void on_watch_cancelled(void *user)
{
	struct source *source = user;
	load_disarm(source);
	lucius_finish(source->host, source->watch);
	source->watch.id = 0;
}

static void watch(void *self, struct lucius_op op)
{
	struct source *source = self;
	if (source->is_stopped || source->watch.id != 0) {
		lucius_fail(source->host, op, LUCIUS_UNAVAILABLE,
		        source->is_stopped ? "the source has been stopped"
		                           : "the source is watched already");
		return;
	}
	source->watch = op;
	source->host->on_cancel(source->host, op, on_watch_cancelled, source);
	load_arm(source);
}

static void keep(void *self, const struct lucius_text *keys, uint64_t n_keys)
{
	struct source *source = self;
	source->is_in_force = true;
	if (source->has_loaded && !source->is_kept_given) {
		kept_write(source, keys, n_keys);
	}
}

/* Life */

/* "\\0" and "%00" are what other tools take for "without a label". */
static bool is_label(const char *label, size_t size)
{
	bool is_none = (size == 2 && memcmp(label, "\\0", 2) == 0) ||
	        (size == 3 && memcmp(label, "%00", 3) == 0);
	return !is_none && memchr(label, '*', size) == NULL;
}

/* The later of two with one label stays. */
static void drop_selector(struct source *source, const char *label, size_t size)
{
	for (size_t i = 1; i < source->n_selectors; i++) {
		if (strlen(source->selectors[i].label) == size &&
		        memcmp(source->selectors[i].label, label, size) == 0) {
			free(source->selectors[i].label);
			free(source->selectors[i].target);
			source->n_selectors--;
			memmove(&source->selectors[i], &source->selectors[i + 1],
			        (source->n_selectors - i) * sizeof(source->selectors[0]));
			return;
		}
	}
}

static bool add_selector(
        struct source *source, const char *label, size_t size, char *error, size_t error_size)
{
	drop_selector(source, label, size);
	if (source->n_selectors == MAX_SELECTORS || !is_label(label, size)) {
		(void)snprintf(error, error_size,
		        "LUCIUS_APPCONFIG_LABEL: '%.*s' is not taken; accepted are up to %d labels "
		        "as they are, without '*'; keys without a label are read in any case, "
		        "before "
		        "all others",
		        (int)(size < 200 ? size : 200), label, MAX_SELECTORS - 1);
		return false;
	}
	struct selector *selector = &source->selectors[source->n_selectors++];
	selector->label = must_copy(label, size);
	CLEANUP_FREE char *filter = selector_filter(selector->label);
	selector->target =
	        must_print("/kv?api-version=2023-11-01&key=Lucius%%3A%%2A&label=%s", filter);
	return true;
}

static bool add_selectors(struct source *source, char *error, size_t error_size)
{
	const char *at = source->options->label != NULL ? source->options->label : "";
	if (!add_selector(source, "", 0, error, error_size)) {
		return false;
	}
	while (*at != '\0') {
		at += strspn(at, ", ");
		size_t size = strcspn(at, ",");
		size_t label_size = size;
		while (label_size != 0 && at[label_size - 1] == ' ') {
			label_size--;
		}
		if (label_size != 0 && !add_selector(source, at, label_size, error, error_size)) {
			return false;
		}
		at += size;
	}
	return true;
}

static void make_metrics(struct source *source)
{
	const struct lucius_host *host = source->host;
	struct lucius_metric_spec spec = { .size = sizeof(spec),
		.type = LUCIUS_METRIC_COUNTER,
		.name = "looks_total",
		.help = "Looks at the store, by how they ended.",
		.label = "outcome",
		.label_value = "good" };
	source->n_good = host->metric(host, &spec);
	spec.label_value = "failed";
	source->n_bad = host->metric(host, &spec);
	spec = (struct lucius_metric_spec){ .size = sizeof(spec),
		.type = LUCIUS_METRIC_GAUGE,
		.name = "last_seen_seconds",
		.help = "Unix time at which the store was last seen as a whole." };
	source->seen_at = host->metric(host, &spec);
}

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct source *source = self;
	memory_use_host(host);
	source->host = host;
	source->options = host->options;
	source->is_stale = true;
	if (!connection_parse(source->options->connection, source->options->endpoints,
	            &source->connection, error, error_size) ||
	        !add_selectors(source, error, error_size)) {
		return LUCIUS_DENIED;
	}
	make_metrics(source);
	source->fetch = fetch_client_create(&(struct fetch_settings){
	        .base = host->event_base,
	        .user_agent = "lucius",
	        .ca_file = source->options->ca_file,
	        .max_connections = 2,
	        .idle_seconds = 30,
	});
	if (source->fetch == NULL) {
		(void)snprintf(error, error_size, "libcurl cannot be set up");
	}
	return source->fetch != NULL ? LUCIUS_OK : LUCIUS_INTERNAL;
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strncasecmp(host, "localhost", 9) == 0 ||
	        strncmp(host, "[::1]", 5) == 0;
}

static void start(void *self, struct lucius_op op)
{
	struct source *source = self;
	for (size_t i = 0; i < source->connection.n_endpoints; i++) {
		const struct endpoint *endpoint = &source->connection.endpoints[i];
		if (strncasecmp(endpoint->url, "http:", 5) == 0 && !is_loopback(endpoint->host)) {
			CLEANUP_FREE char *sentence = must_print(
			        "%s is asked without TLS: everybody on the way can read what it "
			        "says",
			        endpoint->url);
			lucius_log(source->host, LUCIUS_LOG_WARNING, "config.plain", sentence);
		}
	}
	lucius_finish(source->host, op);
}

static void stop(void *self, struct lucius_op op)
{
	struct source *source = self;
	source->is_stopped = true;
	load_stop(source);
	if (source->watch.id != 0) {
		lucius_finish(source->host, source->watch);
		source->watch.id = 0;
	}
	lucius_finish(source->host, op);
}

static void destroy(void *self)
{
	struct source *source = self;
	fetch_client_destroy(source->fetch);
	connection_finish(&source->connection);
	for (size_t i = 0; i < source->n_selectors; i++) {
		free(source->selectors[i].label);
		free(source->selectors[i].target);
	}
	pages_finish(source);
	page_destroy(source->kept_page);
	free(source->kept);
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct source),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.reconfigure = reconfigure,
};

static const struct lucius_config config_table = {
	.size = sizeof(config_table),
	.load = load,
	.watch = watch,
	.keep = keep,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_CONFIG, "appconfig"),
	.version = LUCIUS_VERSION,
	.summary = "Azure App Configuration.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct appconfig_options),
	.config = &config_table,
};
