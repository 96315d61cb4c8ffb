/* SPDX-License-Identifier: MIT */
/* From a node that is embedded in a struct back to the struct. */
#ifndef SUPPORT_BASE_CONTAINER_H
#define SUPPORT_BASE_CONTAINER_H

#include <stddef.h>

/* The struct of that type whose member the pointer (not NULL) points to. */
#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
