/* SPDX-License-Identifier: MIT */
/* One payload an argument. What others write may carry more metadata than is read here. */
#include "plugins/workflow-temporal/payload.h"

#include <jansson.h>
#include <string.h>

#include "support/base/memory.h"

#define METADATA_MAX 3u /* encoding, message type, type of an attribute */

struct lucius_text text_of(const char *text)
{
	return (struct lucius_text){ text, text != NULL ? strlen(text) : 0 };
}

void duration_set(Wire__Duration *duration, uint64_t ms)
{
	duration->seconds = (int64_t)(ms / 1000);
	duration->nanos = (int32_t)(ms % 1000) * 1000000;
}

uint64_t duration_ms(const Wire__Duration *duration)
{
	if (duration == NULL || duration->seconds < 0 || duration->seconds > INT32_MAX ||
	        duration->nanos < 0) {
		return 0;
	}
	return (uint64_t)duration->seconds * 1000 + (uint64_t)duration->nanos / 1000000;
}

static Wire__MetadataEntry *metadata(struct pool *pool, const char *key, const char *value)
{
	Wire__MetadataEntry *entry = pool_take(pool, sizeof(*entry));
	wire__metadata_entry__init(entry);
	entry->key = (char *)(uintptr_t)key;
	entry->value.data = (uint8_t *)(uintptr_t)value;
	entry->value.len = strlen(value);
	return entry;
}

static Wire__Payload *make(
        struct pool *pool, struct lucius_text text, const char *encoding, const char *message_type)
{
	Wire__Payload *payload = pool_take(pool, sizeof(*payload));
	wire__payload__init(payload);
	payload->metadata = pool_take(pool, METADATA_MAX * sizeof(Wire__MetadataEntry *));
	payload->metadata[payload->n_metadata++] = metadata(pool, "encoding", encoding);
	if (message_type != NULL) {
		payload->metadata[payload->n_metadata++] =
		        metadata(pool, "messageType", message_type);
	}
	payload->data.data = (uint8_t *)(uintptr_t)text.data;
	payload->data.len = text.size;
	return payload;
}

Wire__Payloads *payload_encoded(
        struct pool *pool, struct lucius_text text, const char *encoding, const char *message_type)
{
	Wire__Payloads *payloads = pool_take(pool, sizeof(*payloads));
	wire__payloads__init(payloads);
	payloads->payloads = pool_take(pool, sizeof(Wire__Payload *));
	payloads->payloads[0] = make(pool, text, encoding, message_type);
	payloads->n_payloads = 1;
	return payloads;
}

Wire__Payloads *payload_json(struct pool *pool, struct lucius_text json)
{
	return payload_encoded(pool, json, "json/plain", NULL);
}

/* Not within a character. */
static size_t cut(struct lucius_text text, size_t most)
{
	size_t size = text.size;
	if (size > most) {
		size = most;
		while (size > 0 && ((unsigned char)text.data[size] & 0xc0u) == 0x80u) {
			size--;
		}
	}
	return size;
}

Wire__Payload *payload_string(struct pool *pool, struct lucius_text text, size_t most)
{
	json_t *string = json_stringn(text.size != 0 ? text.data : "", cut(text, most));
	char *json = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	struct lucius_text kept = text_of(json != NULL ? json : "\"\"");
	kept.data = pool_copy(pool, kept.data, kept.size);
	free(json);
	json_decref(string);
	return make(pool, kept, "json/plain", NULL);
}

Wire__Payload *payload_keyword(struct pool *pool, struct lucius_text text)
{
	Wire__Payload *payload = payload_string(pool, text, text.size);
	payload->metadata[payload->n_metadata++] = metadata(pool, "type", "Keyword");
	return payload;
}

static bool is_bytes(ProtobufCBinaryData bytes, const char *text)
{
	return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

bool payload_read(const Wire__Payloads *payloads, struct lucius_text *ret_json)
{
	*ret_json = (struct lucius_text){ "", 0 };
	if (payloads == NULL || payloads->n_payloads == 0) {
		return true;
	}
	const Wire__Payload *payload = payloads->payloads[0];
	for (size_t i = 0; i < payload->n_metadata; i++) {
		const Wire__MetadataEntry *entry = payload->metadata[i];
		if (strcmp(entry->key, "encoding") != 0) {
			continue;
		}
		if (is_bytes(entry->value, "binary/null")) {
			return true;
		}
		if (is_bytes(entry->value, "json/plain") ||
		        is_bytes(entry->value, "json/protobuf")) {
			*ret_json = (struct lucius_text){ (const char *)payload->data.data,
				payload->data.len };
			return true;
		}
		return false;
	}
	return payload->data.len == 0;
}
