/* SPDX-License-Identifier: MIT */
/* A plugin's allocations are tried again with what the daemon keeps for the moment they fail. */
#ifndef SUPPORT_BASE_MEMORY_HOST_H
#define SUPPORT_BASE_MEMORY_HOST_H

#include "lucius/plugin.h"
#include "support/base/memory.h"

static inline bool memory_regain_by_host(const void *user)
{
	const struct lucius_host *host = user;
	return host->regain_memory(host) != 0;
}

/* To be called in `create`. The first instance's table serves them all: it is never freed. */
static inline void memory_use_host(const struct lucius_host *host)
{
	if (memory_regain == NULL && LUCIUS_HAS(host, regain_memory)) {
		memory_regain_user = host;
		memory_regain = memory_regain_by_host;
	}
}

#endif
