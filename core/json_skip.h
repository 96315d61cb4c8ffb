/* SPDX-License-Identifier: MIT */
/* Passing over arrays and objects of a text that is known to be valid. */
#ifndef CORE_JSON_SKIP_H
#define CORE_JSON_SKIP_H

/* At: the bracket that opens an array or object, which ends before `end`. The byte behind it. */
const char *json_skip_nested(const char *at, const char *end);

#endif
