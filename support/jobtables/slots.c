/* SPDX-License-Identifier: MIT */
/* One array of places a tenant, as long as its highest number. */
#include "support/jobtables/slots.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/hash/hash.h"
#include "support/jobtables/layout.h"

#define N_BUCKETS 1024u

enum slot_state { SLOT_FREE, SLOT_RESERVED, SLOT_TAKEN };

struct slot {
	uint64_t job; /* a hash of its job's id; 0: not known whose */
	uint8_t state;
	bool is_sure; /* that job is committed */
	bool is_read; /* the row was there in the reading under way */
	bool is_fresh; /* changed since the reading began: it does not count */
};

struct tenant_slots {
	struct tenant_slots *next; /* in its bucket */
	struct slots *all;
	struct tenant_slots *older, *younger;
	struct slot *slots; /* owned */
	uint32_t n_slots; /* numbers that the array has room for; what is above is free */
	bool is_known; /* the rows have been read */
	bool is_unsure; /* a number that was believed free was not: read them before the next */
	uint32_t limit; /* the highest that was gone by since the rows were read */
	bool is_reading;
	struct slots_waiter *waiters;
	unsigned n_holders;
	size_t id_size;
	char tenant_id[];
};

struct slots {
	struct tenant_slots *buckets[N_BUCKETS]; /* owned */
	struct tenant_slots *oldest, *youngest;
	size_t n_tenants;
	size_t max_tenants;
	uint32_t highest; /* limit that was ever gone by here */
	bool is_clear; /* nobody has rows of that number and above */
	bool is_surveyed; /* somebody is looking whether that is so */
};

static uint64_t hash_of(struct lucius_text text)
{
	return hash_bytes(&(struct hash_key){ 0 }, text.data, text.size);
}

struct slots *slots_create(size_t max_tenants)
{
	struct slots *slots = must_calloc(1, sizeof(*slots));
	slots->max_tenants = max_tenants;
	return slots;
}

static void tenant_destroy(struct tenant_slots *tenant)
{
	free(tenant->slots);
	free(tenant);
}

void slots_destroy(struct slots *slots)
{
	if (slots == NULL) {
		return;
	}
	while (slots->oldest != NULL) {
		struct tenant_slots *tenant = slots->oldest;
		slots->oldest = tenant->younger;
		tenant_destroy(tenant);
	}
	free(slots);
}

static struct tenant_slots **bucket_of(struct slots *slots, struct lucius_text tenant_id)
{
	return &slots->buckets[(hash_of(tenant_id) >> 20) % N_BUCKETS];
}

static void unchain(struct slots *slots, struct tenant_slots *tenant)
{
	*(tenant->older != NULL ? &tenant->older->younger : &slots->oldest) = tenant->younger;
	*(tenant->younger != NULL ? &tenant->younger->older : &slots->youngest) = tenant->older;
}

static void chain(struct slots *slots, struct tenant_slots *tenant)
{
	tenant->older = slots->youngest;
	tenant->younger = NULL;
	*(slots->youngest != NULL ? &slots->youngest->younger : &slots->oldest) = tenant;
	slots->youngest = tenant;
}

/* Makes room by forgetting the tenant not used for longest that nobody holds. */
static void forget_one(struct slots *slots)
{
	struct tenant_slots *tenant = slots->oldest;
	while (tenant != NULL && tenant->n_holders != 0) {
		tenant = tenant->younger;
	}
	if (tenant == NULL) {
		return;
	}
	struct tenant_slots **at =
	        bucket_of(slots, (struct lucius_text){ tenant->tenant_id, tenant->id_size });
	while (*at != tenant) {
		at = &(*at)->next;
	}
	*at = tenant->next;
	unchain(slots, tenant);
	slots->n_tenants--;
	tenant_destroy(tenant);
}

struct tenant_slots *slots_find(struct slots *slots, struct lucius_text tenant_id)
{
	struct tenant_slots *tenant = *bucket_of(slots, tenant_id);
	while (tenant != NULL &&
	        (tenant->id_size != tenant_id.size ||
	                memcmp(tenant->tenant_id, tenant_id.data, tenant_id.size) != 0)) {
		tenant = tenant->next;
	}
	return tenant;
}

struct tenant_slots *slots_hold(struct slots *slots, struct lucius_text tenant_id)
{
	struct tenant_slots *tenant = slots_find(slots, tenant_id);
	if (tenant == NULL) {
		if (slots->n_tenants >= slots->max_tenants) {
			forget_one(slots);
		}
		struct tenant_slots **bucket = bucket_of(slots, tenant_id);
		tenant = must_calloc(1, sizeof(*tenant) + tenant_id.size + 1);
		tenant->all = slots;
		tenant->id_size = tenant_id.size;
		memcpy(tenant->tenant_id, tenant_id.data, tenant_id.size);
		tenant->next = *bucket;
		*bucket = tenant;
		slots->n_tenants++;
	} else {
		unchain(slots, tenant);
	}
	chain(slots, tenant);
	tenant->n_holders++;
	return tenant;
}

void slots_let_go(struct slots *slots, struct tenant_slots *tenant)
{
	(void)slots;
	tenant->n_holders--;
}

static void make_room(struct tenant_slots *tenant, uint32_t n)
{
	if (n <= tenant->n_slots) {
		return;
	}
	tenant->slots = must_resize(tenant->slots, n, sizeof(*tenant->slots));
	memset(&tenant->slots[tenant->n_slots], 0, (n - tenant->n_slots) * sizeof(*tenant->slots));
	tenant->n_slots = n;
}

bool slots_read_begin(struct tenant_slots *tenant, struct slots_waiter *waiter)
{
	if (tenant->is_reading) {
		waiter->next = tenant->waiters;
		tenant->waiters = waiter;
		return false;
	}
	tenant->is_reading = true;
	for (uint32_t i = 0; i < tenant->n_slots; i++) {
		tenant->slots[i].is_read = false;
		tenant->slots[i].is_fresh = false;
	}
	return true;
}

void slots_forget_waiter(struct tenant_slots *tenant, struct slots_waiter *waiter)
{
	struct slots_waiter **at = &tenant->waiters;
	while (*at != NULL && *at != waiter) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = waiter->next;
	}
}

void slots_read_row(struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id)
{
	make_room(tenant, number + 1);
	struct slot *slot = &tenant->slots[number];
	slot->is_read = true;
	if (slot->is_fresh || slot->state == SLOT_RESERVED) {
		return;
	}
	uint64_t job = hash_of(job_id);
	slot->is_sure = slot->is_sure && slot->job == job;
	slot->job = job;
	slot->state = SLOT_TAKEN;
}

void slots_read_end(struct tenant_slots *tenant, json_t *rows)
{
	tenant->is_reading = false;
	if (rows != NULL) {
		tenant->is_known = true;
		tenant->is_unsure = false;
		tenant->limit = 0;
	}
	for (uint32_t i = 0; i < tenant->n_slots && rows != NULL; i++) {
		struct slot *slot = &tenant->slots[i];
		if (slot->state == SLOT_TAKEN && !slot->is_read && !slot->is_fresh) {
			slot->state = SLOT_FREE;
		}
	}
	/* Those that come back for another reading stand in a new line. */
	struct slots_waiter *waiter = tenant->waiters;
	tenant->waiters = NULL;
	while (waiter != NULL) {
		struct slots_waiter *next = waiter->next;
		waiter->fn(waiter->user, rows);
		waiter = next;
	}
}

/*
 * Numbers below the bound may be used: the largest b <= limit with b + (numbers >= b in use) <=
 * limit. Rows at or above it only get fewer (nobody with this limit makes one), so there are never
 * more rows than the limit, whatever other processes see. Where no old row lies above the limit the
 * bound is the limit itself.
 */
static uint32_t bound_of(const struct tenant_slots *tenant, uint32_t limit)
{
	uint32_t n_above = 0;
	for (uint32_t i = limit; i < tenant->n_slots; i++) {
		n_above += tenant->slots[i].state != SLOT_FREE ? 1 : 0;
	}
	uint32_t bound = limit;
	while (bound > 0 && bound + n_above > limit) {
		bound--;
		bool is_used = bound < tenant->n_slots && tenant->slots[bound].state != SLOT_FREE;
		n_above += is_used ? 1 : 0;
	}
	return bound;
}

static uint32_t clip(uint32_t limit)
{
	return limit < LAYOUT_MAX_SLOTS ? limit : LAYOUT_MAX_SLOTS;
}

/* Of this process nobody makes rows at `limit` or above while it is the highest; so what there is
 * of others gets only fewer. */
bool slots_survey_begin(struct slots *slots, uint32_t limit)
{
	bool is_wanted = !slots->is_clear && !slots->is_surveyed && clip(limit) >= slots->highest;
	slots->is_surveyed = slots->is_surveyed || is_wanted;
	return is_wanted;
}

void slots_survey_end(struct slots *slots, bool is_clear)
{
	slots->is_surveyed = false;
	slots->is_clear = is_clear;
}

void slots_met(struct slots *slots, uint32_t number)
{
	slots->is_clear = slots->is_clear && number < slots->highest;
}

static uint32_t bound_of_unread(const struct tenant_slots *tenant, uint32_t limit)
{
	const struct slots *all = tenant->all;
	bool is_free = all->is_clear && limit >= all->highest && !tenant->is_unsure;
	return is_free ? limit : 0;
}

bool slots_reserve(
        struct tenant_slots *tenant, uint32_t limit, uint32_t random, uint32_t *ret_number)
{
	uint32_t most = clip(limit);
	/* Others may have gone by a higher limit: what is known of the numbers above it is old. */
	tenant->is_known = tenant->is_known && most >= tenant->limit;
	tenant->limit = most > tenant->limit ? most : tenant->limit;
	uint32_t bound = tenant->is_known ? bound_of(tenant, most) : bound_of_unread(tenant, most);
	tenant->all->highest = most > tenant->all->highest ? most : tenant->all->highest;
	for (uint32_t i = 0; i < bound; i++) {
		uint32_t number = (uint32_t)(((uint64_t)random + i) % bound);
		if (number >= tenant->n_slots || tenant->slots[number].state == SLOT_FREE) {
			make_room(tenant, number + 1);
			tenant->slots[number] =
			        (struct slot){ .state = SLOT_RESERVED, .is_fresh = true };
			*ret_number = number;
			return true;
		}
	}
	return false;
}

bool slots_are_known(const struct tenant_slots *tenant)
{
	return tenant->is_known;
}

void slots_taken(
        struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id, bool is_sure)
{
	make_room(tenant, number + 1);
	tenant->is_unsure = tenant->is_unsure || job_id.size == 0;
	tenant->slots[number] = (struct slot){
		.job = job_id.size != 0 ? hash_of(job_id) : 0,
		.state = SLOT_TAKEN,
		.is_sure = is_sure,
		.is_fresh = true,
	};
}

void slots_freed(struct tenant_slots *tenant, uint32_t number)
{
	if (number < tenant->n_slots) {
		tenant->slots[number] = (struct slot){ .is_fresh = true };
	}
}

void slots_sure(struct tenant_slots *tenant, uint32_t number, struct lucius_text job_id)
{
	if (number < tenant->n_slots && tenant->slots[number].job == hash_of(job_id)) {
		tenant->slots[number].is_sure = true;
	}
}

bool slots_doubtful(const struct tenant_slots *tenant, uint32_t from, uint32_t *ret_number)
{
	for (uint32_t i = from; i < tenant->n_slots; i++) {
		if (tenant->slots[i].state == SLOT_TAKEN && !tenant->slots[i].is_sure) {
			*ret_number = i;
			return true;
		}
	}
	return false;
}
