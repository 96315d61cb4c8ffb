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
#include <string.h>

#include "support/base/memory.h"

#define WIDE_TYPE 255u
#define N_SLOTS 256u

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

static uint8_t code_slots[N_SLOTS];
static pthread_once_t code_slots_once = PTHREAD_ONCE_INIT;

void bytes_finish(struct bytes *bytes)
{
	free(bytes->start);
	*bytes = (struct bytes){ 0 };
}

void bytes_add(struct bytes *bytes, const void *added, size_t size)
{
	if (bytes->capacity - bytes->size < size) {
		size_t capacity = bytes->capacity != 0 ? bytes->capacity * 2 : 512;
		while (capacity - bytes->size < size) {
			capacity *= 2;
		}
		bytes->start = must_resize(bytes->start, capacity, 1);
		bytes->capacity = capacity;
	}
	if (size != 0) {
		memcpy(bytes->start + bytes->size, added, size);
		bytes->size += size;
	}
}

static uint32_t name_slot(const char *name)
{
	uint32_t hash = 2166136261u;
	for (; *name != '\0'; name++) {
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	}
	return (hash ^ hash >> 15) % N_SLOTS;
}

static void fill_code_slots(void)
{
	for (size_t code = 1; code < N_KNOWN; code++) {
		uint32_t slot = name_slot(known_names[code]);
		while (code_slots[slot] != 0) {
			slot = (slot + 1) % N_SLOTS;
		}
		code_slots[slot] = (uint8_t)code;
	}
}

static uint8_t code_of(const char *name)
{
	(void)pthread_once(&code_slots_once, fill_code_slots);
	uint32_t slot = name_slot(name);
	while (code_slots[slot] != 0 && strcmp(known_names[code_slots[slot]], name) != 0) {
		slot = (slot + 1) % N_SLOTS;
	}
	return code_slots[slot];
}

size_t fields_size(const struct lucius_field *fields, uint64_t n_fields)
{
	size_t size = 0;
	for (uint64_t i = 0; i < n_fields; i++) {
		size += 13 + strlen(fields[i].name) + fields[i].value_size;
	}
	return size;
}

const char *fields_long_name(const struct lucius_field *fields, uint64_t n_fields)
{
	for (uint64_t i = 0; i < n_fields; i++) {
		if (strlen(fields[i].name) > FIELDS_NAME_MAX) {
			return fields[i].name;
		}
	}
	return NULL;
}

static void add_u32(struct bytes *into, uint32_t value)
{
	unsigned char four[4] = { (unsigned char)value, (unsigned char)(value >> 8),
		(unsigned char)(value >> 16), (unsigned char)(value >> 24) };
	bytes_add(into, four, sizeof(four));
}

static void add_field(struct bytes *into, const struct lucius_field *field, uint8_t code)
{
	unsigned char head[2] = { code,
		(unsigned char)(field->type < WIDE_TYPE ? field->type : WIDE_TYPE) };
	bytes_add(into, head, sizeof(head));
	if (field->type >= WIDE_TYPE) {
		add_u32(into, field->type);
	}
	add_u32(into, field->value_size);
	if (code == 0) {
		unsigned char name_size = (unsigned char)strlen(field->name);
		bytes_add(into, &name_size, 1);
		bytes_add(into, field->name, (size_t)name_size + 1);
	}
	bytes_add(into, field->value, field->value_size);
	bytes_add(into, "", 1);
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
	*ret_value = (uint32_t)four[0] | (uint32_t)four[1] << 8 | (uint32_t)four[2] << 16 |
	        (uint32_t)four[3] << 24;
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

int fields_next(struct lucius_text *rest, struct lucius_field *ret_field)
{
	if (rest->size == 0) {
		return 0;
	}
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

/* The changes, found by name: those with a code at once, the few others by looking through. */
struct changes {
	const struct lucius_field *fields;
	uint64_t n_fields;
	const struct lucius_field *by_code[N_SLOTS]; /* the last change of each name */
	bool is_written[N_SLOTS];
};

static const struct lucius_field *find_change(
        const struct changes *changes, const char *name, uint8_t code)
{
	if (code != 0) {
		return changes->by_code[code];
	}
	for (uint64_t i = changes->n_fields; i > 0; i--) {
		if (strcmp(changes->fields[i - 1].name, name) == 0) {
			return &changes->fields[i - 1];
		}
	}
	return NULL;
}

/* What was there, each field as it is or as the changes have it. */
static bool merge_old(struct changes *changes, struct lucius_text old, struct bytes *into)
{
	struct lucius_field field;
	for (;;) {
		struct lucius_text before = old;
		int is_field = fields_next(&old, &field);
		if (is_field != 1) {
			return is_field == 0;
		}
		uint8_t code = (uint8_t)before.data[0];
		const struct lucius_field *change = find_change(changes, field.name, code);
		changes->is_written[code] = change != NULL;
		if (change == NULL) {
			bytes_add(into, before.data, before.size - old.size);
		} else if (change->value_size != 0) {
			add_field(into, change, code);
		}
	}
}

/* What was not there before. */
static void merge_new(struct changes *changes, struct lucius_text old, struct bytes *into)
{
	for (uint64_t i = 0; i < changes->n_fields; i++) {
		const struct lucius_field *change = &changes->fields[i];
		uint8_t code = code_of(change->name);
		struct lucius_field was;
		if (change->value_size == 0 || find_change(changes, change->name, code) != change) {
			continue;
		}
		if (code != 0 ? !changes->is_written[code]
		              : !fields_find(old, change->name, &was)) {
			add_field(into, change, code);
		}
	}
}

bool fields_merge(struct lucius_text old, const struct lucius_field *changes, uint64_t n_changes,
        struct bytes *into)
{
	struct changes named = { .fields = changes, .n_fields = n_changes };
	for (uint64_t i = 0; i < n_changes; i++) {
		named.by_code[code_of(changes[i].name)] = &changes[i];
	}
	size_t size = into->size;
	if (!merge_old(&named, old, into)) {
		into->size = size;
		return false;
	}
	merge_new(&named, old, into);
	return true;
}
