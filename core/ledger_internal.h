/* SPDX-License-Identifier: MIT */
/* The ledger as its two files share it. */
#ifndef CORE_LEDGER_INTERNAL_H
#define CORE_LEDGER_INTERNAL_H

#include <stdint.h>

#include "core/ledger.h"

#define LEDGER_N_BUCKETS 1024u
#define JOB_ID_SIZE 32u

struct job_cache;
struct ledger_line;

struct ledger {
	struct loop *loop;
	struct backend *storage;
	struct job_cache *cache; /* owned */
	bool is_exact; /* nobody else writes: what the cache has is so */
	bool is_hurried; /* nothing waits for others any more */
	size_t n_open;
	struct timer *patience; /* while updates may wait for others */
	/* The jobs that updates wait for or work on. */
	struct ledger_line *buckets[LEDGER_N_BUCKETS];
};

struct update {
	struct update *next; /* in its line, in the order of arrival */
	ledger_change_fn change;
	ledger_done_fn done;
	void *user;
	enum rule rule;
	bool is_patient; /* it may wait for others */
	const struct job *seen; /* the job as the change left it; borrowed from the line */
};

/* Takes the update, which is done once, later. The job id is one. */
void ledger_line_join(struct ledger *ledger, const char *job_id, struct update *update);
/* Those that only wait for others to come begin. */
void ledger_lines_hurry(struct ledger *ledger);

#endif
