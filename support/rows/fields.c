/* SPDX-License-Identifier: MIT */
/*
 * Packed fields. One field is
 *
 *     code     1 byte: place in known_names, 0 if the name is written out
 *     type     1 byte, or 255 and then 4 bytes, little endian
 *     size     4 bytes, little endian, of the value
 *     [size    1 byte, of the name; the name; NUL]     with code 0 only
 *     value, NUL
 */
#include "support/rows/fields.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/rows/fields_inside.h"

#define WIDE_TYPE 255u
#define N_SLOTS 256u
/* Bytes of a field of a known name beside its value: code, type, size and NUL. */
#define KNOWN_OVERHEAD 7u

/* Runs on disk hold places in this list: it only grows at its end. */
static const char *const known_names[] = { NULL, "job_id", "tenant_id", "tenant_bucket",
	"request_type", "doc_id", "protocol_id", "mode", "state", "idempotency_key",
	"idempotency_hash", "current_step_id", "current_step_index", "attempts_total", "created_at",
	"updated_at", "completed_at", "error_code", "error_message", "correlation_id",
	"traceparent", "final_output", "options", "control_seq", "step_index", "step_id",
	"step_type", "service", "attempt_no", "lease_id", "lease_expires_at", "attempt_started_at",
	"timer_started_at", "input_ref", "workspace_ref", "output_ref", "payload", "resolved_mode",
	"lane", "routing_key_used", "decision_source", "decision_reason", "result_ref",
	"last_error_code", "last_error_message", "seq", "at", "event", "detail" };
#define N_KNOWN (sizeof(known_names) / sizeof(known_names[0]))
_Static_assert(N_KNOWN <= FIELDS_N_CODES, "each known name has its place among the changes");

static uint8_t code_slots[N_SLOTS];
/* The code that a name had behind one with this code: a guess, the same rows come again and again.
 */
static _Atomic uint8_t last_behind[FIELDS_N_CODES];
static pthread_once_t code_slots_once = PTHREAD_ONCE_INIT;

void bytes_finish(struct bytes *bytes)
{
	free(bytes->start);
	*bytes = (struct bytes){ 0 };
}

/* Room for so many bytes more at the end. */
static unsigned char *reserve(struct bytes *bytes, size_t size)
{
	if (bytes->capacity - bytes->size < size) {
		size_t capacity = bytes->capacity != 0 ? bytes->capacity * 2 : 512;
		while (capacity - bytes->size < size) {
			capacity *= 2;
		}
		bytes->start = must_resize(bytes->start, capacity, 1);
		bytes->capacity = capacity;
	}
	return bytes->start + bytes->size;
}

void bytes_add(struct bytes *bytes, const void *added, size_t size)
{
	if (size != 0) {
		memcpy(reserve(bytes, size), added, size);
		bytes->size += size;
	}
}

/* Length, both ends and the middle: enough to tell nearly all known names apart. */
static uint32_t name_slot(const char *name, size_t size)
{
	if (size == 0) {
		return 0;
	}
	uint32_t first = (unsigned char)name[0];
	uint32_t middle = (unsigned char)name[size / 2];
	uint32_t last = (unsigned char)name[size - 1];
	return (first * 7 + middle * 31 + last * 3 + (uint32_t)size * 13) % N_SLOTS;
}

static void fill_code_slots(void)
{
	for (size_t code = 1; code < N_KNOWN; code++) {
		uint32_t slot = name_slot(known_names[code], strlen(known_names[code]));
		while (code_slots[slot] != 0) {
			slot = (slot + 1) % N_SLOTS;
		}
		code_slots[slot] = (uint8_t)code;
	}
}

uint8_t fields_code(const char *name)
{
	(void)pthread_once(&code_slots_once, fill_code_slots);
	uint32_t slot = name_slot(name, strlen(name));
	while (code_slots[slot] != 0 && strcmp(known_names[code_slots[slot]], name) != 0) {
		slot = (slot + 1) % N_SLOTS;
	}
	return code_slots[slot];
}

uint8_t fields_code_behind(uint8_t before, const char *name)
{
	uint8_t code = atomic_load_explicit(&last_behind[before], memory_order_relaxed);
	if (code != 0 && known_names[code][0] == name[0] && strcmp(known_names[code], name) == 0) {
		return code;
	}
	code = fields_code(name);
	atomic_store_explicit(&last_behind[before], code, memory_order_relaxed);
	return code;
}

size_t fields_size(const struct lucius_field *fields, uint64_t n_fields, const char **ret_long_name)
{
	size_t size = 0;
	*ret_long_name = NULL;
	for (uint64_t i = 0; i < n_fields; i++) {
		size_t name_size = strlen(fields[i].name);
		size += 13 + name_size + fields[i].value_size;
		if (name_size > FIELDS_NAME_MAX && *ret_long_name == NULL) {
			*ret_long_name = fields[i].name;
		}
	}
	return size;
}

static unsigned char *put_u32(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)value;
	at[1] = (unsigned char)(value >> 8);
	at[2] = (unsigned char)(value >> 16);
	at[3] = (unsigned char)(value >> 24);
	return at + 4;
}

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	        (uint32_t)at[3] << 24;
}

void fields_add(struct bytes *into, const struct lucius_field *field, uint8_t code)
{
	size_t name_size = code == 0 ? strlen(field->name) + 1 : 0;
	size_t most = KNOWN_OVERHEAD + 4 + 1 + name_size + field->value_size;
	unsigned char *at = reserve(into, most);
	*at++ = code;
	*at++ = (unsigned char)(field->type < WIDE_TYPE ? field->type : WIDE_TYPE);
	at = field->type >= WIDE_TYPE ? put_u32(at, field->type) : at;
	at = put_u32(at, field->value_size);
	if (code == 0) {
		*at++ = (unsigned char)(name_size - 1);
		memcpy(at, field->name, name_size);
		at += name_size;
	}
	if (field->value_size != 0) {
		memcpy(at, field->value, field->value_size);
		at += field->value_size;
	}
	*at++ = '\0';
	into->size = (size_t)(at - into->start);
}

/* Takes size bytes off the front; NULL if there are not so many. */
static const unsigned char *take(struct lucius_text *rest, size_t size)
{
	if (rest->size < size) {
		return NULL;
	}
	const unsigned char *taken = (const unsigned char *)rest->data;
	rest->data += size;
	rest->size -= size;
	return taken;
}

static bool take_u32(struct lucius_text *rest, uint32_t *ret_value)
{
	const unsigned char *four = take(rest, 4);
	if (four == NULL) {
		return false;
	}
	*ret_value = get_u32(four);
	return true;
}

/* A text of that size with its NUL behind it; NULL if it is not there. */
static const char *take_text(struct lucius_text *rest, size_t size)
{
	const char *text = (const char *)take(rest, size);
	const unsigned char *end = text != NULL ? take(rest, 1) : NULL;
	return end != NULL && *end == '\0' ? text : NULL;
}

static const char *take_name(struct lucius_text *rest, uint8_t code)
{
	if (code != 0) {
		return code < N_KNOWN ? known_names[code] : NULL;
	}
	const unsigned char *size = take(rest, 1);
	return size != NULL ? take_text(rest, *size) : NULL;
}

/* Any field, step by step. */
static int next_of_any(struct lucius_text *rest, struct lucius_field *ret_field)
{
	struct lucius_field field = { 0 };
	const unsigned char *head = take(rest, 2);
	if (head == NULL) {
		return -1;
	}
	field.type = head[1];
	if (head[1] == WIDE_TYPE && !take_u32(rest, &field.type)) {
		return -1;
	}
	if (!take_u32(rest, &field.value_size)) {
		return -1;
	}
	field.name = take_name(rest, head[0]);
	field.value = field.name != NULL ? take_text(rest, field.value_size) : NULL;
	if (field.value == NULL) {
		return -1;
	}
	*ret_field = field;
	return 1;
}

/* A sound field of a known name and a usual type begins here, as nearly all do. Ret_size: of its
 * value. */
static bool is_usual(struct lucius_text rest, size_t *ret_size)
{
	const unsigned char *at = (const unsigned char *)rest.data;
	if (rest.size < KNOWN_OVERHEAD || at[0] == 0 || at[0] >= N_KNOWN || at[1] == WIDE_TYPE) {
		return false;
	}
	*ret_size = get_u32(at + 2);
	return rest.size - KNOWN_OVERHEAD >= *ret_size &&
	        at[KNOWN_OVERHEAD - 1 + *ret_size] == '\0';
}

void fields_pass_over(struct lucius_text *rest, uint64_t stops)
{
	size_t size;
	while (is_usual(*rest, &size) && (stops >> (unsigned char)*rest->data & 1) == 0) {
		rest->data += KNOWN_OVERHEAD + size;
		rest->size -= KNOWN_OVERHEAD + size;
	}
}

int fields_next(struct lucius_text *rest, struct lucius_field *ret_field)
{
	if (rest->size == 0) {
		return 0;
	}
	const unsigned char *at = (const unsigned char *)rest->data;
	size_t size;
	if (!is_usual(*rest, &size)) {
		return next_of_any(rest, ret_field);
	}
	*ret_field = (struct lucius_field){
		.name = known_names[at[0]],
		.value = rest->data + KNOWN_OVERHEAD - 1,
		.value_size = (uint32_t)size,
		.type = at[1],
	};
	rest->data += KNOWN_OVERHEAD + size;
	rest->size -= KNOWN_OVERHEAD + size;
	return 1;
}

int64_t fields_count(struct lucius_text packed)
{
	int64_t n_fields = 0;
	struct lucius_field field;
	for (;;) {
		int is_field = fields_next(&packed, &field);
		if (is_field != 1) {
			return is_field == 0 ? n_fields : -1;
		}
		n_fields++;
	}
}

bool fields_find(struct lucius_text packed, const char *name, struct lucius_field *ret_field)
{
	struct lucius_field field;
	while (fields_next(&packed, &field) == 1) {
		if (strcmp(field.name, name) == 0) {
			*ret_field = field;
			return true;
		}
	}
	return false;
}
