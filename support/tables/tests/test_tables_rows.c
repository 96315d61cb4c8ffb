/* SPDX-License-Identifier: MIT */
/* Keys, rows as JSON, and the answers to transactions. */
#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/tables/batch.h"
#include "support/tables/entity.h"
#include "support/tables/table_key.h"
#include "tests/support/suite.h"

static void keys_are_escaped_and_come_back(void)
{
	static const char *const pairs[][2] = { { "t1#202611", "t1~23202611" },
		{ "a/b\\c?d%e~f:g", "a~2Fb~5Cc~3Fd~25e~7Ef~3Ag" }, { "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\x01\x7f", "~01~7F" }, { "\xc2\x85\xc2\xa0", "~C2~85\xc2\xa0" }, { "", "" } };
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		CLEANUP_FREE char *key = table_key_escape(pairs[i][0], strlen(pairs[i][0]));
		CLEANUP_FREE char *value = table_key_unescape(pairs[i][1]);
		CHECK_TEXT(key, pairs[i][1]);
		CHECK_TEXT(value, pairs[i][0]);
	}
}

static void what_no_escaping_makes_is_refused(void)
{
	static const char *const bad[] = { "a~", "a~2", "~2f", "~41", "a/b", "~GG" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(table_key_unescape(bad[i]) == NULL);
	}
}

static void addresses_double_quotes_and_encode_the_rest(void)
{
	struct text url = { 0 };
	table_key_add_address(&url, "p q", "r'1\xc3\xa9");
	CHECK_TEXT(text_of(&url), "(PartitionKey='p%20q',RowKey='r%27%271%C3%A9')");
	text_finish(&url);
}

static void rows_are_ascii_on_one_line(void)
{
	struct entity entity = { 0 };
	entity_begin(&entity, "p", "r");
	entity_add_string(&entity, "text", "a\n\"\xc3\xa9\xf0\x9f\x93\x84\xe2\x80\xa8\xff");
	entity_add_integer(&entity, "small", -7);
	entity_add_integer(&entity, "large", INT64_MIN);
	entity_add_boolean(&entity, "yes", true);
	CHECK(entity_end(&entity));
	CHECK_TEXT(text_of(&entity.json),
	        "{\"PartitionKey\":\"p\",\"RowKey\":\"r\",\"text\":\"a\\u000a\\u0022\\u00e9\\ud83d"
	        "\\udcc4\\u2028\\ufffd\",\"small\":-7,\"large\":\"-9223372036854775808\","
	        "\"large@odata.type\":\"Edm.Int64\",\"yes\":true}");
	entity_finish(&entity);
}

/* A text of n bytes 'x' as a property; true: it fits. */
static bool fits(size_t n, const char *last)
{
	struct entity entity = { 0 };
	CLEANUP_FREE char *value = calloc(n + 5, 1);
	memset(value, 'x', n);
	memcpy(value + n, last, strlen(last));
	entity_begin(&entity, "p", "r");
	entity_add_string(&entity, "payload", value);
	bool is_fitting = entity_end(&entity);
	CHECK(is_fitting || strstr(entity.fault, "32768") != NULL);
	entity_finish(&entity);
	return is_fitting;
}

static void limits_are_counted_in_utf16_units(void)
{
	CHECK(fits(32768, ""));
	CHECK(!fits(32769, ""));
	CHECK(fits(32766, "\xf0\x9f\x93\x84"));
	CHECK(!fits(32767, "\xf0\x9f\x93\x84"));
	CHECK(fits(32767, "\xc3\xa9"));
}

static void names_and_keys_have_limits_too(void)
{
	struct entity entity = { 0 };
	char key[600];
	memset(key, 'k', sizeof(key));
	key[513] = '\0';
	entity_begin(&entity, key, "r");
	CHECK(!entity_end(&entity));
	CHECK(strstr(entity.fault, "513") != NULL);
	entity_begin(&entity, "p", "r");
	entity_add_string(&entity, "no-name", "x");
	CHECK(!entity_end(&entity));
	entity_finish(&entity);
}

#define HEAD                                                            \
	"--batchresponse_1\r\nContent-Type: multipart/mixed; "          \
	"boundary=changesetresponse_2\r\n\r\n--changesetresponse_2\r\n" \
	"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
#define GOOD(etag) "HTTP/1.1 204 No Content\r\nETag: " etag "\r\n\r\n\r\n"
#define NEXT "--changesetresponse_2\r\nContent-Type: application/http\r\n\r\n"
#define TAIL "--changesetresponse_2--\r\n--batchresponse_1--\r\n"

static size_t parse(const char *body, size_t n_writes, struct batch_part *parts, size_t *failed)
{
	*failed = 99;
	return batch_parse("multipart/mixed; boundary=batchresponse_1", body, strlen(body), parts,
	        n_writes, failed);
}

static void a_good_answer_has_an_etag_for_each_write(void)
{
	struct batch_part parts[2];
	size_t failed;
	CHECK_INT(parse(HEAD GOOD("W/\"a\"") NEXT GOOD("W/\"b\"") TAIL, 2, parts, &failed), 2);
	CHECK_INT(failed, 2);
	CHECK(parts[1].etag_size == 5 && memcmp(parts[1].etag, "W/\"b\"", 5) == 0);
}

static void a_failure_names_its_write(void)
{
	struct batch_part parts[4];
	size_t failed;
	CHECK_INT(parse(HEAD "stray\r\nHTTP/1.1 409 Conflict\r\nContent-ID: 3\r\n\r\n"
	                     "{\"odata.error\":{\"code\":\"EntityAlreadyExists\",\"message\":{"
	                     "\"value\":\"2:The entity exists.\"}}}\r\n" TAIL,
	                  4, parts, &failed),
	        1);
	CHECK_INT(failed, 2);
	CHECK_INT(parts[0].status, 409);
}

static void a_cut_answer_is_none_wherever_it_is_cut(void)
{
	static const char whole[] = HEAD GOOD("W/\"a\"") NEXT GOOD("W/\"b\"") TAIL;
	struct batch_part parts[2];
	size_t failed;
	for (size_t size = 0; size < sizeof(whole) - sizeof("--\r\n--batchresponse_1--\r\n");
	        size++) {
		CLEANUP_FREE char *cut = strndup(whole, size);
		CHECK_INT(parse(cut, 2, parts, &failed), 0);
	}
	CHECK_INT(parse(whole, 3, parts, &failed), 0);
	CHECK_INT(parse(whole, 1, parts, &failed), 0);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(keys_are_escaped_and_come_back),
		SUITE_TEST(what_no_escaping_makes_is_refused),
		SUITE_TEST(addresses_double_quotes_and_encode_the_rest),
		SUITE_TEST(rows_are_ascii_on_one_line),
		SUITE_TEST(limits_are_counted_in_utf16_units),
		SUITE_TEST(names_and_keys_have_limits_too),
		SUITE_TEST(a_good_answer_has_an_etag_for_each_write),
		SUITE_TEST(a_failure_names_its_write),
		SUITE_TEST(a_cut_answer_is_none_wherever_it_is_cut),
	};
	return suite_run("tables_rows", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
