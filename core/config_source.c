/* SPDX-License-Identifier: MIT */
/* Collects what a config backend gives; a fetch that fails leaves the last one's settings. */
#include "core/config_source.h"

#include <lucius/config.h>
#include <stdio.h>
#include <string.h>

#include "core/backend.h"
#include "core/log.h"
#include "core/options.h"
#include "support/base/memory.h"

/* A source bounds its start by itself; this is for one that does not. */
#define LOAD_MS 900000

struct config_source {
	struct backend *backend;
	struct options *options;
	struct option_givens givens; /* of the fetch under way */
	struct option_givens before; /* what the options had until the last one */
	bool has_fetched; /* and nobody has accepted or rejected it */
	struct lucius_op load;
	struct lucius_op watch;
	lucius_done_fn on_loaded;
	void *loaded_user;
	lucius_fn on_changed;
	void *changed_user;
};

struct config_source *config_source_create(struct backend *backend, struct options *options)
{
	struct config_source *source = must_calloc(1, sizeof(*source));
	source->backend = backend;
	source->options = options;
	return source;
}

void config_source_destroy(struct config_source *source)
{
	if (source == NULL) {
		return;
	}
	op_forget(source->load);
	op_forget(source->watch);
	option_givens_finish(&source->givens);
	option_givens_finish(&source->before);
	free(source);
}

static bool has_nul(const struct lucius_text *text)
{
	return text->size != 0 && memchr(text->data, '\0', text->size) != NULL;
}

/* What the core is given ends with a NUL, so that texts without one inside are strings. */
static void on_setting(void *user, const void *item)
{
	struct config_source *source = user;
	const struct lucius_setting *setting = item;
	char where[512];
	if (has_nul(&setting->key) || has_nul(&setting->value)) {
		log_write(LUCIUS_LOG_WARNING, "config.odd_setting",
		        "a setting with a NUL inside is left out", NULL, 0);
		return;
	}
	if (setting->label.size != 0) {
		(void)snprintf(where, sizeof(where), "the key '%s' with the label '%s' of %s",
		        setting->key.data, setting->label.data, backend_title(source->backend));
	} else {
		(void)snprintf(where, sizeof(where), "the key '%s' of %s", setting->key.data,
		        backend_title(source->backend));
	}
	struct option_given *given =
	        option_givens_add(&source->givens, setting->key.data, setting->value.data, where);
	given->is_hidden = (setting->flags & LUCIUS_SETTING_SECRET) != 0;
	given->is_failed = (setting->flags & LUCIUS_SETTING_FAILED) != 0;
}

static void on_loaded(void *user, uint32_t status, const char *sentence)
{
	struct config_source *source = user;
	source->load = (struct lucius_op){ 0 };
	if (status == LUCIUS_OK) {
		options_swap_remote(source->options, &source->givens);
		option_givens_finish(&source->before);
		source->before = source->givens;
		source->givens = (struct option_givens){ 0 };
		source->has_fetched = true;
	}
	option_givens_finish(&source->givens);
	source->on_loaded(source->loaded_user, status, sentence);
}

void config_source_load(struct config_source *source, lucius_done_fn on_done, void *user)
{
	const struct op_caller caller = {
		.on_item = on_setting, .on_done = on_loaded, .user = source, .timeout_ms = LOAD_MS
	};
	op_forget(source->load);
	option_givens_finish(&source->givens);
	source->on_loaded = on_done;
	source->loaded_user = user;
	source->load = config_load(source->backend, &caller);
}

struct keys {
	struct lucius_text *items; /* owned */
	size_t n;
};

static void add_key(void *user, const char *key)
{
	struct keys *keys = user;
	keys->items = must_resize(keys->items, keys->n + 1, sizeof(*keys->items));
	keys->items[keys->n++] = (struct lucius_text){ must_copy(key, strlen(key)), strlen(key) };
}

void config_source_accept(struct config_source *source)
{
	struct keys keys = { 0 };
	if (!source->has_fetched) {
		return;
	}
	source->has_fetched = false;
	option_givens_finish(&source->before);
	options_each_open_key(source->options, add_key, &keys);
	config_keep(source->backend, keys.items, keys.n);
	for (size_t i = 0; i < keys.n; i++) {
		free((void *)(uintptr_t)keys.items[i].data);
	}
	free(keys.items);
}

void config_source_reject(struct config_source *source)
{
	if (source->has_fetched) {
		source->has_fetched = false;
		options_swap_remote(source->options, &source->before);
		option_givens_finish(&source->before);
	}
}

static void on_hint(void *user, const void *item)
{
	struct config_source *source = user;
	(void)item;
	source->on_changed(source->changed_user);
}

static void on_watch_ended(void *user, uint32_t status, const char *sentence)
{
	struct config_source *source = user;
	source->watch = (struct lucius_op){ 0 };
	if (status != LUCIUS_OK && status != LUCIUS_UNSUPPORTED) {
		LOG(LUCIUS_LOG_WARNING, "config.watch_ended", sentence,
		        LOG_STRING("backend", backend_title(source->backend)),
		        LOG_STRING("status", status_name(status)));
	}
}

void config_source_watch(struct config_source *source, lucius_fn on_changed, void *user)
{
	const struct op_caller caller = { .on_item = on_hint,
		.on_done = on_watch_ended,
		.user = source,
		.timeout_ms = OP_NO_DEADLINE };
	source->on_changed = on_changed;
	source->changed_user = user;
	source->watch = config_watch(source->backend, &caller);
}
