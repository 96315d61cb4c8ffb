/* SPDX-License-Identifier: MIT */
/* The list is bounded so that a large wrong document cannot make a larger answer. */
#include "core/violations.h"

#include <stdarg.h>

#include "support/base/memory.h"

void violations_finish(struct violations *violations)
{
	for (size_t i = 0; i < violations->n_items; i++) {
		free(violations->items[i].pointer);
		free(violations->items[i].message);
	}
	free(violations->items);
	*violations = (struct violations){ 0 };
}

void violations_add(struct violations *violations, const char *pointer, const char *format, ...)
{
	violations->n_found++;
	if (violations->n_items == VIOLATIONS_MAX) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	char *message = must_vprint(format, arguments);
	va_end(arguments);
	violations->items =
	        must_resize(violations->items, violations->n_items + 1, sizeof(*violations->items));
	violations->items[violations->n_items++] = (struct violation){
		.pointer = must_copy(pointer, strlen(pointer)),
		.message = message,
	};
}
