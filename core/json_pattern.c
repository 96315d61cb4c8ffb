/* SPDX-License-Identifier: MIT */
/*
 * Without PCRE2_UCP "\d" and "\w" stay ASCII as in ECMA-262; "\s", which is all white space there,
 * is written out. The interpreter is used, not the JIT compiler, which does not keep all of the
 * limits.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/json_pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 2000, HEAP_LIMIT_KIB = 1024 };

struct json_pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

CLEANUP_DEFINE(pcre2_compile_context *, compile_context, pcre2_compile_context_free)
CLEANUP_DEFINE(pcre2_match_data *, match_data, pcre2_match_data_free)

static pcre2_match_context *make_limits(void)
{
	pcre2_match_context *limits = must_have(pcre2_match_context_create(NULL));
	(void)pcre2_set_match_limit(limits, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
	return limits;
}

/* "\s" or "\S" of ECMA-262: Xsp lacks one character, which "\S" in a class cannot take back. */
static const char *white_space(bool is_space, bool is_in_class)
{
	if (is_in_class) {
		return is_space ? "\\p{Xsp}\\ufeff" : "\\P{Xsp}";
	}
	return is_space ? "[\\p{Xsp}\\ufeff]" : "[^\\p{Xsp}\\ufeff]";
}

/* The pattern with its white space written out; owned. */
static char *write_out(const char *source)
{
	char *text = must_calloc(strlen(source) * sizeof("[^\\p{Xsp}\\ufeff]"), 1);
	char *out = text;
	bool is_in_class = false;
	for (const char *at = source; *at != '\0'; at++) {
		if (*at != '\\' || at[1] == '\0') {
			is_in_class = is_in_class ? *at != ']' : *at == '[';
			*out++ = *at;
		} else if (*++at == 's' || *at == 'S') {
			out = stpcpy(out, white_space(*at == 's', is_in_class));
		} else {
			*out++ = '\\';
			*out++ = *at;
		}
	}
	return text;
}

static pcre2_code *compile(const char *source, int *ret_error, PCRE2_SIZE *ret_offset)
{
	const uint32_t options = PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
	        PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
	        PCRE2_ALLOW_EMPTY_CLASS;
	pcre2_compile_context *context CLEANUP(cleanup_compile_context) =
	        must_have(pcre2_compile_context_create(NULL));
	(void)pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
	return pcre2_compile(
	        (PCRE2_SPTR)source, strlen(source), options, ret_error, ret_offset, context);
}

struct json_pattern *json_pattern_compile(const char *source, char **ret_sentence)
{
	int error = 0;
	PCRE2_SIZE offset = 0;
	/* As it stands first: what is wrong is told by the place in the author's own text. */
	pcre2_code *code = compile(source, &error, &offset);
	if (code != NULL && (strstr(source, "\\s") != NULL || strstr(source, "\\S") != NULL)) {
		char *text CLEANUP_FREE = write_out(source);
		pcre2_code_free(code);
		code = compile(text, &error, &offset);
	}
	if (code == NULL) {
		PCRE2_UCHAR reason[160] = "";
		(void)pcre2_get_error_message(error, reason, sizeof(reason));
		*ret_sentence =
		        must_print("the pattern is no regular expression at its byte %zu: %s",
		                (size_t)offset, (const char *)reason);
		return NULL;
	}
	struct json_pattern *pattern = must_calloc(1, sizeof(*pattern));
	pattern->code = code;
	pattern->limits = make_limits();
	return pattern;
}

void json_pattern_destroy(struct json_pattern *pattern)
{
	if (pattern != NULL) {
		pcre2_code_free(pattern->code);
		pcre2_match_context_free(pattern->limits);
		free(pattern);
	}
}

enum json_match json_pattern_match(
        const struct json_pattern *pattern, const char *text, size_t size)
{
	pcre2_match_data *match CLEANUP(cleanup_match_data) =
	        must_have(pcre2_match_data_create(1, NULL));
	int status = pcre2_match(pattern->code, (PCRE2_SPTR)text, size, 0, PCRE2_NO_UTF_CHECK,
	        match, pattern->limits);
	if (status >= 0) {
		return JSON_MATCH_YES;
	}
	return status == PCRE2_ERROR_NOMATCH ? JSON_MATCH_NO : JSON_MATCH_TOO_COSTLY;
}
