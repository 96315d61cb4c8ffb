/* SPDX-License-Identifier: MIT */
/* Fields to properties and back. A mark of a type names the value that it was written for, so that
 * one which a later merge could not remove has no effect. */
#include "support/jobtables/job_entity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MARK_SIZE 24
#define NAME_ROOM (ENTITY_NAME_MAX + 16)

struct lucius_text text_view(const char *text)
{
	return (struct lucius_text){ text != NULL ? text : "", text != NULL ? strlen(text) : 0 };
}

bool text_is(struct lucius_text text, struct lucius_text other)
{
	return text.size == other.size &&
	        (text.size == 0 || memcmp(text.data, other.data, text.size) == 0);
}

/* What a text is taken for that has no mark. */
static uint32_t plain_type(const char *value)
{
	return value[0] == '{' || value[0] == '[' ? LUCIUS_FIELD_JSON : LUCIUS_FIELD_STRING;
}

static void write_mark(char mark[MARK_SIZE], uint32_t type, const char *value, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ (unsigned char)value[i]) * 0x100000001b3u;
	}
	(void)snprintf(mark, MARK_SIZE, "%s:%016" PRIx64,
	        type == LUCIUS_FIELD_JSON ? "json" : "text", hash);
}

static bool read_integer(const struct lucius_field *field, int64_t *ret_value)
{
	char *end = NULL;
	errno = 0;
	*ret_value = strtoll(field->value, &end, 10);
	return errno == 0 && end != field->value && *end == '\0';
}

static void add_text(struct entity *entity, const struct lucius_field *field)
{
	char name[NAME_ROOM];
	char mark[MARK_SIZE];
	entity_add_text(entity, field->name, field->value, field->value_size);
	uint32_t type = field->type == LUCIUS_FIELD_JSON ? LUCIUS_FIELD_JSON : LUCIUS_FIELD_STRING;
	if (type != plain_type(field->value)) {
		write_mark(mark, type, field->value, field->value_size);
		(void)snprintf(name, sizeof(name), "meta_type_%s", field->name);
		entity_add_string(entity, name, mark);
	}
}

static void add_field(struct entity *entity, const struct lucius_field *field)
{
	int64_t number = 0;
	if (field->type == LUCIUS_FIELD_INTEGER && read_integer(field, &number)) {
		entity_add_integer(entity, field->name, number);
	} else {
		add_text(entity, field);
	}
}

void job_entity_add(struct entity *entity, const struct lucius_field *fields, uint64_t n_fields,
        const char *but)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		bool is_left_out = but != NULL && strcmp(fields[i].name, but) == 0;
		if (fields[i].value_size != 0 && !is_left_out) {
			add_field(entity, &fields[i]);
		}
	}
}

void job_entity_change(struct entity *entity, const struct lucius_field *fields, uint64_t n_fields)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		if (fields[i].value_size != 0) {
			add_field(entity, &fields[i]);
		} else {
			entity_add_string(entity, fields[i].name, "");
		}
	}
}

/* The field's value as text, kept in *owned if it has to be made; NULL: it has none. */
static const char *value_of(
        const json_t *row, const char *name, const json_t *value, char **owned, uint32_t *ret_type)
{
	*ret_type = LUCIUS_FIELD_JSON;
	if (json_is_integer(value)) {
		*ret_type = LUCIUS_FIELD_INTEGER;
		*owned = must_print("%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return *owned;
	}
	if (!json_is_string(value)) {
		*owned = json_is_null(value) ? NULL
		                             : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		return *owned;
	}
	const char *text = json_string_value(value);
	if (entity_is_int64(row, name)) {
		*ret_type = LUCIUS_FIELD_INTEGER;
		return text;
	}
	char mark_name[NAME_ROOM];
	char other[MARK_SIZE];
	uint32_t type = plain_type(text);
	uint32_t other_type = type == LUCIUS_FIELD_JSON ? LUCIUS_FIELD_STRING : LUCIUS_FIELD_JSON;
	(void)snprintf(mark_name, sizeof(mark_name), "meta_type_%.*s", ENTITY_NAME_MAX, name);
	const char *mark = entity_text(row, mark_name);
	*ret_type = type;
	if (mark != NULL) {
		write_mark(other, other_type, text, json_string_length(value));
		*ret_type = strcmp(mark, other) == 0 ? other_type : type;
	}
	return text;
}

/* "step_0001": a step's changes that the job's row carries. */
static bool is_delta_name(const char *name)
{
	return strncmp(name, "step_", 5) == 0 && strlen(name) == 9 &&
	        strspn(name + 5, "0123456789") == 4;
}

static bool is_field_name(const char *name)
{
	return entity_is_own_name(name) && strncmp(name, "meta_", 5) != 0 && !is_delta_name(name) &&
	        strlen(name) <= FIELDS_NAME_MAX;
}

void job_entity_pack(const json_t *row, struct bytes *into)
{
	size_t n_fields = 0;
	size_t n_room = json_object_size(row);
	struct lucius_field *fields = must_calloc(n_room, sizeof(*fields));
	char **owned = must_calloc(n_room, sizeof(*owned));
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)row, name, value)
	{
		uint32_t type = 0;
		const char *text = is_field_name(name)
		        ? value_of(row, name, value, &owned[n_fields], &type)
		        : NULL;
		if (text == NULL || text[0] == '\0') {
			continue;
		}
		size_t size = json_is_string(value) ? json_string_length(value) : strlen(text);
		fields[n_fields++] = (struct lucius_field){ name, text, (uint32_t)size, type };
	}
	(void)fields_merge((struct lucius_text){ 0 }, fields, n_fields, into);
	for (size_t i = 0; i < n_fields; i++) {
		free(owned[i]);
	}
	free(owned);
	free(fields);
}

struct lucius_text row_text(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);
	return json_is_string(value)
	        ? (struct lucius_text){ json_string_value(value), json_string_length(value) }
	        : (struct lucius_text){ "", 0 };
}

int64_t row_integer(const json_t *row, const char *name)
{
	int64_t value = 0;
	return entity_integer(row, name, &value) ? value : 0;
}

bool row_is(const json_t *row, const char *name, const char *value)
{
	return text_is(row_text(row, name), text_view(value));
}

bool row_is_shown(const json_t *row)
{
	return row != NULL && !row_is(row, "state", STATE_PREPARING) &&
	        !row_is(row, "state", STATE_ABORTED);
}

bool state_is_in_vain(struct lucius_text state)
{
	return text_is(state, text_view("FAILED_FINAL")) || text_is(state, text_view("CANCELLED"));
}

bool state_is_terminal(struct lucius_text state)
{
	return state_is_in_vain(state) || text_is(state, text_view("SUCCEEDED"));
}
