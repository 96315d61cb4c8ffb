/* SPDX-License-Identifier: MIT */
/* What kind of value it is, of one that is there: jansson's own questions also take NULL. */
#ifndef CORE_JSON_KIND_H
#define CORE_JSON_KIND_H

#include <jansson.h>
#include <stdbool.h>

static inline bool json_kind_is(const json_t *value, json_type kind)
{
	return json_typeof(value) == kind;
}

static inline bool json_kind_is_number(const json_t *value)
{
	return json_kind_is(value, JSON_INTEGER) || json_kind_is(value, JSON_REAL);
}

static inline bool json_kind_is_boolean(const json_t *value)
{
	return json_kind_is(value, JSON_TRUE) || json_kind_is(value, JSON_FALSE);
}

#endif
