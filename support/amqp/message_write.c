/* SPDX-License-Identifier: MIT */
/* Writing messages section by section. */
#include "support/amqp/message.h"

void amqp_put_header(struct amqp_buffer *buffer, const struct amqp_header *header)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_HEADER);
	size_t mark = amqp_begin_list(buffer);
	amqp_put_boolean(buffer, header->is_durable);
	amqp_put_ubyte(buffer, header->priority);
	if (header->has_ttl) {
		amqp_put_uint(buffer, header->ttl_ms);
	} else {
		amqp_put_null(buffer);
	}
	amqp_put_boolean(buffer, header->is_first_acquirer);
	amqp_put_uint(buffer, header->delivery_count);
	amqp_end(buffer, mark, 5);
}

void amqp_put_data(struct amqp_buffer *buffer, struct amqp_bytes content)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_DATA);
	amqp_put_binary(buffer, content);
}

static void put_optional_string(struct amqp_buffer *buffer, struct amqp_bytes text)
{
	if (text.size != 0) {
		amqp_put_string(buffer, text);
	} else {
		amqp_put_null(buffer);
	}
}

static void put_properties(struct amqp_buffer *buffer, const struct amqp_draft *draft)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(buffer);
	put_optional_string(buffer, draft->message_id);
	amqp_put_null(buffer); /* user-id */
	put_optional_string(buffer, draft->to);
	put_optional_string(buffer, draft->subject);
	put_optional_string(buffer, draft->reply_to);
	put_optional_string(buffer, draft->correlation_id);
	if (draft->content_type.size != 0) {
		amqp_put_symbol(buffer, draft->content_type);
	} else {
		amqp_put_null(buffer);
	}
	amqp_end(buffer, mark, 7);
}

static void put_application_properties(struct amqp_buffer *buffer, const struct amqp_draft *draft)
{
	amqp_put_descriptor(buffer, AMQP_SECTION_APPLICATION_PROPERTIES);
	size_t mark = amqp_begin_map(buffer);
	for (size_t i = 0; i < draft->n_properties; i++) {
		const struct amqp_application_property *property = &draft->properties[i];
		amqp_put_string(buffer, property->name);
		if (property->is_number) {
			amqp_put_long(buffer, property->number);
		} else {
			amqp_put_string(buffer, property->text);
		}
	}
	amqp_end(buffer, mark, (uint32_t)(2 * draft->n_properties));
}

void amqp_message_write(struct amqp_buffer *buffer, const struct amqp_draft *draft)
{
	struct amqp_header header = {
		.is_durable = draft->is_durable,
		.priority = 4,
		.has_ttl = draft->ttl_ms != 0,
		.ttl_ms = draft->ttl_ms,
	};
	amqp_put_header(buffer, &header);
	put_properties(buffer, draft);
	if (draft->n_properties != 0) {
		put_application_properties(buffer, draft);
	}
	amqp_put_data(buffer, draft->body);
}
