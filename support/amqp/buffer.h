/* SPDX-License-Identifier: MIT */
/* Runs of bytes: borrowed ones, and an owned one that grows and is used again. */
#ifndef SUPPORT_AMQP_BUFFER_H
#define SUPPORT_AMQP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed; start may be NULL if size is 0. */
struct amqp_bytes {
	const uint8_t *start;
	size_t size;
};

/* Owned. All zero is an empty buffer. */
struct amqp_buffer {
	uint8_t *start;
	size_t size;
	size_t capacity;
};

static inline struct amqp_bytes amqp_bytes(const void *start, size_t size)
{
	return (struct amqp_bytes){ .start = start, .size = size };
}

/* The text without its NUL; NULL gives no bytes. */
static inline struct amqp_bytes amqp_text(const char *text)
{
	return amqp_bytes(text, text != NULL ? strlen(text) : 0);
}

static inline bool amqp_bytes_equal(struct amqp_bytes a, struct amqp_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.start, b.start, a.size) == 0);
}

static inline bool amqp_bytes_is(struct amqp_bytes bytes, const char *text)
{
	return amqp_bytes_equal(bytes, amqp_text(text));
}

static inline struct amqp_bytes amqp_buffer_bytes(const struct amqp_buffer *buffer)
{
	return amqp_bytes(buffer->start, buffer->size);
}

/* Room for `size` more bytes at the returned place; the caller adds to `size` what it has used. */
uint8_t *amqp_buffer_reserve(struct amqp_buffer *buffer, size_t size);
void amqp_buffer_append(struct amqp_buffer *buffer, const void *start, size_t size);
/* Takes the first `size` bytes away. */
void amqp_buffer_drop(struct amqp_buffer *buffer, size_t size);
/* Empties it and keeps the memory. */
static inline void amqp_buffer_clear(struct amqp_buffer *buffer)
{
	buffer->size = 0;
}
/* Frees the memory; the buffer is empty and usable afterwards. */
void amqp_buffer_finish(struct amqp_buffer *buffer);

#endif
