/* SPDX-License-Identifier: MIT */
/*
 * Keys of rows: values are escaped, `~XX` a byte, so that the service takes them and that a colon
 * parts them; and how a key stands in a URL or a filter.
 */
#ifndef SUPPORT_TABLES_TABLE_KEY_H
#define SUPPORT_TABLES_TABLE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "support/tables/text.h"

#define TABLE_KEY_MAX_UNITS 512 /* UTF-16 units of a PartitionKey or RowKey */

/*
 * Appends the value with / \ # ? % ~ : and control characters (those of Latin-1 too) as ~XX, upper
 * case, a byte each. Other non-ASCII stays as it is.
 */
void table_key_add(struct text *key, const char *value, size_t size);
/* The escaped value on its own; owned. */
char *table_key_escape(const char *value, size_t size);
/* Undoes table_key_escape; owned. NULL: the text is none that it makes. */
char *table_key_unescape(const char *key);

/* UTF-16 units of a UTF-8 text; a byte that is no UTF-8 counts as one. */
size_t table_key_units(const char *text, size_t size);

/* Appends the key in single quotes, inner ones doubled: for a filter. */
void table_key_add_quoted(struct text *text, const char *key);
/* Appends "(PartitionKey='…',RowKey='…')" as a URL has it. */
void table_key_add_address(struct text *url, const char *partition, const char *row);

#endif
