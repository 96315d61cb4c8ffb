/* SPDX-License-Identifier: MIT */
/*
 * A storage backend: keeps jobs with their steps and events, the slots that limit a tenant's live
 * jobs, and the claims that make a command idempotent. What a row means is the core's business:
 * a backend keeps every field that it is given, known to it or not.
 */
#ifndef LUCIUS_STORAGE_H
#define LUCIUS_STORAGE_H

#include <lucius/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lucius_step {
	uint32_t size;
	uint32_t step_index; /* from 0 */
	struct lucius_text step_id; /* [a-z0-9._-]{1,64} */
	const struct lucius_field *fields; /* the whole row, the head's values too */
	uint64_t n_fields;
};

/* One line of a job's history; appended, never changed. */
struct lucius_job_event {
	uint32_t size;
	uint32_t seq; /* from 1 within the job, given by the core: unique and growing */
	const struct lucius_field *fields;
	uint64_t n_fields;
};

struct lucius_job {
	uint32_t size;
	uint32_t is_terminal; /* SUCCEEDED, FAILED_FINAL or CANCELLED */
	struct lucius_text job_id; /* 32 lower-case hexadecimal digits */
	struct lucius_text tenant_id;
	struct lucius_text tenant_bucket; /* "<tenant_id>#<YYYYMM>" */
	struct lucius_text created_at; /* RFC 3339, UTC, microseconds */
	struct lucius_text state;
	/* Opaque, the backend's, one a job; up to 255 bytes; empty at create. Changes with each
	 * save. */
	struct lucius_text revision;
	const struct lucius_field *fields; /* the whole row, the head's values too */
	uint64_t n_fields;
	/* By step_index. load and create: all of them; save: those that change. */
	const struct lucius_step *const *steps;
	uint64_t n_steps;
	/* create and save: what is appended in the same write; a backend that keeps no events
	 * leaves them out. Not given back by load. */
	const struct lucius_job_event *const *events;
	uint64_t n_events;
};

struct lucius_command {
	uint32_t size;
	uint32_t max_inflight; /* live jobs of the tenant at most, over all processes */
	struct lucius_text idempotency_key; /* empty: the hash decides, else no hash is claimed */
	struct lucius_text idempotency_hash; /* 64 hexadecimal digits */
	const struct lucius_job *job;
};

/* What scan and list give: a job, and where to go on after it. */
struct lucius_found {
	uint64_t size;
	const struct lucius_job *job; /* NULL: an empty page that only moves the cursor on */
	struct lucius_text cursor; /* empty: nothing comes after this */
};

struct lucius_listing {
	uint32_t size;
	uint32_t limit;
	struct lucius_text tenant_id;
	struct lucius_text state; /* empty: any */
	struct lucius_text cursor; /* empty: from the newest */
};

struct lucius_repair {
	uint32_t size;
	uint32_t limit; /* rows looked at, at most */
	int64_t now_us; /* Unix time */
	uint64_t retention_s; /* age since completed_at after which a terminal job goes; 0: never */
};
struct lucius_repair_report {
	uint32_t size;
	uint32_t n_purged; /* terminal jobs removed with all that was theirs */
	uint32_t n_orphans; /* rows of commands that were never committed, removed */
	uint32_t n_slots; /* slots that nobody held, freed */
};

struct lucius_ownership {
	uint32_t size;
	uint32_t lease_ms;
	struct lucius_text name;
	struct lucius_text owner; /* unique to the asking process */
};

#define LUCIUS_STORAGE_SHARED 1u /* several processes may use it at once */
#define LUCIUS_STORAGE_DURABLE 2u /* what is committed survives the process */
struct lucius_storage_info {
	uint32_t size;
	uint32_t traits;
};

/* UNAVAILABLE, UNKNOWN, DENIED, UNSUPPORTED and INTERNAL may come from each operation. */
struct lucius_storage {
	uint64_t size;
	/* Fills what it knows of info, whose size the caller has set. No I/O. */
	void (*info)(void *self, struct lucius_storage_info *info);
	/*
	 * Commits a new job with its steps, claim and slot, all or nothing.
	 * OK: gives a lucius_job (head with the revision). DUPLICATE: the claim is held by a job
	 * that is live, SUCCEEDED, or held by key; gives that job's head. KEY_CONFLICT: same key,
	 * other hash. TENANT_FULL. TOO_LARGE. A hash claim of a job that ended FAILED_FINAL or
	 * CANCELLED is taken over. The duplicate is looked for before the limit.
	 */
	void (*create)(void *self, const struct lucius_command *command, struct lucius_op op);
	/* OK: gives the lucius_job with all fields and steps. NOT_FOUND. */
	void (*load)(void *self, struct lucius_text job_id, struct lucius_op op);
	/*
	 * Writes the job row, the steps named in it and its events, if job->revision is the newest.
	 * The fields replace those of the row; fields that are not named stay, an empty value of a
	 * field removes it. OK: gives a lucius_job (head with the new revision). CONFLICT,
	 * NOT_FOUND, TOO_LARGE.
	 */
	void (*save)(void *self, const struct lucius_job *job, struct lucius_op op);
	/* Frees the slot of a terminal job, only while the slot still names it. OK also if there is
	 * none. The job is as load gave it. */
	void (*release)(void *self, const struct lucius_job *job, struct lucius_op op);
	/* OK: gives up to limit lucius_found, in any stable order, of jobs that hold a slot (live,
	 * or terminal and not released), with fields and steps. */
	void (*scan)(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op);
	/* A bounded piece of the backend's own mending. OK: gives a lucius_repair_report. */
	void (*repair)(void *self, const struct lucius_repair *repair, struct lucius_op op);
	/*
	 * Exclusive ownership of a name. A stream without deadline: gives a lucius_text (the name)
	 * when it is had, perhaps much later, and renews it; finishes with OK after a cancel,
	 * CONFLICT when it was had and is lost.
	 */
	void (*own)(void *self, const struct lucius_ownership *ownership, struct lucius_op op);
	/* Optional. OK: gives lucius_found (heads and fields, no steps) of a tenant, newest first.
	 * CONFLICT: the cursor is not one of this backend's. */
	void (*list)(void *self, const struct lucius_listing *listing, struct lucius_op op);
	/* Optional: the backend keeps events. OK: gives each lucius_job_event by seq. NOT_FOUND. */
	void (*events)(void *self, struct lucius_text job_id, struct lucius_op op);
};

#ifdef __cplusplus
}
#endif
#endif
