/* SPDX-License-Identifier: MIT */
/* Escaping of keys, reversible: what it writes it also reads, and nothing else. */
#include "support/tables/table_key.h"

#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

static void add_escaped(struct text *key, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";
	char escaped[3] = { '~', digits[byte >> 4], digits[byte & 15] };
	text_add(key, escaped, sizeof(escaped));
}

static bool is_escaped(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f || (byte < 0x80 && strchr("/\\#?%~:", byte) != NULL);
}

void table_key_add(struct text *key, const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)value[i];
		unsigned char next = i + 1 < size ? (unsigned char)value[i + 1] : 0;
		if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
			/* U+0080 to U+009F are control characters in two bytes. */
			add_escaped(key, byte);
			add_escaped(key, next);
			i++;
		} else if (is_escaped(byte)) {
			add_escaped(key, byte);
		} else {
			text_add(key, &byte, 1);
		}
	}
}

char *table_key_escape(const char *value, size_t size)
{
	struct text key = { 0 };
	text_add(&key, "", 0);
	table_key_add(&key, value, size);
	return key.start;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *table_key_unescape(const char *key)
{
	CLEANUP_FREE char *value = must_calloc(strlen(key) + 1, 1);
	size_t size = 0;
	for (const char *at = key; *at != '\0'; at++) {
		if (*at != '~') {
			value[size++] = *at;
			continue;
		}
		int high = hex_digit(at[1]);
		int low = high >= 0 ? hex_digit(at[2]) : -1;
		if (low < 0) {
			return NULL;
		}
		value[size++] = (char)(high << 4 | low);
		at += 2;
	}
	CLEANUP_FREE char *again = table_key_escape(value, size);
	return strcmp(again, key) == 0 ? steal(value) : NULL;
}

size_t table_key_units(const char *text, size_t size)
{
	size_t n_units = 0;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool is_continuation = (byte & 0xc0) == 0x80;
		n_units += is_continuation ? 0 : byte >= 0xf0 ? 2 : 1;
	}
	return n_units;
}

void table_key_add_quoted(struct text *text, const char *key)
{
	text_add_string(text, "'");
	for (; *key != '\0'; key++) {
		text_add(text, key, 1);
		if (*key == '\'') {
			text_add(text, key, 1);
		}
	}
	text_add_string(text, "'");
}

static void add_percent_quoted(struct text *url, const char *key)
{
	struct text quoted = { 0 };
	table_key_add_quoted(&quoted, key);
	/* The outer quotes stay, as in the SDKs; inner ones are encoded with the rest. */
	quoted.start[quoted.size - 1] = '\0';
	text_add_string(url, "'");
	text_add_percent(url, quoted.start + 1);
	text_add_string(url, "'");
	text_finish(&quoted);
}

void table_key_add_address(struct text *url, const char *partition, const char *row)
{
	text_add_string(url, "(PartitionKey=");
	add_percent_quoted(url, partition);
	text_add_string(url, ",RowKey=");
	add_percent_quoted(url, row);
	text_add_string(url, ")");
}
