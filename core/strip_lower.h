/* SPDX-License-Identifier: MIT */
/* Text as Python's str.strip().lower() gives it: what routing keys are made of. */
#ifndef CORE_STRIP_LOWER_H
#define CORE_STRIP_LOWER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The text (valid UTF-8) without white space around it, in lower case by Unicode's full rules: the
 * sigma that ends a word is "ς", "İ" becomes two code points. No language has rules of its own.
 * Owned by the caller.
 */
char *strip_lower(const char *text);

/* White space as str.strip takes it. */
bool strip_lower_is_space(uint32_t code_point);

#endif
