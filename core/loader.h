/* SPDX-License-Identifier: MIT */
/*
 * Loads plugins: finds the file, refuses what is unsafe or does not fit, and says why in a sentence
 * that names the file, both versions and the remedy. What is loaded stays until the process ends.
 */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

/*
 * The descriptor in <dir>/<kind>-<name>.so, with every member that the plugin does not know set to
 * zero; good for ever, the same one for the same file. NULL: a sentence in error.
 */
const struct lucius_plugin *loader_load(
        const char *dir, uint32_t kind, const char *name, char *error, size_t error_size);

/* Where a plugin file lies, and what its name says that it is. */
struct loader_place {
	char dir[PATH_MAX];
	uint32_t kind;
	char name[128];
};
/* False: it is not named as plugin files are; a sentence in error. */
bool loader_place_of(
        const char *path, struct loader_place *ret_place, char *error, size_t error_size);

/* "storage", "bus", "workflow", "config"; "unknown". */
const char *loader_kind_name(uint32_t kind);
/* 0: there is no such kind. Takes the size, not a NUL. */
uint32_t loader_kind_of(const char *name, size_t size);

/* "storage-memory"; cut to size. */
void plugin_title(const struct lucius_plugin *plugin, char *ret_title, size_t size);

/* Calls fn with kind and name of each <kind>-<name>.so in the directory, in the order of their
 * names. Returns 0, or -1 where it cannot be read (errno). */
typedef void (*loader_file_fn)(void *user, uint32_t kind, const char *name);
int loader_each(const char *dir, loader_file_fn fn, void *user);

#endif
