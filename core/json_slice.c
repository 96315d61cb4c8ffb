/* SPDX-License-Identifier: MIT */
/*
 * The text is checked once from end to end, without recursion; all that walks over it afterwards
 * relies on that.
 */
#include "core/json_slice.h"

#include <string.h>
#include <unistr.h>

#include "core/json_skip.h"
#include "core/json_slice_text.h"
#include "core/plain_span.h"

/* What is left of a text that is being checked. */
struct scan {
	const char *at;
	const char *end;
	size_t depth;
	uint64_t is_object[JSON_SLICE_DEPTH / 64]; /* a bit a level */
};

/* A member's name with its quotation marks. */
struct name {
	struct json_slice slice;
	bool is_plain; /* there is no escape in it */
};

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static const char *skip_space(const char *at, const char *end)
{
	/* One look at nearly all bytes: white space is the least of them. */
	while (at < end && (unsigned char)*at <= ' ' && is_space(*at)) {
		at++;
	}
	return at;
}

/* The next byte that is no white space; 0 at the end. */
static char peek(struct scan *scan)
{
	scan->at = skip_space(scan->at, scan->end);
	return (char)(scan->at < scan->end ? *scan->at : 0);
}

static bool check_digits(struct scan *scan)
{
	const char *first = scan->at;
	while (scan->at < scan->end && is_digit(*scan->at)) {
		scan->at++;
	}
	return scan->at > first;
}

static bool check_number(struct scan *scan)
{
	scan->at += *scan->at == '-' ? 1 : 0;
	const char *first = scan->at;
	if (!check_digits(scan) || (*first == '0' && scan->at - first > 1)) {
		return false;
	}
	if (scan->at < scan->end && *scan->at == '.') {
		scan->at++;
		if (!check_digits(scan)) {
			return false;
		}
	}
	if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
		scan->at++;
		scan->at += scan->at < scan->end && (*scan->at == '+' || *scan->at == '-') ? 1 : 0;
		return check_digits(scan);
	}
	return true;
}

static bool check_word(struct scan *scan, const char *word)
{
	size_t size = strlen(word);
	if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0) {
		return false;
	}
	scan->at += size;
	return true;
}

/* Ret_is_plain: all of it is printable ASCII that stands for itself. */
static bool check_text(struct scan *scan, bool *ret_is_plain)
{
	const char *first = scan->at + 1;
	const char *odd = first + plain_span(first, (size_t)(scan->end - first));
	bool is_plain = odd < scan->end && *odd == '"';
	const char *after = is_plain ? odd + 1 : json_slice_text_check(scan->at, scan->end);
	scan->at = after != NULL ? after : scan->at;
	*ret_is_plain = is_plain;
	return after != NULL;
}

static bool check_string(struct scan *scan)
{
	bool is_plain;
	return check_text(scan, &is_plain);
}

/* A value that holds no others. */
static bool check_scalar(struct scan *scan, char first)
{
	switch (first) {
	case '"':
		return check_string(scan);
	case 't':
		return check_word(scan, "true");
	case 'f':
		return check_word(scan, "false");
	case 'n':
		return check_word(scan, "null");
	default:
		return (first == '-' || is_digit(first)) && check_number(scan);
	}
}

static bool is_in_object(const struct scan *scan)
{
	size_t level = scan->depth - 1;
	return (scan->is_object[level / 64] >> level % 64 & 1) != 0;
}

static bool enter(struct scan *scan, bool is_object)
{
	if (scan->depth == JSON_SLICE_DEPTH) {
		return false;
	}
	uint64_t bit = UINT64_C(1) << scan->depth % 64;
	uint64_t *word = &scan->is_object[scan->depth / 64];
	*word = is_object ? *word | bit : *word & ~bit;
	scan->depth++;
	scan->at++;
	return true;
}

/* A member's name and the colon behind it. */
static bool check_name(struct scan *scan, struct name *ret_name)
{
	if (peek(scan) != '"') {
		return false;
	}
	const char *first = scan->at;
	if (!check_text(scan, &ret_name->is_plain)) {
		return false;
	}
	ret_name->slice = (struct json_slice){ first, (size_t)(scan->at - first) };
	if (peek(scan) != ':') {
		return false;
	}
	scan->at++;
	return true;
}

/* Begins a value: a scalar is passed over, of an array or object only what opens it. Ret_is_over:
 * the value is complete. */
static bool check_begin(struct scan *scan, bool *ret_is_over)
{
	struct name name;
	char first = peek(scan);
	*ret_is_over = true;
	if (first != '{' && first != '[') {
		return check_scalar(scan, first);
	}
	if (!enter(scan, first == '{')) {
		return false;
	}
	if (peek(scan) == (first == '{' ? '}' : ']')) {
		scan->at++;
		scan->depth--;
		return true;
	}
	*ret_is_over = false;
	return first != '{' || check_name(scan, &name);
}

/* A value is complete: leaves what ends with it, up to where the next value begins, but not what
 * stands at that depth. */
static bool check_after(struct scan *scan, size_t depth)
{
	struct name name;
	while (scan->depth != depth) {
		bool is_object = is_in_object(scan);
		char next = peek(scan);
		bool is_closed = next == (is_object ? '}' : ']');
		if (!is_closed && next != ',') {
			return false;
		}
		scan->at++;
		if (!is_closed) {
			return !is_object || check_name(scan, &name);
		}
		scan->depth--;
	}
	return true;
}

/* A value with all that it holds. */
static bool check_value(struct scan *scan, struct json_slice *ret_value)
{
	size_t depth = scan->depth;
	(void)peek(scan);
	const char *first = scan->at;
	do {
		bool is_over;
		if (!check_begin(scan, &is_over) || (is_over && !check_after(scan, depth))) {
			return false;
		}
	} while (scan->depth != depth);
	*ret_value = (struct json_slice){ first, (size_t)(scan->at - first) };
	return true;
}

/* What a walk over members is to find. */
struct wanted {
	const char *const *names;
	size_t n_names;
	struct json_slice *values;
	uint64_t initials; /* a bit, by its lowest six, for each byte that a wanted name begins with
	                    */
	size_t next; /* place of the name that is looked at first */
};

static uint64_t initial_bit(char byte)
{
	return UINT64_C(1) << ((unsigned char)byte & 63);
}

static void want_all(struct wanted *wanted)
{
	wanted->initials = initial_bit('\\'); /* an escape may stand for any */
	wanted->next = 0;
	for (size_t i = 0; i < wanted->n_names; i++) {
		wanted->values[i] = (struct json_slice){ NULL, 0 };
		wanted->initials |= initial_bit(wanted->names[i][0]);
	}
}

static inline bool is_named(const struct name *name, const char *wanted)
{
	const char *text = name->slice.text + 1;
	size_t size = name->slice.size - 2;
	if (!name->is_plain) {
		return json_slice_is_text(name->slice, wanted);
	}
	return text[0] == wanted[0] && strncmp(text, wanted, size) == 0 && wanted[size] == '\0';
}

/* The place of that name; n_names if it is none of them. */
static size_t place_of(const struct wanted *wanted, const struct name *name)
{
	size_t place = 0;
	if ((wanted->initials & initial_bit(name->slice.text[1])) == 0) {
		return wanted->n_names;
	}
	while (place < wanted->n_names && !is_named(name, wanted->names[place])) {
		place++;
	}
	return place;
}

/* Members mostly come in the order of the names: after one that was found the next is tried. */
static inline void find(struct wanted *wanted, const struct name *name, struct json_slice value)
{
	size_t place = wanted->next;
	if (!is_named(name, wanted->names[place])) {
		place = place_of(wanted, name);
		if (place == wanted->n_names) {
			return;
		}
	}
	wanted->values[place] = value;
	wanted->next = place + 1 < wanted->n_names ? place + 1 : 0;
}

/* An object of which some members are wanted. */
static bool check_members(struct scan *scan, struct wanted *wanted, struct json_slice *ret_object)
{
	const char *first = scan->at;
	if (!enter(scan, true)) {
		return false;
	}
	bool is_over = peek(scan) == '}';
	while (!is_over) {
		struct name name;
		struct json_slice value;
		if (!check_name(scan, &name) || !check_value(scan, &value)) {
			return false;
		}
		find(wanted, &name, value);
		char next = peek(scan);
		is_over = next == '}';
		if (!is_over && next != ',') {
			return false;
		}
		scan->at += is_over ? 0 : 1;
	}
	scan->at++;
	scan->depth--;
	*ret_object = (struct json_slice){ first, (size_t)(scan->at - first) };
	return true;
}

static bool is_utf8(const char *text, size_t size)
{
	size_t ascii = plain_ascii_span(text, size);
	return ascii == size || u8_check((const uint8_t *)text + ascii, size - ascii) == NULL;
}

struct json_slice json_slice_of(const char *text, size_t size)
{
	return json_slice_read(text, size, NULL, 0, NULL);
}

struct json_slice json_slice_read(const char *text, size_t size, const char *const *names,
        size_t n_names, struct json_slice *ret_values)
{
	const struct json_slice none = { NULL, 0 };
	struct wanted wanted = { .names = names, .n_names = n_names, .values = ret_values };
	struct json_slice value;
	struct scan scan = { .at = text, .end = text + size };
	want_all(&wanted);
	if (size == 0 || !is_utf8(text, size)) {
		return none;
	}
	bool is_valid = n_names != 0 && peek(&scan) == '{' ? check_members(&scan, &wanted, &value)
	                                                   : check_value(&scan, &value);
	if (is_valid && skip_space(scan.at, scan.end) == scan.end) {
		return value;
	}
	want_all(&wanted);
	return none;
}

/* The byte behind the string that begins here; most have no escape. */
static inline const char *skip_text(const char *at, const char *end, bool *ret_is_plain)
{
	const char *first = at + 1;
	const char *odd = first + plain_unescaped_span(first, (size_t)(end - first));
	*ret_is_plain = *odd == '"';
	return *ret_is_plain ? odd + 1 : json_slice_text_end(at, end);
}

/* The byte behind the number or word that begins here. */
static const char *skip_word(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at > ' ' && *at != ',' && *at != ']' && *at != '}') {
		at++;
	}
	return at;
}

static struct json_slice_walk walk_over(struct json_slice value, char opening)
{
	if (value.size == 0 || value.text[0] != opening) {
		return (struct json_slice_walk){ NULL, NULL };
	}
	return (struct json_slice_walk){ value.text + 1, value.text + value.size - 1 };
}

struct json_slice_walk json_slice_members(struct json_slice object)
{
	return walk_over(object, '{');
}

struct json_slice_walk json_slice_elements(struct json_slice array)
{
	return walk_over(array, '[');
}

/* To where the next name or element begins; false: there is none, or an object ends here whose end
 * was not known. */
static inline bool step(struct json_slice_walk *walk)
{
	walk->at = skip_space(walk->at, walk->end);
	if (walk->at < walk->end && *walk->at == ',') {
		walk->at = skip_space(walk->at + 1, walk->end);
	}
	return walk->at < walk->end && *walk->at != '}';
}

static inline struct json_slice take_value(struct json_slice_walk *walk)
{
	bool is_plain;
	const char *first = walk->at;
	if (*first == '"') {
		walk->at = skip_text(first, walk->end, &is_plain);
	} else if (*first == '{' || *first == '[') {
		walk->at = json_skip_nested(first, walk->end);
	} else {
		walk->at = skip_word(first, walk->end);
	}
	return (struct json_slice){ first, (size_t)(walk->at - first) };
}

static inline bool next_member(
        struct json_slice_walk *walk, struct name *ret_name, struct json_slice *ret_value)
{
	if (!step(walk)) {
		return false;
	}
	const char *first = walk->at;
	walk->at = skip_text(first, walk->end, &ret_name->is_plain);
	ret_name->slice = (struct json_slice){ first, (size_t)(walk->at - first) };
	walk->at = skip_space(walk->at, walk->end) + 1;
	walk->at = skip_space(walk->at, walk->end);
	*ret_value = take_value(walk);
	return true;
}

bool json_slice_next_member(
        struct json_slice_walk *walk, struct json_slice *ret_name, struct json_slice *ret_value)
{
	struct name name;
	if (!next_member(walk, &name, ret_value)) {
		return false;
	}
	*ret_name = name.slice;
	return true;
}

bool json_slice_next_element(struct json_slice_walk *walk, struct json_slice *ret_value)
{
	if (!step(walk)) {
		return false;
	}
	*ret_value = take_value(walk);
	return true;
}

static void collect(struct json_slice_walk *walk, struct wanted *wanted)
{
	struct name name;
	struct json_slice value;
	want_all(wanted);
	while (next_member(walk, &name, &value)) {
		find(wanted, &name, value);
	}
}

void json_slice_collect(struct json_slice object, const char *const *names, size_t n_names,
        struct json_slice *ret_values)
{
	struct wanted wanted = { .names = names, .n_names = n_names, .values = ret_values };
	struct json_slice_walk walk = json_slice_members(object);
	collect(&walk, &wanted);
}

bool json_slice_collect_next(struct json_slice_walk *walk, const char *const *names, size_t n_names,
        struct json_slice *ret_values, struct json_slice *ret_value)
{
	struct wanted wanted = { .names = names, .n_names = n_names, .values = ret_values };
	if (!step(walk)) {
		return false;
	}
	if (*walk->at != '{') {
		want_all(&wanted);
		*ret_value = take_value(walk);
		return true;
	}
	const char *first = walk->at;
	struct json_slice_walk members = { first + 1, walk->end };
	collect(&members, &wanted);
	walk->at = members.at + 1;
	*ret_value = (struct json_slice){ first, (size_t)(walk->at - first) };
	return true;
}

struct json_slice json_slice_member(struct json_slice object, const char *name)
{
	struct json_slice value;
	json_slice_collect(object, &name, 1, &value);
	return value;
}

bool json_slice_is_object(struct json_slice value)
{
	return value.size != 0 && value.text[0] == '{';
}

bool json_slice_is_null(struct json_slice value)
{
	return value.size == 0 || value.text[0] == 'n';
}

bool json_slice_is_true(struct json_slice value)
{
	return value.size != 0 && value.text[0] == 't';
}

bool json_slice_integer(struct json_slice value, int64_t *ret_integer)
{
	bool is_negative = value.size != 0 && value.text[0] == '-';
	uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	uint64_t number = 0;
	size_t first = is_negative ? 1 : 0;
	for (size_t i = first; i < value.size; i++) {
		uint64_t digit = (uint64_t)(value.text[i] - '0');
		if (!is_digit(value.text[i]) || number > (limit - digit) / 10) {
			return false;
		}
		number = number * 10 + digit;
	}
	if (value.size == first) {
		return false;
	}
	*ret_integer = is_negative ? (int64_t)(0 - number) : (int64_t)number;
	return true;
}
