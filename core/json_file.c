/* SPDX-License-Identifier: MIT */
/* Blocking, which is right for the start of the process and for a reload of a local file. */
#include "core/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/json_strict.h"
#include "core/json_writer.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { LARGEST_FILE = 4 * 1024 * 1024 };

static void close_file(FILE **file)
{
	if (*file != NULL) {
		(void)fclose(*file); /* it was read only, so nothing can be lost */
	}
}

/* Returns 0, or what errno would say. */
static int read_whole(const char *path, struct json_writer *content)
{
	FILE *file CLEANUP(close_file) = fopen(path, "re");
	if (file == NULL) {
		return errno;
	}
	char piece[16384];
	size_t size;
	while ((size = fread(piece, 1, sizeof(piece), file)) > 0) {
		if (content->size + size > LARGEST_FILE) {
			return EFBIG;
		}
		json_writer_append(content, piece, size);
	}
	return ferror(file) != 0 ? EIO : 0;
}

static json_t *parse(const char *text, size_t size, const char *where, char **ret_sentence)
{
	const struct json_limits limits = { .max_values = LARGEST_FILE };
	struct json_fault fault;
	json_t *value = json_strict_parse(text, size, &limits, &fault);
	if (value == NULL) {
		*ret_sentence = must_print("\"%s\" is no JSON, %s", where, fault.sentence);
	}
	return value;
}

json_t *json_file_read(const char *path, char **ret_sentence)
{
	struct json_writer content CLEANUP_JSON_WRITER = { 0 };
	int error = read_whole(path, &content);
	if (error != 0) {
		*ret_sentence = must_print("\"%s\" cannot be read: %s", path, strerror(error));
		return NULL;
	}
	return parse(json_writer_text(&content), content.size, path, ret_sentence);
}

json_t *json_text_read(const char *text, const char *where, char **ret_sentence)
{
	return parse(text, strlen(text), where, ret_sentence);
}
