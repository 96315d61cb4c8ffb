/* SPDX-License-Identifier: MIT */
/* Whether what a plugin gives is a thing that can be copied. */
#ifndef CORE_ITEM_CHECK_H
#define CORE_ITEM_CHECK_H

#include "core/copy.h"

/* Copy: who would copy it, which says what it is. NULL: it is sound; else what is wrong with it.
 * Pointers that lead nowhere cannot be found out. */
const char *item_fault(copy_fn copy, const void *item);

#endif
