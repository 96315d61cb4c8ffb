/* SPDX-License-Identifier: MIT */
/* The randomness is the loop's, so that a simulation makes the same ids from the same seed. */
#include "core/random_id.h"

#include "core/loop.h"

void random_id(struct loop *loop, char ret_text[RANDOM_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[(RANDOM_ID_SIZE - 1) / 2];
	loop_random(loop, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[RANDOM_ID_SIZE - 1] = '\0';
}
