/* SPDX-License-Identifier: MIT */
/* Secrets that somebody has put where none belongs. */
#ifndef SUPPORT_BASE_SECRET_TEXT_H
#define SUPPORT_BASE_SECRET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* True for a connection string of Azure with its key or signature in it, and for what looks like
 * one. Needs _GNU_SOURCE. */
static inline bool secret_text_has_key(const char *text)
{
	static const char *const parts[] = {
		"AccessKey=", "AccountKey=", "Secret=", "AccessSignature="
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcasestr(text, parts[i]) != NULL) {
			return true;
		}
	}
	return false;
}

#endif
