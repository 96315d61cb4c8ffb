/* SPDX-License-Identifier: MIT */
/*
 * A definition for tests: machines tell what they are fed and want what the test has put before
 * them; activities wait until the test answers them. One at a time.
 */
#ifndef WORKFLOW_LOCAL_FAKE_DEFINITION_H
#define WORKFLOW_LOCAL_FAKE_DEFINITION_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>

#define FAKE_MAX 64

struct fake_try {
	struct lucius_op op;
	char name[32];
	char payload[64];
	bool is_answered;
};

struct fake_definition {
	struct lucius_definition table; /* first */
	char heard[2048]; /* "started;signal go 1;done 2 yes;" over all machines */
	char opened[256]; /* "a;b+snapshot;" */
	struct lucius_action wanted[FAKE_MAX]; /* given at the next event, whoever gets it */
	size_t n_wanted;
	struct fake_try tries[FAKE_MAX];
	size_t n_tries;
	bool is_refusing; /* open gives NULL */
	size_t n_machines; /* open now */
	void (*on_run)(void); /* in each try, before it returns; may be NULL */
	void (*on_feed)(void); /* in each feed */
};

extern struct fake_definition fake;

void fake_reset(void);
void fake_wants(struct lucius_action action);
/* An activity of 30 s, tried again after 1 s doubling to 60 s. */
void fake_wants_activity(uint64_t number, const char *name, uint64_t give_up_after_ms);
void fake_wants_timer(uint64_t number, uint64_t after_ms);
void fake_wants_end(uint32_t type);
/* Answers the newest try, or that one. */
void fake_answer(uint32_t status, const char *text);
void fake_answer_try(size_t index, uint32_t status, const char *text);
/* Answers all that are open. */
void fake_answer_all(void);
/* Forgets what was heard so far. */
void fake_forget(void);

#endif
