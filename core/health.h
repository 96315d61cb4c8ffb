/* SPDX-License-Identifier: MIT */
/* The other end of /readyz: asks the process that listens at the configured address. */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include <stdint.h>

struct loop;
struct settings;

/* True (1) if it is ready; else a sentence is printed to standard error. */
int health_ask(struct loop *loop, const struct settings *settings, uint32_t roles);

#endif
