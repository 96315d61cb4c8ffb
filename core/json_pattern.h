/* SPDX-License-Identifier: MIT */
/* Regular expressions of JSON Schema: ECMA-262's as near as PCRE2 has them, with bounded work. */
#ifndef CORE_JSON_PATTERN_H
#define CORE_JSON_PATTERN_H

#include <stddef.h>

struct json_pattern;

enum json_match {
	JSON_MATCH_NO,
	JSON_MATCH_YES,
	JSON_MATCH_TOO_COSTLY /* given up at the limit of steps or memory */
};

/* An owned pattern, or NULL with an owned sentence. */
struct json_pattern *json_pattern_compile(const char *source, char **ret_sentence);
/* Takes NULL. */
void json_pattern_destroy(struct json_pattern *pattern);

/* Whether the pattern is found anywhere in the text, which is valid UTF-8. */
enum json_match json_pattern_match(
        const struct json_pattern *pattern, const char *text, size_t size);

#endif
