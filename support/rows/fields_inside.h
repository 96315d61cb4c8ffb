/* SPDX-License-Identifier: MIT */
/* Codes of names and single fields, for the files of packed fields alone. */
#ifndef SUPPORT_ROWS_FIELDS_INSIDE_H
#define SUPPORT_ROWS_FIELDS_INSIDE_H

#include "support/rows/fields.h"

#define FIELDS_N_CODES 64u /* codes are below it: one is a bit of 64 */

/* The code of a known name; 0: it has none. */
uint8_t fields_code(const char *name);
/* The same, for a name behind one with that code (0: none): quick where it was so before. */
uint8_t fields_code_behind(uint8_t before, const char *name);
/* Appends one field, whose name has that code. */
void fields_add(struct bytes *into, const struct lucius_field *field, uint8_t code);
/* Takes fields off the front as long as their names have codes that are no bits of `stops`; one
 * that is not sound or has no code is left for fields_next. */
void fields_pass_over(struct lucius_text *rest, uint64_t stops);

#endif
