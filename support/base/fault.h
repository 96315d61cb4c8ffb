/* SPDX-License-Identifier: MIT */
/*
 * Deliberate faults, with which the simulation proves that it would see them. `FAULT(name)` is
 * false and gone in every build but that of tests/sim, where LUCIUS_FAULT in the environment names
 * the one that is on.
 */
#ifndef SUPPORT_BASE_FAULT_H
#define SUPPORT_BASE_FAULT_H

#ifdef LUCIUS_FAULTS
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool fault_is(const char *name)
{
	static const char *chosen;
	if (chosen == NULL) {
		chosen = getenv("LUCIUS_FAULT");
		chosen = chosen != NULL ? chosen : "";
	}
	return *chosen != '\0' && strcmp(chosen, name) == 0;
}
#define FAULT(name) fault_is(#name)
#else
#define FAULT(name) 0
#endif

#endif
