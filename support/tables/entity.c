/* SPDX-License-Identifier: MIT */
/* Building and reading rows. */
#include "support/tables/entity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tables/table_key.h"

#define REPLACEMENT 0xfffdu

/* Takes one code point; what is no UTF-8 is one byte of U+FFFD. */
static uint32_t next_code(const char *text, size_t size, size_t *ret_n_bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t n = at[0] < 0x80 ? 1
	        : at[0] < 0xc2  ? 0
	        : at[0] < 0xe0  ? 2
	        : at[0] < 0xf0  ? 3
	        : at[0] < 0xf5  ? 4
	                        : 0;
	*ret_n_bytes = 1;
	if (n == 0 || n > size) {
		return REPLACEMENT;
	}
	uint32_t code = n == 1 ? at[0] : at[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return REPLACEMENT;
		}
		code = code << 6 | (at[i] & 0x3fu);
	}
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
		return REPLACEMENT;
	}
	*ret_n_bytes = n;
	return code;
}

static void add_unit(struct text *json, uint32_t unit)
{
	static const char digits[] = "0123456789abcdef";
	char escaped[6] = { '\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15],
		digits[unit >> 4 & 15], digits[unit & 15] };
	text_add(json, escaped, sizeof(escaped));
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

size_t entity_escape(struct text *json, const char *value, size_t size)
{
	size_t n_units = 0;
	text_add(json, "\"", 1);
	for (size_t i = 0; i < size;) {
		size_t n_plain = 0;
		while (i + n_plain < size && is_plain((unsigned char)value[i + n_plain])) {
			n_plain++;
		}
		text_add(json, value + i, n_plain);
		i += n_plain;
		n_units += n_plain;
		if (i == size) {
			break;
		}
		size_t n_bytes = 1;
		uint32_t code = next_code(value + i, size - i, &n_bytes);
		if (code >= 0x10000) {
			add_unit(json, 0xd800 + ((code - 0x10000) >> 10));
			add_unit(json, 0xdc00 + ((code - 0x10000) & 0x3ff));
		} else {
			add_unit(json, code);
		}
		n_units += code >= 0x10000 ? 2 : 1;
		i += n_bytes;
	}
	text_add(json, "\"", 1);
	return n_units;
}

__attribute__((format(printf, 2, 3))) static void blame(
        struct entity *entity, const char *format, ...)
{
	if (entity->fault[0] != '\0') {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(entity->fault, sizeof(entity->fault), format, arguments);
	va_end(arguments);
}

/* Letters, digits and underscores, no digit first: what the service takes as a name. */
static bool is_name(const char *name)
{
	size_t size =
	        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return size != 0 && name[size] == '\0' && size <= ENTITY_NAME_MAX &&
	        (name[0] < '0' || name[0] > '9');
}

static void add_name(struct entity *entity, const char *name)
{
	if (!is_name(name)) {
		blame(entity,
		        "The name \"%.100s\" is none that a table takes: letters, digits and "
		        "underscores, %u at most.",
		        name, ENTITY_NAME_MAX);
		return;
	}
	text_add_string(&entity->json, entity->json.size > 1 ? ",\"" : "\"");
	text_add_string(&entity->json, name);
	text_add_string(&entity->json, "\":");
	entity->n_properties++;
	entity->n_bytes += 8 + strlen(name) * 2;
}

static void add_key(struct entity *entity, const char *name, const char *key)
{
	size_t n_units = table_key_units(key, strlen(key));
	if (n_units > TABLE_KEY_MAX_UNITS) {
		blame(entity, "The key \"%.40s…\" has %zu UTF-16 units, the most is %d.", key,
		        n_units, TABLE_KEY_MAX_UNITS);
	}
	add_name(entity, name);
	(void)entity_escape(&entity->json, key, strlen(key));
	entity->n_bytes += n_units * 2;
}

void entity_begin(struct entity *entity, const char *partition, const char *row)
{
	entity->json.size = 0;
	entity->fault[0] = '\0';
	entity->n_bytes = 4;
	text_add_string(&entity->json, "{");
	add_key(entity, "PartitionKey", partition);
	add_key(entity, "RowKey", row);
	entity->n_properties = 0;
}

void entity_add_text(struct entity *entity, const char *name, const char *value, size_t size)
{
	add_name(entity, name);
	size_t n_units = entity_escape(&entity->json, value, size);
	entity->n_bytes += 4 + n_units * 2;
	if (n_units > ENTITY_TEXT_MAX_UNITS) {
		blame(entity, "The field \"%.100s\" has %zu UTF-16 units, the most is %u.", name,
		        n_units, ENTITY_TEXT_MAX_UNITS);
	}
}

void entity_add_string(struct entity *entity, const char *name, const char *value)
{
	entity_add_text(entity, name, value, strlen(value));
}

void entity_add_integer(struct entity *entity, const char *name, int64_t value)
{
	add_name(entity, name);
	entity->n_bytes += 8;
	if (value >= INT32_MIN && value <= INT32_MAX) {
		text_print(&entity->json, "%" PRId64, value);
	} else {
		text_print(&entity->json, "\"%" PRId64 "\",\"%s@odata.type\":\"Edm.Int64\"", value,
		        name);
	}
}

void entity_add_boolean(struct entity *entity, const char *name, bool value)
{
	add_name(entity, name);
	entity->n_bytes += 1;
	text_add_string(&entity->json, value ? "true" : "false");
}

bool entity_end(struct entity *entity)
{
	text_add_string(&entity->json, "}");
	if (entity->n_properties > ENTITY_MAX_PROPERTIES) {
		blame(entity, "The row has %zu fields, the most is %u.", entity->n_properties,
		        ENTITY_MAX_PROPERTIES);
	}
	if (entity->n_bytes > ENTITY_MAX_BYTES) {
		blame(entity, "The row has %zu bytes in UTF-16, the most is %u.", entity->n_bytes,
		        ENTITY_MAX_BYTES);
	}
	return entity->fault[0] == '\0';
}

void entity_finish(struct entity *entity)
{
	text_finish(&entity->json);
}

bool entity_is_own_name(const char *name)
{
	return strncmp(name, "odata.", 6) != 0 && strchr(name, '@') == NULL &&
	        strcmp(name, "PartitionKey") != 0 && strcmp(name, "RowKey") != 0 &&
	        strcmp(name, "Timestamp") != 0;
}

const char *entity_text(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

bool entity_integer(const json_t *row, const char *name, int64_t *ret_value)
{
	const json_t *value = json_object_get(row, name);
	if (json_is_integer(value)) {
		*ret_value = json_integer_value(value);
		return true;
	}
	const char *text = json_string_value(value);
	if (text == NULL || text[0] == '\0') {
		return false;
	}
	char *end = NULL;
	errno = 0;
	int64_t number = strtoll(text, &end, 10);
	if (*end != '\0' || errno != 0) {
		return false;
	}
	*ret_value = number;
	return true;
}

bool entity_is_int64(const json_t *row, const char *name)
{
	char annotation[ENTITY_NAME_MAX + 16];
	int size = snprintf(annotation, sizeof(annotation), "%s@odata.type", name);
	const char *type =
	        size > 0 && (size_t)size < sizeof(annotation) ? entity_text(row, annotation) : NULL;
	return type != NULL && strcmp(type, "Edm.Int64") == 0;
}
