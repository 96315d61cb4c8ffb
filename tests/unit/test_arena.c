/* SPDX-License-Identifier: MIT */
/* Memory that goes as a whole, and the blocks that are kept for the next one. */
#include "core/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/heap.h"
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

#define PAGES 16u
#define LARGE ((size_t)4 << 20)

/* How many of the first pages behind `start` are in memory. */
static unsigned pages_at(char *start)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *first = start + (page - (uintptr_t)start % page) % page;
	unsigned char states[PAGES];
	unsigned n = 0;
	CHECK_INT(mincore(first, PAGES * page, states), 0);
	for (unsigned i = 0; i < PAGES; i++) {
		n += states[i] & 1u;
	}
	return n;
}

static void pages_by_which_the_heap_grows_a_little_are_had_at_once(void)
{
	size_t size = (PAGES + 1) * (size_t)sysconf(_SC_PAGESIZE);
	heap_follow();
	char *little = sbrk((intptr_t)size);
	CHECK_INT(pages_at(little), 0);
	/* The system may be too old for it: then nothing happens. */
	bool is_known = madvise(NULL, 0, MADV_POPULATE_WRITE) == 0;
	heap_follow();
	CHECK_INT(pages_at(little), is_known ? PAGES : 0);
	char *large = sbrk((intptr_t)LARGE);
	heap_follow();
	CHECK_INT(pages_at(large), 0);
	CHECK(sbrk(-(intptr_t)(LARGE + size)) != (void *)-1);
	heap_follow();
	little = sbrk((intptr_t)size);
	heap_follow();
	CHECK_INT(pages_at(little), is_known ? PAGES : 0);
}

static void what_another_takes_over_lasts_as_long_as_that_does(void)
{
	struct arena from = { 0 };
	struct arena empty = { 0 };
	struct arena arena = { 0 };
	const char *own = arena_copy(&arena, "own", 3);
	const char *early = arena_copy(&from, "early", 5);
	(void)arena_alloc(&from, 5000);
	const char *late = arena_copy(&from, "late", 4);
	arena_take_over(&arena, &from);
	arena_take_over(&arena, &empty);
	CHECK(from.blocks == NULL);
	arena_finish(&from);
	CHECK_TEXT(own, "own");
	CHECK_TEXT(early, "early");
	CHECK_TEXT(late, "late");
	arena_finish(&arena);
	CHECK(arena.blocks == NULL);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(texts_of_any_length_are_printed_whole),
		SUITE_TEST(pages_by_which_the_heap_grows_a_little_are_had_at_once),
		SUITE_TEST(what_another_takes_over_lasts_as_long_as_that_does),
		SUITE_TEST(blocks_are_used_again_until_they_are_given_back),
	};
	return suite_run("arena", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
