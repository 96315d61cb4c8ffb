/* SPDX-License-Identifier: MIT */
/* Gets text out of the document of an embedding step; see input.h. */
#include "consumers/handlers/embedding/input.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

CLEANUP_DEFINE(FILE *, file, fclose)

static bool is_text(const char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t length = text_utf8_length(bytes + at, size - at);
		if (length == 0 || bytes[at] == '\0') {
			return false;
		}
		at += length;
	}
	return true;
}

static bool is_json(const struct source *source)
{
	static const char suffix[] = ".json";
	static const char type[] = "application/json";
	size_t size = strlen(source->shown);
	if (source->content_type != NULL) {
		return strncasecmp(source->content_type, type, sizeof(type) - 1) == 0;
	}
	return size >= sizeof(suffix) &&
	        strcasecmp(source->shown + size - (sizeof(suffix) - 1), suffix) == 0;
}

/* The member `text` of a JSON object, owned; NULL if it is none. */
static char *text_member(const char *bytes, size_t size)
{
	json_t *json = json_loadb(bytes, size, 0, NULL);
	const char *text = json_string_value(json_object_get(json, "text"));
	char *copy = text != NULL ? text_copy(text) : NULL;
	json_decref(json);
	return copy;
}

static int read_bytes(const char *path, const struct source *source, struct fault *fault,
        char **ret_bytes, size_t *ret_size)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	struct stat entry = { 0 };
	if (file == NULL || fstat(fileno(file), &entry) != 0) {
		return fault_temporary(fault, "NO_WORKSPACE", "The copy of '%s' is gone: %s.",
		        source->shown, strerror(errno));
	}
	CLEANUP_FREE char *bytes = must_calloc((size_t)entry.st_size + 1, 1);
	if (fread(bytes, 1, (size_t)entry.st_size, file) != (size_t)entry.st_size) {
		return fault_temporary(
		        fault, "NO_WORKSPACE", "The copy of '%s' cannot be read.", source->shown);
	}
	*ret_size = (size_t)entry.st_size;
	*ret_bytes = steal(bytes);
	return 0;
}

int input_read(const char *path, const struct source *source, struct fault *fault, char **ret_text)
{
	CLEANUP_FREE char *bytes = NULL;
	size_t size = 0;
	int status = read_bytes(path, source, fault, &bytes, &size);
	if (status != 0) {
		return status;
	}
	if (!is_text(bytes, size)) {
		return fault_final(fault, "NOT_TEXT",
		        "'%s' is not a text in UTF-8; a picture or PDF needs an OCR step before "
		        "this one.",
		        source->shown);
	}
	char *text = is_json(source) ? text_member(bytes, size) : NULL;
	*ret_text = text != NULL ? text : steal(bytes);
	return 0;
}
