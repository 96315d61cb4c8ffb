/* SPDX-License-Identifier: MIT */
/*
 * Calls of the system and of libraries that fail when a test says so: one at a time, the nth from
 * then on. The program is linked with -Wl,--wrap=NAME for each name of refusals_names (see
 * tests/unit/meson.build), so that only what the core and the test themselves call is concerned.
 */
#ifndef TESTS_SUPPORT_REFUSALS_H
#define TESTS_SUPPORT_REFUSALS_H

#include <stdbool.h>

/* The nth call of that name fails with that errno, and so do n_times - 1 after it. */
void refuse_nth(const char *name, unsigned nth, unsigned n_times, int error);
/* The next one. */
void refuse(const char *name, int error);
/* No more; whether all were asked for and refused. */
bool refuse_end(void);

#endif
