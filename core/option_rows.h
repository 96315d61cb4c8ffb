/* SPDX-License-Identifier: MIT */
/* The one table of the core's options. */
#ifndef CORE_OPTION_ROWS_H
#define CORE_OPTION_ROWS_H

#include <stdint.h>

#include <lucius/plugin.h>

/* They fill a struct settings (core/settings.h). */
extern const struct lucius_option option_rows[];
extern const uint32_t n_option_rows;

#endif
