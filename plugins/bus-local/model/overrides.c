/* SPDX-License-Identifier: MIT */
/* A handful of entries at most, so that each change writes all of them anew. */
#include "plugins/bus-local/model/overrides.h"

#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct overrides *overrides_create(void)
{
	return must_calloc(1, sizeof(struct overrides));
}

void overrides_destroy(struct overrides *overrides)
{
	if (overrides != NULL) {
		amqp_buffer_finish(&overrides->entries);
		free(overrides);
	}
}

static bool is_named(const struct amqp_value *key, struct amqp_bytes name)
{
	bool is_text = key->type == AMQP_STRING || key->type == AMQP_SYMBOL;
	return is_text && amqp_bytes_equal(key->bytes, name);
}

/* Copies the entries of a map but the one of that name; returns how many keys and values. */
static uint32_t put_others(
        struct amqp_buffer *buffer, struct amqp_bytes entries, struct amqp_bytes name)
{
	struct amqp_reader reader = amqp_reader(entries);
	struct amqp_value key;
	struct amqp_value value;
	uint32_t n = 0;
	while (amqp_map_next(&reader, &key, &value)) {
		if (!is_named(&key, name)) {
			amqp_buffer_append(buffer, key.raw.start, key.raw.size);
			amqp_buffer_append(buffer, value.raw.start, value.raw.size);
			n += 2;
		}
	}
	return n;
}

bool overrides_set(
        struct overrides *overrides, struct amqp_bytes name, const struct amqp_value *value)
{
	struct amqp_buffer entries = { 0 };
	uint32_t n = put_others(&entries, amqp_buffer_bytes(&overrides->entries), name);
	amqp_put_string(&entries, name);
	amqp_buffer_append(&entries, value->raw.start, value->raw.size);
	if (entries.size > OVERRIDES_MAX_SIZE) {
		amqp_buffer_finish(&entries);
		return false;
	}
	amqp_buffer_finish(&overrides->entries);
	overrides->entries = entries;
	overrides->n = n + 2;
	return true;
}

bool overrides_set_text(struct overrides *overrides, struct amqp_bytes name, struct amqp_bytes text)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	amqp_put_string(&encoded, text);
	struct amqp_value value = { .type = AMQP_STRING, .raw = amqp_buffer_bytes(&encoded) };
	return overrides_set(overrides, name, &value);
}

static bool changes(const struct overrides *overrides, const struct amqp_value *key)
{
	struct amqp_reader reader = amqp_reader(amqp_buffer_bytes(&overrides->entries));
	struct amqp_value name;
	struct amqp_value value;
	while (amqp_map_next(&reader, &name, &value)) {
		if (is_named(key, name.bytes)) {
			return true;
		}
	}
	return false;
}

void overrides_put_section(const struct overrides *overrides, struct amqp_bytes old_section,
        struct amqp_buffer *buffer)
{
	struct amqp_value old;
	uint32_t n = overrides->n;
	amqp_put_descriptor(buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
	size_t mark = amqp_begin_map(buffer);
	if (old_section.size != 0 && amqp_section_map(old_section, &old)) {
		struct amqp_reader reader = amqp_reader(old.bytes);
		struct amqp_value key;
		struct amqp_value value;
		while (amqp_map_next(&reader, &key, &value)) {
			if (!changes(overrides, &key)) {
				amqp_buffer_append(buffer, key.raw.start, key.raw.size);
				amqp_buffer_append(buffer, value.raw.start, value.raw.size);
				n += 2;
			}
		}
	}
	amqp_buffer_append(buffer, overrides->entries.start, overrides->entries.size);
	amqp_end(buffer, mark, n);
}
