/* SPDX-License-Identifier: MIT */
/* Creating, changing and removing jobs together with their claims and slots. */
#include "plugins/storage-memory/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/container.h"
#include "support/base/decimal.h"
#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/rows/job_size.h"
#include "support/rows/time_text.h"

void store_init(struct store *store, const unsigned char random[24])
{
	memcpy(&store->key, random, sizeof(store->key));
	memcpy(&store->salt, random + sizeof(store->key), sizeof(store->salt));
	store->claims.key = &store->key;
	store->tenants.key = &store->key;
}

/* Takes a job out of the list of those that ended, if it is there. */
static void leave_ended(struct store *store, struct job *job)
{
	if (job->ended_before == NULL && store->first_ended != job) {
		return;
	}
	if (store->next_to_check == job) {
		store->next_to_check = job->ended_after;
	}
	if (job->ended_before != NULL) {
		job->ended_before->ended_after = job->ended_after;
	} else {
		store->first_ended = job->ended_after;
	}
	if (job->ended_after != NULL) {
		job->ended_after->ended_before = job->ended_before;
	} else {
		store->last_ended = job->ended_before;
	}
	job->ended_before = NULL;
	job->ended_after = NULL;
}

static void join_ended(struct store *store, struct job *job)
{
	job->ended_before = store->last_ended;
	if (store->last_ended != NULL) {
		store->last_ended->ended_after = job;
	} else {
		store->first_ended = job;
	}
	store->last_ended = job;
}

static void free_slot(struct store *store, struct job *job)
{
	if (job->slot != 0) {
		slots_free(&store->slots, job->slot);
		job->slot = 0;
		job->tenant->n_slots--;
	}
}

/* The job and all that is its goes. */
static void remove_job(struct store *store, struct job *job)
{
	leave_ended(store, job);
	free_slot(store, job);
	claims_drop(&store->claims, job);
	tenants_remove_job(&store->tenants, job);
	hash_table_remove(&store->jobs, &job->by_id);
	job_destroy(job);
}

void store_finish(struct store *store)
{
	for (size_t i = 0; i < store->jobs.n_buckets; i++) {
		while (store->jobs.buckets[i] != NULL) {
			remove_job(store, CONTAINER(store->jobs.buckets[i], struct job, by_id));
		}
	}
	hash_table_finish(&store->jobs);
	hash_table_finish(&store->claims.table);
	hash_table_finish(&store->tenants.table);
	slots_finish(&store->slots);
	bytes_finish(&store->scratch);
	job_view_finish(&store->view);
}

static struct job *find_hashed(const struct store *store, struct lucius_text id, uint64_t hash)
{
	struct hash_link *link = hash_table_first(&store->jobs, hash);
	for (; link != NULL; link = hash_link_next(link)) {
		struct job *job = CONTAINER(link, struct job, by_id);
		struct lucius_text found = job_id(job);
		if (found.size == id.size && memcmp(found.data, id.data, id.size) == 0) {
			return job;
		}
	}
	return NULL;
}

static uint64_t hash_of(const struct store *store, struct lucius_text id)
{
	return hash_bytes(&store->key, id.data, id.size);
}

struct job *store_find(const struct store *store, struct lucius_text id)
{
	return find_hashed(store, id, hash_of(store, id));
}

/* A command with the hashes under which its job, tenant and claim are, or will be. */
struct creation {
	const struct lucius_command *command;
	uint64_t job_hash;
	uint64_t tenant_hash;
	uint64_t claim_hash;
};

static struct tenant *tenant_of(const struct store *store, const struct creation *creation)
{
	return tenants_find(
	        &store->tenants, creation->command->job->tenant_id, creation->tenant_hash);
}

/* OK, or TOO_LARGE with a sentence. */
static uint32_t check_size(struct store *store, const struct lucius_job *job)
{
	return job_size_fits(job, store->sentence, sizeof(store->sentence)) ? LUCIUS_OK
	                                                                    : LUCIUS_TOO_LARGE;
}

static bool gives_claim_up(const struct job *job)
{
	if (FAULT(key_claim_given_up) && job->is_terminal) {
		return true;
	}
	const char *state = job_state(job).data;
	return job->is_terminal && !job->claim->is_key &&
	        (strcmp(state, "FAILED_FINAL") == 0 || strcmp(state, "CANCELLED") == 0);
}

/* OK: the claim is free, or *ret_job, which ended in vain, gives it up. */
static uint32_t check_claim(
        struct store *store, const struct creation *creation, struct job **ret_job)
{
	const struct lucius_command *command = creation->command;
	struct tenant *tenant = tenant_of(store, creation);
	struct claim *claim = tenant != NULL
	        ? claims_find(&store->claims, tenant, command, creation->claim_hash)
	        : NULL;
	*ret_job = claim != NULL ? claim->job : NULL;
	if (claim == NULL || gives_claim_up(claim->job) || FAULT(claim_not_looked_at)) {
		return LUCIUS_OK;
	}
	const char *hash = claim_hash(claim);
	bool is_same = strlen(hash) == command->idempotency_hash.size &&
	        memcmp(hash, command->idempotency_hash.data, strlen(hash)) == 0;
	return is_same ? LUCIUS_DUPLICATE : LUCIUS_KEY_CONFLICT;
}

/* OK: there is room for one more job, of that tenant too. */
static uint32_t make_room(struct store *store, const struct creation *creation)
{
	struct tenant *tenant = tenant_of(store, creation);
	size_t n_more = FAULT(one_job_too_many) ? 1 : 0;
	if ((tenant != NULL ? tenant->n_slots : 0) >= creation->command->max_inflight + n_more) {
		return LUCIUS_TENANT_FULL;
	}
	if (store->jobs.n_links < store->max_jobs) {
		return LUCIUS_OK;
	}
	if (store->first_ended == NULL) {
		(void)snprintf(store->sentence, sizeof(store->sentence),
		        "The memory holds \"%zu\" jobs and none that has ended: wait, or raise "
		        "LUCIUS_MEMORY_MAX_JOBS.",
		        store->jobs.n_links);
		return LUCIUS_UNAVAILABLE;
	}
	remove_job(store, store->first_ended);
	store->n_evicted++;
	return LUCIUS_OK;
}

static struct job *add_job(struct store *store, const struct creation *creation)
{
	const struct lucius_job *given = creation->command->job;
	struct job *job = job_create(given, &store->scratch);
	job->serial = ++store->last_serial;
	hash_table_add(&store->jobs, &job->by_id, creation->job_hash);
	tenants_add_job(&store->tenants, given->tenant_id, creation->tenant_hash, job);
	claims_add(&store->claims, job, creation->command, creation->claim_hash);
	job->slot = slots_take(&store->slots, job);
	job->tenant->n_slots++;
	job_add_events(job, given, store->max_events, &store->scratch);
	return job;
}

static struct creation creation_of(const struct store *store, const struct lucius_command *command)
{
	uint64_t tenant_hash = tenants_hash(&store->tenants, command->job->tenant_id);
	return (struct creation){
		.command = command,
		.job_hash = hash_of(store, command->job->job_id),
		.tenant_hash = tenant_hash,
		.claim_hash = claims_hash(&store->claims, tenant_hash, command),
	};
}

uint32_t store_create(
        struct store *store, const struct lucius_command *command, struct job **ret_job)
{
	struct job *predecessor = NULL;
	const struct creation creation = creation_of(store, command);
	uint32_t status = check_size(store, command->job);
	if (status == LUCIUS_OK) {
		status = check_claim(store, &creation, &predecessor);
	}
	if (status == LUCIUS_DUPLICATE) {
		*ret_job = predecessor;
	}
	if (status == LUCIUS_OK &&
	        find_hashed(store, command->job->job_id, creation.job_hash) != NULL) {
		(void)snprintf(store->sentence, sizeof(store->sentence),
		        "The id \"%s\" of a new job is taken by another command's.",
		        command->job->job_id.data);
		status = LUCIUS_INTERNAL;
	}
	uint64_t n_evicted = store->n_evicted;
	if (status == LUCIUS_OK) {
		status = make_room(store, &creation);
	}
	if (status != LUCIUS_OK) {
		return status;
	}
	if (store->n_evicted != n_evicted) {
		/* It may have been the predecessor. */
		(void)check_claim(store, &creation, &predecessor);
	}
	if (predecessor != NULL) {
		claims_drop(&store->claims, predecessor);
	}
	*ret_job = add_job(store, &creation);
	return LUCIUS_OK;
}

static bool is_newest(struct store *store, const struct job *job, struct lucius_text revision)
{
	if (FAULT(revision_ignored)) {
		return true;
	}
	size_t size = decimal_print_unsigned(store->revision, job->revision);
	return revision.size == size && memcmp(revision.data, store->revision, revision.size) == 0;
}

/* Unix time at which the job ended; 0 while it is live. */
static int64_t end_of(const struct job *job, int64_t now_us)
{
	struct lucius_field completed;
	int64_t end_us = 0;
	if (!job->is_terminal) {
		return 0;
	}
	if (fields_find(job_fields(job), "completed_at", &completed) &&
	        time_text_read(
	                (struct lucius_text){ completed.value, completed.value_size }, &end_us)) {
		return end_us;
	}
	return job->ended_us != 0 ? job->ended_us : now_us;
}

uint32_t store_save(
        struct store *store, const struct lucius_job *given, int64_t now_us, struct job **ret_job)
{
	struct job *job = store_find(store, given->job_id);
	if (job == NULL) {
		return LUCIUS_NOT_FOUND;
	}
	if (!is_newest(store, job, given->revision)) {
		return LUCIUS_CONFLICT;
	}
	uint32_t status = check_size(store, given);
	if (status != LUCIUS_OK) {
		return status;
	}
	job_change(job, given, &store->scratch);
	job_add_events(job, given, store->max_events, &store->scratch);
	job->ended_us = end_of(job, now_us);
	if (!job->is_terminal) {
		leave_ended(store, job);
	}
	*ret_job = job;
	return LUCIUS_OK;
}

void store_release(struct store *store, struct lucius_text id)
{
	struct job *job = store_find(store, id);
	if (job != NULL && job->is_terminal && job->slot != 0) {
		free_slot(store, job);
		join_ended(store, job);
	}
}

uint32_t store_purge(struct store *store, const struct lucius_repair *repair)
{
	uint32_t n_purged = 0;
	if (repair->retention_s == 0) {
		return 0;
	}
	struct job *job = store->next_to_check != NULL ? store->next_to_check : store->first_ended;
	for (uint32_t i = 0; i < repair->limit && job != NULL; i++) {
		struct job *next = job->ended_after;
		int64_t age_us = repair->now_us - job->ended_us;
		if (age_us >= 0 && (uint64_t)age_us / 1000000 >= repair->retention_s) {
			remove_job(store, job);
			n_purged++;
		}
		job = next;
	}
	store->next_to_check = job;
	return n_purged;
}

const struct lucius_job *store_show(struct store *store, const struct job *job, unsigned what)
{
	struct lucius_job head = { .tenant_id = tenant_text(job->tenant) };
	job_head(job, &head);
	size_t size = decimal_print_unsigned(store->revision, job->revision);
	head.revision = (struct lucius_text){ store->revision, size };
	struct lucius_text fields =
	        (what & STORE_SHOW_FIELDS) != 0 ? job_fields(job) : (struct lucius_text){ 0 };
	(void)job_view_begin(&store->view, &head, fields); /* our own run: cannot fail */
	if ((what & STORE_SHOW_STEPS) != 0) {
		job_show_steps(job, &store->view);
	}
	return job_view_job(&store->view);
}

void store_show_event(
        struct store *store, const struct event *event, struct lucius_job_event *ret_event)
{
	/* The view's field array serves for an event as well. */
	struct lucius_job nobody = { 0 };
	struct lucius_text fields = { event->fields, event->fields_size };
	(void)job_view_begin(&store->view, &nobody, fields); /* our own run: cannot fail */
	const struct lucius_job *viewed = job_view_job(&store->view);
	*ret_event = (struct lucius_job_event){
		.size = sizeof(*ret_event),
		.seq = event->seq,
		.fields = viewed->fields,
		.n_fields = viewed->n_fields,
	};
}
