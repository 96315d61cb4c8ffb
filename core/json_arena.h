/* SPDX-License-Identifier: MIT */
/*
 * Room for the tree of one text that is read, used and forgotten within one call: it is taken in a
 * row and given back at once, which costs a fraction of what a value's own allocations do. There is
 * one such room; a tree that is read while another has it is made of usual allocations, and so is
 * what no longer fits. For the loop's thread; what other threads do with JSON is not touched.
 */
#ifndef CORE_JSON_ARENA_H
#define CORE_JSON_ARENA_H

#include <jansson.h>
#include <stddef.h>

#include "core/json_strict.h"
#include "support/base/cleanup.h"

/* Has jansson allocate here, with a second try where there is no memory (core/reserve.h); before
 * there are threads. Without it all trees are made of usual allocations. */
void json_arena_install(void);

/* As json_strict_parse. The tree ends with json_arena_drop and with nothing else; until then
 * references to it may be taken and given back, but none outlives it. */
json_t *json_arena_parse(const char *text, size_t size, const struct json_limits *limits,
        struct json_fault *ret_fault);
/* Takes NULL. */
void json_arena_drop(json_t *tree);

CLEANUP_DEFINE(json_t *, json_arena, json_arena_drop)

#endif
