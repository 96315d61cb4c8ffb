/* SPDX-License-Identifier: MIT */
/*
 * Storage conformance of durable backends: a process that writes as fast as it can is killed
 * without warning, again and again. What it had been told is done must be there afterwards, whole.
 */
#include "sdk/conformance/storage_tests.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/conformance/storage_world.h"

#define N_KILLS 8
#define N_AT_ONCE 8
#define KILL_AFTER_MAX_US 150000
#define N_NOTES_MAX 100000

/* What the process that will be killed has been told: that job has been saved so many times. */
struct note {
	char job_id[33];
	char tenant[67];
	int32_t n_saves;
};

static void write_note(int fd, const struct draft *draft, int32_t n_saves)
{
	struct note note = { .n_saves = n_saves };
	memcpy(note.job_id, draft->job_id, sizeof(note.job_id));
	(void)snprintf(note.tenant, sizeof(note.tenant), "%.66s", draft->tenant);
	/* Shorter than a pipe takes at once: a note is there as a whole or not at all. */
	if (write(fd, &note, sizeof(note)) != (ssize_t)sizeof(note)) {
		exit(3);
	}
}

static void save_count(struct world *world, const struct draft *draft, int32_t n, int fd)
{
	struct change change;
	char number[16];
	(void)snprintf(number, sizeof(number), "%d", n);
	struct asked *load = ask_load(world, draft->job_id);
	(void)asked_wait(load);
	change_init(&change, job_of(load));
	change_set(&change, "count", number);
	if (job_of(load)->n_steps == 2) {
		change_set_step(&change, job_of(load)->steps[n % 2], "count", number);
	}
	struct asked *save = ask_save(world, world->instance, &change.job);
	(void)asked_wait(save);
	if (asked_status(save) == LUCIUS_OK) {
		write_note(fd, draft, n);
	}
	asked_free(load);
	asked_free(save);
}

/* The whole life of the process that will be killed. */
_Noreturn static void write_until_killed(int fd)
{
	static struct draft drafts[N_AT_ONCE];
	struct asked *asked[N_AT_ONCE];
	struct world world;
	world_open(&world);
	for (;;) {
		for (size_t i = 0; i < N_AT_ONCE; i++) {
			draft_init(&drafts[i], &world, world.tenant);
			drafts[i].max_inflight = 10000;
			asked[i] = ask_create(&world, world.instance, &drafts[i]);
		}
		for (size_t i = 0; i < N_AT_ONCE; i++) {
			(void)asked_wait(asked[i]);
			if (asked_status(asked[i]) == LUCIUS_OK) {
				write_note(fd, &drafts[i], 0);
			}
			asked_free(asked[i]);
		}
		for (int32_t n = 1; n <= 4; n++) {
			save_count(&world, &drafts[0], n, fd);
		}
	}
}

/* Runs the writer for a random while, kills it; how many notes it has left behind. */
static size_t run_and_kill(struct note *notes)
{
	int fds[2];
	uint32_t random = 0;
	if (pipe(fds) != 0 || getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		CHECK_FAILED("no pipe: %s", strerror(errno));
		return 0;
	}
	(void)fflush(NULL);
	pid_t writer = fork();
	if (writer == 0) {
		(void)close(fds[0]);
		write_until_killed(fds[1]);
	}
	(void)close(fds[1]);
	size_t n_notes = 0;
	/* The first note says that it is at work; the time counts from there. */
	bool is_killed = false;
	while (n_notes < N_NOTES_MAX &&
	        read(fds[0], &notes[n_notes], sizeof(*notes)) == (ssize_t)sizeof(*notes)) {
		n_notes++;
		if (!is_killed) {
			(void)usleep(random % KILL_AFTER_MAX_US);
			(void)kill(writer, SIGKILL);
			is_killed = true;
		}
	}
	int status = 0;
	(void)kill(writer, SIGKILL);
	(void)waitpid(writer, &status, 0);
	(void)close(fds[0]);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return n_notes;
}

static int32_t count_of(const char *text)
{
	return text != NULL ? (int32_t)strtol(text, NULL, 10) : 0;
}

/* Each note must be kept; a save after the last note may have happened too. Job and steps must be
 * of one mind. */
static void check_notes(struct world *world, const struct note *notes, size_t n_notes)
{
	for (size_t i = 0; i < n_notes; i++) {
		struct asked *load = ask_load(world, notes[i].job_id);
		CHECK_STATUS(load, LUCIUS_OK);
		const struct lucius_job *job = job_of(load);
		int32_t count = count_of(job_value(job, "count"));
		CHECK(count >= notes[i].n_saves);
		CHECK_INT(job->n_steps, DRAFT_N_STEPS);
		if (count > 0) {
			CHECK_INT(count_of(step_value(job, (size_t)count % 2, "count")), count);
		}
		asked_free(load);
	}
}

/* How many jobs of the tenant hold a slot. */
static uint32_t count_holders(struct world *world, const char *tenant)
{
	uint32_t n_holders = 0;
	char cursor[600] = "";
	do {
		struct asked *scan = ask_scan(world, cursor, 200);
		CHECK_STATUS(scan, LUCIUS_OK);
		cursor[0] = '\0';
		for (size_t i = 0; i < asked_n_items(scan); i++) {
			const struct lucius_found *found = asked_item(scan, i);
			(void)snprintf(cursor, sizeof(cursor), "%s", found->cursor.data);
			n_holders += found->job != NULL &&
			                strcmp(found->job->tenant_id.data, tenant) == 0
			        ? 1
			        : 0;
		}
		asked_free(scan);
	} while (cursor[0] != '\0');
	return n_holders;
}

/* The limit counts exactly those that the scan shows. */
static void check_slots(struct world *world, const char *tenant)
{
	struct draft draft;
	uint32_t n_holders = count_holders(world, tenant);
	CHECK(n_holders > 0);
	draft_init(&draft, world, tenant);
	draft.max_inflight = n_holders;
	CHECK_STATUS(ask_create(world, world->instance, &draft), LUCIUS_TENANT_FULL);
	draft.max_inflight = n_holders + 1;
	CHECK_STATUS(ask_create(world, world->instance, &draft), LUCIUS_OK);
}

static void require_durable(void)
{
	struct world world;
	world_open(&world);
	bool is_durable = (world.traits & LUCIUS_STORAGE_DURABLE) != 0;
	world_close(&world);
	if (!is_durable) {
		conformance_skip("the backend is not durable");
	}
}

/* In a process of its own, because this one is to be forked again without threads. */
static void check_in_child(const struct note *notes, size_t n_notes)
{
	(void)fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct world world;
		world_open(&world);
		check_notes(&world, notes, n_notes);
		if (n_notes != 0) {
			check_slots(&world, notes[0].tenant);
		}
		world_close(&world);
		exit(check_n_failed() != 0 ? 1 : 0);
	}
	int status = 0;
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_INT(status, 0);
}

static void what_was_acknowledged_survives_a_kill(void)
{
	struct note *notes = calloc(N_NOTES_MAX, sizeof(*notes));
	size_t n_all = 0;
	if (notes == NULL) {
		abort();
	}
	require_durable();
	for (int i = 0; i < N_KILLS; i++) {
		size_t n_notes = run_and_kill(notes);
		CHECK(n_notes > 0);
		check_in_child(notes, n_notes);
		n_all += n_notes;
	}
	printf("     %d kills, %zu acknowledged writes checked\n", N_KILLS, n_all);
	free(notes);
}

/* Owns the name, says so, and waits for its end. */
_Noreturn static void own_until_killed(int fd, const char *name)
{
	struct world world;
	world_open(&world);
	struct asked *own = ask_own(&world, world.instance, name, "the one that will be killed");
	(void)asked_wait_items(own, 1);
	if (write(fd, "", 1) != 1) {
		exit(3);
	}
	for (;;) {
		host_turn(world.host, 1000);
	}
}

static void a_name_of_a_killed_owner_is_had_within_a_lease(void)
{
	struct world world;
	int fds[2];
	char byte = 0;
	int status = 0;
	require_durable();
	if (pipe(fds) != 0) {
		abort();
	}
	(void)fflush(NULL);
	pid_t owner = fork();
	if (owner == 0) {
		own_until_killed(fds[1], "local");
	}
	CHECK(read(fds[0], &byte, 1) == 1);
	world_open(&world);
	if ((world.traits & LUCIUS_STORAGE_SHARED) != 0) {
		struct asked *own = ask_own(&world, world.instance, "local", "the next one");
		host_settle(world.host, 100);
		CHECK_INT(asked_n_items(own), 0);
		(void)kill(owner, SIGKILL);
		CHECK(waitpid(owner, &status, 0) == owner);
		for (int i = 0; i < 15 && asked_n_items(own) == 0; i++) {
			host_advance(world.host, 1000);
			host_settle(world.host, 50);
		}
		CHECK_INT(asked_n_items(own), 1);
	} else {
		(void)kill(owner, SIGKILL);
		CHECK(waitpid(owner, &status, 0) == owner);
	}
	world_close(&world);
}

const struct conformance_test storage_kill_tests[] = {
	CONFORMANCE_TEST(what_was_acknowledged_survives_a_kill),
	CONFORMANCE_TEST(a_name_of_a_killed_owner_is_had_within_a_lease),
	{ NULL, NULL },
};
