/* SPDX-License-Identifier: MIT */
/*
 * A lock token has two faces: the 16-byte delivery tag, a GUID whose first three fields are little
 * endian, and the AMQP uuid of management requests, all big endian.
 */
#ifndef SUPPORT_AMQP_GUID_H
#define SUPPORT_AMQP_GUID_H

#include <stdint.h>

/* Either direction: the swap is its own inverse. May not work in place. */
static inline void amqp_guid_swap(const uint8_t from[16], uint8_t ret_to[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	for (int i = 0; i < 16; i++) {
		ret_to[i] = from[order[i]];
	}
}

#endif
