/* SPDX-License-Identifier: MIT */
/* Connection strings of Azure Storage: every form, and sentences for what is none. */
#include "support/azure/storage_connection.h"

#include "tests/support/suite.h"

#define KEY "a2V5LW9mLWEtdGVzdA=="

static struct azure_storage good(const char *text)
{
	struct azure_storage storage = { 0 };
	char error[300] = "";
	bool is_good = azure_storage_parse(text, &storage, error, sizeof(error));
	CHECK_TEXT(error, "");
	CHECK(is_good);
	return storage;
}

static void check_endpoint(const char *text, const char *account, const char *endpoint)
{
	struct azure_storage storage = good(text);
	CHECK_TEXT(storage.account, account);
	CHECK_TEXT(storage.endpoint, endpoint);
	azure_storage_finish(&storage);
}

static void an_account_key_gives_the_endpoint_of_its_account(void)
{
	check_endpoint("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=" KEY
	               ";EndpointSuffix=core.windows.net",
	        "acme", "https://acme.table.core.windows.net");
	check_endpoint(
	        "AccountName=acme;AccountKey=" KEY, "acme", "https://acme.table.core.windows.net");
	check_endpoint(" accountname = acme ;;ACCOUNTKEY=" KEY
	               ";DefaultEndpointsProtocol=http;EndpointSuffix=core.chinacloudapi.cn;",
	        "acme", "http://acme.table.core.chinacloudapi.cn");
	struct azure_storage storage = good("AccountName=acme;AccountKey=" KEY);
	CHECK_INT(storage.key_size, 13);
	CHECK(memcmp(storage.key, "key-of-a-test", 13) == 0);
	CHECK(storage.signature == NULL);
	azure_storage_finish(&storage);
}

static void a_table_endpoint_decides(void)
{
	check_endpoint("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=" KEY
	               ";BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
	               "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1/;",
	        "devstoreaccount1", "http://127.0.0.1:10002/devstoreaccount1");
	check_endpoint("AccountName=acme;AccountKey=" KEY
	               ";TableEndpoint=https://acme.table.cosmos.azure.com:443/",
	        "acme", "https://acme.table.cosmos.azure.com:443");
}

static void a_signature_needs_no_key(void)
{
	struct azure_storage storage = good("TableEndpoint=https://acme.table.core.windows.net/;"
	                                    "SharedAccessSignature=?sv=2019-02-02&ss=t&sig=abc%3D");
	CHECK_TEXT(storage.account, "acme");
	CHECK_TEXT(storage.endpoint, "https://acme.table.core.windows.net");
	CHECK_TEXT(storage.signature, "sv=2019-02-02&ss=t&sig=abc%3D");
	CHECK(storage.key == NULL);
	azure_storage_finish(&storage);
	check_endpoint("TableEndpoint=http://127.0.0.1:10002/one;SharedAccessSignature=sig=a",
	        "one", "http://127.0.0.1:10002/one");
	check_endpoint("TableEndpoint=http://localhost:10002/one;SharedAccessSignature=sig=a",
	        "one", "http://localhost:10002/one");
	check_endpoint("AccountName=acme;SharedAccessSignature=sig=a", "acme",
	        "https://acme.table.core.windows.net");
}

static void the_emulator_has_a_short_form(void)
{
	struct azure_storage storage = good("UseDevelopmentStorage=true");
	CHECK_TEXT(storage.account, "devstoreaccount1");
	CHECK_TEXT(storage.endpoint, "http://127.0.0.1:10002/devstoreaccount1");
	CHECK_INT(storage.key_size, 64);
	azure_storage_finish(&storage);
	check_endpoint("UseDevelopmentStorage=TRUE;DevelopmentStorageProxyUri=http://azurite/",
	        "devstoreaccount1", "http://azurite:10002/devstoreaccount1");
	check_endpoint(
	        "UseDevelopmentStorage=true;TableEndpoint=http://127.0.0.1:4/devstoreaccount1",
	        "devstoreaccount1", "http://127.0.0.1:4/devstoreaccount1");
}

static void what_is_wrong_is_said_without_secrets(void)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "", "neither AccountKey nor" },
		{ "AccountName=a", "neither AccountKey nor" },
		{ "AccountKey=" KEY, "without AccountName" },
		{ "SharedAccessSignature=sig=secret", "neither TableEndpoint nor AccountName" },
		{ "AccountName=a;AccountKey=secret!", "no base64" },
		{ "AccountName=a;AccountKey=secret", "no base64" },
		{ "AccountName=a;AccountName=b;AccountKey=" KEY, "AccountName twice" },
		{ "AccountName=a;AccountKey=", "AccountKey without a value" },
		{ "secret", "without an equals sign" },
		{ "AccountName=a;AccountKey=" KEY ";SharedAccessSignature=sig=secret", "both" },
		{ "AccountName=a;AccountKey=" KEY ";TableEndpoint=ftp://x", "not of the form" },
		{ "AccountName=a;AccountKey=" KEY ";TableEndpoint=https://", "not of the form" },
		{ "AccountName=a;AccountKey=" KEY ";TableEndpoint=https://x?y", "not of the form" },
		{ "UseDevelopmentStorage=false", "neither AccountKey nor" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct azure_storage storage = { 0 };
		char error[300] = "";
		CHECK(!azure_storage_parse(bad[i].text, &storage, error, sizeof(error)));
		if (strstr(error, bad[i].part) == NULL) {
			CHECK_TEXT(error, bad[i].part);
		}
		CHECK(strstr(error, "secret") == NULL);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(an_account_key_gives_the_endpoint_of_its_account),
		SUITE_TEST(a_table_endpoint_decides),
		SUITE_TEST(a_signature_needs_no_key),
		SUITE_TEST(the_emulator_has_a_short_form),
		SUITE_TEST(what_is_wrong_is_said_without_secrets),
	};
	return suite_run("storage_connection", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
