/* SPDX-License-Identifier: MIT */
/* Keeps the version in one object, so that a new one does not rebuild the rest. */
#include "core/version.h"

const char *release_version(void)
{
	return LUCIUS_VERSION;
}
