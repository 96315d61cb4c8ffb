/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out: the n-th allocation of the core and the backends (and of jansson and
 * libevent for them) fails, once. The core ends a process that has no memory with a sentence; here
 * that is a process of the world that dies, and the others, or its next life, go on with what it
 * has left behind.
 */
#include "tests/sim/system/scarce.h"

#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/json_arena.h"
#include "core/reserve.h"

static uint64_t n_left; /* allocations until one fails; 0: none does */
static bool is_counting; /* code of a process runs */
static bool has_failed;
static uint64_t n_allocations;
static sigjmp_buf escape;
static FILE *sentences; /* what the process says on standard error */

/* Seen by the backends' plugins as well, which are linked with --wrap for the simulation. */
#define SHOWN __attribute__((visibility("default")))
SHOWN void *__wrap_malloc(size_t size);
SHOWN void *__wrap_calloc(size_t n, size_t size);
SHOWN void *__wrap_realloc(void *memory, size_t size);
SHOWN void *__wrap_reallocarray(void *memory, size_t n, size_t size);

static bool fails(void)
{
	if (!is_counting) {
		return false;
	}
	n_allocations++;
	if (n_left == 0 || --n_left != 0) {
		return false;
	}
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, n, size);
}

static bool has_sentence(void)
{
	char text[4096] = "";
	fflush(stderr);
	rewind(sentences);
	size_t size = fread(text, 1, sizeof(text) - 1, sentences);
	text[size] = '\0';
	return strstr(text, "out of memory") != NULL;
}

static void on_abort(int number)
{
	(void)number;
	if (is_counting && has_failed && has_sentence()) {
		is_counting = false;
		siglongjmp(escape, 1);
	}
}

void scarce_begin(uint64_t n)
{
	struct sigaction action = { .sa_handler = on_abort, .sa_flags = SA_NODEFER };
	n_left = n;
	has_failed = false;
	n_allocations = 0;
	reserve_keep();
	json_arena_install();
	sentences = tmpfile();
	if (sentences == NULL || dup2(fileno(sentences), STDERR_FILENO) < 0 ||
	        sigaction(SIGABRT, &action, NULL) != 0) {
		abort();
	}
}

bool scarce_run(void (*fn)(void *user), void *user)
{
	if (is_counting) {
		fn(user);
		return true;
	}
	if (sigsetjmp(escape, 1) != 0) {
		return false;
	}
	is_counting = true;
	fn(user);
	is_counting = false;
	return true;
}

uint64_t scarce_n_allocations(void)
{
	return n_allocations;
}

bool scarce_has_failed(void)
{
	return has_failed;
}
