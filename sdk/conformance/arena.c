/* SPDX-License-Identifier: MIT */
/* Copies that live and die together. */
#include "sdk/conformance/arena.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

/* One allocation each, so that the address sanitizer sees every byte that is read too far; without
 * it many things share a block, for speed. */
#ifdef __SANITIZE_ADDRESS__
#define BLOCK_SIZE 0
#else
#define BLOCK_SIZE 8192
#endif

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t n_used;
	_Alignas(16) char bytes[];
};

void arena_finish(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *block = arena->blocks;
		arena->blocks = block->next;
		memset(block->bytes, 0xa5, block->n_used);
		free(block);
	}
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = must_calloc(1, sizeof(*block) + block_size);
	block->size = block_size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_take(struct arena *arena, size_t n, size_t size)
{
	size_t needed = n * size + 1;
	struct arena_block *block = arena->blocks;
	if (block == NULL || block->size - block->n_used < needed) {
		block = add_block(arena, needed);
	}
	void *taken = block->bytes + block->n_used;
	/* The next one begins at a multiple of 16. */
	size_t rounded = (needed + 15) / 16 * 16;
	size_t left = block->size - block->n_used;
	block->n_used += rounded < left ? rounded : left;
	return taken;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *copy = arena_take(arena, 1, size);
	if (bytes != NULL && size != 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

struct lucius_text arena_text(struct arena *arena, struct lucius_text text)
{
	return (struct lucius_text){ arena_copy(arena, text.data, text.size), text.size };
}

struct lucius_field *arena_fields(
        struct arena *arena, const struct lucius_field *fields, uint64_t n_fields)
{
	struct lucius_field *copies = arena_take(arena, n_fields, sizeof(*copies));
	for (uint64_t i = 0; i < n_fields; i++) {
		copies[i] = fields[i];
		copies[i].name = arena_copy(arena, fields[i].name, strlen(fields[i].name));
		copies[i].value = arena_copy(arena, fields[i].value, fields[i].value_size);
	}
	return copies;
}

void *arena_struct(struct arena *arena, const void *given, size_t given_size, size_t full_size)
{
	void *copy = arena_take(arena, 1, full_size);
	memcpy(copy, given, given_size < full_size ? given_size : full_size);
	return copy;
}
