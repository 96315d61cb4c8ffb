/* SPDX-License-Identifier: MIT */
/* What a shared object shows to others. */
#ifndef SDK_CHECK_SYMBOLS_H
#define SDK_CHECK_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

/* Checks that the object exports `lucius_plugin` and nothing else. False: a sentence in fault. */
bool symbols_check(const char *path, char *fault, size_t fault_size);

#endif
