/* SPDX-License-Identifier: MIT */
/*
 * Allocation for the places that have no way to report "out of memory": they end the process with
 * a sentence. Sizes that come from outside are limited before they get here. Whoever has put memory
 * aside for that moment (core/reserve.c), or has a host that has (support/base/memory_host.h), is
 * asked first.
 */
#ifndef SUPPORT_BASE_MEMORY_H
#define SUPPORT_BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An allocation has failed: true, and it is tried once more. From any thread. */
typedef bool (*memory_regain_fn)(const void *user);

/* One for each program and each plugin, set once, before there are threads; NULL: nobody. */
__attribute__((weak, visibility("hidden"))) memory_regain_fn memory_regain;
__attribute__((weak, visibility("hidden"))) const void *memory_regain_user;

static inline bool memory_is_regained(void)
{
	return memory_regain != NULL && memory_regain(memory_regain_user);
}

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
	void *memory = calloc(n != 0 ? n : 1, size != 0 ? size : 1);
	if (memory == NULL && memory_is_regained()) {
		memory = calloc(n != 0 ? n : 1, size != 0 ? size : 1);
	}
	return memory_checked(memory, n, size);
}

/* The array with room for n things; what is new is not zeroed. Never NULL. */
static inline void *must_resize(void *array, size_t n, size_t size)
{
	void *resized = reallocarray(array, n != 0 ? n : 1, size != 0 ? size : 1);
	if (resized == NULL && memory_is_regained()) {
		resized = reallocarray(array, n != 0 ? n : 1, size != 0 ? size : 1);
	}
	return memory_checked(resized, n, size);
}

/* A copy of size bytes with a NUL behind; never NULL, owned by the caller. */
static inline char *must_copy(const void *bytes, size_t size)
{
	char *copy = must_resize(NULL, size + 1, 1);
	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	copy[size] = '\0';
	return copy;
}

/* The pointer that another library gave, which is NULL only where it had no memory. */
static inline void *must_have(void *pointer)
{
	return memory_checked(pointer, 1, 0);
}

/* What printf would print, as a text of its own; never NULL, owned by the caller. */
__attribute__((format(printf, 1, 0))) static inline char *must_vprint(
        const char *format, va_list arguments)
{
	char *text = NULL;
	va_list again;
	va_copy(again, arguments);
	if (vasprintf(&text, format, arguments) < 0 &&
	        (!memory_is_regained() || vasprintf(&text, format, again) < 0)) {
		text = NULL;
	}
	va_end(again);
	return must_have(text);
}

/* As must_vprint, with the arguments in the call. */
__attribute__((format(printf, 1, 2))) static inline char *must_print(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = must_vprint(format, arguments);
	va_end(arguments);
	return text;
}

#endif
