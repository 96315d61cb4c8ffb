/* SPDX-License-Identifier: MIT */
/* Operations between a caller and a backend that answers when the test says so. */
#include "core/op.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "tests/support/fake_storage.h"
#include "tests/support/suite.h"

struct world {
	struct loop *loop;
	struct backend *storage;
	unsigned n_items;
	unsigned n_done;
	uint32_t status;
	char sentence[256];
	char last_item[64]; /* the job id, or the text */
	struct lucius_op to_forget; /* by on_item */
};

static struct world world;

static void begin_with(size_t max_operations)
{
	char error[256] = "";
	world = (struct world){ .loop = loop_create_simulated(1, 0) };
	const struct backend_parts parts = { .loop = world.loop,
		.plugin = &fake_plugin,
		.max_operations = max_operations };
	world.storage = backend_create(&parts, error, sizeof(error));
	CHECK_TEXT(error, "");
	if (world.storage == NULL) {
		abort();
	}
}

static void begin(void)
{
	begin_with(0);
}

static void end(void)
{
	CHECK_INT(backend_n_open(world.storage), 0);
	CHECK_INT(backend_destroy(world.storage), 0);
	loop_destroy(world.loop);
}

static void turn(void)
{
	loop_advance(world.loop, 0);
}

static void keep(const char *bytes, size_t size)
{
	size_t n = size < sizeof(world.last_item) - 1 ? size : sizeof(world.last_item) - 1;
	memcpy(world.last_item, bytes, n);
	world.last_item[n] = '\0';
}

static void on_job(void *user, const void *item)
{
	const struct lucius_job *job = item;
	(void)user;
	world.n_items++;
	keep(job->job_id.data, job->job_id.size);
}

static void on_text(void *user, const void *item)
{
	const struct lucius_text *text = item;
	(void)user;
	world.n_items++;
	keep(text->data, text->size);
	if (world.to_forget.id != 0) {
		op_forget(world.to_forget);
	}
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	world.n_done++;
	world.status = status;
	(void)snprintf(world.sentence, sizeof(world.sentence), "%s", sentence != NULL ? sentence : "");
}

static struct lucius_text text(const char *string)
{
	return (struct lucius_text){ string, strlen(string) };
}

static struct lucius_op load(const char *job_id, uint64_t timeout_ms)
{
	const struct op_caller caller = {
		.on_item = on_job, .on_done = on_done, .timeout_ms = timeout_ms
	};
	return storage_load(world.storage, text(job_id), &caller);
}

static struct lucius_op own(void)
{
	const struct op_caller caller = { .on_item = on_text, .on_done = on_done };
	const struct lucius_ownership ownership = { .size = sizeof(ownership),
		.name = text("engine"),
		.owner = text("me") };
	return storage_own(world.storage, &ownership, &caller);
}

static void give_job(struct lucius_op op, const char *job_id)
{
	const struct lucius_job job = { .size = sizeof(job), .job_id = text(job_id) };
	fake->host->give(fake->host, op, &job);
}

static void finish(struct lucius_op op, uint32_t status, const char *sentence)
{
	fake->host->finish(fake->host, op, status, sentence);
}

static void an_answer_in_the_call_reaches_the_caller_only_after_it(void)
{
	begin();
	fake->is_sync = 1;
	load("a", 0);
	CHECK_INT(world.n_done, 0);
	turn();
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_OK);
	end();
}

static void items_come_in_order_with_the_end_and_not_before(void)
{
	begin();
	load("a", 0);
	give_job(fake->asked[0], "first");
	give_job(fake->asked[0], "second");
	turn();
	CHECK_INT(world.n_items, 0);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	CHECK_INT(world.n_items, 2);
	CHECK_TEXT(world.last_item, "second");
	CHECK_INT(world.n_done, 1);
	end();
}

static void arguments_are_copies_that_live_until_the_end(void)
{
	char job_id[] = "abc";
	begin();
	load(job_id, 0);
	memset(job_id, 'x', 3);
	CHECK_TEXT(fake->job_id.data, "abc");
	finish(fake->asked[0], LUCIUS_NOT_FOUND, NULL);
	turn();
	CHECK_INT(world.status, LUCIUS_NOT_FOUND);
	end();
}

static void a_short_struct_is_taken_as_far_as_it_goes(void)
{
	begin();
	const struct op_caller caller = { .on_done = on_done };
	struct lucius_job job = { .size = offsetof(struct lucius_job, revision),
		.job_id = text("abc"),
		.revision = text("not there"),
		.n_fields = 77 };
	storage_save(world.storage, &job, &caller);
	CHECK_TEXT(fake->job->job_id.data, "abc");
	CHECK_INT(fake->job->revision.size, 0);
	CHECK_INT(fake->job->n_fields, 0);
	CHECK_INT(fake->job->size, sizeof(struct lucius_job));
	finish(fake->asked[0], LUCIUS_CONFLICT, NULL);
	turn();
	end();
}

static void fields_and_steps_are_copied_with_all_they_point_to(void)
{
	begin();
	const struct op_caller caller = { .on_done = on_done };
	char value[] = "7";
	struct lucius_field field = { "attempt_no", value, 1, LUCIUS_FIELD_INTEGER };
	struct lucius_field empty = { "lease_id", NULL, 0, LUCIUS_FIELD_STRING };
	struct lucius_step step = { .size = sizeof(step),
		.step_index = 3,
		.step_id = text("ocr"),
		.fields = &field,
		.n_fields = 1 };
	const struct lucius_step *steps[] = { &step };
	struct lucius_job job = { .size = sizeof(job),
		.fields = &empty,
		.n_fields = 1,
		.steps = steps,
		.n_steps = 1 };
	storage_save(world.storage, &job, &caller);
	value[0] = 'x';
	CHECK_TEXT(fake->job->steps[0]->fields[0].value, "7");
	CHECK_TEXT(fake->job->steps[0]->fields[0].name, "attempt_no");
	CHECK_INT(fake->job->steps[0]->step_index, 3);
	CHECK_TEXT(fake->job->fields[0].value, "");
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	end();
}

static void at_the_deadline_the_caller_is_told_unknown_and_the_operation_lives_on(void)
{
	begin();
	load("a", 1000);
	loop_advance(world.loop, 999);
	CHECK_INT(world.n_done, 0);
	loop_advance(world.loop, 1);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	CHECK(strstr(world.sentence, "storage-fake") != NULL);
	CHECK_INT(backend_n_open(world.storage), 1);
	CHECK_INT(backend_destroy(world.storage), -1);
	CHECK_TEXT(fake->job_id.data, "a");
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	CHECK_INT(world.n_done, 1);
	end();
}

static void a_late_end_is_counted(void)
{
	begin();
	struct metric *late = metrics_series(LUCIUS_METRIC_COUNTER, "lucius_operations_late_total",
		"", "backend", "storage-fake");
	double before = metric_value(late);
	load("a", 10);
	load("b", 10);
	finish(fake->asked[1], LUCIUS_OK, NULL);
	loop_advance(world.loop, 10);
	give_job(fake->asked[0], "too late");
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	CHECK_INT((int64_t)(metric_value(late) - before), 1);
	CHECK_INT(world.n_items, 0);
	end();
}

static void operations_with_many_different_timeouts_each_end_at_their_own(void)
{
	begin();
	for (unsigned i = 0; i < 20; i++) {
		load("a", 2000 - i * 100);
	}
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(world.n_done, i);
		loop_advance(world.loop, 100);
	}
	CHECK_INT(world.n_done, 20);
	for (unsigned i = 0; i < 20; i++) {
		finish(fake->asked[i], LUCIUS_OK, NULL);
	}
	end();
}

static void a_deadline_is_no_earlier_for_those_that_began_before(void)
{
	begin();
	load("a", 1000);
	loop_advance(world.loop, 500);
	load("b", 1000);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	loop_advance(world.loop, 999);
	CHECK_INT(world.n_done, 1);
	loop_advance(world.loop, 1);
	CHECK_INT(world.n_done, 2);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	finish(fake->asked[1], LUCIUS_OK, NULL);
	end();
}

static unsigned n_hooks;

static void on_cancel(void *user)
{
	n_hooks++;
	if (user != NULL) {
		finish(*(struct lucius_op *)user, LUCIUS_OK, NULL);
	}
}

static void a_cancel_runs_the_hook_later_and_once(void)
{
	begin();
	n_hooks = 0;
	struct lucius_op op = load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, &fake->asked[0]);
	op_cancel(op);
	op_cancel(op);
	CHECK_INT(n_hooks, 0);
	CHECK_INT(world.n_done, 0);
	turn();
	CHECK_INT(n_hooks, 1);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	CHECK_TEXT(world.sentence, "cancelled");
	op_cancel(op);
	end();
}

static void a_hook_set_after_the_cancel_runs_all_the_same(void)
{
	begin();
	n_hooks = 0;
	op_cancel(load("a", 0));
	turn();
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, NULL);
	CHECK_INT(n_hooks, 0);
	turn();
	CHECK_INT(n_hooks, 1);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	end();
}

static void a_hook_does_not_run_for_an_operation_that_has_ended_meanwhile(void)
{
	begin();
	n_hooks = 0;
	struct lucius_op op = load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, NULL);
	op_cancel(op);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	CHECK_INT(n_hooks, 0);
	CHECK_INT(world.n_done, 1);
	end();
}

static void a_forgotten_operation_calls_nobody(void)
{
	begin();
	n_hooks = 0;
	struct lucius_op op = load("a", 0);
	fake->host->on_cancel(fake->host, fake->asked[0], on_cancel, &fake->asked[0]);
	op_forget(op);
	struct lucius_op other = load("b", 0);
	give_job(fake->asked[1], "x");
	finish(fake->asked[1], LUCIUS_OK, NULL);
	op_forget(other);
	turn();
	CHECK_INT(n_hooks, 1);
	CHECK_INT(world.n_done, 0);
	CHECK_INT(world.n_items, 0);
	end();
}

static void stream_items_go_out_one_by_one_before_the_end(void)
{
	begin();
	const struct lucius_text name = text("engine");
	own();
	for (unsigned i = 1; i <= 3; i++) {
		fake->host->give(fake->host, fake->asked[0], &name);
		turn();
		CHECK_INT(world.n_items, i);
	}
	loop_advance(world.loop, 86400000);
	CHECK_INT(world.n_done, 0);
	CHECK_TEXT(world.last_item, "engine");
	finish(fake->asked[0], LUCIUS_CONFLICT, "lost");
	turn();
	CHECK_INT(world.status, LUCIUS_CONFLICT);
	CHECK_TEXT(world.sentence, "lost");
	end();
}

static void a_stream_forgotten_by_its_own_item_gives_no_more(void)
{
	begin();
	const struct lucius_text name = text("engine");
	world.to_forget = own();
	fake->host->give(fake->host, fake->asked[0], &name);
	fake->host->give(fake->host, fake->asked[0], &name);
	turn();
	CHECK_INT(world.n_items, 1);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	turn();
	CHECK_INT(world.n_done, 0);
	end();
}

static void a_status_outside_the_contract_becomes_internal(void)
{
	begin();
	load("a", 0);
	finish(fake->asked[0], LUCIUS_TENANT_FULL, NULL);
	turn();
	CHECK_INT(world.status, LUCIUS_INTERNAL);
	load("a", 0);
	finish(fake->asked[1], 4711, NULL);
	turn();
	CHECK_INT(world.status, LUCIUS_INTERNAL);
	end();
}

static void over_the_bound_the_backend_is_not_asked(void)
{
	begin_with(2);
	load("a", 0);
	load("b", 0);
	load("c", 0);
	turn();
	CHECK_INT(fake->n_asked, 2);
	CHECK_INT(world.n_done, 1);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	finish(fake->asked[0], LUCIUS_OK, NULL);
	finish(fake->asked[1], LUCIUS_OK, NULL);
	turn();
	load("d", 0);
	CHECK_INT(fake->n_asked, 3);
	finish(fake->asked[2], LUCIUS_OK, NULL);
	turn();
	end();
}

static void what_the_backend_has_not_is_unsupported(void)
{
	begin();
	const struct op_caller caller = { .on_done = on_done };
	CHECK_INT(storage_has_events(world.storage), 0);
	storage_events(world.storage, text("a"), &caller);
	CHECK_INT(world.n_done, 0);
	turn();
	CHECK_INT(world.status, LUCIUS_UNSUPPORTED);
	CHECK_TEXT(world.sentence, "storage-fake has no 'events'");
	end();
}

static void a_stopping_backend_takes_nothing_new(void)
{
	begin();
	const struct op_caller caller = { .on_done = on_done };
	backend_stop(world.storage, &caller);
	turn();
	CHECK_INT(world.status, LUCIUS_OK);
	load("a", 0);
	turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(fake->n_asked, 0);
	end();
}

static void thousands_of_operations_grow_the_table_and_old_handles_stay_void(void)
{
	enum { N = 5000 };
	static struct lucius_op old[N];
	begin();
	for (unsigned i = 0; i < N; i++) {
		old[i] = load("a", 0);
	}
	CHECK_INT(backend_n_open(world.storage), N);
	for (unsigned i = 0; i < N; i++) {
		finish(old[i], LUCIUS_OK, NULL);
	}
	turn();
	CHECK_INT(world.n_done, N);
	struct lucius_op fresh = load("b", 0);
	for (unsigned i = 0; i < N; i++) {
		CHECK(old[i].id != fresh.id);
		op_cancel(old[i]);
	}
	turn();
	CHECK_INT(world.n_done, N);
	finish(fresh, LUCIUS_OK, NULL);
	turn();
	end();
}

/* The child's signal, with its standard error in said. */
static int signal_of(void (*act)(void), char *said, size_t said_size)
{
	int ends[2];
	if (pipe(ends) != 0) {
		return -1;
	}
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		act();
		_exit(0);
	}
	close(ends[1]);
	size_t size = 0;
	for (ssize_t n; (n = read(ends[0], said + size, said_size - 1 - size)) > 0;) {
		size += (size_t)n;
	}
	said[size] = '\0';
	close(ends[0]);
	int status = 0;
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void act_finish_twice(void)
{
	struct lucius_op op = load("a", 0);
	finish(op, LUCIUS_OK, NULL);
	finish(op, LUCIUS_OK, NULL);
}

static void act_finish_old(void)
{
	struct lucius_op op = load("a", 0);
	finish(op, LUCIUS_OK, NULL);
	turn();
	load("b", 0);
	finish(op, LUCIUS_OK, NULL);
}

static void act_give_unknown(void)
{
	give_job((struct lucius_op){ UINT64_MAX }, "a");
}

static void finishing_twice_or_what_is_unknown_aborts_with_the_name_of_the_plugin(void)
{
	static void (*const acts[])(void) = { act_finish_twice, act_finish_old, act_give_unknown };
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		char said[4096];
		begin();
		CHECK_INT(signal_of(acts[i], said, sizeof(said)), SIGABRT);
		CHECK(strstr(said, "storage-fake: ") != NULL);
		CHECK(strstr(said, "plugin.broken") != NULL);
		end();
	}
}

static void an_activity_opened_by_a_plugin_is_answered_by_the_core(void)
{
	begin();
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.timeout_ms = 30000,
		.on_item = on_text,
		.on_done = on_done };
	const struct lucius_text result = text("{}");
	struct lucius_op op = fake->host->open(fake->host, &question);
	op_give(op, &result);
	op_finish(op, LUCIUS_OK, NULL);
	CHECK_INT(world.n_done, 0);
	turn();
	CHECK_TEXT(world.last_item, "{}");
	CHECK_INT(world.n_done, 1);
	op = fake->host->open(fake->host, &question);
	loop_advance(world.loop, 30000);
	CHECK_INT(world.n_done, 2);
	CHECK_INT(world.status, LUCIUS_UNKNOWN);
	op_finish(op, LUCIUS_OK, NULL);
	turn();
	end();
}

static void what_a_destroyed_backend_had_asked_calls_it_no_more(void)
{
	begin();
	const struct lucius_question question = { .size = sizeof(question),
		.operation = LUCIUS_OP_DEFINITION_RUN,
		.on_done = on_done };
	struct lucius_op op = fake->host->open(fake->host, &question);
	unsigned n_destroyed = fake_n_destroyed;
	CHECK_INT(backend_destroy(world.storage), 0);
	CHECK_INT(fake_n_destroyed - n_destroyed, 1);
	op_finish(op, LUCIUS_OK, NULL);
	turn();
	CHECK_INT(world.n_done, 0);
	loop_destroy(world.loop);
}

static void options_that_are_not_given_have_their_defaults(void)
{
	begin();
	const struct fake_options *options = fake->host->options;
	CHECK_TEXT(options->text, "some");
	CHECK_INT(options->number, 7);
	end();
}

static void health_without_a_member_is_what_was_said_last(void)
{
	begin();
	const struct op_caller caller = { .on_done = on_done };
	fake->host->ready(fake->host, "no connection to 'x'");
	backend_health(world.storage, &caller);
	turn();
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_TEXT(world.sentence, "no connection to 'x'");
	fake->host->ready(fake->host, NULL);
	backend_health(world.storage, &caller);
	turn();
	CHECK_INT(world.status, LUCIUS_OK);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(an_answer_in_the_call_reaches_the_caller_only_after_it),
		SUITE_TEST(items_come_in_order_with_the_end_and_not_before),
		SUITE_TEST(arguments_are_copies_that_live_until_the_end),
		SUITE_TEST(a_short_struct_is_taken_as_far_as_it_goes),
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
		SUITE_TEST(finishing_twice_or_what_is_unknown_aborts_with_the_name_of_the_plugin),
		SUITE_TEST(an_activity_opened_by_a_plugin_is_answered_by_the_core),
		SUITE_TEST(what_a_destroyed_backend_had_asked_calls_it_no_more),
		SUITE_TEST(options_that_are_not_given_have_their_defaults),
		SUITE_TEST(health_without_a_member_is_what_was_said_last),
	};
	return suite_run("op", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
