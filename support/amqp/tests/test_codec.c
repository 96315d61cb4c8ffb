/* SPDX-License-Identifier: MIT */
/* Values and messages: written and read again, proton's own encodings, and malformed bytes. */
#include "support/amqp/guid.h"
#include "support/amqp/message.h"
#include "tests/support/suite.h"

#include <proton/message.h>
#include <stdlib.h>

#define BYTES(...) \
	amqp_bytes((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static struct amqp_value read_one(struct amqp_bytes bytes)
{
	struct amqp_reader reader = amqp_reader(bytes);
	struct amqp_value value = { .type = AMQP_NULL };
	CHECK(amqp_read(&reader, &value));
	CHECK(amqp_reader_is_empty(&reader));
	CHECK(amqp_bytes_equal(value.raw, bytes));
	return value;
}

static bool is_refused(struct amqp_bytes bytes)
{
	struct amqp_reader reader = amqp_reader(bytes);
	struct amqp_value value;
	bool is_read = amqp_read(&reader, &value);
	return !is_read && reader.at == amqp_reader(bytes).at;
}

static void numbers_of_every_width_are_read(void)
{
	CHECK_INT(read_one(BYTES(0x43)).unsigned_, 0);
	CHECK_INT(read_one(BYTES(0x44)).unsigned_, 0);
	CHECK_INT(read_one(BYTES(0x50, 0xff)).unsigned_, 255);
	CHECK_INT(read_one(BYTES(0x52, 0x80)).unsigned_, 128);
	CHECK_INT(read_one(BYTES(0x60, 1, 2)).unsigned_, 258);
	CHECK_INT(read_one(BYTES(0x70, 0x80, 1, 0x37, 0)).unsigned_, 0x80013700);
	CHECK_INT(read_one(BYTES(0x80, 0, 0, 0, 1, 0, 0, 0, 2)).unsigned_, 0x100000002);
	CHECK_INT(read_one(BYTES(0x51, 0xfe)).signed_, -2);
	CHECK_INT(read_one(BYTES(0x54, 0xca)).signed_, -54);
	CHECK_INT(read_one(BYTES(0x61, 0xff, 0xfe)).signed_, -2);
	CHECK_INT(read_one(BYTES(0x71, 0, 0, 1, 0x9a)).signed_, 410);
	CHECK_INT(
	        read_one(BYTES(0x83, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).signed_, -1);
	CHECK(read_one(BYTES(0x82, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)).floating == 1.5);
	CHECK(read_one(BYTES(0x72, 0x3f, 0xc0, 0, 0)).floating == 1.5);
	CHECK(read_one(BYTES(0x41)).boolean);
	CHECK(!read_one(BYTES(0x56, 0)).boolean);
	int64_t number = 0;
	struct amqp_value large = read_one(BYTES(0x80, 0x80, 0, 0, 0, 0, 0, 0, 0));
	CHECK(!amqp_value_to_int(&large, &number));
}

static void malformed_values_are_refused_and_nothing_is_taken(void)
{
	CHECK(is_refused(BYTES(0x50)));
	CHECK(is_refused(BYTES(0x56, 2)));
	CHECK(is_refused(BYTES(0x3f)));
	CHECK(is_refused(BYTES(0x4f)));
	CHECK(is_refused(BYTES(0xa1, 2, 'x')));
	CHECK(is_refused(BYTES(0xb1, 0xff, 0xff, 0xff, 0xff, 'x')));
	CHECK(is_refused(BYTES(0xc0, 0)));
	CHECK(is_refused(BYTES(0xc0, 2, 5, 0x40)));
	CHECK(is_refused(BYTES(0xc1, 2, 1, 0x40)));
	CHECK(is_refused(BYTES(0xd0, 0, 0, 0, 3, 0, 0, 0)));
	CHECK(is_refused(BYTES(0xe0, 1, 0)));
	CHECK(is_refused(BYTES(0x00)));
	CHECK(is_refused(BYTES(0x00, 0x53)));
	CHECK(is_refused(BYTES(0x00, 0x53, 0x73)));
	struct amqp_reader reader = amqp_reader(amqp_bytes(NULL, 0));
	struct amqp_value value;
	CHECK(!amqp_read(&reader, &value));
	CHECK(!amqp_skip(&reader));
}

static void deep_nesting_costs_no_stack(void)
{
	/* Lists within lists are bytes until somebody reads them; descriptors are bounded. */
	struct amqp_buffer buffer = { 0 };
	size_t marks[500];
	for (int i = 0; i < 500; i++) {
		marks[i] = amqp_begin_list(&buffer);
	}
	for (int i = 499; i >= 0; i--) {
		amqp_end(&buffer, marks[i], i == 499 ? 0 : 1);
	}
	CHECK_INT(read_one(amqp_buffer_bytes(&buffer)).count, 1);
	amqp_buffer_clear(&buffer);
	for (int i = 0; i < 1000; i++) {
		amqp_buffer_append(&buffer, "", 1);
	}
	CHECK(is_refused(amqp_buffer_bytes(&buffer)));
	amqp_buffer_finish(&buffer);
}

static void array_of_nothing_is_no_endless_one(void)
{
	/* A thousand million nulls, in seven bytes. */
	struct amqp_value array = read_one(BYTES(0xf0, 0, 0, 0, 5, 0x3b, 0x9a, 0xca, 0, 0x40));
	struct amqp_reader reader = amqp_reader(array.bytes);
	struct amqp_value element;
	CHECK(!amqp_read_element(&reader, array.element_code, &element));
}

static void what_is_written_is_read_again(void)
{
	struct amqp_buffer buffer = { 0 };
	char long_text[1000];
	memset(long_text, 'x', sizeof(long_text));
	amqp_put_null(&buffer);
	amqp_put_boolean(&buffer, true);
	amqp_put_uint(&buffer, 300);
	amqp_put_ulong(&buffer, UINT64_MAX);
	amqp_put_long(&buffer, -129);
	amqp_put_int(&buffer, 410);
	amqp_put_string(&buffer, amqp_bytes(long_text, sizeof(long_text)));
	amqp_put_symbol(&buffer, amqp_text("s"));
	struct amqp_reader reader = amqp_reader(amqp_buffer_bytes(&buffer));
	struct amqp_value value;
	CHECK(amqp_read(&reader, &value) && value.type == AMQP_NULL);
	CHECK(amqp_read(&reader, &value) && value.boolean);
	CHECK(amqp_read(&reader, &value) && value.unsigned_ == 300);
	CHECK(amqp_read(&reader, &value) && value.unsigned_ == UINT64_MAX);
	CHECK(amqp_read(&reader, &value) && value.signed_ == -129);
	CHECK(amqp_read(&reader, &value) && value.signed_ == 410 && value.code == 0x71);
	CHECK(amqp_read(&reader, &value) && value.bytes.size == 1000);
	CHECK(amqp_read(&reader, &value) && amqp_value_is_text(&value, "s"));
	CHECK(amqp_reader_is_empty(&reader));
	amqp_buffer_finish(&buffer);
}

static void maps_are_found_by_string_and_symbol(void)
{
	struct amqp_buffer buffer = { 0 };
	struct amqp_value found;
	size_t mark = amqp_begin_map(&buffer);
	amqp_put_symbol(&buffer, amqp_text("a"));
	amqp_put_int(&buffer, 1);
	amqp_put_string(&buffer, amqp_text("b"));
	amqp_put_int(&buffer, 2);
	amqp_end(&buffer, mark, 4);
	CHECK_INT(buffer.start[0], 0xc1); /* short maps get short heads */
	struct amqp_value map = read_one(amqp_buffer_bytes(&buffer));
	CHECK(amqp_map_find(&map, "a", &found) && found.signed_ == 1);
	CHECK(amqp_map_find(&map, "b", &found) && found.signed_ == 2);
	CHECK(!amqp_map_find(&map, "c", &found));
	amqp_buffer_finish(&buffer);
}

static void uuid_arrays_are_read_element_by_element(void)
{
	static const uint8_t uuids[2][16] = { { 1 }, { 2 } };
	struct amqp_buffer buffer = { 0 };
	struct amqp_value element;
	amqp_put_uuid_array(&buffer, uuids, 2);
	struct amqp_value array = read_one(amqp_buffer_bytes(&buffer));
	CHECK_INT(array.type, AMQP_ARRAY);
	CHECK_INT(array.count, 2);
	struct amqp_reader reader = amqp_reader(array.bytes);
	for (int i = 0; i < 2; i++) {
		CHECK(amqp_read_element(&reader, array.element_code, &element));
		CHECK_INT(element.type, AMQP_UUID);
		CHECK(amqp_bytes_equal(element.bytes, amqp_bytes(uuids[i], 16)));
	}
	CHECK(!amqp_read_element(&reader, array.element_code, &element));
	amqp_buffer_finish(&buffer);
}

static void lock_token_has_two_faces(void)
{
	/* tag 2c85d4a8 7fa2 06be 34a5… is uuid a8d4852c-a27f-be06-34a5-… */
	static const uint8_t tag[16] = { 0x2c, 0x85, 0xd4, 0xa8, 0x7f, 0xa2, 0x06, 0xbe, 0x34, 0xa5,
		1, 2, 3, 4, 5, 6 };
	static const uint8_t uuid[16] = { 0xa8, 0xd4, 0x85, 0x2c, 0xa2, 0x7f, 0xbe, 0x06, 0x34,
		0xa5, 1, 2, 3, 4, 5, 6 };
	uint8_t swapped[16];
	uint8_t back[16];
	amqp_guid_swap(tag, swapped);
	CHECK(memcmp(swapped, uuid, 16) == 0);
	amqp_guid_swap(swapped, back);
	CHECK(memcmp(back, tag, 16) == 0);
}

static void header_always_has_its_delivery_count(void)
{
	static const uint8_t expected[] = { 0x00, 0x53, 0x70, 0xc0, 0x07, 0x05, 0x42, 0x50, 0x04,
		0x40, 0x42, 0x43 };
	struct amqp_buffer buffer = { 0 };
	amqp_put_header(&buffer, &(struct amqp_header){ .priority = 4 });
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&buffer), amqp_bytes(expected, sizeof(expected))));
	amqp_buffer_finish(&buffer);
}

static struct amqp_draft sample_draft(void)
{
	static struct amqp_application_property properties[2];
	properties[0] = (struct amqp_application_property){ .name = amqp_text("service"),
		.text = amqp_text("platform-ocr") };
	properties[1] = (struct amqp_application_property){
		.name = amqp_text("lane"), .number = 7, .is_number = true
	};
	return (struct amqp_draft){
		.is_durable = true,
		.ttl_ms = 900000,
		.message_id = amqp_text("job:ocr:1"),
		.subject = amqp_text("OCR"),
		.correlation_id = amqp_text("c"),
		.content_type = amqp_text("application/json"),
		.properties = properties,
		.n_properties = 2,
		.body = amqp_text("{\"type\":\"DIRECTIVE\"}"),
	};
}

static void written_message_is_taken_apart_again(void)
{
	struct amqp_buffer buffer = { 0 };
	struct amqp_buffer scratch = { 0 };
	struct amqp_draft draft = sample_draft();
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_value value;
	struct amqp_bytes body;
	amqp_message_write(&buffer, &draft);
	CHECK(amqp_message_parse(amqp_buffer_bytes(&buffer), &message));
	CHECK(message.header.is_durable);
	CHECK(message.header.has_ttl);
	CHECK_INT(message.header.ttl_ms, 900000);
	CHECK(amqp_properties_parse(message.properties, &properties));
	CHECK(amqp_value_is_text(&properties.at[AMQP_MESSAGE_ID], "job:ocr:1"));
	CHECK(amqp_value_is_text(&properties.at[AMQP_CONTENT_TYPE], "application/json"));
	CHECK_INT(properties.at[AMQP_TO].type, AMQP_NULL);
	CHECK_INT(properties.at[AMQP_GROUP_ID].type, AMQP_NULL);
	CHECK(amqp_section_find(message.application_properties, "lane", &value));
	CHECK_INT(value.signed_, 7);
	CHECK(amqp_message_read_body(&message, &scratch, &body));
	CHECK(amqp_bytes_equal(body, draft.body));
	CHECK(message.bare.start == message.properties.start);
	CHECK(message.bare.start + message.bare.size == buffer.start + buffer.size);
	amqp_buffer_finish(&buffer);
	amqp_buffer_finish(&scratch);
}

static void proton_reads_what_we_write(void)
{
	struct amqp_buffer buffer = { 0 };
	struct amqp_draft draft = sample_draft();
	amqp_message_write(&buffer, &draft);
	pn_message_t *message = pn_message();
	CHECK_INT(pn_message_decode(message, (const char *)buffer.start, buffer.size), 0);
	CHECK_TEXT(pn_message_get_subject(message), "OCR");
	CHECK_TEXT(pn_message_get_content_type(message), "application/json");
	CHECK_INT(pn_message_get_ttl(message), 900000);
	CHECK(pn_message_is_durable(message));
	pn_message_free(message);
	amqp_buffer_finish(&buffer);
}

static void we_read_what_proton_writes(void)
{
	char encoded[1000];
	size_t size = sizeof(encoded);
	pn_message_t *written = pn_message();
	(void)pn_message_set_subject(written, "ACK");
	(void)pn_message_set_durable(written, true);
	(void)pn_data_put_string(pn_message_body(written), pn_bytes(5, "hello"));
	CHECK_INT(pn_message_encode(written, encoded, &size), 0);
	pn_message_free(written);
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_buffer scratch = { 0 };
	struct amqp_bytes body;
	CHECK(amqp_message_parse(amqp_bytes(encoded, size), &message));
	CHECK(message.header.is_durable);
	CHECK(amqp_properties_parse(message.properties, &properties));
	CHECK(amqp_value_is_text(&properties.at[AMQP_SUBJECT], "ACK"));
	CHECK(amqp_message_read_body(&message, &scratch, &body)); /* a value section */
	CHECK(amqp_bytes_is(body, "hello"));
	amqp_buffer_finish(&scratch);
}

static void sections_that_clients_send_are_all_taken(void)
{
	/* Empty annotations (map32 too), a user-id of no bytes, two data sections, an empty footer.
	 */
	struct amqp_bytes encoded = BYTES(0x00, 0x53, 0x71, 0xc1, 1, 0, /* delivery annotations */
	        0x00, 0x53, 0x72, 0xd1, 0, 0, 0, 4, 0, 0, 0, 0, /* message annotations */
	        0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x73, 0xc0, 4, 2, 0x40, 0xa0, 0, /* properties */
	        0x00, 0x53, 0x75, 0xa0, 2, 'a', 'b', 0x00, 0x53, 0x75, 0xa0, 1, 'c', /* data */
	        0x00, 0x53, 0x78, 0xc1, 1, 0); /* footer */
	struct amqp_message message;
	struct amqp_buffer scratch = { 0 };
	struct amqp_bytes body;
	CHECK(amqp_message_parse(encoded, &message));
	CHECK_INT(message.header.priority, 4);
	CHECK(amqp_message_read_body(&message, &scratch, &body));
	CHECK(amqp_bytes_is(body, "abc"));
	CHECK_INT(message.footer.size, 6);
	CHECK_INT(message.bare.size, encoded.size - 18);
	amqp_buffer_finish(&scratch);
}

static void batch_is_unpacked_message_by_message(void)
{
	struct amqp_buffer buffer = { 0 };
	struct amqp_message message;
	struct amqp_bytes content;
	amqp_put_data(&buffer, amqp_text("one"));
	amqp_put_data(&buffer, amqp_text("two"));
	CHECK(amqp_message_parse(amqp_buffer_bytes(&buffer), &message));
	struct amqp_reader reader = amqp_reader(message.body);
	CHECK(amqp_body_next_data(&reader, &content) && amqp_bytes_is(content, "one"));
	CHECK(amqp_body_next_data(&reader, &content) && amqp_bytes_is(content, "two"));
	CHECK(!amqp_body_next_data(&reader, &content));
	amqp_buffer_finish(&buffer);
}

static void malformed_messages_are_refused(void)
{
	struct amqp_message message;
	/* nothing; no section; a section twice; wrong order; wrong kinds; two kinds of body */
	CHECK(!amqp_message_parse(amqp_bytes(NULL, 0), &message));
	CHECK(!amqp_message_parse(BYTES(0x40), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x70, 0x45, 0x00, 0x53, 0x70, 0x45), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x73, 0x45, 0x00, 0x53, 0x70, 0x45), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x75, 0x40), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x74, 0x45), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x79, 0x45), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x70, 0xc0, 2, 1, 0x43), &message));
	CHECK(!amqp_message_parse(
	        BYTES(0x00, 0x53, 0x75, 0xa0, 0, 0x00, 0x53, 0x77, 0x40), &message));
	CHECK(!amqp_message_parse(BYTES(0x00, 0x53, 0x77, 0x40, 0x00), &message));
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Walks everything that a parsed message offers; the sanitizers watch. */
static void look_everywhere(struct amqp_bytes encoded)
{
	struct amqp_message message;
	struct amqp_properties properties;
	struct amqp_value value;
	struct amqp_value map;
	struct amqp_buffer scratch = { 0 };
	struct amqp_bytes body;
	if (!amqp_message_parse(encoded, &message)) {
		return;
	}
	(void)amqp_properties_parse(message.properties, &properties);
	(void)amqp_section_find(message.application_properties, "lane", &value);
	(void)amqp_section_find(message.message_annotations, "x-opt-locked-until", &value);
	(void)amqp_section_map(message.application_properties, &map);
	(void)amqp_message_read_body(&message, &scratch, &body);
	amqp_buffer_finish(&scratch);
}

static void mutated_messages_never_lead_astray(void)
{
	struct amqp_buffer seed = { 0 };
	struct amqp_draft draft = sample_draft();
	uint32_t state = 20260101;
	amqp_message_write(&seed, &draft);
	for (int round = 0; round < 20000; round++) {
		/* Of its exact size on the heap, so that a read beyond it is seen. */
		size_t size = next_random(&state) % (seed.size + 1);
		size = round % 2 == 0 ? seed.size : size;
		uint8_t *copy = malloc(size != 0 ? size : 1);
		memcpy(copy, seed.start, size);
		for (uint32_t n = next_random(&state) % 8; n > 0 && size > 0; n--) {
			copy[next_random(&state) % size] = (uint8_t)next_random(&state);
		}
		look_everywhere(amqp_bytes(copy, size));
		free(copy);
	}
	amqp_buffer_finish(&seed);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(numbers_of_every_width_are_read),
		SUITE_TEST(malformed_values_are_refused_and_nothing_is_taken),
		SUITE_TEST(deep_nesting_costs_no_stack),
		SUITE_TEST(array_of_nothing_is_no_endless_one),
		SUITE_TEST(what_is_written_is_read_again),
		SUITE_TEST(maps_are_found_by_string_and_symbol),
		SUITE_TEST(uuid_arrays_are_read_element_by_element),
		SUITE_TEST(lock_token_has_two_faces),
		SUITE_TEST(header_always_has_its_delivery_count),
		SUITE_TEST(written_message_is_taken_apart_again),
		SUITE_TEST(proton_reads_what_we_write),
		SUITE_TEST(we_read_what_proton_writes),
		SUITE_TEST(sections_that_clients_send_are_all_taken),
		SUITE_TEST(batch_is_unpacked_message_by_message),
		SUITE_TEST(malformed_messages_are_refused),
		SUITE_TEST(mutated_messages_never_lead_astray),
	};
	return suite_run("amqp codec", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
