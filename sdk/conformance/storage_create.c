/* SPDX-License-Identifier: MIT */
/* Storage conformance: new jobs, their claims and the limit of a tenant. */
#include "sdk/conformance/storage_tests.h"

#include <stdio.h>
#include <string.h>

#include "sdk/conformance/storage_world.h"

#define N_AT_ONCE 16

static void check_same_fields(const struct lucius_field *given, uint64_t n_given,
        const struct lucius_field *kept, uint64_t n_kept)
{
	CHECK_INT(n_kept, n_given);
	for (uint64_t i = 0; i < n_given; i++) {
		CHECK_TEXT(value_of(kept, n_kept, given[i].name), given[i].value);
	}
	for (uint64_t i = 0; i < n_kept && i < n_given; i++) {
		CHECK_INT(kept[i].value_size, strlen(kept[i].value));
	}
}

static void a_new_job_is_kept_whole(void)
{
	struct world world;
	struct draft draft;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_set(&draft, "never_heard_of", "kept all the same");
	const struct lucius_job *made = create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job->tenant_id.data, draft.tenant);
	CHECK_TEXT(job->tenant_bucket.data, draft.bucket);
	CHECK_TEXT(job->created_at.data, draft.created_at);
	CHECK_TEXT(job->state.data, "QUEUED");
	CHECK_TEXT(job->revision.data, made->revision.data);
	CHECK(job->revision.size != 0 && job->revision.size <= 255);
	CHECK_INT(job->is_terminal, 0);
	check_same_fields(draft.fields, draft.n_fields, job->fields, job->n_fields);
	CHECK_INT(job->n_steps, DRAFT_N_STEPS);
	for (uint32_t i = 0; i < DRAFT_N_STEPS && i < job->n_steps; i++) {
		const struct lucius_step *step = job->steps[i];
		CHECK_INT(step->step_index, i);
		CHECK_TEXT(step->step_id.data, draft.steps[i].step_id.data);
		check_same_fields(draft.step_fields[i], 4, step->fields, step->n_fields);
	}
	world_close(&world);
}

static void fields_keep_their_types(void)
{
	struct world world;
	struct draft draft;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft.fields[draft.n_fields++] =
	        (struct lucius_field){ "least", "-9223372036854775808", 20, LUCIUS_FIELD_INTEGER };
	draft.fields[draft.n_fields++] =
	        (struct lucius_field){ "options", "{\"a\":[1,null]}", 14, LUCIUS_FIELD_JSON };
	draft_set(&draft, "digits", "42");
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	for (uint64_t i = 0; i < draft.n_fields; i++) {
		for (uint64_t k = 0; k < job->n_fields; k++) {
			if (strcmp(draft.fields[i].name, job->fields[k].name) == 0) {
				CHECK_INT(job->fields[k].type, draft.fields[i].type);
			}
		}
	}
	CHECK_TEXT(job_value(job, "least"), "-9223372036854775808");
	world_close(&world);
}

/* Creates, and expects a duplicate of that job in that state. */
static void expect_duplicate(
        struct world *world, struct draft *draft, const char *job_id, const char *state)
{
	struct asked *asked = ask_create(world, world->instance, draft);
	CHECK_STATUS(asked, LUCIUS_DUPLICATE);
	CHECK_INT(asked_n_items(asked), 1);
	CHECK_TEXT(job_of(asked)->job_id.data, job_id);
	CHECK_TEXT(job_of(asked)->state.data, state);
}

static void the_same_hash_gives_the_job_that_holds_it(void)
{
	struct world world;
	struct draft first;
	struct draft second;
	world_open(&world);
	draft_init(&first, &world, world.tenant);
	draft_init(&second, &world, world.tenant);
	memcpy(second.hash, first.hash, sizeof(first.hash));
	(void)create_ok(&world, &first);
	expect_duplicate(&world, &second, first.job_id, "QUEUED");
	CHECK_STATUS(ask_load(&world, second.job_id), LUCIUS_NOT_FOUND);
	end_job(&world, first.job_id, "SUCCEEDED");
	expect_duplicate(&world, &second, first.job_id, "SUCCEEDED");
	release_job(&world, first.job_id);
	expect_duplicate(&world, &second, first.job_id, "SUCCEEDED");
	world_close(&world);
}

static void the_same_key_and_hash_is_a_duplicate_whatever_the_state(void)
{
	static const char *const states[] = { "SUCCEEDED", "FAILED_FINAL", "CANCELLED" };
	struct world world;
	world_open(&world);
	for (size_t i = 0; i < 3; i++) {
		struct draft first;
		struct draft second;
		draft_init(&first, &world, world.tenant);
		draft_init(&second, &world, world.tenant);
		memcpy(second.hash, first.hash, sizeof(first.hash));
		first.key = states[i];
		second.key = states[i];
		(void)create_ok(&world, &first);
		expect_duplicate(&world, &second, first.job_id, "QUEUED");
		end_job(&world, first.job_id, states[i]);
		expect_duplicate(&world, &second, first.job_id, states[i]);
		release_job(&world, first.job_id);
		expect_duplicate(&world, &second, first.job_id, states[i]);
	}
	world_close(&world);
}

static void the_same_key_with_another_hash_is_a_conflict(void)
{
	struct world world;
	struct draft first;
	struct draft second;
	world_open(&world);
	draft_init(&first, &world, world.tenant);
	draft_init(&second, &world, world.tenant);
	first.key = "order-1";
	second.key = "order-1";
	(void)create_ok(&world, &first);
	CHECK_STATUS(ask_create(&world, world.instance, &second), LUCIUS_KEY_CONFLICT);
	CHECK_STATUS(ask_load(&world, second.job_id), LUCIUS_NOT_FOUND);
	end_job(&world, first.job_id, "FAILED_FINAL");
	CHECK_STATUS(ask_create(&world, world.instance, &second), LUCIUS_KEY_CONFLICT);
	world_close(&world);
}

static void a_key_decides_and_its_hash_is_not_claimed(void)
{
	struct world world;
	struct draft drafts[3];
	world_open(&world);
	for (size_t i = 0; i < 3; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		memcpy(drafts[i].hash, drafts[0].hash, sizeof(drafts[0].hash));
	}
	drafts[0].key = "one";
	drafts[1].key = "two";
	for (size_t i = 0; i < 3; i++) {
		(void)create_ok(&world, &drafts[i]);
	}
	world_close(&world);
}

static void a_key_that_looks_like_a_hash_is_no_hash(void)
{
	struct world world;
	struct draft by_hash;
	struct draft by_key;
	world_open(&world);
	draft_init(&by_hash, &world, world.tenant);
	draft_init(&by_key, &world, world.tenant);
	by_key.key = by_hash.hash;
	(void)create_ok(&world, &by_hash);
	(void)create_ok(&world, &by_key);
	world_close(&world);
}

static void the_claims_of_two_tenants_do_not_meet(void)
{
	static const char *const keys[] = { NULL, "order-1" };
	struct world world;
	struct draft drafts[3];
	char other[80];
	world_open(&world);
	(void)snprintf(other, sizeof(other), "%s!", world.tenant);
	for (size_t i = 0; i < 2; i++) {
		/* The other tenant is known already when it sends the same command. */
		draft_init(&drafts[0], &world, other);
		draft_init(&drafts[1], &world, world.tenant);
		draft_init(&drafts[2], &world, other);
		memcpy(drafts[2].hash, drafts[1].hash, sizeof(drafts[1].hash));
		drafts[1].key = keys[i];
		drafts[2].key = keys[i];
		for (size_t k = 0; k < 3; k++) {
			(void)create_ok(&world, &drafts[k]);
		}
		expect_duplicate(&world, &drafts[2], drafts[2].job_id, "QUEUED");
		expect_duplicate(&world, &drafts[1], drafts[1].job_id, "QUEUED");
	}
	world_close(&world);
}

/* A job of those drafts that ended so gives its hash up to the next equal command. */
static void check_take_over(struct world *world, const char *state, bool is_released)
{
	struct draft first;
	struct draft second;
	struct draft third;
	draft_init(&first, world, world->tenant);
	draft_init(&second, world, world->tenant);
	draft_init(&third, world, world->tenant);
	memcpy(second.hash, first.hash, sizeof(first.hash));
	memcpy(third.hash, first.hash, sizeof(first.hash));
	(void)create_ok(world, &first);
	end_job(world, first.job_id, state);
	if (is_released) {
		release_job(world, first.job_id);
	}
	(void)create_ok(world, &second);
	expect_duplicate(world, &third, second.job_id, "QUEUED");
	CHECK_TEXT(load_ok(world, first.job_id)->state.data, state);
	/* The first one's late release must not touch what the second has. */
	release_job(world, first.job_id);
	expect_duplicate(world, &third, second.job_id, "QUEUED");
}

static void a_hash_of_a_job_that_failed_or_was_cancelled_is_taken_over(void)
{
	struct world world;
	world_open(&world);
	check_take_over(&world, "FAILED_FINAL", false);
	check_take_over(&world, "FAILED_FINAL", true);
	check_take_over(&world, "CANCELLED", false);
	check_take_over(&world, "CANCELLED", true);
	world_close(&world);
}

static void a_tenant_has_as_many_live_jobs_as_it_may(void)
{
	struct world world;
	struct draft drafts[5];
	world_open(&world);
	for (size_t i = 0; i < 5; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		drafts[i].max_inflight = 3;
	}
	for (size_t i = 0; i < 3; i++) {
		(void)create_ok(&world, &drafts[i]);
	}
	CHECK_STATUS(ask_create(&world, world.instance, &drafts[3]), LUCIUS_TENANT_FULL);
	CHECK_STATUS(ask_load(&world, drafts[3].job_id), LUCIUS_NOT_FOUND);
	(void)snprintf(drafts[4].tenant, sizeof(drafts[4].tenant), "%s-other", world.tenant);
	(void)create_ok(&world, &drafts[4]);
	end_job(&world, drafts[0].job_id, "SUCCEEDED");
	CHECK_STATUS(ask_create(&world, world.instance, &drafts[3]), LUCIUS_TENANT_FULL);
	release_job(&world, drafts[0].job_id);
	(void)create_ok(&world, &drafts[3]);
	world_close(&world);
}

static void a_lowered_limit_counts_all_that_are_live(void)
{
	struct world world;
	struct draft drafts[4];
	world_open(&world);
	for (size_t i = 0; i < 4; i++) {
		draft_init(&drafts[i], &world, world.tenant);
	}
	for (size_t i = 0; i < 3; i++) {
		(void)create_ok(&world, &drafts[i]);
	}
	end_job(&world, drafts[0].job_id, "SUCCEEDED");
	release_job(&world, drafts[0].job_id);
	drafts[3].max_inflight = 2;
	CHECK_STATUS(ask_create(&world, world.instance, &drafts[3]), LUCIUS_TENANT_FULL);
	drafts[3].max_inflight = 3;
	(void)create_ok(&world, &drafts[3]);
	world_close(&world);
}

/* The other tenant's command comes first: what a backend learns by it must not be taken for all. */
static void a_lowered_limit_counts_where_the_tenant_was_never_met(void)
{
	struct world world;
	struct draft drafts[5];
	world_open_twice(&world);
	for (size_t i = 0; i < 5; i++) {
		draft_init(&drafts[i], &world, world.tenant);
	}
	for (size_t i = 0; i < 3; i++) {
		(void)create_ok(&world, &drafts[i]);
	}
	drafts[3].max_inflight = 3;
	drafts[4].max_inflight = 3;
	(void)snprintf(drafts[3].tenant, sizeof(drafts[3].tenant), "%s-other", world.tenant);
	CHECK_STATUS(ask_create(&world, world.second, &drafts[3]), LUCIUS_OK);
	CHECK_STATUS(ask_create(&world, world.second, &drafts[4]), LUCIUS_TENANT_FULL);
	world_close(&world);
}

static void a_duplicate_is_found_before_the_limit(void)
{
	struct world world;
	struct draft first;
	struct draft again;
	world_open(&world);
	draft_init(&first, &world, world.tenant);
	draft_init(&again, &world, world.tenant);
	memcpy(again.hash, first.hash, sizeof(first.hash));
	first.max_inflight = 1;
	again.max_inflight = 1;
	(void)create_ok(&world, &first);
	expect_duplicate(&world, &again, first.job_id, "QUEUED");
	world_close(&world);
}

/* Starts all commands before any is answered, by turns on both backends, and counts the answers. */
static void ask_at_once(
        struct world *world, struct draft drafts[N_AT_ONCE], struct asked *asked[N_AT_ONCE])
{
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		struct instance *instance = i % 2 == 0 ? world->instance : world->second;
		asked[i] = ask_create(world, instance, &drafts[i]);
	}
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		(void)asked_wait(asked[i]);
	}
}

static void the_limit_holds_when_commands_come_at_once(void)
{
	static struct draft drafts[N_AT_ONCE];
	struct asked *asked[N_AT_ONCE];
	struct world world;
	world_open_twice(&world);
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		drafts[i].max_inflight = 5;
	}
	ask_at_once(&world, drafts, asked);
	int n_made = 0;
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		bool is_made = asked_status(asked[i]) == LUCIUS_OK;
		n_made += is_made ? 1 : 0;
		CHECK_STATUS(asked[i], is_made ? LUCIUS_OK : LUCIUS_TENANT_FULL);
		CHECK_STATUS(
		        ask_load(&world, drafts[i].job_id), is_made ? LUCIUS_OK : LUCIUS_NOT_FOUND);
	}
	CHECK_INT(n_made, 5);
	world_close(&world);
}

static void equal_commands_at_once_make_one_job(void)
{
	static struct draft drafts[N_AT_ONCE];
	struct asked *asked[N_AT_ONCE];
	struct world world;
	world_open_twice(&world);
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		memcpy(drafts[i].hash, drafts[0].hash, sizeof(drafts[0].hash));
	}
	ask_at_once(&world, drafts, asked);
	const char *winner = NULL;
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		if (asked_status(asked[i]) == LUCIUS_OK) {
			CHECK_TEXT(winner, NULL);
			winner = drafts[i].job_id;
		}
	}
	CHECK(winner != NULL);
	for (size_t i = 0; winner != NULL && i < N_AT_ONCE; i++) {
		bool is_winner = strcmp(drafts[i].job_id, winner) == 0;
		CHECK_STATUS(asked[i], is_winner ? LUCIUS_OK : LUCIUS_DUPLICATE);
		CHECK_TEXT(job_of(asked[i])->job_id.data, winner);
		CHECK_STATUS(ask_load(&world, drafts[i].job_id),
		        is_winner ? LUCIUS_OK : LUCIUS_NOT_FOUND);
	}
	world_close(&world);
}

const struct conformance_test storage_create_tests[] = {
	CONFORMANCE_TEST(a_new_job_is_kept_whole),
	CONFORMANCE_TEST(fields_keep_their_types),
	CONFORMANCE_TEST(the_same_hash_gives_the_job_that_holds_it),
	CONFORMANCE_TEST(the_same_key_and_hash_is_a_duplicate_whatever_the_state),
	CONFORMANCE_TEST(the_same_key_with_another_hash_is_a_conflict),
	CONFORMANCE_TEST(a_key_decides_and_its_hash_is_not_claimed),
	CONFORMANCE_TEST(a_key_that_looks_like_a_hash_is_no_hash),
	CONFORMANCE_TEST(the_claims_of_two_tenants_do_not_meet),
	CONFORMANCE_TEST(a_hash_of_a_job_that_failed_or_was_cancelled_is_taken_over),
	CONFORMANCE_TEST(a_tenant_has_as_many_live_jobs_as_it_may),
	CONFORMANCE_TEST(a_lowered_limit_counts_all_that_are_live),
	CONFORMANCE_TEST(a_lowered_limit_counts_where_the_tenant_was_never_met),
	CONFORMANCE_TEST(a_duplicate_is_found_before_the_limit),
	CONFORMANCE_TEST(the_limit_holds_when_commands_come_at_once),
	CONFORMANCE_TEST(equal_commands_at_once_make_one_job),
	{ NULL, NULL },
};
