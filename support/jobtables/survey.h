/* SPDX-License-Identifier: MIT */
/*
 * Whether any tenant has slots at or above the limit, which an older, higher limit has left behind.
 * If none has, a tenant of whom nothing is known needs no look at its rows: any number below the
 * limit may be tried, and the insert says whether it is free.
 */
#ifndef SUPPORT_JOBTABLES_SURVEY_H
#define SUPPORT_JOBTABLES_SURVEY_H

#include <stdint.h>

struct jobtables;

/* Begins one, unless that is known, or one is under way or not long ago. Nobody waits for it. */
void survey_start(struct jobtables *backend, uint32_t limit);

#endif
