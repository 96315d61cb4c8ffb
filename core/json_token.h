/* SPDX-License-Identifier: MIT */
/* Strings and numbers of a JSON text, for json_strict; the text is known to be UTF-8. */
#ifndef CORE_JSON_TOKEN_H
#define CORE_JSON_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/json_strict.h"

struct json_token_reader {
	const char *start; /* of the whole text */
	const char *at;
	const char *end;
	struct json_fault *fault; /* filled on refusal */
	char *scratch; /* owned; strings without their escapes */
	size_t scratch_size;
};

/* Borrowed until the next string is read; not terminated. */
struct json_token_text {
	const char *text;
	size_t size;
};

void json_token_reader_finish(struct json_token_reader *reader);

/* Reads the string that starts at the quotation mark under `at`; false if it is refused. */
bool json_token_string(struct json_token_reader *reader, struct json_token_text *ret_text);

/* Reads the number under `at` (a digit or "-"); an owned reference, NULL if it is refused. */
json_t *json_token_number(struct json_token_reader *reader);

/* Fills the fault with the place and the formatted sentence; returns NULL, always. */
void *json_token_refuse(struct json_token_reader *reader, const char *place, const char *format,
        ...) __attribute__((format(printf, 3, 4)));

#endif
