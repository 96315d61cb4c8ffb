/* SPDX-License-Identifier: MIT */
/*
 * Canonical JSON: byte for byte what Python's json.dumps(x, sort_keys=True, separators=(",", ":"),
 * ensure_ascii=True) prints after all members that are null were dropped, at every depth. Elements
 * of arrays stay, null or not.
 */
#ifndef CORE_CANONICAL_H
#define CORE_CANONICAL_H

#include <jansson.h>

#include "core/json_writer.h"

/* Appends the canonical JSON of the value as the writer's next value. */
void canonical_write(struct json_writer *writer, const json_t *value);

#endif
