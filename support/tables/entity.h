/* SPDX-License-Identifier: MIT */
/*
 * Rows as JSON: built property by property, in ASCII with \u escapes only and on one line (raw
 * UTF-8 is damaged by an emulator, other line ends break batches), and held against the service's
 * limits before anything is sent.
 */
#ifndef SUPPORT_TABLES_ENTITY_H
#define SUPPORT_TABLES_ENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/tables/text.h"

#define ENTITY_TEXT_MAX_UNITS 32768u /* UTF-16 units of a text property */
#define ENTITY_MAX_BYTES (1u << 20) /* of a row, counted in UTF-16 */
#define ENTITY_MAX_PROPERTIES 252u
#define ENTITY_NAME_MAX 255u

/* A row in the making; all zeros before entity_begin. */
struct entity {
	struct text json;
	size_t n_properties;
	size_t n_bytes; /* as the service counts them */
	char fault[400]; /* empty: it fits */
};

/* Starts a row; what it held before is gone. */
void entity_begin(struct entity *entity, const char *partition, const char *row);
/* Bytes that are no UTF-8 become U+FFFD. */
void entity_add_text(struct entity *entity, const char *name, const char *value, size_t size);
void entity_add_string(struct entity *entity, const char *name, const char *value);
/* Int32 where it fits, else Int64. */
void entity_add_integer(struct entity *entity, const char *name, int64_t value);
void entity_add_boolean(struct entity *entity, const char *name, bool value);
/* Ends the row. False: it is larger than the service takes, entity->fault names both sizes. */
bool entity_end(struct entity *entity);
void entity_finish(struct entity *entity);

/* Appends a JSON string in ASCII, quotes included; returns its UTF-16 units. */
size_t entity_escape(struct text *json, const char *value, size_t size);

/* Reading what the service answers; names of the service's own (odata.…, …@odata.type,
 * Timestamp, keys) are none of the row's. */
bool entity_is_own_name(const char *name);
/* NULL: there is no such text. */
const char *entity_text(const json_t *row, const char *name);
/* Takes Int64 as the text that it comes as. False: there is no such number. */
bool entity_integer(const json_t *row, const char *name, int64_t *ret_value);
/* True if the property's type is annotated as Edm.Int64. */
bool entity_is_int64(const json_t *row, const char *name);

#endif
