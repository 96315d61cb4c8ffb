/* SPDX-License-Identifier: MIT */
/* Scanning many bytes at a time, against one byte at a time. */
#include "core/plain_span.h"

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

enum { LONGEST = 47 };

static size_t slow_span(const char *text, size_t size)
{
	size_t at = 0;
	while (at < size && plain_is(text[at])) {
		at++;
	}
	return at;
}

static void each_byte_is_found_at_each_place(void)
{
	for (int byte = 0; byte < 256; byte++) {
		for (size_t place = 0; place < LONGEST; place++) {
			char text[LONGEST];
			memset(text, 'a', sizeof(text));
			text[place] = (char)byte;
			size_t expected = plain_is((char)byte) ? LONGEST : place;
			CHECK_INT(plain_span(text, LONGEST), expected);
			CHECK_INT(plain_span(text, place), place);
			CHECK_INT(plain_ascii_span(text, LONGEST), byte < 0x80 ? LONGEST : place);
			bool is_unescaped = byte != '"' && byte != '\\';
			CHECK_INT(plain_unescaped_span(text, LONGEST),
			        is_unescaped ? LONGEST : place);
			CHECK_INT(plain_unescaped_span(text, place), place);
		}
	}
}

/* Bytes at the edges of what is plain, in all pairs: what one does to the next one's sum. */
static void neighbours_do_not_hide_each_other(void)
{
	static const unsigned char edges[] = { 0x00, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d,
		0x7e, 0x7f, 0x80, 0x81, 0xa2, 0xdc, 0xfe, 0xff };
	for (size_t i = 0; i < sizeof(edges); i++) {
		for (size_t j = 0; j < sizeof(edges); j++) {
			char text[16];
			memset(text, '~', sizeof(text));
			text[3] = (char)edges[i];
			text[4] = (char)edges[j];
			CHECK_INT(plain_span(text, sizeof(text)), slow_span(text, sizeof(text)));
		}
	}
}

/* Copies from and to memory of its own, so that the address sanitizer sees a byte too many. */
static size_t copied(const char *text, size_t size, char *ret_copy)
{
	char *from CLEANUP_FREE = must_resize(NULL, size, 1);
	char *to CLEANUP_FREE = must_resize(NULL, size, 1);
	memcpy(from, text, size);
	size_t n = plain_copy(to, from, size);
	memcpy(ret_copy, to, n);
	return n;
}

static void each_byte_ends_a_copy_at_each_place(void)
{
	for (int byte = 0; byte < 256; byte++) {
		for (size_t size = 1; size < LONGEST; size++) {
			for (size_t place = 0; place < size; place++) {
				char text[LONGEST];
				char copy[LONGEST] = { 0 };
				for (size_t i = 0; i < size; i++) {
					text[i] = (char)('a' + i % 26);
				}
				text[place] = (char)byte;
				size_t expected = plain_is((char)byte) ? size : place;
				CHECK_INT(copied(text, size, copy), expected);
				CHECK(memcmp(copy, text, expected) == 0);
			}
		}
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(each_byte_ends_a_copy_at_each_place),
	SUITE_TEST(each_byte_is_found_at_each_place),
	SUITE_TEST(neighbours_do_not_hide_each_other),
};

int main(int argc, char **argv)
{
	return suite_run("plain_span", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
