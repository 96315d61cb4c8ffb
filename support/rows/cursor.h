/* SPDX-License-Identifier: MIT */
/*
 * Cursors that go out to callers and come back: a position as the backend writes it, and a check
 * that tells a cursor of one's own from any other text. They keep no secret.
 */
#ifndef SUPPORT_ROWS_CURSOR_H
#define SUPPORT_ROWS_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <lucius/plugin.h>

#define CURSOR_POSITION_MAX 63 /* bytes of a position */
#define CURSOR_SIZE (CURSOR_POSITION_MAX + 1 + 16 + 1)

/*
 * Writes "<position>.<check>". Salt: of the store, so that another store's cursor is refused.
 * Scope: what the cursor is good for (a tenant). Position: URL-safe without a dot, at most
 * CURSOR_POSITION_MAX bytes.
 */
void cursor_write(
        char cursor[CURSOR_SIZE], uint64_t salt, struct lucius_text scope, const char *position);
/* False: cursor_write has not written this for this salt and scope. */
bool cursor_read(struct lucius_text cursor, uint64_t salt, struct lucius_text scope,
        char ret_position[CURSOR_POSITION_MAX + 1]);

#endif
