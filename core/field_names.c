/* SPDX-License-Identifier: MIT */
/* The table of names, and nothing else. */
#include "core/field_names.h"

#define FIELD_NAME_TEXT(name) #name,
const struct field_names field_names = { FIELD_NAMES(FIELD_NAME_TEXT) };
