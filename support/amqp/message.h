/* SPDX-License-Identifier: MIT */
/*
 * AMQP 1.0 messages ("Message Format", 3.2) without an object model: an encoded message is split
 * into its sections in one pass, and new ones are written section by section. A broker keeps the
 * bare message as it came and writes only header and annotations anew.
 */
#ifndef SUPPORT_AMQP_MESSAGE_H
#define SUPPORT_AMQP_MESSAGE_H

#include "support/amqp/decode.h"
#include "support/amqp/encode.h"

#define AMQP_SECTION_HEADER 0x70
#define AMQP_SECTION_DELIVERY_ANNOTATIONS 0x71
#define AMQP_SECTION_MESSAGE_ANNOTATIONS 0x72
#define AMQP_SECTION_PROPERTIES 0x73
#define AMQP_SECTION_APPLICATION_PROPERTIES 0x74
#define AMQP_SECTION_DATA 0x75
#define AMQP_SECTION_SEQUENCE 0x76
#define AMQP_SECTION_VALUE 0x77
#define AMQP_SECTION_FOOTER 0x78

/* transfer.message-format of a batch: data sections that each hold one encoded message. */
#define AMQP_FORMAT_BATCH UINT32_C(0x80013700)

struct amqp_header {
	bool is_durable;
	uint8_t priority; /* 4 where it is not given */
	bool has_ttl;
	uint32_t ttl_ms;
	bool is_first_acquirer;
	uint32_t delivery_count;
};

/* An encoded message taken apart; all bytes are borrowed from it. A section that is missing has
 * size 0; sections are whole, with their descriptor, and the values are what they describe. */
struct amqp_message {
	struct amqp_bytes whole;
	struct amqp_header header; /* defaults if there is none */
	struct amqp_bytes delivery_annotations; /* section */
	struct amqp_bytes message_annotations; /* section */
	struct amqp_bytes bare; /* properties to footer, as they came */
	struct amqp_bytes properties; /* section */
	struct amqp_bytes application_properties; /* section */
	struct amqp_bytes body; /* all body sections */
	struct amqp_bytes footer; /* section */
};

/* False: malformed (unknown or repeated sections, wrong order, bytes left over). An empty run of
 * bytes is malformed too. */
bool amqp_message_parse(struct amqp_bytes encoded, struct amqp_message *ret_message);

/* The map that an annotations or application-properties section holds; false if it is missing,
 * holds something else, or its entries are malformed. */
bool amqp_section_map(struct amqp_bytes section, struct amqp_value *ret_map);
/* The same of a section that was found to be one before: its entries are not looked at. */
bool amqp_section_map_again(struct amqp_bytes section, struct amqp_value *ret_map);

/* Shorthand: looks a key up in the map of a section. */
bool amqp_section_find(struct amqp_bytes section, const char *key, struct amqp_value *ret_value);

enum amqp_property {
	AMQP_MESSAGE_ID,
	AMQP_USER_ID,
	AMQP_TO,
	AMQP_SUBJECT,
	AMQP_REPLY_TO,
	AMQP_CORRELATION_ID,
	AMQP_CONTENT_TYPE,
	AMQP_CONTENT_ENCODING,
	AMQP_ABSOLUTE_EXPIRY_TIME,
	AMQP_CREATION_TIME,
	AMQP_GROUP_ID,
	AMQP_GROUP_SEQUENCE,
	AMQP_REPLY_TO_GROUP_ID,
	AMQP_N_PROPERTIES,
};
/* Missing ones are AMQP_NULL. */
struct amqp_properties {
	struct amqp_value at[AMQP_N_PROPERTIES];
};
/* An empty section gives all AMQP_NULL and true; false: malformed. */
bool amqp_properties_parse(struct amqp_bytes section, struct amqp_properties *ret_properties);

/*
 * The content of the body: data sections one behind the other, or the value of a value section that
 * is a binary or a string. One data section is given in place; several are joined in `scratch`.
 * False: another kind of body, or none.
 */
bool amqp_message_read_body(const struct amqp_message *message, struct amqp_buffer *scratch,
        struct amqp_bytes *ret_body);

/* The next data section of a body, for batches; start with amqp_reader(message.body). False at the
 * end and at anything that is no data section. */
bool amqp_body_next_data(struct amqp_reader *reader, struct amqp_bytes *ret_content);

/* The header with every field, the delivery count also when it is 0. */
void amqp_put_header(struct amqp_buffer *buffer, const struct amqp_header *header);
void amqp_put_data(struct amqp_buffer *buffer, struct amqp_bytes content);

/* One application property: a string, or a long where is_number. */
struct amqp_application_property {
	struct amqp_bytes name;
	struct amqp_bytes text;
	int64_t number;
	bool is_number;
};

/* What a message to be sent holds; texts of size 0 are left out. */
struct amqp_draft {
	bool is_durable;
	uint32_t ttl_ms; /* 0: none */
	struct amqp_bytes message_id;
	struct amqp_bytes to;
	struct amqp_bytes subject;
	struct amqp_bytes reply_to;
	struct amqp_bytes correlation_id;
	struct amqp_bytes content_type;
	const struct amqp_application_property *properties;
	size_t n_properties;
	struct amqp_bytes body; /* one data section */
};
/* Appends the encoded message. */
void amqp_message_write(struct amqp_buffer *buffer, const struct amqp_draft *draft);

#endif
