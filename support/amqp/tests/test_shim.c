/* SPDX-License-Identifier: MIT */
/* Frames as proton writes them become frames as clients expect them, and the other way round. */
#include "support/amqp/shim.h"

#include "support/amqp/decode.h"
#include "support/amqp/encode.h"
#include "tests/support/suite.h"

#include <stdlib.h>

#define LIMIT 1024

/* A frame on channel 1: performative, its fields (encoded by the caller), payload. */
struct frame {
	uint8_t performative;
	uint32_t count;
	struct amqp_buffer fields;
	struct amqp_bytes payload;
};

static struct amqp_buffer make_frame(struct frame *frame)
{
	struct amqp_buffer out = { 0 };
	amqp_buffer_append(&out, "\0\0\0\0\2\0\0\1", 8);
	amqp_put_descriptor(&out, frame->performative);
	size_t mark = amqp_begin_list(&out);
	amqp_buffer_append(&out, frame->fields.start, frame->fields.size);
	amqp_end(&out, mark, frame->count);
	amqp_buffer_append(&out, frame->payload.start, frame->payload.size);
	out.start[2] = (uint8_t)(out.size >> 8);
	out.start[3] = (uint8_t)out.size;
	amqp_buffer_finish(&frame->fields);
	return out;
}

static struct amqp_buffer transfer(
        struct amqp_bytes tag, uint32_t format, struct amqp_bytes payload)
{
	struct frame frame = { .performative = 0x14, .count = 4, .payload = payload };
	amqp_put_uint(&frame.fields, 3); /* handle */
	amqp_put_uint(&frame.fields, 4711); /* delivery-id */
	amqp_put_binary(&frame.fields, tag);
	amqp_put_uint(&frame.fields, format);
	return make_frame(&frame);
}

/* A frame taken apart again. */
struct seen {
	uint64_t performative;
	struct amqp_value fields[16];
	uint32_t count;
	struct amqp_bytes payload;
	bool is_list8;
};

static struct seen look_at(struct amqp_bytes frame)
{
	struct seen seen = { 0 };
	CHECK(frame.size >= 8);
	CHECK_INT(frame.start[2] << 8 | frame.start[3], frame.size);
	struct amqp_reader reader = amqp_reader(amqp_bytes(frame.start + 8, frame.size - 8));
	struct amqp_value list = { .type = AMQP_NULL };
	CHECK(amqp_read_described(&reader, &seen.performative, &list));
	CHECK_INT(list.type, AMQP_LIST);
	seen.is_list8 = list.code == 0xc0;
	seen.count = list.count;
	seen.payload = amqp_bytes(reader.at, (size_t)(reader.end - reader.at));
	struct amqp_reader fields = amqp_reader(list.bytes);
	for (uint32_t i = 0; i < list.count && i < 16; i++) {
		CHECK(amqp_read(&fields, &seen.fields[i]));
	}
	CHECK(amqp_reader_is_empty(&fields));
	return seen;
}

static void start(struct amqp_shim *shim)
{
	struct amqp_buffer out = { 0 };
	uint8_t header[8 + AMQP_SHIM_ROOM];
	amqp_shim_init(shim, LIMIT);
	CHECK_INT(amqp_shim_measure(shim, amqp_bytes("AMQP\0\1\0", 8)), 8);
	CHECK_INT(amqp_shim_in(shim, amqp_bytes("AMQP\0\1\0", 8), header), 8);
	amqp_shim_out(shim, amqp_bytes("AMQP\0\1\0", 8), &out);
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&out), amqp_bytes("AMQP\0\1\0", 8)));
	amqp_buffer_finish(&out);
}

static struct amqp_buffer send_out(struct amqp_shim *shim, struct amqp_buffer frame)
{
	struct amqp_buffer out = { 0 };
	amqp_shim_out(shim, amqp_buffer_bytes(&frame), &out);
	amqp_buffer_finish(&frame);
	return out;
}

/* Into a block of just the size that is promised. */
static struct amqp_buffer take_in(struct amqp_shim *shim, struct amqp_buffer frame)
{
	struct amqp_buffer in = { 0 };
	uint8_t *room = malloc(frame.size + AMQP_SHIM_ROOM);
	size_t size = amqp_shim_in(shim, amqp_buffer_bytes(&frame), room);
	amqp_buffer_append(&in, room, size);
	free(room);
	amqp_buffer_finish(&frame);
	return in;
}

static void performatives_get_all_their_fields(void)
{
	static const struct {
		uint8_t performative;
		uint32_t sent;
		uint32_t full;
	} cases[] = { { 0x10, 3, 10 }, { 0x11, 4, 8 }, { 0x12, 14, 14 }, { 0x13, 9, 11 },
		{ 0x14, 4, 11 }, { 0x15, 5, 6 }, { 0x16, 2, 3 }, { 0x17, 0, 1 }, { 0x18, 0, 1 } };
	struct amqp_shim shim;
	start(&shim);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame frame = { .performative = cases[i].performative,
			.count = cases[i].sent };
		for (uint32_t n = 0; n < frame.count; n++) {
			amqp_put_uint(&frame.fields, n);
		}
		struct amqp_buffer out = send_out(&shim, make_frame(&frame));
		struct seen seen = look_at(amqp_buffer_bytes(&out));
		CHECK_INT(seen.performative, cases[i].performative);
		CHECK_INT(seen.count, cases[i].full);
		CHECK(seen.is_list8);
		if (cases[i].performative == 0x11) {
			CHECK_INT(seen.fields[4].unsigned_, 255); /* handle-max */
		}
		amqp_buffer_finish(&out);
	}
	amqp_shim_finish(&shim);
}

static void empty_list_becomes_a_list_of_one(void)
{
	static const uint8_t end[] = { 0, 0, 0, 12, 2, 0, 0, 1, 0x00, 0x53, 0x17, 0x45 };
	static const uint8_t expected[] = { 0, 0, 0, 15, 2, 0, 0, 1, 0x00, 0x53, 0x17, 0xc0, 2, 1,
		0x40 };
	struct amqp_shim shim;
	struct amqp_buffer out = { 0 };
	start(&shim);
	amqp_shim_out(&shim, amqp_bytes(end, sizeof(end)), &out);
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&out), amqp_bytes(expected, sizeof(expected))));
	amqp_buffer_finish(&out);
	amqp_shim_finish(&shim);
}

static void list_that_outgrows_its_short_head_gets_a_long_one(void)
{
	struct amqp_shim shim;
	char text[248];
	memset(text, 'x', sizeof(text));
	start(&shim);
	struct frame frame = { .performative = 0x11, .count = 2 };
	amqp_put_string(&frame.fields, amqp_bytes(text, sizeof(text)));
	amqp_put_null(&frame.fields);
	struct amqp_buffer out = send_out(&shim, make_frame(&frame));
	struct seen seen = look_at(amqp_buffer_bytes(&out));
	CHECK_INT(seen.count, 8);
	CHECK(!seen.is_list8);
	amqp_buffer_finish(&out);
	amqp_shim_finish(&shim);
}

static void frame_in_pieces_is_written_when_it_is_whole(void)
{
	struct amqp_shim shim;
	struct amqp_buffer out = { 0 };
	struct amqp_bytes tag = amqp_bytes("\0tag", 4);
	start(&shim);
	struct amqp_buffer once = send_out(&shim, transfer(tag, 0, amqp_text("payload")));
	struct amqp_buffer frame = transfer(tag, 0, amqp_text("payload"));
	for (size_t i = 0; i < frame.size; i++) {
		CHECK_INT(out.size, 0);
		amqp_shim_out(&shim, amqp_bytes(frame.start + i, 1), &out);
	}
	CHECK(amqp_bytes_equal(amqp_buffer_bytes(&out), amqp_buffer_bytes(&once)));
	amqp_buffer_finish(&frame);
	amqp_buffer_finish(&once);
	amqp_buffer_finish(&out);
	amqp_shim_finish(&shim);
}

static void mark_of_an_outgoing_transfer_becomes_its_format(void)
{
	struct amqp_shim shim;
	start(&shim);
	for (uint8_t mark = AMQP_MARK_PLAIN; mark <= AMQP_MARK_BATCH; mark++) {
		uint8_t tag[17] = { mark, 1, 2, 3 };
		struct amqp_buffer out =
		        send_out(&shim, transfer(amqp_bytes(tag, 17), 0, amqp_text("payload")));
		struct seen seen = look_at(amqp_buffer_bytes(&out));
		CHECK(amqp_bytes_equal(seen.fields[2].bytes, amqp_bytes(tag + 1, 16)));
		CHECK_INT(seen.fields[1].unsigned_, 4711);
		CHECK_INT(seen.fields[3].unsigned_, mark == AMQP_MARK_BATCH ? 0x80013700 : 0);
		CHECK(amqp_bytes_is(seen.payload, "payload"));
		amqp_buffer_finish(&out);
	}
	amqp_shim_finish(&shim);
}

static void format_of_an_incoming_transfer_becomes_its_mark(void)
{
	static const size_t sizes[] = { 0, 1, 16, 32, 253, 254, 255 };
	struct amqp_shim shim;
	uint8_t tag[255];
	memset(tag, 't', sizeof(tag));
	start(&shim);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bool is_batch = i % 2 == 0;
		struct amqp_buffer in = take_in(&shim,
		        transfer(amqp_bytes(tag, sizes[i]), is_batch ? 0x80013700 : 0,
		                amqp_text("payload")));
		struct seen seen = look_at(amqp_buffer_bytes(&in));
		CHECK_INT(seen.fields[2].bytes.size, sizes[i] + 1);
		CHECK_INT(seen.fields[2].bytes.start[0],
		        is_batch ? AMQP_MARK_BATCH : AMQP_MARK_PLAIN);
		CHECK(amqp_bytes_equal(amqp_bytes(seen.fields[2].bytes.start + 1, sizes[i]),
		        amqp_bytes(tag, sizes[i])));
		CHECK(amqp_bytes_is(seen.payload, "payload"));
		amqp_buffer_finish(&in);
	}
	amqp_shim_finish(&shim);
}

static void transfer_that_goes_on_without_a_tag_is_left_alone(void)
{
	struct amqp_shim shim;
	struct frame frame = { .performative = 0x14, .count = 3 };
	start(&shim);
	amqp_put_uint(&frame.fields, 0);
	amqp_put_null(&frame.fields);
	amqp_put_null(&frame.fields);
	struct amqp_buffer in = take_in(&shim, make_frame(&frame));
	CHECK_INT(look_at(amqp_buffer_bytes(&in)).fields[2].type, AMQP_NULL);
	amqp_buffer_finish(&in);
	amqp_shim_finish(&shim);
}

static struct amqp_buffer open_with(uint32_t max_frame_size)
{
	struct frame frame = { .performative = 0x10, .count = 3 };
	amqp_put_string(&frame.fields, amqp_text("container"));
	amqp_put_null(&frame.fields);
	amqp_put_uint(&frame.fields, max_frame_size);
	return make_frame(&frame);
}

static void frame_sizes_leave_room_for_what_is_added(void)
{
	struct amqp_shim shim;
	start(&shim);
	struct amqp_buffer in = take_in(&shim, open_with(65536));
	CHECK_INT(look_at(amqp_buffer_bytes(&in)).fields[2].unsigned_, 65536 - AMQP_SHIM_ROOM);
	amqp_buffer_finish(&in);
	in = take_in(&shim, open_with(512)); /* less may not be */
	CHECK_INT(look_at(amqp_buffer_bytes(&in)).fields[2].unsigned_, 512);
	amqp_buffer_finish(&in);
	struct amqp_buffer out = send_out(&shim, open_with(LIMIT + AMQP_SHIM_ROOM));
	CHECK_INT(look_at(amqp_buffer_bytes(&out)).fields[2].unsigned_, LIMIT);
	amqp_buffer_finish(&out);
	amqp_shim_finish(&shim);
}

static struct amqp_buffer bare(uint8_t performative)
{
	struct frame frame = { .performative = performative, .count = 1 };
	amqp_put_uint(&frame.fields, 0);
	return make_frame(&frame);
}

static bool is_dropped(struct amqp_shim *shim, uint8_t performative)
{
	struct amqp_buffer in = take_in(shim, bare(performative));
	bool is_nothing = in.size == 0;
	amqp_buffer_finish(&in);
	return is_nothing;
}

static void frames_after_the_end_of_their_session_are_dropped(void)
{
	struct amqp_shim shim;
	start(&shim);
	CHECK(!is_dropped(&shim, 0x11));
	CHECK(!is_dropped(&shim, 0x16));
	CHECK(!is_dropped(&shim, 0x17));
	CHECK(is_dropped(&shim, 0x16));
	CHECK(is_dropped(&shim, 0x17));
	CHECK(is_dropped(&shim, 0x15));
	CHECK(!is_dropped(&shim, 0x18)); /* the close of the connection */
	CHECK(!is_dropped(&shim, 0x11)); /* the channel is used anew */
	CHECK(!is_dropped(&shim, 0x16));
	amqp_shim_finish(&shim);
}

static void heads_are_measured_before_anything_is_kept(void)
{
	struct amqp_shim shim;
	start(&shim);
	CHECK_INT(amqp_shim_measure(&shim, amqp_bytes("\0\0\0", 3)), 0);
	CHECK_INT(amqp_shim_measure(&shim, amqp_bytes("\0\0\0\x8\2\0\0\0", 8)), 8);
	CHECK_INT(amqp_shim_measure(&shim, amqp_bytes("\0\0\4\0\2\0\0\0", 8)), LIMIT);
	CHECK(amqp_shim_measure(&shim, amqp_bytes("\0\0\4\1\2\0\0\0", 8)) == AMQP_SHIM_REFUSED);
	CHECK(amqp_shim_measure(&shim, amqp_bytes("\0\0\0\7\2\0\0\0", 8)) == AMQP_SHIM_REFUSED);
	CHECK(amqp_shim_measure(&shim, amqp_bytes("\0\0\0\x8\1\0\0\0", 8)) == AMQP_SHIM_REFUSED);
	CHECK(amqp_shim_measure(&shim, amqp_bytes("\0\0\0\x8\3\0\0\0", 8)) == AMQP_SHIM_REFUSED);
	CHECK(amqp_shim_measure(&shim, amqp_bytes("\0\0\0\x8\2\1\0\0", 8)) == AMQP_SHIM_REFUSED);
	amqp_shim_finish(&shim);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void mutated_frames_stay_within_their_room(void)
{
	struct amqp_shim shim;
	uint32_t state = 42;
	start(&shim);
	for (int round = 0; round < 20000; round++) {
		struct amqp_buffer frame = round % 3 == 0
		        ? open_with(65536)
		        : transfer(amqp_text("0123456789abcdef"), 0x80013700, amqp_text("x"));
		for (uint32_t n = next_random(&state) % 4; n > 0; n--) {
			frame.start[4 + next_random(&state) % (frame.size - 4)] =
			        (uint8_t)next_random(&state);
		}
		/* Only what is measured as good is given to it, and of its exact size. */
		size_t size = amqp_shim_measure(&shim, amqp_buffer_bytes(&frame));
		if (size == frame.size) {
			uint8_t *piece = malloc(size);
			uint8_t *room = malloc(size + AMQP_SHIM_ROOM);
			memcpy(piece, frame.start, size);
			CHECK(amqp_shim_in(&shim, amqp_bytes(piece, size), room) <=
			        size + AMQP_SHIM_ROOM);
			free(piece);
			free(room);
		}
		amqp_buffer_finish(&frame);
	}
	amqp_shim_finish(&shim);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(performatives_get_all_their_fields),
		SUITE_TEST(empty_list_becomes_a_list_of_one),
		SUITE_TEST(list_that_outgrows_its_short_head_gets_a_long_one),
		SUITE_TEST(frame_in_pieces_is_written_when_it_is_whole),
		SUITE_TEST(mark_of_an_outgoing_transfer_becomes_its_format),
		SUITE_TEST(format_of_an_incoming_transfer_becomes_its_mark),
		SUITE_TEST(transfer_that_goes_on_without_a_tag_is_left_alone),
		SUITE_TEST(frame_sizes_leave_room_for_what_is_added),
		SUITE_TEST(frames_after_the_end_of_their_session_are_dropped),
		SUITE_TEST(heads_are_measured_before_anything_is_kept),
		SUITE_TEST(mutated_frames_stay_within_their_room),
	};
	return suite_run("amqp shim", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
