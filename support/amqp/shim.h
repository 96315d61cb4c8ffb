/* SPDX-License-Identifier: MIT */
/*
 * Sits between proton and the wire and mends on both ways what proton 0.37 leaves out:
 * - outgoing performatives get all their fields (clients exist that index them without looking);
 * - transfer.message-format, which proton neither shows nor sets, travels as the first byte of the
 *   delivery tag: AMQP_MARK_BATCH for a batch, AMQP_MARK_PLAIN else, in both directions;
 * - frame sizes are adjusted, so that neither change makes a frame too large for anybody (but for a
 *   peer that takes no frames of 576 bytes, which nobody has met);
 * - frames for a session that the peer has ended already are dropped, and so are settlements by a
 *   sender that say nothing;
 * - a frame that is larger than was agreed, or is no frame, is refused before anything is kept.
 */
#ifndef SUPPORT_AMQP_SHIM_H
#define SUPPORT_AMQP_SHIM_H

#include "support/amqp/buffer.h"

#define AMQP_MARK_PLAIN 0
#define AMQP_MARK_BATCH 1

/* What a frame may grow by on its way; proton's own limit is set that much above the advertised. */
#define AMQP_SHIM_ROOM 64

struct amqp_shim {
	uint32_t max_frame_size; /* bytes, as advertised to the peer */
	bool has_header_in; /* the protocol header has passed */
	bool has_header_out;
	struct amqp_buffer held; /* the start of a frame that proton has not given in full */
	uint8_t ended[8192]; /* a bit a channel: the peer has ended its session there */
};

void amqp_shim_init(struct amqp_shim *shim, uint32_t max_frame_size);
void amqp_shim_finish(struct amqp_shim *shim);

#define AMQP_SHIM_REFUSED SIZE_MAX

/* The bytes that the next whole piece (protocol header or frame) of the peer's input has. 0: the
 * first 8 bytes are not there yet. AMQP_SHIM_REFUSED: no frame, or larger than agreed. */
size_t amqp_shim_measure(const struct amqp_shim *shim, struct amqp_bytes input);

/* Rewrites one whole piece for proton, with room for AMQP_SHIM_ROOM bytes more than it has. Returns
 * the bytes written; 0: dropped. */
size_t amqp_shim_in(struct amqp_shim *shim, struct amqp_bytes piece, uint8_t *output);

/* Rewrites what proton gave for the wire; may keep the end of it until the next call. */
void amqp_shim_out(struct amqp_shim *shim, struct amqp_bytes from_proton, struct amqp_buffer *out);

#endif
