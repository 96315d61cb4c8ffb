/* SPDX-License-Identifier: MIT */
/* What the conformance suite does not see of storage-sqlite: its disk, its file, its commits. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/storage-sqlite/tests/faulty_disk.h"
#include "sdk/conformance/storage_tests.h"
#include "sdk/conformance/storage_world.h"

/* The path that the test was started with. */
static const char *file_path(void)
{
	const struct conformance_run *run = conformance_run();
	for (size_t i = 0; i < run->n_options; i++) {
		if (strncmp(run->options[i], "sqlite-file=", 12) == 0) {
			return run->options[i] + 12;
		}
	}
	abort();
}

/* Runs statements on the file as another program would. */
static void run_sql(const char *sql)
{
	sqlite3 *connection = NULL;
	CHECK_INT(sqlite3_open(file_path(), &connection), SQLITE_OK);
	CHECK_INT(sqlite3_exec(connection, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(connection);
}

/* A backend that has been created and not yet started. */
static void world_load(struct world *world)
{
	const struct conformance_run *run = conformance_run();
	struct instance_spec spec = { run->path, run->kind, run->options, run->n_options };
	char error[512] = "";
	*world = (struct world){ .host = host_create(0, run->is_loud) };
	(void)snprintf(world->tenant, sizeof(world->tenant), "t");
	world->instance = instance_create(world->host, &spec, error, sizeof(error));
	CHECK_TEXT(error, "");
	world->second = world->instance;
	world->storage = instance_plugin(world->instance)->storage;
}

static bool has_words(const char *sentence, const char *words)
{
	bool is_there = sentence != NULL && strstr(sentence, words) != NULL;
	if (!is_there) {
		CHECK_FAILED("\"%s\" has not the words \"%s\"",
		        sentence != NULL ? sentence : "(none)", words);
	}
	return is_there;
}

/* Lets time pass until the backend is ready again. */
static void wait_ready(struct world *world)
{
	for (int i = 0; i < 100 && instance_not_ready(world->instance) != NULL; i++) {
		host_advance(world->host, 1000);
		host_settle(world->host, 50);
	}
	CHECK_TEXT(instance_not_ready(world->instance), NULL);
}

static void the_changes_of_one_turn_share_a_commit(void)
{
	static struct draft drafts[100];
	struct asked *asked[100];
	struct world world;
	faulty_disk_install();
	world_open(&world);
	int n_before = atomic_load(&faulty_disk.n_syncs);
	for (size_t i = 0; i < 100; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		asked[i] = ask_create(&world, world.instance, &drafts[i]);
	}
	for (size_t i = 0; i < 100; i++) {
		CHECK_STATUS(asked[i], LUCIUS_OK);
	}
	CHECK_INT(atomic_load(&faulty_disk.n_syncs) - n_before, 1);
	world_close(&world);
}

static void nothing_is_answered_before_the_disk_has_it(void)
{
	struct world world;
	struct draft draft;
	struct draft other;
	faulty_disk_install();
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_init(&other, &world, world.tenant);
	(void)create_ok(&world, &other);
	atomic_store(&faulty_disk.is_slow, true);
	struct asked *asked = ask_create(&world, world.instance, &draft);
	host_settle(world.host, 200);
	CHECK_INT(asked_is_finished(asked), false);
	/* Whoever reads is not held up by it, and does not see it either. */
	(void)load_ok(&world, other.job_id);
	CHECK_STATUS(ask_load(&world, draft.job_id), LUCIUS_NOT_FOUND);
	atomic_store(&faulty_disk.is_slow, false);
	CHECK_STATUS(asked, LUCIUS_OK);
	(void)load_ok(&world, draft.job_id);
	world_close(&world);
}

static off_t log_size(void)
{
	char path[1100];
	struct stat status = { 0 };
	(void)snprintf(path, sizeof(path), "%s-wal", file_path());
	CHECK_INT(stat(path, &status), 0);
	return status.st_size;
}

/* Commits jobs whose rows have so many bytes. */
static void create_big(struct world *world, size_t n, size_t size)
{
	static struct draft drafts[20];
	static char text[60000];
	struct asked *asked[20];
	memset(text, 'x', size);
	text[size] = '\0';
	for (size_t i = 0; i < n; i++) {
		draft_init(&drafts[i], world, world->tenant);
		draft_set(&drafts[i], "doc_id", text);
		drafts[i].max_inflight = 100000;
		asked[i] = ask_create(world, world->instance, &drafts[i]);
	}
	for (size_t i = 0; i < n; i++) {
		CHECK_STATUS(asked[i], LUCIUS_OK);
	}
}

static void the_log_does_not_grow_with_its_first_commits(void)
{
	struct world world;
	world_open(&world);
	off_t size = log_size();
	CHECK(size >= 4 << 20);
	for (int i = 0; i < 20; i++) {
		create_big(&world, 1, 1000);
	}
	CHECK_INT(log_size(), size);
	world_close(&world);
	/* With another life it is not longer either. */
	world_open(&world);
	CHECK_INT(log_size(), size);
	world_close(&world);
}

static void no_commit_waits_until_the_log_is_copied(void)
{
	struct world world;
	faulty_disk_install();
	world_open(&world);
	atomic_store(&faulty_disk.is_database_slow, true);
	for (int i = 0; i < 1000 && log_size() < 70 << 20; i++) {
		create_big(&world, 20, 59999);
	}
	off_t size = log_size();
	CHECK(size >= 70 << 20);
	/* Once all has been copied it begins anew, not longer than the limit of 64 MiB. */
	atomic_store(&faulty_disk.is_database_slow, false);
	for (int i = 0; i < 1000 && log_size() >= size; i++) {
		create_big(&world, 1, 1);
		host_settle(world.host, 10);
	}
	CHECK(log_size() < size);
	world_close(&world);
}

static void a_full_disk_takes_nothing_and_recovers(void)
{
	struct world world;
	struct draft draft;
	struct draft later;
	faulty_disk_install();
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_init(&later, &world, world.tenant);
	atomic_store(&faulty_disk.is_full, true);
	struct asked *asked = ask_create(&world, world.instance, &draft);
	CHECK_STATUS(asked, LUCIUS_UNAVAILABLE);
	(void)has_words(asked_sentence(asked), "full");
	(void)has_words(asked_sentence(asked), file_path());
	(void)has_words(instance_not_ready(world.instance), "make room");
	struct asked *health = instance_health(world.instance);
	CHECK_STATUS(health, LUCIUS_UNAVAILABLE);
	CHECK_INT(asked_n_items(health), 1);
	/* Still full after a while. */
	host_advance(world.host, 5000);
	host_settle(world.host, 50);
	CHECK(instance_not_ready(world.instance) != NULL);
	CHECK_STATUS(ask_create(&world, world.instance, &later), LUCIUS_UNAVAILABLE);
	atomic_store(&faulty_disk.is_full, false);
	wait_ready(&world);
	CHECK_STATUS(ask_load(&world, draft.job_id), LUCIUS_NOT_FOUND);
	(void)create_ok(&world, &draft);
	(void)load_ok(&world, draft.job_id);
	world_close(&world);
}

static void a_failed_sync_leaves_the_outcome_unknown(void)
{
	struct world world;
	struct draft draft;
	struct draft again;
	faulty_disk_install();
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	draft_init(&again, &world, world.tenant);
	memcpy(again.hash, draft.hash, sizeof(draft.hash));
	atomic_store(&faulty_disk.n_bad_syncs, 1);
	struct asked *asked = ask_create(&world, world.instance, &draft);
	CHECK_STATUS(asked, LUCIUS_UNKNOWN);
	CHECK(asked_sentence(asked) != NULL);
	wait_ready(&world);
	/* The same command again makes one job, whichever it was. */
	asked = ask_create(&world, world.instance, &again);
	(void)asked_wait(asked);
	CHECK(asked_status(asked) == LUCIUS_OK || asked_status(asked) == LUCIUS_DUPLICATE);
	bool is_first = asked_status(asked) == LUCIUS_DUPLICATE;
	CHECK_STATUS(ask_load(&world, draft.job_id), is_first ? LUCIUS_OK : LUCIUS_NOT_FOUND);
	CHECK_STATUS(ask_load(&world, again.job_id), is_first ? LUCIUS_NOT_FOUND : LUCIUS_OK);
	world_close(&world);
}

static void a_file_that_is_kept_locked_is_waited_for(void)
{
	struct world world;
	struct draft draft;
	sqlite3 *other = NULL;
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	CHECK_INT(sqlite3_open(file_path(), &other), SQLITE_OK);
	CHECK_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	struct asked *asked = ask_create(&world, world.instance, &draft);
	CHECK_STATUS(asked, LUCIUS_UNAVAILABLE);
	(void)has_words(asked_sentence(asked), "locked");
	CHECK_INT(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(other);
	wait_ready(&world);
	(void)create_ok(&world, &draft);
	world_close(&world);
}

static void a_directory_that_is_missing_is_named_and_waited_for(void)
{
	struct world world;
	struct draft draft;
	char directory[1024];
	(void)snprintf(directory, sizeof(directory), "%s", file_path());
	*strrchr(directory, '/') = '\0';
	CHECK_INT(rmdir(directory), 0);
	world_load(&world);
	struct asked *start = instance_start(world.instance);
	CHECK_STATUS(start, LUCIUS_DENIED);
	(void)has_words(asked_sentence(start), "No such file or directory");
	(void)has_words(asked_sentence(start), "LUCIUS_SQLITE_FILE");
	draft_init(&draft, &world, world.tenant);
	struct asked *asked = ask_create(&world, world.instance, &draft);
	CHECK_STATUS(asked, LUCIUS_DENIED);
	CHECK_INT(mkdir(directory, 0700), 0);
	wait_ready(&world);
	(void)create_ok(&world, &draft);
	world_close(&world);
}

/* Starts on the file as it is and expects to be refused with those words. */
static void expect_refusal(const char *words)
{
	struct world world;
	world_load(&world);
	struct asked *start = instance_start(world.instance);
	CHECK_STATUS(start, LUCIUS_DENIED);
	(void)has_words(asked_sentence(start), words);
	world_close(&world);
}

static void a_database_of_another_program_is_left_alone(void)
{
	run_sql("CREATE TABLE theirs (a)");
	struct stat before;
	struct stat after;
	CHECK_INT(stat(file_path(), &before), 0);
	expect_refusal("database of another program");
	CHECK_INT(stat(file_path(), &after), 0);
	CHECK_INT(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_INT(after.st_size, before.st_size);
}

static void a_newer_schema_is_refused_with_both_versions(void)
{
	struct world world;
	world_open(&world);
	world_close(&world);
	run_sql("PRAGMA user_version = 99");
	expect_refusal("has schema 99, and this version of Lucius knows 1");
}

static void a_file_that_is_no_database_is_refused_until_it_is_one(void)
{
	struct world world;
	struct draft draft;
	int fd = open(file_path(), O_CREAT | O_WRONLY, 0600);
	char rubbish[8192];
	memset(rubbish, 'x', sizeof(rubbish));
	CHECK_INT(write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
	(void)close(fd);
	world_load(&world);
	struct asked *start = instance_start(world.instance);
	CHECK_STATUS(start, LUCIUS_DENIED);
	(void)has_words(asked_sentence(start), "not a database");
	CHECK_INT(unlink(file_path()), 0);
	wait_ready(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	world_close(&world);
}

static void a_file_that_is_moved_away_is_noticed(void)
{
	struct world world;
	struct draft draft;
	char moved[1100];
	world_open(&world);
	draft_init(&draft, &world, world.tenant);
	(void)create_ok(&world, &draft);
	(void)snprintf(moved, sizeof(moved), "%s.moved", file_path());
	CHECK_INT(rename(file_path(), moved), 0);
	struct asked *asked = ask_load(&world, draft.job_id);
	CHECK_STATUS(asked, LUCIUS_UNAVAILABLE);
	(void)has_words(asked_sentence(asked), "was moved or removed");
	wait_ready(&world);
	CHECK_STATUS(ask_load(&world, draft.job_id), LUCIUS_NOT_FOUND);
	(void)create_ok(&world, &draft);
	world_close(&world);
}

static void a_spoilt_row_fails_its_own_request_alone(void)
{
	struct world world;
	struct draft drafts[3];
	struct asked *asked[3];
	struct change changes[3];
	world_open(&world);
	for (size_t i = 0; i < 3; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		change_init(&changes[i], create_ok(&world, &drafts[i]));
		change_set(&changes[i], "doc_id", "d");
	}
	char sql[256];
	(void)snprintf(sql, sizeof(sql), "UPDATE jobs SET fields = x'fefefe' WHERE job_id = '%s'",
	        drafts[1].job_id);
	run_sql(sql);
	for (size_t i = 0; i < 3; i++) {
		asked[i] = ask_save(&world, world.instance, &changes[i].job);
	}
	CHECK_STATUS(asked[0], LUCIUS_OK);
	CHECK_STATUS(asked[1], LUCIUS_DENIED);
	(void)has_words(asked_sentence(asked[1]), "spoilt");
	CHECK_STATUS(asked[2], LUCIUS_OK);
	CHECK_STATUS(ask_load(&world, drafts[1].job_id), LUCIUS_DENIED);
	CHECK_TEXT(job_value(load_ok(&world, drafts[2].job_id), "doc_id"), "d");
	CHECK_TEXT(instance_not_ready(world.instance), NULL);
	world_close(&world);
}

static void nobody_else_can_read_the_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-owners" };
	struct world world;
	world_open(&world);
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	CHECK(asked_wait_items(own, 1));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[1100];
		struct stat status = { 0 };
		(void)snprintf(path, sizeof(path), "%s%s", file_path(), ends[i]);
		CHECK_INT(stat(path, &status), 0);
		CHECK_INT(status.st_mode & 0777, 0600);
	}
	world_close(&world);
}

static void a_stop_while_the_file_cannot_be_opened_ends(void)
{
	struct world world;
	run_sql("CREATE TABLE theirs (a)");
	world_load(&world);
	CHECK_STATUS(instance_start(world.instance), LUCIUS_DENIED);
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	host_advance(world.host, 30000);
	host_settle(world.host, 50);
	CHECK_INT(asked_n_items(own), 0);
	CHECK_STATUS(instance_stop(world.instance), LUCIUS_OK);
	CHECK_STATUS(own, LUCIUS_OK);
	instance_destroy(world.instance);
	host_destroy(world.host);
}

static void an_owner_without_a_disk_loses_its_name_in_time(void)
{
	struct world world;
	faulty_disk_install();
	world_open(&world);
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	CHECK(asked_wait_items(own, 1));
	atomic_store(&faulty_disk.is_full, true);
	for (int i = 0; i < 15 && !asked_is_finished(own); i++) {
		host_advance(world.host, 1000);
		host_settle(world.host, 30);
	}
	CHECK_STATUS(own, LUCIUS_CONFLICT);
	(void)has_words(asked_sentence(own), "\"local\" is lost");
	atomic_store(&faulty_disk.is_full, false);
	world_close(&world);
}

/* The one number that the statement gives. */
static int64_t ask_sql(const char *sql)
{
	sqlite3 *connection = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;
	CHECK_INT(sqlite3_open(file_path(), &connection), SQLITE_OK);
	CHECK_INT(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		number = sqlite3_column_int64(statement, 0);
	}
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(connection);
	return number;
}

static void a_removed_job_leaves_nothing_behind(void)
{
	struct world world;
	struct draft draft;
	struct lucius_job_event event = { .size = sizeof(event), .seq = 1 };
	const struct lucius_job_event *const events[] = { &event };
	world_open(&world);
	for (int i = 0; i < 2; i++) {
		draft_init(&draft, &world, world.tenant);
		draft.key = i == 0 ? "key" : NULL;
		draft.events = events;
		draft.n_events = 1;
		(void)create_ok(&world, &draft);
		end_job(&world, draft.job_id, "SUCCEEDED");
		release_job(&world, draft.job_id);
	}
	CHECK_INT(ask_sql("SELECT count(*) FROM steps"), 4);
	CHECK_INT(ask_sql("SELECT count(*) FROM tenants"), 0);
	struct lucius_repair repair = { .size = sizeof(repair),
		.limit = 10,
		.now_us = host_clock_us(world.host) + 10000000,
		.retention_s = 1 };
	struct asked *asked = ask_repair(&world, &repair);
	CHECK_STATUS(asked, LUCIUS_OK);
	const struct lucius_repair_report *report = asked_item(asked, 0);
	CHECK_INT(report != NULL ? report->n_purged : 0, 2);
	CHECK_INT(ask_sql("SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM steps)"
	                  " + (SELECT count(*) FROM events) + (SELECT count(*) FROM claims)"),
	        0);
	world_close(&world);
}

static void a_page_that_was_read_ahead_is_not_given_after_a_change(void)
{
	struct world world;
	struct draft drafts[4];
	struct change changes[4];
	world_open(&world);
	for (size_t i = 0; i < 4; i++) {
		draft_init(&drafts[i], &world, world.tenant);
		change_init(&changes[i], create_ok(&world, &drafts[i]));
		change_set(&changes[i], "doc_id", "changed");
	}
	struct asked *first = ask_scan(&world, "", 2);
	CHECK_STATUS(first, LUCIUS_OK);
	CHECK_INT(asked_n_items(first), 2);
	const struct lucius_found *last = asked_item(first, 1);
	/* Time enough to read ahead. */
	host_settle(world.host, 100);
	(void)save_ok(&world, &changes[2]);
	struct asked *second = ask_scan(&world, last != NULL ? last->cursor.data : "", 2);
	CHECK_STATUS(second, LUCIUS_OK);
	const struct lucius_found *third = asked_item(second, 0);
	CHECK_TEXT(third != NULL ? job_value(third->job, "job_id") : NULL, drafts[2].job_id);
	CHECK_TEXT(third != NULL ? job_value(third->job, "doc_id") : NULL, "changed");
	world_close(&world);
}

/* How many seconds of a lease of 15 pass until the name is had; 99: it is not. */
static int wait_for_name(struct world *world, struct asked *own, const char *sql_each_second)
{
	for (int seconds = 0; seconds < 40; seconds++) {
		host_settle(world->host, 30);
		if (asked_n_items(own) != 0) {
			return seconds;
		}
		if (sql_each_second != NULL) {
			run_sql(sql_each_second);
		}
		host_advance(world->host, 1000);
	}
	return 99;
}

static void a_dead_owner_without_a_lock_is_waited_for_most_of_a_lease(void)
{
	struct world world;
	world_open(&world);
	run_sql("INSERT INTO owners VALUES ('local', 'ghost', 7, 0)");
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	int seconds = wait_for_name(&world, own, NULL);
	CHECK(seconds >= 10 && seconds <= 15);
	CHECK_INT(ask_sql("SELECT count(*) FROM owners WHERE owner = 'me'"), 1);
	world_close(&world);
	CHECK_INT(ask_sql("SELECT count(*) FROM owners"), 0);
}

static void a_dead_owner_that_had_the_lock_is_not_waited_for(void)
{
	struct world world;
	world_open(&world);
	run_sql("INSERT INTO owners VALUES ('local', 'ghost', 7, 1)");
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	CHECK_INT(wait_for_name(&world, own, NULL), 0);
	world_close(&world);
}

static void an_owner_that_renews_without_a_lock_keeps_its_name(void)
{
	struct world world;
	world_open(&world);
	run_sql("INSERT INTO owners VALUES ('local', 'ghost', 7, 0)");
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	CHECK_INT(wait_for_name(&world, own, "UPDATE owners SET beat = beat + 1"), 99);
	world_close(&world);
	CHECK_INT(ask_sql("SELECT count(*) FROM owners WHERE owner = 'ghost'"), 1);
}

static void a_name_that_was_taken_away_is_lost(void)
{
	struct world world;
	world_open(&world);
	struct asked *own = ask_own(&world, world.instance, "local", "me");
	CHECK_INT(wait_for_name(&world, own, NULL), 0);
	run_sql("UPDATE owners SET owner = 'ghost', beat = beat + 1, is_locked = 0");
	for (int i = 0; i < 15 && !asked_is_finished(own); i++) {
		host_advance(world.host, 1000);
		host_settle(world.host, 30);
	}
	CHECK_STATUS(own, LUCIUS_CONFLICT);
	(void)has_words(asked_sentence(own), "ghost");
	world_close(&world);
	CHECK_INT(ask_sql("SELECT count(*) FROM owners WHERE owner = 'ghost'"), 1);
}

static const struct conformance_test tests[] = {
	CONFORMANCE_TEST(the_changes_of_one_turn_share_a_commit),
	CONFORMANCE_TEST(nothing_is_answered_before_the_disk_has_it),
	CONFORMANCE_TEST(the_log_does_not_grow_with_its_first_commits),
	CONFORMANCE_TEST(no_commit_waits_until_the_log_is_copied),
	CONFORMANCE_TEST(a_full_disk_takes_nothing_and_recovers),
	CONFORMANCE_TEST(a_failed_sync_leaves_the_outcome_unknown),
	CONFORMANCE_TEST(a_file_that_is_kept_locked_is_waited_for),
	CONFORMANCE_TEST(a_directory_that_is_missing_is_named_and_waited_for),
	CONFORMANCE_TEST(a_database_of_another_program_is_left_alone),
	CONFORMANCE_TEST(a_newer_schema_is_refused_with_both_versions),
	CONFORMANCE_TEST(a_file_that_is_no_database_is_refused_until_it_is_one),
	CONFORMANCE_TEST(a_file_that_is_moved_away_is_noticed),
	CONFORMANCE_TEST(a_spoilt_row_fails_its_own_request_alone),
	CONFORMANCE_TEST(nobody_else_can_read_the_files),
	CONFORMANCE_TEST(a_stop_while_the_file_cannot_be_opened_ends),
	CONFORMANCE_TEST(an_owner_without_a_disk_loses_its_name_in_time),
	CONFORMANCE_TEST(a_removed_job_leaves_nothing_behind),
	CONFORMANCE_TEST(a_page_that_was_read_ahead_is_not_given_after_a_change),
	CONFORMANCE_TEST(a_dead_owner_without_a_lock_is_waited_for_most_of_a_lease),
	CONFORMANCE_TEST(a_dead_owner_that_had_the_lock_is_not_waited_for),
	CONFORMANCE_TEST(an_owner_that_renews_without_a_lock_keeps_its_name),
	CONFORMANCE_TEST(a_name_that_was_taken_away_is_lost),
	{ NULL, NULL },
};
static const struct conformance_test *const tables[] = { tests, NULL };

extern const struct conformance_suite storage_sqlite_suite;
const struct conformance_suite storage_sqlite_suite = {
	.name = "storage-sqlite",
	.kind = LUCIUS_KIND_STORAGE,
	.tables = tables,
};
