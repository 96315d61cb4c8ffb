/* SPDX-License-Identifier: MIT */
/* A JSON reader that remembers nothing; see json_scan.h. */
#include "consumers/runtime/json_scan.h"

#include "consumers/common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 2048, INTEGER_MAX_DIGITS = 20 };

struct scanner {
	const char *at;
	const char *end;
};

static bool scan_value(struct scanner *scanner, int depth, struct json_slice *ret_slice);

static void pass_blanks(struct scanner *scanner)
{
	while (scanner->at < scanner->end &&
	        (*scanner->at == ' ' || *scanner->at == '\n' || *scanner->at == '\r' ||
	                *scanner->at == '\t')) {
		scanner->at++;
	}
}

/* Passes the sign, with blanks around it. */
static bool pass(struct scanner *scanner, char sign)
{
	pass_blanks(scanner);
	if (scanner->at == scanner->end || *scanner->at != sign) {
		return false;
	}
	scanner->at++;
	pass_blanks(scanner);
	return true;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	char lower = (char)(digit | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* At a backslash. */
static bool pass_escape(struct scanner *scanner)
{
	if (scanner->end - scanner->at < 2) {
		return false;
	}
	char what = scanner->at[1];
	if (what != 'u') {
		scanner->at += 2;
		return what != '\0' && strchr("\"\\/bfnrt", what) != NULL;
	}
	if (scanner->end - scanner->at < 6) {
		return false;
	}
	for (int i = 2; i < 6; i++) {
		if (hex_digit(scanner->at[i]) < 0) {
			return false;
		}
	}
	scanner->at += 6;
	return true;
}

static bool scan_text(struct scanner *scanner, struct json_slice *ret_slice)
{
	if (scanner->at == scanner->end || *scanner->at != '"') {
		return false;
	}
	const char *start = ++scanner->at;
	while (scanner->at < scanner->end && *scanner->at != '"') {
		if ((unsigned char)*scanner->at < 0x20) {
			return false;
		}
		if (*scanner->at != '\\') {
			scanner->at++;
		} else if (!pass_escape(scanner)) {
			return false;
		}
	}
	if (scanner->at == scanner->end) {
		return false;
	}
	*ret_slice = (struct json_slice){ JSON_KIND_TEXT, start, (size_t)(scanner->at - start) };
	scanner->at++;
	return true;
}

/* Returns how many digits there were. */
static size_t pass_digits(struct scanner *scanner)
{
	const char *start = scanner->at;
	while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
		scanner->at++;
	}
	return (size_t)(scanner->at - start);
}

static bool pass_optional(struct scanner *scanner, const char *signs)
{
	bool is_there = scanner->at < scanner->end && *scanner->at != '\0' &&
	        strchr(signs, *scanner->at) != NULL;
	scanner->at += is_there ? 1 : 0;
	return is_there;
}

static bool scan_number(struct scanner *scanner)
{
	(void)pass_optional(scanner, "-");
	bool is_zero = pass_optional(scanner, "0");
	if (!is_zero && pass_digits(scanner) == 0) {
		return false;
	}
	if (pass_optional(scanner, ".") && pass_digits(scanner) == 0) {
		return false;
	}
	if (pass_optional(scanner, "eE")) {
		(void)pass_optional(scanner, "+-");
		return pass_digits(scanner) > 0;
	}
	return true;
}

static bool scan_word(struct scanner *scanner)
{
	static const char *const words[] = { "true", "false", "null" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t size = strlen(words[i]);
		if ((size_t)(scanner->end - scanner->at) >= size &&
		        memcmp(scanner->at, words[i], size) == 0) {
			scanner->at += size;
			return true;
		}
	}
	return false;
}

/* Behind the opening brace. */
static bool scan_members(struct scanner *scanner, int depth, json_scan_fn fn, void *user)
{
	struct json_slice name;
	struct json_slice value;
	if (pass(scanner, '}')) {
		return true;
	}
	do {
		if (!scan_text(scanner, &name) || !pass(scanner, ':') ||
		        !scan_value(scanner, depth + 1, &value)) {
			return false;
		}
		if (fn != NULL) {
			fn(user, name, value);
		}
	} while (pass(scanner, ','));
	return pass(scanner, '}');
}

static bool scan_items(struct scanner *scanner, int depth)
{
	struct json_slice item;
	if (pass(scanner, ']')) {
		return true;
	}
	do {
		if (!scan_value(scanner, depth + 1, &item)) {
			return false;
		}
	} while (pass(scanner, ','));
	return pass(scanner, ']');
}

static bool scan_value(struct scanner *scanner, int depth, struct json_slice *ret_slice)
{
	const char *start = scanner->at;
	bool is_good = false;
	enum json_kind kind = JSON_KIND_OTHER;
	if (depth > MAX_DEPTH || start == scanner->end) {
		return false;
	}
	if (*start == '"') {
		return scan_text(scanner, ret_slice);
	}
	if (*start == '{') {
		kind = JSON_KIND_OBJECT;
		is_good = pass(scanner, '{') && scan_members(scanner, depth, NULL, NULL);
	} else if (*start == '[') {
		kind = JSON_KIND_ARRAY;
		is_good = pass(scanner, '[') && scan_items(scanner, depth);
	} else if (*start == '-' || (*start >= '0' && *start <= '9')) {
		kind = JSON_KIND_NUMBER;
		is_good = scan_number(scanner);
	} else {
		is_good = scan_word(scanner);
	}
	*ret_slice = (struct json_slice){ kind, start, (size_t)(scanner->at - start) };
	return is_good;
}

bool json_scan_object(const char *text, size_t size, json_scan_fn fn, void *user)
{
	struct scanner scanner = { text, text + size };
	return size > 0 && pass(&scanner, '{') && scan_members(&scanner, 1, fn, user) &&
	        scanner.at == scanner.end;
}

static uint32_t read_hex(const char *digits)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++) {
		value = value << 4U | (uint32_t)hex_digit(digits[i]);
	}
	return value;
}

/* Behind `\u`; *at is moved behind the digits. 0 for a NUL or half a pair. */
static uint32_t read_code_point(const char **at, const char *end)
{
	uint32_t first = read_hex(*at);
	*at += 4;
	if (first < 0xd800 || first > 0xdfff) {
		return first;
	}
	if (first > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
		return 0;
	}
	uint32_t second = read_hex(*at + 2);
	*at += 6;
	if (second < 0xdc00 || second > 0xdfff) {
		return 0;
	}
	return 0x10000 + ((first & 0x3ffU) << 10U | (second & 0x3ffU));
}

static size_t write_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0U | c >> 6U);
		out[1] = (char)(0x80U | (c & 0x3fU));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0U | c >> 12U);
		out[1] = (char)(0x80U | (c >> 6U & 0x3fU));
		out[2] = (char)(0x80U | (c & 0x3fU));
		return 3;
	}
	out[0] = (char)(0xf0U | c >> 18U);
	out[1] = (char)(0x80U | (c >> 12U & 0x3fU));
	out[2] = (char)(0x80U | (c >> 6U & 0x3fU));
	out[3] = (char)(0x80U | (c & 0x3fU));
	return 4;
}

/* At a backslash, whose escape was found good before; 0 if it stands for nothing that can be. */
static size_t decode_escape(const char **at, const char *end, char *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char signs[] = "\"\\/\b\f\n\r\t";
	char what = (*at)[1];
	*at += 2;
	if (what != 'u') {
		*out = signs[strchr(names, what) - names];
		return 1;
	}
	uint32_t code_point = read_code_point(at, end);
	return code_point != 0 ? write_utf8(code_point, out) : 0;
}

long json_scan_decode(struct json_slice slice, char *out)
{
	const char *at = slice.start;
	const char *end = slice.start + slice.size;
	char *to = out;
	while (at < end) {
		size_t written = 0;
		if (*at == '\\') {
			written = decode_escape(&at, end, to);
		} else {
			written = text_utf8_length(at, (size_t)(end - at));
			memcpy(to, at, written);
			at += written;
		}
		if (written == 0) {
			return -1;
		}
		to += written;
	}
	*to = '\0';
	return to - out;
}

bool json_scan_integer(struct json_slice slice, int64_t *ret_value)
{
	char digits[INTEGER_MAX_DIGITS + 1];
	char *end = NULL;
	if (slice.kind != JSON_KIND_NUMBER || slice.size > INTEGER_MAX_DIGITS) {
		return false;
	}
	memcpy(digits, slice.start, slice.size);
	digits[slice.size] = '\0';
	errno = 0;
	long long value = strtoll(digits, &end, 10);
	if (errno != 0 || *end != '\0') {
		return false;
	}
	*ret_value = value;
	return true;
}
