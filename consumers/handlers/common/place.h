/* SPDX-License-Identifier: MIT */
/* Which files a handler may touch: the roots that the operator sets, checked on open files. */
#ifndef CONSUMERS_HANDLERS_COMMON_PLACE_H
#define CONSUMERS_HANDLERS_COMMON_PLACE_H

#include <stdbool.h>

/*
 * Says whether the open descriptor's real path is root or below it. It is asked of the descriptor
 * and not of the path, so that no symbolic link can change in between. A root that does not exist
 * holds nothing.
 */
bool place_is_below(int fd, const char *root);

#endif
