/* SPDX-License-Identifier: MIT */
/* A list is enough: sources have dozens of entries, and are read at start and on a signal. */
#include "core/option_given.h"

#include <string.h>

#include "support/base/memory.h"

struct option_given *option_givens_add(
        struct option_givens *givens, const char *name, const char *value, const char *where)
{
	givens->items = must_resize(givens->items, givens->n + 1, sizeof(*givens->items));
	givens->items[givens->n++] = (struct option_given){
		.name = must_copy(name, strlen(name)),
		.value = must_copy(value, strlen(value)),
		.where = must_copy(where, strlen(where)),
	};
	return &givens->items[givens->n - 1];
}

const struct option_given *option_givens_find(const struct option_givens *givens, const char *name)
{
	for (size_t i = givens->n; i-- > 0;) {
		if (strcmp(givens->items[i].name, name) == 0) {
			return &givens->items[i];
		}
	}
	return NULL;
}

void option_givens_finish(struct option_givens *givens)
{
	for (size_t i = 0; i < givens->n; i++) {
		free(givens->items[i].name);
		free(givens->items[i].value);
		free(givens->items[i].where);
	}
	free(givens->items);
	*givens = (struct option_givens){ 0 };
}
