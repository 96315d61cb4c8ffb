/* SPDX-License-Identifier: MIT */
/* Makes backends of plugins, ends them, and lets an operation in only where it may be. */
#include "core/instance.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/loader.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/option_value.h"
#include "support/base/memory.h"

enum { MAX_OPERATIONS = 10000, MAX_WRAPPED_DEPTH = 8, HELD_WARNING_MS = 250 };

static struct backend *backends;

struct backend *instance_first(void)
{
	return backends;
}

struct backend *instance_of(const struct lucius_host *host)
{
	struct backend *backend = (struct backend *)(uintptr_t)host;
	if (backend == NULL || backend->shown.host != host) {
		fprintf(stderr, "a plugin calls the daemon with a host table that is none\n");
		abort();
	}
	return backend;
}

void instance_abort(const struct backend *backend, const char *fact)
{
	const char *title = backend != NULL ? backend->title : "core";
	LOG(LUCIUS_LOG_ERROR, "plugin.broken", fact, LOG_STRING("backend", title));
	log_flush();
	fprintf(stderr, "%s: %s; this is a bug in it, the process ends\n", title, fact);
	abort();
}

static struct metric *counter(const char *name, const char *help, const char *title)
{
	return metrics_series(LUCIUS_METRIC_COUNTER, name, help, "backend", title);
}

static void make_metrics(struct backend *backend)
{
	const char *title = backend->title;
	backend->asked = counter("lucius_operations_total", "Operations begun.", title);
	backend->expired = counter("lucius_operations_expired_total",
	        "Operations whose caller no longer waited at their deadline.", title);
	backend->late = counter("lucius_operations_late_total",
	        "Operations that ended after their caller had given up.", title);
	backend->refused = counter("lucius_operations_refused_total",
	        "Operations refused because too many were running.", title);
}

static char *title_of(const struct lucius_plugin *plugin)
{
	char title[128];
	plugin_title(plugin, title, sizeof(title));
	return must_copy(title, strlen(title));
}

static struct backend *make(const struct backend_parts *parts)
{
	struct backend *backend = must_calloc(1, sizeof(*backend));
	backend->parts = *parts;
	backend->plugin = parts->plugin;
	backend->title = title_of(parts->plugin);
	backend->max_open = parts->max_operations != 0 ? parts->max_operations : MAX_OPERATIONS;
	backend->self = must_calloc(1, parts->plugin->life->instance_size);
	backend->shown = (struct lucius_backend){ .size = sizeof(backend->shown),
		.plugin = parts->plugin,
		.self = backend->self,
		.host = &backend->host };
	deadlines_init(&backend->deadlines, parts->loop);
	make_metrics(backend);
	backend->next = backends;
	backends = backend;
	return backend;
}

/* The options of the caller, or the rows' defaults. */
static bool take_options(struct backend *backend, char *error, size_t error_size)
{
	if (backend->parts.options != NULL) {
		return true;
	}
	backend->own_options = option_defaults(backend->plugin, error, error_size);
	backend->parts.options = backend->own_options;
	return backend->own_options != NULL;
}

static bool call_create(struct backend *backend, char *error, size_t error_size)
{
	if (!LUCIUS_HAS(backend->plugin->life, create)) {
		return true;
	}
	char said[1024] = "";
	uint32_t status =
	        backend->plugin->life->create(backend->self, &backend->host, said, sizeof(said));
	said[sizeof(said) - 1] = '\0';
	if (status != LUCIUS_OK) {
		(void)snprintf(error, error_size, "%s cannot be used: %s", backend->title,
		        said[0] != '\0' ? said : "it gives no reason");
	}
	return status == LUCIUS_OK;
}

struct backend *backend_create(const struct backend_parts *parts, char *error, size_t error_size)
{
	struct backend *backend = make(parts);
	bool has_options = take_options(backend, error, error_size);
	host_init(backend);
	if (has_options && call_create(backend, error, error_size)) {
		backend->stage = BACKEND_CREATED;
		return backend;
	}
	if (!has_options) {
		backend->stage = BACKEND_DESTROYED; /* create was never called */
		free(steal(backend->self));
	} else if (backend_destroy(backend) != 0) {
		instance_abort(backend, "create has failed and left an operation open");
	}
	return NULL;
}

static void destroy_self(struct backend *backend)
{
	if (LUCIUS_HAS(backend->plugin->life, destroy)) {
		backend->plugin->life->destroy(backend->self);
	}
	backend->stage = BACKEND_DESTROYED;
	op_forget_all_of(backend);
	deadlines_finish(&backend->deadlines);
	free(steal(backend->self));
	free(steal(backend->own_options));
	free(steal(backend->not_ready));
	backend->shown.self = NULL;
}

int backend_destroy(struct backend *backend)
{
	if (backend == NULL) {
		return 0;
	}
	if (backend->n_open != 0) {
		return -1;
	}
	if (backend->stage != BACKEND_DESTROYED) {
		destroy_self(backend);
	}
	int result = 0;
	for (size_t i = 0; i < backend->n_wrapped; i++) {
		result |= backend_destroy(backend->wrapped[i]);
	}
	return result;
}

static unsigned depth_of(const struct backend *backend)
{
	unsigned depth = 0;
	for (const struct backend *b = backends; b != NULL; b = b->next) {
		depth += b->stage == BACKEND_CREATING &&
		                b->plugin->prefix.kind == backend->plugin->prefix.kind
		        ? 1
		        : 0;
	}
	return depth;
}

struct backend *instance_wrap(
        struct backend *outer, const char *name, char *error, size_t error_size)
{
	if (outer->stage != BACKEND_CREATING || outer->n_wrapped == N_WRAPPED) {
		(void)snprintf(
		        error, error_size, "wrap is for create only, %d times at most", N_WRAPPED);
		return NULL;
	}
	if (outer->parts.plugins_dir == NULL || depth_of(outer) > MAX_WRAPPED_DEPTH) {
		(void)snprintf(error, error_size, "there is nothing to wrap, or it wraps itself");
		return NULL;
	}
	struct backend_parts parts = outer->parts;
	parts.plugin =
	        loader_load(parts.plugins_dir, outer->plugin->prefix.kind, name, error, error_size);
	if (parts.plugin == NULL) {
		return NULL;
	}
	error[0] = '\0';
	parts.options = parts.options_of == NULL
	        ? NULL
	        : parts.options_of(parts.user, parts.plugin, error, error_size);
	if (parts.options == NULL && error[0] != '\0') {
		return NULL;
	}
	struct backend *wrapped = backend_create(&parts, error, error_size);
	if (wrapped != NULL) {
		outer->wrapped[outer->n_wrapped++] = wrapped;
	}
	return wrapped;
}

/* The stages of life are never refused: what is overloaded must still be able to stop. */
static bool refuse(struct backend *backend, uint32_t operation, bool has_member, struct op *op)
{
	if (!has_member) {
		op_refuse(op, LUCIUS_UNSUPPORTED, "%s has no '%s'", backend->title,
		        op_contract(operation)->name);
		return true;
	}
	if (operation >> 8 == 0) {
		return false;
	}
	if (backend->stage != BACKEND_CREATED) {
		op_refuse(op, LUCIUS_UNAVAILABLE, "%s is stopping", backend->title);
		return true;
	}
	if (backend->n_open > backend->max_open) {
		metric_record(backend->refused, 1);
		op_refuse(op, LUCIUS_UNAVAILABLE,
		        "%s has %zu operations running, as many as it may", backend->title,
		        backend->n_open - 1);
		return true;
	}
	return false;
}

/* Real time, cheap and some milliseconds coarse: also where the loop's own time is simulated. */
static uint64_t coarse_ms(void)
{
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void backend_left(struct backend *backend, uint32_t operation)
{
	uint64_t held_ms = coarse_ms() - backend->entered_ms;
	if (held_ms > HELD_WARNING_MS) {
		LOG(LUCIUS_LOG_WARNING, "plugin.slow",
		        "a plugin has held the loop up in a call, when it should have waited "
		        "elsewhere",
		        LOG_STRING("backend", backend->title),
		        LOG_STRING("operation", op_contract(operation)->name),
		        LOG_INTEGER("held_ms", (int64_t)held_ms));
	}
}

struct op *backend_ask(struct backend *backend, uint32_t operation, bool has_member,
        const struct op_caller *caller, struct lucius_op *ret_handle)
{
	const struct op_opening opening = {
		.operation = operation, .home = backend, .answerer = backend
	};
	struct op *op = op_open(&opening, caller);
	*ret_handle = op_handle(op);
	metric_record(backend->asked, 1);
	backend->entered_ms = coarse_ms();
	return refuse(backend, operation, has_member, op) ? NULL : op;
}

const char *backend_name(const struct backend *backend)
{
	return backend->plugin->prefix.name;
}

const char *backend_title(const struct backend *backend)
{
	return backend->title;
}

size_t backend_n_open(const struct backend *backend)
{
	size_t n_open = backend->n_open;
	for (size_t i = 0; i < backend->n_wrapped; i++) {
		n_open += backend_n_open(backend->wrapped[i]);
	}
	return n_open;
}

const struct backend *backend_find_open(const struct backend *backend)
{
	const struct backend *found = backend->n_open != 0 ? backend : NULL;
	for (size_t i = 0; found == NULL && i < backend->n_wrapped; i++) {
		found = backend_find_open(backend->wrapped[i]);
	}
	return found;
}

const char *backend_open_operation(const struct backend *backend)
{
	return backend->n_open != 0 ? op_open_on(backend) : NULL;
}

const char *backend_not_ready(const struct backend *backend)
{
	return backend->not_ready;
}
