/* SPDX-License-Identifier: MIT */
/*
 * Only objects need care: their members are sorted on the stack where they are few. The order of
 * UTF-8 bytes is the order of code points, so that a byte comparison sorts as Python does.
 */
#include "core/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "core/json_kind.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { FEW_MEMBERS = 16 };

struct member {
	const char *name;
	size_t name_size;
	const json_t *value;
};

static int compare(const struct member *left, const struct member *right)
{
	size_t common = left->name_size < right->name_size ? left->name_size : right->name_size;
	int order = memcmp(left->name, right->name, common);
	if (order != 0) {
		return order;
	}
	return (left->name_size > right->name_size) - (left->name_size < right->name_size);
}

static int compare_for_qsort(const void *left, const void *right)
{
	return compare(left, right);
}

static void insert_sorted(struct member *members, size_t n_members, struct member added)
{
	size_t at = n_members;
	for (; at > 0 && compare(&members[at - 1], &added) > 0; at--) {
		members[at] = members[at - 1];
	}
	members[at] = added;
}

/* Fills `members` (room for all of them) with those that are not null, sorted; returns how many. */
static size_t collect(json_t *object, struct member *members)
{
	bool is_few = json_object_size(object) <= FEW_MEMBERS;
	size_t n_members = 0;
	for (void *at = json_object_iter(object); at != NULL;
	        at = json_object_iter_next(object, at)) {
		struct member member = {
			.name = json_object_iter_key(at),
			.name_size = json_object_iter_key_len(at),
			.value = json_object_iter_value(at),
		};
		if (json_kind_is(member.value, JSON_NULL)) {
			continue;
		}
		if (is_few) {
			insert_sorted(members, n_members, member);
		} else {
			members[n_members] = member;
		}
		n_members++;
	}
	if (!is_few) {
		qsort(members, n_members, sizeof(*members), compare_for_qsort);
	}
	return n_members;
}

static void write_sorted(struct json_writer *writer, const struct member *members, size_t n_members)
{
	json_writer_begin_object(writer);
	for (size_t i = 0; i < n_members; i++) {
		json_writer_name_sized(writer, members[i].name, members[i].name_size);
		canonical_write(writer, members[i].value);
	}
	json_writer_end_object(writer);
}

/* Two functions, so that a deep tree of small objects does not stack room for large ones. */
static void write_large_object(struct json_writer *writer, json_t *object)
{
	struct member *members CLEANUP_FREE =
	        must_calloc(json_object_size(object), sizeof(*members));
	write_sorted(writer, members, collect(object, members));
}

static void write_object(struct json_writer *writer, json_t *object)
{
	if (json_object_size(object) > FEW_MEMBERS) {
		write_large_object(writer, object);
		return;
	}
	struct member members[FEW_MEMBERS];
	write_sorted(writer, members, collect(object, members));
}

static void write_array(struct json_writer *writer, const json_t *array)
{
	json_writer_begin_array(writer);
	for (size_t i = 0; i < json_array_size(array); i++) {
		canonical_write(writer, json_array_get(array, i));
	}
	json_writer_end_array(writer);
}

void canonical_write(struct json_writer *writer, const json_t *value)
{
	bool was_ascii = writer->is_ascii;
	writer->is_ascii = true;
	if (json_kind_is(value, JSON_OBJECT)) {
		write_object(writer, (json_t *)value);
	} else if (json_kind_is(value, JSON_ARRAY)) {
		write_array(writer, value);
	} else {
		json_writer_json(writer, value);
	}
	writer->is_ascii = was_ascii;
}
