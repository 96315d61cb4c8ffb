/* SPDX-License-Identifier: MIT */
/* The traceparent header of W3C Trace Context: checked, taken over, made. */
#ifndef CORE_TRACEPARENT_H
#define CORE_TRACEPARENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TRACEPARENT_SIZE = 56, /* 55 characters and a zero */
	TRACEPARENT_RANDOM_SIZE = 24 /* trace id and parent id */
};

/*
 * Takes over what another party sent: true with *ret_text in version 00's form (a later version is
 * read as its first 55 characters, as the standard asks), false if it is malformed.
 */
bool traceparent_read(const char *text, char ret_text[TRACEPARENT_SIZE]);

/* Makes a new one, sampled, out of random bytes. */
void traceparent_make(
        const uint8_t random[TRACEPARENT_RANDOM_SIZE], char ret_text[TRACEPARENT_SIZE]);

#endif
