/* SPDX-License-Identifier: MIT */
/* Changes laid over a packed run. Most fields of a row stay as they are: they are copied in runs.
 */
#include <string.h>

#include "support/rows/fields_inside.h"

#define N_CODES_KEPT 64u /* of the first changes the code is kept, of more it is found again */

/* The changes, found by name: those with a code at once, the few others by looking through. */
struct changes {
	const struct lucius_field *fields;
	uint64_t n_fields;
	/* The last change of each name that is still to be written; a bit for each that there is.
	 */
	const struct lucius_field *by_code[FIELDS_N_CODES];
	uint64_t open_codes;
	uint8_t codes[N_CODES_KEPT];
};

static uint8_t code_of(const struct changes *changes, uint64_t place)
{
	return place < N_CODES_KEPT ? changes->codes[place]
	                            : fields_code(changes->fields[place].name);
}

/* Of the changes that have no code. */
static const struct lucius_field *find_by_name(const struct changes *changes, const char *name)
{
	for (uint64_t i = changes->n_fields; i > 0; i--) {
		if (code_of(changes, i - 1) == 0 &&
		        strcmp(changes->fields[i - 1].name, name) == 0) {
			return &changes->fields[i - 1];
		}
	}
	return NULL;
}

static const struct lucius_field *take_change(
        struct changes *changes, const char *name, uint8_t code)
{
	if (code == 0) {
		return find_by_name(changes, name);
	}
	if ((changes->open_codes >> code & 1) == 0) {
		return NULL;
	}
	changes->open_codes &= ~(UINT64_C(1) << code);
	return changes->by_code[code];
}

/* What was there, each field as it is or as the changes have it. */
static bool merge_old(struct changes *changes, struct lucius_text old, struct bytes *into)
{
	const char *unchanged = old.data;
	struct lucius_field field;
	for (;;) {
		fields_pass_over(&old, changes->open_codes);
		const char *at = old.data;
		int is_field = fields_next(&old, &field);
		if (is_field != 1) {
			bytes_add(into, unchanged, (size_t)(at - unchanged));
			return is_field == 0;
		}
		uint8_t code = (uint8_t)*at;
		const struct lucius_field *change = take_change(changes, field.name, code);
		if (change == NULL) {
			continue;
		}
		bytes_add(into, unchanged, (size_t)(at - unchanged));
		if (change->value_size != 0) {
			fields_add(into, change, code);
		}
		unchanged = old.data;
	}
}

static bool is_new(const struct changes *changes, const struct lucius_field *change, uint8_t code,
        struct lucius_text old)
{
	struct lucius_field was;
	if (code != 0) {
		return (changes->open_codes >> code & 1) != 0 && changes->by_code[code] == change;
	}
	return find_by_name(changes, change->name) == change &&
	        !fields_find(old, change->name, &was);
}

/* What was not there before. */
static void merge_new(const struct changes *changes, struct lucius_text old, struct bytes *into)
{
	for (uint64_t i = 0; i < changes->n_fields; i++) {
		const struct lucius_field *change = &changes->fields[i];
		uint8_t code = code_of(changes, i);
		if (change->value_size != 0 && is_new(changes, change, code, old)) {
			fields_add(into, change, code);
		}
	}
}

bool fields_merge(struct lucius_text old, const struct lucius_field *changes, uint64_t n_changes,
        struct bytes *into)
{
	struct changes named;
	named.fields = changes;
	named.n_fields = n_changes;
	named.open_codes = 0;
	uint8_t code = 0;
	for (uint64_t i = 0; i < n_changes; i++) {
		code = fields_code_behind(code, changes[i].name);
		named.by_code[code] = &changes[i];
		named.open_codes |= UINT64_C(1) << code;
		if (i < N_CODES_KEPT) {
			named.codes[i] = code;
		}
	}
	size_t size = into->size;
	if (!merge_old(&named, old, into)) {
		into->size = size;
		return false;
	}
	merge_new(&named, old, into);
	return true;
}
