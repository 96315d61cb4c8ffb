/* SPDX-License-Identifier: MIT */
/* Options as text: resolved ones for people and shells, rows as descriptions and as a file. */
#ifndef CORE_OPTION_PRINT_H
#define CORE_OPTION_PRINT_H

#include <stdio.h>

#include "core/options.h"

/* Each option with value and origin; secrets masked. Options that are given but belong to a plugin
 * that is not in use come last. */
void option_print_check(struct options *options, FILE *output);
/* `export NAME='value'` for each option that is set, secrets in the clear. */
void option_print_env(struct options *options, FILE *output);
/* What a row is, with all its names. */
void option_print_row(const struct lucius_option *row, FILE *output);
/* A configuration file with every row at its default, commented out; plugins' rows are merged into
 * the groups of the core's. */
void option_print_conf(const struct option_known *rows, size_t n_rows, FILE *output);

#endif
