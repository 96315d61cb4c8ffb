/* SPDX-License-Identifier: MIT */
/* Whether a descriptor is one that this daemon can work with. */
#ifndef CORE_LOADER_CHECK_H
#define CORE_LOADER_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

/* Reads only as far as what it has read so far allows. False: what is wrong and what to do. */
bool loader_check(const struct lucius_plugin *plugin, uint32_t kind, const char *name, char *fault,
        size_t fault_size);

#endif
