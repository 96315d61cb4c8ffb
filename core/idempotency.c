/* SPDX-License-Identifier: MIT */
/* The seven members are written in their sorted order at once, so that no tree is built for them.
 */
#include "core/idempotency.h"

#include <openssl/evp.h>
#include <stdbool.h>

#include "core/canonical.h"
#include "core/json_kind.h"
#include "support/base/memory.h"

enum { DIGEST_SIZE = 32 };

/* Looked up once: by name it costs more than hashing a usual request. */
static const EVP_MD *digest_algorithm(void)
{
	static EVP_MD *algorithm;
	if (algorithm == NULL) {
		algorithm = must_have(EVP_MD_fetch(NULL, "SHA256", NULL));
	}
	return algorithm;
}

static void write_optional_text(struct json_writer *writer, const char *name, const char *text)
{
	if (text != NULL) {
		json_writer_string_member(writer, name, text);
	}
}

static void write_optional_json(struct json_writer *writer, const char *name, const json_t *value)
{
	if (value != NULL && !json_kind_is(value, JSON_NULL)) {
		json_writer_name(writer, name);
		canonical_write(writer, value);
	}
}

static void write_input(struct json_writer *writer, const struct idempotency_input *input)
{
	json_writer_begin_object(writer);
	write_optional_text(writer, "doc_id", input->doc_id);
	write_optional_json(writer, "input_ref", input->input_ref);
	write_optional_json(writer, "output_ref", input->output_ref);
	write_optional_json(writer, "payload", input->payload);
	write_optional_text(writer, "request_type", input->request_type);
	write_optional_text(writer, "schema_version", input->schema_version);
	write_optional_text(writer, "tenant_id", input->tenant_id);
	json_writer_end_object(writer);
}

/* One for all, as its making costs as much as hashing a usual request does. */
static void digest(const struct json_writer *writer, unsigned char ret_digest[DIGEST_SIZE])
{
	static EVP_MD_CTX *hashing;
	unsigned size = 0;
	if (hashing == NULL) {
		hashing = must_have(EVP_MD_CTX_new());
	}
	bool is_done = EVP_DigestInit_ex2(hashing, digest_algorithm(), NULL) == 1 &&
	        EVP_DigestUpdate(hashing, writer->text, writer->size) == 1 &&
	        EVP_DigestFinal_ex(hashing, ret_digest, &size) == 1;
	(void)must_have(is_done && size == DIGEST_SIZE ? ret_digest : NULL);
}

void idempotency_hash(const struct idempotency_input *input, char ret_hash[IDEMPOTENCY_HASH_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	struct json_writer writer CLEANUP_JSON_WRITER = { .is_ascii = true };
	write_input(&writer, input);
	unsigned char bytes[DIGEST_SIZE];
	digest(&writer, bytes);
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret_hash[2 * i] = hex[bytes[i] >> 4];
		ret_hash[2 * i + 1] = hex[bytes[i] & 15];
	}
	ret_hash[IDEMPOTENCY_HASH_SIZE - 1] = '\0';
}
