/* SPDX-License-Identifier: MIT */
/* The growing buffer: doubles, never shrinks until it is finished. */
#include "support/amqp/buffer.h"

#include "support/base/memory.h"

#define AMQP_BUFFER_LEAST 256

static void grow(struct amqp_buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity != 0 ? buffer->capacity : AMQP_BUFFER_LEAST;
	while (capacity < needed) {
		capacity *= 2;
	}
	buffer->start = must_resize(buffer->start, capacity, 1);
	buffer->capacity = capacity;
}

uint8_t *amqp_buffer_reserve(struct amqp_buffer *buffer, size_t size)
{
	if (buffer->capacity - buffer->size < size) {
		grow(buffer, buffer->size + size);
	}
	return buffer->start + buffer->size;
}

void amqp_buffer_append(struct amqp_buffer *buffer, const void *start, size_t size)
{
	if (size != 0) {
		memcpy(amqp_buffer_reserve(buffer, size), start, size);
		buffer->size += size;
	}
}

void amqp_buffer_drop(struct amqp_buffer *buffer, size_t size)
{
	if (size >= buffer->size) {
		buffer->size = 0;
		return;
	}
	memmove(buffer->start, buffer->start + size, buffer->size - size);
	buffer->size -= size;
}

void amqp_buffer_finish(struct amqp_buffer *buffer)
{
	free(buffer->start);
	*buffer = (struct amqp_buffer){ 0 };
}
