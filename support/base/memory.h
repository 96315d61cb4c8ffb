/* SPDX-License-Identifier: MIT */
/*
 * Allocation for the places that have no way to report "out of memory": they end the process with
 * a sentence. Sizes that come from outside are limited before they get here.
 */
#ifndef SUPPORT_BASE_MEMORY_H
#define SUPPORT_BASE_MEMORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *memory_checked(void *pointer, size_t n, size_t size)
{
	if (pointer == NULL) {
		fprintf(stderr, "out of memory: %zu times %zu bytes\n", n, size);
		abort();
	}
	return pointer;
}

/* Zeroed memory for n things of that size (at least one byte); never NULL, owned by the caller. */
static inline void *must_calloc(size_t n, size_t size)
{
	return memory_checked(calloc(n != 0 ? n : 1, size != 0 ? size : 1), n, size);
}

/* The array with room for n things; what is new is not zeroed. Never NULL. */
static inline void *must_resize(void *array, size_t n, size_t size)
{
	return memory_checked(reallocarray(array, n != 0 ? n : 1, size != 0 ? size : 1), n, size);
}

/* A copy of size bytes with a NUL behind; never NULL, owned by the caller. */
static inline char *must_copy(const void *bytes, size_t size)
{
	char *copy = memory_checked(malloc(size + 1), 1, size + 1);
	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	copy[size] = '\0';
	return copy;
}

#endif
