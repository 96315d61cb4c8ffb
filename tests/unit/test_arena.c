/* SPDX-License-Identifier: MIT */
/* Memory that goes as a whole, and the blocks that are kept for the next one. */
#include "core/arena.h"

#include <stdint.h>

#include "tests/support/suite.h"

static void texts_of_any_length_are_printed_whole(void)
{
	CLEANUP_ARENA struct arena arena = { 0 };
	static char longer[5000];
	memset(longer, 'x', sizeof(longer) - 1);
	CHECK_TEXT(arena_printf(&arena, "%d-%s", 5, "a"), "5-a");
	const char *text = arena_printf(&arena, "<%s>", longer);
	CHECK_INT(strlen(text), sizeof(longer) + 1);
	CHECK(text[0] == '<' && text[sizeof(longer)] == '>');
	CHECK_TEXT(arena_join(&arena, "a", "", "bc", NULL), "abc");
}

static void blocks_are_used_again_until_they_are_given_back(void)
{
	struct arena arena = { 0 };
	for (int i = 0; i < 300; i++) {
		memset(arena_alloc(&arena, 4000), i, 4000);
	}
	memset(arena_alloc(&arena, 100000), 1, 100000);
	arena_finish(&arena);
	for (int i = 0; i < 20; i++) {
		const unsigned char *bytes = arena_zalloc(&arena, 3000);
		CHECK(bytes[0] == 0 && bytes[2999] == 0);
	}
	arena_finish(&arena);
	arena_pool_drain();
	arena_pool_drain();
	CHECK_TEXT(arena_copy(&arena, "after", 5), "after");
	arena_finish(&arena);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(texts_of_any_length_are_printed_whole),
		SUITE_TEST(blocks_are_used_again_until_they_are_given_back),
	};
	return suite_run("arena", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
