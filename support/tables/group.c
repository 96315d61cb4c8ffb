/* SPDX-License-Identifier: MIT */
/*
 * One line for each partition that has writes. A group that fails does so because of one write:
 * that one gets the outcome, the others go again in a group half as large.
 */
#include "support/tables/group.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

#define N_BUCKETS 1024u
#define MAX_RUNNING 2u /* groups of one partition */
#define PART_BYTES 700u /* of a batch for one write, without its entity and keys */

struct pending {
	struct pending *next;
	struct line *line;
	struct tables_write write; /* its texts are owned */
	char *token; /* owned; may be NULL */
	bool is_once;
	bool was_sent; /* an earlier group may have had its effect */
	tables_done_fn on_done;
	void *user;
};

struct line {
	struct line *next; /* in its bucket */
	struct groups *groups;
	struct pending *first, *last;
	unsigned n_running;
	size_t max_size; /* of the next group */
	size_t key_size;
	char key[]; /* once or not, table, NUL, partition */
};

struct groups {
	struct tables *tables; /* borrowed */
	struct line *buckets[N_BUCKETS];
};

/* Writes that are under way together. */
struct group {
	struct line *line;
	size_t n_pending;
	struct pending *pending[BATCH_MAX_WRITES]; /* owned; NULL once it has its outcome */
};

struct groups *groups_create(struct tables *tables)
{
	struct groups *groups = must_calloc(1, sizeof(*groups));
	groups->tables = tables;
	return groups;
}

static char *copy_text(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void pending_destroy(struct pending *pending)
{
	free_text(pending->write.table);
	free_text(pending->write.partition);
	free_text(pending->write.row);
	free_text(pending->write.etag);
	free_text(pending->write.entity);
	free(pending->token);
	free(pending);
}

void groups_destroy(struct groups *groups)
{
	if (groups == NULL) {
		return;
	}
	for (size_t i = 0; i < N_BUCKETS; i++) {
		while (groups->buckets[i] != NULL) {
			struct line *line = groups->buckets[i];
			while (line->first != NULL) {
				struct pending *pending = line->first;
				line->first = pending->next;
				pending_destroy(pending);
			}
			groups->buckets[i] = line->next;
			free(line);
		}
	}
	free(groups);
}

static struct line **bucket_of(struct groups *groups, const char *key, size_t size)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	}
	return &groups->buckets[(hash ^ hash >> 15) % N_BUCKETS];
}

/* Writes that must not be sent twice go by themselves: they would end a group of others. */
static struct line *find_line(struct groups *groups, const struct tables_write *write, bool is_once)
{
	size_t table_size = strlen(write->table) + 1;
	size_t partition_size = strlen(write->partition);
	size_t size = 1 + table_size + partition_size;
	struct line *line = must_calloc(1, sizeof(*line) + size + 1);
	line->key[0] = is_once ? '1' : '2';
	memcpy(line->key + 1, write->table, table_size);
	memcpy(line->key + 1 + table_size, write->partition, partition_size);
	struct line **bucket = bucket_of(groups, line->key, size);
	for (struct line *found = *bucket; found != NULL; found = found->next) {
		if (found->key_size == size && memcmp(found->key, line->key, size) == 0) {
			free(line);
			return found;
		}
	}
	line->groups = groups;
	line->key_size = size;
	line->max_size = BATCH_MAX_WRITES;
	line->next = *bucket;
	*bucket = line;
	return line;
}

static void drop_if_idle(struct line *line)
{
	if (line->first != NULL || line->n_running != 0) {
		return;
	}
	struct line **at = bucket_of(line->groups, line->key, line->key_size);
	while (*at != line) {
		at = &(*at)->next;
	}
	*at = line->next;
	free(line);
}

static void append(struct pending *pending)
{
	struct line *line = pending->line;
	pending->next = NULL;
	if (line->last != NULL) {
		line->last->next = pending;
	} else {
		line->first = pending;
	}
	line->last = pending;
}

static void finish(struct pending *pending, const struct tables_result *result)
{
	tables_done_fn on_done = pending->on_done;
	void *user = pending->user;
	pending_destroy(pending);
	on_done(user, result);
}

static bool has_row(const struct group *group, const char *row)
{
	for (size_t i = 0; i < group->n_pending; i++) {
		if (strcmp(group->pending[i]->write.row, row) == 0) {
			return true;
		}
	}
	return false;
}

/* Moves as many as may go together from the front of the line into the group. */
static void gather(struct line *line, struct group *group)
{
	size_t n_bytes = 0;
	while (line->first != NULL && group->n_pending < line->max_size) {
		struct pending *pending = line->first;
		const struct tables_write *write = &pending->write;
		n_bytes += PART_BYTES + write->entity_size +
		        6 * (strlen(write->partition) + strlen(write->row));
		bool is_other = group->n_pending != 0 &&
		        (n_bytes > BATCH_MAX_BYTES || has_row(group, write->row));
		if (is_other) {
			return;
		}
		line->first = pending->next;
		line->last = line->first != NULL ? line->last : NULL;
		group->pending[group->n_pending++] = pending;
	}
}

static void on_group_done(void *user, const struct tables_result *result);

static void send_next(struct line *line)
{
	struct groups *groups = line->groups;
	struct group *group = must_calloc(1, sizeof(*group));
	const struct tables_write *writes[BATCH_MAX_WRITES];
	group->line = line;
	gather(line, group);
	line->n_running++;
	struct tables_care care = { .is_once = group->pending[0]->is_once };
	for (size_t i = 0; i < group->n_pending; i++) {
		writes[i] = &group->pending[i]->write;
	}
	if (group->n_pending == 1) {
		tables_write(groups->tables, writes[0], &care, on_group_done, group);
	} else {
		tables_transact(
		        groups->tables, writes, group->n_pending, &care, on_group_done, group);
	}
}

static void pump(struct line *line)
{
	while (line->first != NULL && line->n_running < MAX_RUNNING) {
		/* One is always let through; a second group only when it is worth it. */
		if (line->n_running != 0 && line->first->next == NULL) {
			return;
		}
		send_next(line);
	}
	drop_if_idle(line);
}

static bool is_about_one(enum tables_status status)
{
	switch (status) {
	case TABLES_EXISTS:
	case TABLES_MISSING:
	case TABLES_CHANGED:
	case TABLES_TOO_LARGE:
	case TABLES_REFUSED:
		return true;
	case TABLES_OK:
	case TABLES_UNAVAILABLE:
	case TABLES_UNKNOWN:
	case TABLES_DENIED:
	case TABLES_NO_TABLE:
		return false;
	}
	return false;
}

/* The outcome of one write, which reading its row may still correct. */
static void conclude(struct pending *pending, const struct tables_result *result)
{
	struct groups *groups = pending->line->groups;
	struct tables_result own = *result;
	own.is_repeated = result->is_repeated || pending->was_sent;
	own.etags = NULL;
	bool is_conflict = own.status == TABLES_EXISTS || own.status == TABLES_CHANGED ||
	        own.status == TABLES_MISSING;
	if (own.status == TABLES_UNAVAILABLE && own.is_repeated) {
		own.status = TABLES_UNKNOWN;
	}
	if (is_conflict && own.is_repeated && pending->token != NULL) {
		tables_settle(groups->tables, &pending->write, pending->token, pending->on_done,
		        pending->user);
		pending_destroy(pending);
		return;
	}
	finish(pending, &own);
}

/* All but the failed one go back to the front of the line. */
static void take_back(struct group *group, const struct tables_result *result)
{
	struct line *line = group->line;
	for (size_t i = group->n_pending; i > 0; i--) {
		struct pending *pending = group->pending[i - 1];
		if (i - 1 == result->failed) {
			continue;
		}
		pending->was_sent = pending->was_sent || result->is_repeated;
		pending->next = line->first;
		line->first = pending;
		line->last = line->last != NULL ? line->last : pending;
	}
	line->max_size = group->n_pending > 2 ? group->n_pending / 2 : 1;
}

static void on_group_done(void *user, const struct tables_result *result)
{
	struct group *group = user;
	struct line *line = group->line;
	if (group->n_pending > 1 && is_about_one(result->status)) {
		take_back(group, result);
		conclude(group->pending[result->failed], result);
	} else {
		line->max_size = line->max_size * 2 < BATCH_MAX_WRITES ? line->max_size * 2
		                                                       : BATCH_MAX_WRITES;
		for (size_t i = 0; i < group->n_pending; i++) {
			struct tables_result own = *result;
			own.etag = group->n_pending == 1 ? result->etag
			        : result->etags != NULL  ? result->etags[i]
			                                 : NULL;
			conclude(group->pending[i], &own);
		}
	}
	free(group);
	line->n_running--;
	pump(line);
}

void groups_write(struct groups *groups, const struct tables_write *write,
        const struct tables_care *care, tables_done_fn on_done, void *user)
{
	struct pending *pending = must_calloc(1, sizeof(*pending));
	pending->line = find_line(groups, write, care->is_once);
	pending->write = (struct tables_write){
		.verb = write->verb,
		.table = copy_text(write->table),
		.partition = copy_text(write->partition),
		.row = copy_text(write->row),
		.etag = copy_text(write->etag),
		.entity =
		        write->entity != NULL ? must_copy(write->entity, write->entity_size) : NULL,
		.entity_size = write->entity_size,
	};
	pending->token = copy_text(care->token);
	pending->is_once = care->is_once;
	pending->on_done = on_done;
	pending->user = user;
	append(pending);
	pump(pending->line);
}
