/* SPDX-License-Identifier: MIT */
/* Strings of JSON texts, for json_slice alone. */
#ifndef CORE_JSON_SLICE_TEXT_H
#define CORE_JSON_SLICE_TEXT_H

/* At: the opening quotation mark. The byte behind the closing one; NULL: the string is not valid.
 * That the text is UTF-8 has been checked. */
const char *json_slice_text_check(const char *at, const char *end);
/* The same of a string that is valid. */
const char *json_slice_text_end(const char *at, const char *end);

#endif
