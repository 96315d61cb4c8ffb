/* SPDX-License-Identifier: MIT */
/* Text from outside made fit for a line of log or JSON, and allocation that cannot be refused. */
#ifndef CONSUMERS_COMMON_TEXT_H
#define CONSUMERS_COMMON_TEXT_H

#include <stddef.h>

/* Says that memory is used up and aborts; for libraries that only say so. */
__attribute__((noreturn)) void text_abort_no_memory(void);

/* Copies, owned by the caller; never NULL. */
char *text_copy(const char *text);
__attribute__((format(printf, 1, 2))) char *text_format(const char *format, ...);

/*
 * The length in bytes of the UTF-8 sequence that begins at text (1..4), 0 if there is no valid
 * one within size bytes (overlong forms and surrogates are not valid, RFC 3629).
 */
size_t text_utf8_length(const char *text, size_t size);

/* Puts a space for each control character and `?` for each byte that is not UTF-8, in place. */
void text_make_printable(char *text);

/* The last line of text that is not blank, a copy owned by the caller ("" if there is none). */
char *text_last_line(const char *text, size_t size);

#endif
