/* SPDX-License-Identifier: MIT */
/* Loading a plugin into the test host: its descriptor, its options, its life. */
#include "sdk/conformance/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/check.h"
#include "sdk/conformance/host_private.h"
#include "support/base/memory.h"

/* Where a sentence goes when something cannot be loaded. */
struct complaint {
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool complain(
        const struct complaint *complaint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(complaint->error, complaint->error_size, format, arguments);
	va_end(arguments);
	return false;
}

static bool check_prefix(const struct lucius_prefix *prefix, const struct instance_spec *spec,
        const struct complaint *complaint)
{
	if (prefix->magic != LUCIUS_PLUGIN_MAGIC) {
		return complain(complaint, "\"%s\" begins with magic %08x, a plugin with %08x.",
		        spec->path, prefix->magic, LUCIUS_PLUGIN_MAGIC);
	}
	if (prefix->abi_major != LUCIUS_ABI_MAJOR || prefix->abi_minor > LUCIUS_ABI_MINOR) {
		return complain(complaint,
		        "\"%s\" has ABI %u.%u, this program %u.%u: build it anew.", spec->path,
		        prefix->abi_major, prefix->abi_minor, LUCIUS_ABI_MAJOR, LUCIUS_ABI_MINOR);
	}
	if (prefix->kind != spec->kind) {
		return complain(complaint, "\"%s\" is of kind %u, this suite is for kind %u.",
		        spec->path, (unsigned)prefix->kind, (unsigned)spec->kind);
	}
	return true;
}

static const struct lucius_plugin *load(
        const struct instance_spec *spec, const struct complaint *complaint)
{
	void *library = dlopen(spec->path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		(void)complain(complaint, "%s", dlerror());
		return NULL;
	}
	const struct lucius_plugin *plugin = dlsym(library, "lucius_plugin");
	if (plugin == NULL) {
		(void)complain(complaint, "\"%s\" has no symbol lucius_plugin.", spec->path);
		return NULL;
	}
	if (!check_prefix(&plugin->prefix, spec, complaint)) {
		return NULL;
	}
	if (plugin->life == NULL || !LUCIUS_HAS(plugin->life, create)) {
		(void)complain(complaint, "\"%s\" has no create.", spec->path);
		return NULL;
	}
	return plugin;
}

static struct lucius_option option_row(const struct lucius_plugin *plugin, uint32_t n)
{
	struct lucius_option row = { 0 };
	const char *rows = (const char *)plugin->options;
	memcpy(&row, rows + (size_t)n * plugin->option_size,
	        plugin->option_size < sizeof(row) ? plugin->option_size : sizeof(row));
	return row;
}

/* The text of the option, as given or by default; NULL: it is not set. */
static const char *option_text(const struct instance_spec *spec, const struct lucius_option *row)
{
	size_t name_size = strlen(row->name);
	for (size_t i = spec->n_options; i > 0; i--) {
		const char *given = spec->options[i - 1];
		if (strncmp(given, row->name, name_size) == 0 && given[name_size] == '=') {
			return given + name_size + 1;
		}
	}
	return row->default_value;
}

static bool fill_integer(void *member, const struct lucius_option *row, const char *text,
        const struct complaint *complaint)
{
	char *end = NULL;
	errno = 0;
	int64_t value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < row->min || value > row->max) {
		return complain(complaint,
		        "Option \"%s\" is \"%s\"; it takes %" PRId64 " to %" PRId64 ".", row->name,
		        text, row->min, row->max);
	}
	memcpy(member, &value, sizeof(value));
	return true;
}

static bool fill_boolean(void *member, const struct lucius_option *row, const char *text,
        const struct complaint *complaint)
{
	uint32_t value = strcmp(text, "true") == 0;
	if (value == 0 && strcmp(text, "false") != 0) {
		return complain(complaint, "Option \"%s\" is \"%s\"; it takes true or false.",
		        row->name, text);
	}
	memcpy(member, &value, sizeof(value));
	return true;
}

static bool fill_option(struct instance *instance, const struct instance_spec *spec,
        const struct lucius_option *row, const struct complaint *complaint)
{
	void *member = (char *)instance->options + row->offset;
	const char *text = option_text(spec, row);
	if (text == NULL) {
		return (row->flags & LUCIUS_OPTION_REQUIRED) == 0 ||
		        complain(complaint, "Option \"%s\" is required.", row->name);
	}
	if (row->type == LUCIUS_OPTION_INTEGER) {
		return fill_integer(member, row, text, complaint);
	}
	if (row->type == LUCIUS_OPTION_BOOLEAN) {
		return fill_boolean(member, row, text, complaint);
	}
	const char *copy = arena_copy(&instance->option_texts, text, strlen(text));
	memcpy(member, &copy, sizeof(copy));
	return true;
}

static bool is_known(const struct lucius_plugin *plugin, const char *given)
{
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		struct lucius_option row = option_row(plugin, i);
		size_t size = strlen(row.name);
		if (strncmp(given, row.name, size) == 0 && given[size] == '=') {
			return true;
		}
	}
	return false;
}

static bool fill_options(struct instance *instance, const struct instance_spec *spec,
        const struct complaint *complaint)
{
	const struct lucius_plugin *plugin = instance->plugin;
	for (size_t i = 0; i < spec->n_options; i++) {
		if (!is_known(plugin, spec->options[i])) {
			return complain(complaint, "Plugin \"%s\" has no option for \"%s\".",
			        plugin->prefix.name, spec->options[i]);
		}
	}
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		struct lucius_option row = option_row(plugin, i);
		if (!fill_option(instance, spec, &row, complaint)) {
			return false;
		}
	}
	return true;
}

static void free_instance(struct instance *instance)
{
	arena_finish(&instance->option_texts);
	free(instance->options);
	free(instance->self);
	free(instance->not_ready);
	free(instance);
}

static void call_destroy(struct instance *instance)
{
	if (LUCIUS_HAS(instance->plugin->life, destroy)) {
		instance->plugin->life->destroy(instance->self);
	}
}

static bool call_create(struct instance *instance, const struct complaint *complaint)
{
	char error[512] = "";
	uint32_t status = instance->plugin->life->create(
	        instance->self, &instance->table, error, sizeof(error));
	if (status != LUCIUS_OK) {
		call_destroy(instance);
		return complain(complaint, "Plugin \"%s\" refuses its options: %s: %s",
		        instance->plugin->prefix.name, status_text(status), error);
	}
	return true;
}

struct instance *instance_create(
        struct host *host, const struct instance_spec *spec, char *error, size_t error_size)
{
	struct complaint complaint = { error, error_size };
	const struct lucius_plugin *plugin = load(spec, &complaint);
	if (plugin == NULL) {
		return NULL;
	}
	struct instance *instance = must_calloc(1, sizeof(*instance));
	instance->host = host;
	instance->plugin = plugin;
	instance->self = must_calloc(1, plugin->life->instance_size);
	instance->options = must_calloc(1, plugin->options_size);
	instance->table.size = (uint32_t)sizeof(instance->table);
	instance->table.abi_minor = LUCIUS_ABI_MINOR;
	instance->table.options = instance->options;
	instance->table.event_base = host->base;
	host_fill_operations(&instance->table);
	host_fill_services(&instance->table);
	if (!fill_options(instance, spec, &complaint) || !call_create(instance, &complaint)) {
		free_instance(instance);
		return NULL;
	}
	return instance;
}

void instance_destroy(struct instance *instance)
{
	if (instance == NULL) {
		return;
	}
	if (instance->n_open != 0) {
		CHECK_FAILED("%zu operations are still open when the plugin is destroyed",
		        instance->n_open);
		return;
	}
	call_destroy(instance);
	free_instance(instance);
}

const struct lucius_plugin *instance_plugin(const struct instance *instance)
{
	return instance->plugin;
}

void *instance_self(const struct instance *instance)
{
	return instance->self;
}

const char *instance_not_ready(const struct instance *instance)
{
	return instance->not_ready;
}

/* A stage that the plugin leaves out succeeds at once. */
static struct asked *run_stage(struct instance *instance, const char *name, item_copy_fn copy,
        void (*stage)(void *self, struct lucius_op op))
{
	struct asked *asked = asked_begin(instance, name, copy);
	if (stage != NULL) {
		stage(instance->self, asked_op(asked));
	} else {
		instance->table.finish(&instance->table, asked_op(asked), LUCIUS_OK, NULL);
	}
	return asked;
}

struct asked *instance_start(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(instance, "start", NULL, LUCIUS_HAS(life, start) ? life->start : NULL);
}

struct asked *instance_listen(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(instance, "listen", NULL, LUCIUS_HAS(life, listen) ? life->listen : NULL);
}

struct asked *instance_stop(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(instance, "stop", NULL, LUCIUS_HAS(life, stop) ? life->stop : NULL);
}

struct asked *instance_health(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(
	        instance, "health", copy_text_item, LUCIUS_HAS(life, health) ? life->health : NULL);
}
