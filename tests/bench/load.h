/* SPDX-License-Identifier: MIT */
/*
 * Load for benchmarks of HTTP servers: kept connections, each with one request at a time under way.
 * Runs in the calling thread; the server belongs in another process.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum { LOAD_REQUEST_MAX = 8192 };

struct load_options {
	uint16_t port; /* on 127.0.0.1 */
	unsigned n_connections;
	unsigned duration_ms;
	uint64_t max_requests; /* stops after that many answers; 0: only after the time */
	/* Writes request number n (from 0 on) as bytes; returns their size. */
	size_t (*make)(void *user, uint64_t n, char ret_text[LOAD_REQUEST_MAX]);
	void *user;
};

struct load_result {
	uint64_t n_answers; /* with a 2xx status */
	uint64_t n_refusals; /* with another */
	uint64_t n_broken; /* connections that ended, each is opened again */
	double seconds;
	unsigned p50_us; /* from sending to the whole answer */
	unsigned p99_us;
};

/* Aborts if no connection can be made at all. */
void load_run(const struct load_options *options, struct load_result *ret_result);

#endif
