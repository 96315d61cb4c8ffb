/* SPDX-License-Identifier: MIT */
/* What of the plugin needs no server: connection strings, signatures, values, references. */
#include "plugins/config-appconfig/source.h"
#include "plugins/config-appconfig/waits.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static const char whole[] = "Endpoint=https://contoso.azconfig.io;Id=some-l0-s0:id;"
                            "Secret=abcdefghijklmnopqrstuvwxyz1234567890";

/* For members that would own it. */
static char *lent(const char *text)
{
	return (char *)(uintptr_t)text;
}

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

static void sync_tokens_with_the_highest_numbers_are_kept_for_each_id(void)
{
	struct endpoint endpoint = { 0 };
	static const char *const headers[] = { "zA=MDoyOA==;sn=28", "zA=old;sn=27",
		"a=b;sn=29,\t zA=new;sn=30", "", ";sn=99", "=x;sn=99", "zA=no-number",
		"zA=same;sn=30", "a=c;SN=31 , zAJ=longer;sn=1" };
	static const char *const kept[] = { "zA=MDoyOA==", "zA=MDoyOA==", "zA=new,a=b",
		"zA=new,a=b", "zA=new,a=b", "zA=new,a=b", "zA=new,a=b", "zA=same,a=b",
		"zA=same,a=c,zAJ=longer" };
	CHECK(endpoint_tokens(&endpoint) == NULL);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		endpoint_take_tokens(&endpoint, headers[i], strlen(headers[i]));
		CLEANUP_FREE char *tokens = endpoint_tokens(&endpoint);
		CHECK_TEXT(tokens, kept[i]);
	}
	endpoint_take_tokens(&endpoint, NULL, 0);
	CHECK(endpoint_tokens(&endpoint) == NULL);
}

static void sync_tokens_of_more_ids_than_there_is_room_for_are_left(void)
{
	struct endpoint endpoint = { 0 };
	static const char header[] = "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1";
	endpoint_take_tokens(&endpoint, header, sizeof(header) - 1);
	CLEANUP_FREE char *tokens = endpoint_tokens(&endpoint);
	CHECK_TEXT(tokens, "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1");
	endpoint_take_tokens(&endpoint, NULL, 0);
}

/* Two pages: the second one has a key of the first anew, and one that is new. */
static void the_last_setting_of_a_key_counts(void)
{
	struct setting first[] = { { .key = lent("b"), .value = lent("1") },
		{ .key = lent("a"), .value = lent("2") },
		{ .key = lent("b"), .value = lent("3") } };
	struct setting second[] = { { .key = lent("a"), .value = lent("4") },
		{ .key = lent("c"), .value = lent("5") } };
	const struct page pages[] = { { .settings = first, .n_settings = 3 },
		{ .settings = second, .n_settings = 2 }, { .n_settings = 0 } };
	const struct page *const all[] = { &pages[0], &pages[1], &pages[2] };
	static const char *const values[] = { "4", "3", "5" };
	struct found_list list = { 0 };
	found_collect(&list, all, 3);
	CHECK_INT(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK_TEXT(list.items[i].setting->value, values[i]);
	}
	found_finish(&list);
	found_collect(&list, all, 0);
	CHECK_INT(list.n, 0);
	found_finish(&list);
}

static void pages_are_the_same_whatever_their_etags_are(void)
{
	struct setting setting = {
		.key = lent("a"), .label = lent(""), .value = lent("1"), .content_type = lent("")
	};
	struct setting another = setting;
	struct page left = { .etag = lent("1"), .settings = &setting, .n_settings = 1 };
	struct page right = { .etag = lent("2"), .settings = &another, .n_settings = 1 };
	char **const members[] = { &another.key, &another.label, &another.value,
		&another.content_type };
	CHECK(page_is_same(&left, &right));
	for (size_t i = 0; i < 4; i++) {
		char *before = *members[i];
		*members[i] = lent("other");
		CHECK(!page_is_same(&left, &right));
		*members[i] = before;
	}
	right.next = lent("/kv?after=x");
	CHECK(!page_is_same(&left, &right));
	right.next = NULL;
	right.n_settings = 0;
	CHECK(!page_is_same(&left, &right));
}

static void waits_are_those_of_microsofts_providers(void)
{
	static const struct {
		uint64_t elapsed_ms, wait_ms;
	} starts[] = { { 0, 5000 }, { 99999, 5000 }, { 100000, 10000 }, { 199999, 10000 },
		{ 200000, 30000 }, { 599999, 30000 } };
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		CHECK_INT(wait_at_start_ms(starts[i].elapsed_ms), starts[i].wait_ms);
	}
	static const uint64_t wanted_s[] = { 30, 60, 120, 240, 480, 600, 600 };
	for (uint32_t n = 1; n <= 7; n++) {
		for (uint32_t random = 0; random < 4000000000u; random += 99999989u) {
			uint64_t wait_ms = wait_for_endpoint_ms(n, random);
			CHECK(wait_ms >= wanted_s[n - 1] * 750);
			CHECK(wait_ms <= wanted_s[n - 1] * 1250);
		}
	}
}

static void looks_come_later_after_failures_and_as_the_store_asks(void)
{
	CHECK_INT(wait_for_look_ms(1000, true, 0, 9999, 0), 1000);
	CHECK_INT(wait_for_look_ms(0, true, 0, 0, 0), 0); /* off */
	CHECK_INT(wait_for_look_ms(0, true, 5, 9999, 0), 0);
	CHECK_INT(wait_for_look_ms(0, false, 0, 0, 0), 30000); /* until it has been there */
	CHECK_INT(wait_for_look_ms(0, false, 1, 0, 7500), 30000);
	CHECK_INT(wait_for_look_ms(1000, true, 1, 0, 0), 1000); /* never sooner than usual */
	CHECK_INT(wait_for_look_ms(1000, true, 3, 0, 0), 3000);
	CHECK_INT(wait_for_look_ms(1000, true, 3, 0, 2000), 5000);
	CHECK_INT(wait_for_look_ms(1000, true, 3, 60000, 0), 60000);
	CHECK_INT(wait_for_look_ms(3600000, true, 9, 0, 0), 3600000);
	CHECK_INT(wait_for_look_ms(30000, true, 90, 0, 0), 450000);
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
		{ "text/json", "\"a\"", "\"a\"" }, { "application/json", "{", "{" },
		{ "application/json", "// it is\n5 /* really */", "5" },
		{ "application/json", "\"a//b/*c\\\"//\" // d", "a//b/*c\"//" },
		{ "application/json", "{\"a\": /* b */ 1}", "{\"a\":         1}" },
		{ "application/json", "5 /*", "5" }, { "application/json", "/", "/" },
		{ "", "5 // it is", "5 // it is" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting setting = { .value = lent(cases[i][1]),
			.content_type = lent(cases[i][0]) };
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
	SUITE_TEST(sync_tokens_with_the_highest_numbers_are_kept_for_each_id),
	SUITE_TEST(sync_tokens_of_more_ids_than_there_is_room_for_are_left),
	SUITE_TEST(the_last_setting_of_a_key_counts),
	SUITE_TEST(pages_are_the_same_whatever_their_etags_are),
	SUITE_TEST(waits_are_those_of_microsofts_providers),
	SUITE_TEST(looks_come_later_after_failures_and_as_the_store_asks),
	SUITE_TEST(values_are_read_by_their_content_type),
	SUITE_TEST(labels_become_filters_that_mean_them_alone),
	SUITE_TEST(reference_in_any_cloud_has_the_resource_of_its_cloud),
};

int main(int argc, char **argv)
{
	return suite_run("config-appconfig", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
