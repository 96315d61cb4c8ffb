/* SPDX-License-Identifier: MIT */
/* The bytes of gRPC: prefixes, timeouts, percent and base64, and bodies that come in pieces. */
#include "support/grpc/wire.h"

#include "tests/support/suite.h"

static void timeout_has_at_most_eight_digits(void)
{
	char text[GRPC_TIMEOUT_SIZE];
	grpc_timeout_print(20000, text);
	CHECK_TEXT(text, "20000m");
	grpc_timeout_print(UINT32_MAX, text);
	CHECK_TEXT(text, "4294967S");
}

static void percent_is_decoded_and_what_is_none_stays(void)
{
	char text[] = "a%20b%zz%4";
	size_t size = grpc_percent_decode(text, strlen(text));
	CHECK_INT(size, 8);
	CHECK(memcmp(text, "a b%zz%4", 8) == 0);
}

static void base64_is_taken_with_and_without_padding(void)
{
	uint8_t bytes[16];
	size_t size = 0;
	CHECK(grpc_base64_decode("aGVsbG8=", 8, bytes, &size));
	CHECK(size == 5 && memcmp(bytes, "hello", 5) == 0);
	CHECK(grpc_base64_decode("aGVsbG8", 7, bytes, &size));
	CHECK(size == 5 && memcmp(bytes, "hello", 5) == 0);
	CHECK(!grpc_base64_decode("a", 1, bytes, &size));
	CHECK(!grpc_base64_decode("a*bc", 4, bytes, &size));
}

static void status_is_a_number_from_0_to_16(void)
{
	enum grpc_status status;
	CHECK(grpc_status_parse("16", 2, &status) && status == GRPC_UNAUTHENTICATED);
	CHECK(!grpc_status_parse("17", 2, &status));
	CHECK(!grpc_status_parse("", 0, &status));
	CHECK(!grpc_status_parse("-1", 2, &status));
}

static void body_in_pieces_is_one_message_and_not_more(void)
{
	static const uint8_t bytes[] = { 0, 0, 0, 0, 2, 'h', 'i', 0 };
	struct grpc_body body = { 0 };
	CHECK_INT(grpc_body_state(&body), GRPC_BODY_EMPTY);
	for (size_t i = 0; i < 7; i++) {
		CHECK(grpc_body_append(&body, bytes + i, 1, 10));
		CHECK_INT(grpc_body_state(&body), i < 6 ? GRPC_BODY_PARTIAL : GRPC_BODY_ONE);
	}
	CHECK(grpc_body_append(&body, bytes + 7, 1, 10));
	CHECK_INT(grpc_body_state(&body), GRPC_BODY_MORE);
	grpc_body_finish(&body);
}

static void body_over_its_bound_is_refused_by_its_prefix(void)
{
	static const uint8_t large[] = { 0, 0x7f, 0xff, 0xff, 0xff };
	static const uint8_t compressed[] = { 1, 0, 0, 0, 0 };
	struct grpc_body body = { 0 };
	CHECK(!grpc_body_append(&body, large, sizeof(large), 1000));
	grpc_body_finish(&body);
	CHECK(grpc_body_append(&body, compressed, sizeof(compressed), 1000));
	CHECK_INT(grpc_body_state(&body), GRPC_BODY_COMPRESSED);
	grpc_body_finish(&body);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(timeout_has_at_most_eight_digits),
		SUITE_TEST(percent_is_decoded_and_what_is_none_stays),
		SUITE_TEST(base64_is_taken_with_and_without_padding),
		SUITE_TEST(status_is_a_number_from_0_to_16),
		SUITE_TEST(body_in_pieces_is_one_message_and_not_more),
		SUITE_TEST(body_over_its_bound_is_refused_by_its_prefix),
	};
	return suite_run("grpc_wire", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
