/* SPDX-License-Identifier: MIT */
/* Blocks of one usual size are pooled; a larger thing gets a block of its own. */
#include "core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "support/base/memory.h"

#define BLOCK_SIZE 4096u
/* Under the address sanitizer nothing is pooled, so that it sees what is used too late. */
#ifdef __SANITIZE_ADDRESS__
#define POOL_MAX 0u
#else
#define POOL_MAX 4096u
#endif

static struct arena_block *pool;
static size_t n_pooled;

static struct arena_block *block_take(size_t size)
{
	if (size <= BLOCK_SIZE && pool != NULL) {
		struct arena_block *block = pool;
		pool = block->next;
		n_pooled--;
		block->used = 0;
		return block;
	}
	size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = must_resize(NULL, sizeof(*block) + capacity, 1);
	block->used = 0;
	block->capacity = capacity;
	return block;
}

static void block_give_back(struct arena_block *block)
{
	if (block->capacity != BLOCK_SIZE || n_pooled + 1 > POOL_MAX) {
		free(block);
		return;
	}
	block->next = pool;
	pool = block;
	n_pooled++;
}

void *arena_alloc_block(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX - sizeof(struct arena_block) - ARENA_ALIGNMENT) {
		memory_checked(NULL, 1, size);
	}
	size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	struct arena_block *block = block_take(rounded);
	block->next = arena->blocks;
	block->used = rounded;
	arena->blocks = block;
	return block->bytes;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	void *memory = arena_alloc(arena, size);
	memset(memory, 0, size);
	return memory;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	char *copy = arena_alloc(arena, size + 1);
	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	copy[size] = '\0';
	return copy;
}

struct lucius_text arena_text(struct arena *arena, struct lucius_text text)
{
	return (struct lucius_text){ arena_copy(arena, text.data, text.size), text.size };
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char short_text[256];
	va_start(arguments, format);
	int size = vsnprintf(short_text, sizeof(short_text), format, arguments);
	va_end(arguments);
	if (size < 0) {
		return arena_copy(arena, "", 0);
	}
	if ((size_t)size < sizeof(short_text)) {
		return arena_copy(arena, short_text, (size_t)size);
	}
	char *text = arena_alloc(arena, (size_t)size + 1);
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)size + 1, format, arguments);
	va_end(arguments);
	return text;
}

char *arena_join(struct arena *arena, ...)
{
	va_list texts;
	size_t size = 0;
	va_start(texts, arena);
	for (const char *text; (text = va_arg(texts, const char *)) != NULL;) {
		size += strlen(text);
	}
	va_end(texts);
	char *joined = arena_alloc(arena, size + 1);
	char *end = joined;
	va_start(texts, arena);
	for (const char *text; (text = va_arg(texts, const char *)) != NULL;) {
		end = stpcpy(end, text);
	}
	va_end(texts);
	*end = '\0';
	return joined;
}

void arena_take_over(struct arena *arena, struct arena *from)
{
	struct arena_block **last = &from->blocks;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = arena->blocks;
	arena->blocks = from->blocks;
	from->blocks = NULL;
}

void arena_finish(struct arena *arena)
{
	struct arena_block *block = arena->blocks;
	arena->blocks = NULL;
	while (block != NULL) {
		struct arena_block *next = block->next;
		block_give_back(block);
		block = next;
	}
}

void arena_pool_drain(void)
{
	while (pool != NULL) {
		struct arena_block *next = pool->next;
		free(pool);
		pool = next;
	}
	n_pooled = 0;
}
