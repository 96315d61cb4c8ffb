/* SPDX-License-Identifier: MIT */
/* What of the plugin needs no server: connection strings, signatures, values, references. */
#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static const char whole[] = "Endpoint=https://contoso.azconfig.io;Id=some-l0-s0:id;"
                            "Secret=abcdefghijklmnopqrstuvwxyz1234567890";

static struct connection parse(const char *text, const char *more)
{
	struct connection connection = { 0 };
	char error[500] = "";
	if (!connection_parse(text, more, &connection, error, sizeof(error))) {
		CHECK(error[0] != '\0');
		CHECK(strstr(error, "abcdefgh") == NULL);
	}
	return connection;
}

/* Reckoned with Python's hmac and with openssl. */
static void signature_is_what_the_service_expects(void)
{
	struct connection connection = parse(whole, NULL);
	struct signature signature;
	signature_make(&connection, connection.endpoints[0].host,
	        "/kv?api-version=2023-11-01&key=app%2F*&label=%00", 1704067200, &signature);
	CHECK_TEXT(signature.date, "x-ms-date: Mon, 01 Jan 2024 00:00:00 GMT");
	CHECK_TEXT(signature.authorization,
	        "Authorization: HMAC-SHA256 Credential=some-l0-s0:id&SignedHeaders="
	        "x-ms-date;host;x-ms-content-sha256&Signature="
	        "xaf2U3XakCp2rAhjUIz7co64SwQlNigTdnQtHhQz1vM=");
	signature_finish(&signature);
	connection_finish(&connection);
}

static void connection_string_is_taken_in_any_order_with_replicas(void)
{
	struct connection connection =
	        parse(" Secret=YQ== ;Id=a;Endpoint=https://X.azconfig.io:443/",
	                "https://r1.azconfig.io, http://127.0.0.1:8483,");
	CHECK_INT(connection.n_endpoints, 3);
	CHECK_TEXT(connection.endpoints[0].url, "https://X.azconfig.io:443");
	CHECK_TEXT(connection.endpoints[0].host, "X.azconfig.io");
	CHECK_TEXT(connection.endpoints[2].host, "127.0.0.1:8483");
	CHECK_INT(connection.key_size, 1);
	connection_finish(&connection);
}

static void wrong_connection_strings_are_refused_without_their_secret(void)
{
	static const char *const wrong[] = { "", "Endpoint=https://x;Id=a",
		"Endpoint=ftp://x;Id=a;Secret=YQ==", "Endpoint=https://;Id=a;Secret=YQ==",
		"Endpoint=https://x/kv;Id=a;Secret=YQ==", "Endpoint=https://a@b;Id=a;Secret=YQ==",
		"Endpoint=https://x;Id=a;Secret=abcdefghi", "Endpoint=https://x;Id=a&b;Secret=YQ==",
		"Endpoint=https://x;Id=a;Secret=====", "Endpoint=https://x;Id=;Secret=YQ==" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct connection connection = parse(wrong[i], NULL);
		CHECK_INT(connection.n_endpoints, 0);
		connection_finish(&connection);
	}
	struct connection many = parse(whole,
	        "https://a,https://b,https://c,https://d,https://e,"
	        "https://f,https://g,https://h");
	CHECK_INT(many.n_endpoints, 0);
}

static void sync_token_with_the_highest_number_is_kept(void)
{
	struct endpoint endpoint = { 0 };
	static const char *const headers[] = { "zAJw6V16=MDoyOA==;sn=28", "zAJw6V16=old;sn=27",
		"a=b;sn=29, zAJw6V16=new;sn=30", "", ";sn=99", "zAJw6V16=no-number" };
	static const char *const kept[] = { "zAJw6V16=MDoyOA==", "zAJw6V16=MDoyOA==",
		"zAJw6V16=new", "zAJw6V16=new", "zAJw6V16=new", "zAJw6V16=new" };
	for (size_t i = 0; i < 6; i++) {
		endpoint_take_token(&endpoint, headers[i], strlen(headers[i]));
		CHECK_TEXT(endpoint.sync_token, kept[i]);
	}
	free(endpoint.sync_token);
}

static void values_are_read_by_their_content_type(void)
{
	static const char *const cases[][3] = { { "", "\"a\"", "\"a\"" },
		{ "application/json", "\"a\"", "a" }, { "application/json", "5", "5" },
		{ "Application/JSON; charset=utf-8", "true", "true" },
		{ "application/json", "[\"a\",2,false]", "a,2,false" },
		{ "application/json", "[[1]]", "[[1]]" },
		{ "application/json", "{ \"a\": 1 }", "{ \"a\": 1 }" },
		{ "application/json", "null", "" }, { "application/vnd.x+json", "\"a\"", "a" },
		{ "text/json", "\"a\"", "\"a\"" }, { "application/json", "{", "{" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting setting = { .value = (char *)(uintptr_t)cases[i][1],
			.content_type = (char *)(uintptr_t)cases[i][0] };
		CLEANUP_FREE char *text = setting_text(&setting);
		CHECK_TEXT(text, cases[i][2]);
	}
}

static void labels_become_filters_that_mean_them_alone(void)
{
	static const char *const cases[][2] = { { "", "%00" }, { "prod", "prod" },
		{ "a,b", "a%5C%2Cb" }, { "a\\b", "a%5C%5Cb" }, { "a*", "a%5C%2A" },
		{ "a b/\xc3\xbc", "a%20b%2F%C3%BC" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_FREE char *filter = selector_filter(cases[i][0]);
		CHECK_TEXT(filter, cases[i][1]);
	}
}

static void reference_in_any_cloud_has_the_resource_of_its_cloud(void)
{
	static const char *const cases[][2] = {
		{ "{\"uri\":\"https://v.vault.azure.net/secrets/s\"}", "https://vault.azure.net" },
		{ "{\"uri\":\"HTTPS://V.VAULT.AZURE.CN/secrets/s/1a\"}", "https://vault.azure.cn" },
		{ "{\"uri\":\"https://v.vault.usgovcloudapi.net/secrets/s\"}",
		        "https://vault.usgovcloudapi.net" },
	};
	for (size_t i = 0; i < 3; i++) {
		struct reference reference = { 0 };
		char error[300];
		CHECK(reference_parse(cases[i][0], &reference, error, sizeof(error)));
		CHECK_TEXT(reference.resource, cases[i][1]);
		reference_finish(&reference);
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(signature_is_what_the_service_expects),
	SUITE_TEST(connection_string_is_taken_in_any_order_with_replicas),
	SUITE_TEST(wrong_connection_strings_are_refused_without_their_secret),
	SUITE_TEST(sync_token_with_the_highest_number_is_kept),
	SUITE_TEST(values_are_read_by_their_content_type),
	SUITE_TEST(labels_become_filters_that_mean_them_alone),
	SUITE_TEST(reference_in_any_cloud_has_the_resource_of_its_cloud),
};

int main(int argc, char **argv)
{
	return suite_run("config-appconfig", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
