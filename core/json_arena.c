/* SPDX-License-Identifier: MIT */
/*
 * A room of fixed size, from which jansson's allocations are cut while a tree is read. Giving one
 * of them back does nothing; it is told by its address.
 */
#include "core/json_arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/reserve.h"

/* Under the address sanitizer there are gaps, and the room is closed while no tree has it. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#else
enum { GAP = 0 };
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

enum {
	ROOM_SIZE = 32 << 10, /* some 400 values */
	ALIGNMENT = 16,
};

static _Alignas(ALIGNMENT) unsigned char room[ROOM_SIZE];
static size_t used; /* bytes of the room; 0: no tree has it */
static json_t *holder; /* the tree that has it */
static bool is_outside; /* something of that tree is not in the room */
static _Thread_local bool is_reading; /* this thread's allocations are that tree's */

static bool is_in_room(const void *memory)
{
	return (uintptr_t)memory - (uintptr_t)room < ROOM_SIZE;
}

static void *take(size_t size)
{
	if (size > ROOM_SIZE - GAP || size + GAP > ROOM_SIZE - used) {
		is_outside = true;
		return reserve_malloc(size);
	}
	void *memory = room + used;
	used += (size + GAP + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	ASAN_UNPOISON_MEMORY_REGION(memory, size);
	return memory;
}

static void *allocate(size_t size)
{
	return is_reading ? take(size) : reserve_malloc(size);
}

static void give_back(void *memory)
{
	if (!is_in_room(memory)) {
		free(memory);
	}
}

static void clear(void)
{
	ASAN_POISON_MEMORY_REGION(room, ROOM_SIZE);
	used = 0;
	holder = NULL;
	is_outside = false;
}

void json_arena_install(void)
{
	clear();
	is_reading = false;
	json_set_alloc_funcs(allocate, give_back);
}

json_t *json_arena_parse(const char *text, size_t size, const struct json_limits *limits,
        struct json_fault *ret_fault)
{
	if (used != 0) {
		return json_strict_parse(text, size, limits, ret_fault);
	}
	is_reading = true;
	json_t *tree = json_strict_parse(text, size, limits, ret_fault);
	is_reading = false;
	holder = tree;
	if (tree == NULL || used == 0) {
		clear();
	}
	return tree;
}

void json_arena_drop(json_t *tree)
{
	bool is_holder = tree != NULL && tree == holder;
	if (!is_holder || is_outside) {
		json_decref(tree);
	}
	if (is_holder) {
		clear();
	}
}
