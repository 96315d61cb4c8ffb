/* SPDX-License-Identifier: MIT */
/* SHA-256 of bytes as they pass, as lower-case hex. */
#ifndef CONSUMERS_HANDLERS_COMMON_DIGEST_H
#define CONSUMERS_HANDLERS_COMMON_DIGEST_H

#include "support/base/cleanup.h"

#include <stddef.h>

enum { DIGEST_TEXT_SIZE = 65 };

struct digest;

/* Never NULL. */
struct digest *digest_create(void);
void digest_destroy(struct digest *digest);

void digest_add(struct digest *digest, const void *bytes, size_t size);

/* Ends the sum; once only. */
void digest_text(struct digest *digest, char ret_text[static DIGEST_TEXT_SIZE]);

CLEANUP_DEFINE(struct digest *, digest, digest_destroy)

#endif
