/* SPDX-License-Identifier: MIT */
/* Storage conformance: tenants and keys with every character that a backend may stumble over. */
#include "sdk/conformance/storage_tests.h"

#include <stdio.h>
#include <string.h>

#include "sdk/conformance/storage_world.h"

/* Names that some escaping takes for each other, or that end a quoted text. */
static const char *const odd_names[] = { "plain", "Plain", " plain", "plain ", "a/b", "a\\b", "a#b",
	"a?b", "a%b", "a~b", "a:b", "a'b", "a\"b", "a''b", "a%2Fb", "a%2fb", "a~2Fb", "a~2fb",
	"a~7Eb", "a~~b", "a%%b", "h:abc", "k:abc", "abc", "'); DROP TABLE jobs; --", "a*b", "a_b",
	"a.b", "..", ".", "/", "\\", "#", "?", "%", "~", ":", "'", "\"", "a,b", "a;b", "a b",
	"a  b", "a+b", "a&b", "a=b", "a|b", "a<b>", "{a}", "[a]", "$(a)", "`a`", "a!b", "a^b",
	"caf\xc3\xa9", "cafe\xcc\x81", "CAF\xc3\x89", "\xe6\x97\xa5\xe6\x9c\xac",
	"\xf0\x9f\x93\x84", "\xc2\xa0", "\xef\xbc\xa1", "\xe2\x80\xae", "0", "00", "-1", "null",
	"true", "slot:0001", "T:abc", "JOB", "%s%n" };
#define N_ODD (sizeof(odd_names) / sizeof(odd_names[0]))

/* Room for the ids of all jobs that a test has made. */
struct made {
	char job_ids[N_ODD][33];
};

static void keys_with_odd_characters_stay_apart(void)
{
	static struct made made;
	struct world world;
	struct draft draft;
	world_open(&world);
	for (size_t i = 0; i < N_ODD; i++) {
		draft_init(&draft, &world, world.tenant);
		draft_set_hash(&draft, "the same");
		draft.key = odd_names[i];
		draft_set(&draft, "idempotency_key", odd_names[i]);
		(void)create_ok(&world, &draft);
		memcpy(made.job_ids[i], draft.job_id, sizeof(draft.job_id));
	}
	for (size_t i = 0; i < N_ODD; i++) {
		draft_init(&draft, &world, world.tenant);
		draft_set_hash(&draft, "the same");
		draft.key = odd_names[i];
		struct asked *asked = ask_create(&world, world.instance, &draft);
		CHECK_STATUS(asked, LUCIUS_DUPLICATE);
		CHECK_TEXT(job_of(asked)->job_id.data, made.job_ids[i]);
		CHECK_TEXT(job_value(load_ok(&world, made.job_ids[i]), "idempotency_key"),
		        odd_names[i]);
	}
	world_close(&world);
}

static void tenants_with_odd_characters_stay_apart(void)
{
	static struct made made;
	struct world world;
	struct draft draft;
	char tenant[128];
	world_open(&world);
	for (size_t i = 0; i < N_ODD; i++) {
		(void)snprintf(tenant, sizeof(tenant), "%s%s", odd_names[i], world.tenant);
		draft_init(&draft, &world, tenant);
		draft_set_hash(&draft, "the same");
		draft.max_inflight = 1;
		(void)create_ok(&world, &draft);
		memcpy(made.job_ids[i], draft.job_id, sizeof(draft.job_id));
	}
	for (size_t i = 0; i < N_ODD; i++) {
		(void)snprintf(tenant, sizeof(tenant), "%s%s", odd_names[i], world.tenant);
		draft_init(&draft, &world, tenant);
		draft.max_inflight = 1;
		CHECK_STATUS(ask_create(&world, world.instance, &draft), LUCIUS_TENANT_FULL);
		const struct lucius_job *job = load_ok(&world, made.job_ids[i]);
		CHECK_TEXT(job->tenant_id.data, tenant);
		CHECK_TEXT(job->tenant_bucket.data, draft.bucket);
		end_job(&world, made.job_ids[i], "SUCCEEDED");
		release_job(&world, made.job_ids[i]);
	}
	world_close(&world);
}

/* 128 code points: the tag (in ASCII), then of four bytes each, the last one of them as given. */
static void write_long(char text[600], const char *tag, const char *last)
{
	size_t size = (size_t)snprintf(text, 600, "%s", tag);
	for (size_t i = strlen(tag); i < 128; i++) {
		size += (size_t)snprintf(
		        text + size, 600 - size, "%s", i < 127 ? "\xf0\x9f\x93\x84" : last);
	}
}

static void names_of_128_code_points_are_told_apart_by_the_last(void)
{
	struct world world;
	struct draft first;
	struct draft second;
	char one[600];
	char other[600];
	world_open(&world);
	write_long(one, "", "\xf0\x9f\x93\x84");
	write_long(other, "", "\xf0\x9f\x93\x85");
	draft_init(&first, &world, world.tenant);
	draft_init(&second, &world, world.tenant);
	first.key = one;
	second.key = other;
	(void)create_ok(&world, &first);
	(void)create_ok(&world, &second);
	struct draft again = first;
	struct asked *asked = ask_create(&world, world.instance, &again);
	CHECK_STATUS(asked, LUCIUS_DUPLICATE);
	CHECK_TEXT(job_of(asked)->job_id.data, first.job_id);
	/* As tenants. */
	write_long(one, world.tenant, "\xf0\x9f\x93\x84");
	write_long(other, world.tenant, "\xf0\x9f\x93\x85");
	draft_init(&first, &world, one);
	draft_init(&second, &world, other);
	draft_set_hash(&first, "the same");
	draft_set_hash(&second, "the same");
	(void)create_ok(&world, &first);
	(void)create_ok(&world, &second);
	CHECK_TEXT(load_ok(&world, first.job_id)->tenant_id.data, one);
	CHECK_TEXT(load_ok(&world, second.job_id)->tenant_id.data, other);
	world_close(&world);
}

static void values_with_every_byte_come_back(void)
{
	struct world world;
	struct draft draft;
	char every[400] = "";
	size_t size = 0;
	for (unsigned char byte = 1; byte < 128; byte++) {
		every[size++] = (char)byte;
	}
	for (unsigned code = 0x80; code < 0xff; code++) {
		every[size++] = (char)(0xc0 | code >> 6);
		every[size++] = (char)(0x80 | (code & 0x3f));
	}
	every[size] = '\0';
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_set(&draft, "error_message", every);
	draft_set(&draft, "spaces", "   ");
	draft_set(&draft, "doc_id", "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf");
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job_value(job, "error_message"), every);
	CHECK_TEXT(job_value(job, "spaces"), "   ");
	CHECK_TEXT(job_value(job, "doc_id"), "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf");
	world_close(&world);
}

const struct conformance_test storage_name_tests[] = {
	CONFORMANCE_TEST(keys_with_odd_characters_stay_apart),
	CONFORMANCE_TEST(tenants_with_odd_characters_stay_apart),
	CONFORMANCE_TEST(names_of_128_code_points_are_told_apart_by_the_last),
	CONFORMANCE_TEST(values_with_every_byte_come_back),
	{ NULL, NULL },
};
