/* SPDX-License-Identifier: MIT */
/* Mode, key and lane of a command; the vector script compares the lower-casing with Python. */
#include "core/routing.h"

#include "core/strip_lower.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void tenant_t1_has_lane_7(void)
{
	const struct routing_config config = { 0 };
	struct routing routing CLEANUP(routing_finish) = { 0 };
	routing_decide(ROUTING_UNSET, "t1", NULL, &config, &routing);
	CHECK_INT(routing.lane, 7);
	CHECK_INT(routing.mode, ROUTING_DEFAULT);
	CHECK_TEXT(routing.key, "t1");
	CHECK_TEXT(routing.decision_source, "GLOBAL_CONFIG");
	CHECK_TEXT(routing.decision_reason, "default");
}

static void burst_puts_the_document_behind_the_tenant(void)
{
	const struct routing_config config = { .n_lanes = 4 };
	struct routing routing CLEANUP(routing_finish) = { 0 };
	routing_decide(ROUTING_BURST, " Tenant ", "\tDOC\xc3\x89 ", &config, &routing);
	CHECK_TEXT(routing.key, "tenantdoc\xc3\xa9");
	CHECK_INT(routing.lane, routing_crc32("tenantdoc\xc3\xa9", 11) % 4);
	CHECK_INT(routing.mode, ROUTING_BURST);
	CHECK_TEXT(routing.decision_source, "REQUEST");
	CHECK_TEXT(routing.decision_reason, "request.mode");
}

static void the_mode_of_the_request_goes_before_the_configured_one(void)
{
	const struct routing_config burst = { .default_mode = ROUTING_BURST };
	CHECK_INT(routing_mode_resolve(ROUTING_UNSET, &burst), ROUTING_BURST);
	CHECK_INT(routing_mode_resolve(ROUTING_DEFAULT, &burst), ROUTING_DEFAULT);
	struct routing routing CLEANUP(routing_finish) = { 0 };
	routing_decide(ROUTING_UNSET, "A", "B", &burst, &routing);
	CHECK_TEXT(routing.key, "ab");
	CHECK_TEXT(routing.decision_reason, "default");
}

static void modes_have_their_names(void)
{
	CHECK_INT(routing_mode_from_text("BURST"), ROUTING_BURST);
	CHECK_INT(routing_mode_from_text("DEFAULT"), ROUTING_DEFAULT);
	CHECK_INT(routing_mode_from_text("burst"), ROUTING_UNSET);
	CHECK_TEXT(routing_mode_text(ROUTING_BURST), "BURST");
	CHECK_TEXT(routing_mode_text(ROUTING_DEFAULT), "DEFAULT");
}

static void crc_is_that_of_zlib(void)
{
	CHECK_INT(routing_crc32("", 0), 0);
	CHECK_INT(routing_crc32("123456789", 9), 0xcbf43926);
}

static void check_strip_lower(const char *text, const char *expected)
{
	char *lower CLEANUP_FREE = strip_lower(text);
	CHECK_TEXT(lower, expected);
}

static void white_space_of_unicode_is_trimmed(void)
{
	check_strip_lower("\xe3\x80\x80 A B\xc2\xa0\n", "a b");
	check_strip_lower("\xe2\x80\x8b"
	                  "A",
	        "\xe2\x80\x8b"
	        "a");
	check_strip_lower(" \t ", "");
}

static void lower_case_knows_final_sigma_and_dotted_i(void)
{
	check_strip_lower("\xce\x91\xce\xa3", "\xce\xb1\xcf\x82");
	check_strip_lower("\xce\x91\xce\xa3\xce\x91", "\xce\xb1\xcf\x83\xce\xb1");
	check_strip_lower("A'\xce\xa3", "a'\xcf\x82");
	check_strip_lower("\xc4\xb0", "i\xcc\x87");
	check_strip_lower("\xc8\xba", "\xe2\xb1\xa5");
}

static const struct suite_test tests[] = {
	SUITE_TEST(tenant_t1_has_lane_7),
	SUITE_TEST(burst_puts_the_document_behind_the_tenant),
	SUITE_TEST(the_mode_of_the_request_goes_before_the_configured_one),
	SUITE_TEST(modes_have_their_names),
	SUITE_TEST(crc_is_that_of_zlib),
	SUITE_TEST(white_space_of_unicode_is_trimmed),
	SUITE_TEST(lower_case_knows_final_sigma_and_dotted_i),
};

int main(int argc, char **argv)
{
	return suite_run("routing", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
