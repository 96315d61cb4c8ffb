/* SPDX-License-Identifier: MIT */
/* Options from a configuration source: fetched before the start, and again when it says so. */
#ifndef CORE_CONFIG_SOURCE_H
#define CORE_CONFIG_SOURCE_H

#include <stddef.h>

#include <lucius/plugin.h>

struct backend;
struct config_source;
struct options;

/* All borrowed until config_source_destroy. */
struct config_source *config_source_create(struct backend *backend, struct options *options);
/* No callback comes any more. Takes NULL. */
void config_source_destroy(struct config_source *source);
/* Fetches all settings and hands them to the options (options_swap_remote). Once at a time: while a
 * fetch is under way, on_done of the earlier call is not called. */
void config_source_load(struct config_source *source, lucius_done_fn on_done, void *user);
/* What was fetched is in force: the source may keep it for a start without itself. */
void config_source_accept(struct config_source *source);
/* It is not, and the options have what was fetched before once more. */
void config_source_reject(struct config_source *source);
/* Calls on_changed whenever load would give something else. */
void config_source_watch(struct config_source *source, lucius_fn on_changed, void *user);

#endif
