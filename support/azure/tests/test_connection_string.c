/* SPDX-License-Identifier: MIT */
/* The forms that Microsoft's SDKs take, and sentences that keep secrets. */
#include "support/azure/connection_string.h"

#include "tests/support/suite.h"

#define SECRET "c2VjcmV0+/=="

static char error[256];

static bool parse(const char *text, struct azure_servicebus *connection)
{
	*connection = (struct azure_servicebus){ 0 };
	error[0] = '\0';
	return azure_servicebus_parse(text, connection, error, sizeof(error));
}

static void namespace_string_is_taken(void)
{
	struct azure_servicebus c;
	CHECK(parse("Endpoint=sb://Name.servicebus.windows.net/;SharedAccessKeyName=Root;"
	            "SharedAccessKey=" SECRET,
	        &c));
	CHECK_TEXT(c.host, "name.servicebus.windows.net");
	CHECK_TEXT(c.key_name, "Root");
	CHECK_TEXT(c.key, SECRET);
	CHECK(!c.is_emulator);
	CHECK_INT(azure_servicebus_port(&c), 5671);
	azure_servicebus_finish(&c);
}

static void emulator_string_is_taken(void)
{
	struct azure_servicebus c;
	CHECK(parse("Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;"
	            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;",
	        &c));
	CHECK(c.is_emulator);
	CHECK_INT(azure_servicebus_port(&c), 5672);
	azure_servicebus_finish(&c);
}

static void port_and_spaces_and_case_do_not_matter(void)
{
	struct azure_servicebus c;
	CHECK(parse(" endpoint = SB://[::1]:15672/ ; SHAREDACCESSKEYNAME=a ; sharedaccesskey = b ;"
	            " usedevelopmentemulator=TRUE ; TransportType=AmqpWebSockets;; ",
	        &c));
	CHECK_TEXT(c.host, "::1");
	CHECK_INT(azure_servicebus_port(&c), 15672);
	CHECK_TEXT(c.key, "b");
	CHECK(c.is_emulator);
	azure_servicebus_finish(&c);
}

static void signature_and_entity_path_are_taken(void)
{
	struct azure_servicebus c;
	CHECK(parse("Endpoint=sb://h;SharedAccessSignature=SharedAccessSignature sr=a&sig=b%3D&se=1"
	            "&skn=c;EntityPath=topic",
	        &c));
	CHECK_TEXT(c.signature, "SharedAccessSignature sr=a&sig=b%3D&se=1&skn=c");
	CHECK_TEXT(c.entity_path, "topic");
	CHECK(c.key == NULL);
	azure_servicebus_finish(&c);
}

static void copy_outlives_its_source(void)
{
	struct azure_servicebus c;
	CHECK(parse("Endpoint=sb://h:1;SharedAccessKeyName=a;SharedAccessKey=b", &c));
	struct azure_servicebus copy = azure_servicebus_copy(&c);
	azure_servicebus_finish(&c);
	CHECK_TEXT(copy.host, "h");
	CHECK_TEXT(copy.key, "b");
	CHECK_INT(copy.port, 1);
	azure_servicebus_finish(&copy);
}

static void wrong_strings_are_refused_with_a_sentence(void)
{
	static const char *const cases[][2] = {
		{ "", "no Endpoint" },
		{ "SharedAccessKeyName=a;SharedAccessKey=" SECRET, "no Endpoint" },
		{ "Endpoint=sb://h", "no SharedAccessKey" },
		{ "Endpoint=sb://h;SharedAccessKey=" SECRET, "no SharedAccessKeyName" },
		{ "Endpoint=h;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of the form" },
		{ "Endpoint=sb://;SharedAccessKeyName=a;SharedAccessKey=" SECRET,
		        "not of the form" },
		{ "Endpoint=sb://h:0;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of the" },
		{ "Endpoint=sb://h:70000;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of" },
		{ "Endpoint=sb://h/x;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of" },
		{ "Endpoint=sb://a b;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of" },
		{ "Endpoint=sb://[::1;SharedAccessKeyName=a;SharedAccessKey=" SECRET, "not of" },
		{ "Endpoint=sb://h;Endpoint=sb://g;SharedAccessKey=" SECRET, "Endpoint twice" },
		{ "Endpoint=sb://h;SharedAccessKey=a;SharedAccessKey=" SECRET, "twice" },
		{ "Endpoint=sb://h;SharedAccessKeyName=;SharedAccessKey=" SECRET,
		        "without a value" },
		{ "Endpoint=sb://h;" SECRET ";x", "equals sign" },
		{ "Endpoint=sb://h;c2VjcmV0;x=1", "equals sign" },
		{ "Endpoint=sb://h;UseDevelopmentEmulator=maybe;SharedAccessKey=" SECRET,
		        "neither" },
		{ "Endpoint=sb://h;SharedAccessKeyName=a;SharedAccessKey=" SECRET
		  ";SharedAccessSignature=x",
		        "both" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct azure_servicebus c;
		CHECK(!parse(cases[i][0], &c));
		if (strstr(error, cases[i][1]) == NULL) {
			CHECK_TEXT(error, cases[i][1]);
		}
		CHECK(strstr(error, "c2VjcmV0") == NULL);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(namespace_string_is_taken),
		SUITE_TEST(emulator_string_is_taken),
		SUITE_TEST(port_and_spaces_and_case_do_not_matter),
		SUITE_TEST(signature_and_entity_path_are_taken),
		SUITE_TEST(copy_outlives_its_source),
		SUITE_TEST(wrong_strings_are_refused_with_a_sentence),
	};
	return suite_run("connection string", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
