/* SPDX-License-Identifier: MIT */
/* What ends a process, tried in a child. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stddef.h>

/* The signal that ends a child which does this, 0 if it comes to its end, -1 if there was no child.
 * Said: its standard error, the log's lines too, cut to said_size with its NUL. */
int child_signal(void (*act)(void), char *said, size_t said_size);

#endif
