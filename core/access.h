/* SPDX-License-Identifier: MIT */
/* Bearer tokens and the tenants that they may act for, from LUCIUS_API_TOKENS_FILE (SPEC 2). */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

struct access_entry;
struct access_list;

/* Reads lines `token tenant[,tenant…]` (`*`: all tenants; `#` begins a comment). Owned, or NULL and
 * a sentence that names file and line, never a token. */
struct access_list *access_load(const char *path, char *error, size_t error_size);
void access_destroy(struct access_list *list);

/* The entry of an Authorization header's value (NULL: none was sent), or NULL. Borrowed. Compares
 * all entries in constant time. */
const struct access_entry *access_find(const struct access_list *list, const char *authorization);
bool access_may(const struct access_entry *entry, const char *tenant_id);
/* Is it `Bearer <token>` with just this token? */
bool access_is_token(const char *authorization, const char *token);

#endif
