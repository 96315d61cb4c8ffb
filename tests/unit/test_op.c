/* SPDX-License-Identifier: MIT */
/* Operations between a caller and a backend that answers when the test says so. */
#include "core/op.h"

#include "core/backend.h"
#include "core/copy.h"
#include "core/metrics.h"
#include "tests/support/storage_world.h"
#include "tests/support/suite.h"

static void an_answer_in_the_call_reaches_the_caller_only_after_it(void)
{
	world_begin();
	fake->is_sync = 1;
	world_load("a", 0);
	CHECK_INT(world.n_done, 0);
	world_turn();
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_OK);
	world_end();
}

static void items_come_in_order_with_the_end_and_not_before(void)
{
	world_begin();
	world_load("a", 0);
	world_give_job(fake->asked[0], "first");
	world_give_job(fake->asked[0], "second");
	world_turn();
	CHECK_INT(world.n_items, 0);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_items, 2);
	CHECK_TEXT(world.last_item, "second");
	CHECK_INT(world.n_done, 1);
	world_end();
}

static void arguments_are_copies_that_live_until_the_end(void)
{
	char job_id[] = "abc";
	world_begin();
	world_load(job_id, 0);
	memset(job_id, 'x', 3);
	CHECK_TEXT(fake->job_id.data, "abc");
	world_finish(fake->asked[0], LUCIUS_NOT_FOUND, NULL);
	world_turn();
	CHECK_INT(world.status, LUCIUS_NOT_FOUND);
	world_end();
}

static void a_short_struct_is_taken_as_far_as_it_goes(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done };
	struct lucius_job job = { .size = offsetof(struct lucius_job, revision),
		.job_id = world_text("abc"),
		.revision = world_text("not there"),
		.n_fields = 77 };
	struct arena arena = { 0 };
	storage_save(world.storage, &arena, copy_job(&arena, &job), &caller);
	CHECK(arena.blocks == NULL);
	CHECK_TEXT(fake->job->job_id.data, "abc");
	CHECK_INT(fake->job->revision.size, 0);
	CHECK_INT(fake->job->n_fields, 0);
	CHECK_INT(fake->job->size, sizeof(struct lucius_job));
	world_finish(fake->asked[0], LUCIUS_CONFLICT, NULL);
	world_turn();
	world_end();
}

static void what_a_short_struct_lacks_is_zero_in_memory_that_was_used_before(void)
{
	struct arena arena = { 0 };
	const struct lucius_repair given = {
		.size = offsetof(struct lucius_repair, retention_s), .limit = 5, .retention_s = 77
	};
	memset(arena_alloc(&arena, 1000), 0xff, 1000);
	arena_finish(&arena);
	const struct lucius_repair *copy = copy_repair(&arena, &given);
	CHECK_INT(copy->limit, 5);
	CHECK_INT(copy->retention_s, 0);
	arena_finish(&arena);
}

static void fields_and_steps_are_copied_with_all_they_point_to(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done };
	char value[] = "7";
	struct lucius_field field = { "attempt_no", value, 1, LUCIUS_FIELD_INTEGER };
	struct lucius_field empty = { "lease_id", NULL, 0, LUCIUS_FIELD_STRING };
	struct lucius_step step = { .size = sizeof(step),
		.step_index = 3,
		.step_id = world_text("ocr"),
		.fields = &field,
		.n_fields = 1 };
	const struct lucius_step *steps[] = { &step };
	struct lucius_job job = {
		.size = sizeof(job), .fields = &empty, .n_fields = 1, .steps = steps, .n_steps = 1
	};
	struct arena arena = { 0 };
	storage_save(world.storage, &arena, copy_job(&arena, &job), &caller);
	value[0] = 'x';
	CHECK_TEXT(fake->job->steps[0]->fields[0].value, "7");
	CHECK_TEXT(fake->job->steps[0]->fields[0].name, "attempt_no");
	CHECK_INT(fake->job->steps[0]->step_index, 3);
	CHECK_TEXT(fake->job->fields[0].value, "");
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	world_end();
}

static void at_the_deadline_the_caller_is_told_unknown_and_the_operation_lives_on(void)
{
	world_begin();
	world_load("a", 1000);
	loop_advance(world.loop, 999);
	CHECK_INT(world.n_done, 0);
	loop_advance(world.loop, 1);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	CHECK(strstr(world.sentence, "storage-fake") != NULL);
	CHECK_INT(backend_n_open(world.storage), 1);
	CHECK_INT(backend_destroy(world.storage), -1);
	CHECK_TEXT(fake->job_id.data, "a");
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_done, 1);
	world_end();
}

static void a_late_end_is_counted(void)
{
	world_begin();
	struct metric *late = metrics_series(LUCIUS_METRIC_COUNTER, "lucius_operations_late_total",
	        "", "backend", "storage-fake");
	double before = metric_value(late);
	world_load("a", 10);
	world_load("b", 10);
	world_finish(fake->asked[1], LUCIUS_OK, NULL);
	loop_advance(world.loop, 10);
	world_give_job(fake->asked[0], "too late");
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT((int64_t)(metric_value(late) - before), 1);
	CHECK_INT(world.n_items, 0);
	world_end();
}

static void operations_with_many_different_timeouts_each_end_at_their_own(void)
{
	world_begin();
	for (unsigned i = 0; i < 20; i++) {
		world_load("a", 2000 - i * 100);
	}
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(world.n_done, i);
		loop_advance(world.loop, 100);
	}
	CHECK_INT(world.n_done, 20);
	for (unsigned i = 0; i < 20; i++) {
		world_finish(fake->asked[i], LUCIUS_OK, NULL);
	}
	world_end();
}

static void a_deadline_is_no_earlier_for_those_that_began_before(void)
{
	world_begin();
	world_load("a", 1000);
	loop_advance(world.loop, 500);
	world_load("b", 1000);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	loop_advance(world.loop, 999);
	CHECK_INT(world.n_done, 1);
	loop_advance(world.loop, 1);
	CHECK_INT(world.n_done, 2);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	world_finish(fake->asked[1], LUCIUS_OK, NULL);
	world_end();
}

static unsigned n_hooks;

static void on_cancel(void *user)
{
	n_hooks++;
	if (user != NULL) {
		world_finish(*(struct lucius_op *)user, LUCIUS_OK, NULL);
	}
}

static void a_cancel_runs_the_hook_later_and_once(void)
{
	world_begin();
	n_hooks = 0;
	struct lucius_op op = world_load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, &fake->asked[0]);
	op_cancel(op);
	op_cancel(op);
	CHECK_INT(n_hooks, 0);
	CHECK_INT(world.n_done, 0);
	world_turn();
	CHECK_INT(n_hooks, 1);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	CHECK_TEXT(world.sentence, "cancelled");
	op_cancel(op);
	world_end();
}

static void a_hook_set_after_the_cancel_runs_all_the_same(void)
{
	world_begin();
	n_hooks = 0;
	op_cancel(world_load("a", 0));
	world_turn();
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, NULL);
	CHECK_INT(n_hooks, 0);
	world_turn();
	CHECK_INT(n_hooks, 1);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_end();
}

static void a_hook_does_not_run_for_an_operation_that_has_ended_meanwhile(void)
{
	world_begin();
	n_hooks = 0;
	struct lucius_op op = world_load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, NULL);
	op_cancel(op);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(n_hooks, 0);
	CHECK_INT(world.n_done, 1);
	world_end();
}

static void a_forgotten_operation_calls_nobody(void)
{
	world_begin();
	n_hooks = 0;
	struct lucius_op op = world_load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, &fake->asked[0]);
	op_forget(op);
	struct lucius_op other = world_load("b", 0);
	world_give_job(fake->asked[1], "x");
	world_finish(fake->asked[1], LUCIUS_OK, NULL);
	op_forget(other);
	world_turn();
	CHECK_INT(n_hooks, 1);
	CHECK_INT(world.n_done, 0);
	CHECK_INT(world.n_items, 0);
	world_end();
}

static void stream_items_go_out_one_by_one_before_the_end(void)
{
	world_begin();
	const struct lucius_text name = world_text("engine");
	world_own();
	for (unsigned i = 1; i <= 3; i++) {
		fake->host->give(fake->host, fake->asked[0], &name);
		world_turn();
		CHECK_INT(world.n_items, i);
	}
	loop_advance(world.loop, 86400000);
	CHECK_INT(world.n_done, 0);
	CHECK_TEXT(world.last_item, "engine");
	world_finish(fake->asked[0], LUCIUS_CONFLICT, "lost");
	world_turn();
	CHECK_INT(world.status, LUCIUS_CONFLICT);
	CHECK_TEXT(world.sentence, "lost");
	world_end();
}

static void a_stream_forgotten_by_its_own_item_gives_no_more(void)
{
	world_begin();
	const struct lucius_text name = world_text("engine");
	world.to_forget = world_own();
	fake->host->give(fake->host, fake->asked[0], &name);
	fake->host->give(fake->host, fake->asked[0], &name);
	world_turn();
	CHECK_INT(world.n_items, 1);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_turn();
	CHECK_INT(world.n_done, 0);
	world_end();
}

static void a_status_outside_the_contract_becomes_internal(void)
{
	world_begin();
	world_load("a", 0);
	world_finish(fake->asked[0], LUCIUS_TENANT_FULL, NULL);
	world_turn();
	CHECK_INT(world.status, LUCIUS_INTERNAL);
	world_load("a", 0);
	world_finish(fake->asked[1], 4711, NULL);
	world_turn();
	CHECK_INT(world.status, LUCIUS_INTERNAL);
	world_end();
}

static void over_the_bound_the_backend_is_not_asked(void)
{
	world_begin_with(2);
	world_load("a", 0);
	world_load("b", 0);
	world_load("c", 0);
	world_turn();
	CHECK_INT(fake->n_asked, 2);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	world_finish(fake->asked[0], LUCIUS_OK, NULL);
	world_finish(fake->asked[1], LUCIUS_OK, NULL);
	world_turn();
	world_load("d", 0);
	CHECK_INT(fake->n_asked, 3);
	world_finish(fake->asked[2], LUCIUS_OK, NULL);
	world_turn();
	world_end();
}

static void what_the_backend_has_not_is_unsupported(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done };
	CHECK_INT(storage_has_events(world.storage), 0);
	storage_events(world.storage, world_text("a"), &caller);
	CHECK_INT(world.n_done, 0);
	world_turn();
	CHECK_INT(world.status, LUCIUS_UNSUPPORTED);
	CHECK_TEXT(world.sentence, "storage-fake has no 'events'");
	world_end();
}

static void a_stopping_backend_takes_nothing_new(void)
{
	world_begin();
	const struct op_caller caller = { .on_done = world_on_done };
	backend_stop(world.storage, &caller);
	world_turn();
	CHECK_INT(world.status, LUCIUS_OK);
	world_load("a", 0);
	world_turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(fake->n_asked, 0);
	world_end();
}

static void thousands_of_operations_grow_the_table_and_old_handles_stay_void(void)
{
	enum { N = 5000 };
	static struct lucius_op old[N];
	world_begin();
	for (unsigned i = 0; i < N; i++) {
		old[i] = world_load("a", 0);
	}
	CHECK_INT(backend_n_open(world.storage), N);
	for (unsigned i = 0; i < N; i++) {
		world_finish(old[i], LUCIUS_OK, NULL);
	}
	world_turn();
	CHECK_INT(world.n_done, N);
	struct lucius_op fresh = world_load("b", 0);
	for (unsigned i = 0; i < N; i++) {
		CHECK(old[i].id != fresh.id);
		op_cancel(old[i]);
	}
	world_turn();
	CHECK_INT(world.n_done, N);
	world_finish(fresh, LUCIUS_OK, NULL);
	world_turn();
	world_end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(an_answer_in_the_call_reaches_the_caller_only_after_it),
		SUITE_TEST(items_come_in_order_with_the_end_and_not_before),
		SUITE_TEST(arguments_are_copies_that_live_until_the_end),
		SUITE_TEST(a_short_struct_is_taken_as_far_as_it_goes),
		SUITE_TEST(what_a_short_struct_lacks_is_zero_in_memory_that_was_used_before),
		SUITE_TEST(fields_and_steps_are_copied_with_all_they_point_to),
		SUITE_TEST(at_the_deadline_the_caller_is_told_unknown_and_the_operation_lives_on),
		SUITE_TEST(a_late_end_is_counted),
		SUITE_TEST(operations_with_many_different_timeouts_each_end_at_their_own),
		SUITE_TEST(a_deadline_is_no_earlier_for_those_that_began_before),
		SUITE_TEST(a_cancel_runs_the_hook_later_and_once),
		SUITE_TEST(a_hook_set_after_the_cancel_runs_all_the_same),
		SUITE_TEST(a_hook_does_not_run_for_an_operation_that_has_ended_meanwhile),
		SUITE_TEST(a_forgotten_operation_calls_nobody),
		SUITE_TEST(stream_items_go_out_one_by_one_before_the_end),
		SUITE_TEST(a_stream_forgotten_by_its_own_item_gives_no_more),
		SUITE_TEST(a_status_outside_the_contract_becomes_internal),
		SUITE_TEST(over_the_bound_the_backend_is_not_asked),
		SUITE_TEST(what_the_backend_has_not_is_unsupported),
		SUITE_TEST(a_stopping_backend_takes_nothing_new),
		SUITE_TEST(thousands_of_operations_grow_the_table_and_old_handles_stay_void),
	};
	return suite_run("op", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
