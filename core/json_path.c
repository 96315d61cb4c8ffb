/* SPDX-License-Identifier: MIT */
/* Pointers are printed from the top down, by recursion over the steps. */
#include "core/json_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_writer.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static void append_name(struct json_writer *writer, const char *name)
{
	for (const char *at = name; *at != '\0'; at++) {
		if (*at == '~') {
			json_writer_append(writer, "~0", 2);
		} else if (*at == '/') {
			json_writer_append(writer, "~1", 2);
		} else {
			json_writer_append(writer, at, 1);
		}
	}
}

static void append_path(struct json_writer *writer, const struct json_path *path)
{
	if (path == NULL) {
		return;
	}
	append_path(writer, path->parent);
	json_writer_append(writer, "/", 1);
	if (path->name != NULL) {
		append_name(writer, path->name);
		return;
	}
	writer->needs_comma = false;
	json_writer_int(writer, (int64_t)path->index);
}

char *json_path_print(const struct json_path *path, const char *prefix)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_append(&writer, prefix, strlen(prefix));
	append_path(&writer, path);
	size_t size;
	return json_writer_steal(&writer, &size);
}

/* Undoes "~1" and "~0" in place; false for any other "~". */
static bool unescape(char *name)
{
	char *out = name;
	for (const char *at = name; *at != '\0'; at++) {
		if (*at != '~') {
			*out++ = *at;
			continue;
		}
		at++;
		if (*at != '0' && *at != '1') {
			return false;
		}
		*out++ = (char)(*at == '0' ? '~' : '/');
	}
	*out = '\0';
	return true;
}

static json_t *find_element(const json_t *array, const char *digits)
{
	if (*digits == '\0' || (*digits == '0' && digits[1] != '\0') ||
	        strspn(digits, "0123456789") != strlen(digits)) {
		return NULL;
	}
	errno = 0;
	unsigned long index = strtoul(digits, NULL, 10);
	return errno == 0 ? json_array_get(array, index) : NULL;
}

json_t *json_path_find(const json_t *document, const char *pointer)
{
	const json_t *found = document;
	while (found != NULL && *pointer == '/') {
		size_t size = strcspn(pointer + 1, "/");
		char *name CLEANUP_FREE = must_copy(pointer + 1, size);
		if (!unescape(name)) {
			return NULL;
		}
		found = json_is_array(found) ? find_element(found, name)
		                             : json_object_get(found, name);
		pointer += size + 1;
	}
	return *pointer == '\0' ? (json_t *)found : NULL;
}
