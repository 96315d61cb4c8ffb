/* SPDX-License-Identifier: MIT */
/* Nanoseconds an operation of a synchronous backend: empty, and with a job of 24 fields. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/backend.h"
#include "core/loop.h"
#include "tests/support/fake_storage.h"

enum { N_OPERATIONS = 2000000, N_AT_ONCE = 16, N_FIELDS = 24 };

struct bench {
	struct loop *loop;
	struct backend *storage;
	long n_begun;
	long n_done;
};

static void on_item(void *user, const void *item)
{
	(void)user;
	(void)item;
}

static void on_done(void *user, uint32_t status, const char *sentence);

static void ask(struct bench *bench)
{
	const struct op_caller caller = { .on_item = on_item, .on_done = on_done, .user = bench };
	bench->n_begun++;
	storage_load(bench->storage, (struct lucius_text){ NULL, 0 }, &caller);
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct bench *bench = user;
	(void)sentence;
	if (status != LUCIUS_OK) {
		abort();
	}
	if (++bench->n_done == N_OPERATIONS) {
		loop_break(bench->loop);
	} else if (bench->n_begun < N_OPERATIONS) {
		ask(bench);
	}
}

static double seconds(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
		abort();
	}
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run(struct bench *bench, const char *what)
{
	double start = seconds();
	bench->n_begun = 0;
	bench->n_done = 0;
	for (int i = 0; i < N_AT_ONCE; i++) {
		ask(bench);
	}
	loop_run(bench->loop);
	printf("%s: %.0f ns an operation\n", what, (seconds() - start) * 1e9 / N_OPERATIONS);
}

int main(void)
{
	char error[256];
	struct bench bench = { .loop = loop_create() };
	struct lucius_field fields[N_FIELDS];
	const struct backend_parts parts = { .loop = bench.loop, .plugin = &fake_plugin };
	bench.storage = backend_create(&parts, error, sizeof(error));
	if (bench.storage == NULL) {
		return 1;
	}
	fake->is_sync = 1;
	run(&bench, "empty");
	for (int i = 0; i < N_FIELDS; i++) {
		fields[i] = (struct lucius_field){ "routing_key_used", "0123456789abcdef", 16, 0 };
	}
	fake->answer = (struct lucius_job){
		.size = sizeof(struct lucius_job), .fields = fields, .n_fields = N_FIELDS
	};
	run(&bench, "a job of 24 fields");
	backend_destroy(bench.storage);
	loop_destroy(bench.loop);
	return 0;
}
