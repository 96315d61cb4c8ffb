/* SPDX-License-Identifier: MIT */
/* json_slice beside jansson: both take the same texts, and find the same in them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_slice.h"
#include "support/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static void compare(struct json_slice slice, const json_t *tree);

static void compare_object(struct json_slice slice, const json_t *tree)
{
	struct json_slice_walk walk = json_slice_members(slice);
	struct json_slice name;
	struct json_slice value;
	while (json_slice_next_member(&walk, &name, &value)) {
		CLEANUP_FREE char *text = json_slice_string(name);
		must(text != NULL && json_slice_is_text(name, text));
		const json_t *member = json_object_get(tree, text);
		must(member != NULL);
		/* Of several with one name the tree has the last alone. */
		if (json_slice_member(slice, text).text == value.text) {
			compare(value, member);
		}
	}
}

/* Members found while a text is checked are those that a walk finds in the checked one. */
static void compare_reads(const uint8_t *bytes, size_t size, struct json_slice whole)
{
	static const char *const names[] = { "a", "b", "steps", "\"" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	struct json_slice read[N];
	struct json_slice collected[N];
	struct json_slice slice = json_slice_read((const char *)bytes, size, names, N, read);
	must(slice.text == whole.text && slice.size == whole.size);
	json_slice_collect(whole, names, N, collected);
	must(memcmp(read, collected, sizeof(read)) == 0);
}

static void compare_collected(
        struct json_slice value, struct json_slice next, const struct json_slice *members)
{
	static const char *const names[] = { "a", "b" };
	struct json_slice collected[2];
	json_slice_collect(value, names, 2, collected);
	must(value.text == next.text && value.size == next.size);
	must(memcmp(collected, members, sizeof(collected)) == 0);
}

static void compare_array(struct json_slice slice, const json_t *tree)
{
	struct json_slice_walk walk = json_slice_elements(slice);
	struct json_slice_walk beside = walk;
	static const char *const names[] = { "a", "b" };
	struct json_slice members[2];
	struct json_slice value;
	struct json_slice next;
	size_t n = 0;
	while (json_slice_next_element(&walk, &value)) {
		must(json_slice_collect_next(&beside, names, 2, members, &next));
		compare_collected(value, next, members);
		compare(value, json_array_get(tree, n++));
	}
	must(!json_slice_collect_next(&beside, names, 2, members, &next));
	must(n == json_array_size(tree));
}

static void compare(struct json_slice slice, const json_t *tree)
{
	int64_t integer;
	must(slice.size != 0 && tree != NULL);
	must(json_slice_is_object(slice) == json_is_object(tree));
	must(json_slice_is_null(slice) == json_is_null(tree));
	must(json_slice_is_true(slice) == json_is_true(tree));
	CLEANUP_FREE char *text = json_slice_string(slice);
	must((text != NULL) == json_is_string(tree));
	must(text == NULL || strcmp(text, json_string_value(tree)) == 0);
	must(json_slice_integer(slice, &integer) == json_is_integer(tree));
	must(!json_is_integer(tree) || integer == json_integer_value(tree));
	if (json_is_object(tree)) {
		compare_object(slice, tree);
	} else if (json_is_array(tree)) {
		compare_array(slice, tree);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	json_error_t error;
	struct json_slice slice = json_slice_of((const char *)bytes, size);
	compare_reads(bytes, size, slice);
	json_t *tree = json_loadb((const char *)bytes, size, JSON_DECODE_ANY, &error);
	if (slice.size != 0 && tree != NULL) {
		compare(slice, tree);
	} else if (slice.size != 0) {
		/* What jansson cannot hold, it refuses as a whole. */
		must(json_error_code(&error) == json_error_numeric_overflow ||
		        json_error_code(&error) == json_error_stack_overflow);
	} else if (tree != NULL) {
		/* Only the depth is taken more narrowly; and jansson ends at a zero byte. */
		must(size > JSON_SLICE_DEPTH || memchr(bytes, 0, size) != NULL);
	}
	json_decref(tree);
	return 0;
}
