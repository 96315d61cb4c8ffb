/* SPDX-License-Identifier: MIT */
/* Frame by frame: finds the list of the performative, changes it, and writes the frame anew. */
#include "support/amqp/shim.h"

#include "support/amqp/message.h"

#include <assert.h>

#define OPEN 0x10
#define BEGIN 0x11
#define ATTACH 0x12
#define FLOW 0x13
#define TRANSFER 0x14
#define DISPOSITION 0x15
#define DETACH 0x16
#define END 0x17
#define CLOSE 0x18

#define FRAME_HEAD 8
/* The least that the standard lets a peer advertise. */
#define LEAST_FRAME 512

/* A frame, taken apart; everything is borrowed from it. */
struct frame {
	struct amqp_bytes head; /* frame head and descriptor */
	uint64_t performative;
	uint32_t count; /* fields */
	struct amqp_bytes fields; /* as they are */
	struct amqp_bytes payload; /* behind the performative */
};

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

void amqp_shim_init(struct amqp_shim *shim, uint32_t max_frame_size)
{
	memset(shim, 0, sizeof(*shim));
	shim->max_frame_size = max_frame_size;
}

void amqp_shim_finish(struct amqp_shim *shim)
{
	amqp_buffer_finish(&shim->held);
}

size_t amqp_shim_measure(const struct amqp_shim *shim, struct amqp_bytes input)
{
	if (input.size < FRAME_HEAD) {
		return 0;
	}
	if (!shim->has_header_in) {
		return FRAME_HEAD;
	}
	uint32_t size = read_u32(input.start);
	uint32_t start = (uint32_t)input.start[4] * 4;
	bool is_amqp = input.start[5] == 0;
	if (size < FRAME_HEAD || size > shim->max_frame_size || start < FRAME_HEAD ||
	        start > size || !is_amqp) {
		return AMQP_SHIM_REFUSED;
	}
	return size;
}

/* False: an empty frame, or none that we understand; it is then passed on as it is. */
static bool take_apart(struct amqp_bytes bytes, struct frame *ret_frame)
{
	size_t start = (size_t)bytes.start[4] * 4;
	if (start >= bytes.size) {
		return false;
	}
	struct amqp_reader reader =
	        amqp_reader(amqp_bytes(bytes.start + start, bytes.size - start));
	struct amqp_value descriptor;
	struct amqp_value list;
	if (*reader.at != 0) {
		return false;
	}
	reader.at++;
	if (!amqp_read(&reader, &descriptor) || descriptor.type != AMQP_UNSIGNED) {
		return false;
	}
	size_t head_size = (size_t)(reader.at - bytes.start);
	if (!amqp_read(&reader, &list) || list.type != AMQP_LIST) {
		return false;
	}
	*ret_frame = (struct frame){
		.head = amqp_bytes(bytes.start, head_size),
		.performative = descriptor.unsigned_,
		.count = list.count,
		.fields = list.bytes,
		.payload = amqp_bytes(reader.at, (size_t)(reader.end - reader.at)),
	};
	return true;
}

/* The place of field number `index` within the fields; false: not there, or malformed. */
static bool find_field(const struct frame *frame, uint32_t index, struct amqp_value *ret_field)
{
	struct amqp_reader reader = amqp_reader(frame->fields);
	if (index >= frame->count) {
		return false;
	}
	for (uint32_t i = 0; i < index; i++) {
		if (!amqp_skip(&reader)) {
			return false;
		}
	}
	return amqp_read(&reader, ret_field);
}

static uint8_t *copy(uint8_t *at, const void *start, size_t size)
{
	if (size != 0) {
		memcpy(at, start, size);
	}
	return at + size;
}

/* Descriptor done, now the list's constructor for so many bytes of fields. */
static uint8_t *put_list_head(uint8_t *at, size_t fields_size, uint32_t count)
{
	if (fields_size < UINT8_MAX && count <= UINT8_MAX) {
		at[0] = 0xc0;
		at[1] = (uint8_t)(fields_size + 1);
		at[2] = (uint8_t)count;
		return at + 3;
	}
	at[0] = 0xd0;
	write_u32(at + 1, (uint32_t)fields_size + 4);
	write_u32(at + 5, count);
	return at + 9;
}

static bool get_bit(const uint8_t *bits, uint16_t at)
{
	return (bits[at / 8] & (1u << (at % 8))) != 0;
}

static void set_bit(uint8_t *bits, uint16_t at, bool value)
{
	uint8_t mask = (uint8_t)(1u << (at % 8));
	bits[at / 8] = value ? bits[at / 8] | mask : bits[at / 8] & (uint8_t)~mask;
}

/* Clients exist that detach their links after they have ended the session; proton would end the
 * connection over it. */
static bool is_for_ended_session(struct amqp_shim *shim, const struct frame *frame)
{
	uint16_t channel = (uint16_t)(frame->head.start[6] << 8 | frame->head.start[7]);
	switch (frame->performative) {
	case OPEN:
	case CLOSE:
		return false;
	case BEGIN:
		set_bit(shim->ended, channel, false);
		return false;
	case END:
		if (get_bit(shim->ended, channel)) {
			return true;
		}
		set_bit(shim->ended, channel, true);
		return false;
	default:
		return get_bit(shim->ended, channel);
	}
}

/* Lowers max-frame-size within a copied open, so that there is room for what the shim adds. */
static void lower_max_frame(const struct frame *frame, uint8_t *copied_fields)
{
	struct amqp_value size;
	if (!find_field(frame, 2, &size) || size.code != 0x70 ||
	        size.unsigned_ < LEAST_FRAME + AMQP_SHIM_ROOM) {
		return;
	}
	uint8_t *at = copied_fields + (size.raw.start - frame->fields.start);
	write_u32(at + 1, (uint32_t)size.unsigned_ - AMQP_SHIM_ROOM);
}

static bool is_batch(const struct frame *frame)
{
	struct amqp_value format;
	return find_field(frame, 3, &format) && format.type == AMQP_UNSIGNED &&
	        format.unsigned_ == AMQP_FORMAT_BATCH;
}

/* Puts the mark in front of the delivery tag. Frames that go on a delivery may have no tag. */
static size_t mark_transfer(
        const struct frame *frame, const struct amqp_value *tag, uint8_t *output)
{
	size_t tag_size = tag->bytes.size + 1;
	size_t width = tag_size <= UINT8_MAX ? 1 : 4;
	const uint8_t *rest = tag->raw.start + tag->raw.size;
	size_t before = (size_t)(tag->raw.start - frame->fields.start);
	size_t after = (size_t)(frame->fields.start + frame->fields.size - rest);
	uint8_t *at = copy(output, frame->head.start, frame->head.size);
	at = put_list_head(at, before + 1 + width + tag_size + after, frame->count);
	at = copy(at, frame->fields.start, before);
	if (width == 1) {
		*at++ = 0xa0;
		*at++ = (uint8_t)tag_size;
	} else {
		*at++ = 0xb0;
		write_u32(at, (uint32_t)tag_size);
		at += 4;
	}
	*at++ = is_batch(frame) ? AMQP_MARK_BATCH : AMQP_MARK_PLAIN;
	at = copy(at, tag->bytes.start, tag->bytes.size);
	at = copy(at, rest, after);
	at = copy(at, frame->payload.start, frame->payload.size);
	write_u32(output, (uint32_t)(at - output));
	return (size_t)(at - output);
}

size_t amqp_shim_in(struct amqp_shim *shim, struct amqp_bytes piece, uint8_t *output)
{
	struct frame frame;
	struct amqp_value tag;
	if (!shim->has_header_in) {
		shim->has_header_in = true;
		memcpy(output, piece.start, piece.size);
		return piece.size;
	}
	bool is_known = take_apart(piece, &frame);
	if (is_known && is_for_ended_session(shim, &frame)) {
		return 0;
	}
	if (is_known && frame.performative == TRANSFER && find_field(&frame, 2, &tag) &&
	        tag.type == AMQP_BINARY) {
		return mark_transfer(&frame, &tag, output);
	}
	memcpy(output, piece.start, piece.size);
	if (is_known && frame.performative == OPEN) {
		lower_max_frame(&frame, output + (frame.fields.start - piece.start));
	}
	return piece.size;
}

/* How many fields a performative has in full; 0: leave it. */
static uint32_t full_count(uint64_t performative)
{
	static const uint8_t counts[] = { 10, 8, 14, 11, 11, 6, 3, 1, 1 };
	return performative >= OPEN && performative <= CLOSE ? counts[performative - OPEN] : 0;
}

/* The fields that are missing at the end, at most 14 bytes: nulls, but for begin.handle-max, which
 * some clients compute with. */
static size_t make_padding(const struct frame *frame, uint8_t padding[16])
{
	uint32_t full = full_count(frame->performative);
	size_t size = 0;
	for (uint32_t i = frame->count; i < full; i++) {
		if (frame->performative == BEGIN && i == 4) {
			padding[size++] = 0x52;
			padding[size++] = 0xff;
		} else {
			padding[size++] = 0x40;
		}
	}
	return size;
}

static uint8_t *put_field(uint8_t *at, struct amqp_bytes tag)
{
	*at++ = 0xa0;
	*at++ = (uint8_t)tag.size;
	return copy(at, tag.start, tag.size);
}

/* Tag and format of a transfer as the peer is to see them; what follows them stays. Returns the
 * bytes written for the four first fields. */
static size_t unmark_transfer(
        const struct frame *frame, uint8_t *output, struct amqp_bytes *ret_rest)
{
	static const uint8_t batch[5] = { 0x70, 0x80, 0x01, 0x37, 0x00 };
	struct amqp_value tag;
	struct amqp_value format;
	*ret_rest = frame->fields;
	if (!find_field(frame, 2, &tag) || !find_field(frame, 3, &format) ||
	        tag.type != AMQP_BINARY || tag.bytes.size == 0 || tag.bytes.size > UINT8_MAX) {
		return 0;
	}
	size_t before = (size_t)(tag.raw.start - frame->fields.start);
	uint8_t *at = copy(output, frame->fields.start, before);
	at = put_field(at, amqp_bytes(tag.bytes.start + 1, tag.bytes.size - 1));
	if (tag.bytes.start[0] == AMQP_MARK_BATCH) {
		at = copy(at, batch, sizeof(batch));
	} else {
		*at++ = 0x43;
	}
	const uint8_t *rest = format.raw.start + format.raw.size;
	*ret_rest = amqp_bytes(rest, (size_t)(frame->fields.start + frame->fields.size - rest));
	return (size_t)(at - output);
}

static void put_frame(const struct frame *frame, struct amqp_buffer *out)
{
	/* handle, id: 5 bytes at most each; tag: 257; format: 5. */
	uint8_t first[280];
	uint8_t padding[16];
	struct amqp_bytes rest = frame->fields;
	size_t first_size =
	        frame->performative == TRANSFER ? unmark_transfer(frame, first, &rest) : 0;
	size_t padding_size = make_padding(frame, padding);
	uint32_t full = full_count(frame->performative);
	uint32_t count = frame->count > full ? frame->count : full;
	size_t fields_size = first_size + rest.size + padding_size;
	uint8_t *start =
	        amqp_buffer_reserve(out, frame->head.size + 9 + fields_size + frame->payload.size);
	uint8_t *at = copy(start, frame->head.start, frame->head.size);
	at = put_list_head(at, fields_size, count);
	uint8_t *fields = at;
	at = copy(at, first, first_size);
	at = copy(at, rest.start, rest.size);
	at = copy(at, padding, padding_size);
	at = copy(at, frame->payload.start, frame->payload.size);
	if (frame->performative == OPEN) {
		lower_max_frame(frame, fields);
	}
	write_u32(start, (uint32_t)(at - start));
	out->size += (size_t)(at - start);
}

/* A sender's settlement without a state: proton writes one for each open delivery of a link that it
 * frees. Peers take it for an outcome (and complain that it is none). */
static bool is_empty_settlement(const struct frame *frame)
{
	struct amqp_value role;
	struct amqp_value state;
	if (frame->performative != DISPOSITION || !find_field(frame, 0, &role) ||
	        role.type != AMQP_BOOLEAN || role.boolean) {
		return false;
	}
	return !find_field(frame, 4, &state) || state.type == AMQP_NULL;
}

/* One piece of proton's output, or nothing if it is not whole. */
static size_t out_piece(struct amqp_shim *shim, struct amqp_bytes bytes, struct amqp_buffer *out)
{
	struct frame frame;
	if (bytes.size < FRAME_HEAD) {
		return 0;
	}
	if (!shim->has_header_out) {
		shim->has_header_out = true;
		amqp_buffer_append(out, bytes.start, FRAME_HEAD);
		return FRAME_HEAD;
	}
	size_t size = read_u32(bytes.start);
	assert(size >= FRAME_HEAD); /* proton's own frames */
	if (bytes.size < size) {
		return 0;
	}
	if (!take_apart(amqp_bytes(bytes.start, size), &frame)) {
		amqp_buffer_append(out, bytes.start, size);
	} else if (!is_empty_settlement(&frame)) {
		put_frame(&frame, out);
	}
	return size;
}

static size_t out_pieces(struct amqp_shim *shim, struct amqp_bytes bytes, struct amqp_buffer *out)
{
	size_t taken = 0;
	for (;;) {
		struct amqp_bytes rest = amqp_bytes(bytes.start + taken, bytes.size - taken);
		size_t size = out_piece(shim, rest, out);
		if (size == 0) {
			return taken;
		}
		taken += size;
	}
}

void amqp_shim_out(struct amqp_shim *shim, struct amqp_bytes from_proton, struct amqp_buffer *out)
{
	if (shim->held.size == 0) {
		size_t taken = out_pieces(shim, from_proton, out);
		amqp_buffer_append(
		        &shim->held, from_proton.start + taken, from_proton.size - taken);
		return;
	}
	amqp_buffer_append(&shim->held, from_proton.start, from_proton.size);
	amqp_buffer_drop(&shim->held, out_pieces(shim, amqp_buffer_bytes(&shim->held), out));
}
