/* SPDX-License-Identifier: MIT */
/* What the core keeps and shows of jobs beside their rules: the cache, copies, events, quotes in
 * sentences, and the files that are shipped with it. */
#include <stdlib.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/field_names.h"
#include "core/job_cache.h"
#include "core/job_json.h"
#include "core/quote.h"
#include "core/shipped_file.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

static struct job *make_job(const char *job_id)
{
	struct job *job = job_create();
	job_set(job, &job->job_id, job_id);
	return job;
}

static void cache_gives_a_job_once_and_to_those_who_ask_in_time(void)
{
	struct job_cache *cache = job_cache_create();
	struct job *job = make_job("0123456789abcdef0123456789abcdef");
	job_cache_put(cache, job, 1000);
	CHECK(job_cache_peek(cache, "0123456789abcdef0123456789abcdef", 1000) == job);
	CHECK(job_cache_peek(cache, "0123456789abcdef0123456789abcdef", 1001) == NULL);
	/* Another job in the same place. */
	CHECK(job_cache_peek(cache, "0123456789abcdef0000000000000000", 0) == NULL);
	CHECK(job_cache_take(cache, "fedcba98fedcba98fedcba98fedcba98") == NULL);
	CHECK(job_cache_take(cache, "0123456789abcdef0123456789abcdef") == job);
	CHECK(job_cache_take(cache, "0123456789abcdef0123456789abcdef") == NULL);
	job_destroy(job);
	job_cache_destroy(cache);
	job_cache_destroy(NULL);
}

static void cache_keeps_no_job_that_has_ended_or_grown(void)
{
	struct job_cache *cache = job_cache_create();
	struct job *ended = make_job("a");
	ended->state = JOB_SUCCEEDED;
	job_cache_put(cache, ended, 0);
	CHECK(job_cache_peek(cache, "a", 0) == NULL);
	/* Each change leaves its texts in the arena. */
	struct job *grown = make_job("b");
	grown->n_changes = 1000000;
	job_cache_put(cache, grown, 0);
	CHECK(job_cache_peek(cache, "b", 0) == NULL);
	job_cache_put(cache, make_job("c"), 0);
	job_cache_put(cache, make_job("c"), 0);
	CHECK(job_cache_peek(cache, "c", 0) != NULL);
	job_cache_destroy(cache);
}

/* More fields than the sizes of names are kept for. */
static void copy_takes_values_and_names_but_not_the_names_of_the_core(void)
{
	enum { N = 70 };
	CLEANUP_ARENA struct arena arena = { 0 };
	char foreign[] = "job_id";
	char value[] = "v";
	struct lucius_field fields[N];
	for (size_t i = 0; i < N; i++) {
		fields[i] = (struct lucius_field){ i % 2 == 0 ? field_names.job_id : foreign, value,
			1, LUCIUS_FIELD_STRING };
	}
	const struct lucius_field *copy = copy_fields(&arena, fields, N);
	foreign[0] = '?';
	value[0] = '?';
	for (size_t i = 0; i < N; i++) {
		CHECK_TEXT(copy[i].name, "job_id");
		CHECK((copy[i].name == field_names.job_id) == (i % 2 == 0));
		CHECK_TEXT(copy[i].value, "v");
		CHECK_INT(copy[i].value_size, 1);
	}
}

static void event_is_shown_with_null_for_what_it_has_not(void)
{
	const struct lucius_field fields[] = {
		{ "event", "job.paused", 10, LUCIUS_FIELD_STRING },
		{ "detail", "", 0, LUCIUS_FIELD_STRING },
		{ "attempt_no", "3", 1, LUCIUS_FIELD_INTEGER },
		{ "else", "x", 1, LUCIUS_FIELD_STRING },
	};
	const struct lucius_job_event event = {
		.size = sizeof(event), .seq = 7, .fields = fields, .n_fields = 4
	};
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	job_json_event(&writer, &event);
	CHECK_TEXT(json_writer_text(&writer),
	        "{\"seq\":7,\"at\":null,\"event\":\"job.paused\",\"step_id\":null,\"attempt_no\":3,"
	        "\"state\":null,\"detail\":null}");
}

static void quote_is_short_whole_and_free_of_control_characters(void)
{
	char text[1000];
	CHECK_TEXT(quote("a\x01\x1f\x7f b\xc3\xa9").text, "a??? b\xc3\xa9");
	CHECK_TEXT(quote_sized("abc", 2).text, "ab");
	/* However it is shifted, no code point is cut in two. */
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 4) {
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		}
		text[sizeof(text) - 1] = '\0';
		struct quote quoted = quote_sized(text, 900);
		size_t size = strlen(quoted.text);
		CHECK_TEXT(quoted.text + size - 3, "...");
		CHECK_INT((size - 3 - shift) % 4, 0);
	}
	/* Bytes that are no text at all are not kept. */
	memset(text, 0x80, sizeof(text));
	CHECK_TEXT(quote_sized(text, sizeof(text)).text, "...");
}

static void shipped_file_is_found_beside_the_binary_if_it_is_not_installed(void)
{
	char *found CLEANUP_FREE = shipped_file_find("/etc/lucius/protocols.json");
	CHECK(access(found, R_OK) == 0);
	char *missing CLEANUP_FREE = shipped_file_find("/etc/lucius/there-is-no-such-file");
	CHECK_TEXT(missing, "/etc/lucius/there-is-no-such-file");
	char *elsewhere CLEANUP_FREE = shipped_file_find("/nowhere/protocols.json");
	CHECK_TEXT(elsewhere, "/nowhere/protocols.json");
	char *itself CLEANUP_FREE = shipped_file_find("/proc/self/exe");
	CHECK_TEXT(itself, "/proc/self/exe");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(cache_gives_a_job_once_and_to_those_who_ask_in_time),
		SUITE_TEST(cache_keeps_no_job_that_has_ended_or_grown),
		SUITE_TEST(copy_takes_values_and_names_but_not_the_names_of_the_core),
		SUITE_TEST(event_is_shown_with_null_for_what_it_has_not),
		SUITE_TEST(quote_is_short_whole_and_free_of_control_characters),
		SUITE_TEST(shipped_file_is_found_beside_the_binary_if_it_is_not_installed),
	};
	return suite_run("job_parts", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
