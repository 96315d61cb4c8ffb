/* SPDX-License-Identifier: MIT */
/* Values from outside as they may stand in a sentence: short, whole code points, no control bytes.
 */
#ifndef CORE_QUOTE_H
#define CORE_QUOTE_H

#include <stddef.h>

struct quote {
	char text[80];
};

/* The value, cut with "..." where it is long; `quote(x).text` lives to the end of the statement. */
struct quote quote(const char *value);
struct quote quote_sized(const char *value, size_t size);

#endif
