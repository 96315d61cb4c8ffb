/* SPDX-License-Identifier: MIT */
/* Fixed cases of canonical JSON and of the hash; the vector script compares many more. */
#include "core/idempotency.h"

#include "core/canonical.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static void check_canonical(const char *source, const char *expected)
{
	json_t *value CLEANUP(json_decrefp) = json_loads(source, JSON_DECODE_ANY, NULL);
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	canonical_write(&writer, value);
	CHECK_TEXT(json_writer_text(&writer), expected);
}

static void null_members_are_dropped_at_every_depth(void)
{
	check_canonical("{\"b\":null,\"a\":{\"c\":null}}", "{\"a\":{}}");
	check_canonical("[null,{\"a\":null,\"b\":[null]},1]", "[null,{\"b\":[null]},1]");
	check_canonical("null", "null");
}

static void members_are_sorted_by_code_points(void)
{
	check_canonical(
	        "{\"\xef\xbf\xbd\":1,\"\xf0\x9f\x98\x80\":2,\"ab\":3,\"a\":4,\"B\":5,\"\":6}",
	        "{\"\":6,\"B\":5,\"a\":4,\"ab\":3,\"\\ufffd\":1,\"\\ud83d\\ude00\":2}");
}

static void objects_with_many_members_are_sorted_too(void)
{
	json_t *object CLEANUP(json_decrefp) = json_object();
	for (int i = 99; i >= 0; i--) {
		char name[8];
		snprintf(name, sizeof(name), "m%02d", i);
		json_object_set_new(object, name, i % 10 == 0 ? json_null() : json_integer(i));
	}
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	canonical_write(&writer, object);
	CHECK(strncmp(json_writer_text(&writer), "{\"m01\":1,\"m02\":2,", 17) == 0);
	CHECK(strstr(writer.text, "\"m09\":9,\"m11\":11,") != NULL);
}

static struct idempotency_input usual_input(const json_t *ref, const json_t *payload)
{
	return (struct idempotency_input){
		.tenant_id = "t1",
		.request_type = "OCR",
		.input_ref = ref,
		.output_ref = ref,
		.payload = payload,
		.schema_version = "v1",
	};
}

static void the_hash_is_that_of_the_canonical_text(void)
{
	json_t *ref CLEANUP(json_decrefp) = json_string("in");
	json_t *payload CLEANUP(json_decrefp) = json_object();
	const struct idempotency_input input = usual_input(ref, payload);
	char hash[IDEMPOTENCY_HASH_SIZE];
	idempotency_hash(&input, hash);
	/* printf '%s' '{"input_ref":"in","output_ref":"in",...}' | sha256sum */
	CHECK_TEXT(hash, "a2739d682b5db8ef11b40a1d048faac429b1d3ecca64d77e58b2a7f41d9deff2");
}

static void every_part_of_the_command_changes_the_hash(void)
{
	json_t *ref CLEANUP(json_decrefp) = json_string("in");
	json_t *payload CLEANUP(json_decrefp) = json_object();
	json_t *other CLEANUP(json_decrefp) = json_pack("{s:i}", "a", 1);
	const struct idempotency_input usual = usual_input(ref, payload);
	struct idempotency_input changed[6] = { usual, usual, usual, usual, usual, usual };
	changed[0].tenant_id = "t2";
	changed[1].request_type = "SIS";
	changed[2].doc_id = "d";
	changed[3].input_ref = other;
	changed[4].output_ref = other;
	changed[5].payload = other;
	char usual_hash[IDEMPOTENCY_HASH_SIZE];
	idempotency_hash(&usual, usual_hash);
	for (size_t i = 0; i < 6; i++) {
		char hash[IDEMPOTENCY_HASH_SIZE];
		idempotency_hash(&changed[i], hash);
		CHECK(strcmp(hash, usual_hash) != 0);
	}
}

static const struct suite_test tests[] = {
	SUITE_TEST(null_members_are_dropped_at_every_depth),
	SUITE_TEST(members_are_sorted_by_code_points),
	SUITE_TEST(objects_with_many_members_are_sorted_too),
	SUITE_TEST(the_hash_is_that_of_the_canonical_text),
	SUITE_TEST(every_part_of_the_command_changes_the_hash),
};

int main(int argc, char **argv)
{
	return suite_run("idempotency", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
