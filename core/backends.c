/* SPDX-License-Identifier: MIT */
/* Chooses, loads and creates backends; what they then do is the daemon's and the service's. */
#include "core/backends.h"

#include <stdio.h>
#include <string.h>

#include "core/backend.h"
#include "core/loader.h"
#include "core/options.h"
#include "core/roles.h"
#include "core/settings.h"

void backends_choose(struct options *options, const struct settings *settings)
{
	if (settings->bus_backend == NULL) {
		bool is_given = options_is_given(options, "servicebus-connection");
		options_choose(options, "bus-backend", is_given ? "servicebus" : "local",
		        is_given ? "chosen, as LUCIUS_SERVICEBUS_CONNECTION is set"
		                 : "chosen, as LUCIUS_SERVICEBUS_CONNECTION is not set");
	}
	if (settings->workflow_backend == NULL) {
		bool is_given = options_is_given(options, "temporal-address");
		bool is_on = is_given && settings->temporal_enabled != 0;
		options_choose(options, "workflow-backend", is_on ? "temporal" : "local",
		        is_on              ? "chosen, as LUCIUS_TEMPORAL_ADDRESS is set"
		                : is_given ? "chosen, as LUCIUS_TEMPORAL_ENABLED is false"
		                           : "chosen, as LUCIUS_TEMPORAL_ADDRESS is not set");
	}
	if (settings->config_source == NULL && options_is_given(options, "appconfig-connection")) {
		options_choose(options, "config-source", "appconfig",
		        "chosen, as LUCIUS_APPCONFIG_CONNECTION is set");
	}
}

static uint32_t kind_of(enum backend_place place)
{
	static const uint32_t kinds[N_BACKENDS] = { LUCIUS_KIND_CONFIG, LUCIUS_KIND_STORAGE,
		LUCIUS_KIND_BUS, LUCIUS_KIND_WORKFLOW };
	return kinds[place];
}

static const char *name_of(const struct settings *settings, enum backend_place place)
{
	switch (place) {
	case BACKEND_CONFIG:
		return settings->config_source;
	case BACKEND_STORAGE:
		return settings->storage_backend;
	case BACKEND_BUS:
		return settings->bus_backend;
	case BACKEND_WORKFLOW:
		return settings->workflow_backend;
	case N_BACKENDS:
		break;
	}
	return NULL;
}

static bool is_needed(const struct settings *settings, uint32_t roles, enum backend_place place)
{
	bool is_local = settings->workflow_backend != NULL &&
	        strcmp(settings->workflow_backend, "local") == 0;
	switch (place) {
	case BACKEND_STORAGE:
		return roles_need_storage(roles, is_local);
	case BACKEND_BUS:
		return roles_need_bus(roles);
	case BACKEND_WORKFLOW:
		return roles_need_workflow(roles);
	case BACKEND_CONFIG:
	case N_BACKENDS:
		break;
	}
	return false;
}

/* The plugin's filled option struct. NULL after a report; a set without rows has one, too. */
static const void *options_of(
        void *user, const struct lucius_plugin *plugin, char *error, size_t error_size)
{
	struct backends *backends = user;
	const struct option_set *set = options_add_plugin(backends->options, plugin);
	if (set == NULL) {
		char title[128];
		plugin_title(plugin, title, sizeof(title));
		(void)snprintf(error, error_size, "the options of %s are wrong", title);
		return NULL;
	}
	return set->values;
}

static const struct lucius_plugin *load(
        struct backends *backends, enum backend_place place, char *error, size_t error_size)
{
	const struct settings *settings = backends->settings;
	return loader_load(
	        settings->plugins_dir, kind_of(place), name_of(settings, place), error, error_size);
}

static int create(
        struct backends *backends, enum backend_place place, char *error, size_t error_size)
{
	const struct lucius_plugin *plugin = load(backends, place, error, error_size);
	if (plugin == NULL) {
		return -1;
	}
	error[0] = '\0';
	const struct option_set *set = options_add_plugin(backends->options, plugin);
	if (set == NULL) {
		return -1;
	}
	const struct backend_parts parts = {
		.loop = backends->loop,
		.plugin = plugin,
		.options = set->values,
		.plugins_dir = backends->settings->plugins_dir,
		.max_operations = (size_t)backends->settings->max_operations,
		.options_of = options_of,
		.user = backends,
	};
	backends->all[place] = backend_create(&parts, error, error_size);
	return backends->all[place] != NULL ? 0 : -1;
}

int backends_create_config(struct backends *backends, char *error, size_t error_size)
{
	return backends->settings->config_source != NULL
	        ? create(backends, BACKEND_CONFIG, error, error_size)
	        : 0;
}

int backends_add_options(struct backends *backends, uint32_t roles, char *error, size_t error_size)
{
	for (enum backend_place place = BACKEND_STORAGE; place < N_BACKENDS; place++) {
		if (!is_needed(backends->settings, roles, place)) {
			continue;
		}
		const struct lucius_plugin *plugin = load(backends, place, error, error_size);
		if (plugin == NULL) {
			return -1;
		}
		error[0] = '\0';
		if (options_add_plugin(backends->options, plugin) == NULL) {
			return -1;
		}
	}
	return 0;
}

int backends_create(struct backends *backends, uint32_t roles, char *error, size_t error_size)
{
	for (enum backend_place place = BACKEND_STORAGE; place < N_BACKENDS; place++) {
		if (is_needed(backends->settings, roles, place) &&
		        create(backends, place, error, error_size) != 0) {
			return -1;
		}
	}
	return 0;
}

int backends_destroy(struct backends *backends)
{
	int result = 0;
	for (enum backend_place place = N_BACKENDS; place-- > 0;) {
		if (backend_destroy(backends->all[place]) == 0) {
			backends->all[place] = NULL;
		} else {
			result = -1;
		}
	}
	return result;
}

const struct backend *backends_find_open(const struct backends *backends)
{
	const struct backend *found = NULL;
	for (enum backend_place place = N_BACKENDS; found == NULL && place-- > 0;) {
		if (backends->all[place] != NULL) {
			found = backend_find_open(backends->all[place]);
		}
	}
	return found;
}
