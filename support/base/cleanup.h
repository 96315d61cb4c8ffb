/* SPDX-License-Identifier: MIT */
/* Scope-bound ownership: locals that own something carry CLEANUP(fn), ownership leaves by steal().
 */
#ifndef SUPPORT_BASE_CLEANUP_H
#define SUPPORT_BASE_CLEANUP_H

#include <stdlib.h>

/* Calls fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Frees what a `char *` (or any heap pointer) local owns. */
#define CLEANUP_FREE CLEANUP(cleanup_free)

/* Defines `cleanup_<name>`, which calls destroy on the pointer that a local of that type holds. */
#define CLEANUP_DEFINE(type, name, destroy)            \
	static inline void cleanup_##name(type *owner) \
	{                                              \
		if (*owner != NULL) {                  \
			destroy(*owner);               \
		}                                      \
	}

static inline void cleanup_free(void *owner)
{
	free(*(void **)owner);
}

/* Gives the value of an owning pointer away and leaves NULL behind. */
#define steal(pointer)                                   \
	__extension__({                                  \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

#endif
