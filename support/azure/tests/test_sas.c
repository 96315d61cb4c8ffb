/* SPDX-License-Identifier: MIT */
/* Signatures against values computed with another implementation of HMAC, and their refusal. */
#include "support/azure/sas.h"

#include "support/base/cleanup.h"
#include "tests/support/suite.h"

#define NAME "RootManageSharedAccessKey"
#define KEY "SAS_KEY_VALUE"
#define SR "sb%3A%2F%2Flocalhost%2Fglobal-bus-p0"
#define SIG "EIiuz04CGL66zmiyLHahINrYiia3F0tQi5yP7D4VtKM%3D"
#define END 1700000000

static enum azure_sas_result verify_at(const char *token, const char *audience, int64_t now)
{
	struct azure_sas_rule rule = {
		.key_name = NAME, .key = KEY, .audience = audience, .now = now
	};
	return azure_sas_verify(token, strlen(token), &rule, NULL);
}

static enum azure_sas_result verify(const char *token)
{
	return verify_at(token, "sb://localhost/global-bus-p0", END - 1);
}

static void token_is_what_another_implementation_makes(void)
{
	CLEANUP_FREE char *token = azure_sas_make("sb://localhost/global-bus-p0", NAME, KEY, END);
	CHECK_TEXT(token, "SharedAccessSignature sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME);
}

static void fields_may_come_in_any_order(void)
{
	CHECK_INT(verify("SharedAccessSignature sig=" SIG "&se=1700000000&skn=" NAME "&sr=" SR),
	        AZURE_SAS_GOOD);
}

static void lower_case_digits_and_a_query_are_signed_as_they_came(void)
{
	CHECK_INT(verify("SharedAccessSignature "
	                 "sig=%2FB2NVfiLHxCOiSGHUoxoPoRWnba9SXCL%2Bpecm8VrYxc%3D&se=1700000000"
	                 "&skn=" NAME "&sr=https%3a%2f%2flocalhost%3a5300%2fglobal-bus-p0%3fapi-"
	                 "version%3d2021-05"),
	        AZURE_SAS_GOOD);
}

static void expiry_ends_in_its_second(void)
{
	const char *token = "SharedAccessSignature sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME;
	CHECK_INT(verify_at(token, NULL, END - 1), AZURE_SAS_GOOD);
	CHECK_INT(verify_at(token, NULL, END), AZURE_SAS_EXPIRED);
}

static void changed_expiry_breaks_the_signature(void)
{
	CHECK_INT(verify("SharedAccessSignature sr=" SR "&sig=" SIG "&se=1800000000&skn=" NAME),
	        AZURE_SAS_BAD_SIGNATURE);
}

static void token_of_a_parent_covers_its_children_only(void)
{
	const char *token = "SharedAccessSignature sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME;
	CHECK_INT(verify_at(token, "amqp://localhost:5672/Global-Bus-p0/Subscriptions/x", 0),
	        AZURE_SAS_GOOD);
	CHECK_INT(verify_at(token, "sb://localhost/global-bus-p01", 0), AZURE_SAS_WRONG_AUDIENCE);
	CHECK_INT(verify_at(token, "sb://localhost/", 0), AZURE_SAS_WRONG_AUDIENCE);
	CHECK_INT(verify_at(token, "sb://elsewhere/global-bus-p0", 0), AZURE_SAS_WRONG_AUDIENCE);
}

static void other_key_name_is_refused(void)
{
	CHECK_INT(verify("SharedAccessSignature sr=" SR "&sig=" SIG "&se=1700000000&skn=Other"),
	        AZURE_SAS_UNKNOWN_KEY);
}

static void malformed_tokens_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"SharedAccessSignature",
		"SharedAccessSignature ",
		"sr=a&sig=b&se=1&skn=c",
		"SharedAccessSignature sr=" SR "&sig=" SIG "&skn=" NAME,
		"SharedAccessSignature sr=" SR "&sig=" SIG "&se=&skn=" NAME,
		"SharedAccessSignature sr=" SR "&sig=" SIG "&se=1x&skn=" NAME,
		"SharedAccessSignature sr=" SR "&sig=" SIG "&se=99999999999999999999&skn=" NAME,
		"SharedAccessSignature sr=" SR "&sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME,
		"SharedAccessSignature novalue&sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME,
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(verify(bad[i]), AZURE_SAS_MALFORMED);
	}
}

static void token_with_a_nul_is_refused(void)
{
	static const char token[] =
	        "SharedAccessSignature sr=" SR "&sig=" SIG "&se=1700000000&skn=" NAME "\0&x=1";
	struct azure_sas_rule rule = { .key_name = NAME, .key = KEY };
	CHECK_INT(azure_sas_verify(token, sizeof(token) - 1, &rule, NULL), AZURE_SAS_MALFORMED);
}

static void audiences_are_compared_in_one_form(void)
{
	static const char *const same[] = { "sb://Localhost:5672/Topic/Subscriptions/S",
		"amqps://localhost/topic/subscriptions/s/", "localhost%2FTOPIC/subscriptions/s",
		"/localhost/topic/subscriptions/s?timeout=3" };
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		CLEANUP_FREE char *normal = azure_audience_normal(same[i], strlen(same[i]));
		CHECK_TEXT(normal, "localhost/topic/subscriptions/s");
	}
	CHECK(!azure_audience_covers("", "anything"));
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(token_is_what_another_implementation_makes),
		SUITE_TEST(fields_may_come_in_any_order),
		SUITE_TEST(lower_case_digits_and_a_query_are_signed_as_they_came),
		SUITE_TEST(expiry_ends_in_its_second),
		SUITE_TEST(changed_expiry_breaks_the_signature),
		SUITE_TEST(token_of_a_parent_covers_its_children_only),
		SUITE_TEST(other_key_name_is_refused),
		SUITE_TEST(malformed_tokens_are_refused),
		SUITE_TEST(token_with_a_nul_is_refused),
		SUITE_TEST(audiences_are_compared_in_one_form),
	};
	return suite_run("azure sas", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
