/* SPDX-License-Identifier: MIT */
/* Reads a whole configuration file that is JSON, by the strict reader. */
#ifndef CORE_JSON_FILE_H
#define CORE_JSON_FILE_H

#include <jansson.h>

/*
 * The value in the file (at most 4 MiB), an owned reference; or NULL with one owned sentence that
 * names the file, and line and column where they tell something.
 */
json_t *json_file_read(const char *path, char **ret_sentence);
/* As above, of a text; where says in the sentence where it comes from. */
json_t *json_text_read(const char *text, const char *where, char **ret_sentence);

#endif
