/* SPDX-License-Identifier: MIT */
/*
 * A storage plugin that does what a test tells it, one operation at a time: it keeps what it is
 * asked and leaves the answer to the test.
 */
#ifndef TESTS_SUPPORT_FAKE_STORAGE_H
#define TESTS_SUPPORT_FAKE_STORAGE_H

#include <lucius/storage.h>

enum { FAKE_N_ASKED = 64 };

struct fake_options {
	const char *text;
	int64_t number;
};

struct fake_storage {
	const struct lucius_host *host;
	struct lucius_op asked[FAKE_N_ASKED];
	unsigned n_asked;
	struct lucius_text job_id; /* the last argument of load; borrowed from its operation */
	const struct lucius_job *job; /* of save */
	int is_sync; /* load: gives `answer` and finishes in the call */
	struct lucius_job answer;
	uint32_t traits; /* of info */
};

/* The descriptor; in the process, not in a file. */
extern const struct lucius_plugin fake_plugin;
/* The instance made last; NULL after its destroy. */
extern struct fake_storage *fake;
extern unsigned fake_n_destroyed;

#endif
