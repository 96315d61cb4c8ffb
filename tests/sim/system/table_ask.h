/* SPDX-License-Identifier: MIT */
/* A request to the model of the Table service, as table_requests.c carries it and table_service.c
 * executes it. */
#ifndef TESTS_SIM_SYSTEM_TABLE_ASK_H
#define TESTS_SIM_SYSTEM_TABLE_ASK_H

#include "support/tables/tables.h"
#include "tests/sim/system/world.h"

enum { MAX_WRITES = 100 };

/* A client's instance, in one process. */
struct tables {
	struct process *process;
	unsigned life;
	struct ask *asks;
	size_t n_open;
};

enum ask_kind { ASK_WRITES, ASK_GET, ASK_QUERY, ASK_TABLE, ASK_SETTLE };
enum fate { FATE_DONE, FATE_REFUSED, FATE_LOST, FATE_TWICE, FATE_LATE };

struct ask {
	struct ask *next, **link; /* link NULL: nobody waits */
	struct tables *tables;
	struct world *world;
	struct process *process;
	enum ask_kind kind;
	enum fate fate;
	size_t n_writes;
	struct tables_write writes[MAX_WRITES]; /* texts owned */
	bool is_once;
	char *token; /* owned */
	char *table, *partition, *key, *filter, *next_page; /* owned */
	uint32_t top;
	tables_done_fn on_done;
	void *user;
	/* The answer. */
	enum tables_status status;
	size_t failed;
	bool is_repeated;
	json_t *found; /* owned: a row or an array */
	char *next_answer; /* owned */
	char *etags[MAX_WRITES]; /* owned */
};

/* The request has arrived: does what it says and fills in the answer. */
void table_service_execute(struct ask *ask);

#endif
