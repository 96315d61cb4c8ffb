/* SPDX-License-Identifier: MIT */
/* SHA-256 by OpenSSL; see digest.h. */
#include "consumers/handlers/common/digest.h"

#include "consumers/common/text.h"
#include "support/base/memory.h"

#include <openssl/evp.h>
#include <stdio.h>

struct digest {
	EVP_MD_CTX *state;
};

struct digest *digest_create(void)
{
	struct digest *digest = must_calloc(1, sizeof(*digest));
	digest->state = EVP_MD_CTX_new();
	if (digest->state == NULL || EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL) != 1) {
		text_abort_no_memory();
	}
	return digest;
}

void digest_destroy(struct digest *digest)
{
	if (digest != NULL) {
		EVP_MD_CTX_free(digest->state);
		free(digest);
	}
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
	if (EVP_DigestUpdate(digest->state, bytes, size) != 1) {
		text_abort_no_memory();
	}
}

void digest_text(struct digest *digest, char ret_text[static DIGEST_TEXT_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	if (EVP_DigestFinal_ex(digest->state, sum, &size) != 1) {
		text_abort_no_memory();
	}
	for (unsigned int i = 0; i < size && i * 2 + 2 < DIGEST_TEXT_SIZE; i++) {
		(void)snprintf(ret_text + (size_t)i * 2, 3, "%02x", sum[i]);
	}
}
