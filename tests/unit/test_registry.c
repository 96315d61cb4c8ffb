/* SPDX-License-Identifier: MIT */
/* Loading protocols: the shipped file, what a file may say, and the sentence for each mistake. */
#include "core/registry.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

/* A folder with a protocols file and one schema, removed at the end of the test. */
struct folder {
	char path[64];
	char protocols[96];
	char schema[96];
};

static void write_file(const char *path, const char *text)
{
	FILE *file = must_have(fopen(path, "w"));
	CHECK(fputs(text, file) >= 0);
	CHECK(fclose(file) == 0);
}

static void folder_make(struct folder *folder, const char *protocols, const char *schema)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/registry-test-XXXXXX");
	(void)must_have(mkdtemp(folder->path));
	snprintf(folder->protocols, sizeof(folder->protocols), "%s/protocols.json", folder->path);
	snprintf(folder->schema, sizeof(folder->schema), "%s/ocr.json", folder->path);
	write_file(folder->protocols, protocols);
	write_file(folder->schema, schema);
}

static void folder_remove(struct folder *folder)
{
	(void)unlink(folder->protocols);
	(void)unlink(folder->schema);
	CHECK(rmdir(folder->path) == 0);
}

#define STEP                                                                                   \
	"{\"step_id\":\"ocr\",\"step_type\":\"OCR\",\"service\":\"s\",\"payload_schema_ref\":" \
	"\"ocr.json\"}"
#define PROTOCOL(id, types, steps) \
	"{\"protocol_id\":\"" id "\",\"request_types\":[" types "],\"steps\":[" steps "]}"
#define FILE_OF(protocols) "{\"schema_version\":\"v1\",\"protocols\":[" protocols "]}"

/* The sentence without the folder's own path, or "loaded". */
static char *load_sentence(const char *protocols, const char *schema)
{
	struct folder folder CLEANUP(folder_remove);
	folder_make(&folder, protocols, schema);
	char *sentence CLEANUP_FREE = NULL;
	struct registry *registry CLEANUP(cleanup_registry) =
	        registry_load(folder.protocols, folder.path, &sentence);
	if (registry != NULL) {
		return must_copy("loaded", 6);
	}
	CHECK(sentence != NULL);
	size_t prefix = strlen(folder.path) + 1;
	char *short_sentence = must_copy(sentence, strlen(sentence));
	char *found;
	while ((found = strstr(short_sentence, folder.path)) != NULL) {
		memmove(found, found + prefix, strlen(found + prefix) + 1);
	}
	return short_sentence;
}

static void check_sentence(const char *protocols, const char *schema, const char *expected)
{
	char *sentence CLEANUP_FREE = load_sentence(protocols, schema);
	CHECK_TEXT(sentence, expected);
}

static struct registry *load_shipped(void)
{
	char *sentence CLEANUP_FREE = NULL;
	struct registry *registry =
	        registry_load(SOURCE_ROOT "/etc/protocols.json", NULL, &sentence);
	CHECK_TEXT(sentence, NULL);
	return must_have(registry);
}

static void check_steps(const struct registry *registry, const char *request_type, const char *id,
        const char *steps)
{
	const struct protocol *protocol = registry_resolve(registry, request_type);
	CHECK(protocol != NULL);
	if (protocol == NULL) {
		return;
	}
	CHECK_TEXT(protocol->protocol_id, id);
	char found[256] = "";
	for (size_t i = 0; i < protocol->n_steps; i++) {
		const struct protocol_step *step = &protocol->steps[i];
		size_t size = strlen(found);
		snprintf(found + size, sizeof(found) - size, "%s%s/%s/%s", i > 0 ? " " : "",
		        step->step_id, step->step_type, step->service);
		CHECK(step->schema != NULL);
	}
	CHECK_TEXT(found, steps);
}

static void the_shipped_protocols_are_those_of_the_contract(void)
{
#define OCR "ocr/OCR/platform-ocr"
#define EMBEDDING "embedding/EMBEDDING/platform-embedding"
#define SIS "sis/SIS/platform-sis"
	struct registry *registry CLEANUP(cleanup_registry) = load_shipped();
	check_steps(registry, "OCR", "atomic-ocr.v1", OCR);
	check_steps(registry, "EMBEDDING", "atomic-embedding.v1", EMBEDDING);
	check_steps(registry, "SIS", "atomic-sis.v1", SIS);
	check_steps(registry, "OCR->EMBEDDING", "ocr-embedding.v1", OCR " " EMBEDDING);
	check_steps(registry, "EMBEDDING->SIS", "embedding-sis.v1", EMBEDDING " " SIS);
	check_steps(
	        registry, "OCR->EMBEDDING->SIS", "ocr-embedding-sis.v1", OCR " " EMBEDDING " " SIS);
	size_t n_protocols = 0;
	CHECK(registry_protocols(registry, &n_protocols) != NULL);
	CHECK_INT(n_protocols, 6);
}

static void an_arrow_is_taken_for_two_characters(void)
{
	struct registry *registry CLEANUP(cleanup_registry) = load_shipped();
	const struct protocol *protocol = registry_resolve(registry,
	        "OCR\xe2\x86\x92"
	        "EMBEDDING");
	CHECK(protocol == registry_find(registry, "ocr-embedding.v1"));
	char *normal CLEANUP_FREE = registry_normalise_request_type("\xe2\x86\x92"
	                                                            "A\xe2\x86\x92\xe2\x86\x92"
	                                                            "B\xe2\x86");
	CHECK_TEXT(normal, "->A->->B\xe2\x86");
}

static void an_unknown_request_type_has_no_protocol(void)
{
	struct registry *registry CLEANUP(cleanup_registry) = load_shipped();
	CHECK(registry_resolve(registry, "ocr") == NULL);
	CHECK(registry_resolve(registry, "OCR->SIS") == NULL);
	CHECK(registry_find(registry, "none") == NULL);
	char *known CLEANUP_FREE = registry_request_types(registry);
	CHECK_TEXT(
	        known, "OCR, EMBEDDING, SIS, OCR->EMBEDDING, EMBEDDING->SIS, OCR->EMBEDDING->SIS");
}

static void one_protocol_may_have_several_request_types(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\",\"B\"", STEP)), "{}", "loaded");
}

static void overrides_are_read(void)
{
	struct folder folder CLEANUP(folder_remove);
	folder_make(&folder,
	        FILE_OF(PROTOCOL("p", "\"A\"",
	                "{\"step_id\":\"s\",\"step_type\":\"T\",\"service\":\"x\",\"payload_schema_"
	                "ref\":"
	                "\"ocr.json\",\"timeout_overrides\":{\"lease_minutes\":5.0,\"max_"
	                "attempts\":7}}")),
	        "true");
	char *sentence CLEANUP_FREE = NULL;
	struct registry *registry CLEANUP(cleanup_registry) =
	        registry_load(folder.protocols, folder.path, &sentence);
	const struct protocol *protocol = registry != NULL ? registry_find(registry, "p") : NULL;
	CHECK(protocol != NULL);
	if (protocol != NULL) {
		CHECK_INT(protocol->steps[0].overrides.lease_minutes, 5);
		CHECK_INT(protocol->steps[0].overrides.max_attempts, 7);
		CHECK_INT(protocol->steps[0].overrides.step_result_timeout_seconds, 0);
	}
}

static void a_reference_keeps_the_registry(void)
{
	struct registry *registry = load_shipped();
	struct registry *running CLEANUP(cleanup_registry) = registry_ref(registry);
	registry_unref(registry);
	CHECK(registry_resolve(running, "OCR") != NULL);
}

static void a_file_of_the_wrong_form_is_refused_with_its_place(void)
{
	check_sentence("{\"schema_version\":\"v1\",\n\"protocols\":[}", "{}",
	        "\"protocols.json\" is no JSON, line 2, column 14: \"}\" stands where a JSON value "
	        "should be");
	check_sentence(
	        "[]", "{}", "\"protocols.json\" at its top: must be an object, not an array");
	check_sentence("{\"schema_version\":\"v2\",\"protocols\":[]}", "{}",
	        "\"protocols.json\" at /schema_version: must be \"v1\", not \"v2\" (and 1 more)");
	check_sentence("{\"schema_version\":\"v1\"}", "{}",
	        "\"protocols.json\" at /protocols: is required");
	check_sentence(FILE_OF("{\"protocol_id\":\"p\",\"request_type\":\"A\"}"), "{}",
	        "\"protocols.json\" at /protocols/0/request_type: is not a member that is known "
	        "here (and 2 more)");
}

static void a_step_of_the_wrong_form_is_refused_with_its_place(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"",
	                       "{\"step_id\":\"OCR 1\",\"step_type\":\"T\",\"service\":\"x\","
	                       "\"payload_schema_ref\":\"ocr.json\"}")),
	        "{}",
	        "\"protocols.json\" at /protocols/0/steps/0/step_id: must match the pattern "
	        "\"^[a-z0-9._-]{1,64}$\"");
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"",
	                       "{\"step_id\":\"a\",\"step_type\":\"T\",\"service\":\"x\","
	                       "\"payload_schema_ref\":\"../ocr.json\"}")),
	        "{}",
	        "\"protocols.json\" at /protocols/0/steps/0/payload_schema_ref: must match the "
	        "pattern "
	        "\"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$\"");
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"",
	                       "{\"step_id\":\"a\",\"step_type\":\"T\",\"service\":\"x\","
	                       "\"payload_schema_ref\":\"ocr.json\",\"timeout_overrides\":"
	                       "{\"max_attempts\":0}}")),
	        "{}",
	        "\"protocols.json\" at /protocols/0/steps/0/timeout_overrides/max_attempts: must "
	        "be at "
	        "least 1");
}

static void names_that_are_there_twice_are_refused(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"", STEP) "," PROTOCOL("p", "\"B\"", STEP)), "{}",
	        "\"protocols.json\" at /protocols/1: the protocol \"p\" is there twice");
	check_sentence(FILE_OF(PROTOCOL("p", "\"A->B\"", STEP) "," PROTOCOL("q",
	                       "\"C\",\"A\xe2\x86\x92"
	                       "B\"",
	                       STEP)),
	        "{}",
	        "\"protocols.json\" at /protocols/1/request_types/1: the request type "
	        "\"A\xe2\x86\x92"
	        "B\" stands for \"p\" already");
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"", STEP "," STEP)), "{}",
	        "\"protocols.json\" at /protocols/0/steps/1: the step \"ocr\" is there twice");
}

static void a_schema_that_cannot_be_used_is_refused(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"", STEP)),
	        "{\"properties\":{\"a\":{\"format\":\"uri\"}}}",
	        "\"ocr.json\" at /properties/a/format: the keyword \"format\" is not enforced "
	        "here, so "
	        "it must not be used");
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"", STEP)), "{",
	        "\"protocols.json\" at /protocols/0/steps/0/payload_schema_ref: the schema "
	        "\"ocr.json\" "
	        "is no JSON, line 1, column 2: the text ends where the name of a member should be");
}

static void a_schema_that_is_none_at_all_is_refused_at_its_top(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"", STEP)), "[]",
	        "\"ocr.json\" at its top: a schema is an object, true or false");
}

static void what_is_no_file_to_be_read_is_refused(void)
{
	char *folder CLEANUP_FREE = NULL;
	CHECK(registry_load("/tmp", NULL, &folder) == NULL);
	CHECK_TEXT(folder, "\"/tmp\" cannot be read: Input/output error");
	char *endless CLEANUP_FREE = NULL;
	CHECK(registry_load("/dev/zero", NULL, &endless) == NULL);
	CHECK_TEXT(endless, "\"/dev/zero\" cannot be read: File too large");
}

static void a_long_list_of_request_types_is_cut(void)
{
	char types[4096] = "";
	char *end = types;
	for (int i = 0; i < 100; i++) {
		end += snprintf(end, 64, "%s\"A_LONG_REQUEST_TYPE_%d\"", i > 0 ? "," : "", i);
	}
	char *text CLEANUP_FREE = must_print(FILE_OF(PROTOCOL("p", "%s", STEP)), types);
	struct folder folder;
	folder_make(&folder, text, "{}");
	char *sentence CLEANUP_FREE = NULL;
	struct registry *registry CLEANUP(cleanup_registry) =
	        registry_load(folder.protocols, folder.path, &sentence);
	folder_remove(&folder);
	CHECK_TEXT(sentence, NULL);
	char *known CLEANUP_FREE = registry_request_types(registry);
	CHECK(strncmp(known, "A_LONG_REQUEST_TYPE_0, A_LONG_REQUEST_TYPE_1, ", 46) == 0);
	CHECK(strlen(known) < 350);
	CHECK_TEXT(known + strlen(known) - 5, ", ...");
}

static void a_schema_that_is_missing_is_refused(void)
{
	check_sentence(FILE_OF(PROTOCOL("p", "\"A\"",
	                       "{\"step_id\":\"a\",\"step_type\":\"T\",\"service\":\"x\","
	                       "\"payload_schema_ref\":\"none.json\"}")),
	        "{}",
	        "\"protocols.json\" at /protocols/0/steps/0/payload_schema_ref: the schema "
	        "\"none.json\" "
	        "cannot be read: No such file or directory");
}

static void a_protocols_file_that_is_missing_is_refused(void)
{
	char *sentence CLEANUP_FREE = NULL;
	CHECK(registry_load("/nonexistent/protocols.json", NULL, &sentence) == NULL);
	CHECK_TEXT(sentence,
	        "\"/nonexistent/protocols.json\" cannot be read: No such file or directory");
}

static const struct suite_test tests[] = {
	SUITE_TEST(the_shipped_protocols_are_those_of_the_contract),
	SUITE_TEST(an_arrow_is_taken_for_two_characters),
	SUITE_TEST(an_unknown_request_type_has_no_protocol),
	SUITE_TEST(one_protocol_may_have_several_request_types),
	SUITE_TEST(overrides_are_read),
	SUITE_TEST(a_reference_keeps_the_registry),
	SUITE_TEST(a_file_of_the_wrong_form_is_refused_with_its_place),
	SUITE_TEST(a_step_of_the_wrong_form_is_refused_with_its_place),
	SUITE_TEST(names_that_are_there_twice_are_refused),
	SUITE_TEST(a_schema_that_cannot_be_used_is_refused),
	SUITE_TEST(a_schema_that_is_none_at_all_is_refused_at_its_top),
	SUITE_TEST(what_is_no_file_to_be_read_is_refused),
	SUITE_TEST(a_long_list_of_request_types_is_cut),
	SUITE_TEST(a_schema_that_is_missing_is_refused),
	SUITE_TEST(a_protocols_file_that_is_missing_is_refused),
};

int main(int argc, char **argv)
{
	return suite_run("registry", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
