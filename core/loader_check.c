/* SPDX-License-Identifier: MIT */
/* The checks of a descriptor, from the prefix that never changes to the last option row. */
#include "core/loader_check.h"

#include <lucius/bus.h>
#include <lucius/config.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>
#include <stdio.h>
#include <string.h>

#include "core/loader.h"
#include "core/option_value.h"

/* True if the plugin's descriptor is long enough to have the member. */
#define KNOWS(plugin, member) \
	(offsetof(struct lucius_plugin, member) + sizeof((plugin)->member) <= (plugin)->prefix.size)

static bool check_prefix(const struct lucius_prefix *prefix, char *fault, size_t fault_size)
{
	if (prefix->magic != LUCIUS_PLUGIN_MAGIC) {
		(void)snprintf(fault, fault_size,
		        "its descriptor does not begin with the magic number 0x%08x but with "
		        "0x%08x; it is no plugin, or broken",
		        LUCIUS_PLUGIN_MAGIC, prefix->magic);
		return false;
	}
	if (prefix->abi_major != LUCIUS_ABI_MAJOR) {
		(void)snprintf(fault, fault_size,
		        "it has plugin ABI %u.%u and this daemon has %d.%d, which differ in the "
		        "major number; rebuild it against this daemon's headers",
		        prefix->abi_major, prefix->abi_minor, LUCIUS_ABI_MAJOR, LUCIUS_ABI_MINOR);
		return false;
	}
	if (prefix->abi_minor > LUCIUS_ABI_MINOR) {
		(void)snprintf(fault, fault_size,
		        "it has plugin ABI %u.%u, newer than this daemon's %d.%d; use a newer "
		        "daemon, or rebuild it against this one's headers",
		        prefix->abi_major, prefix->abi_minor, LUCIUS_ABI_MAJOR, LUCIUS_ABI_MINOR);
		return false;
	}
	return true;
}

static bool check_identity(const struct lucius_plugin *plugin, uint32_t kind, const char *name,
        char *fault, size_t fault_size)
{
	const struct lucius_prefix *prefix = &plugin->prefix;
	if (!KNOWS(plugin, config)) {
		(void)snprintf(fault, fault_size,
		        "its descriptor says that it has %u bytes, less than any of ABI %d.0 has; "
		        "it is broken: rebuild it",
		        prefix->size, LUCIUS_ABI_MAJOR);
		return false;
	}
	if (prefix->kind != kind) {
		(void)snprintf(fault, fault_size,
		        "it is of the kind '%s' (%u) and its file name says '%s'; rename the file",
		        loader_kind_name(prefix->kind), prefix->kind, loader_kind_name(kind));
		return false;
	}
	if (prefix->name == NULL || strcmp(prefix->name, name) != 0) {
		(void)snprintf(fault, fault_size,
		        "it calls itself '%s' and its file name says '%s'; rename the file",
		        prefix->name != NULL ? prefix->name : "(nothing)", name);
		return false;
	}
	return true;
}

/* The name of the first member that a kind must have and the table has not; NULL: none. */
static const char *missing_storage(const struct lucius_storage *table)
{
	return !LUCIUS_HAS(table, create)     ? "create"
	        : !LUCIUS_HAS(table, load)    ? "load"
	        : !LUCIUS_HAS(table, save)    ? "save"
	        : !LUCIUS_HAS(table, release) ? "release"
	        : !LUCIUS_HAS(table, scan)    ? "scan"
	        : !LUCIUS_HAS(table, repair)  ? "repair"
	        : !LUCIUS_HAS(table, own)     ? "own"
	                                      : NULL;
}

static const char *missing_bus(const struct lucius_bus *table)
{
	return !LUCIUS_HAS(table, publish)        ? "publish"
	        : !LUCIUS_HAS(table, subscribe)   ? "subscribe"
	        : !LUCIUS_HAS(table, settle)      ? "settle"
	        : !LUCIUS_HAS(table, unsubscribe) ? "unsubscribe"
	                                          : NULL;
}

static const char *missing_workflow(const struct lucius_workflow *table)
{
	return !LUCIUS_HAS(table, start)       ? "start"
	        : !LUCIUS_HAS(table, signal)   ? "signal"
	        : !LUCIUS_HAS(table, cancel)   ? "cancel"
	        : !LUCIUS_HAS(table, describe) ? "describe"
	        : !LUCIUS_HAS(table, work)     ? "work"
	                                       : NULL;
}

static const char *missing_of_kind(const struct lucius_plugin *plugin)
{
	switch (plugin->prefix.kind) {
	case LUCIUS_KIND_STORAGE:
		return plugin->storage == NULL ? "storage" : missing_storage(plugin->storage);
	case LUCIUS_KIND_BUS:
		return plugin->bus == NULL ? "bus" : missing_bus(plugin->bus);
	case LUCIUS_KIND_WORKFLOW:
		return plugin->workflow == NULL ? "workflow" : missing_workflow(plugin->workflow);
	case LUCIUS_KIND_CONFIG:
		return plugin->config == NULL               ? "config"
		        : !LUCIUS_HAS(plugin->config, load) ? "load"
		                                            : NULL;
	default:
		return "a kind";
	}
}

static bool check_tables(const struct lucius_plugin *plugin, char *fault, size_t fault_size)
{
	const struct lucius_life *life = plugin->life;
	if (life == NULL || life->size < offsetof(struct lucius_life, create)) {
		(void)snprintf(fault, fault_size, "it has no table of its life; it is broken");
		return false;
	}
	const char *missing = missing_of_kind(plugin);
	if (missing != NULL) {
		(void)snprintf(fault, fault_size,
		        "the table of its kind lacks '%s', which it must have; see <lucius/%s.h>",
		        missing, loader_kind_name(plugin->prefix.kind));
		return false;
	}
	return true;
}

static bool is_repeated(const struct lucius_plugin *plugin, uint32_t place, const char *name)
{
	for (uint32_t i = 0; i < place; i++) {
		if (strcmp(option_row_at(plugin, i).name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool check_options(const struct lucius_plugin *plugin, char *fault, size_t fault_size)
{
	if (plugin->n_options == 0) {
		return true;
	}
	if (plugin->options == NULL || plugin->n_options > 1024 ||
	        plugin->option_size < sizeof(struct lucius_option)) {
		(void)snprintf(fault, fault_size,
		        "its option rows are none: %u of %u bytes each; it is broken",
		        plugin->n_options, plugin->option_size);
		return false;
	}
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		const struct lucius_option row = option_row_at(plugin, i);
		const char *why = option_row_fault(&row, plugin->options_size);
		if (why == NULL && is_repeated(plugin, i, row.name)) {
			why = "it is there twice";
		}
		if (why != NULL) {
			(void)snprintf(fault, fault_size,
			        "its option number %u ('%s') is not sound: %s", i,
			        row.name != NULL ? row.name : "", why);
			return false;
		}
	}
	return true;
}

bool loader_check(const struct lucius_plugin *plugin, uint32_t kind, const char *name, char *fault,
        size_t fault_size)
{
	return check_prefix(&plugin->prefix, fault, fault_size) &&
	        check_identity(plugin, kind, name, fault, fault_size) &&
	        check_tables(plugin, fault, fault_size) && check_options(plugin, fault, fault_size);
}
