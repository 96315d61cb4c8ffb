/* SPDX-License-Identifier: MIT */
/* Reading and writing of deltas. Reading copies, and ends each name and value with a NUL in place
 * of the sign behind it. */
#include "support/jobtables/delta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

static const char type_signs[] = "sij"; /* by LUCIUS_FIELD_… */

void delta_finish(struct delta *delta)
{
	free(delta->fields);
	free(delta->copy);
	*delta = (struct delta){ 0 };
}

/* A run of digits up to the end sign, which is passed; false: it is none. */
static bool take_number(char **at, char end, uint64_t *ret_number)
{
	uint64_t number = 0;
	char *start = *at;
	while (**at >= '0' && **at <= '9' && *at - start < 18) {
		number = number * 10 + (uint64_t)(**at - '0');
		(*at)++;
	}
	if (*at == start || **at != end) {
		return false;
	}
	(*at)++;
	*ret_number = number;
	return true;
}

static bool take_field(char **at, const char *end, struct lucius_field *field)
{
	uint64_t size = 0;
	char *name = *at;
	char *colon = strchr(name, ':');
	const char *sign = colon != NULL && colon[1] != '\0' ? strchr(type_signs, colon[1]) : NULL;
	if (sign == NULL || colon == name) {
		return false;
	}
	*colon = '\0';
	*at = colon + 2;
	if (!take_number(at, '=', &size) || (uint64_t)(end - *at) <= size || (*at)[size] != ';') {
		return false;
	}
	(*at)[size] = '\0';
	*field = (struct lucius_field){
		.name = name,
		.value = *at,
		.value_size = (uint32_t)size,
		.type = (uint32_t)(sign - type_signs),
	};
	*at += size + 1;
	return true;
}

bool delta_read(struct delta *delta, const char *text, size_t size)
{
	uint64_t change = 0;
	*delta = (struct delta){ .copy = must_copy(text, size) };
	char *at = delta->copy;
	const char *end = at + size;
	if (!take_number(&at, ';', &change)) {
		delta_finish(delta);
		return false;
	}
	delta->change = (int64_t)change;
	while (at < end) {
		delta->fields =
		        must_resize(delta->fields, delta->n_fields + 1, sizeof(delta->fields[0]));
		if (!take_field(&at, end, &delta->fields[delta->n_fields])) {
			delta_finish(delta);
			return false;
		}
		delta->n_fields++;
	}
	return true;
}

static void add_field(struct text *into, const struct lucius_field *field)
{
	char sign = field->type < sizeof(type_signs) - 1 ? type_signs[field->type] : 's';
	text_print(into, "%s:%c%" PRIu32 "=", field->name, sign, field->value_size);
	text_add(into, field->value, field->value_size);
	text_add_string(into, ";");
}

static bool is_changed(const char *name, const struct lucius_field *changes, uint64_t n_changes)
{
	for (uint64_t i = 0; i < n_changes; i++) {
		if (strcmp(changes[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

void delta_write(struct text *into, int64_t change, const struct delta *old,
        const struct lucius_field *changes, uint64_t n_changes)
{
	text_print(into, "%" PRId64 ";", change);
	for (size_t i = 0; old != NULL && i < old->n_fields; i++) {
		if (!is_changed(old->fields[i].name, changes, n_changes)) {
			add_field(into, &old->fields[i]);
		}
	}
	for (uint64_t i = 0; i < n_changes; i++) {
		/* Of two changes with one name the later counts. */
		if (!is_changed(changes[i].name, changes + i + 1, n_changes - i - 1)) {
			add_field(into, &changes[i]);
		}
	}
}
