/* SPDX-License-Identifier: MIT */
/*
 * How fast a storage backend is through the ABI, copies of arguments and results included: creates,
 * saves, loads, and one whole scan over all live jobs. Printed, never judged.
 * Usage: bench-storage PLUGIN.so [name=value…] (BENCH_JOBS: 100000, BENCH_AT_ONCE: 256).
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/conformance/storage_tests.h"
#include "sdk/conformance/storage_world.h"

#define N_TENANTS 1000

struct bench {
	struct world world;
	size_t n_jobs;
	size_t n_at_once;
	char (*job_ids)[33]; /* owned */
	struct asked **asked; /* owned; a ring of those under way */
};

static double now_s(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time of all threads: what is left when the machine is busy with other things. */
static double cpu_s(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t number_from(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

/* What a real job carries beside what every draft has: about what SPEC section 3 lists. */
static void fill(struct draft *draft)
{
	static const char *const job_texts[][2] = { { "request_type", "OCR->EMBEDDING" },
		{ "protocol_id", "ocr-embedding.v1" }, { "mode", "DEFAULT" },
		{ "current_step_id", "ocr" }, { "current_step_index", "0" },
		{ "updated_at", "2026-01-01T00:00:00.000000Z" },
		{ "correlation_id", "0f8fad5b-d9cb-469f-a165-70867728950e" },
		{ "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
		{ "options",
		        "{\"definition\":1,\"max_attempts\":3,\"step_result_timeout_seconds\":900,"
		        "\"lease_seconds\":900,\"retry_initial_seconds\":1}" } };
	static const char *const step_texts[][2] = { { "step_type", "OCR" },
		{ "service", "platform-ocr" }, { "attempt_no", "0" },
		{ "input_ref", "https://account.blob.core.windows.net/in/document-0001.pdf" },
		{ "workspace_ref", "https://account.blob.core.windows.net/docs/document-0001" },
		{ "output_ref", "https://account.blob.core.windows.net/out/document-0001.json" },
		{ "resolved_mode", "DEFAULT" }, { "lane", "7" }, { "routing_key_used", "t1" },
		{ "decision_source", "REQUEST" }, { "decision_reason", "request.mode" },
		{ "created_at", "2026-01-01T00:00:00.000000Z" },
		{ "updated_at", "2026-01-01T00:00:00.000000Z" } };
	for (size_t i = 0; i < sizeof(job_texts) / sizeof(job_texts[0]); i++) {
		draft_set(draft, job_texts[i][0], job_texts[i][1]);
	}
	for (size_t n = 0; n < DRAFT_N_STEPS; n++) {
		for (size_t i = 0; i < sizeof(step_texts) / sizeof(step_texts[0]); i++) {
			draft->step_fields[n][draft->steps[n].n_fields++] =
			        text_field(step_texts[i][0], step_texts[i][1]);
		}
	}
}

static struct asked *begin_create(struct bench *bench, size_t n)
{
	static struct draft draft;
	char tenant[128];
	(void)snprintf(tenant, sizeof(tenant), "%s-%zu", bench->world.tenant, n % N_TENANTS);
	draft_init(&draft, &bench->world, tenant);
	draft.max_inflight = UINT32_MAX;
	fill(&draft);
	memcpy(bench->job_ids[n], draft.job_id, sizeof(draft.job_id));
	return ask_create(&bench->world, bench->world.instance, &draft);
}

static struct asked *begin_load(struct bench *bench, size_t n)
{
	return ask_load(&bench->world, bench->job_ids[n * 7919 % bench->n_jobs]);
}

/* The first save of a job: its revision is known from the start. */
static struct asked *begin_save(struct bench *bench, size_t n)
{
	static struct lucius_step step = { .size = sizeof(step) };
	struct change change;
	struct lucius_job job = {
		.size = sizeof(job),
		.job_id = text_of(bench->job_ids[n]),
		.tenant_id = text_of(""),
		.tenant_bucket = text_of(""),
		.created_at = text_of(""),
		.revision = text_of("1"),
	};
	change_init(&change, &job);
	change_state(&change, "IN_PROGRESS", false);
	step.step_id = text_of("ocr");
	change_set_step(&change, &step, "state", "INITIATED");
	change_set_step(&change, &step, "lease_id", bench->job_ids[n]);
	return ask_save(&bench->world, bench->world.instance, &change.job);
}

static void end(struct asked *asked)
{
	CHECK_STATUS(asked, LUCIUS_OK);
	asked_free(asked);
}

/* Runs n operations, so many at once, and prints how fast. */
static void run(struct bench *bench, const char *name, size_t n,
        struct asked *(*begin)(struct bench *bench, size_t n))
{
	double begin_s = now_s();
	double begin_cpu_s = cpu_s();
	for (size_t i = 0; i < n + bench->n_at_once; i++) {
		struct asked **slot = &bench->asked[i % bench->n_at_once];
		if (*slot != NULL) {
			end(*slot);
			*slot = NULL;
		}
		if (i < n) {
			*slot = begin(bench, i);
		}
	}
	double seconds = now_s() - begin_s;
	printf("%-20s %8zu in %7.3f s %8.0f /s, processor %6.2f us each\n", name, n, seconds,
	        (double)n / seconds, (cpu_s() - begin_cpu_s) / (double)n * 1e6);
}

static void run_scan(struct bench *bench, uint32_t limit)
{
	size_t n_jobs = 0;
	char cursor[600] = "";
	double begin_s = now_s();
	double begin_cpu_s = cpu_s();
	double longest_s = 0;
	do {
		double page_s = now_s();
		struct asked *scan = ask_scan(&bench->world, cursor, limit);
		CHECK_STATUS(scan, LUCIUS_OK);
		cursor[0] = '\0';
		for (size_t i = 0; i < asked_n_items(scan); i++) {
			const struct lucius_found *found = asked_item(scan, i);
			(void)snprintf(cursor, sizeof(cursor), "%s", found->cursor.data);
			n_jobs += found->job != NULL ? 1 : 0;
		}
		asked_free(scan);
		page_s = now_s() - page_s;
		longest_s = page_s > longest_s ? page_s : longest_s;
	} while (cursor[0] != '\0');
	double seconds = now_s() - begin_s;
	printf("scan by %-12u %8zu in %7.3f s %8.0f /s, processor %6.2f us each, "
	       "longest page %.1f ms\n",
	        (unsigned)limit, n_jobs, seconds, (double)n_jobs / seconds,
	        (cpu_s() - begin_cpu_s) / (double)n_jobs * 1e6, longest_s * 1e3);
}

static void bench_storage(void)
{
	struct bench bench = {
		.n_jobs = number_from("BENCH_JOBS", 100000),
		.n_at_once = number_from("BENCH_AT_ONCE", 256),
	};
	bench.job_ids = calloc(bench.n_jobs, sizeof(bench.job_ids[0]));
	bench.asked = calloc(bench.n_at_once, sizeof(struct asked *));
	if (bench.job_ids == NULL || bench.asked == NULL) {
		abort();
	}
	world_open(&bench.world);
	size_t before = mallinfo2().uordblks;
	run(&bench, "create", bench.n_jobs, begin_create);
	printf("heap: %zu bytes a job\n", (mallinfo2().uordblks - before) / bench.n_jobs);
	run(&bench, "load", bench.n_jobs, begin_load);
	run(&bench, "save", bench.n_jobs, begin_save);
	run_scan(&bench, 1000);
	run_scan(&bench, 100);
	bench.n_at_once = 1;
	run(&bench, "create, one by one", bench.n_jobs < 1000 ? bench.n_jobs : 1000, begin_create);
	run(&bench, "load, one by one", bench.n_jobs < 1000 ? bench.n_jobs : 1000, begin_load);
	world_close(&bench.world);
	free(bench.job_ids);
	free(bench.asked);
}

static const struct conformance_test tests[] = {
	CONFORMANCE_TEST(bench_storage),
	{ NULL, NULL },
};
static const struct conformance_test *const tables[] = { tests, NULL };

extern const struct conformance_suite conformance_bench;
const struct conformance_suite conformance_bench = {
	.name = "storage bench",
	.kind = LUCIUS_KIND_STORAGE,
	.tables = tables,
};
