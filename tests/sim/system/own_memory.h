/* SPDX-License-Identifier: MIT */
/* Forced into the files of the simulation: what they allocate themselves never fails (scarce.c). */
#ifndef TESTS_SIM_SYSTEM_OWN_MEMORY_H
#define TESTS_SIM_SYSTEM_OWN_MEMORY_H

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);

#define malloc __real_malloc
#define calloc __real_calloc
#define realloc __real_realloc
#define reallocarray __real_reallocarray

#endif
