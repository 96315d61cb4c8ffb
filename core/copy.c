/* SPDX-License-Identifier: MIT */
/* What the copies of all kinds share: structs by size, texts, fields. */
#include "core/copy.h"

#include <string.h>

#include "core/field_names.h"

/* Names whose length is kept between measuring and copying. */
#define N_NAME_SIZES 64u

void *copy_struct(struct arena *arena, const void *given, uint64_t given_size, size_t own_size)
{
	void *own = arena_alloc(arena, own_size);
	copy_into(own, own_size, given, given_size);
	return own;
}

struct lucius_text copy_text(struct arena *arena, struct lucius_text text)
{
	if (text.data == NULL || text.size == 0) {
		return (struct lucius_text){ "", 0 };
	}
	return arena_text(arena, text);
}

void *copy_text_item(struct arena *arena, const void *text)
{
	struct lucius_text *copy = arena_alloc(arena, sizeof(*copy));
	*copy = copy_text(arena, *(const struct lucius_text *)text);
	return copy;
}

static char *put(char *to, const char *from, size_t size)
{
	if (size != 0) {
		memcpy(to, from, size);
	}
	to[size] = '\0';
	return to + size + 1;
}

/* What the copy of a name takes: nothing where the name itself stays for ever. */
static size_t name_room(const char *name)
{
	return field_name_is_kept(name) ? 0 : strlen(name) + 1;
}

/* One piece of memory for the fields and one for all their names and values: a row has dozens. */
const struct lucius_field *copy_fields(
        struct arena *arena, const struct lucius_field *fields, uint64_t n_fields)
{
	if (fields == NULL || n_fields == 0) {
		return NULL;
	}
	uint32_t name_rooms[N_NAME_SIZES];
	struct lucius_field *copy = arena_alloc(arena, n_fields * sizeof(*copy));
	size_t size = 0;
	for (uint64_t i = 0; i < n_fields; i++) {
		size_t room = name_room(fields[i].name);
		copy[i] = fields[i];
		copy[i].value_size = fields[i].value != NULL ? fields[i].value_size : 0;
		size += room + copy[i].value_size + 1;
		if (i < N_NAME_SIZES) {
			name_rooms[i] = (uint32_t)room;
		}
	}
	char *text = arena_alloc(arena, size);
	for (uint64_t i = 0; i < n_fields; i++) {
		size_t room = i < N_NAME_SIZES ? name_rooms[i] : name_room(fields[i].name);
		if (room != 0) {
			copy[i].name = text;
			text = put(text, fields[i].name, room - 1);
		}
		copy[i].value = text;
		text = put(text, fields[i].value, copy[i].value_size);
	}
	return copy;
}

void copy_values(struct arena *arena, struct lucius_field *fields, uint64_t n_fields)
{
	size_t size = 0;
	for (uint64_t i = 0; i < n_fields; i++) {
		size += fields[i].value_size + 1;
	}
	char *text = arena_alloc(arena, size);
	for (uint64_t i = 0; i < n_fields; i++) {
		const char *value = fields[i].value;
		fields[i].value = text;
		text = put(text, value, fields[i].value_size);
	}
}
