/* SPDX-License-Identifier: MIT */
/*
 * The JSON text that this thread has composed last, out of parts that were sound: who is handed the
 * same bytes need not check them again. The input of a workflow and what its activities ask for go
 * through an engine and come back, mostly at once and as they are.
 */
#ifndef CORE_JSON_COMPOSED_H
#define CORE_JSON_COMPOSED_H

#include <stddef.h>

#include "core/json_slice.h"

/* Takes a copy of an object that is valid by json_slice.h, without white space around it; one that
 * is too long is not kept. */
void json_composed_keep(const char *text, size_t size);
/* As json_slice_read, which it is for any text but the one that was kept last. */
struct json_slice json_composed_read(const char *text, size_t size, const char *const *names,
        size_t n_names, struct json_slice *ret_values);

#endif
