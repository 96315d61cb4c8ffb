/* SPDX-License-Identifier: MIT */
/*
 * One thing that the loop wants done in the database: goes to a thread, is done there, comes back
 * with its status and result. Arguments are those of the operation, which live until it is
 * finished.
 */
#ifndef STORAGE_SQLITE_REQUEST_H
#define STORAGE_SQLITE_REQUEST_H

#include <lucius/storage.h>

#include "database.h"
#include "result.h"

enum request_kind {
	REQUEST_OPEN, /* open the file; alone in its batch */
	REQUEST_CLOSE, /* close it and end the thread; alone in its batch */
	REQUEST_CREATE,
	REQUEST_SAVE,
	REQUEST_RELEASE,
	REQUEST_REPAIR,
	REQUEST_TRY_NAME,
	REQUEST_DROP_NAME,
	REQUEST_LOAD,
	REQUEST_SCAN,
	REQUEST_LIST,
	REQUEST_EVENTS,
};

/* An attempt at a name, see ownership.c; borrowed from the claimant. */
struct attempt {
	struct lucius_text name;
	struct lucius_text owner;
	int lock_fd; /* of the lock file; -1: none */
	bool is_waited_for_long; /* the holder and beat below have been there for a whole lease */
	/* Seen by the attempt before, then by this one. */
	char holder[256];
	int64_t beat;
	bool is_had; /* the outcome */
	bool is_locked; /* the holder's lock on the lock file is ours */
};

struct request;
typedef void (*request_done_fn)(struct request *request);

struct request {
	struct request *next;
	enum request_kind kind;
	struct lucius_op op; /* 0: the plugin's own */
	/* The one of the kind. */
	const struct lucius_command *command;
	const struct lucius_job *job;
	const struct lucius_repair *repair;
	const struct lucius_listing *listing;
	struct lucius_text job_id;
	struct attempt *attempt;
	int64_t position; /* serial to go on after; of a list 0: from the newest */
	uint32_t limit;
	int64_t now_us; /* Unix time when it was asked */
	request_done_fn on_done; /* with op 0: called on the loop, destroys the request */
	void *user;

	uint32_t status;
	char sentence[SENTENCE_SIZE]; /* empty: none */
	bool is_file_lost; /* the file must be opened anew before anything goes on */
	struct result result;
};

struct request *request_create(enum request_kind kind, struct lucius_op op);
void request_destroy(struct request *request);
/* Forgets what came of it, so that it can be done again. */
void request_reset(struct request *request);
__attribute__((format(printf, 3, 4))) void request_fail(
        struct request *request, uint32_t status, const char *format, ...);

/* Each in a transaction of the thread's; status and result go into the request, errors stick to the
 * database. */
void write_create(struct database *database, struct request *request);
void write_save(struct database *database, struct request *request);
void write_release(struct database *database, struct request *request);
void write_repair(struct database *database, struct request *request);
void write_try_name(struct database *database, struct request *request);
void write_drop_name(struct database *database, struct request *request);
void read_load(struct database *database, struct request *request);
void read_list(struct database *database, struct request *request);
void read_events(struct database *database, struct request *request);
/* A page of a scan, from after a serial. */
void read_scan(struct database *database, int64_t position, uint32_t limit, struct result *result);

#endif
