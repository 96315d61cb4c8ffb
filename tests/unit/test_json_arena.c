/* SPDX-License-Identifier: MIT */
/* Trees in one room: who has it, what does not fit, what ends it. */
#include "core/json_arena.h"

#include <stdbool.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "support/base/memory.h"
#include "tests/support/suite.h"

#define SMALL "{\"a\": [1, 2.5, \"x\", null], \"b\": {\"c\": true, \"d\": \"\\u00e9\"}}"

static json_t *parse(const char *text)
{
	struct json_fault fault;
	return must_have(json_arena_parse(text, strlen(text), NULL, &fault));
}

/* Compared with what usual allocations hold. */
static void check_same(const char *text, const json_t *tree)
{
	struct json_fault fault;
	json_t *usual CLEANUP(json_decrefp) =
	        must_have(json_strict_parse(text, strlen(text), NULL, &fault));
	CHECK(json_equal(usual, tree));
}

/* What is used too late is seen where the address sanitizer runs. */
static bool is_closed(const void *memory)
{
#ifdef __SANITIZE_ADDRESS__
	return __asan_address_is_poisoned(memory) != 0;
#else
	return memory != NULL;
#endif
}

static void the_next_tree_gets_the_room_of_the_one_before(void)
{
	json_t *first = parse(SMALL);
	check_same(SMALL, first);
	json_arena_drop(first);
	CHECK(is_closed(first));
	json_t *second = parse(SMALL);
	CHECK(second == first);
	check_same(SMALL, second);
	json_arena_drop(second);
}

static void a_tree_read_beside_another_has_a_place_of_its_own(void)
{
	json_t *first = parse(SMALL);
	json_t *beside CLEANUP(json_decrefp) = parse("[{\"a\": 1}]");
	check_same("[{\"a\": 1}]", beside);
	check_same(SMALL, first);
	json_arena_drop(first);
	json_t *next CLEANUP(cleanup_json_arena) = parse("[2]");
	CHECK(next == first);
	check_same("[{\"a\": 1}]", beside);
	json_arena_drop(json_incref(beside));
	check_same("[2]", next);
}

static char *long_list(size_t n_values)
{
	char *text = must_calloc(n_values * 16 + 16, 1);
	char *end = stpcpy(text, "[0");
	for (size_t i = 1; i < n_values; i++) {
		end = stpcpy(end, i % 2 == 0 ? ", \"sixteen\"" : ", {\"k\": 1}");
	}
	(void)stpcpy(end, "]");
	return text;
}

static void what_does_not_fit_lies_elsewhere_and_ends_with_the_tree(void)
{
	json_t *small = parse(SMALL);
	json_arena_drop(small);
	char *text CLEANUP_FREE = long_list(5000);
	json_t *large = parse(text);
	check_same(text, large);
	json_arena_drop(large);
	char *string CLEANUP_FREE = must_print("[\"%*d\", 1]", 100000, 7);
	json_t *wide = parse(string);
	check_same(string, wide);
	json_arena_drop(wide);
	json_t *again CLEANUP(cleanup_json_arena) = parse(SMALL);
	CHECK(again == small);
}

static void a_text_that_is_refused_leaves_the_room_free(void)
{
	struct json_fault fault;
	json_t *first = parse(SMALL);
	json_arena_drop(first);
	CHECK(json_arena_parse("{\"a\": [1, {\"b\": ]}", 18, NULL, &fault) == NULL);
	CHECK_TEXT(fault.sentence, "line 1, column 17: \"]\" stands where a JSON value should be");
	json_t *next CLEANUP(cleanup_json_arena) = parse(SMALL);
	CHECK(next == first);
}

static void a_word_takes_no_room(void)
{
	json_t *word = parse("true");
	json_t *first = parse(SMALL);
	json_arena_drop(word);
	check_same(SMALL, first);
	json_t *again = parse("true");
	json_arena_drop(again);
	check_same(SMALL, first);
	json_arena_drop(first);
	json_t *next CLEANUP(cleanup_json_arena) = parse(SMALL);
	CHECK(next == first);
}

static void references_and_new_members_may_come_and_go_before_the_end(void)
{
	json_t *tree = parse(SMALL);
	json_t *part = json_incref(json_object_get(tree, "b"));
	for (int i = 0; i < 100; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "n%d", i);
		json_t *value CLEANUP(json_decrefp) = json_pack("[s, i]", "text", i);
		CHECK(json_object_set(part, name, value) == 0);
		CHECK(json_object_del(part, name) == 0);
	}
	json_decref(part);
	check_same(SMALL, tree);
	json_arena_drop(tree);
}

static const struct suite_test tests[] = {
	SUITE_TEST(the_next_tree_gets_the_room_of_the_one_before),
	SUITE_TEST(a_tree_read_beside_another_has_a_place_of_its_own),
	SUITE_TEST(what_does_not_fit_lies_elsewhere_and_ends_with_the_tree),
	SUITE_TEST(a_text_that_is_refused_leaves_the_room_free),
	SUITE_TEST(a_word_takes_no_room),
	SUITE_TEST(references_and_new_members_may_come_and_go_before_the_end),
};

int main(int argc, char **argv)
{
	json_arena_install();
	return suite_run("json_arena", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
