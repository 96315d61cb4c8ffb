/* SPDX-License-Identifier: MIT */
/* The option rows of all plugins in the tree, generated from the built plugins. */
#ifndef CORE_OPTION_KNOWN_H
#define CORE_OPTION_KNOWN_H

#include "core/options.h"

extern const struct option_known option_known_rows[];
extern const size_t n_option_known_rows;

#endif
