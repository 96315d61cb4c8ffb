/* SPDX-License-Identifier: MIT */
/* Storage conformance: changing jobs and their steps, one revision after another. */
#include "sdk/conformance/storage_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/conformance/storage_world.h"

#define N_WRITERS 16
#define N_ROUNDS 25
#define LARGE_SIZE 61440u

static void a_save_changes_what_it_names_and_keeps_the_rest(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_set(&draft, "never_heard_of", "stays");
	draft_set(&draft, "doc_id", "d1");
	(void)create_ok(&world, &draft);
	const struct lucius_job *before = load_ok(&world, draft.job_id);
	change_init(&change, before);
	change_state(&change, "IN_PROGRESS", false);
	change_set(&change, "doc_id", "d2");
	change_set(&change, "new_name", "added");
	const struct lucius_job *saved = save_ok(&world, &change);
	CHECK_TEXT(saved->job_id.data, draft.job_id);
	CHECK_TEXT(saved->state.data, "IN_PROGRESS");
	CHECK(strcmp(saved->revision.data, before->revision.data) != 0);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job->revision.data, saved->revision.data);
	CHECK_TEXT(job->state.data, "IN_PROGRESS");
	CHECK_TEXT(job_value(job, "state"), "IN_PROGRESS");
	CHECK_TEXT(job_value(job, "never_heard_of"), "stays");
	CHECK_TEXT(job_value(job, "doc_id"), "d2");
	CHECK_TEXT(job_value(job, "new_name"), "added");
	CHECK_TEXT(job_value(job, "idempotency_hash"), draft.hash);
	CHECK_TEXT(job->created_at.data, draft.created_at);
	CHECK_TEXT(job->tenant_id.data, draft.tenant);
	CHECK_TEXT(job->tenant_bucket.data, draft.bucket);
	CHECK_INT(job->n_fields, before->n_fields + 1);
	CHECK_INT(job->n_steps, DRAFT_N_STEPS);
	world_close(&world);
}

static void an_empty_value_removes_the_field(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_set(&draft, "doc_id", "d1");
	draft_set(&draft, "own_field", "x");
	draft_set(&draft, "empty_from_the_start", "");
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job_value(job, "empty_from_the_start"), NULL);
	CHECK_INT(job->n_fields, draft.n_fields - 1);
	change_init(&change, job);
	change_set(&change, "doc_id", "");
	change_set(&change, "own_field", "");
	change_set(&change, "never_there", "");
	change_set_step(&change, job->steps[0], "payload", "");
	(void)save_ok(&world, &change);
	job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job_value(job, "doc_id"), NULL);
	CHECK_TEXT(job_value(job, "own_field"), NULL);
	CHECK_TEXT(job_value(job, "never_there"), NULL);
	CHECK_TEXT(step_value(job, 0, "payload"), NULL);
	CHECK_TEXT(step_value(job, 1, "payload"), "{\"page_range\":\"1-3\"}");
	CHECK_INT(job->n_fields, draft.n_fields - 3);
	/* It may come back. */
	change_init(&change, job);
	change_set(&change, "doc_id", "d3");
	(void)save_ok(&world, &change);
	CHECK_TEXT(job_value(load_ok(&world, draft.job_id), "doc_id"), "d3");
	world_close(&world);
}

static void a_save_of_one_step_leaves_the_other(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	change_init(&change, job);
	change_set_step(&change, job->steps[1], "state", "INITIATED");
	change_set_step(&change, job->steps[1], "lease_id", "abc");
	(void)save_ok(&world, &change);
	/* And the other one after it, from a revision that has seen the first. */
	change_init(&change, load_ok(&world, draft.job_id));
	change_set_step(&change, job->steps[0], "state", "PROCESSING");
	(void)save_ok(&world, &change);
	job = load_ok(&world, draft.job_id);
	CHECK_INT(job->n_steps, DRAFT_N_STEPS);
	CHECK_TEXT(step_value(job, 0, "state"), "PROCESSING");
	CHECK_TEXT(step_value(job, 0, "lease_id"), NULL);
	CHECK_TEXT(step_value(job, 1, "state"), "INITIATED");
	CHECK_TEXT(step_value(job, 1, "lease_id"), "abc");
	CHECK_TEXT(step_value(job, 1, "step_id"), "embedding");
	world_close(&world);
}

static void a_save_on_an_old_revision_changes_nothing(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	const struct lucius_job *old = load_ok(&world, draft.job_id);
	change_init(&change, old);
	change_set(&change, "doc_id", "first");
	const struct lucius_job *saved = save_ok(&world, &change);
	change_init(&change, old);
	change_state(&change, "CANCELLED", true);
	change_set(&change, "doc_id", "late");
	change_set_step(&change, old->steps[0], "state", "CANCELLED");
	CHECK_STATUS(ask_save(&world, world.instance, &change.job), LUCIUS_CONFLICT);
	change.job.revision = text_of("");
	CHECK_STATUS(ask_save(&world, world.instance, &change.job), LUCIUS_CONFLICT);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_TEXT(job->revision.data, saved->revision.data);
	CHECK_TEXT(job->state.data, "QUEUED");
	CHECK_INT(job->is_terminal, 0);
	CHECK_TEXT(job_value(job, "doc_id"), "first");
	CHECK_TEXT(step_value(job, 0, "state"), "PENDING");
	world_close(&world);
}

static void what_is_not_there_is_not_found(void)
{
	static const char *const ids[] = { "00000000000000000000000000000000", "", "x",
		"' OR 1=1 --", "0000000000000000000000000000000g" };
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	change_init(&change, create_ok(&world, &draft));
	change.job.job_id = text_of(ids[0]);
	CHECK_STATUS(ask_save(&world, world.instance, &change.job), LUCIUS_NOT_FOUND);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct asked *asked = ask_load(&world, ids[i]);
		CHECK_STATUS(asked, LUCIUS_NOT_FOUND);
		CHECK_INT(asked_n_items(asked), 0);
	}
	world_close(&world);
}

/* One round: all save on the same revision, each its own number. Returns who has won. */
static int run_round(struct world *world, const struct lucius_job *job, int round)
{
	static struct change changes[N_WRITERS];
	static char values[N_WRITERS][16];
	struct asked *asked[N_WRITERS];
	int winner = -1;
	for (int i = 0; i < N_WRITERS; i++) {
		struct instance *instance = i % 2 == 0 ? world->instance : world->second;
		(void)snprintf(values[i], sizeof(values[i]), "%d", round * N_WRITERS + i);
		change_init(&changes[i], job);
		change_set(&changes[i], "winner", values[i]);
		change_set_step(&changes[i], job->steps[round % 2], "winner", values[i]);
		asked[i] = ask_save(world, instance, &changes[i].job);
	}
	for (int i = 0; i < N_WRITERS; i++) {
		(void)asked_wait(asked[i]);
		if (asked_status(asked[i]) == LUCIUS_OK) {
			CHECK_INT(winner, -1);
			winner = round * N_WRITERS + i;
		} else {
			CHECK_STATUS(asked[i], LUCIUS_CONFLICT);
		}
	}
	CHECK(winner != -1);
	return winner;
}

static void of_sixteen_writers_one_wins_each_round(void)
{
	struct world world;
	struct draft draft;
	int last_of_step[2] = { 0, 0 };
	world_open_twice(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	for (int round = 0; round < N_ROUNDS && job->n_steps == 2; round++) {
		int winner = run_round(&world, job, round);
		last_of_step[round % 2] = winner;
		job = load_ok(&world, draft.job_id);
		const char *kept = job_value(job, "winner");
		CHECK_INT(kept != NULL ? atoll(kept) : -1, winner);
		for (size_t n = 0; n < 2 && round > 0; n++) {
			const char *of_step = step_value(job, n, "winner");
			CHECK_INT(of_step != NULL ? atoll(of_step) : -1, last_of_step[n]);
		}
	}
	CHECK_INT(job->n_steps, 2);
	world_close(&world);
}

static void a_terminal_job_stays_as_it_ended(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	change_init(&change, load_ok(&world, draft.job_id));
	change_state(&change, "FAILED_FINAL", true);
	change_set(&change, "completed_at", "2026-01-01T00:00:01.000000Z");
	change_set(&change, "error_code", "STEP_TIMEOUT");
	const struct lucius_job *saved = save_ok(&world, &change);
	CHECK_INT(saved->is_terminal, 1);
	release_job(&world, draft.job_id);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_INT(job->is_terminal, 1);
	CHECK_TEXT(job->state.data, "FAILED_FINAL");
	CHECK_TEXT(job_value(job, "error_code"), "STEP_TIMEOUT");
	CHECK_INT(job->n_steps, DRAFT_N_STEPS);
	/* Once it is released it may still be written, and stays released. */
	change_init(&change, job);
	change_set(&change, "error_message", "late");
	job = save_ok(&world, &change);
	CHECK_INT(job->is_terminal, 1);
	CHECK_TEXT(job_value(load_ok(&world, draft.job_id), "error_message"), "late");
	world_close(&world);
}

static char *large_text(char first)
{
	char *text = malloc(LARGE_SIZE + 1);
	for (size_t i = 0; text != NULL && i < LARGE_SIZE; i++) {
		text[i] = (char)(first + (char)(i % 23));
	}
	if (text != NULL) {
		text[LARGE_SIZE] = '\0';
	}
	return text;
}

/* OK and kept whole, or TOO_LARGE with a sentence and not there at all. */
static bool is_large_kept(struct world *world, struct asked *asked, const char *job_id)
{
	(void)asked_wait(asked);
	if (asked_status(asked) == LUCIUS_TOO_LARGE) {
		CHECK(asked_sentence(asked) != NULL);
		return false;
	}
	CHECK_STATUS(asked, LUCIUS_OK);
	CHECK_TEXT(load_ok(world, job_id)->job_id.data, job_id);
	return true;
}

static void large_fields_are_kept_whole_or_refused(void)
{
	struct world world;
	struct draft draft;
	struct change change;
	char *one = large_text('A');
	char *other = large_text('a');
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_set(&draft, "final_output", one);
	draft.step_fields[1][3] =
	        (struct lucius_field){ "payload", other, LARGE_SIZE, LUCIUS_FIELD_STRING };
	struct asked *asked = ask_create(&world, world.instance, &draft);
	if (!is_large_kept(&world, asked, draft.job_id)) {
		CHECK_STATUS(ask_load(&world, draft.job_id), LUCIUS_NOT_FOUND);
	} else {
		const struct lucius_job *job = load_ok(&world, draft.job_id);
		CHECK_TEXT(job_value(job, "final_output"), one);
		CHECK_TEXT(step_value(job, 1, "payload"), other);
		change_init(&change, job);
		change_set(&change, "final_output", other);
		change_set_step(&change, job->steps[0], "output_ref", one);
		asked = ask_save(&world, world.instance, &change.job);
		bool is_kept = is_large_kept(&world, asked, draft.job_id);
		job = load_ok(&world, draft.job_id);
		CHECK_TEXT(job_value(job, "final_output"), is_kept ? other : one);
		CHECK_TEXT(step_value(job, 0, "output_ref"), is_kept ? one : NULL);
		CHECK_TEXT(step_value(job, 1, "payload"), other);
	}
	world_close(&world);
	free(one);
	free(other);
}

static void many_unknown_fields_are_kept(void)
{
	static char names[DRAFT_N_FIELDS][32];
	struct world world;
	struct draft draft;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	for (size_t i = draft.n_fields; i < DRAFT_N_FIELDS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "field_of_tomorrow_%zu", i);
		draft_set(&draft, names[i], names[i]);
	}
	(void)create_ok(&world, &draft);
	const struct lucius_job *job = load_ok(&world, draft.job_id);
	CHECK_INT(job->n_fields, DRAFT_N_FIELDS);
	for (size_t i = 0; i < DRAFT_N_FIELDS; i++) {
		CHECK_TEXT(job_value(job, draft.fields[i].name), draft.fields[i].value);
	}
	world_close(&world);
}

const struct conformance_test storage_save_tests[] = {
	CONFORMANCE_TEST(a_save_changes_what_it_names_and_keeps_the_rest),
	CONFORMANCE_TEST(an_empty_value_removes_the_field),
	CONFORMANCE_TEST(a_save_of_one_step_leaves_the_other),
	CONFORMANCE_TEST(a_save_on_an_old_revision_changes_nothing),
	CONFORMANCE_TEST(what_is_not_there_is_not_found),
	CONFORMANCE_TEST(of_sixteen_writers_one_wins_each_round),
	CONFORMANCE_TEST(a_terminal_job_stays_as_it_ended),
	CONFORMANCE_TEST(large_fields_are_kept_whole_or_refused),
	CONFORMANCE_TEST(many_unknown_fields_are_kept),
	{ NULL, NULL },
};
