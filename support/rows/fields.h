/* SPDX-License-Identifier: MIT */
/*
 * The fields of a row as one run of bytes, for backends that keep rows whole: packed, merged and
 * read without a tree in between. Names that rows have anyway take one byte. The run is the same
 * on every machine and may be kept on disk.
 */
#ifndef SUPPORT_ROWS_FIELDS_H
#define SUPPORT_ROWS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

#define FIELDS_NAME_MAX 255 /* bytes of a name */

/* A growing run of bytes; all zeros is an empty one. Out of memory ends the process. */
struct bytes {
	unsigned char *start; /* owned; NULL while nothing was added */
	size_t size;
	size_t capacity;
};

void bytes_finish(struct bytes *bytes);
void bytes_add(struct bytes *bytes, const void *added, size_t size);
static inline struct lucius_text bytes_text(const struct bytes *bytes)
{
	return (struct lucius_text){ (const char *)bytes->start, bytes->size };
}

/* An upper bound of what the fields take when packed, in bytes. Ret_long_name: the first name
 * longer than FIELDS_NAME_MAX, which cannot be packed; NULL if all fit. */
size_t fields_size(
        const struct lucius_field *fields, uint64_t n_fields, const char **ret_long_name);

/*
 * Appends to `into` the packed run `old` (may be empty) with the changes laid over it: they replace
 * fields of the same name or come behind them, one without a value removes; of two changes with
 * one name the later counts. False: `old` is no packed run, and `into` is as it was.
 */
bool fields_merge(struct lucius_text old, const struct lucius_field *changes, uint64_t n_changes,
        struct bytes *into);

/* Takes the next field off the front of rest; it points into the run. 1: a field; 0: the end;
 * -1: this is no packed run. */
int fields_next(struct lucius_text *rest, struct lucius_field *ret_field);
/* Fields in the run; -1: it is no packed run. */
int64_t fields_count(struct lucius_text packed);
/* False: the run has no such field. */
bool fields_find(struct lucius_text packed, const char *name, struct lucius_field *ret_field);

#endif
