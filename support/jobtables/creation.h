/* SPDX-License-Identifier: MIT */
/*
 * What the files of `create` share. A creation is driven by `creation_go`: whenever every request
 * is answered it looks at what is still missing and starts all of that at once.
 *
 *   room for a job (a number that may be free)   create_room.c
 *   the claim judged: free, or whose it is       create_claim.c
 *   the job's row, PREPARING                     create.c
 *   slot, claim, steps, index, listing           create.c
 *   the commit: the job's row by its ETag        create.c
 *   or taking all of it back                     create_undo.c
 */
#ifndef SUPPORT_JOBTABLES_CREATION_H
#define SUPPORT_JOBTABLES_CREATION_H

#include "support/jobtables/create.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/rows.h"

enum part_kind { PART_JOB, PART_CLAIM, PART_SLOT, PART_INDEX, PART_LISTING, N_PARTS };

enum part_state {
	PART_ABSENT, /* not written, or known not to be there */
	PART_DONE,
	PART_IN_DOUBT, /* it may be there */
};

/* A row of the command, and what is known of it. */
struct part {
	struct place place; /* owned; row NULL: there is no such row in this layout */
	char *etag; /* owned; NULL: not known */
	enum part_state state;
};

enum claim_state {
	CLAIM_UNTRIED, /* no command of that key or hash is known here: inserting it will tell */
	CLAIM_UNREAD,
	CLAIM_FREE, /* nobody has it, or one who gives it up (claim_etag) */
	CLAIM_HELD, /* by a job that is to be looked at */
	CLAIM_WON,
};

struct creation;

/* One slot that is being looked at. */
struct slot_look {
	struct creation *creation;
	uint32_t number;
	char job_id[KNOWN_JOB_ID_MAX + 1];
};
#define CREATION_MAX_LOOKS 64u /* at once */

/* One part that is being taken back. */
struct undo_part {
	struct creation *creation;
	enum part_state *state;
};

struct creation {
	struct chain chain;
	const struct lucius_command *command; /* borrowed until it is answered */
	char *job_id; /* owned, as the next one */
	char *tenant_id;
	char token[TABLES_TOKEN_SIZE];
	struct part parts[N_PARTS];
	struct rows job_rows; /* the job's row; in a ledger with steps and events */
	struct rows step_rows; /* in tables */
	char **row_etags; /* owned: of the rows written with the job's or as steps */
	size_t n_row_etags;
	enum part_state steps_state;
	struct rows last_rows; /* the commit, or its undoing */

	enum claim_state claim;
	char *claim_etag; /* owned: of the claim that is to be replaced; NULL: to be inserted */
	char *holder_id, *holder_bucket, *holder_hash; /* owned: whom the claim names */
	struct lucius_timer *wait; /* NULL: not running */
	unsigned n_claim_waits;

	struct tenant_slots *tenant; /* held */
	bool has_number;
	uint32_t number;
	struct slots_waiter waiter; /* for another creation's reading of them */
	bool is_looked; /* the slots have been read for this command */
	unsigned n_slot_waits;
	json_t *slot_rows; /* owned: of the reading under way, then of the doubtful ones */
	struct slot_look *looks; /* owned: CREATION_MAX_LOOKS; NULL until it is needed */
	size_t n_young;
	bool is_freed; /* mending has freed a slot: read again */
	unsigned n_mendings;

	unsigned n_open; /* requests and chains that will come back to creation_go */
	unsigned n_turns;
	uint32_t outcome; /* how it ends; LUCIUS_N_STATUSES: not decided */
	char sentence[JOBTABLES_SENTENCE]; /* empty: none */
	bool is_id_taken; /* there is a job's row of that id that is not this creation's */
	bool is_written; /* a part other than the job's rows has been tried */
	bool is_undone; /* the own row is ABORTED */
	struct undo_part undo_parts[N_PARTS]; /* the job's stands for the steps */
};

/* Goes on when nothing is open. */
void creation_go(struct creation *creation);
/* One of the open ones has come back. */
void creation_close(struct creation *creation);
/* Decides the outcome, if none is yet; sentence may be NULL. */
void creation_decide(struct creation *creation, uint32_t outcome, const char *sentence);
/* A request has failed with no outcome of its own. */
void creation_fail(struct creation *creation, const struct tables_result *result);
/* Answers and ends it. */
void creation_finish(struct creation *creation);
bool creation_is_decided(const struct creation *creation);

/* Whether a command of that key or hash has been met: then the claim is read before it is tried. */
bool claim_is_met(const struct creation *creation);
void claim_meet(struct creation *creation);
/* Reads the claim. */
void claim_read(struct creation *creation);
/* Looks at the job that holds it. */
void claim_judge(struct creation *creation);
/* Gets a number, if need be by reading; true: there is one now, else something is under way or the
 * outcome is decided. */
bool room_find(struct creation *creation);
/* Whether a number could be had at once. */
bool room_reserve(struct creation *creation);
void room_give_back(struct creation *creation);
/* Takes all back, then finishes. */
void undo_start(struct creation *creation);

#endif
