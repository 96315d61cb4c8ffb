/* SPDX-License-Identifier: MIT */
/*
 * Messages as a peer of the bus may send them. What is taken apart must lie within the bytes, be in
 * order, and be the same after it has been put together again.
 */
#include <stdlib.h>

#include "support/amqp/message.h"
#include "tests/fuzz/fuzz.h"

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static void must_be_within(struct amqp_bytes part, struct amqp_bytes whole)
{
	must(part.size == 0 ||
	        (part.start >= whole.start && part.start + part.size <= whole.start + whole.size));
}

static void walk_map(struct amqp_bytes section)
{
	struct amqp_value map;
	struct amqp_value key;
	struct amqp_value value;
	if (section.size == 0 || !amqp_section_map(section, &map)) {
		return;
	}
	struct amqp_reader reader = amqp_reader(map.bytes);
	uint32_t n = 0;
	while (amqp_map_next(&reader, &key, &value)) {
		must_be_within(key.raw, section);
		must_be_within(value.raw, section);
		n += 2;
	}
	must(n == map.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct amqp_message message;
	struct amqp_message again;
	struct amqp_properties properties;
	struct amqp_buffer scratch = { 0 };
	struct amqp_bytes body;
	struct amqp_bytes whole = amqp_bytes(bytes, size);
	if (!amqp_message_parse(whole, &message)) {
		return 0;
	}
	must_be_within(message.bare, whole);
	must_be_within(message.body, message.bare);
	walk_map(message.application_properties);
	walk_map(message.message_annotations);
	walk_map(message.delivery_annotations);
	walk_map(message.footer);
	if (amqp_properties_parse(message.properties, &properties)) {
		for (int i = 0; i < AMQP_N_PROPERTIES; i++) {
			must_be_within(properties.at[i].raw, message.properties);
		}
	}
	bool has_body = amqp_message_read_body(&message, &scratch, &body);
	must(!has_body || body.size <= message.body.size);
	amqp_buffer_clear(&scratch);
	/* As a broker sends it on: a header of its own, the bare message as it came. */
	amqp_put_header(&scratch, &message.header);
	amqp_buffer_append(&scratch, message.bare.start, message.bare.size);
	must(amqp_message_parse(amqp_buffer_bytes(&scratch), &again));
	must(again.header.delivery_count == message.header.delivery_count);
	must(amqp_bytes_equal(again.bare, message.bare));
	amqp_buffer_finish(&scratch);
	return 0;
}
