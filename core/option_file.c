/* SPDX-License-Identifier: MIT */
/* Flattens a libconfig file into names and texts; what the names mean is not known here. */
#include "core/option_given.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#include "core/option_names.h"
#include "support/base/memory.h"

CLEANUP_DEFINE(json_t *, json, json_decref)

static void finish_config(config_t *config)
{
	config_destroy(config);
}

static json_t *json_of(const config_setting_t *setting);

/* Numbers that are too large for a double have no JSON; as a text no option takes them. */
static json_t *json_of_number(double number)
{
	json_t *real = json_real(number);
	return real != NULL ? real : memory_checked(json_string("infinite"), 1, 1);
}

static json_t *json_of_members(const config_setting_t *setting)
{
	int is_group = config_setting_is_group(setting);
	json_t *json = memory_checked(is_group ? json_object() : json_array(), 1, 1);
	int n = config_setting_length(setting);
	for (int i = 0; i < n; i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);
		int failed = is_group
		        ? json_object_set_new(json, config_setting_name(member), json_of(member))
		        : json_array_append_new(json, json_of(member));
		memory_checked(failed ? NULL : json, 1, 1);
	}
	return json;
}

/* Texts that are not UTF-8 become null. */
static json_t *json_of(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return json_integer(config_setting_get_int64(setting));
	case CONFIG_TYPE_FLOAT:
		return json_of_number(config_setting_get_float(setting));
	case CONFIG_TYPE_BOOL:
		return json_boolean(config_setting_get_bool(setting));
	case CONFIG_TYPE_STRING: {
		json_t *string = json_string(config_setting_get_string(setting));
		return string != NULL ? string : json_null();
	}
	default:
		return json_of_members(setting);
	}
}

/* Owned. */
static char *text_of(const config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
		const char *string = config_setting_get_string(setting);
		return must_copy(string, strlen(string));
	}
	CLEANUP(cleanup_json) json_t *json = json_of(setting);
	return memory_checked(json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY), 1, 1);
}

/* "a", "b" → a,b. Owned. */
static char *comma_list_of(const config_setting_t *setting)
{
	char *list = must_copy("", 0);
	size_t size = 0;
	int n = config_setting_length(setting);
	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *text = text_of(config_setting_get_elem(setting, (unsigned)i));
		size_t text_size = strlen(text);
		list = must_resize(list, size + text_size + 2, 1);
		(void)snprintf(list + size, text_size + 2, "%s%s", i != 0 ? "," : "", text);
		size += text_size + (i != 0 ? 1 : 0);
	}
	return list;
}

static void add_setting(struct option_givens *givens, const char *file, const char *group,
        config_setting_t *setting)
{
	char name[2 * OPTION_NAME_MAX];
	char where[512];
	const char *from = config_setting_source_file(setting);
	(void)snprintf(name, sizeof(name), "%s%s%s", group != NULL ? group : "",
	        group != NULL ? "." : "", config_setting_name(setting));
	(void)snprintf(where, sizeof(where), "%s:%u", from != NULL ? from : file,
	        config_setting_source_line(setting));
	CLEANUP_FREE char *value =
	        config_setting_is_array(setting) ? comma_list_of(setting) : text_of(setting);
	(void)option_givens_add(givens, name, value, where);
}

static void add_all(struct option_givens *givens, const char *file, const config_setting_t *root)
{
	int n = config_setting_length(root);
	for (int i = 0; i < n; i++) {
		config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
		if (!config_setting_is_group(setting)) {
			add_setting(givens, file, NULL, setting);
			continue;
		}
		int n_members = config_setting_length(setting);
		for (int k = 0; k < n_members; k++) {
			add_setting(givens, file, config_setting_name(setting),
			        config_setting_get_elem(setting, (unsigned)k));
		}
	}
}

static void say_parse_error(const config_t *config, const char *path, char *error, size_t size)
{
	const char *file = config_error_file(config);
	(void)snprintf(error, size, "%s:%d: %s; settings look like `name = \"value\";`",
	        file != NULL ? file : path, config_error_line(config), config_error_text(config));
}

/* The whole file; owned. NULL with errno. The scanner of libconfig would end the process where a
 * read fails, as it does of a directory. */
static char *read_whole(FILE *file, size_t *ret_size)
{
	enum { PIECE = 4096 };
	CLEANUP_FREE char *text = must_calloc(1, PIECE + 1);
	size_t size = 0;
	for (size_t n = PIECE; n == PIECE; size += n) {
		text = must_resize(text, size + PIECE + 1, 1);
		n = fread(text + size, 1, PIECE, file);
	}
	if (ferror(file) != 0) {
		return NULL;
	}
	text[size] = '\0';
	*ret_size = size;
	return steal(text);
}

int option_file_read(
        const char *path, struct option_givens *ret_givens, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	CLEANUP_FREE char *text = file != NULL ? read_whole(file, &size) : NULL;
	int why = errno;
	if (file != NULL) {
		(void)fclose(file);
	}
	if (text == NULL) {
		(void)snprintf(error, error_size, "'%s': %s", path, strerror(why));
		return file == NULL && why == ENOENT ? 1 : -1;
	}
	if (strlen(text) != size) {
		(void)snprintf(error, error_size, "'%s' holds a NUL, and is no text", path);
		return -1;
	}
	CLEANUP(finish_config) config_t config;
	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		say_parse_error(&config, path, error, error_size);
		return -1;
	}
	add_all(ret_givens, path, config_root_setting(&config));
	return 0;
}
