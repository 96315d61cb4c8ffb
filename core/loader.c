/* SPDX-License-Identifier: MIT */
/* Finds and opens plugin files. What a descriptor must be is checked in loader_check.c. */
#include "core/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/loader_check.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct loaded {
	struct lucius_plugin plugin; /* as far as the plugin knows it */
	char *path; /* owned; resolved */
	struct loaded *next;
};

static struct loaded *all_loaded;

static const char *const kinds[] = { "unknown", "storage", "bus", "workflow", "config" };
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *loader_kind_name(uint32_t kind)
{
	return kinds[kind < N_KINDS ? kind : 0];
}

uint32_t loader_kind_of(const char *name, size_t size)
{
	for (uint32_t kind = 1; kind < N_KINDS; kind++) {
		if (strlen(kinds[kind]) == size && memcmp(kinds[kind], name, size) == 0) {
			return kind;
		}
	}
	return 0;
}

void plugin_title(const struct lucius_plugin *plugin, char *ret_title, size_t size)
{
	(void)snprintf(ret_title, size, "%s-%s", loader_kind_name(plugin->prefix.kind),
	        plugin->prefix.name);
}

/* Somebody who can write here can make the daemon do anything. */
static bool is_safe(const char *path, char *error, size_t error_size)
{
	struct stat stat;
	if (lstat(path, &stat) != 0) {
		(void)snprintf(error, error_size, "'%s': %s", path, strerror(errno));
		return false;
	}
	if ((stat.st_mode & S_IWOTH) != 0) {
		(void)snprintf(error, error_size,
		        "'%s' may be written by others; `chmod o-w '%s'` and check what is in it",
		        path, path);
		return false;
	}
	if (stat.st_uid != 0 && stat.st_uid != geteuid()) {
		(void)snprintf(error, error_size,
		        "'%s' is owned by user %u, neither by root nor by the user of this "
		        "process; `chown` it after you have checked what is in it",
		        path, (unsigned)stat.st_uid);
		return false;
	}
	return true;
}

/* The file itself, links resolved, and the directory that it lies in. Owned; NULL: a sentence. */
static char *resolve(const char *dir, const char *title, char *error, size_t error_size)
{
	char path[PATH_MAX];
	int size = snprintf(path, sizeof(path), "%s/%s.so", dir, title);
	if (size < 0 || (size_t)size >= sizeof(path)) {
		(void)snprintf(error, error_size, "the path of '%s' is too long", title);
		return NULL;
	}
	CLEANUP_FREE char *real = realpath(path, NULL);
	if (real == NULL) {
		(void)snprintf(error, error_size,
		        "there is no plugin '%s': '%s': %s; see --list-plugins and --plugins-dir",
		        title, path, strerror(errno));
		return NULL;
	}
	CLEANUP_FREE char *copy = must_copy(real, strlen(real));
	if (!is_safe(real, error, error_size) || !is_safe(dirname(copy), error, error_size)) {
		return NULL;
	}
	return steal(real);
}

static const struct lucius_plugin *find_loaded(const char *path)
{
	for (const struct loaded *loaded = all_loaded; loaded != NULL; loaded = loaded->next) {
		if (strcmp(loaded->path, path) == 0) {
			return &loaded->plugin;
		}
	}
	return NULL;
}

static const struct lucius_plugin *open_file(const char *path, char *error, size_t error_size)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		const char *why = dlerror();
		(void)snprintf(error, error_size, "'%s' cannot be loaded: %s", path,
		        why != NULL ? why : "no reason given");
		return NULL;
	}
	const struct lucius_plugin *plugin = dlsym(library, "lucius_plugin");
	if (plugin == NULL) {
		const char *why = dlerror();
		(void)snprintf(error, error_size, "'%s' is no plugin of Lucius: %s", path,
		        why != NULL ? why : "its symbol 'lucius_plugin' is NULL");
	}
	return plugin;
}

static const struct lucius_plugin *keep(const struct lucius_plugin *given, char *path)
{
	struct loaded *loaded = must_calloc(1, sizeof(*loaded));
	copy_into(&loaded->plugin, sizeof(loaded->plugin), given, given->prefix.size);
	loaded->path = path;
	loaded->next = all_loaded;
	all_loaded = loaded;
	return &loaded->plugin;
}

const struct lucius_plugin *loader_load(
        const char *dir, uint32_t kind, const char *name, char *error, size_t error_size)
{
	char title[128];
	char fault[512];
	int size = snprintf(title, sizeof(title), "%s-%s", loader_kind_name(kind), name);
	if (name[0] == '\0' || (size_t)size >= sizeof(title) ||
	        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
		(void)snprintf(error, error_size,
		        "'%s' is no name of a plugin: lower-case letters, digits and hyphens",
		        name);
		return NULL;
	}
	CLEANUP_FREE char *path = resolve(dir, title, error, error_size);
	if (path == NULL) {
		return NULL;
	}
	const struct lucius_plugin *known = find_loaded(path);
	if (known != NULL) {
		return known;
	}
	const struct lucius_plugin *plugin = open_file(path, error, error_size);
	if (plugin == NULL) {
		return NULL;
	}
	if (!loader_check(plugin, kind, name, fault, sizeof(fault))) {
		(void)snprintf(error, error_size, "'%s' is refused: %s", path, fault);
		return NULL;
	}
	return keep(plugin, steal(path));
}

static bool has_module_suffix(const char *name)
{
	size_t size = strlen(name);
	return size > 3 && strcmp(name + size - 3, ".so") == 0;
}

bool loader_place_of(
        const char *path, struct loader_place *ret_place, char *error, size_t error_size)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash != NULL ? slash + 1 : path;
	size_t kind_size = strcspn(file, "-");
	uint32_t kind = loader_kind_of(file, kind_size);
	size_t name_size = strlen(file) - kind_size;
	if (kind == 0 || !has_module_suffix(file) || name_size <= strlen("-.so") ||
	        name_size > sizeof(ret_place->name)) {
		(void)snprintf(error, error_size,
		        "'%s' is no name of a plugin file, which is <kind>-<name>.so with storage, "
		        "bus, workflow or config as kind; rename the file",
		        file);
		return false;
	}
	ret_place->kind = kind;
	(void)snprintf(ret_place->dir, sizeof(ret_place->dir), "%.*s",
	        slash != NULL ? (int)(slash - path) + 1 : 1, slash != NULL ? path : ".");
	(void)snprintf(ret_place->name, sizeof(ret_place->name), "%.*s",
	        (int)(name_size - strlen("-.so")), file + kind_size + 1);
	return true;
}

static int is_module(const struct dirent *entry)
{
	return has_module_suffix(entry->d_name);
}

int loader_each(const char *dir, loader_file_fn fn, void *user)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_module, alphasort);
	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name;
		size_t kind_size = strcspn(name, "-");
		uint32_t kind = loader_kind_of(name, kind_size);
		if (kind != 0 && name[kind_size] == '-') {
			name[strlen(name) - 3] = '\0';
			fn(user, kind, name + kind_size + 1);
		}
		free(entries[i]);
	}
	free(entries);
	return n < 0 ? -1 : 0;
}
