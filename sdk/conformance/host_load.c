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

/* An option may be of what the plugin wraps. */
static bool is_known_to(const struct instance *instance, const char *given)
{
	bool is_found = is_known(instance->plugin, given);
	for (size_t i = 0; i < instance->n_wrapped; i++) {
		is_found = is_found || is_known_to(instance->wrapped[i], given);
	}
	return is_found;
}

static bool check_names(const struct instance *instance, const struct instance_spec *spec,
        const struct complaint *complaint)
{
	for (size_t i = 0; i < spec->n_options; i++) {
		if (!is_known_to(instance, spec->options[i])) {
			return complain(complaint, "Plugin \"%s\" has no option for \"%s\".",
			        instance->plugin->prefix.name, spec->options[i]);
		}
	}
	return true;
}

static bool fill_options(struct instance *instance, const struct instance_spec *spec,
        const struct complaint *complaint)
{
	const struct lucius_plugin *plugin = instance->plugin;
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		struct lucius_option row = option_row(plugin, i);
		if (!fill_option(instance, spec, &row, complaint)) {
			return false;
		}
	}
	return true;
}

static void call_destroy(struct instance *instance)
{
	if (LUCIUS_HAS(instance->plugin->life, destroy)) {
		instance->plugin->life->destroy(instance->self);
	}
}

static void free_instance(struct instance *instance)
{
	for (size_t i = 0; i < instance->n_wrapped; i++) {
		instance_destroy(instance->wrapped[i]);
	}
	arena_finish(&instance->option_texts);
	free(instance->options);
	free(instance->self);
	free(instance->not_ready);
	free(instance);
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

/* Everything but the names of the options, which may be of another. */
static struct instance *create(
        struct host *host, const struct instance_spec *spec, const struct complaint *complaint)
{
	const struct lucius_plugin *plugin = load(spec, complaint);
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
	instance->shown = (struct lucius_backend){ sizeof(instance->shown), plugin, instance->self,
		&instance->table };
	instance->spec = spec;
	bool is_made = fill_options(instance, spec, complaint) && call_create(instance, complaint);
	instance->spec = NULL;
	if (!is_made) {
		free_instance(instance);
		return NULL;
	}
	return instance;
}

struct instance *instance_create(
        struct host *host, const struct instance_spec *spec, char *error, size_t error_size)
{
	struct complaint complaint = { error, error_size };
	struct instance *instance = create(host, spec, &complaint);
	if (instance != NULL && !check_names(instance, spec, &complaint)) {
		instance_destroy(instance);
		return NULL;
	}
	return instance;
}

/* The other one lies in the same directory and takes its options from the same list. */
const struct lucius_backend *host_wrap(const struct lucius_host *table, const char *name)
{
	static const char *const kinds[] = { "", "storage", "bus", "workflow", "config" };
	struct instance *outer = host_instance(table);
	char path[4096];
	char error[512] = "wrap is for create only, a few times at most";
	struct complaint complaint = { error, sizeof(error) };
	struct instance *wrapped = NULL;
	if (outer->spec != NULL && outer->n_wrapped < N_WRAPPED) {
		const char *slash = strrchr(outer->spec->path, '/');
		(void)snprintf(path, sizeof(path), "%.*s/%s-%s.so",
		        slash != NULL ? (int)(slash - outer->spec->path) : 1,
		        slash != NULL ? outer->spec->path : ".", kinds[outer->spec->kind], name);
		struct instance_spec spec = *outer->spec;
		spec.path = path;
		wrapped = create(outer->host, &spec, &complaint);
	}
	if (wrapped == NULL) {
		fprintf(stderr, "wrap: %s\n", error);
		return NULL;
	}
	outer->wrapped[outer->n_wrapped++] = wrapped;
	return &wrapped->shown;
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

/* What is wrapped goes before when starting. */
struct asked *instance_start(struct instance *instance)
{
	for (size_t i = 0; i < instance->n_wrapped; i++) {
		CHECK_STATUS(instance_start(instance->wrapped[i]), LUCIUS_OK);
	}
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(instance, "start", NULL, LUCIUS_HAS(life, start) ? life->start : NULL);
}

struct asked *instance_listen(struct instance *instance)
{
	for (size_t i = 0; i < instance->n_wrapped; i++) {
		CHECK_STATUS(instance_listen(instance->wrapped[i]), LUCIUS_OK);
	}
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(instance, "listen", NULL, LUCIUS_HAS(life, listen) ? life->listen : NULL);
}

/* What is wrapped comes after when stopping. */
struct asked *instance_stop(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	struct asked *asked =
	        run_stage(instance, "stop", NULL, LUCIUS_HAS(life, stop) ? life->stop : NULL);
	for (size_t i = 0; i < instance->n_wrapped; i++) {
		(void)asked_wait(asked);
		CHECK_STATUS(instance_stop(instance->wrapped[i]), LUCIUS_OK);
	}
	return asked;
}

struct asked *instance_health(struct instance *instance)
{
	const struct lucius_life *life = instance->plugin->life;
	return run_stage(
	        instance, "health", copy_text_item, LUCIUS_HAS(life, health) ? life->health : NULL);
}
