/* SPDX-License-Identifier: MIT */
/* One place a thread. */
#include "core/json_composed.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 8192u

static _Thread_local char kept[LONGEST];
static _Thread_local size_t kept_size; /* 0: none */

void json_composed_keep(const char *text, size_t size)
{
	kept_size = size <= LONGEST ? size : 0;
	memcpy(kept, text, kept_size);
}

static bool is_kept(const char *text, size_t size)
{
	return size != 0 && size == kept_size && memcmp(kept, text, size) == 0;
}

struct json_slice json_composed_read(const char *text, size_t size, const char *const *names,
        size_t n_names, struct json_slice *ret_values)
{
	if (!is_kept(text, size)) {
		return json_slice_read(text, size, names, n_names, ret_values);
	}
	const struct json_slice object = { text, size };
	json_slice_collect(object, names, n_names, ret_values);
	return object;
}
