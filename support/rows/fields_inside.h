/* SPDX-License-Identifier: MIT */
/* Codes of names and single fields, for the files of packed fields alone. */
#ifndef SUPPORT_ROWS_FIELDS_INSIDE_H
#define SUPPORT_ROWS_FIELDS_INSIDE_H

#include "support/rows/fields.h"

#define FIELDS_N_CODES 64u /* codes are below it */

/* The code of a known name; 0: it has none. */
uint8_t fields_code(const char *name);
/* Appends one field, whose name has that code. */
void fields_add(struct bytes *into, const struct lucius_field *field, uint8_t code);

#endif
