/* SPDX-License-Identifier: MIT */
/* Framing of messages and the texts of gRPC's headers; whatever comes from outside is bounded. */
#include "support/grpc/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

#define ROOM_AT_FIRST 512u
#define TIMEOUT_DIGITS_MAX 99999999u

void grpc_prefix_write(uint8_t prefix[GRPC_PREFIX_SIZE], uint32_t message_size)
{
	prefix[0] = 0;
	prefix[1] = (uint8_t)(message_size >> 24);
	prefix[2] = (uint8_t)(message_size >> 16);
	prefix[3] = (uint8_t)(message_size >> 8);
	prefix[4] = (uint8_t)message_size;
}

void grpc_timeout_print(uint32_t timeout_ms, char ret_text[GRPC_TIMEOUT_SIZE])
{
	if (timeout_ms <= TIMEOUT_DIGITS_MAX) {
		(void)snprintf(ret_text, GRPC_TIMEOUT_SIZE, "%um", timeout_ms);
	} else {
		(void)snprintf(ret_text, GRPC_TIMEOUT_SIZE, "%uS", timeout_ms / 1000);
	}
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	if (digit >= 'a' && digit <= 'f') {
		return digit - 'a' + 10;
	}
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

size_t grpc_percent_decode(char *text, size_t size)
{
	size_t kept = 0;
	for (size_t i = 0; i < size; i++) {
		bool is_encoded = text[i] == '%' && i + 2 < size && hex_value(text[i + 1]) >= 0 &&
		        hex_value(text[i + 2]) >= 0;
		if (is_encoded) {
			text[kept++] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
			i += 2;
		} else {
			text[kept++] = text[i];
		}
	}
	return kept;
}

static int base64_value(char digit)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

bool grpc_base64_decode(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size)
{
	size_t n_bytes = 0;
	uint32_t bits = 0;
	while (size > 0 && text[size - 1] == '=') {
		size--;
	}
	if (size % 4 == 1) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		int value = base64_value(text[i]);
		if (value < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 != 0) {
			unsigned shift = 6 - 2 * (i % 4);
			ret_bytes[n_bytes++] = (uint8_t)(bits >> shift);
		}
	}
	*ret_size = n_bytes;
	return true;
}

bool grpc_status_parse(const char *text, size_t size, enum grpc_status *ret_status)
{
	unsigned value = 0;
	if (size == 0 || size > 2) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > GRPC_UNAUTHENTICATED) {
		return false;
	}
	*ret_status = (enum grpc_status)value;
	return true;
}

enum grpc_status grpc_status_of_http(int http_status)
{
	switch (http_status) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

/* The size that the prefix tells, prefix included; 0: the prefix is not whole yet. */
static size_t told_size(const struct grpc_body *body)
{
	if (body->size < GRPC_PREFIX_SIZE) {
		return 0;
	}
	const uint8_t *at = body->bytes;
	return GRPC_PREFIX_SIZE +
	        ((size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4]);
}

static void grow(struct grpc_body *body, size_t needed)
{
	size_t room = body->room != 0 ? body->room : ROOM_AT_FIRST;
	while (room < needed) {
		room *= 2;
	}
	body->bytes = must_resize(body->bytes, room, 1);
	body->room = room;
}

bool grpc_body_append(struct grpc_body *body, const uint8_t *bytes, size_t size, size_t max)
{
	if (size > max + GRPC_PREFIX_SIZE - body->size) {
		return false;
	}
	if (body->size + size > body->room) {
		grow(body, body->size + size);
	}
	if (size != 0) {
		memcpy(body->bytes + body->size, bytes, size);
	}
	body->size += size;
	return told_size(body) <= max + GRPC_PREFIX_SIZE;
}

void grpc_body_finish(struct grpc_body *body)
{
	free(body->bytes);
	*body = (struct grpc_body){ 0 };
}

enum grpc_body_state grpc_body_state(const struct grpc_body *body)
{
	size_t told = told_size(body);
	if (body->size == 0) {
		return GRPC_BODY_EMPTY;
	}
	if (body->bytes[0] != 0) {
		return GRPC_BODY_COMPRESSED;
	}
	if (told == 0 || body->size < told) {
		return GRPC_BODY_PARTIAL;
	}
	return body->size == told ? GRPC_BODY_ONE : GRPC_BODY_MORE;
}
