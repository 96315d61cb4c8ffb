/* SPDX-License-Identifier: MIT */
/*
 * The last-known-good file: settings that were in force, for a start while the store is away. It
 * holds no secret: their names alone, and references to Key Vault, which is asked anew. The time of
 * the file is when the store was last seen to say the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/base/secret_text.h"
#include "support/base/write_synced.h"

#define FORMAT "lucius-last-known-good-1"
#define MAX_FILE (8u << 20)

CLEANUP_DEFINE(json_t *, json, json_decref)

const char kept_left_out[] = "application/x-lucius-left-out";

static bool is_among(const struct lucius_text *keys, uint64_t n_keys, const char *key)
{
	for (uint64_t i = 0; i < n_keys; i++) {
		if (strcmp(keys[i].data, key) == 0) {
			return true;
		}
	}
	return false;
}

static json_t *json_of(
        const struct setting *setting, const struct lucius_text *keys, uint64_t n_keys)
{
	bool may_stand = setting_is_reference(setting) ||
	        (is_among(keys, n_keys, setting->key) && !secret_text_has_key(setting->value));
	return must_have(json_pack("{s:s,s:s,s:s,s:s}", "key", setting->key, "label",
	        setting->label, "value", may_stand ? setting->value : "", "content_type",
	        may_stand ? setting->content_type : kept_left_out));
}

static char *text_of(struct source *source, const struct lucius_text *keys, uint64_t n_keys)
{
	struct found_list list = { 0 };
	found_collect(&list, (const struct page *const *)source->pages, source->n_pages);
	const char *labels = source->options->label;
	CLEANUP(cleanup_json)
	json_t *root = must_have(json_pack("{s:s,s:s,s:s,s:[]}", "format", FORMAT, "endpoint",
	        source->connection.endpoints[0].url, "labels", labels != NULL ? labels : "",
	        "settings"));
	json_t *settings = json_object_get(root, "settings");
	for (size_t i = 0; i < list.n; i++) {
		(void)json_array_append_new(settings, json_of(list.items[i].setting, keys, n_keys));
	}
	found_finish(&list);
	return must_have(json_dumps(root, JSON_INDENT(1)));
}

static bool write_file(const char *path, const char *text)
{
	CLEANUP_FREE char *new_path = must_print("%s.XXXXXX", path);
	int fd = mkostemp(new_path, O_CLOEXEC); /* with 0600 */
	if (fd < 0) {
		return false;
	}
	bool is_written = write_synced(fd, text, strlen(text));
	is_written = close(fd) == 0 && is_written && rename(new_path, path) == 0;
	if (!is_written) {
		int error = errno;
		(void)unlink(new_path);
		errno = error;
	}
	return is_written;
}

void kept_write(struct source *source, const struct lucius_text *keys, uint64_t n_keys)
{
	const char *path = source->options->cache_file;
	if (path == NULL) {
		return;
	}
	CLEANUP_FREE char *text = text_of(source, keys, n_keys);
	if (source->kept != NULL && strcmp(source->kept, text) == 0) {
		kept_touch(source);
		return;
	}
	free(steal(source->kept));
	bool is_too_large = strlen(text) >= MAX_FILE;
	if (!is_too_large && write_file(path, text)) {
		source->kept = steal(text);
		return;
	}
	CLEANUP_FREE char *sentence =
	        must_print("LUCIUS_APPCONFIG_CACHE_FILE '%s' cannot be written: %s", path,
	                is_too_large ? "the store is too large for it" : strerror(errno));
	lucius_log(source->host, LUCIUS_LOG_WARNING, "config.not_kept", sentence);
}

void kept_touch(struct source *source)
{
	if (source->kept != NULL) {
		(void)utimensat(AT_FDCWD, source->options->cache_file, NULL, 0);
	}
}

/* Owned; NULL: a sentence. */
static char *read_file(struct source *source, char *error, size_t error_size)
{
	const char *path = source->options->cache_file;
	struct stat file = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		(void)snprintf(error, error_size, "'%s': %s", path, strerror(errno));
		return NULL;
	}
	bool is_ours = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == geteuid() &&
	        (file.st_mode & 077) == 0 && file.st_size < (off_t)MAX_FILE;
	int64_t age_s = source->host->clock_us(source->host) / 1000000 - (int64_t)file.st_mtime;
	char *text = NULL;
	if (!is_ours) {
		(void)snprintf(error, error_size,
		        "'%s' is not used: it must be a file of this user alone (0600)", path);
	} else if (age_s > source->options->cache_hours * 3600) {
		(void)snprintf(error, error_size,
		        "'%s' is not used: it is %lld hours old, LUCIUS_APPCONFIG_CACHE_HOURS are "
		        "%lld",
		        path, (long long)age_s / 3600, (long long)source->options->cache_hours);
	} else {
		text = must_calloc(1, (size_t)file.st_size + 1);
		ssize_t n = read(fd, text, (size_t)file.st_size);
		text[n > 0 ? n : 0] = '\0';
	}
	(void)close(fd);
	return text;
}

static bool is_of_source(const struct source *source, const json_t *root)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	const char *endpoint = json_string_value(json_object_get(root, "endpoint"));
	const char *labels = json_string_value(json_object_get(root, "labels"));
	const char *own = source->options->label != NULL ? source->options->label : "";
	return format != NULL && strcmp(format, FORMAT) == 0 && endpoint != NULL &&
	        strcmp(endpoint, source->connection.endpoints[0].url) == 0 && labels != NULL &&
	        strcmp(labels, own) == 0;
}

/* The file's list of settings has the form that pages have. */
static struct page *page_of(const json_t *root, char *error, size_t error_size)
{
	CLEANUP(cleanup_json)
	json_t *form = must_have(json_pack("{s:O}", "items", json_object_get(root, "settings")));
	CLEANUP_FREE char *text = must_have(json_dumps(form, JSON_COMPACT));
	struct page *page = must_calloc(1, sizeof(*page));
	if (!page_parse(text, strlen(text), MAX_SETTINGS, page, error, error_size)) {
		page_destroy(page);
		return NULL;
	}
	return page;
}

struct page *kept_read(struct source *source, char *error, size_t error_size)
{
	CLEANUP_FREE char *text = read_file(source, error, error_size);
	if (text == NULL) {
		return NULL;
	}
	CLEANUP(cleanup_json) json_t *root = json_loads(text, 0, NULL);
	if (!json_is_array(json_object_get(root, "settings")) || !is_of_source(source, root)) {
		(void)snprintf(error, error_size,
		        "'%s' is not used: it is not of this store with these labels, or damaged",
		        source->options->cache_file);
		return NULL;
	}
	return page_of(root, error, error_size);
}
