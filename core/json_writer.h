/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON into one growing buffer, for replies, log lines and directives: no tree in between.
 * Commas are put where they belong; that begin and end match is the caller's duty. On the loop's
 * thread only: writers take over the buffers of those that have finished.
 */
#ifndef CORE_JSON_WRITER_H
#define CORE_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "support/base/cleanup.h"

/* All zeros is an empty writer. Out of memory ends the process. */
struct json_writer {
	char *text; /* owned; not terminated, see json_writer_text; NULL while empty */
	size_t size; /* bytes written */
	size_t capacity; /* bytes allocated */
	bool needs_comma;
	bool is_ascii; /* set by the caller: everything beyond ASCII is written as \uXXXX */
};

/* Frees the buffer; the writer is empty and usable afterwards. */
void json_writer_finish(struct json_writer *writer);
/* Forgets what was written and keeps the buffer for the next text. */
void json_writer_reset(struct json_writer *writer);
/* The text so far with a terminating zero; borrowed until the next call that writes. */
const char *json_writer_text(struct json_writer *writer);
/* Gives the terminated text away (free it); the writer is empty afterwards. */
char *json_writer_steal(struct json_writer *writer, size_t *ret_size);

void json_writer_begin_object(struct json_writer *writer);
void json_writer_end_object(struct json_writer *writer);
void json_writer_begin_array(struct json_writer *writer);
void json_writer_end_array(struct json_writer *writer);
/* The name of the next value: one of ours, which needs no escape; sized: any. */
void json_writer_plain_name(struct json_writer *writer, const char *name, size_t size);
static inline void json_writer_name(struct json_writer *writer, const char *name)
{
	json_writer_plain_name(writer, name, strlen(name));
}
void json_writer_name_sized(struct json_writer *writer, const char *name, size_t size);

/*
 * Values, for arrays or after json_writer_name. Texts are UTF-8 (invalid bytes come out as U+FFFD);
 * a text that is NULL is written as null. Reals are the shortest text that reads back the same;
 * an infinite one or NaN is null.
 */
void json_writer_string(struct json_writer *writer, const char *text);
void json_writer_string_sized(struct json_writer *writer, const char *text, size_t size);
void json_writer_int(struct json_writer *writer, int64_t value);
void json_writer_real(struct json_writer *writer, double value);
void json_writer_bool(struct json_writer *writer, bool value);
void json_writer_null(struct json_writer *writer);
/* A whole tree, members in their order; NULL is null. */
void json_writer_json(struct json_writer *writer, const json_t *value);
/* Text that is JSON already, taken as it is. */
void json_writer_raw(struct json_writer *writer, const char *json, size_t size);

/* Name and value in one. */
void json_writer_string_member(struct json_writer *writer, const char *name, const char *text);
void json_writer_int_member(struct json_writer *writer, const char *name, int64_t value);
void json_writer_bool_member(struct json_writer *writer, const char *name, bool value);
void json_writer_json_member(struct json_writer *writer, const char *name, const json_t *value);

/* Bytes as they are, outside of any rule (the newline after a log line). */
void json_writer_append(struct json_writer *writer, const char *bytes, size_t size);

#define CLEANUP_JSON_WRITER CLEANUP(json_writer_finish)

#endif
